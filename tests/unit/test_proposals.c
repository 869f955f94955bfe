/* tests/unit/test_proposals.c: decoding and proposals: by hand, and against what the known systems produced
 *
 * tests/golden/proposals.h5 was cut by tests/golden/cut_proposals.py; ANCHORAGE_GOLDEN_PROPOSALS names
 * another.
 */
#include "core/exponential.h"
#include "core/proposals.h"
#include "core/target.h"
#include "tests/check.h"
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t ulps(float a, float b)
{
    int32_t i, j;
    memcpy(&i, &a, 4);
    memcpy(&j, &b, 4);
    int64_t x = i < 0 ? -(int64_t)(i & 0x7fffffff) : i, y = j < 0 ? -(int64_t)(j & 0x7fffffff) : j;
    return x > y ? x - y : y - x;
}

/* ---- exp, decode ---- */

static void the_exponential_is_within_two_ulp_of_libms(void)
{
    check_rng r = { 21 };
    for (int i = 0; i < 200000; i++) {
        double x = i % 2 ? check_uniform(&r) * 12 - 6 : check_uniform(&r) * 1400 - 700, want = exp(x),
               got = anc_exp(x);
        CU_ASSERT(fabs(got - want) <= 2.0 * 0x1p-52 * want);
    }
    CU_ASSERT_EQUAL(anc_exp(0), 1);
    CU_ASSERT_EQUAL(anc_exp(1000), INFINITY);
    CU_ASSERT_EQUAL(anc_exp(INFINITY), INFINITY);
    CU_ASSERT_EQUAL(anc_exp(-INFINITY), 0);
    CU_ASSERT(isnan(anc_exp(NAN)));
    CU_ASSERT_EQUAL(anc_sigmoid(0), 0.5f);
    CU_ASSERT_EQUAL(anc_sigmoid(200), 1);
    CU_ASSERT_EQUAL(anc_sigmoid(-INFINITY), 0);
}

static void decoding_undoes_encoding(void)
{
    check_rng r = { 22 };
    for (int preset = 0; anc_rules_preset_names[preset]; preset++) {
        anc_rules rules = *anc_rules_preset(anc_rules_preset_names[preset]);
        rules.anchors.border = ANC_BORDER_KEEP;
        for (int e = 0; e < 4; e++) rules.coder.weight[e] = 1 + (double)check_int(&r, 0, 1) * 9;
        anc_grid grid;
        anc_err err = { 0 };
        CU_ASSERT_EQUAL_FATAL(anc_grid_place(&grid, &rules, 320, 480, 320, 480, &err), ANC_OK);
        for (int i = 0; i < 500; i++) {
            int32_t index = check_int(&r, 0, grid.n_anchors - 1), first = 0;
            anc_box a = anc_grid_box(&grid, anc_grid_at(&grid, index)), back;
            float w = (a.x2 - a.x1) * (float)exp(check_uniform(&r) * 4 - 2),
                  h = (a.y2 - a.y1) * (float)exp(check_uniform(&r) * 4 - 2);
            float x = a.x1 + (float)(check_uniform(&r) - 0.5) * w,
                  y = a.y1 + (float)(check_uniform(&r) - 0.5) * h;
            anc_box g = { x, y, x + w, y + h };
            float target[1][4];
            anc_encode(&anc_kernels_scalar, &rules, &grid, &index, &first, 1, &g, target);
            anc_decode(&rules, &a, target, 1, &back);
            /* py-faster-rcnn's inclusive boxes come back one pixel too wide: it does not subtract the 1 */
            float wide = rules.coder.rule == ANC_CODER_DOUBLE && rules.match.legacy ? 1 : 0,
                  near = 1e-5f * (w + h + 480);
            CU_ASSERT(fabsf(back.x1 - g.x1) < near && fabsf(back.y1 - g.y1) < near);
            CU_ASSERT(fabsf(back.x2 - wide - g.x2) < near && fabsf(back.y2 - wide - g.y2) < near);
        }
    }
}

static void a_wild_prediction_is_bound_where_the_system_bounds_it(void)
{
    const anc_box a = { 0, 0, 16, 16 };
    const float wild[1][4] = { { 0, 0, 50, -50 } };
    anc_box b;
    anc_decode(anc_rules_preset("torchvision-fpn"), &a, wild, 1, &b);
    CU_ASSERT_DOUBLE_EQUAL(b.x2 - b.x1, 1000, 1e-2);
    CU_ASSERT(b.y2 - b.y1 < 1e-6);
    anc_decode(anc_rules_preset("mmdet-fpn"), &a, wild, 1, &b);
    CU_ASSERT_DOUBLE_EQUAL(b.x2 - b.x1, 1000, 1e-2);
    CU_ASSERT_DOUBLE_EQUAL(b.y2 - b.y1, 0.256, 1e-4);
    anc_decode(anc_rules_preset("faster-rcnn-vgg16"), &a, wild, 1, &b);
    CU_ASSERT(b.x2 - b.x1 > 1e20);
}

/* ---- steps, by hand ---- */

static void propose(anc_proposer *p, const char *preset, const float *logit, const int32_t *first,
                    int32_t n_levels, const anc_box *box, double scale)
{
    anc_err err = { 0 };
    p->kernels = anc_kernels_find(NULL);
    p->legacy = anc_rules_preset(preset)->match.legacy;
    CU_ASSERT_EQUAL_FATAL(anc_propose_rank(p, logit, first, n_levels, &err), ANC_OK);
    for (int32_t i = 0; i < p->n; i++) p->box[i] = box[p->anchor[i]];
    CU_ASSERT_EQUAL_FATAL(anc_propose_filter(p, 100, 200, scale, &err), ANC_OK);
}

static void levels_suppress_only_their_own(void)
{
    const int32_t first[] = { 0, 2, 3 };
    const float logit[] = { 1, 3, 2 };
    const anc_box box[] = { { 10, 10, 50, 50 }, { 10, 10, 50, 49 }, { 10, 10, 50, 50 } };
    for (int batched = 0; batched < 2; batched++) {
        anc_proposer p = { 0 };
        anc_proposal_rules_preset("torchvision-fpn", false, &p.rules);
        if (!batched) p.rules.batched = 0;
        propose(&p, "torchvision-fpn", logit, first, 2, box, 1);
        CU_ASSERT_EQUAL_FATAL(p.n, 2);
        CU_ASSERT(p.anchor[0] == 1 && p.anchor[1] == 2 && p.level[0] == 0 && p.level[1] == 1);
        CU_ASSERT(p.score[0] == anc_sigmoid(3) && p.box[0].y2 == 49);
        anc_proposer_free(&p);
    }
}

static void small_empty_and_impossible_boxes_go_as_each_system_has_it(void)
{
    const int32_t first[] = { 0, 7 };
    const float logit[] = { 7, 6, 5, 4, 3, 2, 1 };
    const anc_box box[] = { { 0, 0, 15, 15 },     { 30, 0, 30, 40 },  { 50, 0, 50.0005f, 40 },
                            { -90, 20, -80, 60 }, { 60, NAN, 90, 9 }, { 120, 30, INFINITY, 62 },
                            { 0, 60, 14.5f, 140 } };
    const struct {
        const char *preset;
        double scale;
        int32_t n, anchor[7];
    } cases[] = { { "torchvision-fpn", 1, 3, { 0, 5, 6 } },
                  { "detectron2-fpn", 1, 3, { 0, 2, 6 } },
                  { "mmdet-fpn", 1, 4, { 0, 2, 5, 6 } },
                  { "faster-rcnn-vgg16", 1, 2, { 0, 5 } }, /* 15 + 1 >= 16; 14.5 + 1 is not */
                  { "faster-rcnn-vgg16", 2, 1, { 5 } } };  /* 16 px of the original are 32 of the view */
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        anc_proposer p = { 0 };
        anc_proposal_rules_preset(cases[c].preset, false, &p.rules);
        propose(&p, cases[c].preset, logit, first, 1, box, cases[c].scale);
        CU_ASSERT_EQUAL_FATAL(p.n, cases[c].n);
        CU_ASSERT(!memcmp(p.anchor, cases[c].anchor, (size_t)p.n * sizeof *p.anchor));
        for (int32_t i = 0; i < p.n; i++)
            CU_ASSERT(p.box[i].x2 <= 200 - p.legacy && p.box[i].y2 <= 100 - p.legacy);
        anc_proposer_free(&p);
    }
}

static void the_count_before_suppression_comes_before_or_after_the_least_size(void)
{
    const int32_t first[] = { 0, 3 };
    const float logit[] = { 3, 2, 1 };
    const anc_box box[] = { { 0, 0, 1, 1 }, { 20, 20, 60, 60 }, { 70, 20, 99, 60 } };
    for (int small_first = 0; small_first < 2; small_first++) {
        anc_proposer p = { 0 };
        anc_proposal_rules_preset("faster-rcnn-vgg16", false, &p.rules);
        p.rules.n_before = 2;
        p.rules.small_first = small_first;
        propose(&p, "faster-rcnn-vgg16", logit, first, 1, box, 1);
        CU_ASSERT_EQUAL(p.n, 1 + small_first);
        anc_proposer_free(&p);
    }
}

static void a_view_without_boxes_has_no_proposals(void)
{
    const int32_t first[] = { 0, 0, 1, 1 };
    const anc_box box[] = { { 3, 3, 3, 3 } };
    anc_proposer p = { 0 };
    anc_proposal_rules_preset("torchvision-fpn", true, &p.rules);
    propose(&p, "torchvision-fpn", (float[]){ 1 }, first, 3, box, 1);
    CU_ASSERT_EQUAL(p.n, 0);
    anc_proposer_free(&p);
}

/* ---- the systems' own ---- */

static void *load(hid_t g, const char *name, hid_t type, size_t *n)
{
    hid_t d = H5Dopen2(g, name, H5P_DEFAULT);
    CU_ASSERT_FATAL(d >= 0);
    hid_t space = H5Dget_space(d);
    hsize_t dims[4] = { 0 };
    H5Sget_simple_extent_dims(space, dims, NULL);
    void *data = malloc((size_t)H5Sget_simple_extent_npoints(space) * H5Tget_size(type) + 1);
    CU_ASSERT_FATAL(data && H5Dread(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    if (n) *n = (size_t)dims[0];
    H5Sclose(space);
    H5Dclose(d);
    return data;
}

/* The first of two attribute names that the group has. */
static double attribute(hid_t g, const char *name, const char *other, double otherwise)
{
    double value = otherwise;
    const char *here = H5Aexists(g, name) > 0 ? name : other;
    if (here && H5Aexists(g, here) > 0) {
        hid_t a = H5Aopen(g, here, H5P_DEFAULT);
        CU_ASSERT_FATAL(H5Aread(a, H5T_NATIVE_DOUBLE, &value) >= 0);
        H5Aclose(a);
    }
    return value;
}

/* One case: predictions, of which the rows [n_row] are known; anchors and what they decode to. */
typedef struct {
    char path[128];
    const char *preset;
    size_t n_levels, n_anchors, n_row;
    int32_t first[ANC_MAX_LEVELS + 1], *at; /* at [n_anchors]: its row, or -1 */
    int32_t *hw;
    float *logit, (*delta)[4];
    anc_box *anchor, *decoded; /* [n_row] */
} golden;

static int n_configurations, n_systems;

static void check_decode(golden *c, hid_t g)
{
    const anc_rules *rules = anc_rules_preset(c->preset);
    c->decoded = malloc((c->n_row + 1) * sizeof *c->decoded);
    if (H5Lexists(g, "anchors", H5P_DEFAULT) > 0) {
        c->anchor = load(g, "anchors", H5T_NATIVE_FLOAT, NULL);
    } else {
        int32_t *row = load(g, "row", H5T_NATIVE_INT32, NULL);
        anc_grid grid;
        anc_err err = { 0 };
        CU_ASSERT_FATAL(!anc_grid_place(&grid, rules, c->hw[0], c->hw[1], c->hw[0], c->hw[1], &err));
        CU_ASSERT_EQUAL_FATAL(grid.n_anchors, (int32_t)c->n_anchors);
        c->anchor = malloc((c->n_row + 1) * sizeof *c->anchor);
        for (size_t i = 0; i < c->n_row; i++) c->anchor[i] = anc_grid_box(&grid, anc_grid_at(&grid, row[i]));
        free(row);
    }
    anc_decode(rules, c->anchor, (const float(*)[4])c->delta, (int32_t)c->n_row, c->decoded);
    if (H5Lexists(g, "decoded", H5P_DEFAULT) <= 0) return;
    float *want = load(g, "decoded", H5T_NATIVE_FLOAT, NULL), *got = (float *)c->decoded;
    size_t equal = 0;
    for (size_t i = 0; i < 4 * c->n_row; i++) {
        const float *a = (const float *)&c->anchor[i / 4];
        /* an ulp of exp is one of the side, which is at most 62.5 anchor sides */
        float side = expf(fminf(c->delta[i / 4][2 + i % 2], 4.1351666f)) * (a[2 + i % 2] - a[i % 2]);
        CU_ASSERT(fabsf(want[i] - got[i]) <= 0x1p-23f * (side + fabsf(want[i])));
        equal += want[i] == got[i];
    }
    CU_ASSERT(equal > 4 * c->n_row * 9 / 10);
    free(c->decoded);
    c->decoded = (anc_box *)want;
}

static anc_proposal_rules rules_of(const golden *c, hid_t g)
{
    anc_proposal_rules r = { 0 };
    CU_ASSERT_FATAL(anc_proposal_rules_preset(c->preset, false, &r));
    r.n_before = (int32_t)attribute(g, "pre_nms_top_n", "pre_nms_topk", 0);
    r.n_after = (int32_t)attribute(g, "post_nms_top_n", "post_nms_topk", 0);
    r.iou = attribute(g, "nms_thresh", NULL, 0);
    r.least_score = attribute(g, "score_thresh", NULL, r.least_score);
    r.min_side = attribute(g, "min_box_size", "min_size", r.min_side);
    r.probability &= strcmp(c->preset, "faster-rcnn-vgg16") != 0; /* there the case holds the probabilities */
    return r;
}

static herr_t check_configuration(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    golden *c = context;
    (void)info;
    hid_t g = H5Oopen(group, name, H5P_DEFAULT);
    if (H5Iget_type(g) != H5I_GROUP) return H5Oclose(g);
    anc_proposer p = { .kernels = anc_kernels_find(NULL), .rules = rules_of(c, g) };
    anc_err err = { 0 };
    p.legacy = anc_rules_preset(c->preset)->match.legacy;
    CU_ASSERT_EQUAL_FATAL(anc_propose_rank(&p, c->logit, c->first, (int32_t)c->n_levels, &err), ANC_OK);
    for (int32_t i = 0; i < p.n; i++) {
        CU_ASSERT_FATAL(c->at[p.anchor[i]] >= 0);
        p.box[i] = c->decoded[c->at[p.anchor[i]]];
    }
    CU_ASSERT_EQUAL_FATAL(anc_propose_filter(&p, c->hw[0], c->hw[1], 1, &err), ANC_OK);

    bool logits = H5Lexists(g, "logits", H5P_DEFAULT) > 0,
         exact = H5Lexists(group, "decoded", H5P_DEFAULT) > 0;
    size_t n;
    float *box = load(g, "boxes", H5T_NATIVE_FLOAT, &n),
          *score = load(g, logits ? "logits" : "scores", H5T_NATIVE_FLOAT, NULL);
    CU_ASSERT_EQUAL_FATAL(p.n, (int32_t)n);
    if (exact) CU_ASSERT(!memcmp(p.box, box, n * sizeof *p.box));
    for (size_t i = 0; i < 4 * n; i++) CU_ASSERT(fabsf(((float *)p.box)[i] - box[i]) < 1e-3f);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT(ulps(p.score[i], score[i]) <= (logits ? 0 : 2)); /* exp, then 1 / (1 + exp) */
    if (H5Lexists(g, "index", H5P_DEFAULT) > 0) {
        int32_t *index = load(g, "index", H5T_NATIVE_INT32, NULL);
        CU_ASSERT(!memcmp(p.anchor, index, n * sizeof *index));
        free(index);
    }
    n_configurations++;
    free(box);
    free(score);
    anc_proposer_free(&p);
    return H5Oclose(g);
}

static void check_case(golden *c, hid_t g)
{
    int32_t *per_level = load(g, "anchors_per_level", H5T_NATIVE_INT32, &c->n_levels),
            *row = load(g, "row", H5T_NATIVE_INT32, &c->n_row);
    c->hw = load(g, "image_hw", H5T_NATIVE_INT32, NULL);
    c->logit = load(g, "logits", H5T_NATIVE_FLOAT, &c->n_anchors);
    c->delta = load(g, "deltas", H5T_NATIVE_FLOAT, NULL);
    for (size_t l = 0; l < c->n_levels; l++) c->first[l + 1] = c->first[l] + per_level[l];
    c->at = malloc((c->n_anchors + 1) * sizeof *c->at);
    for (size_t i = 0; i < c->n_anchors; i++) c->at[i] = -1;
    for (size_t i = 0; i < c->n_row; i++) c->at[row[i]] = (int32_t)i;
    check_decode(c, g);
    H5Literate(g, H5_INDEX_NAME, H5_ITER_INC, NULL, check_configuration, c);
    void *all[] = { per_level, row, c->hw, c->logit, c->delta, c->at, c->anchor, c->decoded };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static herr_t each_case(hid_t system, const char *name, const H5L_info_t *info, void *preset)
{
    golden c = { .preset = preset };
    (void)info;
    hid_t g = H5Gopen2(system, name, H5P_DEFAULT);
    check_case(&c, g);
    return H5Gclose(g);
}

static void proposals_are_those_of_the_systems_themselves(void)
{
    static const char *const systems[][2] = { { "torchvision", "torchvision-0.14-fpn" },
                                              { "detectron2", "detectron2-fpn" },
                                              { "py_faster_rcnn", "faster-rcnn-vgg16" } };
    const char *path = getenv("ANCHORAGE_GOLDEN_PROPOSALS");
    hid_t f = H5Fopen(path ? path : "tests/golden/proposals.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
    CU_ASSERT_FATAL(f >= 0);
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++, n_systems++) {
        hid_t g = H5Gopen2(f, systems[i][0], H5P_DEFAULT);
        CU_ASSERT_FATAL(g >= 0);
        CU_ASSERT(H5Literate(g, H5_INDEX_NAME, H5_ITER_INC, NULL, each_case,
                             (void *)(uintptr_t)systems[i][1]) >= 0);
        H5Gclose(g);
    }
    H5Fclose(f);
    CU_ASSERT_EQUAL(n_configurations, 12);
}

CHECK_SUITE("proposals", CHECK(the_exponential_is_within_two_ulp_of_libms), CHECK(decoding_undoes_encoding),
            CHECK(a_wild_prediction_is_bound_where_the_system_bounds_it),
            CHECK(levels_suppress_only_their_own),
            CHECK(small_empty_and_impossible_boxes_go_as_each_system_has_it),
            CHECK(the_count_before_suppression_comes_before_or_after_the_least_size),
            CHECK(a_view_without_boxes_has_no_proposals),
            CHECK(proposals_are_those_of_the_systems_themselves));
