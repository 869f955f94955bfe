/* tests/unit/test_field.c: lines into fields, fields into numbers (io/text/field.h) */
#include "io/text/field.h"
#include "tests/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t split(const char *text, char separator, char **field, size_t capacity)
{
    static char line[256];
    snprintf(line, sizeof line, "%s", text);
    return anc_field_split(line, separator, field, capacity);
}

static void runs_of_blanks_part_fields(void)
{
    char *f[4] = { 0 };
    CU_ASSERT_EQUAL(split("  Car\t0.00 -1  ", ' ', f, 4), 3);
    CU_ASSERT_STRING_EQUAL(f[0], "Car");
    CU_ASSERT_STRING_EQUAL(f[1], "0.00");
    CU_ASSERT_STRING_EQUAL(f[2], "-1");
    CU_ASSERT_EQUAL(split("", ' ', f, 4), 0);
    CU_ASSERT_EQUAL(split(" \t ", ' ', f, 4), 0);
}

static void a_comma_at_the_end_begins_no_field(void)
{
    char *f[4] = { 0 };
    CU_ASSERT_EQUAL(split("1, 2 ,,4,", ',', f, 4), 4);
    CU_ASSERT_STRING_EQUAL(f[0], "1");
    CU_ASSERT_STRING_EQUAL(f[1], "2");
    CU_ASSERT_STRING_EQUAL(f[2], "");
    CU_ASSERT_STRING_EQUAL(f[3], "4");
    CU_ASSERT_EQUAL(split("1,2", ',', f, 4), 2);
    CU_ASSERT_EQUAL(split(",", ',', f, 4), 1);
    CU_ASSERT_EQUAL(split("  ", ',', f, 4), 0);
}

static void fields_beyond_the_room_are_counted_only(void)
{
    char *f[2] = { 0 };
    CU_ASSERT_EQUAL(split("a b c d", ' ', f, 2), 4);
    CU_ASSERT_STRING_EQUAL(f[1], "b");
    CU_ASSERT_EQUAL(split("a,b,c,d", ',', f, 2), 4);
    CU_ASSERT_STRING_EQUAL(f[1], "b");
}

static void numbers_are_whole_texts(void)
{
    static const struct {
        const char *text;
        double value;
    } good[] = { { "0", 0 },      { "-3.5", -3.5 },
                 { "+7", 7 },     { ".5", 0.5 },
                 { "5.", 5 },     { "5.6e-05", 5.6e-5 },
                 { "1E3", 1000 }, { "0.4345020000000001", 0.4345020000000001 },
                 { "-.25", -.25 } };
    static const char *const bad[] = { "",    "-",   "+",     ".",   "e5",  "1e",    "1e+",
                                       "nan", "inf", "0x10",  "1 2", "1,5", "1.2.3", "--1",
                                       "+-1", "1-",  "1e400", "1f",  "٣" };
    anc_number_reader r;
    double got;
    CU_ASSERT_FATAL(anc_number_open(&r));
    for (size_t k = 0; k < sizeof good / sizeof *good; k++)
        CU_ASSERT(anc_field_real(&r, good[k].text, &got) && got == good[k].value);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) CU_ASSERT_FALSE(anc_field_real(&r, bad[k], &got));
    anc_number_close(&r);
}

static void whole_numbers_have_no_fraction(void)
{
    anc_number_reader r;
    int64_t got;
    CU_ASSERT_FATAL(anc_number_open(&r));
    CU_ASSERT(anc_field_whole(&r, "-12", &got) && got == -12);
    CU_ASSERT(anc_field_whole(&r, "+3.0", &got) && got == 3);
    CU_ASSERT(anc_field_whole(&r, "9223372036854775807", &got) && got == INT64_MAX);
    CU_ASSERT_FALSE(anc_field_whole(&r, "9223372036854775808", &got));
    CU_ASSERT_FALSE(anc_field_whole(&r, "1.5", &got));
    CU_ASSERT_FALSE(anc_field_whole(&r, "1x", &got));
    CU_ASSERT_FALSE(anc_field_whole(&r, "", &got));
    anc_number_close(&r);
}

static void numbers_equal_strtods(void)
{
    check_rng rng = { 5 };
    anc_number_reader r;
    CU_ASSERT_FATAL(anc_number_open(&r));
    for (int k = 0; k < 50000; k++) {
        char text[64];
        double value = (check_uniform(&rng) - 0.5) * pow(10, check_int(&rng, -8, 8)), got = 0;
        snprintf(text, sizeof text, check_int(&rng, 0, 1) ? "%.*f" : "%.*e", check_int(&rng, 0, 17), value);
        CU_ASSERT(anc_field_real(&r, text, &got) && got == strtod(text, NULL));
    }
    anc_number_close(&r);
}

CHECK_SUITE("field", CHECK(runs_of_blanks_part_fields), CHECK(a_comma_at_the_end_begins_no_field),
            CHECK(fields_beyond_the_room_are_counted_only), CHECK(numbers_are_whole_texts),
            CHECK(whole_numbers_have_no_fraction), CHECK(numbers_equal_strtods));
