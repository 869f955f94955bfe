/* tests/unit/test_match.c: the search against brute force, bit for bit, on random and adversarial views */
#include "core/brute.h"
#include "core/match.h"
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A view and its boxes, drawn at random; some of everything that could go wrong. */
typedef struct {
    anc_rules rules;
    anc_grid grid;
    int32_t h, w, n_box, n_crowd;
    anc_box *box, *crowd; /* guarded: they end at a page that cannot be touched */
} scene;

static float any_coordinate(check_rng *r, int side, int style)
{
    double x = check_uniform(r) * side;
    switch (style) {
    case 0: return (float)x;
    case 1: return (float)(int)x;                 /* integers make ties */
    case 2: return (float)((int)(x / 4) * 4 + 2); /* on and between grid positions */
    default: return (float)(x * 3 - side);        /* over the edges and outside */
    }
}

static anc_box any_box(check_rng *r, const scene *s, int style)
{
    if (style == 4) { /* a copy of an anchor */
        anc_box b = anc_grid_box(&s->grid, anc_grid_at(&s->grid, check_int(r, 0, s->grid.n_anchors - 1)));
        if (check_int(r, 0, 1)) b.x2 = b.x1 + (b.x2 - b.x1) * 0.7f; /* IoU of about a threshold with it */
        return b;
    }
    if (style == 5) { /* ratios to 1:50 */
        float x = any_coordinate(r, s->w, 0), y = any_coordinate(r, s->h, 0);
        float length = (float)check_int(r, 20, 600), breadth = length / (float)check_int(r, 2, 50);
        bool tall = check_int(r, 0, 1);
        return (anc_box){ x, y, x + (tall ? breadth : length), y + (tall ? length : breadth) };
    }
    float x = any_coordinate(r, s->w, style), y = any_coordinate(r, s->h, style);
    double log_side = check_uniform(r) * 7;
    float w = 1, h = 1;
    for (; log_side > 1; log_side--) w *= 2;
    w *= (float)(0.5 + check_uniform(r));
    h = w * (float)(0.3 + 2 * check_uniform(r));
    if (style == 1 || style == 2) {
        w = (float)(int)(w + 1);
        h = (float)(int)(h + 1);
    }
    if (style == 6)
        return (anc_box){ -(float)s->w, -(float)s->h, 2 * (float)s->w, 2 * (float)s->h }; /* over all */
    return (anc_box){ x, y, x + w, y + h };
}

static void make(scene *s, check_rng *r, int max_boxes)
{
    const char *preset = anc_rules_preset_names[check_int(r, 0, 6)];
    s->rules = *anc_rules_preset(preset);
    if (check_int(r, 0, 3) == 0) s->rules.anchors.border = (anc_border_rule)check_int(r, 0, 2);
    if (check_int(r, 0, 3) == 0) s->rules.anchors.border_px = check_int(r, 0, 40);
    if (check_int(r, 0, 3) == 0) s->rules.match.low_quality = (anc_low_quality_rule)check_int(r, 0, 2);
    if (check_int(r, 0, 3) == 0) s->rules.match.low_quality_iou = check_int(r, 0, 1) ? 0.1 : 0;
    if (check_int(r, 0, 7) == 0) s->rules.anchors.offset = 0.5;
    if (check_int(r, 0, 7) == 0) s->rules.match.negative_iou = 0.05 + 0.6 * check_uniform(r);
    if (check_int(r, 0, 2) == 0) s->rules.boxes.crowd = (anc_crowd_rule)check_int(r, 0, 3);
    s->rules.match.zero_overlap = check_int(r, 0, 7) == 0 &&
                                  s->rules.match.low_quality == ANC_LOW_QUALITY_ON &&
                                  s->rules.match.low_quality_iou == 0;
    s->rules.boxes.ignore_iof = check_int(r, 0, 1) ? 0.5 : check_uniform(r);
    bool tiny = check_int(r, 0, 4) == 0;
    s->h = tiny ? check_int(r, 1, 40) : check_int(r, 30, 500);
    s->w = tiny ? check_int(r, 1, 40) : check_int(r, 30, 500);
    anc_err err;
    CU_ASSERT_FATAL(!anc_rules_check(&s->rules, &err));
    int pad = check_int(r, 0, 1) ? 32 : 1;
    CU_ASSERT_FATAL(!anc_grid_place(&s->grid, &s->rules, s->h, s->w, (s->h + pad - 1) / pad * pad,
                                    (s->w + pad - 1) / pad * pad, &err));
    s->n_box = check_int(r, 0, check_int(r, 0, max_boxes));
    s->n_crowd = check_int(r, 0, 3);
    s->box = check_guarded((size_t)s->n_box * sizeof *s->box);
    s->crowd = check_guarded((size_t)s->n_crowd * sizeof *s->crowd);
    int style = check_int(r, 0, 6);
    for (int i = 0; i < s->n_box; i++) {
        s->box[i] = any_box(r, s, check_int(r, 0, 3) ? style : check_int(r, 0, 6));
        if (i && check_int(r, 0, 9) == 0) s->box[i] = s->box[check_int(r, 0, i - 1)]; /* duplicates */
    }
    for (int i = 0; i < s->n_crowd; i++) s->crowd[i] = any_box(r, s, check_int(r, 0, 5));
}

static void drop(scene *s)
{
    check_guarded_free(s->box, (size_t)s->n_box * sizeof *s->box);
    check_guarded_free(s->crowd, (size_t)s->n_crowd * sizeof *s->crowd);
}

/* The number of anchors that the search labels or matches otherwise than the definition. */
static int differences(const scene *s, anc_match *m, const anc_kernels *k, const int8_t *label,
                       const int32_t *gt)
{
    anc_err err;
    int wrong = 0;
    int32_t count[3] = { 0 };
    CU_ASSERT_FATAL(!anc_match_view(
        m, k, &(anc_match_input){ &s->rules, &s->grid, s->box, s->n_box, s->crowd, s->n_crowd }, &err));
    for (int32_t a = 0; a < s->grid.n_anchors; a++) {
        wrong += anc_match_label(m, &s->grid, a) != label[a] ||
                 (label[a] == 1 && anc_match_gt(m, &s->grid, a) != gt[a]);
        count[label[a] + 1]++;
    }
    wrong += m->n_ignored != count[0] || m->n_negative != count[1] || m->n_positive != count[2];
    int32_t n = m->n_positive + m->n_ignored, at = 0;
    int32_t *anchor = malloc(((size_t)n + 1) * sizeof *anchor), *of = malloc(((size_t)n + 1) * sizeof *of);
    CU_ASSERT_FATAL(!anc_match_rows(m, &s->grid, anchor, of, &err));
    for (int32_t a = 0; a < s->grid.n_anchors; a++)
        if (label[a]) {
            wrong += at >= n || anchor[at] != a || of[at] != (label[a] == 1 ? gt[a] : -1);
            at++;
        }
    free(anchor);
    free(of);
    return wrong;
}

static void compare_scenes(int n_scenes, int max_boxes, unsigned long long seed)
{
    check_rng r = { seed };
    anc_match m[4] = { 0 };
    int wrong = 0;
    for (int i = 0; i < n_scenes && !wrong; i++) {
        unsigned long long at = r.state;
        scene s;
        make(&s, &r, max_boxes);
        int8_t *label = malloc((size_t)s.grid.n_anchors);
        int32_t *gt = malloc((size_t)s.grid.n_anchors * sizeof *gt);
        anc_err err;
        CU_ASSERT_FATAL(
            !anc_brute_label(&s.rules, &s.grid, s.box, s.n_box, s.crowd, s.n_crowd, label, gt, &err));
        for (int k = 0; anc_kernels_all[k]; k++) {
            if (!anc_kernels_all[k]->usable()) continue;
            int here = differences(&s, &m[k], anc_kernels_all[k], label, gt);
            if (here)
                printf("\n    %d differences: %s kernels, %s, %d x %d px, %d boxes, seed %llx ", here,
                       anc_kernels_all[k]->name, s.rules.name, s.w, s.h, s.n_box, at);
            wrong += here;
        }
        free(label);
        free(gt);
        drop(&s);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (int k = 0; k < 4; k++) anc_match_free(&m[k]);
}

static void search_equals_brute_force_on_few_boxes(void) { compare_scenes(2500, 12, 1); }
static void search_equals_brute_force_on_many_boxes(void) { compare_scenes(120, 150, 2); }
static void search_equals_brute_force_on_2000_boxes(void) { compare_scenes(4, 2000, 3); }

static void every_kernel_table_is_run_or_named(void)
{
    for (const anc_kernels *const *k = anc_kernels_all; *k; k++)
        if (!(*k)->usable()) printf("NOT RUN: %s kernels (not on this CPU) ", (*k)->name);
    CU_ASSERT_PTR_NOT_NULL(anc_kernels_find("scalar"));
    CU_ASSERT_PTR_NOT_NULL(anc_kernels_find(NULL));
    CU_ASSERT_PTR_NULL(anc_kernels_find("mmx"));
}

/* By hand: an anchor of 32 x 32 at the origin, a box of 32 x 32 moved by 8: IoU 24 * 32 / (2 * 1024 - 24 *
 * 32) = 0.6. */
static void a_view_worked_out_by_hand(void)
{
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    r.anchors.n_levels = 1;
    r.anchors.n_ratios = 1;
    r.anchors.ratio[0] = 1;
    r.anchors.stride[0] = 64;
    r.match.low_quality = ANC_LOW_QUALITY_OFF;
    anc_grid g;
    anc_err err;
    anc_match m = { 0 };
    CU_ASSERT_FATAL(!anc_grid_place(&g, &r, 128, 128, 128, 128, &err));
    CU_ASSERT_EQUAL(g.n_anchors, 4);
    anc_box b = { -8, -16, 24, 16 };
    CU_ASSERT(
        !anc_match_view(&m, anc_kernels_find(NULL), &(anc_match_input){ &r, &g, &b, 1, NULL, 0 }, &err));
    CU_ASSERT(m.n_positive == 0 && m.n_ignored == 1 && m.n_negative == 3);
    CU_ASSERT_EQUAL(anc_match_label(&m, &g, 0), -1);
    r.match.positive_iou = 0.6; /* "at least" */
    CU_ASSERT(
        !anc_match_view(&m, anc_kernels_find(NULL), &(anc_match_input){ &r, &g, &b, 1, NULL, 0 }, &err));
    CU_ASSERT(m.n_positive == 1 && anc_match_label(&m, &g, 0) == 1 && anc_match_gt(&m, &g, 0) == 0);
    anc_match_free(&m);
}

static void a_far_box_changes_no_label(void)
{
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    anc_grid g;
    anc_err err;
    anc_match one = { 0 }, two = { 0 };
    const anc_kernels *k = anc_kernels_find(NULL);
    CU_ASSERT_FATAL(!anc_grid_place(&g, &r, 200, 300, 224, 320, &err));
    anc_box b[3] = { { 10, 10, 80, 90 }, { 100, 20, 140, 150 }, { 5000, 5000, 5050, 5050 } };
    CU_ASSERT(!anc_match_view(&one, k, &(anc_match_input){ &r, &g, b, 2, NULL, 0 }, &err));
    CU_ASSERT(!anc_match_view(&two, k, &(anc_match_input){ &r, &g, b, 3, NULL, 0 }, &err));
    CU_ASSERT(one.n_positive > 0 && one.n_positive == two.n_positive && one.n_ignored == two.n_ignored);
    CU_ASSERT_EQUAL(two.n_unmatched, 1);
    for (int32_t a = 0; a < g.n_anchors; a++)
        CU_ASSERT_EQUAL(anc_match_label(&one, &g, a), anc_match_label(&two, &g, a));
    anc_match_free(&one);
    anc_match_free(&two);
}

static void crowds_turn_negatives_to_ignored_and_nothing_else(void)
{
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    anc_grid g;
    anc_err err;
    anc_match plain = { 0 }, ignore = { 0 };
    const anc_kernels *k = anc_kernels_find(NULL);
    CU_ASSERT_FATAL(!anc_grid_place(&g, &r, 320, 320, 320, 320, &err));
    anc_box b = { 50, 60, 120, 130 }, crowd = { 100, 100, 300, 300 };
    CU_ASSERT(!anc_match_view(&plain, k, &(anc_match_input){ &r, &g, &b, 1, &crowd, 1 }, &err));
    r.boxes.crowd = ANC_CROWD_IGNORE;
    CU_ASSERT(!anc_match_view(&ignore, k, &(anc_match_input){ &r, &g, &b, 1, &crowd, 1 }, &err));
    int turned = 0;
    for (int32_t a = 0; a < g.n_anchors; a++) {
        int before = anc_match_label(&plain, &g, a), after = anc_match_label(&ignore, &g, a);
        CU_ASSERT(before == after || (before == 0 && after == -1));
        turned += before != after;
    }
    CU_ASSERT(turned > 1000 && ignore.n_negative == plain.n_negative - turned &&
              ignore.n_positive == plain.n_positive);
    anc_match_free(&plain);
    anc_match_free(&ignore);
}

/* A million anchors and 10,000 boxes: memory must not grow with their product. */
static void memory_grows_with_anchors_plus_boxes(void)
{
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    r.anchors.stride_from_grid = false;
    anc_grid g;
    anc_err err;
    anc_match m = { 0 };
    check_rng rng = { 5 };
    CU_ASSERT_FATAL(!anc_grid_place(&g, &r, 1600, 2560, 1600, 2560, &err));
    CU_ASSERT(g.n_anchors > 1000000);
    enum { N = 10000 };
    anc_box *box = malloc(N * sizeof *box);
    for (int i = 0; i < N; i++) {
        float x = (float)(check_uniform(&rng) * 2500), y = (float)(check_uniform(&rng) * 1550);
        float w = (float)(4 + check_uniform(&rng) * 60), h = (float)(4 + check_uniform(&rng) * 60);
        box[i] = (anc_box){ x, y, x + w, y + h };
    }
    CU_ASSERT(
        !anc_match_view(&m, anc_kernels_find(NULL), &(anc_match_input){ &r, &g, box, N, NULL, 0 }, &err));
    CU_ASSERT(m.n_positive > N);
    size_t bytes = m.visited_f32.capacity * 36 + m.positive.capacity / 8 +
                   (size_t)m.map.capacity * (ANC_TILE * 8 + 20) + (size_t)m.map.n_words * 4;
    CU_ASSERT(bytes < 30u << 20);
    anc_match_free(&m);
    free(box);
}

CHECK_SUITE("match", CHECK(a_view_worked_out_by_hand), CHECK(every_kernel_table_is_run_or_named),
            CHECK(search_equals_brute_force_on_few_boxes), CHECK(search_equals_brute_force_on_many_boxes),
            CHECK(search_equals_brute_force_on_2000_boxes), CHECK(a_far_box_changes_no_label),
            CHECK(crowds_turn_negatives_to_ignored_and_nothing_else),
            CHECK(memory_grows_with_anchors_plus_boxes));
