/* tests/unit/test_format.c: jobs/cli/format */
#include "jobs/cli/format.h"
#include "tests/check.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static void same(anc_format got, const char *want)
{
    if (strcmp(got.text, want)) fprintf(stderr, "got \"%s\", want \"%s\"\n", got.text, want);
    CU_ASSERT_STRING_EQUAL(got.text, want);
}

static void a_time_has_the_units_that_a_person_would_say(void)
{
    same(anc_format_time(0), "0 ms");
    same(anc_format_time(0.0123), "12 ms");
    same(anc_format_time(8.3), "8.3 s");
    same(anc_format_time(41.2), "41 s");
    same(anc_format_time(125), "2 min 5 s");
    same(anc_format_time(7800), "2 h 10 min");
    same(anc_format_time(3 * 86400 + 4 * 3600), "3 d 4 h");
}

static void no_time_rounds_to_a_full_larger_unit(void)
{
    same(anc_format_time(0.9994), "999 ms");
    same(anc_format_time(0.9999), "1.0 s");
    same(anc_format_time(9.94), "9.9 s");
    same(anc_format_time(9.96), "10 s");
    same(anc_format_time(59.7), "1 min 0 s");
    same(anc_format_time(3599.6), "1 h 0 min");
    same(anc_format_time(86399), "1 d 0 h");
}

static void what_is_no_time_is_a_question_mark(void)
{
    same(anc_format_time(NAN), "?");
    same(anc_format_time(INFINITY), "?");
    same(anc_format_time(-1), "?");
    same(anc_format_time(1e300), "?");
}

static void bytes_count_in_powers_of_1024(void)
{
    same(anc_format_bytes(0), "0 B");
    same(anc_format_bytes(1023), "1023 B");
    same(anc_format_bytes(1024), "1.0 KiB");
    same(anc_format_bytes(12687769), "12.1 MiB");
    same(anc_format_bytes(1395864371), "1.3 GiB");
    same(anc_format_bytes(500 * 1024), "500 KiB");
    same(anc_format_bytes(1024 * 1024 - 1), "1.0 MiB");
    same(anc_format_bytes(INT64_MAX), "8.0 EiB");
}

static void counts_have_commas_between_thousands(void)
{
    same(anc_format_count(0), "0");
    same(anc_format_count(999), "999");
    same(anc_format_count(1000), "1,000");
    same(anc_format_count(1234567), "1,234,567");
    same(anc_format_count(-1234567), "-1,234,567");
    same(anc_format_count(-123), "-123");
    same(anc_format_count(INT64_MIN), "-9,223,372,036,854,775,808");
}

static void a_rate_keeps_two_digits_or_so(void)
{
    same(anc_format_rate(0), "0.0");
    same(anc_format_rate(0.25), "0.25");
    same(anc_format_rate(8.31), "8.3");
    same(anc_format_rate(41.7), "42");
    same(anc_format_rate(605.2), "605");
    same(anc_format_rate(12345), "12,345");
    same(anc_format_rate(NAN), "?");
}

static void counts_name_one_thing_and_more(void)
{
    static const struct {
        int64_t n;
        const char *one, *text;
    } cases[] = { { 1, "view", "1 view" },
                  { 2, "view", "2 views" },
                  { 0, "view", "0 views" },
                  { 1234567, "image", "1,234,567 images" },
                  { 1, "box", "1 box" },
                  { 3, "box", "3 boxes" },
                  { 2, "class", "2 classes" },
                  { 2, "batch", "2 batches" },
                  { 1, "category", "1 category" },
                  { 2, "category", "2 categories" },
                  { 2, "epoch", "2 epochs" },
                  { 2, "key", "2 keys" },
                  { 5, "crowd region", "5 crowd regions" },
                  { -2, "step", "-2 steps" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CU_ASSERT_STRING_EQUAL(anc_format_of(cases[i].n, cases[i].one).text, cases[i].text);
    CU_ASSERT_STRING_EQUAL(anc_format_verb(1, "has", "have"), "has");
    CU_ASSERT_STRING_EQUAL(anc_format_verb(0, "has", "have"), "have");
    const char *longest = "thing whose name is longer than any that will ever be counted here";
    CU_ASSERT_EQUAL(strlen(anc_format_of(INT64_MIN, longest).text), sizeof(anc_format) - 1);
}

CHECK_SUITE("format", CHECK(counts_name_one_thing_and_more),
            CHECK(a_time_has_the_units_that_a_person_would_say), CHECK(no_time_rounds_to_a_full_larger_unit),
            CHECK(what_is_no_time_is_a_question_mark), CHECK(bytes_count_in_powers_of_1024),
            CHECK(counts_have_commas_between_thousands), CHECK(a_rate_keeps_two_digits_or_so));
