/* tests/e2e/e2e_evaluate.c: `anchorage evaluate` through the real binary, against cocoapi's and Detectron's ways
 * in numpy */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *data(void)
{
    static const char *folder;
    if (folder) return folder;
    const char *made = check_path("evaluate");
    CU_ASSERT_EQUAL_FATAL(
        check_run(NULL, "mkdir %s && /usr/bin/python3 tests/python/evaluate.py make %s 4", made, made), 0);
    return folder = made;
}

/* Runs and expects success; what it printed is malloc'ed. */
static char *evaluate(int ranks, const char *options)
{
    char *text = NULL;
    int code = check_run(&text, "cd %s && timeout -k 10 120 mpirun -n %d %s evaluate -q %s", data(), ranks,
                         ANC_BINARY, options);
    CU_ASSERT_EQUAL(code, 0);
    if (code) puts(text);
    return text;
}

static void equal_to_numpys(const char *protocol)
{
    char options[200], *text = NULL;
    snprintf(options, sizeof options, "results.json annotations.json --protocol %s --json %s.json", protocol,
             protocol);
    free(evaluate(2, options));
    int code = check_run(
        &text, "/usr/bin/python3 tests/python/evaluate.py check %s %s/results.json %s/annotations.json %s/%s.json",
        protocol, data(), data(), data(), protocol);
    CU_ASSERT_EQUAL(code, 0);
    if (code) puts(text);
    free(text);
}

static void recall_by_cocoapis_matching_equals_numpys(void) { equal_to_numpys("coco"); }
static void recall_by_detectrons_matching_equals_numpys(void) { equal_to_numpys("detectron"); }

static void the_two_ways_of_matching_differ(void)
{
    CU_ASSERT_NOT_EQUAL(
        check_run(NULL, "cd %s && grep average coco.json > a && grep average detectron.json > b && cmp a b",
                  data()),
        0);
}

static void every_number_of_ranks_says_the_same(void)
{
    char *one = evaluate(1, "results.json annotations.json --json 1.json --csv 1.csv --categories");
    for (int ranks = 2; ranks <= 4; ranks++) {
        char options[200];
        snprintf(options, sizeof options,
                 "results.json annotations.json --json %d.json --csv %d.csv --categories", ranks, ranks);
        char *text = evaluate(ranks, options);
        CU_ASSERT_STRING_EQUAL(text, one);
        CU_ASSERT_EQUAL(
            check_run(NULL, "cd %s && cmp 1.json %d.json && cmp 1.csv %d.csv", data(), ranks, ranks), 0);
        free(text);
    }
    free(one);
}

static void a_proposals_file_says_the_same_as_the_results_in_json(void)
{
    free(evaluate(1, "results.json annotations.json --json r.json --top 1,5,50"));
    free(evaluate(2, "proposals.h5 annotations.json --json p.json --top 1,5,50"));
    CU_ASSERT_EQUAL(check_run(NULL, "cd %s && cmp r.json p.json", data()), 0);
}

/* One line on stderr that holds `words`, and this exit code; on two ranks (which takes mpirun seconds to end)
 * with --csv. */
static void refused(const char *proposals, const char *options, int want, const char *words)
{
    char *text = NULL;
    int code =
        check_run(&text,
                  "cd %s && %s %s evaluate -q %s annotations.json %s > out 2> complaint; code=$?; "
                  "grep -a '^anchorage' complaint; exit $code",
                  data(), strstr(options, "--csv") ? "mpirun -n 2" : "", ANC_BINARY, proposals, options);
    CU_ASSERT_EQUAL(code, want);
    const char *newline = text ? strchr(text, '\n') : NULL;
    CU_ASSERT(text && strstr(text, words) && newline && !newline[1]);
    if (code != want || !text || !strstr(text, words)) printf("%s: %d: %s", words, code, text);
    free(text);
}

static void broken_results_are_refused_in_one_line(void)
{
    static const struct {
        const char *text, *words;
    } files[] = {
        { "", "ends too early" },
        { "{\"images\": []}", "annotations" },
        { "[1]", "not an object" },
        { "[{\"image_id\": 1, \"bbox\": [1,2,3,4]}]", "score" },
        { "[{\"image_id\": 1.5, \"bbox\": [1,2,3,4], \"score\": 1}]", "whole number" },
        { "[{\"image_id\": 1, \"bbox\": [1,2,3], \"score\": 1}]", "3 numbers" },
        { "[{\"image_id\": 1, \"bbox\": [1,2,-3,4], \"score\": 1}]", "negative" },
        { "[{\"image_id\": 1, \"bbox\": null, \"score\": 1}]", "null" },
        { "[{\"image_id\": 1, \"bbox\": [1,2,3,4], \"score\": 1e999}]", "too large" },
        { "[\n{\"image_id\": 1, \"bbox\": [1,2,3,4], \"score\": 1}", "line 2" },
        { "[{\"image_id\": 77777, \"bbox\": [1,2,3,4], \"score\": 1}]",
          "broken.json: is of other images: none of its 1 (image 77777 is one) is among the " },
        { "[{\"image_id\": -5, \"bbox\": [1,2,3,4], \"score\": 1}]", "(image -5 is one) is among the " },
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = check_file("broken.json", files[i].text, strlen(files[i].text));
        refused(path, "", 1, files[i].words);
    }
    refused("nothing.json", "", 1, "cannot open");
}

static void a_damaged_or_foreign_proposals_file_is_refused(void)
{
    free(evaluate(1, "proposals.h5 annotations.json"));
    CU_ASSERT_EQUAL(
        check_run(NULL,
                  "cd %s && head -c 3000 proposals.h5 > cut.h5 && "
                  "/usr/bin/python3 -c \"import h5py, shutil; shutil.copy('proposals.h5', 'nan.h5'); "
                  "f = h5py.File('nan.h5', 'a'); f['proposals/xyxy'][70, 2] = float('nan')\"; "
                  "/usr/bin/python3 -c \"import h5py, shutil; shutil.copy('proposals.h5', 'short.h5'); "
                  "f = h5py.File('short.h5', 'a'); f['proposals/offset'][-1] -= 1\"; "
                  "%s import -q annotations.json -o annotations.h5",
                  data(), ANC_BINARY),
        0);
    refused("cut.h5", "", 1, "cut.h5");
    refused("nan.h5", "", 1, "not a box");
    refused("short.h5", "", 1, "/proposals/offset");
    refused("annotations.h5", "", 1, "anchorage-proposals");
}

/* The first third of the images is annotated, then every other one, then a few far apart: what the rest has
 * takes no part, and what is said of those that are left is what their own proposals give. */
static void proposals_of_more_images_are_told_and_left_out(void)
{
    static const char script[] =
        "import json, sys\n"
        "a, r = json.load(open('annotations.json')), json.load(open('results.json'))\n"
        "ids = sorted(i['id'] for i in a['images'])\n"
        "n = len(ids)\n"
        "keep = set({'third': ids[:n // 3], 'other': ids[1::2], 'few': ids[5::40]}[sys.argv[1]])\n"
        "of = {b['image_id'] for b in r}\n"
        "a['images'] = [i for i in a['images'] if i['id'] in keep]\n"
        "a['annotations'] = [b for b in a['annotations'] if b['image_id'] in keep]\n"
        "json.dump(a, open('some.json', 'w'))\n"
        "json.dump([b for b in r if b['image_id'] in keep], open('own.json', 'w'))\n"
        "print('note: %d of the %d images of the proposals are not' % (len(of - keep), len(of)))\n";
    const char *path = check_file("some.py", script, sizeof script - 1);
    static const char *const kinds[] = { "third", "other", "few" };
    for (int k = 0; k < 3; k++) {
        char *wanted = NULL;
        CU_ASSERT_EQUAL_FATAL(check_run(&wanted, "cd %s && /usr/bin/python3 %s %s", data(), path, kinds[k]),
                              0);
        wanted[strcspn(wanted, "\n")] = '\0';
        free(evaluate(1, "own.json some.json --json own-figures.json"));
        for (int h5 = 0; h5 < 2; h5++) {
            char *text = evaluate(2, h5 ? "proposals.h5 some.json --json all-figures.json"
                                        : "results.json some.json --json all-figures.json");
            if (!h5) CU_ASSERT_PTR_NOT_NULL(strstr(text, wanted));
            CU_ASSERT_PTR_NOT_NULL(strstr(text, "are not in the annotations and take no part"));
            free(text);
            CU_ASSERT_EQUAL(
                check_run(NULL,
                          "cd %s && sed 's/\"images_not_annotated\":[0-9]*//' own-figures.json > a && "
                          "sed 's/\"images_not_annotated\":[0-9]*//' all-figures.json > b && cmp a b",
                          data()),
                0);
        }
        free(wanted);
    }
}

static void wrong_usage_is_refused(void)
{
    refused("results.json", "--protocol voc", 2, "coco and detectron");
    refused("results.json", "--top 10,1", 2, "--top");
    refused("results.json", "--top 0", 2, "--top");
    refused("results.json", "--top ten", 2, "--top");
    refused("nothing.json", "--csv x.csv", 1, "rank 0: nothing.json");
    refused("results.json", "--json /nowhere/x.json", 2, "/nowhere/x.json");
    refused("results.json", "--csv x.csv --json x.csv", 2, "--json x.csv: the run reads or writes this file");
}

CHECK_SUITE("evaluate", CHECK(recall_by_cocoapis_matching_equals_numpys),
            CHECK(recall_by_detectrons_matching_equals_numpys), CHECK(the_two_ways_of_matching_differ),
            CHECK(every_number_of_ranks_says_the_same),
            CHECK(a_proposals_file_says_the_same_as_the_results_in_json),
            CHECK(broken_results_are_refused_in_one_line),
            CHECK(a_damaged_or_foreign_proposals_file_is_refused),
            CHECK(proposals_of_more_images_are_told_and_left_out), CHECK(wrong_usage_is_refused));
