/* tests/unit/test_opts.c: jobs/cli/opts, by its return values, variables and printed lines */
#include "core/words.h"
#include "jobs/job.h"
#include "jobs/cli/opts.h"
#include "tests/check.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    bool quiet;
    int64_t count, bytes, any;
    double iou;
    const char *output, *rule, *operand[8];
    anc_opt_list set;
    int n_operands, end;
    char *out, *err; /* what was printed */
    char *words;     /* what operands and texts point into */
} result;

static result parse(const char *line)
{
    result r = { .count = 7, .bytes = 64 << 20, .iou = 0.7, .output = "here", .words = strdup(line) };
    char *argv[32] = { "test" };
    int argc = 1;
    for (char *w = strtok(r.words, " "); w; w = strtok(NULL, " ")) argv[argc++] = strcmp(w, "''") ? w : "";
    const anc_opt options[] = {
        { "quiet", 'q', NULL, ANC_OPT_FLAG, &r.quiet, 0, 0, "say less" },
        { "count", 'n', "N", ANC_OPT_INT, &r.count, 1, 100, "how many" },
        { "any", 0, "N", ANC_OPT_INT, &r.any, 0, 0, "any number" },
        { "buffer", 0, "SIZE", ANC_OPT_SIZE, &r.bytes, 0, 1e12, "memory to use" },
        { "object-iou", 0, "X", ANC_OPT_REAL, &r.iou, 0, 1,
          "an anchor with this much overlap is an object, which is a help text long enough to need a second "
          "line" },
        { "output", 'o', "DIR", ANC_OPT_STRING, &r.output, 0, 0, "where to" },
        { "rule", 0, "RULE", ANC_OPT_ONCE, &r.rule, 0, 0, "what to do" },
        { "set", 0, "KEY=VALUE", ANC_OPT_LIST, &r.set, 0, 0, "override" },
        { 0 },
    };
    const anc_usage usage = { "test", "FILE [FILE]", 1, 2, "Tests things.", "anchorage test a", options };
    FILE *kept[2] = { stdout, stderr };
    size_t n;
    stdout = open_memstream(&r.out, &n);
    stderr = open_memstream(&r.err, &n);
    r.end = anc_opts_parse(&usage, argc, argv, r.operand, &r.n_operands);
    fclose(stdout);
    fclose(stderr);
    stdout = kept[0];
    stderr = kept[1];
    return r;
}

static void forget(result *r)
{
    free(r->out);
    free(r->err);
    free(r->words);
}

static void options_and_operands_mix_freely(void)
{
    result r = parse("a -n 3 --quiet b --object-iou=0.25 -oX --buffer 3k");
    CU_ASSERT_EQUAL(r.end, 0);
    CU_ASSERT_EQUAL(r.n_operands, 2);
    CU_ASSERT_STRING_EQUAL(r.operand[0], "a");
    CU_ASSERT_STRING_EQUAL(r.operand[1], "b");
    CU_ASSERT(r.quiet && r.count == 3 && r.iou == 0.25 && r.bytes == 3072);
    CU_ASSERT_STRING_EQUAL(r.output, "X");
    CU_ASSERT_STRING_EQUAL(r.err, "");
    forget(&r);
}

static void defaults_stay_when_nothing_is_given(void)
{
    result r = parse("a");
    CU_ASSERT(r.end == 0 && !r.quiet && r.count == 7 && r.iou == 0.7 && r.bytes == 64 << 20 && r.set.n == 0);
    forget(&r);
}

static void two_dashes_end_the_options(void)
{
    result r = parse("-q -- --count -n");
    CU_ASSERT(r.end == 0 && r.quiet && r.n_operands == 2 && r.count == 7);
    CU_ASSERT_STRING_EQUAL(r.operand[0], "--count");
    forget(&r);
}

static void short_flags_join_and_take_an_argument(void)
{
    result r = parse("-qn5 -");
    CU_ASSERT(r.end == 0 && r.quiet && r.count == 5 && r.n_operands == 1);
    CU_ASSERT_STRING_EQUAL(r.operand[0], "-");
    forget(&r);
}

static void a_list_keeps_its_order(void)
{
    result r = parse("--set a=1 f --set=b=2");
    CU_ASSERT(r.end == 0 && r.set.n == 2);
    CU_ASSERT_STRING_EQUAL(r.set.item[0], "a=1");
    CU_ASSERT_STRING_EQUAL(r.set.item[1], "b=2");
    forget(&r);
}

static void numbers_end_where_they_are_allowed_to(void)
{
    static const struct {
        const char *line;
        bool good;
        int64_t count, any, bytes;
    } cases[] = {
        { "f -n 1", true, 1, 0, 64 << 20 },
        { "f -n 100", true, 100, 0, 64 << 20 },
        { "f --any -9223372036854775808", true, 7, INT64_MIN, 64 << 20 },
        { "f --any 9223372036854775807", true, 7, INT64_MAX, 64 << 20 },
        { "f --buffer 931G", true, 7, 0, 931LL << 30 },
        { "f --buffer 0", true, 7, 0, 0 },
        { "f -n 0", false, 0, 0, 0 },
        { "f -n 101", false, 0, 0, 0 },
        { "f --any 9223372036854775808", false, 0, 0, 0 },
        { "f --buffer 932G", false, 0, 0, 0 },
        { "f --buffer 9223372036854775807G", false, 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        result r = parse(cases[i].line);
        CU_ASSERT_EQUAL(r.end, cases[i].good ? 0 : 1 + ANC_EXIT_USAGE);
        if (cases[i].good)
            CU_ASSERT(r.count == cases[i].count && r.any == cases[i].any && r.bytes == cases[i].bytes);
        forget(&r);
    }
}

static void what_is_no_number_is_refused(void)
{
    static const char *const bad[] = { "4x",  "x",   "''",  "1.5", "0x10", "1e3", "--",    "4kk",
                                       "4kB", "nan", "inf", "+",   "-",    "1k1", "10_000" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char line[64];
        snprintf(line, sizeof line, "f -n %s", bad[i]);
        result r = parse(line);
        CU_ASSERT_EQUAL(r.end, 1 + ANC_EXIT_USAGE);
        forget(&r);
        if (!strcmp(bad[i], "1.5") || !strcmp(bad[i], "1e3")) continue;
        snprintf(line, sizeof line, "f --object-iou %s", bad[i]);
        r = parse(line);
        CU_ASSERT_EQUAL(r.end, 1 + ANC_EXIT_USAGE);
        forget(&r);
        snprintf(line, sizeof line, "f --buffer %s", bad[i]);
        r = parse(line);
        CU_ASSERT_EQUAL(r.end, 1 + ANC_EXIT_USAGE);
        forget(&r);
    }
}

/* Every refusal is one line that names the command, the fault and where to read on. */
static void refusals_say_what_and_where(void)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        { "f -n 4x", "--count: '4x' is not a whole number" },
        { "f -n 0", "--count: 0 is out of range (1 to 100)" },
        { "f --object-iou 1.01", "--object-iou: 1.01 is out of range (0 to 1)" },
        { "f --object-iou -0.1", "--object-iou: -0.1 is out of range (0 to 1)" },
        { "f --object-iou half", "--object-iou: 'half' is not a number" },
        { "f --buffer 4X", "--buffer: '4X' is not a size such as 4096, 64k, 16M or 1G" },
        { "f --cuont 3", "there is no option --cuont (did you mean --count?)" },
        { "f --object 3", "there is no option --object (did you mean --object-iou?)" },
        { "f --xyzzy=3", "there is no option --xyzzy" },
        { "f -x", "there is no option -x" },
        { "f --count", "--count needs an argument, N" },
        { "f -o", "-o needs an argument, DIR" },
        { "f --rule keep --rule drop", "--rule is given twice; keep one" },
        { "f --quiet=yes", "--quiet takes no argument" },
        { "-q", "missing operand: FILE [FILE]" },
        { "a b c", "'c' is one operand too many" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char wanted[256];
        snprintf(wanted, sizeof wanted, "anchorage: test: %s; see anchorage test --help\n", cases[i].says);
        result r = parse(cases[i].line);
        CU_ASSERT_EQUAL(r.end, 1 + ANC_EXIT_USAGE);
        CU_ASSERT_STRING_EQUAL(r.err, wanted);
        CU_ASSERT_STRING_EQUAL(r.out, "");
        forget(&r);
    }
}

static void help_shows_options_defaults_and_an_example(void)
{
    result r = parse("--help");
    CU_ASSERT_EQUAL(r.end, 1 + ANC_EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(r.err, "");
    CU_ASSERT_STRING_EQUAL(
        r.out, "usage: anchorage test [OPTION]... FILE [FILE]\n\n"
               "Tests things.\n\n"
               "Options:\n"
               "  -q, --quiet              say less\n"
               "  -n, --count N            how many (default: 7)\n"
               "      --any N              any number (default: 0)\n"
               "      --buffer SIZE        memory to use (default: 64M)\n"
               "      --object-iou X       an anchor with this much overlap is an object, which is a help "
               "text long\n"
               "                           enough to need a second line (default: 0.7)\n"
               "  -o, --output DIR         where to (default: here)\n"
               "      --rule RULE          what to do\n"
               "      --set KEY=VALUE      override\n"
               "  -h, --help               this text\n"
               "  -V, --version            the program's version\n\n"
               "Example:\n  anchorage test a\n");
    forget(&r);
}

static void ranks_beside_the_first_keep_silent(void)
{
    setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
    setenv("OMPI_COMM_WORLD_RANK", "1", 1);
    result r = parse("--cuont 3");
    CU_ASSERT_EQUAL(r.end, 1 + ANC_EXIT_USAGE);
    CU_ASSERT_STRING_EQUAL(r.err, "");
    forget(&r);
    setenv("OMPI_COMM_WORLD_RANK", "0", 1);
    r = parse("--cuont 3");
    CU_ASSERT_STRING_NOT_EQUAL(r.err, "");
    forget(&r);
    unsetenv("OMPI_COMM_WORLD_RANK");
    unsetenv("OMPI_COMM_WORLD_SIZE");
}

static void the_nearest_word_is_near(void)
{
    static const char *const known[] = { "label", "inspect", "synth", "presets", "object-iou" };
    static const struct {
        const char *word, *near;
    } cases[] = {
        { "lable", "label" },
        { "labels", "label" },
        { "inpsect", "inspect" },
        { "snth", "synth" },
        { "preset", "presets" },
        { "pre", "presets" },
        { "train", NULL },
        { "x", NULL },
        { "", NULL },
        { "objectiou", "object-iou" },
        { "a-word-that-is-much-longer-than-any-option-could-ever-be-in-this-program", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near = anc_nearest(cases[i].word, known, sizeof known / sizeof *known);
        CU_ASSERT(near == cases[i].near || (near && cases[i].near && !strcmp(near, cases[i].near)));
    }
    CU_ASSERT_PTR_NULL(anc_nearest("label", NULL, 0));
}

CHECK_SUITE("opts", CHECK(options_and_operands_mix_freely), CHECK(defaults_stay_when_nothing_is_given),
            CHECK(two_dashes_end_the_options), CHECK(short_flags_join_and_take_an_argument),
            CHECK(a_list_keeps_its_order), CHECK(numbers_end_where_they_are_allowed_to),
            CHECK(what_is_no_number_is_refused), CHECK(refusals_say_what_and_where),
            CHECK(help_shows_options_defaults_and_an_example), CHECK(ranks_beside_the_first_keep_silent),
            CHECK(the_nearest_word_is_near));
