/* tests/unit/test_target.c: targets by hand, and decoded again */
#include "core/target.h"
#include "tests/check.h"
#include <math.h>
#include <string.h>

static anc_grid grid_of(const anc_rules *r, int32_t side)
{
    anc_grid g;
    anc_err err;
    CU_ASSERT_FATAL(!anc_grid_place(&g, r, side, side, side, side, &err));
    return g;
}

/* The anchor at a place. */
static int32_t index_of(const anc_grid *g, int32_t level, int32_t y, int32_t x, int32_t a)
{
    const anc_level *v = &g->level[level];
    return v->first + (y * v->w + x) * v->n_shapes + a;
}

static void targets_are_what_the_equations_say(void)
{
    anc_grid g = grid_of(anc_rules_preset("detectron2-fpn"), 128);
    int32_t anchor = index_of(&g, 0, 4, 4, 1), gt = 0; /* 0, 0, 32, 32 */
    anc_box box = { 8, 8, 24, 40 };                    /* centre (16, 24), 16 x 32 */
    float t[1][4];
    anc_encode(anc_kernels_find(NULL), anc_rules_preset("detectron2-fpn"), &g, &anchor, &gt, 1, &box, t);
    CU_ASSERT(t[0][0] == 0 && t[0][1] == 0.25f && t[0][2] == (float)log(0.5) && t[0][3] == 0);
    anc_encode(anc_kernels_find(NULL), anc_rules_preset("mmdet-fpn"), &g, &anchor, &gt, 1, &box, t);
    CU_ASSERT(t[0][0] == 0 && t[0][1] == 0.25f && t[0][2] == (float)log(0.5) && t[0][3] == 0);
}

/* Inclusive corners: -14..17 is 32 pixels wide with its centre at 2; 2..9 is 8 wide with its centre at 6. */
static void legacy_boxes_count_their_last_pixel(void)
{
    const anc_rules *r = anc_rules_preset("maskrcnn-benchmark-fpn");
    anc_grid g = grid_of(r, 128);
    int32_t anchor = index_of(&g, 0, 0, 0, 1), gt = 0;
    anc_box box = { 2, 2, 9, 33 };
    float t[1][4];
    anc_encode(anc_kernels_find(NULL), r, &g, &anchor, &gt, 1, &box, t);
    CU_ASSERT(t[0][0] == (6 - 2) / 32.f && t[0][1] == (18 - 2) / 32.f);
    CU_ASSERT(t[0][2] == (float)log(0.25) && t[0][3] == 0);
    r = anc_rules_preset("faster-rcnn-vgg16");
    g = grid_of(r, 128);
    anchor = index_of(&g, 0, 2, 1, 3); /* -56 -56 71 71 moved by (16, 32): -40 -24 87 103, centre (24, 40) */
    box = (anc_box){ 16, 8, 79, 135 }; /* 64 x 128, centre (48, 72) */
    anc_encode(anc_kernels_find(NULL), r, &g, &anchor, &gt, 1, &box, t);
    CU_ASSERT(t[0][0] == 24 / 128.f && t[0][1] == 32 / 128.f && t[0][2] == (float)log(0.5) && t[0][3] == 0);
}

static void weights_multiply_each_part(void)
{
    static const char *const preset[] = { "detectron2-fpn", "mmdet-fpn",
                                          "faster-rcnn-vgg16" }; /* each coder */
    for (int p = 0; p < 3; p++) {
        anc_rules r = *anc_rules_preset(preset[p]);
        anc_grid g = grid_of(&r, 128);
        int32_t anchor = g.n_anchors / 2, gt = 0;
        anc_box box = { 11, 22, 55, 101 };
        float one[1][4], ten[1][4];
        anc_encode(anc_kernels_find(NULL), &r, &g, &anchor, &gt, 1, &box, one);
        memcpy(r.coder.weight, (double[]){ 10, 10, 5, 5 }, sizeof r.coder.weight);
        anc_encode(anc_kernels_find(NULL), &r, &g, &anchor, &gt, 1, &box, ten);
        for (int e = 0; e < 4; e++)
            CU_ASSERT_DOUBLE_EQUAL(ten[0][e], one[0][e] * (e < 2 ? 10 : 5), 1e-6 * fabs(ten[0][e]));
    }
}

/* The inverse, in double. */
static void decode(const anc_rules *r, const anc_grid *g, int32_t anchor, const float t[4], double box[4])
{
    anc_box a = anc_grid_box(g, anc_grid_at(g, anchor));
    double one = r->match.legacy, w = a.x2 - a.x1 + one, h = a.y2 - a.y1 + one;
    double x = a.x1 + w / 2, y = a.y1 + h / 2;
    if (r->coder.rule == ANC_CODER_CENTRE) {
        x = (a.x1 + a.x2) / 2.;
        y = (a.y1 + a.y2) / 2.;
    }
    x += t[0] / r->coder.weight[0] * w;
    y += t[1] / r->coder.weight[1] * h;
    w *= exp(t[2] / r->coder.weight[2]);
    h *= exp(t[3] / r->coder.weight[3]);
    box[0] = x - w / 2;
    box[1] = y - h / 2;
    box[2] = x + w / 2 - one;
    box[3] = y + h / 2 - one;
}

static void decoding_undoes_encoding_under_every_preset(void)
{
    check_rng random = { 2 };
    for (int p = 0; anc_rules_preset_names[p]; p++) {
        anc_rules r = *anc_rules_preset(anc_rules_preset_names[p]);
        if (p & 1) memcpy(r.coder.weight, (double[]){ 10, 8, 5, 4 }, sizeof r.coder.weight);
        anc_grid g = grid_of(&r, 512);
        enum { N = 2000 };
        static int32_t anchor[N], gt[N];
        static anc_box box[N];
        static float t[N][4];
        for (int i = 0; i < N; i++) {
            float x = (float)check_uniform(&random) * 400, y = (float)check_uniform(&random) * 400;
            box[i] = (anc_box){ x, y, x + 2 + (float)check_uniform(&random) * 300,
                                y + 2 + (float)check_uniform(&random) * 90 };
            anchor[i] = check_int(&random, 0, g.n_anchors - 1);
            gt[i] = check_int(&random, 0, i);
        }
        anc_encode(anc_kernels_find(NULL), &r, &g, anchor, gt, N, box, t);
        for (int i = 0; i < N; i++) {
            double back[4];
            decode(&r, &g, anchor[i], t[i], back);
            const anc_box *b = &box[gt[i]];
            CU_ASSERT_FATAL(fabs(back[0] - b->x1) < 2e-3 && fabs(back[1] - b->y1) < 2e-3);
            CU_ASSERT_FATAL(fabs(back[2] - b->x2) < 2e-3 && fabs(back[3] - b->y2) < 2e-3);
        }
    }
}

static void no_pairs_write_nothing(void)
{
    const anc_rules *r = anc_rules_preset("torchvision-fpn");
    anc_grid g = grid_of(r, 64);
    anc_encode(anc_kernels_find(NULL), r, &g, NULL, NULL, 0, NULL, NULL);
}

CHECK_SUITE("target", CHECK(targets_are_what_the_equations_say), CHECK(legacy_boxes_count_their_last_pixel),
            CHECK(weights_multiply_each_part), CHECK(decoding_undoes_encoding_under_every_preset),
            CHECK(no_pairs_write_nothing));
