/* tests/real/real_label.c: real annotation files through the real binary on two ranks, and the peers' whole golden
 * set
 *
 * ANC_REAL is a folder with data/ (annotation files) and peers/golden/ (what the systems themselves
 * produced), which are not part of this repository. tests/real/real_label.py recomputes counts, labels and targets
 * with numpy alone.
 */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *real(void)
{
    const char *path = getenv("ANC_REAL");
    if (!path) puts("ANC_REAL must name the folder with data/ and peers/; run `make check-real REAL=FOLDER`");
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    return path;
}

/* Calls each() for every JSON file of a kind, "detection" or "other"; returns how many there are. */
static int for_each(const char *kind, void (*each)(const char *path))
{
    char *list = NULL;
    int code = check_run(&list,
                         "here=$PWD && cd %s/data && "
                         "for f in $(find coco voc crossformat_toy fixtures_* -iname '*.json' | sort); "
                         "do echo $PWD/$f $(/usr/bin/python3 $here/tests/real/real_label.py kind $f); done",
                         real());
    CU_ASSERT_EQUAL_FATAL(code, 0);
    int n = 0;
    char *save = NULL;
    for (char *line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *space = strchr(line, ' ');
        CU_ASSERT_PTR_NOT_NULL_FATAL(space);
        *space = '\0';
        if (strcmp(space + 1, kind)) continue;
        each(line);
        n++;
    }
    free(list);
    return n;
}

static const char *preset;

static void label_and_recompute(const char *path)
{
    char *text = NULL;
    const char *out = check_path("targets"), *summary = check_path("summary.json");
    int code = check_run(
        &text,
        "timeout -k 10 300 mpirun -n 2 %s label %s -o %s --restart --quiet --preset %s --flip 0.5 --seed 7 "
        "--images-per-shard 64 --assignment --with-gt --summary-json %s",
        ANC_BINARY, path, out, preset, summary);
    CU_ASSERT_EQUAL(code, 0);
    if (code) printf("%s: %s", path, text);
    free(text);
    if (code) return;
    code = check_run(&text, "/usr/bin/python3 tests/real/real_label.py check %s %s %s", path, out, summary);
    CU_ASSERT_EQUAL(code, 0);
    printf("    %s", text);
    free(text);
}

static void every_detection_file_under(const char *name)
{
    preset = name;
    puts("");
    int n = for_each("detection", label_and_recompute);
    CU_ASSERT(n >= 20);
}

static void labels_under_torchvision_fpn_equal_numpys(void) { every_detection_file_under("torchvision-fpn"); }
static void labels_under_torchvision_0_14_fpn_equal_numpys(void)
{
    every_detection_file_under("torchvision-0.14-fpn");
}
static void labels_under_detectron2_fpn_equal_numpys(void) { every_detection_file_under("detectron2-fpn"); }
static void labels_under_mmdet_fpn_equal_numpys(void) { every_detection_file_under("mmdet-fpn"); }
static void labels_under_maskrcnn_benchmark_fpn_equal_numpys(void)
{
    every_detection_file_under("maskrcnn-benchmark-fpn");
}
static void labels_under_faster_rcnn_vgg16_equal_numpys(void)
{
    every_detection_file_under("faster-rcnn-vgg16");
}

/* Its own transform, anchors, labels, draws and targets, under the preset of its version; mirrored, too. */
static void the_installed_torchvision_makes_the_same_of_every_view(void)
{
    const char *coco128 = check_path("coco128.json"), *bccd = check_path("bccd.json");
    const struct {
        const char *json, *options;
    } runs[] = { { coco128, "" }, { coco128, "--flip 0.5 --epochs 2" }, { bccd, "" } };
    char *its = NULL, *text = NULL;
    int code = check_run(&its, "/usr/bin/python3 tests/real/real_torchvision.py preset");
    its[strcspn(its, "\n")] = '\0';
    CU_ASSERT(!code || code == 3);
    if (code) printf("\n%s\n", its); /* NOT RUN, and why */
    CU_ASSERT_EQUAL(check_run(NULL,
                              "cp %s/data/coco/coco128_instances_train2017.json %s && %s import -q "
                              "%s/data/bccd -o %s",
                              real(), coco128, ANC_BINARY, real(), bccd),
                    0);
    for (size_t i = 0; !code && i < sizeof runs / sizeof *runs; i++) {
        const char *out = check_path("installed-%zu", i);
        int differs = check_run(&text,
                                "%s label -q %s -o %s --preset %s --sampler torch --seed 1 --assignment "
                                "--with-gt --images-per-shard 64 %s && "
                                "OMP_NUM_THREADS=1 /usr/bin/python3 tests/real/real_torchvision.py check %s %s",
                                ANC_BINARY, runs[i].json, out, its, runs[i].options, runs[i].json, out);
        CU_ASSERT_EQUAL(differs, 0);
        printf("\n    %s", text);
        free(text);
    }
    free(its);
}

static void refused_in_one_line(const char *path)
{
    char *text = NULL;
    const char *out = check_path("refused");
    CU_ASSERT_EQUAL(check_run(&text, "%s label %s -o %s", ANC_BINARY, path, out), 1);
    const char *end = strchr(text, '\n');
    CU_ASSERT(!strncmp(text, "anchorage: label: ", 18) && strstr(text, path) && end && !end[1]);
    free(text);
    CU_ASSERT_NOT_EQUAL(check_run(NULL, "test -e %s", out), 0); /* and nothing is left */
}

static void files_without_boxes_are_refused_in_one_line(void)
{
    CU_ASSERT(for_each("other", refused_in_one_line) >= 5);
}

static void a_captions_file_is_called_one(void)
{
    char *text = NULL;
    int code = check_run(&text, "%s label %s/data/coco/not_detection_captions_train2017.json -o %s",
                         ANC_BINARY, real(), check_path("captions"));
    CU_ASSERT_EQUAL(code, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "captions file"));
    free(text);
}

/* The part of the set that tests/golden holds is cut short; here every target of every case counts. */
static void the_whole_golden_set_is_reproduced(void)
{
    const char *whole = check_path("whole.h5");
    CU_ASSERT_EQUAL_FATAL(
        check_run(NULL, "/usr/bin/python3 tests/golden/cut_golden.py %s/peers/golden %s", real(), whole), 0);
    char *text = NULL;
    int code = check_run(&text, "ANCHORAGE_GOLDEN=%s $(dirname %s)/unit golden", whole, ANC_BINARY);
    CU_ASSERT_EQUAL(code, 0);
    if (code) puts(text);
    free(text);
}

CHECK_SUITE("label", CHECK(the_installed_torchvision_makes_the_same_of_every_view),
            CHECK(labels_under_torchvision_fpn_equal_numpys),
            CHECK(labels_under_torchvision_0_14_fpn_equal_numpys),
            CHECK(labels_under_detectron2_fpn_equal_numpys), CHECK(labels_under_mmdet_fpn_equal_numpys),
            CHECK(labels_under_maskrcnn_benchmark_fpn_equal_numpys),
            CHECK(labels_under_faster_rcnn_vgg16_equal_numpys),
            CHECK(files_without_boxes_are_refused_in_one_line), CHECK(a_captions_file_is_called_one),
            CHECK(the_whole_golden_set_is_reproduced));
