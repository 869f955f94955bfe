/* tests/unit/test_label.c: one view through all stages of core/ */
#include "core/label.h"
#include "tests/check.h"
#include <stdlib.h>
#include <string.h>

static anc_rules small_rules(void)
{
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    r.view.min_size[0] = 160;
    r.view.max_size = 256;
    return r;
}

static void label(anc_labeller *l, int64_t id, int32_t epoch, int h, int w, const anc_annotation *a, int n)
{
    anc_err err;
    CU_ASSERT_FATAL(!anc_label_by_rule(l, id, epoch, h, w, a, n, &err) && !anc_label_match(l, &err) &&
                    !anc_label_sample(l, &err) && !anc_label_encode(l, &err));
}

static void a_matched_box_leads_back_to_its_annotation(void)
{
    anc_rules rules = small_rules();
    anc_labeller l = { .rules = &rules, .kernels = anc_kernels_find(NULL), .seed = 1 };
    const anc_annotation a[] = {
        { { 10, 10, 40, 40 }, .crowd = true },    /* a crowd region: dropped */
        { { 50, 50, 90, 95 }, .crowd = false },   /* 0 */
        { { 300, 10, 330, 40 }, .crowd = false }, /* outside: dropped */
        { { -5, 60, 30, 130 }, .crowd = false },  /* 1, clipped */
    };
    label(&l, 7, 0, 160, 160, a, 4);
    CU_ASSERT_EQUAL_FATAL(l.n_box, 2);
    CU_ASSERT(l.box_from[0] == 1 && l.box_from[1] == 3);
    CU_ASSERT(l.n_crowd == 0 && l.n_dropped == 1 && l.n_clipped == 1);
    CU_ASSERT(l.box[0].x1 == 50 && l.box[1].x1 == 0 && l.box[1].y2 == 130);
    CU_ASSERT_FATAL(l.match.n_positive > 0 && l.batch.n_positive > 0);
    for (int i = 0; i < l.batch.n_positive; i++) CU_ASSERT(l.batch.gt[i] == 0 || l.batch.gt[i] == 1);
    anc_labeller_free(&l);
}

static void crowds_follow_their_rule(void)
{
    const anc_annotation a[] = { { { 10, 10, 120, 120 }, .crowd = true },
                                 { { 130, 130, 158, 158 }, .crowd = false } };
    int32_t ignored[4], positive[4];
    for (int rule = ANC_CROWD_DROP; rule <= ANC_CROWD_EXCLUDE; rule++) {
        anc_rules rules = small_rules();
        rules.boxes.crowd = (anc_crowd_rule)rule;
        anc_labeller l = { .rules = &rules, .kernels = anc_kernels_find(NULL), .seed = 1 };
        label(&l, 7, 0, 160, 160, a, 2);
        CU_ASSERT_EQUAL(l.n_box, rule == ANC_CROWD_KEEP ? 2 : 1);
        CU_ASSERT_EQUAL(l.n_crowd, rule >= ANC_CROWD_IGNORE);
        ignored[rule] = l.match.n_ignored;
        positive[rule] = l.match.n_positive;
        anc_labeller_free(&l);
    }
    CU_ASSERT(positive[ANC_CROWD_KEEP] > positive[ANC_CROWD_DROP]);
    CU_ASSERT(positive[ANC_CROWD_IGNORE] == positive[ANC_CROWD_DROP]);
    CU_ASSERT(ignored[ANC_CROWD_IGNORE] > ignored[ANC_CROWD_DROP] + 500);
    CU_ASSERT(ignored[ANC_CROWD_EXCLUDE] >= ignored[ANC_CROWD_IGNORE]);
}

/* Annotations in random number, size and place. */
static int any_annotations(check_rng *r, int h, int w, anc_annotation *a)
{
    int n = check_int(r, 0, 12);
    for (int i = 0; i < n; i++) {
        double x = check_uniform(r) * w - 5, y = check_uniform(r) * h - 5;
        a[i] = (anc_annotation){ { x, y, x + 2 + check_uniform(r) * 80, y + 2 + check_uniform(r) * 60 },
                                 .crowd = check_int(r, 0, 9) == 0 };
    }
    return n;
}

static void what_a_view_gives_does_not_depend_on_the_views_before_it(void)
{
    check_rng r = { 13 };
    anc_rules rules = small_rules();
    rules.view.flip = 0.5;
    anc_labeller used = { .rules = &rules, .kernels = anc_kernels_find(NULL), .seed = 5 };
    for (int i = 0; i < 200; i++) {
        anc_annotation a[12];
        int h = check_int(&r, 0, 3) ? 120 : check_int(&r, 60, 300), w = check_int(&r, 60, 300);
        int n = any_annotations(&r, h, w, a);
        anc_labeller fresh = { .rules = &rules, .kernels = &anc_kernels_scalar, .seed = 5 };
        label(&used, i, i % 4, h, w, a, n);
        label(&fresh, i, i % 4, h, w, a, n);
        size_t sampled = (size_t)(fresh.batch.n_positive + fresh.batch.n_negative);
        CU_ASSERT_FATAL(used.batch.n_positive == fresh.batch.n_positive &&
                        used.batch.n_negative == fresh.batch.n_negative);
        CU_ASSERT_FATAL(used.match.n_ignored == fresh.match.n_ignored && used.view.flip == fresh.view.flip);
        CU_ASSERT_FATAL(!memcmp(used.batch.anchor, fresh.batch.anchor, sampled * sizeof(int32_t)));
        if (fresh.batch.n_positive)
            CU_ASSERT_FATAL(
                !memcmp(used.target, fresh.target, (size_t)fresh.batch.n_positive * sizeof *used.target));
        anc_labeller_free(&fresh);
    }
    anc_labeller_free(&used);
}

static void an_image_without_boxes_gives_negatives_alone(void)
{
    anc_rules rules = small_rules();
    anc_labeller l = { .rules = &rules, .kernels = anc_kernels_find(NULL) };
    label(&l, 1, 0, 160, 160, NULL, 0);
    CU_ASSERT(l.match.n_positive == 0 && l.match.n_ignored == 0 && l.match.n_negative == l.grid.n_anchors);
    CU_ASSERT(l.batch.n_positive == 0 && l.batch.n_negative == 256);
    anc_labeller_free(&l);
}

static void an_impossible_image_is_an_error_and_the_next_one_works(void)
{
    anc_rules rules = small_rules();
    anc_labeller l = { .rules = &rules, .kernels = anc_kernels_find(NULL) };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(anc_label_by_rule(&l, 1, 0, 1, 100000, NULL, 0, &err), ANC_EDATA);
    label(&l, 2, 0, 160, 160, NULL, 0);
    CU_ASSERT_EQUAL(l.batch.n_negative, 256);
    anc_labeller_free(&l);
}

CHECK_SUITE("label", CHECK(a_matched_box_leads_back_to_its_annotation), CHECK(crowds_follow_their_rule),
            CHECK(what_a_view_gives_does_not_depend_on_the_views_before_it),
            CHECK(an_image_without_boxes_gives_negatives_alone),
            CHECK(an_impossible_image_is_an_error_and_the_next_one_works));
