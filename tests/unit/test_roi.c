/* tests/unit/test_roi.c: the second stage by hand, against all pairs one by one, and against torchvision
 *
 * tests/golden/roi.h5 was made by tests/golden/cut_roi.py from torchvision's own RoIHeads.
 */
#include "core/iou.h"
#include "core/roi.h"
#include "core/target.h"
#include "tests/golden.h"
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

static const anc_rules *preset(const char *name) { return anc_rules_preset(name); }

/* Match, sample and encode what was taken. */
static void finish(anc_rois *r, const anc_kernels *k, const anc_rules *rules, const anc_box *box,
                   int32_t n_box, const anc_box *crowd, int32_t n_crowd, uint64_t seed, int64_t image,
                   int32_t epoch)
{
    anc_roi_match(r, k, rules, box, n_box, crowd, n_crowd);
    anc_roi_sample(r, rules, seed, image, epoch);
    anc_roi_encode(r, k, rules, box);
}

static void take(anc_rois *r, const anc_rules *rules, const anc_view *v, const double (*proposal)[4],
                 int32_t n, const anc_box *box, int32_t n_box)
{
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(anc_roi_take(r, rules, v, proposal, n, box, n_box, &err), ANC_OK);
}

/* ---- by hand ---- */

static void the_thresholds_part_candidates_by_hand(void)
{
    anc_rules rules = *preset("detectron2-fpn");
    anc_view v;
    anc_view_exact(&v, 200, 200, 224, 224);
    const anc_box box[] = { { 0, 0, 100, 100 }, { 100, 100, 200, 200 } };
    const double proposal[][4] = {
        { 0, 0, 100, 50 },      /* IoU 1/2 with box 0: positive */
        { 0, 0, 100, 49 },      /* a little less */
        { 100, 100, 200, 180 }, /* 0.8 with box 1 */
        { 0, 0, 100, 20 },      /* 0.2 */
        { 120, 0, 180, 60 },    /* 0 */
        { 300, 300, 400, 400 }, /* outside of the view */
    };
    anc_rois r = { 0 };
    take(&r, &rules, &v, proposal, 6, box, 2);
    CU_ASSERT_EQUAL_FATAL(r.n, 7);
    CU_ASSERT_EQUAL(r.n_left_out, 1);
    finish(&r, &anc_kernels_scalar, &rules, box, 2, NULL, 0, 0, 1, 0);
    static const int32_t gt[] = { 0, -1, 1, -1, -1, 0, 1 }, from[] = { 0, 1, 2, 3, 4, -1, -1 };
    CU_ASSERT(!memcmp(r.gt, gt, sizeof gt) && !memcmp(r.proposal, from, sizeof from));
    CU_ASSERT(r.n_positive == 4 && r.n_negative == 3 && r.n_ignored == 0);
    CU_ASSERT(r.batch_positive == 4 && r.batch_negative == 3);
    static const int32_t sample[] = { 0, 2, 5, 6, 1, 3, 4 };
    CU_ASSERT(!memcmp(r.sample, sample, sizeof sample));
    /* { 0, 0, 100, 50 } to { 0, 0, 100, 100 }: half a height down, twice as high */
    CU_ASSERT(r.target[0][0] == 0 && r.target[0][1] == 5 && r.target[0][2] == 0);
    CU_ASSERT_DOUBLE_EQUAL(r.target[0][3], 5 * log(2), 1e-6);
    for (int e = 0; e < 4; e++) CU_ASSERT_EQUAL(r.target[2][e], 0); /* an appended gt is where it should be */
    rules.roi.negative_iou_high = 0.3;
    rules.roi.negative_iou_low = 0.1;
    rules.roi.append_gt = ANC_APPEND_OFF;
    take(&r, &rules, &v, proposal, 6, box, 2);
    finish(&r, &anc_kernels_scalar, &rules, box, 2, NULL, 0, 0, 1, 0);
    static const int32_t between[] = { 0, -2, 1, -1, -2 };
    CU_ASSERT(r.n == 5 && !memcmp(r.gt, between, sizeof between));
    CU_ASSERT(r.n_positive == 2 && r.n_negative == 1 && r.n_ignored == 2);
    anc_rois_free(&r);
}

static void the_same_box_twice_is_matched_as_each_system_does(void)
{
    anc_view v;
    anc_view_exact(&v, 100, 100, 100, 100);
    const anc_box box[] = { { 10, 10, 50, 50 }, { 10, 10, 50, 50 } };
    anc_rois r = { 0 };
    take(&r, preset("torchvision-fpn"), &v, NULL, 0, box, 2);
    anc_roi_match(&r, &anc_kernels_scalar, preset("torchvision-fpn"), box, 2, NULL, 0);
    CU_ASSERT(r.n == 2 && r.gt[0] == 0 && r.gt[1] == 0); /* the first wins */
    take(&r, preset("mmdet-fpn"), &v, NULL, 0, box, 2);
    anc_roi_match(&r, &anc_kernels_scalar, preset("mmdet-fpn"), box, 2, NULL, 0);
    CU_ASSERT(r.n == 2 && r.gt[0] == 0 && r.gt[1] == 1); /* each has itself */
    anc_rois_free(&r);
}

static void a_view_may_lack_boxes_proposals_or_both(void)
{
    anc_view v;
    anc_view_exact(&v, 100, 100, 100, 100);
    const anc_box box = { 10, 10, 50, 50 };
    const double proposal[][4] = { { 1, 2, 30, 40 }, { 5, 6, 7, 80 } };
    for (int p = 0; anc_rules_preset_names[p]; p++) {
        const anc_rules *rules = preset(anc_rules_preset_names[p]);
        anc_rois r = { 0 };
        take(&r, rules, &v, NULL, 0, NULL, 0);
        finish(&r, &anc_kernels_scalar, rules, NULL, 0, NULL, 0, 0, 1, 0);
        CU_ASSERT(r.n == 0 && r.batch_positive == 0 && r.batch_negative == 0);
        take(&r, rules, &v, proposal, 2, NULL, 0);
        finish(&r, &anc_kernels_scalar, rules, NULL, 0, NULL, 0, 0, 1, 0);
        CU_ASSERT(r.n == 2 && r.n_negative == 2 && r.batch_negative == 2);
        take(&r, rules, &v, NULL, 0, &box, 1);
        finish(&r, &anc_kernels_scalar, rules, &box, 1, NULL, 0, 0, 1, 0);
        CU_ASSERT(r.n == 1 && r.batch_positive == 1 && r.batch_negative == 0 && r.proposal[0] == -1);
        anc_rois_free(&r);
    }
}

static void proposals_go_where_their_boxes_go(void)
{
    const double proposal[4] = { 10, 20, 30, 60 };
    static const struct {
        const char *preset;
        bool flip;
        anc_box at;
    } wanted[] = {
        { "torchvision-fpn", false, { 20, 40, 60, 120 } },
        { "torchvision-fpn", true, { 140, 40, 180, 120 } },
        { "detectron2-fpn", true, { 140, 40, 180, 120 } },
        { "mmdet-fpn", true, { 140, 40, 180, 120 } },
        { "maskrcnn-benchmark-fpn", false, { 20, 40, 58, 118 } },  /* 10..29 and 20..59, times 2 */
        { "maskrcnn-benchmark-fpn", true, { 141, 40, 179, 118 } }, /* 200 - 58 - 1 */
        { "faster-rcnn-vgg16", false, { 20, 40, 58, 118 } },
        { "faster-rcnn-vgg16", true, { 140, 40, 178, 118 } }, /* mirrored before: 70..89, times 2 */
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        anc_view v;
        anc_box b;
        anc_view_on(&v, 1, 0, 100, 100, 200, 200, 224, 224);
        v.flip = wanted[i].flip;
        const anc_rules *r = preset(wanted[i].preset);
        CU_ASSERT_EQUAL(anc_view_proposal(&v, r->boxes.rule, proposal, &b), ANC_BOX_KEPT);
        if (memcmp(&b, &wanted[i].at, sizeof b))
            printf("%s: %g %g %g %g\n", wanted[i].preset, b.x1, b.y1, b.x2, b.y2);
        CU_ASSERT(!memcmp(&b, &wanted[i].at, sizeof b));
        /* for whole pixels that is where the annotation of the same corners goes */
        anc_box annotated;
        CU_ASSERT_EQUAL(anc_view_box(&v, r->boxes.rule, proposal, &annotated), ANC_BOX_KEPT);
        CU_ASSERT(!memcmp(&b, &annotated, sizeof b));
        const double over[4] = { -10, 20.25, 30, 260 }, none[4] = { 120, 20, 130, 60 },
                     thin[4] = { 5, 5, 5, 50 };
        CU_ASSERT_EQUAL(anc_view_proposal(&v, r->boxes.rule, over, &b), ANC_BOX_CLIPPED);
        CU_ASSERT(b.x2 > b.x1 && b.y2 > b.y1);
        CU_ASSERT_DOUBLE_EQUAL(b.y1, 40.5, 1e-6); /* no rule moves it to whole pixels */
        if (r->match.legacy) continue;            /* a pixel is wide there */
        CU_ASSERT_EQUAL(anc_view_proposal(&v, r->boxes.rule, none, &b), ANC_BOX_DROPPED);
        CU_ASSERT_EQUAL(anc_view_proposal(&v, r->boxes.rule, thin, &b), ANC_BOX_DROPPED);
    }
}

static void crowd_regions_take_proposals_and_spare_boxes(void)
{
    anc_view v;
    anc_view_exact(&v, 200, 200, 200, 200);
    const anc_box box = { 0, 0, 40, 40 }, crowd = { 0, 0, 100, 100 };
    const double proposal[][4] = {
        { 0, 0, 40, 39 },      /* positive, in the crowd */
        { 50, 50, 90, 90 },    /* negative, in the crowd */
        { 50, 80, 90, 120 },   /* half of it */
        { 50, 79, 90, 119 },   /* a little more than half */
        { 150, 150, 199, 199 } /* not */
    };
    static const int32_t wanted[4][6] = { { 0, -1, -1, -1, -1, 0 },
                                          { 0, -1, -1, -1, -1, 0 },
                                          { 0, -2, -1, -2, -1, 0 },
                                          { -2, -2, -1, -2, -1, 0 } };
    for (int rule = ANC_CROWD_DROP; rule <= ANC_CROWD_EXCLUDE; rule++) {
        anc_rules rules = *preset("torchvision-fpn");
        rules.boxes.crowd = (anc_crowd_rule)rule;
        anc_rois r = { 0 };
        take(&r, &rules, &v, proposal, 5, &box, 1);
        anc_roi_match(&r, &anc_kernels_scalar, &rules, &box, 1, &crowd, 1);
        CU_ASSERT(!memcmp(r.gt, wanted[rule], sizeof wanted[rule]));
        anc_rois_free(&r);
    }
}

static void classes_are_numbered_as_each_system_numbers_them(void)
{
    static const int32_t category[] = { 1, 3, 90 };
    anc_classes c = { ANC_CLASSES_IDS, 3, category };
    CU_ASSERT(anc_class_find(&c, 1) == 0 && anc_class_find(&c, 90) == 2 && anc_class_find(&c, 2) == -1);
    CU_ASSERT(anc_class_find(&c, 0) == -1 && anc_class_find(&c, 91) == -1);
    CU_ASSERT(anc_class_label(&c, 2) == 90 && anc_class_background(&c) == 0);
    c.rule = ANC_CLASSES_FROM_ONE;
    CU_ASSERT(anc_class_label(&c, 2) == 3 && anc_class_background(&c) == 0);
    c.rule = ANC_CLASSES_FROM_ZERO;
    CU_ASSERT(anc_class_label(&c, 2) == 2 && anc_class_background(&c) == 3);
    c.n = 0;
    CU_ASSERT(anc_class_find(&c, 1) == -1 && anc_class_background(&c) == 0);
}

/* ---- against all pairs ---- */

typedef struct {
    int32_t n, n_box, n_crowd;
    double proposal[700][4];
    anc_box box[60], crowd[5];
} scene;

static anc_box some_box(check_rng *random, float side)
{
    float x = (float)check_uniform(random) * 250, y = (float)check_uniform(random) * 250;
    if (check_int(random, 0, 3) == 0) x = rintf(x), y = rintf(y), side = rintf(side) + 1;
    return (anc_box){ x, y, x + 1 + (float)check_uniform(random) * side,
                      y + 1 + (float)check_uniform(random) * side };
}

/* Boxes, and proposals of which many lie near one, some exactly on it. */
static void draw(scene *s, check_rng *random)
{
    s->n = check_int(random, 0, 700);
    s->n_box = check_int(random, 0, 9) ? check_int(random, 1, 60) : 0;
    s->n_crowd = check_int(random, 0, 5);
    for (int i = 0; i < s->n_box; i++)
        s->box[i] = i && check_int(random, 0, 9) == 0 ? s->box[i - 1]
                                                      : some_box(random, (float)check_int(random, 2, 120));
    for (int i = 0; i < s->n_crowd; i++) s->crowd[i] = some_box(random, 150);
    for (int i = 0; i < s->n; i++) {
        anc_box b = some_box(random, 100);
        if (s->n_box && check_int(random, 0, 2)) {
            const anc_box g = s->box[check_int(random, 0, s->n_box - 1)];
            double w = check_int(random, 0, 5) ? (g.x2 - g.x1) * 0.2 : 0;
            b = (anc_box){ (float)(g.x1 + w * (check_uniform(random) - 0.5)), g.y1,
                           (float)(g.x2 + w * (check_uniform(random) - 0.5)), g.y2 };
        }
        double corners[4] = { b.x1, b.y1, b.x2, b.y2 };
        memcpy(s->proposal[i], corners, sizeof corners);
    }
}

/* What a candidate must be, from all boxes one by one. */
static int32_t by_definition(const anc_rules *rules, const scene *s, const anc_rois *r, int32_t i)
{
    double best = -1;
    int32_t of = -1;
    const anc_box *c = &r->box[i];
    const float a[4] = { c->x1, c->y1, c->x2, c->y2 }, one = rules->match.legacy;
    bool gt = r->proposal[i] < 0, in = false;
    if (gt && rules->roi.append_gt == ANC_APPEND_BEFORE) return i;
    for (int g = 0; g < s->n_box; g++) {
        const anc_box *b = &s->box[g];
        const float q[4] = { b->x1, b->y1, b->x2, b->y2 };
        const double a64[4] = { a[0], a[1], a[2], a[3] }, q64[4] = { q[0], q[1], q[2], q[3] };
        double iou = rules->match.float64 ? anc_iou_f64(a64, q64, one, rules->match.union_floor)
                                          : anc_iou_f32(a, q, one, (float)rules->match.union_floor);
        if (iou > best) {
            best = iou;
            of = g;
        }
    }
    for (int k = 0; k < s->n_crowd; k++) {
        const anc_box *b = &s->crowd[k];
        float w = fminf(b->x2, a[2]) - fmaxf(b->x1, a[0]) + one,
              h = fminf(b->y2, a[3]) - fmaxf(b->y1, a[1]) + one;
        float area = (a[2] - a[0] + one) * (a[3] - a[1] + one);
        in |= fmaxf(w, 0) * fmaxf(h, 0) / fmaxf(area, 1e-6f) > (float)rules->boxes.ignore_iof;
    }
    anc_crowd_rule rule = rules->boxes.crowd;
    if (in && !gt && rule == ANC_CROWD_EXCLUDE && s->n_box) return ANC_ROI_IGNORED;
    bool positive = s->n_box && (rules->match.float64 ? best >= rules->roi.positive_iou
                                                      : best >= (float)rules->roi.positive_iou);
    if (positive) return of;
    if (s->n_box) {
        bool low = rules->match.float64 ? best >= rules->roi.negative_iou_low
                                        : best >= (float)rules->roi.negative_iou_low;
        bool high = rules->match.float64 ? best < rules->roi.negative_iou_high
                                         : best < (float)rules->roi.negative_iou_high;
        if (!low || !high) return ANC_ROI_IGNORED;
    }
    return in && !gt && rule == ANC_CROWD_IGNORE ? ANC_ROI_IGNORED : ANC_ROI_NEGATIVE;
}

static void check_minibatch(const anc_rois *r, const anc_rules *rules)
{
    int32_t quota = (int32_t)(rules->roi.batch * rules->roi.positive_fraction), of[2] = { 0, 0 };
    for (int32_t i = 0; i < r->n; i++) {
        of[0] += r->gt[i] >= 0;
        of[1] += r->gt[i] == ANC_ROI_NEGATIVE;
    }
    CU_ASSERT(r->n_positive == of[0] && r->n_negative == of[1] && r->n_ignored == r->n - of[0] - of[1]);
    CU_ASSERT_EQUAL(r->batch_positive, of[0] < quota ? of[0] : quota);
    int32_t rest = rules->roi.batch - r->batch_positive;
    CU_ASSERT_EQUAL(r->batch_negative, of[1] < rest ? of[1] : rest);
    for (int32_t i = 0; i < r->batch_positive + r->batch_negative; i++) {
        int32_t c = r->sample[i];
        CU_ASSERT_FATAL(c >= 0 && c < r->n);
        CU_ASSERT_EQUAL_FATAL(r->gt[c] >= 0, i < r->batch_positive);
        if (i >= r->batch_positive) CU_ASSERT_EQUAL_FATAL(r->gt[c], ANC_ROI_NEGATIVE);
        if (i && i != r->batch_positive) CU_ASSERT_FATAL(c > r->sample[i - 1]);
    }
}

static void every_rule_gives_what_all_pairs_give(void)
{
    static scene s;
    check_rng random = { 5 };
    anc_view v;
    anc_view_exact(&v, 400, 400, 400, 400);
    anc_rois r = { 0 };
    for (int round = 0; round < 120; round++) {
        anc_rules rules = *preset(anc_rules_preset_names[round % 7]);
        draw(&s, &random);
        rules.boxes.crowd = (anc_crowd_rule)check_int(&random, 0, 3);
        rules.roi.append_gt = (anc_append_rule)check_int(&random, 0, 2);
        rules.roi.batch = check_int(&random, 1, 300);
        rules.roi.positive_fraction = check_uniform(&random);
        rules.sample.rule = (anc_sampler_rule)check_int(&random, 0, 2);
        if (check_int(&random, 0, 1)) {
            rules.roi.negative_iou_high = 0.1 + 0.4 * check_uniform(&random);
            rules.roi.negative_iou_low = 0.1 * check_uniform(&random);
        }
        for (const anc_kernels *const *k = anc_kernels_all; *k; k++) {
            if (!(*k)->usable()) continue;
            take(&r, &rules, &v, (const double(*)[4])s.proposal, s.n, s.box, s.n_box);
            finish(&r, *k, &rules, s.box, s.n_box, s.crowd, s.n_crowd, (uint64_t)round, 77, 3);
            CU_ASSERT_EQUAL(r.n + r.n_left_out, s.n + (rules.roi.append_gt ? s.n_box : 0));
            for (int32_t i = 0; i < r.n; i++)
                CU_ASSERT_EQUAL_FATAL(r.gt[i], by_definition(&rules, &s, &r, i));
            check_minibatch(&r, &rules);
        }
    }
    anc_rois_free(&r);
}

/* On buffers that end where nothing may be touched. */
static void every_table_enters_the_same_boxes(void)
{
    static const int32_t sizes[] = { 0, 1, 7, 8, 9, 64, 1023 };
    for (const anc_kernels *const *k = anc_kernels_all; *k; k++) {
        if (!(*k)->usable()) {
            printf("NOT RUN: %s kernels: this CPU cannot\n", (*k)->name);
            continue;
        }
        for (size_t t = 0; t < sizeof sizes / sizeof *sizes; t++) {
            check_rng random = { 3 + t };
            int32_t n = sizes[t], capacity = (n + 7) & ~7;
            size_t bytes = (size_t)capacity * sizeof(float);
            float *column = check_guarded(5 * bytes + 32), *best = check_guarded(bytes + 32);
            float *own = malloc(bytes + 32);
            int32_t *arg = check_guarded(bytes + 32),
                    *own_arg = calloc((size_t)capacity + 8, sizeof *own_arg);
            column += 8, best += 8, arg += 8; /* the end is what is guarded */
            for (int32_t i = 0; i < 5 * capacity; i++) column[i] = 0;
            for (int32_t i = 0; i < capacity; i++) best[i] = own[i] = -1, arg[i] = own_arg[i] = 0;
            for (int32_t i = 0; i < n; i++) {
                anc_box b = some_box(&random, 200);
                column[i] = b.x1, column[capacity + i] = b.y1, column[2 * capacity + i] = b.x2,
                column[3 * capacity + i] = b.y2;
                column[4 * capacity + i] = (b.x2 - b.x1) * (b.y2 - b.y1);
            }
            for (int32_t g = 0; g < 30; g++) {
                anc_box b = some_box(&random, 200);
                anc_query_f32 q = {
                    b.x1, b.y1, b.x2, b.y2, b.x2 - b.x1, b.y2 - b.y1, (b.x2 - b.x1) * (b.y2 - b.y1)
                };
                const anc_terms_f32 terms = { 0 };
                (*k)->f32->enter(column, capacity, n, &q, &terms, g, best, arg);
                anc_kernels_scalar.f32->enter(column, capacity, n, &q, &terms, g, own, own_arg);
            }
            CU_ASSERT(!memcmp(best, own, (size_t)n * sizeof *own) &&
                      !memcmp(arg, own_arg, (size_t)n * sizeof *arg));
            check_guarded_free(column - 8, 5 * bytes + 32);
            check_guarded_free(best - 8, bytes + 32);
            check_guarded_free(arg - 8, bytes + 32);
            free(own);
            free(own_arg);
        }
    }
}

/* 40 of 100 positives and 60 of 200 negatives, 3,000 times: each about as often as the others. */
static void every_candidate_is_drawn_as_often_as_others(void)
{
    enum { ROUNDS = 3000 };
    anc_rules rules = *preset("torchvision-fpn");
    rules.roi.batch = 100;
    rules.roi.positive_fraction = 0.4;
    rules.roi.append_gt = ANC_APPEND_OFF;
    anc_view v;
    anc_view_exact(&v, 1000, 1000, 1000, 1000);
    static double proposal[300][4];
    const anc_box box = { 0, 0, 100, 100 };
    for (int i = 0; i < 300; i++) {
        const double near[4] = { 0, 0, 100, 100 }, far[4] = { 500, 500, 600 + i, 700 };
        memcpy(proposal[i], i % 3 ? far : near, sizeof near);
    }
    anc_rois r = { 0 };
    int32_t drawn[300] = { 0 };
    take(&r, &rules, &v, (const double(*)[4])proposal, 300, &box, 1);
    anc_roi_match(&r, &anc_kernels_scalar, &rules, &box, 1, NULL, 0);
    CU_ASSERT(r.n_positive == 100 && r.n_negative == 200);
    for (int i = 0; i < ROUNDS; i++) {
        anc_roi_sample(&r, &rules, 1, i, i % 7);
        for (int k = 0; k < 100; k++) drawn[r.sample[k]]++;
    }
    for (int i = 0; i < 300; i++) {
        double p = i % 3 ? 60. / 200 : 40. / 100, mean = ROUNDS * p, std = sqrt(ROUNDS * p * (1 - p));
        CU_ASSERT(fabs(drawn[i] - mean) < 5 * std); /* the seeds are fixed: it holds or not */
    }
    anc_roi_sample(&r, &rules, 1, 5, 0);
    int32_t first[100];
    memcpy(first, r.sample, sizeof first);
    anc_roi_sample(&r, &rules, 1, 5, 1);
    CU_ASSERT_NOT_EQUAL(memcmp(first, r.sample, sizeof first), 0); /* another epoch */
    anc_roi_sample(&r, &rules, 1, 5, 0);
    CU_ASSERT_EQUAL(memcmp(first, r.sample, sizeof first), 0); /* the same again */
    anc_rois_free(&r);
}

/* ---- targets ---- */

/* Each system's own expression, step by step. */
static void targets_round_as_each_system_rounds(void)
{
    check_rng random = { 8 };
    const double weight[4] = { 10, 10, 5, 5 };
    int differ[2] = { 0 };
    for (int i = 0; i < 3000; i++) {
        anc_box a = some_box(&random, 200), g = some_box(&random, 200);
        float t[4];
        anc_encode_boxes(anc_kernels_find(NULL), ANC_CODER_CORNER, weight, false, &a, &g, 1, &t);
        float aw = a.x2 - a.x1, gw = g.x2 - g.x1, by = (g.x1 + 0.5f * gw) - (a.x1 + 0.5f * aw);
        CU_ASSERT_EQUAL(t[0], 10.0f * by / aw); /* torchvision: wx * (gx - ax) / aw */
        differ[0] += t[0] != 10.0f * (by / aw);
        CU_ASSERT_DOUBLE_EQUAL(t[2], 5 * log(gw / aw), 1e-5);
        anc_encode_boxes(anc_kernels_find(NULL), ANC_CODER_CENTRE, weight, false, &a, &g, 1, &t);
        by = (g.x1 + g.x2) * 0.5f - (a.x1 + a.x2) * 0.5f;
        CU_ASSERT_EQUAL(t[0], by / aw / 0.1f); /* mmdetection: deltas.div_(stds) */
        differ[1] += t[0] != by / aw * 10.0f;
        anc_encode_boxes(anc_kernels_find(NULL), ANC_CODER_DOUBLE, weight, true, &a, &g, 1, &t);
        aw = a.x2 - a.x1 + 1;
        gw = g.x2 - g.x1 + 1;
        by = (g.x1 + 0.5f * gw) - (a.x1 + 0.5f * aw);
        CU_ASSERT_EQUAL(t[0],
                        (float)((double)(by / aw) / 0.1)); /* py-faster-rcnn: (targets - means) / stds */
        CU_ASSERT_DOUBLE_EQUAL(t[2], log(gw / aw) / 0.2, 1e-5);
    }
    CU_ASSERT(differ[0] > 100 && differ[1] > 100); /* so the order matters, and is tested */
}

/* ---- golden ---- */

typedef struct {
    size_t n;
    int64_t *proposal_at, *gt_at, *candidate_at, *sampled_at, *seed;
    double (*rules)[8];
    float (*proposal)[4], (*gt)[4], (*roi)[4], (*target)[4];
    int32_t *gt_label, *candidate_label, *candidate_gt, *sampled, *roi_label, *roi_gt;
} golden;

static golden load_golden(void)
{
    golden g = { 0 };
    hid_t f = H5Fopen("tests/golden/roi.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
    CU_ASSERT_FATAL(f >= 0);
    g.proposal_at = golden_load(f, "proposal_offset", H5T_NATIVE_INT64, 8, NULL);
    g.gt_at = golden_load(f, "gt_offset", H5T_NATIVE_INT64, 8, NULL);
    g.candidate_at = golden_load(f, "candidate_offset", H5T_NATIVE_INT64, 8, NULL);
    g.sampled_at = golden_load(f, "sampled_offset", H5T_NATIVE_INT64, 8, NULL);
    g.seed = golden_load(f, "seed", H5T_NATIVE_INT64, 8, &g.n);
    g.rules = golden_load(f, "rules", H5T_NATIVE_DOUBLE, 8, NULL);
    g.proposal = golden_load(f, "proposal", H5T_NATIVE_FLOAT, 4, NULL);
    g.gt = golden_load(f, "gt", H5T_NATIVE_FLOAT, 4, NULL);
    g.roi = golden_load(f, "roi", H5T_NATIVE_FLOAT, 4, NULL);
    g.target = golden_load(f, "roi_target", H5T_NATIVE_FLOAT, 4, NULL);
    g.gt_label = golden_load(f, "gt_label", H5T_NATIVE_INT32, 4, NULL);
    g.candidate_label = golden_load(f, "candidate_label", H5T_NATIVE_INT32, 4, NULL);
    g.candidate_gt = golden_load(f, "candidate_gt", H5T_NATIVE_INT32, 4, NULL);
    g.sampled = golden_load(f, "sampled", H5T_NATIVE_INT32, 4, NULL);
    g.roi_label = golden_load(f, "roi_label", H5T_NATIVE_INT32, 4, NULL);
    g.roi_gt = golden_load(f, "roi_gt", H5T_NATIVE_INT32, 4, NULL);
    H5Fclose(f);
    return g;
}

static void free_golden(golden *g)
{
    void *all[] = { g->proposal_at,  g->gt_at,   g->candidate_at, g->sampled_at,
                    g->seed,         g->rules,   g->proposal,     g->gt,
                    g->roi,          g->target,  g->gt_label,     g->candidate_label,
                    g->candidate_gt, g->sampled, g->roi_label,    g->roi_gt };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static anc_rules rules_of(const golden *g, size_t c)
{
    anc_rules rules = *preset("torchvision-fpn");
    const double *x = g->rules[c];
    rules.roi.positive_iou = x[0];
    rules.roi.negative_iou_high = x[1];
    rules.roi.batch = (int32_t)x[2];
    rules.roi.positive_fraction = x[3];
    memcpy(rules.roi.weight, x + 4, sizeof rules.roi.weight);
    rules.sample.rule = ANC_SAMPLER_TORCH;
    return rules;
}

/* The sampled positives and negatives, which torchvision gives as one ascending list, and what they learn. */
static int64_t compare_samples(const golden *g, size_t c, const anc_rois *r)
{
    int64_t first = g->sampled_at[c], n = g->sampled_at[c + 1] - first, worst = 0;
    CU_ASSERT_EQUAL_FATAL(n, r->batch_positive + r->batch_negative);
    int32_t p = 0, q = r->batch_positive;
    for (int64_t i = first; i < first + n; i++) {
        bool positive = g->roi_label[i] > 0;
        int32_t at = positive ? p++ : q++;
        CU_ASSERT_FATAL(p <= r->batch_positive && q <= n);
        CU_ASSERT_EQUAL(r->sample[at], g->sampled[i]);
        CU_ASSERT(!memcmp(&r->box[r->sample[at]], g->roi[i], sizeof(anc_box)));
        if (!positive) continue;
        int32_t gt = r->gt[r->sample[at]];
        CU_ASSERT_EQUAL(gt, g->roi_gt[i]);
        CU_ASSERT_EQUAL(g->gt_label[g->gt_at[c] + gt], g->roi_label[i]);
        for (int e = 0; e < 4; e++) {
            int64_t off = golden_ulps(r->target[at][e], g->target[i][e]);
            if (e < 2) CU_ASSERT_EQUAL(off, 0);
            if (off > worst) worst = off;
        }
    }
    return worst;
}

static void torchvision_chooses_the_same_samples(void)
{
    golden g = load_golden();
    anc_view v;
    anc_view_exact(&v, 1200, 1200, 1216, 1216);
    anc_rois r = { 0 };
    int64_t worst = 0;
    for (const anc_kernels *const *k = anc_kernels_all; *k; k++)
        for (size_t c = 0; c < g.n && (*k)->usable(); c++) {
            const anc_rules rules = rules_of(&g, c);
            int64_t n = g.proposal_at[c + 1] - g.proposal_at[c], n_gt = g.gt_at[c + 1] - g.gt_at[c];
            const anc_box *box = (const anc_box *)(g.gt + g.gt_at[c]);
            double(*proposal)[4] = malloc(((size_t)n + 1) * sizeof *proposal);
            for (int64_t i = 0; i < 4 * n; i++)
                proposal[i / 4][i % 4] = g.proposal[g.proposal_at[c] + i / 4][i % 4];
            take(&r, &rules, &v, (const double(*)[4])proposal, (int32_t)n, box, (int32_t)n_gt);
            finish(&r, *k, &rules, box, (int32_t)n_gt, NULL, 0, (uint64_t)g.seed[c], 1, 0);
            CU_ASSERT_EQUAL_FATAL(r.n, g.candidate_at[c + 1] - g.candidate_at[c]);
            for (int32_t i = 0; i < r.n; i++) {
                int32_t label = g.candidate_label[g.candidate_at[c] + i];
                CU_ASSERT_EQUAL(r.gt[i] >= 0                  ? 1
                                : r.gt[i] == ANC_ROI_NEGATIVE ? 0
                                                              : -1,
                                label > 0 ? 1 : label);
                if (label > 0) CU_ASSERT_EQUAL(r.gt[i], g.candidate_gt[g.candidate_at[c] + i]);
            }
            int64_t off = compare_samples(&g, c, &r);
            if (off > worst) worst = off;
            free(proposal);
        }
    CU_ASSERT(worst <= 2); /* one of the logarithm, which its weight can make two */
    anc_rois_free(&r);
    free_golden(&g);
}

CHECK_SUITE("roi", CHECK(the_thresholds_part_candidates_by_hand),
            CHECK(the_same_box_twice_is_matched_as_each_system_does),
            CHECK(a_view_may_lack_boxes_proposals_or_both), CHECK(proposals_go_where_their_boxes_go),
            CHECK(crowd_regions_take_proposals_and_spare_boxes),
            CHECK(classes_are_numbered_as_each_system_numbers_them),
            CHECK(every_rule_gives_what_all_pairs_give), CHECK(every_table_enters_the_same_boxes),
            CHECK(every_candidate_is_drawn_as_often_as_others), CHECK(targets_round_as_each_system_rounds),
            CHECK(torchvision_chooses_the_same_samples));
