/* tests/unit/test_golden.c: labels, matches, targets, samples and sizes against what the known systems produced
 *
 * tests/golden/peers.h5 was gathered by tests/golden/cut_golden.py; ANCHORAGE_GOLDEN names another such file.
 */
#include "core/match.h"
#include "core/sample.h"
#include "core/target.h"
#include "core/view.h"
#include "tests/golden.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hid_t open_golden(void)
{
    const char *path = getenv("ANCHORAGE_GOLDEN");
    hid_t f = H5Fopen(path ? path : "tests/golden/peers.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
    CU_ASSERT_FATAL(f >= 0);
    return f;
}

static double attribute(hid_t group, const char *name, double otherwise)
{
    double value = otherwise;
    if (H5Aexists(group, name) > 0) {
        hid_t a = H5Aopen(group, name, H5P_DEFAULT);
        CU_ASSERT_FATAL(H5Aread(a, H5T_NATIVE_DOUBLE, &value) >= 0);
        H5Aclose(a);
    }
    return value;
}

/* One peer's cases under one of its presets. */
typedef struct {
    size_t n, n_levels;
    int32_t (*image_hw)[2], (*padded_hw)[2], *grid_hw, *stride_yx;
    int64_t *seed, *gt_offset, *label_offset, *positive_offset, *target_offset, *pos_offset, *neg_offset;
    float (*gt)[4], (*target)[4];
    uint8_t *crowd, *used;
    int8_t *label;
    int32_t *matched, *sampled_pos, *sampled_neg;
} cases;

static cases load_cases(hid_t g)
{
    cases c = { 0 };
    c.image_hw = golden_load(g, "image_hw", H5T_NATIVE_INT32, 4, &c.n);
    c.padded_hw = golden_load(g, "padded_hw", H5T_NATIVE_INT32, 4, NULL);
    c.grid_hw = golden_load(g, "grid_hw", H5T_NATIVE_INT32, 4, NULL);
    c.stride_yx = golden_load(g, "stride_yx", H5T_NATIVE_INT32, 4, NULL);
    c.seed = golden_load(g, "seed", H5T_NATIVE_INT64, 8, NULL);
    c.gt_offset = golden_load(g, "gt_offset", H5T_NATIVE_INT64, 8, NULL);
    c.label_offset = golden_load(g, "label_offset", H5T_NATIVE_INT64, 8, NULL);
    c.positive_offset = golden_load(g, "positive_offset", H5T_NATIVE_INT64, 8, NULL);
    c.target_offset = golden_load(g, "target_offset", H5T_NATIVE_INT64, 8, NULL);
    c.pos_offset = golden_load(g, "sampled_pos_offset", H5T_NATIVE_INT64, 8, NULL);
    c.neg_offset = golden_load(g, "sampled_neg_offset", H5T_NATIVE_INT64, 8, NULL);
    c.gt = golden_load(g, "gt_boxes", H5T_NATIVE_FLOAT, 4, NULL);
    c.target = golden_load(g, "targets", H5T_NATIVE_FLOAT, 4, NULL);
    c.crowd = golden_load(g, "gt_crowd", H5T_NATIVE_UINT8, 1, NULL);
    c.used = golden_load(g, "gt_used", H5T_NATIVE_UINT8, 1, NULL);
    c.label = golden_load(g, "labels", H5T_NATIVE_INT8, 1, NULL);
    c.matched = golden_load(g, "matched_gt", H5T_NATIVE_INT32, 4, NULL);
    c.sampled_pos = golden_load(g, "sampled_pos", H5T_NATIVE_INT32, 4, NULL);
    c.sampled_neg = golden_load(g, "sampled_neg", H5T_NATIVE_INT32, 4, NULL);
    return c;
}

static void free_cases(cases *c)
{
    void *all[] = { c->image_hw,   c->padded_hw,    c->grid_hw,         c->stride_yx,     c->seed,
                    c->gt_offset,  c->label_offset, c->positive_offset, c->target_offset, c->pos_offset,
                    c->neg_offset, c->gt,           c->target,          c->crowd,         c->used,
                    c->label,      c->matched,      c->sampled_pos,     c->sampled_neg };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* The rules under which a peer's preset ran. */
static anc_rules rules_of(const char *peer, const char *preset, hid_t g)
{
    static const char *const names[][2] = {
        { "torchvision", "torchvision-0.14-fpn" },
        { "detectron2", "detectron2-fpn" },
        { "mmdet", "mmdet-fpn" },
        { "maskrcnn_benchmark", "maskrcnn-benchmark-fpn" },
        { "py_faster_rcnn", "faster-rcnn-vgg16" },
    };
    anc_rules r = { 0 };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i][0], peer)) r = *anc_rules_preset(names[i][1]);
    if (!strncmp(preset, "c4", 2)) {
        static const double five[] = { 32, 64, 128, 256, 512 }, three[] = { 128, 256, 512 };
        bool nine = !strcmp(preset, "c4_9");
        r.anchors.n_levels = 1;
        r.anchors.stride[0] = 16;
        memset(r.anchors.n_sizes, 0, sizeof r.anchors.n_sizes);
        r.anchors.n_sizes[0] = nine ? 3 : 5;
        memcpy(r.anchors.size[0], nine ? three : five, nine ? sizeof three : sizeof five);
    }
    bool torch = strcmp(peer, "py_faster_rcnn") != 0;
    r.sample.rule = !strcmp(peer, "mmdet") ? ANC_SAMPLER_TORCH_NEEDED
                    : torch                ? ANC_SAMPLER_TORCH
                                           : ANC_SAMPLER_PHILOX;
    r.anchors.offset = attribute(g, "offset", 0);
    if (attribute(g, "ignore_iof_thr", -1) > 0) {
        r.boxes.crowd = ANC_CROWD_EXCLUDE;
        r.boxes.ignore_iof = attribute(g, "ignore_iof_thr", -1);
    }
    double border = attribute(g, "boundary_thresh", attribute(g, "straddle_thresh", -1));
    if (!strcmp(peer, "detectron2") || !strcmp(peer, "maskrcnn_benchmark"))
        r.anchors.border = border >= 0 ? ANC_BORDER_IGNORE : ANC_BORDER_KEEP;
    if (!strcmp(peer, "mmdet"))
        r.anchors.border = attribute(g, "allowed_border", -1) >= 0 ? ANC_BORDER_DROP : ANC_BORDER_KEEP;
    r.match.zero_overlap = strcmp(peer, "mmdet") != 0; /* it has a floor, low_quality_iou, instead */
    anc_err err;
    CU_ASSERT_FATAL(!anc_rules_check(&r, &err));
    return r;
}

/* How a case differs, "" when it does not. */
static const char *compare(const anc_rules *r, const cases *c, size_t i, const anc_kernels *k)
{
    static anc_match m;
    static anc_minibatch b;
    static anc_grid grid;
    anc_err err;
    if (anc_grid_place(&grid, r, c->image_hw[i][0], c->image_hw[i][1], c->padded_hw[i][0], c->padded_hw[i][1],
                       &err))
        return "no grid";
    for (size_t l = 0; l < c->n_levels; l++) {
        const int32_t *hw = c->grid_hw + 2 * (i * c->n_levels + l),
                      *yx = c->stride_yx + 2 * (i * c->n_levels + l);
        const anc_level *v = &grid.level[l];
        if (v->h != hw[0] || v->w != hw[1] || v->stride_y != yx[0] || v->stride_x != yx[1])
            return "another grid";
    }
    int64_t n_anchors = c->label_offset[i + 1] - c->label_offset[i];
    if (grid.n_anchors != n_anchors) return "another number of anchors";

    size_t n_gt = (size_t)(c->gt_offset[i + 1] - c->gt_offset[i]), first = (size_t)c->gt_offset[i];
    anc_box *box = malloc((n_gt + 1) * sizeof *box), *crowd = malloc((n_gt + 1) * sizeof *crowd);
    int32_t *origin = malloc((n_gt + 1) * sizeof *origin), n_box = 0, n_crowd = 0;
    for (size_t j = 0; j < n_gt; j++) {
        const float *x = c->gt[first + j];
        anc_box one = { x[0], x[1], x[2], x[3] };
        if (c->used[first + j]) {
            origin[n_box] = (int32_t)j;
            box[n_box++] = one;
        }
        if (c->crowd[first + j]) crowd[n_crowd++] = one;
    }
    const char *fault = "";
    if (anc_match_view(&m, k, &(anc_match_input){ r, &grid, box, n_box, crowd, n_crowd }, &err))
        fault = "match failed";
    const int8_t *label = c->label + c->label_offset[i];
    for (int32_t a = 0; a < n_anchors && !*fault; a++)
        if (anc_match_label(&m, &grid, a) != label[a]) fault = "a label";
    int32_t *anchor = malloc(((size_t)m.n_positive + 1) * sizeof *anchor),
            *gt = malloc(((size_t)m.n_positive + 1) * sizeof *gt);
    anc_match_positives(&m, &grid, anchor, gt);
    if (m.n_positive != c->positive_offset[i + 1] - c->positive_offset[i]) fault = "the number of positives";
    for (int32_t p = 0; p < m.n_positive && !*fault && n_box; p++)
        if (origin[gt[p]] != c->matched[c->positive_offset[i] + p]) fault = "a matched gt";
    int32_t n_target = (int32_t)(c->target_offset[i + 1] - c->target_offset[i]);
    float(*target)[4] = malloc(((size_t)n_target + 1) * sizeof *target);
    if (!*fault) anc_encode(k, r, &grid, anchor, gt, n_target, box, target);
    for (int32_t p = 0; p < n_target && !*fault; p++)
        for (int e = 0; e < 4; e++)
            if (golden_ulps(target[p][e], c->target[c->target_offset[i] + p][e]) > (e < 2 ? 0 : 1))
                fault = "a target";
    if (!*fault && r->sample.rule != ANC_SAMPLER_PHILOX) {
        if (anc_sample(&b, k, r, &grid, &m, (uint64_t)c->seed[i], 1, 0, &err)) fault = "sampling failed";
        int64_t n_pos = c->pos_offset[i + 1] - c->pos_offset[i],
                n_neg = c->neg_offset[i + 1] - c->neg_offset[i];
        if (!*fault && (b.n_positive != n_pos || b.n_negative != n_neg)) fault = "the size of the minibatch";
        if (!*fault && memcmp(b.anchor, c->sampled_pos + c->pos_offset[i], (size_t)n_pos * 4))
            fault = "a sampled positive";
        if (!*fault && memcmp(b.anchor + n_pos, c->sampled_neg + c->neg_offset[i], (size_t)n_neg * 4))
            fault = "a sampled negative";
    }
    free(box);
    free(crowd);
    free(origin);
    free(anchor);
    free(gt);
    free(target);
    if (i + 1 == c->n) {
        anc_match_free(&m);
        anc_minibatch_free(&b);
    }
    return fault;
}

static void compare_peer(const char *peer)
{
    static const char *const presets[] = { "fpn",          "c4",           "c4_9",        "fpn_boundary0",
                                           "fpn_offset05", "fpn_ignore05", "fpn_border0", "fpn_straddle-1" };
    hid_t f = open_golden(), group = H5Gopen2(f, peer, H5P_DEFAULT);
    CU_ASSERT_FATAL(group >= 0);
    int n_compared = 0;
    for (size_t p = 0; p < sizeof presets / sizeof *presets; p++) {
        if (H5Lexists(group, presets[p], H5P_DEFAULT) <= 0) continue;
        hid_t g = H5Gopen2(group, presets[p], H5P_DEFAULT);
        cases c = load_cases(g);
        char(*name)[32] = NULL;
        hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, 32);
        name = golden_load(g, "name", type, 32, NULL);
        H5Tclose(type);
        anc_rules r = rules_of(peer, presets[p], g);
        c.n_levels = (size_t)r.anchors.n_levels;
        for (int l = 0; l < r.anchors.n_levels; l++) {
            char key[32];
            snprintf(key, sizeof key, "base_anchors_%d", l);
            size_t n;
            float(*wanted)[4] = golden_load(g, key, H5T_NATIVE_FLOAT, 4, &n);
            double base[ANC_MAX_PER_POSITION][4];
            CU_ASSERT_EQUAL((size_t)anc_base_anchors(&r, l, base), n);
            for (size_t a = 0; a < n; a++)
                for (int e = 0; e < 4; e++) CU_ASSERT_EQUAL((float)base[a][e], wanted[a][e]);
            free(wanted);
        }
        for (const anc_kernels *const *k = anc_kernels_all; *k; k++) {
            if (!(*k)->usable()) {
                printf("NOT RUN: %s kernels (not on this CPU) ", (*k)->name);
                continue;
            }
            for (size_t i = 0; i < c.n; i++) {
                const char *fault = compare(&r, &c, i, *k);
                if (*fault)
                    printf("\n    %s/%s/%.32s differs with %s kernels: %s ", peer, presets[p], name[i],
                           (*k)->name, fault);
                CU_ASSERT_STRING_EQUAL(fault, "");
                n_compared++;
            }
        }
        free(name);
        free_cases(&c);
        H5Gclose(g);
    }
    CU_ASSERT(n_compared > 20);
    H5Gclose(group);
    H5Fclose(f);
}

static void torchvision_is_reproduced(void) { compare_peer("torchvision"); }
static void detectron2_is_reproduced(void) { compare_peer("detectron2"); }
static void mmdetection_is_reproduced(void) { compare_peer("mmdet"); }
static void maskrcnn_benchmark_is_reproduced(void) { compare_peer("maskrcnn_benchmark"); }
static void py_faster_rcnn_is_reproduced(void) { compare_peer("py_faster_rcnn"); }

/* Every resize rule, on 120 image sizes, and the padding. */
static void resized_sizes_equal_the_peers(void)
{
    static const struct {
        const char *preset, *size, *padded;
    } rules[] = {
        { "torchvision-0.14-fpn", "torchvision_0_14_1", "torchvision_0_14_1_padded" },
        { "torchvision-fpn", "torchvision_double_formula", NULL },
        { "detectron2-fpn", "detectron2", "detectron2_padded32" },
        { "mmdet-fpn", "mmcv", NULL },
        { "maskrcnn-benchmark-fpn", "maskrcnn_benchmark", NULL },
        { "faster-rcnn-vgg16", "py_faster_rcnn_600_1000", NULL },
    };
    hid_t f = open_golden(), g = H5Gopen2(f, "resize", H5P_DEFAULT);
    size_t n;
    int32_t(*from)[2] = golden_load(g, "orig", H5T_NATIVE_INT32, 4, &n);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const anc_rules *r = anc_rules_preset(rules[i].preset);
        int32_t(*to)[2] = golden_load(g, rules[i].size, H5T_NATIVE_INT32, 4, NULL);
        int32_t(*padded)[2] =
            rules[i].padded ? golden_load(g, rules[i].padded, H5T_NATIVE_INT32, 4, NULL) : NULL;
        for (size_t j = 0; j < n; j++) {
            anc_view v;
            anc_err err;
            CU_ASSERT_FATAL(anc_view_by_rule(&v, r, 0, 1, 0, from[j][0], from[j][1], &err) == ANC_OK);
            CU_ASSERT_EQUAL(v.h, to[j][0]);
            CU_ASSERT_EQUAL(v.w, to[j][1]);
            if (padded) CU_ASSERT(v.padded_h == padded[j][0] && v.padded_w == padded[j][1]);
        }
        free(to);
        free(padded);
    }
    free(from);
    H5Gclose(g);
    H5Fclose(f);
}

static void resized_boxes_equal_the_peers(void)
{
    hid_t f = open_golden(), g = H5Gopen2(f, "resize", H5P_DEFAULT);
    size_t n;
    int32_t(*from)[2] = golden_load(g, "orig", H5T_NATIVE_INT32, 4, &n);
    float(*in)[4] = golden_load(g, "box_in", H5T_NATIVE_FLOAT, 4, NULL);
    static const char *const peers[][2] = { { "torchvision_box", "torchvision-0.14-fpn" },
                                            { "detectron2_box", "detectron2-fpn" } };
    for (int p = 0; p < 2; p++) {
        float(*wanted)[4] = golden_load(g, peers[p][0], H5T_NATIVE_FLOAT, 4, NULL);
        const anc_rules *r = anc_rules_preset(peers[p][1]);
        for (size_t j = 0; j < n; j++) {
            anc_view v;
            anc_err err;
            anc_box out;
            double b[4] = { in[0][0], in[0][1], in[0][2], in[0][3] };
            if (from[j][0] <= b[3] || from[j][1] <= b[2]) continue;
            CU_ASSERT_FATAL(anc_view_by_rule(&v, r, 0, 1, 0, from[j][0], from[j][1], &err) == ANC_OK);
            CU_ASSERT(anc_view_box(&v, r->boxes.rule, b, &out) == ANC_BOX_KEPT);
            CU_ASSERT(!memcmp(&out, wanted[j], sizeof out));
        }
        free(wanted);
    }
    free(from);
    free(in);
    H5Gclose(g);
    H5Fclose(f);
}

CHECK_SUITE("golden", CHECK(torchvision_is_reproduced), CHECK(detectron2_is_reproduced),
            CHECK(mmdetection_is_reproduced), CHECK(maskrcnn_benchmark_is_reproduced),
            CHECK(py_faster_rcnn_is_reproduced), CHECK(resized_sizes_equal_the_peers),
            CHECK(resized_boxes_equal_the_peers));
