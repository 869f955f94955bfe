/* tests/real/real_proposals.c: the systems' whole golden set of proposals (ANC_REAL as in real_label.c) */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>

static const char *real(void)
{
    const char *path = getenv("ANC_REAL");
    if (!path) puts("ANC_REAL must name the folder with data/ and peers/; run `make check-real REAL=FOLDER`");
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    return path;
}

/* tests/golden holds only the rows that matter; here every box of every anchor is decoded. */
static void the_whole_golden_set_of_proposals_is_reproduced(void)
{
    const char *whole = check_path("proposals.h5");
    CU_ASSERT_EQUAL_FATAL(
        check_run(NULL, "/usr/bin/python3 tests/golden/cut_proposals.py %s/peers/golden/proposals.h5 %s all",
                  real(), whole),
        0);
    char *text = NULL;
    int code =
        check_run(&text, "ANCHORAGE_GOLDEN_PROPOSALS=%s $(dirname %s)/unit proposals", whole, ANC_BINARY);
    CU_ASSERT_EQUAL(code, 0);
    if (code) puts(text);
    free(text);
}

/* No detector's output lies beside the real annotations, so their own boxes are moved about, and others are
 * added. */
static void recall_on_real_annotations_equals_numpys(void)
{
    static const char *const files[] = { "cocomini80_instances_train2017.json",
                                         "coco128_instances_train2017.json", "taco1500_annotations.json" };
    const char *dir = check_path("recall");
    CU_ASSERT_EQUAL_FATAL(check_run(NULL, "mkdir -p %s", dir), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *text = NULL;
        int code = check_run(
            &text,
            "/usr/bin/python3 tests/python/evaluate.py jitter %s/data/coco/%s %s 5 && for p in coco detectron; do "
            "mpirun -n 2 %s evaluate -q %s/results.json %s/annotations.json -p $p --json %s/$p.json && "
            "/usr/bin/python3 tests/python/evaluate.py check $p %s/results.json %s/annotations.json %s/$p.json || "
            "exit 1; done",
            real(), files[i], dir, ANC_BINARY, dir, dir, dir, dir, dir, dir);
        CU_ASSERT_EQUAL(code, 0);
        if (code) printf("%s: %s", files[i], text);
        free(text);
    }
}

CHECK_SUITE("proposals", CHECK(the_whole_golden_set_of_proposals_is_reproduced),
            CHECK(recall_on_real_annotations_equals_numpys));
