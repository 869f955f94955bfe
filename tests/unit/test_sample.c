/* tests/unit/test_sample.c: minibatches: what they hold, how many of each, and that every choice is equally likely
 */
#include "core/sample.h"
#include "tests/check.h"
#include <math.h>
#include <string.h>

/* One anchor to each of 10 x 8 positions; an anchor is positive if a box is its copy, and negative otherwise.
 */
typedef struct {
    anc_rules rules;
    anc_grid grid;
    anc_match match;
    const anc_kernels *kernels;
} view;

enum { ANCHORS = 80 };

static void lay(view *v, int n_positive)
{
    anc_err err;
    *v = (view){ .rules = *anc_rules_preset("detectron2-c4"), .kernels = anc_kernels_find(NULL) };
    v->rules.anchors.n_sizes[0] = v->rules.anchors.n_ratios = 1;
    v->rules.anchors.ratio[0] = 1;
    v->rules.match.positive_iou = v->rules.match.negative_iou = 0.9;
    CU_ASSERT_FATAL(!anc_grid_place(&v->grid, &v->rules, 128, 160, 128, 160, &err));
    CU_ASSERT_EQUAL_FATAL(v->grid.n_anchors, ANCHORS);
    anc_box box[ANCHORS];
    for (int i = 0; i < n_positive; i++) /* 7 has no divisor in common with 80 */
        box[i] = anc_grid_box(&v->grid, anc_grid_at(&v->grid, i * 7 % ANCHORS));
    CU_ASSERT_FATAL(!anc_match_view(
        &v->match, v->kernels, &(anc_match_input){ &v->rules, &v->grid, box, n_positive, NULL, 0 }, &err));
    CU_ASSERT_EQUAL_FATAL(v->match.n_positive, n_positive);
    CU_ASSERT_EQUAL_FATAL(v->match.n_negative, ANCHORS - n_positive);
}

static void draw(const view *v, anc_minibatch *b, uint64_t seed, int64_t image, int32_t epoch)
{
    anc_err err;
    CU_ASSERT_FATAL(!anc_sample(b, v->kernels, &v->rules, &v->grid, &v->match, seed, image, epoch, &err));
}

/* Only true positives and negatives, each part ascending, so nothing twice. */
static void sound(const view *v, const anc_minibatch *b)
{
    for (int i = 0; i < b->n_positive + b->n_negative; i++) {
        bool positive = i < b->n_positive;
        CU_ASSERT_FATAL(b->anchor[i] >= 0 && b->anchor[i] < v->grid.n_anchors);
        CU_ASSERT_FATAL(anc_match_label(&v->match, &v->grid, b->anchor[i]) == positive);
        if (i && i != b->n_positive) CU_ASSERT_FATAL(b->anchor[i] > b->anchor[i - 1]);
        if (positive) CU_ASSERT_FATAL(b->gt[i] == anc_match_gt(&v->match, &v->grid, b->anchor[i]));
    }
}

static void expect_quota(int n_positive, int batch, double fraction, int positives, int negatives)
{
    view v;
    lay(&v, n_positive);
    v.rules.sample.batch = batch;
    v.rules.sample.positive_fraction = fraction;
    for (int rule = ANC_SAMPLER_PHILOX; rule <= ANC_SAMPLER_TORCH_NEEDED; rule++) {
        anc_minibatch b = { 0 };
        v.rules.sample.rule = (anc_sampler_rule)rule;
        draw(&v, &b, 3, 4, 5);
        CU_ASSERT_EQUAL(b.n_positive, positives);
        CU_ASSERT_EQUAL(b.n_negative, negatives);
        sound(&v, &b);
        anc_minibatch_free(&b);
    }
    anc_match_free(&v.match);
}

static void negatives_fill_what_positives_leave(void)
{
    expect_quota(30, 16, 0.5, 8, 8);
    expect_quota(3, 16, 0.5, 3, 13);
    expect_quota(0, 16, 0.5, 0, 16);
    expect_quota(30, 16, 0.25, 4, 12);
    expect_quota(30, 16, 0, 0, 16);
    expect_quota(30, 16, 1, 16, 0);
}

static void a_view_that_runs_short_gives_a_smaller_minibatch(void)
{
    expect_quota(78, 16, 0.5, 8, 2);
    expect_quota(80, 16, 0.5, 8, 0);
    expect_quota(3, 256, 0.5, 3, 77);
    expect_quota(40, 256, 0.5, 40, 40);
    expect_quota(80, 256, 0.5, 80, 0);
    expect_quota(0, 256, 0.5, 0, 80);
}

static void a_fraction_of_an_anchor_is_left_out(void)
{
    expect_quota(30, 15, 0.5, 7, 8);
    expect_quota(30, 10, 0.33, 3, 7);
    expect_quota(30, 1, 0.5, 0, 1);
    expect_quota(30, 3, 0.99, 2, 1);
}

/* How often each member is drawn: about chi-square, scaled for drawing k of n without repeats. */
static bool uniform(const int *count, const bool *member, int n, int k, int draws)
{
    double expected = (double)draws * k / n, sum = 0;
    for (int i = 0; i < ANCHORS; i++)
        if (member[i]) sum += (count[i] - expected) * (count[i] - expected) / expected;
    double scaled = sum * (n - 1) / (n - k), freedom = n - 1;
    return scaled < freedom + 5 * sqrt(2 * freedom) + 12 && scaled > freedom - 5 * sqrt(2 * freedom);
}

static void expect_uniform(int n_positive, int batch)
{
    enum { DRAWS = 20000 };
    view v;
    anc_minibatch b = { 0 };
    lay(&v, n_positive);
    v.rules.sample.batch = batch;
    int count[2][ANCHORS] = { 0 };
    bool member[2][ANCHORS];
    for (int a = 0; a < ANCHORS; a++) {
        member[1][a] = anc_match_label(&v.match, &v.grid, a) == 1;
        member[0][a] = !member[1][a];
    }
    for (int i = 0; i < DRAWS; i++) {
        draw(&v, &b, 12345, i, i % 3);
        sound(&v, &b);
        for (int k = 0; k < b.n_positive + b.n_negative; k++) count[k < b.n_positive][b.anchor[k]]++;
    }
    if (b.n_positive < n_positive) CU_ASSERT(uniform(count[1], member[1], n_positive, b.n_positive, DRAWS));
    if (b.n_negative < ANCHORS - n_positive)
        CU_ASSERT(uniform(count[0], member[0], ANCHORS - n_positive, b.n_negative, DRAWS));
    anc_minibatch_free(&b);
    anc_match_free(&v.match);
}

static void every_anchor_is_equally_likely_when_negatives_abound(void)
{
    expect_uniform(12, 8);
    expect_uniform(40, 20);
}

static void every_anchor_is_equally_likely_when_negatives_are_listed(void)
{
    expect_uniform(75, 4);  /* 5 negatives of 80 anchors */
    expect_uniform(20, 78); /* 58 of 60 */
    expect_uniform(40, 60); /* 30 of 40 */
}

/* Not only each anchor: each of the 10 pairs of 5 negatives, and of 5 positives. */
static void every_subset_is_equally_likely(void)
{
    for (int positives = 0; positives < 2; positives++) {
        view v;
        anc_minibatch b = { 0 };
        int n = positives ? 5 : 75, pair[ANCHORS][ANCHORS] = { 0 }, found = 0;
        double chi = 0;
        lay(&v, n);
        v.rules.sample.batch = 4;
        for (int i = 0; i < 20000; i++) {
            draw(&v, &b, 77, i, 0);
            int32_t *two = positives ? b.anchor : b.anchor + b.n_positive;
            pair[two[0]][two[1]]++;
        }
        for (int a = 0; a < ANCHORS; a++)
            for (int c = 0; c < ANCHORS; c++) {
                found += pair[a][c] > 0;
                if (pair[a][c]) chi += (pair[a][c] - 2000.) * (pair[a][c] - 2000.) / 2000;
            }
        CU_ASSERT_EQUAL(found, 10);
        CU_ASSERT(chi < 45); /* 9 degrees of freedom: 1e-6 */
        anc_minibatch_free(&b);
        anc_match_free(&v.match);
    }
}

static void the_draw_depends_on_seed_image_and_epoch_alone(void)
{
    view v, small;
    anc_minibatch fresh = { 0 }, used = { 0 };
    lay(&v, 30);
    lay(&small, 79);
    v.rules.sample.batch = 16;
    draw(&v, &fresh, 1, 2, 3);
    for (int i = 0; i < 50; i++) { /* other views in between leave no trace */
        draw(i % 2 ? &v : &small, &used, (uint64_t)i, i, i);
        draw(&v, &used, 1, 2, 3);
        CU_ASSERT_EQUAL_FATAL(memcmp(used.anchor, fresh.anchor, 16 * sizeof(int32_t)), 0);
    }
    int changed = 0;
    for (int i = 0; i < 3; i++) {
        draw(&v, &used, i == 0 ? 9 : 1, i == 1 ? 9 : 2, i == 2 ? 9 : 3);
        changed += memcmp(used.anchor, fresh.anchor, 8 * sizeof(int32_t)) != 0 &&
                   memcmp(used.anchor + 8, fresh.anchor + 8, 8 * sizeof(int32_t)) != 0;
    }
    CU_ASSERT_EQUAL(changed, 3);
    for (const anc_kernels *const *k = anc_kernels_all; *k; k++) {
        if (!(*k)->usable()) continue;
        v.kernels = *k;
        draw(&v, &used, 1, 2, 3);
        CU_ASSERT_EQUAL(memcmp(used.anchor, fresh.anchor, 16 * sizeof(int32_t)), 0);
    }
    anc_minibatch_free(&fresh);
    anc_minibatch_free(&used);
    anc_match_free(&v.match);
    anc_match_free(&small.match);
}

static void torch_draws_follow_the_seed_and_nothing_else(void)
{
    view v;
    anc_minibatch a = { 0 }, b = { 0 };
    lay(&v, 30);
    v.rules.sample.batch = 16;
    v.rules.sample.rule = ANC_SAMPLER_TORCH;
    draw(&v, &a, 5, 1, 0);
    draw(&v, &b, 5, 2, 7);
    CU_ASSERT_EQUAL(memcmp(a.anchor, b.anchor, 16 * sizeof(int32_t)), 0);
    draw(&v, &b, 6, 1, 0);
    CU_ASSERT_NOT_EQUAL(memcmp(a.anchor, b.anchor, 16 * sizeof(int32_t)), 0);
    anc_minibatch_free(&a);
    anc_minibatch_free(&b);
    anc_match_free(&v.match);
}

/* Both border rules: no sampled anchor reaches over the edge, in many views of random boxes. */
static void anchors_over_the_edge_are_never_sampled(void)
{
    static const char *const preset[] = { "faster-rcnn-vgg16", "maskrcnn-benchmark-fpn" };
    check_rng r = { 21 };
    view v = { .kernels = anc_kernels_find(NULL) };
    anc_minibatch b = { 0 };
    anc_err err;
    for (int round = 0; round < 300; round++) {
        anc_box box[6];
        int h = check_int(&r, 40, 500), w = check_int(&r, 40, 500), n = check_int(&r, 0, 6);
        v.rules = *anc_rules_preset(preset[round % 2]);
        v.rules.sample.rule = (anc_sampler_rule)check_int(&r, 0, 2);
        CU_ASSERT_FATAL(
            !anc_grid_place(&v.grid, &v.rules, h, w, (h + 31) / 32 * 32, (w + 31) / 32 * 32, &err));
        for (int i = 0; i < n; i++) {
            float x = (float)check_int(&r, 0, w - 20), y = (float)check_int(&r, 0, h - 20);
            box[i] = (anc_box){ x, y, x + (float)check_int(&r, 5, 200), y + (float)check_int(&r, 5, 200) };
        }
        CU_ASSERT_FATAL(!anc_match_view(&v.match, v.kernels,
                                        &(anc_match_input){ &v.rules, &v.grid, box, n, NULL, 0 }, &err));
        draw(&v, &b, 1, round, 0);
        sound(&v, &b);
        for (int i = 0; i < b.n_positive + b.n_negative; i++) {
            anc_box a = anc_grid_box(&v.grid, anc_grid_at(&v.grid, b.anchor[i]));
            CU_ASSERT_FATAL(a.x1 >= 0 && a.y1 >= 0 && a.x2 < (float)w && a.y2 < (float)h);
        }
    }
    anc_minibatch_free(&b);
    anc_match_free(&v.match);
}

CHECK_SUITE("sample", CHECK(negatives_fill_what_positives_leave),
            CHECK(a_view_that_runs_short_gives_a_smaller_minibatch),
            CHECK(a_fraction_of_an_anchor_is_left_out),
            CHECK(every_anchor_is_equally_likely_when_negatives_abound),
            CHECK(every_anchor_is_equally_likely_when_negatives_are_listed),
            CHECK(every_subset_is_equally_likely), CHECK(the_draw_depends_on_seed_image_and_epoch_alone),
            CHECK(torch_draws_follow_the_seed_and_nothing_else),
            CHECK(anchors_over_the_edge_are_never_sampled));
