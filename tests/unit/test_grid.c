/* tests/unit/test_grid.c: base anchors, their places, and the border rule, by hand and one by one */
#include "core/grid.h"
#include "tests/check.h"
#include <math.h>
#include <string.h>

static void expect_base(const char *preset, int level, const double (*wanted)[4], int n)
{
    double base[ANC_MAX_PER_POSITION][4];
    CU_ASSERT_EQUAL_FATAL(anc_base_anchors(anc_rules_preset(preset), level, base), n);
    for (int a = 0; a < n; a++)
        for (int e = 0; e < 4; e++) CU_ASSERT_DOUBLE_EQUAL(base[a][e], wanted[a][e], 1e-4);
}

/* The values are those of the systems' own tables: docs/METHOD.md, "Anchors". */
static void base_anchors_are_those_of_each_system(void)
{
    expect_base("torchvision-fpn", 0,
                (const double[][4]){ { -23, -11, 23, 11 }, { -16, -16, 16, 16 }, { -11, -23, 11, 23 } }, 3);
    expect_base(
        "torchvision-fpn", 4,
        (const double[][4]){ { -362, -181, 362, 181 }, { -256, -256, 256, 256 }, { -181, -362, 181, 362 } },
        3);
    expect_base("detectron2-fpn", 0,
                (const double[][4]){ { -22.627417, -11.313708, 22.627417, 11.313708 },
                                     { -16, -16, 16, 16 },
                                     { -11.313708, -22.627417, 11.313708, 22.627417 } },
                3);
    expect_base("mmdet-fpn", 0,
                (const double[][4]){ { -22.627417, -11.313708, 22.627417, 11.313708 },
                                     { -16, -16, 16, 16 },
                                     { -11.313708, -22.627417, 11.313708, 22.627417 } },
                3);
    expect_base("faster-rcnn-vgg16", 0,
                (const double[][4]){ { -84, -40, 99, 55 },
                                     { -176, -88, 191, 103 },
                                     { -360, -184, 375, 199 },
                                     { -56, -56, 71, 71 },
                                     { -120, -120, 135, 135 },
                                     { -248, -248, 263, 263 },
                                     { -36, -80, 51, 95 },
                                     { -80, -168, 95, 183 },
                                     { -168, -344, 183, 359 } },
                9);
    expect_base("maskrcnn-benchmark-fpn", 0,
                (const double[][4]){ { -22, -10, 25, 13 }, { -14, -14, 17, 17 }, { -10, -22, 13, 25 } }, 3);
    expect_base(
        "maskrcnn-benchmark-fpn", 3,
        (const double[][4]){ { -164, -72, 195, 103 }, { -112, -112, 143, 143 }, { -76, -168, 107, 199 } }, 3);
}

static void several_sizes_stand_in_each_systems_order(void)
{
    double base[ANC_MAX_PER_POSITION][4];
    CU_ASSERT_EQUAL(anc_base_anchors(anc_rules_preset("detectron2-c4"), 0, base), 15);
    for (int a = 0; a < 15; a++) /* sizes outside, ratios inside */
        CU_ASSERT_DOUBLE_EQUAL(sqrt((base[a][2] - base[a][0]) * (base[a][3] - base[a][1])), 32 << a / 3,
                               0.01);
    anc_rules r = *anc_rules_preset("detectron2-c4");
    r.anchors.rule = ANC_ANCHORS_MMDET;
    CU_ASSERT_EQUAL(anc_base_anchors(&r, 0, base), 15);
    for (int a = 0; a < 15; a++)
        CU_ASSERT_DOUBLE_EQUAL(sqrt((base[a][2] - base[a][0]) * (base[a][3] - base[a][1])), 32 << a % 5,
                               0.01);
}

static void an_800_by_1333_view_has_the_well_known_grids(void)
{
    anc_grid g;
    anc_err err;
    CU_ASSERT_FATAL(!anc_grid_place(&g, anc_rules_preset("torchvision-fpn"), 800, 1333, 800, 1344, &err));
    static const int32_t h[] = { 200, 100, 50, 25, 13 }, w[] = { 336, 168, 84, 42, 21 };
    for (int l = 0; l < 5; l++) CU_ASSERT(g.level[l].h == h[l] && g.level[l].w == w[l]);
    CU_ASSERT_EQUAL(g.n_anchors, 268569);
    CU_ASSERT_EQUAL(g.level[4].stride_y, 61); /* 800 / 13: the stride follows from the grid */
    CU_ASSERT_EQUAL(g.level[4].stride_x, 64);
    CU_ASSERT_FATAL(!anc_grid_place(&g, anc_rules_preset("detectron2-fpn"), 800, 1333, 800, 1344, &err));
    CU_ASSERT_EQUAL(g.n_anchors, 268569);
    CU_ASSERT_EQUAL(g.level[4].stride_y, 64);
}

static anc_rules any_rules(check_rng *r)
{
    anc_rules rules = *anc_rules_preset(anc_rules_preset_names[check_int(r, 0, 6)]);
    rules.anchors.border = (anc_border_rule)check_int(r, 0, 2);
    rules.anchors.border_px = check_int(r, 0, 1) ? 0 : check_int(r, 1, 60);
    rules.anchors.offset = check_int(r, 0, 1) ? 0 : 0.5;
    return rules;
}

/* A walk over levels, rows, columns and shapes meets the anchors in the order of their indices. */
static void an_index_stands_for_its_level_row_column_and_shape(void)
{
    check_rng r = { 3 };
    for (int round = 0; round < 60; round++) {
        anc_rules rules = any_rules(&r);
        anc_grid g;
        anc_err err;
        int h = check_int(&r, 1, 300), w = check_int(&r, 1, 300);
        CU_ASSERT_FATAL(!anc_grid_place(&g, &rules, h, w, h, w, &err));
        int32_t index = 0, last_cell = -1;
        for (int l = 0; l < g.n_levels; l++) {
            CU_ASSERT_EQUAL_FATAL(g.level[l].first, index);
            for (int y = 0; y < g.level[l].h; y++)
                for (int x = 0; x < g.level[l].w; x++)
                    for (int a = 0; a < g.level[l].n_shapes; a++, index++) {
                        anc_anchor_at at = anc_grid_at(&g, index);
                        if (at.level != l || at.y != y || at.x != x || at.a != a)
                            CU_FAIL_FATAL("another place");
                        int32_t cell = anc_grid_cell(&g, index);
                        int32_t wanted = g.cells[g.level[l].shape + a].cell + y * g.level[l].w + x;
                        if (cell != wanted || cell == last_cell || cell >= g.n_cells)
                            CU_FAIL_FATAL("another cell");
                        last_cell = cell;
                    }
        }
        CU_ASSERT_EQUAL(index, g.n_anchors);
    }
}

/* A level of 2^27 to 2^31 positions, as aerial images have at full size. */
static void an_index_in_a_huge_grid_has_its_cell(void)
{
    anc_rules r = *anc_rules_preset("detectron2-fpn");
    r.anchors.n_levels = 1;
    for (int n_ratios = 1; n_ratios <= 16; n_ratios++) {
        anc_grid g;
        anc_err err = { 0 };
        int side = (int)(4 * sqrt(2.1e9 / n_ratios));
        r.anchors.n_ratios = n_ratios;
        for (int i = 0; i < n_ratios; i++) r.anchors.ratio[i] = 1 + i;
        CU_ASSERT_FATAL(!anc_grid_place(&g, &r, side, side, side, side, &err));
        CU_ASSERT(g.n_anchors > 2000000000);
        for (int64_t k = 0; k < g.n_anchors; k += k < 3000 || k > g.n_anchors - 4000 ? 1 : 999983) {
            int32_t index = (int32_t)k;
            anc_anchor_at at = anc_grid_at(&g, index);
            if (anc_grid_cell(&g, index) != g.cells[at.a].cell + at.y * g.level[0].w + at.x)
                CU_FAIL_FATAL("another cell");
        }
    }
}

static void boxes_are_the_base_moved_by_strides(void)
{
    anc_grid g;
    anc_err err;
    anc_rules r = *anc_rules_preset("detectron2-fpn");
    r.anchors.offset = 0.5;
    CU_ASSERT_FATAL(!anc_grid_place(&g, &r, 64, 64, 64, 64, &err));
    anc_box b = anc_grid_box(&g, (anc_anchor_at){ 1, 2, 3, 1 }); /* stride 8, size 64: centre (28, 20) */
    CU_ASSERT(b.x1 == -4 && b.y1 == -12 && b.x2 == 60 && b.y2 == 52);
}

/* The rule itself, anchor by anchor, on the rounded corners. */
static bool outside(const anc_grid *g, const anc_rules *r, int32_t anchor, int h, int w)
{
    anc_anchor_at at = anc_grid_at(g, anchor);
    const anc_level *v = &g->level[at.level];
    const double *base = g->base[v->shape + at.a];
    double x = at.x * (double)v->stride_x + v->shift_x, y = at.y * (double)v->stride_y + v->shift_y,
           px = r->anchors.border_px;
    if (r->match.float64)
        return !(base[0] + x >= -px && base[1] + y >= -px && base[2] + x < w + px && base[3] + y < h + px);
    anc_box b = anc_grid_box(g, at);
    return !(b.x1 >= -px && b.y1 >= -px && b.x2 < w + px && b.y2 < h + px);
}

static void the_border_rule_takes_out_what_a_test_of_each_anchor_does(void)
{
    check_rng r = { 5 };
    for (int round = 0; round < 150; round++) {
        anc_rules rules = any_rules(&r);
        anc_grid g;
        anc_err err;
        int h = check_int(&r, 1, 600), w = check_int(&r, 1, 600);
        CU_ASSERT_FATAL(!anc_grid_place(&g, &rules, h, w, (h + 31) / 32 * 32, (w + 31) / 32 * 32, &err));
        int32_t n = 0;
        for (int32_t a = 0; a < g.n_anchors; a++) {
            bool wanted = rules.anchors.border != ANC_BORDER_KEEP && outside(&g, &rules, a, h, w);
            n += wanted;
            if (anc_grid_outside(&g, a) != wanted) CU_FAIL_FATAL("an anchor on the other side of the border");
        }
        CU_ASSERT_EQUAL(g.n_outside, n);
    }
}

static void too_many_anchors_are_refused(void)
{
    anc_grid g;
    anc_err err = { 0 };
    anc_rules r = *anc_rules_preset("detectron2-fpn");
    r.anchors.stride[0] = 1;
    CU_ASSERT_EQUAL(anc_grid_place(&g, &r, 30000, 30000, 30000, 30000, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "30000 x 30000 px has more than 2^31 anchors"));
    CU_ASSERT_EQUAL(anc_grid_place(&g, &r, 1000000, 1000000, 1000000, 1000000, &err), ANC_EDATA);
    r = *anc_rules_preset("detectron2-c4");
    r.anchors.n_levels = 5;
    r.anchors.n_ratios = 16;
    for (int l = 0; l < 5; l++) {
        r.anchors.stride[l] = 16;
        r.anchors.n_sizes[l] = 16;
    }
    CU_ASSERT_EQUAL(anc_grid_place(&g, &r, 100, 100, 100, 100, &err), ANC_EARGUMENT); /* 1280 shapes */
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "1024 shapes"));
}

CHECK_SUITE("grid", CHECK(base_anchors_are_those_of_each_system),
            CHECK(several_sizes_stand_in_each_systems_order),
            CHECK(an_800_by_1333_view_has_the_well_known_grids),
            CHECK(an_index_stands_for_its_level_row_column_and_shape),
            CHECK(an_index_in_a_huge_grid_has_its_cell), CHECK(boxes_are_the_base_moved_by_strides),
            CHECK(the_border_rule_takes_out_what_a_test_of_each_anchor_does),
            CHECK(too_many_anchors_are_refused));
