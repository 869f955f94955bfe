/* tests/unit/test_recall.c: recall by hand; and proposals.h5 and COCO results, written and read back */
#include "core/recall.h"
#include "io/store/proposals.h"
#include "tests/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int32_t tops[] = { 1, 10 };

static anc_recall one_image(anc_recall_protocol protocol, const anc_recall_object *o, int32_t n,
                            const double (*p)[4], const double *score, int32_t m)
{
    anc_recall r = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(anc_recall_init(&r, protocol, tops, 2, 2, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_recall_add(&r, o, n, p, score, m, &err), ANC_OK);
    return r;
}

static void one_proposal_finds_one_object(void)
{
    const anc_recall_object o[] = { { { 0, 0, 100, 100 }, 0, false }, { { 200, 0, 210, 10 }, 1, false } };
    const double p[][4] = { { 0, 0, 100, 72 }, { 0, 0, 100, 95 } }, score[] = { 0.9, 0.1 };
    for (int protocol = 0; protocol < 2; protocol++) {
        anc_recall r = one_image((anc_recall_protocol)protocol, o, 2, p, score, 2);
        CU_ASSERT_EQUAL(anc_recall_objects(&r, 0), 2);
        CU_ASSERT_EQUAL(anc_recall_objects(&r, 1), 1);
        CU_ASSERT_EQUAL(anc_recall_objects(&r, 3), 1);
        CU_ASSERT_DOUBLE_EQUAL(anc_recall_average(&r, 0, 0), 0.25, 1e-12); /* half the objects, at .5 to .7 */
        CU_ASSERT_DOUBLE_EQUAL(anc_recall_average(&r, 3, 1), 1, 1e-12);    /* the second reaches .95 */
        CU_ASSERT_DOUBLE_EQUAL(anc_recall_average(&r, ANC_RECALL_SIZES, 1), 1, 1e-12);
        CU_ASSERT_EQUAL(anc_recall_average(&r, ANC_RECALL_SIZES + 1, 1), 0);
        CU_ASSERT(isnan(anc_recall_average(&r, 2, 1))); /* no object of medium size */
        anc_recall_free(&r);
    }
}

static void crowds_are_no_objects_and_take_proposals_only_under_coco(void)
{
    /* the best proposal lies in the crowd region and over the object by 0.6; coco gives it the object first
     */
    const anc_recall_object o[] = { { { 0, 0, 400, 400 }, 0, true }, { { 0, 0, 100, 60 }, 0, false } };
    const double p[][4] = { { 0, 0, 100, 100 } }, score[] = { 1 };
    for (int protocol = 0; protocol < 2; protocol++) {
        anc_recall r = one_image((anc_recall_protocol)protocol, o, 2, p, score, 1);
        CU_ASSERT_EQUAL(anc_recall_objects(&r, 0), 1);
        CU_ASSERT_EQUAL(anc_recall_found(&r, 0, 2, 0), 1);
        CU_ASSERT_EQUAL(anc_recall_found(&r, 0, 3, 0), 0);
        anc_recall_free(&r);
    }
}

static void the_best_score_chooses_under_coco_and_the_largest_iou_under_detectron(void)
{
    const anc_recall_object o[] = { { { 0, 0, 100, 100 }, 0, false }, { { 0, 0, 100, 80 }, 0, false } };
    /* the first proposal prefers object 1 (.9375 against .75), the second can only have that one, exactly */
    const double p[][4] = { { 0, 0, 100, 75 }, { 0, 0, 100, 80 } }, score[] = { 2, 1 };
    anc_recall r = one_image(ANC_RECALL_COCO, o, 2, p, score, 2);
    CU_ASSERT_EQUAL(anc_recall_found(&r, 0, 6, 1),
                    2); /* .8: object 1 to the first, object 0 to the second, .8 */
    anc_recall_free(&r);
    r = one_image(ANC_RECALL_DETECTRON, o, 2, p, score, 2);
    CU_ASSERT_EQUAL(anc_recall_found(&r, 0, 6, 1),
                    1); /* object 1 to the second, object 0 to the first, .75 */
    CU_ASSERT_EQUAL(anc_recall_found(&r, 0, 9, 1), 1);
    anc_recall_free(&r);
}

static void ties_go_to_the_proposal_that_stands_first(void)
{
    const anc_recall_object o[] = { { { 0, 0, 100, 100 }, 0, false } };
    const double p[][4] = { { 0, 0, 100, 60 }, { 0, 0, 100, 100 } }, score[] = { 1, 1 };
    anc_recall r = one_image(ANC_RECALL_COCO, o, 1, p, score, 2);
    CU_ASSERT_EQUAL(anc_recall_found(&r, 0, 0, 0), 1);
    CU_ASSERT_EQUAL(anc_recall_found(&r, 0, 9, 0), 0);
    CU_ASSERT_EQUAL(anc_recall_found(&r, 0, 9, 1), 1);
    anc_recall_free(&r);
}

/* ---- files ---- */

static int64_t ids[] = { -4, 9, 12 }, offsets[] = { 0, 2, 2, 5 };
static double boxes[][4] = {
    { 0, 0, 10.25, 4 }, { 1, 1, 1, 1 }, { -3, 2, 1e6, 7.1f }, { 0.1f, 0.2f, 0.3f, 0.4f }, { 5, 5, 6, 9 }
};
static double marks[] = { 0.9f, -2.5, 1, 0.1f, 0 };
static int32_t levels[] = { 0, 4, 1, 1, 2 };
static const anc_proposal_set some = { 3, 5, ids, offsets, boxes, marks, levels };

static void a_file_reads_back_whole_and_in_parts(void)
{
    const char *path = check_path("proposals.h5"), *again = check_path("again.h5");
    anc_err err = { 0 };
    anc_proposals *p;
    anc_proposal_set got = { 0 };
    CU_ASSERT_EQUAL_FATAL(anc_proposals_write(path, &some, "{}", &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_proposals_write(again, &some, "{}", &err), ANC_OK);
    CU_ASSERT_EQUAL(check_run(NULL, "cmp %s %s && test ! -e %s.part", path, again, path), 0);
    CU_ASSERT_EQUAL_FATAL(anc_proposals_open(path, &p, &err), ANC_OK);
    CU_ASSERT_STRING_EQUAL(anc_proposals_format(p), "proposals");
    CU_ASSERT(anc_proposals_images(p) == 3 && anc_proposals_count(p) == 5);
    for (int64_t first = 0; first <= 3; first++)
        for (int64_t n = 0; first + n <= 3; n++) {
            CU_ASSERT_EQUAL_FATAL(anc_proposals_read(p, first, n, &got, &err), ANC_OK);
            CU_ASSERT_EQUAL(got.n, offsets[first + n] - offsets[first]);
            CU_ASSERT(!memcmp(got.xyxy, boxes + offsets[first], (size_t)got.n * sizeof *boxes));
            CU_ASSERT(!memcmp(got.score, marks + offsets[first], (size_t)got.n * sizeof *marks));
            CU_ASSERT(!memcmp(got.level, levels + offsets[first], (size_t)got.n * sizeof *levels));
            anc_proposal_set_clear(&got);
        }
    anc_proposals_close(p);
}

static void a_file_in_pieces_has_the_bytes_of_one_in_one_go(void)
{
    enum { IMAGES = 40, MOST = 3000 }; /* more rows than a chunk has */
    check_rng r = { 41 };
    static int64_t id[IMAGES], offset[IMAGES + 1];
    static double box[IMAGES * MOST][4], score[IMAGES * MOST];
    static int32_t level[IMAGES * MOST];
    for (int i = 0; i < IMAGES; i++)
        id[i] = 3 * i, offset[i + 1] = offset[i] + (i % 7 ? check_int(&r, 0, MOST) : 0);
    for (int64_t k = 0; k < offset[IMAGES]; k++) {
        for (int e = 0; e < 4; e++) box[k][e] = (double)(float)(check_uniform(&r) * 100) + (e > 1 ? 100 : 0);
        score[k] = (double)(float)check_uniform(&r);
        level[k] = check_int(&r, 0, 4);
    }
    const anc_proposal_set all = { IMAGES, offset[IMAGES], id, offset, box, score, level };
    const char *whole = check_path("whole.h5"), *pieces = check_path("pieces.h5");
    anc_err err = { 0 };
    anc_proposals_out *o;
    CU_ASSERT_EQUAL_FATAL(anc_proposals_write(whole, &all, "{}", &err), ANC_OK);
    for (int lacking = 1; lacking >= 0; lacking--) {
        CU_ASSERT_EQUAL_FATAL(anc_proposals_create(pieces, "tag", IMAGES, offset[IMAGES], "{}", &o, &err),
                              ANC_OK);
        for (int i = 0, n; i < IMAGES - lacking; i += n) {
            int64_t mine[8] = { 0 };
            n = i + 7 < IMAGES - lacking ? 7 : IMAGES - lacking - i;
            for (int k = 0; k <= n; k++) mine[k] = offset[i + k] - offset[i];
            const anc_proposal_set some_of_it = {
                n, mine[n], id + i, mine, box + offset[i], score + offset[i], level + offset[i]
            };
            CU_ASSERT_EQUAL_FATAL(anc_proposals_append(o, &some_of_it, &err), ANC_OK);
        }
        CU_ASSERT_EQUAL(anc_proposals_commit(o, &err), lacking ? ANC_EDATA : ANC_OK);
        CU_ASSERT_EQUAL(check_run(NULL, "test -e %s", pieces), lacking); /* and nothing half-written */
        CU_ASSERT_EQUAL(check_run(NULL, "test ! -e %s.tag.part", pieces), 0);
        err = (anc_err){ 0 };
    }
    CU_ASSERT_EQUAL(check_run(NULL, "cmp %s %s", whole, pieces), 0);
}

static void coco_results_read_back_as_written(void)
{
    const char *path = check_path("results.json");
    anc_err err = { 0 };
    anc_proposals *p;
    anc_proposal_set got = { 0 };
    CU_ASSERT_EQUAL_FATAL(anc_proposals_write(check_path("some.h5"), &some, "{}", &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_proposals_open(check_path("some.h5"), &p, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_proposals_write_coco(p, path, &err), ANC_OK);
    anc_proposals_close(p);
    CU_ASSERT_EQUAL(check_run(NULL,
                              "/usr/bin/python3 -c \"import json; r = json.load(open('%s')); "
                              "assert len(r) == 5 and r[0] == dict(image_id=-4, category_id=1, bbox=[0, 0, "
                              "10.25, 4], score=.9), r[0]\"",
                              path),
                    0);
    CU_ASSERT_EQUAL_FATAL(anc_proposals_open(path, &p, &err), ANC_OK);
    CU_ASSERT_STRING_EQUAL(anc_proposals_format(p), "coco results");
    CU_ASSERT_EQUAL(anc_proposals_images(p), 2); /* the image without any leaves no trace in such a file */
    CU_ASSERT_EQUAL_FATAL(anc_proposals_read(p, 0, 2, &got, &err), ANC_OK);
    for (int i = 0; i < 5 && got.n == 5; i++) {
        CU_ASSERT_EQUAL((float)got.score[i], (float)marks[i]);
        for (int e = 0; e < 4; e++)
            CU_ASSERT_DOUBLE_EQUAL(got.xyxy[i][e], boxes[i][e], 1e-6 * (1 + fabs(boxes[i][e])));
    }
    anc_proposal_set_clear(&got);
    anc_proposals_close(p);
}

static void sets_that_break_a_promise_are_not_written(void)
{
    const char *path = check_path("never.h5");
    anc_err err = { 0 };
    anc_proposal_set s = some;
    int64_t twice[] = { 9, 9, 12 }, falling[] = { 0, 3, 2, 5 };
    double bad[5];
    memcpy(bad, marks, sizeof bad);
    bad[3] = NAN;
    s.image_id = twice;
    CU_ASSERT_EQUAL(anc_proposals_write(path, &s, "{}", &err), ANC_EDATA);
    s = some;
    s.offset = falling;
    CU_ASSERT_EQUAL(anc_proposals_write(path, &s, "{}", &err), ANC_EDATA);
    s = some;
    s.score = bad;
    CU_ASSERT_EQUAL(anc_proposals_write(path, &s, "{}", &err), ANC_EDATA);
    CU_ASSERT_EQUAL(check_run(NULL, "test ! -e %s", path), 0);
    const anc_proposal_set none = { .offset = (int64_t[]){ 0 } };
    CU_ASSERT_EQUAL(anc_proposals_write(path, &none, "{}", &(anc_err){ 0 }), ANC_OK);
}

CHECK_SUITE("recall", CHECK(one_proposal_finds_one_object),
            CHECK(crowds_are_no_objects_and_take_proposals_only_under_coco),
            CHECK(the_best_score_chooses_under_coco_and_the_largest_iou_under_detectron),
            CHECK(ties_go_to_the_proposal_that_stands_first), CHECK(a_file_reads_back_whole_and_in_parts),
            CHECK(a_file_in_pieces_has_the_bytes_of_one_in_one_go), CHECK(coco_results_read_back_as_written),
            CHECK(sets_that_break_a_promise_are_not_written));
