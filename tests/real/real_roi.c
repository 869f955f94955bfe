/* tests/real/real_roi.c: the second stage on real annotation files, through the real binary on two ranks, and
 * numpy again
 *
 * ANC_REAL is a folder with data/coco and data/voc, which are not part of this repository. Proposals are
 * drawn by tests/python/make_proposals.py.
 */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char from_zero[] = "[roi]\nclasses = from-zero\n";

static void recompute(const char *path)
{
    const char *proposals = check_path("proposals.h5"), *out = check_path("real-rois");
    const char *ini = check_file("from-zero.ini", from_zero, strlen(from_zero));
    char *text;
    int code =
        check_run(&text,
                  "/usr/bin/python3 tests/python/make_proposals.py %s %s 300 && timeout -k 10 300 mpirun -n 2 %s "
                  "label %s -o %s "
                  "--stage roi --proposals %s --config %s --restart -q --flip 0.5 --images-per-shard 200 && "
                  "/usr/bin/python3 tests/python/read_roi_targets.py %s %s %s/targets.h5",
                  path, proposals, ANC_BINARY, path, out, proposals, ini, path, proposals, out);
    CU_ASSERT_EQUAL(code, 0);
    printf("    %s: %s", strrchr(path, '/') + 1, text);
    free(text);
}

static void rois_of_real_images_equal_numpys(void)
{
    char *list = NULL;
    const char *real = getenv("ANC_REAL");
    if (!real) puts("ANC_REAL must name the folder with data/; run `make check-real REAL=FOLDER`");
    CU_ASSERT_PTR_NOT_NULL_FATAL(real);
    CU_ASSERT_EQUAL_FATAL(check_run(&list, "ls %s/data/coco/[!n]*.json %s/data/voc/*.json", real, real), 0);
    int n = 0;
    char *save = NULL;
    puts("");
    for (char *path = strtok_r(list, "\n", &save); path; path = strtok_r(NULL, "\n", &save), n++)
        recompute(path);
    CU_ASSERT(n >= 8);
    free(list);
}

CHECK_SUITE("roi", CHECK(rois_of_real_images_equal_numpys));
