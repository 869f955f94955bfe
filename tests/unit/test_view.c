/* tests/unit/test_view.c: sizes of views and boxes in them, by hand and against what must hold */
#include "core/view.h"
#include "tests/check.h"
#include <math.h>
#include <string.h>

static anc_view lay(const anc_rules *r, int32_t h, int32_t w)
{
    anc_view v;
    anc_err err;
    CU_ASSERT_FATAL(!anc_view_by_rule(&v, r, 0, 1, 0, h, w, &err));
    return v;
}

static void expect_size(const char *preset, int32_t h, int32_t w, int32_t view_h, int32_t view_w,
                        int32_t padded_h, int32_t padded_w)
{
    anc_view v = lay(anc_rules_preset(preset), h, w);
    CU_ASSERT(v.h == view_h && v.w == view_w && v.padded_h == padded_h && v.padded_w == padded_w);
    CU_ASSERT_DOUBLE_EQUAL(v.scale_y, (double)view_h / h, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(v.scale_x, (double)view_w / w, 1e-6);
}

static void views_have_the_sizes_of_each_system(void)
{
    /* 427 x 640: float32 and double end on either side of 800 rows, and both systems cut off */
    expect_size("torchvision-0.14-fpn", 427, 640, 799, 1199, 800, 1216);
    expect_size("torchvision-fpn", 427, 640, 800, 1199, 800, 1216);
    expect_size("torchvision-fpn", 375, 500, 800, 1066, 800, 1088);
    /* 480 x 640 is 800 x 1066.67: torchvision cuts off, others round */
    expect_size("torchvision-0.14-fpn", 480, 640, 800, 1066, 800, 1088);
    expect_size("torchvision-fpn", 480, 640, 800, 1066, 800, 1088);
    expect_size("detectron2-fpn", 480, 640, 800, 1067, 800, 1088);
    expect_size("detectron2-c4", 480, 640, 800, 1067, 800, 1067);
    expect_size("mmdet-fpn", 480, 640, 800, 1067, 800, 1088);
    expect_size("maskrcnn-benchmark-fpn", 480, 640, 800, 1066, 800, 1088);
    expect_size("faster-rcnn-vgg16", 480, 640, 600, 800, 600, 800);
    /* a long image: the bound on the long side decides */
    expect_size("detectron2-fpn", 200, 1000, 267, 1333, 288, 1344);
    expect_size("mmdet-fpn", 200, 1000, 267, 1333, 288, 1344);
    expect_size("faster-rcnn-vgg16", 200, 1000, 200, 1000, 200, 1000);
    expect_size("detectron2-fpn", 1000, 200, 1333, 267, 1344, 288);
    /* already as wanted */
    expect_size("detectron2-fpn", 800, 1200, 800, 1200, 800, 1216);
    expect_size("torchvision-fpn", 800, 800, 800, 800, 800, 800);
}

static void without_a_resize_rule_the_image_is_the_view(void)
{
    anc_rules r = *anc_rules_preset("detectron2-fpn");
    r.view.resize = ANC_RESIZE_NONE;
    r.view.pad = 0;
    anc_view v = lay(&r, 333, 77);
    CU_ASSERT(v.h == 333 && v.w == 77 && v.padded_h == 333 && v.padded_w == 77 && v.scale_x == 1 &&
              v.scale_y == 1);
    r.view.pad = 64;
    v = lay(&r, 320, 321);
    CU_ASSERT(v.padded_h == 320 && v.padded_w == 384);
    anc_view_exact(&v, 10, 20, 32, 64);
    CU_ASSERT(v.h == 10 && v.w == 20 && v.padded_h == 32 && v.padded_w == 64 && v.scale_x == 1 && !v.flip);
}

static void an_image_of_extreme_shape_is_refused_in_words(void)
{
    static const int32_t shape[][2] = { { 1, 100000 }, { 100000, 1 } };
    static const char *const preset[] = { "torchvision-fpn", "torchvision-0.14-fpn",   "detectron2-fpn",
                                          "mmdet-fpn",       "maskrcnn-benchmark-fpn", "faster-rcnn-vgg16" };
    for (size_t p = 0; p < 6; p++)
        for (int i = 0; i < 2; i++) {
            anc_view v;
            anc_err err = { 0 };
            CU_ASSERT_EQUAL(
                anc_view_by_rule(&v, anc_rules_preset(preset[p]), 0, 1, 0, shape[i][0], shape[i][1], &err),
                ANC_EDATA);
            CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "a view needs a pixel each way"));
        }
}

/* Any shape: no side over the bound, none at 0, the ratio kept as well as whole pixels can. */
static void sizes_stay_within_their_bounds(void)
{
    check_rng r = { 8 };
    for (int k = 0; k < 20000; k++) {
        const anc_rules *rules = anc_rules_preset(anc_rules_preset_names[check_int(&r, 0, 6)]);
        int h = check_int(&r, 1, 3000), w = check_int(&r, 1, 3000);
        anc_view v;
        anc_err err;
        if (anc_view_by_rule(&v, rules, 0, 1, 0, h, w, &err)) continue;
        double low = fmin(v.h, v.w), high = fmax(v.h, v.w), ratio = fmax(h, w) / fmin(h, w);
        CU_ASSERT_FATAL(low >= 1 && low <= rules->view.min_size[0] && high <= rules->view.max_size + ratio);
        CU_ASSERT_FATAL(fabs((v.h + 0.) / h - (v.w + 0.) / w) <= 2. / fmin(h, w) + 1e-9);
        /* one of the bounds is met, but for a pixel of the short side, which is `ratio` px of the long one */
        CU_ASSERT_FATAL(low > rules->view.min_size[0] - 2 || high > rules->view.max_size - 2 - ratio);
        CU_ASSERT_FATAL(v.padded_h >= v.h && v.padded_w >= v.w);
        if (rules->view.pad)
            CU_ASSERT_FATAL(v.padded_h % rules->view.pad == 0 && v.padded_h - v.h < rules->view.pad);
    }
}

static void expect_box(const anc_view *v, anc_boxes_rule rule, const double in[4], anc_box_fate fate,
                       anc_box wanted)
{
    anc_box b = { 0 };
    CU_ASSERT_EQUAL(anc_view_box(v, rule, in, &b), fate);
    if (fate == ANC_BOX_DROPPED) return;
    CU_ASSERT_DOUBLE_EQUAL(b.x1, wanted.x1, 1e-4);
    CU_ASSERT_DOUBLE_EQUAL(b.y1, wanted.y1, 1e-4);
    CU_ASSERT_DOUBLE_EQUAL(b.x2, wanted.x2, 1e-4);
    CU_ASSERT_DOUBLE_EQUAL(b.y2, wanted.y2, 1e-4);
}

static anc_view twice(bool flip) /* 100 x 200 (h x w), doubled */
{
    return (anc_view){ .flip = flip,
                       .image_h = 100,
                       .image_w = 200,
                       .h = 200,
                       .w = 400,
                       .padded_h = 224,
                       .padded_w = 416,
                       .scale_y = 2,
                       .scale_x = 2 };
}

static void boxes_are_scaled_clipped_and_dropped_by_each_rule(void)
{
    anc_view v = twice(false);
    const double inside[4] = { 10, 20, 30, 50 }, over[4] = { -10, 20, 30, 120 },
                 out[4] = { 210, 20, 230, 50 };
    for (int rule = ANC_BOXES_TORCHVISION; rule <= ANC_BOXES_MMDET; rule++) {
        expect_box(&v, (anc_boxes_rule)rule, inside, ANC_BOX_KEPT, (anc_box){ 20, 40, 60, 100 });
        expect_box(&v, (anc_boxes_rule)rule, over, ANC_BOX_CLIPPED, (anc_box){ 0, 40, 60, 200 });
        expect_box(&v, (anc_boxes_rule)rule, out, ANC_BOX_DROPPED, (anc_box){ 0 });
    }
    /* the legacy rules hold inclusive corners: the last pixel's, not the edge after it */
    expect_box(&v, ANC_BOXES_MASKRCNN_BENCHMARK, inside, ANC_BOX_KEPT, (anc_box){ 20, 40, 58, 98 });
    expect_box(&v, ANC_BOXES_MASKRCNN_BENCHMARK, over, ANC_BOX_CLIPPED, (anc_box){ 0, 40, 58, 198 });
    expect_box(&v, ANC_BOXES_MASKRCNN_BENCHMARK, out, ANC_BOX_DROPPED, (anc_box){ 0 });
    expect_box(&v, ANC_BOXES_PY_FASTER_RCNN, inside, ANC_BOX_KEPT, (anc_box){ 20, 40, 58, 98 });
    expect_box(&v, ANC_BOXES_PY_FASTER_RCNN, out, ANC_BOX_DROPPED, (anc_box){ 0 });
}

static void slivers_are_dropped_where_their_system_drops_them(void)
{
    anc_view v = twice(false);
    const double thin[4] = { 10, 20, 10.5, 50 }, hair[4] = { 10, 20, 10.000001, 50 },
                 line[4] = { 199.9999, 20, 230, 50 };
    anc_box b;
    CU_ASSERT_EQUAL(anc_view_box(&v, ANC_BOXES_MMDET, thin, &b),
                    ANC_BOX_DROPPED); /* below one original pixel */
    CU_ASSERT_EQUAL(anc_view_box(&v, ANC_BOXES_DETECTRON2, thin, &b), ANC_BOX_KEPT);
    CU_ASSERT_EQUAL(anc_view_box(&v, ANC_BOXES_TORCHVISION, thin, &b), ANC_BOX_KEPT);
    CU_ASSERT_EQUAL(anc_view_box(&v, ANC_BOXES_DETECTRON2, hair, &b),
                    ANC_BOX_DROPPED); /* 1e-5 view px at least */
    CU_ASSERT_EQUAL(anc_view_box(&v, ANC_BOXES_DETECTRON2, line, &b), ANC_BOX_CLIPPED);
    /* inclusive corners of a box one pixel wide coincide: no width is left for one rule, a pixel for the
     * other */
    const double pixel[4] = { 10, 20, 11, 50 };
    CU_ASSERT_EQUAL(anc_view_box(&v, ANC_BOXES_MASKRCNN_BENCHMARK, pixel, &b), ANC_BOX_DROPPED);
    CU_ASSERT_EQUAL(anc_view_box(&v, ANC_BOXES_PY_FASTER_RCNN, pixel, &b), ANC_BOX_KEPT);
}

static void a_flip_mirrors_boxes_within_the_view(void)
{
    check_rng r = { 4 };
    anc_view plain = twice(false), flipped = twice(true);
    for (int k = 0; k < 5000; k++) {
        double x = check_int(&r, -20, 190), y = check_int(&r, -20, 90), w = check_int(&r, 2, 60),
               h = check_int(&r, 2, 60);
        double box[4] = { x, y, x + w, y + h };
        for (int rule = ANC_BOXES_TORCHVISION; rule <= ANC_BOXES_PY_FASTER_RCNN; rule++) {
            anc_box a = { 0 }, b = { 0 };
            anc_box_fate fate = anc_view_box(&plain, (anc_boxes_rule)rule, box, &a);
            CU_ASSERT_EQUAL_FATAL(anc_view_box(&flipped, (anc_boxes_rule)rule, box, &b), fate);
            if (fate == ANC_BOX_DROPPED) continue;
            /* inclusive corners: px 0 and px 399 swap; py-faster-rcnn mirrors px 0 and 199 before it doubles
             */
            float edge = rule == ANC_BOXES_MASKRCNN_BENCHMARK ? 399
                         : rule == ANC_BOXES_PY_FASTER_RCNN   ? 398
                                                              : 400;
            CU_ASSERT_FATAL(fabsf(b.x1 - (edge - a.x2)) < 1e-3f && fabsf(b.x2 - (edge - a.x1)) < 1e-3f);
            CU_ASSERT_FATAL(b.y1 == a.y1 && b.y2 == a.y2);
        }
    }
}

static void a_box_flipped_twice_is_the_box(void)
{
    check_rng r = { 6 };
    for (int k = 0; k < 5000; k++) {
        anc_view v = {
            .flip = true, .image_h = 480, .image_w = 641, .h = 480, .w = 641, .scale_x = 1, .scale_y = 1
        };
        double x = check_uniform(&r) * 600, y = check_uniform(&r) * 400;
        double box[4] = { x, y, x + 3 + check_uniform(&r) * 30, y + 3 + check_uniform(&r) * 60 };
        for (int rule = ANC_BOXES_TORCHVISION; rule <= ANC_BOXES_MMDET; rule++) {
            anc_box b;
            CU_ASSERT_EQUAL_FATAL(anc_view_box(&v, (anc_boxes_rule)rule, box, &b), ANC_BOX_KEPT);
            double again[4] = { b.x1, b.y1, b.x2, b.y2 };
            CU_ASSERT_EQUAL_FATAL(anc_view_box(&v, (anc_boxes_rule)rule, again, &b), ANC_BOX_KEPT);
            CU_ASSERT_FATAL(fabs(b.x1 - box[0]) < 1e-3 && fabs(b.x2 - box[2]) < 1e-3 &&
                            fabs(b.y1 - box[1]) < 1e-3);
        }
    }
}

static void flips_follow_their_probability(void)
{
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    for (int p = 0; p <= 4; p++) {
        int flips = 0, n = 8000;
        r.view.flip = p / 4.;
        for (int i = 0; i < n; i++) {
            anc_view v;
            anc_err err;
            CU_ASSERT_FATAL(!anc_view_by_rule(&v, &r, 7, i, 3, 480, 640, &err));
            flips += v.flip;
        }
        CU_ASSERT(fabs(flips - n * p / 4.) <= 5 * sqrt(n * p / 4. * (1 - p / 4.)));
    }
}

static void one_of_several_sizes_is_drawn_for_each_view_and_epoch(void)
{
    anc_rules r = *anc_rules_preset("detectron2-fpn");
    static const int32_t sizes[] = { 640, 672, 704, 736, 768, 800 };
    r.view.n_min_sizes = 6;
    memcpy(r.view.min_size, sizes, sizeof sizes);
    int count[6] = { 0 }, changed = 0;
    for (int i = 0; i < 6000; i++) {
        anc_view v, again, other;
        anc_err err;
        CU_ASSERT_FATAL(!anc_view_by_rule(&v, &r, 7, i, 0, 500, 500, &err));
        CU_ASSERT_FATAL(!anc_view_by_rule(&other, &r, 7, i, 1, 500, 500, &err));
        CU_ASSERT_FATAL(!anc_view_by_rule(&again, &r, 7, i, 0, 500, 500, &err));
        CU_ASSERT_FATAL(v.h == again.h && v.w == again.w);
        changed += other.h != v.h;
        for (int s = 0; s < 6; s++) count[s] += v.h == sizes[s];
    }
    for (int s = 0; s < 6; s++) CU_ASSERT(count[s] > 850 && count[s] < 1150);
    CU_ASSERT(changed > 4800 && changed < 5200); /* 5 of 6 */
}

CHECK_SUITE("view", CHECK(views_have_the_sizes_of_each_system),
            CHECK(without_a_resize_rule_the_image_is_the_view),
            CHECK(an_image_of_extreme_shape_is_refused_in_words), CHECK(sizes_stay_within_their_bounds),
            CHECK(boxes_are_scaled_clipped_and_dropped_by_each_rule),
            CHECK(slivers_are_dropped_where_their_system_drops_them),
            CHECK(a_flip_mirrors_boxes_within_the_view), CHECK(a_box_flipped_twice_is_the_box),
            CHECK(flips_follow_their_probability),
            CHECK(one_of_several_sizes_is_drawn_for_each_view_and_epoch));
