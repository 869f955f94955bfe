/* tests/unit/test_csv.c: comma-separated values (io/text/csv.h) */
#include "io/text/csv.h"
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The rows of a text, fields in <>, rows in lines with their line number; the error instead when there is
 * one. */
static const char *shown_by(const char *text, char separator)
{
    static char out[4096];
    size_t n = 0;
    anc_stream in;
    anc_csv c;
    anc_err err = { 0 };
    anc_stream_memory(&in, text, strlen(text), "made.csv");
    anc_csv_begin(&c, &in, separator);
    out[0] = '\0';
    while (!anc_csv_row(&c, &err) && c.n) {
        n += (size_t)snprintf(out + n, sizeof out - n, "%d", (int)c.line);
        for (size_t k = 0; k < c.n; k++) n += (size_t)snprintf(out + n, sizeof out - n, "<%s>", c.field[k]);
        n += (size_t)snprintf(out + n, sizeof out - n, "\n");
    }
    if (err.code) snprintf(out, sizeof out, "%s", err.text);
    anc_csv_end(&c);
    anc_stream_end(&in);
    return out;
}

static const char *shown(const char *text) { return shown_by(text, ','); }

static void plain_rows_arrive_whatever_ends_a_line(void)
{
    static const char wanted[] = "1<a><b><c>\n2<1><><3>\n";
    CU_ASSERT_STRING_EQUAL(shown("a,b,c\n1,,3\n"), wanted);
    CU_ASSERT_STRING_EQUAL(shown("a,b,c\r\n1,,3\r\n"), wanted);
    CU_ASSERT_STRING_EQUAL(shown("a,b,c\r1,,3"), wanted);
    CU_ASSERT_STRING_EQUAL(shown("\xef\xbb\xbf"
                                 "a,b,c\n1,,3"),
                           wanted);
    CU_ASSERT_STRING_EQUAL(shown(""), "");
    CU_ASSERT_STRING_EQUAL(shown("\n\na,\n\n"), "3<a><>\n");
}

static void quoted_fields_hold_commas_quotes_and_lines(void)
{
    CU_ASSERT_STRING_EQUAL(shown("\"a,b\",\"say \"\"no\"\"\",c\n"), "1<a,b><say \"no\"><c>\n");
    CU_ASSERT_STRING_EQUAL(shown("x,\"two\r\nlines\",y\nz\n"), "1<x><two\nlines><y>\n3<z>\n");
    CU_ASSERT_STRING_EQUAL(shown("\"\",\"\"\n"), "1<><>\n");
    CU_ASSERT_STRING_EQUAL(shown("\"\"\"\"\n"), "1<\">\n");
    CU_ASSERT_STRING_EQUAL(shown("a,\"b\""), "1<a><b>\n");
    CU_ASSERT_STRING_EQUAL(shown("\"b\","), "1<b><>\n");
}

static void the_first_row_tells_tabs_from_commas(void)
{
    CU_ASSERT_STRING_EQUAL(shown_by("a,b\tc\n1\t2,3\n", 0), "1<a,b><c>\n2<1><2,3>\n");
    CU_ASSERT_STRING_EQUAL(shown_by("a,b\n1\t2,3\n", 0), "1<a><b>\n2<1\t2><3>\n");
    CU_ASSERT_STRING_EQUAL(shown_by("\"a\tb\"\tc\n", '\t'), "1<a\tb><c>\n");
}

static void bad_quotes_are_placed(void)
{
    CU_ASSERT_PTR_NOT_NULL(
        strstr(shown("a\nb,\"c\nd\n"), "made.csv:2: a quote is opened here and never closed"));
    CU_ASSERT_PTR_NOT_NULL(strstr(shown("a\n\"b\"c\n"), "made.csv:2: a quote stands within a field"));
    CU_ASSERT_PTR_NOT_NULL(strstr(shown("a\nx\"y,\"z\n"), "made.csv:2: a quote stands within a field"));
}

static void fields_are_bounded(void)
{
    char text[2 * ANC_CSV_MAX_FIELDS + 1];
    memset(text, ',', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    CU_ASSERT_PTR_NOT_NULL(strstr(shown(text), "made.csv:1: over 1024 fields"));
}

static void columns_are_found_by_their_headings(void)
{
    static const char text[] = "ImageID,xmin,XMax\n";
    anc_stream in;
    anc_csv c;
    anc_err err = { 0 };
    anc_stream_memory(&in, text, sizeof text - 1, "made.csv");
    anc_csv_begin(&c, &in, ',');
    CU_ASSERT_EQUAL_FATAL(anc_csv_row(&c, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_csv_column(&c, "XMin"), 1);
    CU_ASSERT_EQUAL(anc_csv_column(&c, "XMax"), 2);
    CU_ASSERT_EQUAL(anc_csv_column(&c, "YMax"), -1);
    anc_csv_end(&c);
    anc_stream_end(&in);
}

/* Written by the rules, read back: the fields are those written. */
static void what_is_written_by_the_rules_comes_back(void)
{
    check_rng rng = { 8 };
    static const char letters[] = "ab,\"\n \t;";
    for (int round = 0; round < 20000; round++) {
        char text[512], wanted[512] = "1";
        size_t n = 0, m = 1;
        int fields = check_int(&rng, 1, 4);
        for (int k = 0; k < fields; k++) {
            text[n++] = '"';
            wanted[m++] = '<';
            for (int left = check_int(&rng, 0, 8); left; left--) {
                char c = letters[check_int(&rng, 0, 7)];
                if (c == '"') text[n++] = c;
                text[n++] = wanted[m++] = c;
            }
            text[n++] = '"';
            text[n++] = k == fields - 1 ? '\n' : ',';
            wanted[m++] = '>';
        }
        text[n] = '\0';
        wanted[m++] = '\n';
        wanted[m] = '\0';
        CU_ASSERT_STRING_EQUAL(shown(text), wanted);
    }
}

CHECK_SUITE("csv", CHECK(plain_rows_arrive_whatever_ends_a_line),
            CHECK(quoted_fields_hold_commas_quotes_and_lines), CHECK(the_first_row_tells_tabs_from_commas),
            CHECK(bad_quotes_are_placed), CHECK(fields_are_bounded),
            CHECK(columns_are_found_by_their_headings), CHECK(what_is_written_by_the_rules_comes_back));
