/* tests/unit/test_nms.c: the order of scores, and suppression against the plain O(n^2) loop */
#include "core/nms.h"
#include "core/rank.h"
#include "tests/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rank ---- */

static const float *scores;
static int by_score(const void *a, const void *b)
{
    int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;
    float x = isnan(scores[i]) ? -INFINITY : scores[i], y = isnan(scores[j]) ? -INFINITY : scores[j];
    if (isnan(scores[i]) != isnan(scores[j])) return isnan(scores[i]) ? 1 : -1;
    return x > y ? -1 : x < y ? 1 : (i > j) - (i < j);
}

static void the_best_scores_come_in_order_and_ties_by_index(void)
{
    check_rng r = { 11 };
    anc_rank rank = { 0 };
    anc_err err = { 0 };
    for (int trial = 0; trial < 300; trial++) {
        int32_t n = check_int(&r, 0, trial % 10 ? 60 : 5000), k = check_int(&r, 0, n + 3), n_top;
        int style = check_int(&r, 0, 3);
        float *score = check_guarded((size_t)n * sizeof *score);
        int32_t *want = malloc((size_t)n * sizeof *want + 1),
                *got = check_guarded((size_t)(k < n ? k : n) * sizeof *got);
        for (int32_t i = 0; i < n; i++) {
            double x = check_uniform(&r) * 4 - 2;
            score[i] = style == 0 ? (float)x
                       : style == 1
                           ? (float)(int)x * (check_int(&r, 0, 1) ? 1.0f : -1.0f) /* ties, 0 and -0 */
                       : style == 2 ? (float)ldexp(x, check_int(&r, -140, 120))
                                    : (float[]){ NAN, INFINITY, -INFINITY, 1, -0.0f }[check_int(&r, 0, 4)];
            want[i] = i;
        }
        scores = score;
        qsort(want, (size_t)n, sizeof *want, by_score);
        CU_ASSERT_EQUAL(anc_rank_top(&rank, score, n, k, got, &n_top, &err), ANC_OK);
        CU_ASSERT_EQUAL(n_top, k < n ? k : n);
        CU_ASSERT(!memcmp(got, want, (size_t)n_top * sizeof *got));
        check_guarded_free(score, (size_t)n * sizeof *score);
        check_guarded_free(got, (size_t)(k < n ? k : n) * sizeof *got);
        free(want);
    }
    anc_rank_free(&rank);
}

/* ---- suppression ---- */

/* The definition, as torchvision and py-faster-rcnn write it. */
static int32_t plain(const anc_nms_opts *o, const anc_box *box, const int32_t *order, int32_t n,
                     int32_t limit, int32_t *keep)
{
    float one = o->legacy;
    int32_t n_keep = 0;
    for (int32_t i = 0; i < n && n_keep < limit; i++) {
        anc_box b = box[order[i]];
        bool gone = false;
        float area_b = (b.x2 - b.x1 + one) * (b.y2 - b.y1 + one);
        for (int32_t k = 0; k < n_keep && !gone; k++) {
            anc_box a = box[keep[k]];
            float area_a = (a.x2 - a.x1 + one) * (a.y2 - a.y1 + one);
            float w = fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1) + one,
                  h = fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1) + one;
            float inter = fmaxf(0, w) * fmaxf(0, h), iou = inter / (area_a + area_b - inter);
            gone = o->at_least ? (double)iou >= o->iou : (double)iou > o->iou;
        }
        if (!gone) keep[n_keep++] = order[i];
    }
    return n_keep;
}

static anc_box some_box(check_rng *r, int style, const anc_box *before, int32_t n_before)
{
    double x = check_uniform(r) * 300, y = check_uniform(r) * 200;
    double w = exp(check_uniform(r) * 6), h = w * exp(check_uniform(r) * 2 - 1);
    if (n_before && check_int(r, 0, 2)) { /* about where another one is: proposals come in heaps */
        anc_box b = before[check_int(r, 0, n_before - 1)];
        double side = b.x2 - b.x1, high = b.y2 - b.y1, e = check_uniform(r) * 0.5;
        return (anc_box){ (float)(b.x1 + e * side * (check_uniform(r) - 0.5)),
                          (float)(b.y1 + e * high * (check_uniform(r) - 0.5)),
                          (float)(b.x2 + e * side * (check_uniform(r) - 0.5)),
                          (float)(b.y2 + e * high * (check_uniform(r) - 0.5)) };
    }
    switch (style) {
    case 0: return (anc_box){ (float)x, (float)y, (float)(x + w), (float)(y + h) };
    case 1: /* whole numbers make IoUs that equal a threshold */
        return (anc_box){ (float)(int)(x / 30), (float)(int)(y / 30),
                          (float)((int)(x / 30) + check_int(r, 1, 10)),
                          (float)((int)(y / 30) + check_int(r, 1, 10)) };
    case 2: /* slivers */
        w = ldexp(1, check_int(r, -12, 9));
        return (anc_box){ (float)x, (float)y, (float)(x + w), (float)(y + ldexp(1, check_int(r, -12, 9))) };
    case 3: /* without area, turned inside out, huge, not a number */
        switch (check_int(r, 0, 5)) {
        case 0: return (anc_box){ (float)x, (float)y, (float)x, (float)(y + h) };
        case 1: return (anc_box){ (float)x, (float)y, (float)(x - w), (float)(y - h) };
        case 2: return (anc_box){ 0, 0, 3e38f, (float)h };
        case 3: return (anc_box){ -1e20f, -1e20f, 1e20f, 1e20f };
        case 4: return (anc_box){ (float)x, NAN, (float)(x + w), (float)(y + h) };
        default: return (anc_box){ 0, 0, 1e-25f, 1e-20f };
        }
    default: /* far from the origin, where float32 is coarse */
        return (anc_box){ (float)(x + 1e6), (float)(y - 1e6), (float)(x + 1e6 + w), (float)(y - 1e6 + h) };
    }
}

static void every_table_keeps_what_the_plain_loop_keeps(void)
{
    static const double thresholds[] = { 0.7,   0.5, (double)0.7f, 0.3, 1.0 / 3, 0.95, 1, 0.05,
                                         0.001, 0,   0.9,          -1,  1.5 };
    check_rng r = { 12 };
    anc_nms nms = { 0 };
    anc_err err = { 0 };
    int32_t suppressed = 0;
    for (int trial = 0; trial < 700; trial++) {
        int32_t n = check_int(&r, 0, trial % 20 ? 120 : 1500),
                limit = check_int(&r, 0, 3) ? n : check_int(&r, 0, n);
        anc_nms_opts o = { thresholds[check_int(&r, 0, 12)], check_int(&r, 0, 1), check_int(&r, 0, 1) };
        int style = check_int(&r, 0, 6); /* 5, 6: all of them mixed */
        anc_box *box = check_guarded((size_t)n * sizeof *box);
        int32_t *order = check_guarded((size_t)n * sizeof *order),
                *got = check_guarded((size_t)limit * sizeof *got);
        int32_t *want = malloc((size_t)n * sizeof *want + 1), n_got;
        for (int32_t i = 0; i < n; i++) {
            box[i] = some_box(&r, style < 5 ? style : check_int(&r, 0, 4), box, i);
            order[i] = i;
        }
        for (int32_t i = n - 1; i > 0; i--) {
            int32_t j = check_int(&r, 0, i), t = order[i];
            order[i] = order[j];
            order[j] = t;
        }
        int32_t n_want = plain(&o, box, order, n, limit, want);
        suppressed += limit == n ? n - n_want : 0;
        for (const anc_kernels *const *k = anc_kernels_all; *k; k++) {
            if (!(*k)->usable()) {
                printf("NOT RUN: %s ", (*k)->name);
                continue;
            }
            CU_ASSERT_EQUAL(anc_nms_run(&nms, *k, &o, box, order, n, limit, got, &n_got, &err), ANC_OK);
            CU_ASSERT_EQUAL_FATAL(n_got, n_want);
            CU_ASSERT(!memcmp(got, want, (size_t)n_want * sizeof *got));
        }
        check_guarded_free(box, (size_t)n * sizeof *box);
        check_guarded_free(order, (size_t)n * sizeof *order);
        check_guarded_free(got, (size_t)limit * sizeof *got);
        free(want);
    }
    CU_ASSERT(suppressed > 10000); /* the boxes drawn do overlap */
    anc_nms_free(&nms);
}

static void an_iou_of_the_threshold_itself_counts_only_where_the_rule_says_so(void)
{
    const anc_box box[] = {
        { 0, 0, 10, 10 }, { 0, 0, 10, 5 }, { 0, 0, 9, 9 }, { 0, 0, 9, 4 }
    }; /* both 1/2 */
    const int32_t order[] = { 0, 1 }, legacy[] = { 2, 3 };
    int32_t keep[2], n;
    anc_nms nms = { 0 };
    anc_err err = { 0 };
    for (int at_least = 0; at_least < 2; at_least++)
        for (int one = 0; one < 2; one++) {
            anc_nms_opts o = { 0.5, at_least, one };
            anc_nms_run(&nms, &anc_kernels_scalar, &o, box, one ? legacy : order, 2, 2, keep, &n, &err);
            CU_ASSERT_EQUAL(n, at_least ? 1 : 2);
        }
    /* 0.7 in float32 lies below 0.7: an IoU of 7/10 is no more than the threshold in double */
    const anc_box seven[] = { { 0, 0, 10, 1 }, { 0, 0, 7, 1 } };
    anc_nms_run(&nms, &anc_kernels_scalar, &(anc_nms_opts){ 0.7, true, false }, seven, order, 2, 2, keep, &n,
                &err);
    CU_ASSERT_EQUAL(n, 2);
    anc_nms_run(&nms, &anc_kernels_scalar, &(anc_nms_opts){ (double)0.7f, true, false }, seven, order, 2, 2,
                keep, &n, &err);
    CU_ASSERT_EQUAL(n, 1);
    anc_nms_free(&nms);
}

/* Boxes far from each other, so that the search goes by cells; then b, and a: b changed along one axis until
 * the two meet with an IoU just above or below the threshold. */
static int suppresses(const anc_nms_opts *o, anc_box b, anc_box a)
{
    enum { FILL = 2000 };
    static anc_box box[FILL + 2];
    static int32_t order[FILL + 2], keep[FILL + 2];
    anc_nms nms = { 0 };
    anc_err err = { 0 };
    int32_t n;
    for (int i = 0; i < FILL; i++) {
        float x = 2000 + 300 * (float)(i % 50), y = 300 * (float)(i / 50);
        box[i] = (anc_box){ x, y, x + 30, y + 30 };
    }
    box[FILL] = b;
    box[FILL + 1] = a;
    for (int i = 0; i < FILL + 2; i++) order[i] = i;
    anc_nms_run(&nms, anc_kernels_find(NULL), o, box, order, FILL + 2, FILL + 2, keep, &n, &err);
    anc_nms_free(&nms);
    return FILL + 2 - n;
}

static void boxes_that_barely_overlap_enough_are_found(void)
{
    check_rng r = { 13 };
    const anc_nms_opts o = { 0.7, false, false };
    for (int trial = 0; trial < 400; trial++) {
        float x = (float)check_uniform(&r) * 500, y = (float)check_uniform(&r) * 500;
        float w = (float)exp(check_uniform(&r) * 5), h = w * (float)exp(check_uniform(&r) - 0.5);
        for (int enough = 0; enough < 2; enough++) {
            float t = enough ? 0.7005f : 0.6995f, move = (1 - t) / (1 + t), grow = 1 / t - 1;
            const anc_box b = { x, y, x + w, y + h };
            const anc_box other[] = {
                { x + move * w, y, x + w + move * w, y + h },
                { x - move * w, y, x + w - move * w, y + h },
                { x, y + move * h, x + w, y + h + move * h },
                { x, y - move * h, x + w, y + h - move * h },
                { x - grow * w, y, x + w, y + h },
                { x, y - grow * h, x + w, y + h },
                { x + (1 - t) * w, y, x + w, y + h },
                { x, y + (1 - t) * h, x + w, y + h },
                { x, y, x + t * w, y + h },
                { x, y, x + w, y + h / t },
            };
            for (size_t i = 0; i < sizeof other / sizeof *other; i++)
                CU_ASSERT_EQUAL(suppresses(&o, b, other[i]), enough);
        }
    }
}

CHECK_SUITE("nms", CHECK(the_best_scores_come_in_order_and_ties_by_index),
            CHECK(every_table_keeps_what_the_plain_loop_keeps),
            CHECK(boxes_that_barely_overlap_enough_are_found),
            CHECK(an_iou_of_the_threshold_itself_counts_only_where_the_rule_says_so));
