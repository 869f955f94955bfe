/* tests/unit/test_api.c: the library's interface: against core/ itself, by hand, with what is wrong, and from
 * two threads */
#include "core/api/api.h"
#include "core/brute.h"
#include "core/config.h"
#include "core/gather.h"
#include "core/iou.h"
#include "core/nms.h"
#include "core/proposals.h"
#include "include/anchorage.h"
#include "tests/check.h"
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALL = ANCHORAGE_ASSIGNMENT | ANCHORAGE_LABELS | ANCHORAGE_BOXES | ANCHORAGE_BOX_STATS, MOST = 12 };

static const char small[] = "[view]\nmin_size = 160\nmax_size = 256\n";

static anchorage_config *config_of(const char *preset, const char *ini)
{
    anchorage_error error;
    anchorage_config *c = NULL;
    if (anchorage_config_new(&c, preset, ini, ini ? strlen(ini) : 0, &error)) {
        puts(error.text);
        CU_FAIL_FATAL("a configuration is refused");
    }
    return c;
}

static anchorage_labeller *labeller_of(const anchorage_config *c, uint64_t seed, const char *simd)
{
    anchorage_labeller *l = NULL;
    CU_ASSERT_EQUAL_FATAL(anchorage_labeller_new(&l, c, seed, simd, NULL), ANCHORAGE_OK);
    return l;
}

/* An image with boxes in random number, size and place, some of them over the edge. */
typedef struct {
    anchorage_image image;
    double boxes[MOST][4], proposals[40][4];
    uint8_t crowd[MOST];
    int32_t category[MOST];
} scene;

static void draw_scene(scene *s, unsigned long long number)
{
    check_rng r = { number };
    memset(s, 0, sizeof *s);
    int h = check_int(&r, 60, 300), w = check_int(&r, 60, 300), n = check_int(&r, 0, MOST);
    for (int i = 0; i < n; i++) {
        double x = check_uniform(&r) * w - 5, y = check_uniform(&r) * h - 5;
        const double b[4] = { x, y, x + 2 + check_uniform(&r) * 80, y + 2 + check_uniform(&r) * 60 };
        memcpy(s->boxes[i], b, sizeof b);
        s->crowd[i] = check_int(&r, 0, 5) == 0;
        s->category[i] = check_int(&r, 1, 3);
    }
    for (int i = 0; i < 40; i++) {
        double x = check_uniform(&r) * w, y = check_uniform(&r) * h;
        const double b[4] = { x, y, x + 5 + check_uniform(&r) * 90, y + 5 + check_uniform(&r) * 90 };
        memcpy(s->proposals[i], n && i % 2 ? s->boxes[i % n] : b, sizeof b);
    }
    s->image = (anchorage_image){ .size = sizeof s->image,
                                  .id = (int64_t)number,
                                  .epoch = (int32_t)(number % 3),
                                  .height = h,
                                  .width = w,
                                  .n_boxes = n,
                                  .boxes = s->boxes[0],
                                  .crowd = s->crowd,
                                  .category = s->category,
                                  .proposals = s->proposals[0],
                                  .n_proposals = 40 };
}

static void same_bytes(const void *a, const void *b, int64_t n)
{
    CU_ASSERT_FATAL(n == 0 || (a && b && !memcmp(a, b, (size_t)n)));
}

/* The same scene by core/'s own functions, stage by stage. */
static void compare_stages(const anchorage_targets *t, int i, const scene *s, const anc_rules *rules,
                           uint64_t seed)
{
    anc_labeller l = { .rules = rules, .kernels = &anc_kernels_scalar, .seed = seed };
    anc_annotation a[MOST] = { 0 };
    anc_err err;
    for (int g = 0; g < s->image.n_boxes; g++) {
        memcpy(a[g].xyxy, s->boxes[g], sizeof a[g].xyxy);
        a[g].crowd = s->crowd[g];
    }
    CU_ASSERT_FATAL(!anc_label_by_rule(&l, s->image.id, s->image.epoch, s->image.height, s->image.width, a,
                                       s->image.n_boxes, &err) &&
                    !anc_label_match(&l, &err) && !anc_label_sample(&l, &err) && !anc_label_encode(&l, &err));
    int64_t m = t->minibatch_offset[i], p = t->positives_offset[i];
    CU_ASSERT_EQUAL_FATAL(t->minibatch_offset[i + 1] - m, l.batch.n_positive + l.batch.n_negative);
    CU_ASSERT_EQUAL_FATAL(t->positives_offset[i + 1] - p, l.batch.n_positive);
    same_bytes(t->minibatch_anchor + m, l.batch.anchor,
               4 * (int64_t)(l.batch.n_positive + l.batch.n_negative));
    if (l.batch.n_positive)
        same_bytes(t->positives_target + 4 * p, l.target, 16 * (int64_t)l.batch.n_positive);
    for (int32_t k = 0; k < l.batch.n_positive; k++)
        CU_ASSERT_EQUAL(t->positives_gt[p + k], l.box_from[l.batch.gt[k]]);
    CU_ASSERT(t->flip[i] == l.view.flip && t->view_size[2 * i] == l.view.h &&
              t->view_size[2 * i + 1] == l.view.w);
    CU_ASSERT(t->count[3 * i] == l.match.n_positive && t->count[3 * i + 2] == l.match.n_ignored);
    CU_ASSERT_EQUAL_FATAL(t->labels_offset[i + 1] - t->labels_offset[i], l.grid.n_anchors);
    for (int32_t k = 0; k < l.grid.n_anchors; k++)
        CU_ASSERT_FATAL(t->labels[t->labels_offset[i] + k] == anc_match_label(&l.match, &l.grid, k));
    anc_labeller_free(&l);
}

static void a_batch_gives_what_the_stages_give_for_each_image(void)
{
    enum { N = 30 };
    static scene s[N];
    anchorage_image images[N];
    for (int p = 0; anchorage_preset((size_t)p); p++) {
        char ini[256];
        snprintf(ini, sizeof ini, "%sflip = 0.5\n[boxes]\ncrowd = %s\n", small, p % 2 ? "ignore" : "exclude");
        anchorage_config *c = config_of(anchorage_preset((size_t)p), ini);
        anchorage_labeller *l = labeller_of(c, 11, NULL);
        anc_rules rules = *anc_rules_preset(anchorage_preset((size_t)p));
        anc_config_given given;
        anc_err err;
        CU_ASSERT_FATAL(!anc_config_text(ini, strlen(ini), NULL, &rules, &given, &err));
        for (int i = 0; i < N; i++) {
            draw_scene(&s[i], (unsigned long long)(100 * p + i));
            images[i] = s[i].image;
        }
        const anchorage_targets *t = NULL;
        CU_ASSERT_EQUAL_FATAL(anchorage_label(l, images, N, ALL, &t, NULL), ANCHORAGE_OK);
        CU_ASSERT_FATAL(t->n_images == N && t->n_levels == anchorage_config_levels(c) &&
                        t->size == sizeof *t);
        for (int i = 0; i < N; i++) compare_stages(t, i, &s[i], &rules, 11);
        anchorage_labeller_free(l);
        anchorage_config_free(c);
    }
}

/* Best IoU by the definition: all anchors x boxes. */
static void box_statistics_are_those_of_all_anchors(void)
{
    static const char *const rules[] = { "", "[match]\nlow_quality = off\n",
                                         "[match]\nlow_quality_iou = 0.3\n", "[anchors]\nborder = drop\n" };
    static const char *const presets[] = { "detectron2-fpn", "mmdet-fpn", "torchvision-fpn" };
    for (unsigned long long n = 0; n < 60; n++) {
        scene s;
        char ini[256];
        snprintf(ini, sizeof ini, "%s%s", small, rules[n % 4]);
        anchorage_config *c = config_of(presets[n % 3], ini);
        anchorage_labeller *l = labeller_of(c, 1, NULL);
        anchorage_layout *layout = NULL;
        const anchorage_targets *t = NULL;
        draw_scene(&s, n);
        CU_ASSERT_FATAL(!anchorage_label(l, &s.image, 1, ALL, &t, NULL));
        CU_ASSERT_FATAL(!anchorage_layout_new(&layout, c, t->view_size, t->padded_size, t->grid, NULL));
        int32_t n_anchors = anchorage_layout_anchors(layout), positives[MOST] = { 0 };
        CU_ASSERT_EQUAL_FATAL(n_anchors, t->labels_offset[1]);
        float(*anchor)[4] = malloc((size_t)n_anchors * sizeof *anchor);
        CU_ASSERT_FATAL(anchor && !anchorage_layout_boxes(layout, 0, n_anchors, anchor[0], NULL));
        for (int32_t g = 0; g < s.image.n_boxes; g++) {
            float best = 0, h = (float)t->view_size[0], w = (float)t->view_size[1];
            for (int32_t a = 0; a < n_anchors && t->boxes_used[g]; a++) {
                bool outside = anchor[a][0] < 0 || anchor[a][1] < 0 || anchor[a][2] >= w || anchor[a][3] >= h;
                if (n % 4 == 3 && outside) continue;
                float v = anc_iou_f32(anchor[a], t->boxes + 4 * g, 0, n % 3 == 1 ? 1e-6f : 0);
                best = v > best ? v : best;
            }
            CU_ASSERT_EQUAL(t->stats_iou[g], best);
        }
        for (int64_t i = 0; i < t->assignment_offset[1]; i++)
            if (t->assignment_gt[i] >= 0) positives[t->assignment_gt[i]]++;
        same_bytes(positives, t->stats_positives, 4 * (int64_t)s.image.n_boxes);
        free(anchor);
        anchorage_layout_free(layout);
        anchorage_labeller_free(l);
        anchorage_config_free(c);
    }
}

static void boxes_in_the_view_and_sizes_of_the_callers_give_the_same(void)
{
    anchorage_config *c = config_of("detectron2-fpn", small);
    anchorage_labeller *one = labeller_of(c, 3, NULL), *other = labeller_of(c, 3, "scalar");
    for (unsigned long long n = 0; n < 40; n++) {
        scene s, again;
        const anchorage_targets *t = NULL, *u = NULL;
        draw_scene(&s, n);
        memset(s.crowd, 0, sizeof s.crowd);
        s.image.flip = n % 2 ? ANCHORAGE_FLIP_YES : ANCHORAGE_FLIP_NO;
        CU_ASSERT_FATAL(!anchorage_label(one, &s.image, 1, ALL, &t, NULL));
        again = s;
        again.image.boxes = again.boxes[0];
        again.image.boxes_in_view = 1;
        again.image.view_height = t->view_size[0];
        again.image.view_width = t->view_size[1];
        again.image.padded_height = t->padded_size[0];
        again.image.padded_width = t->padded_size[1];
        again.image.grid = t->grid;
        for (int i = 0; i < s.image.n_boxes; i++)
            for (int e = 0; e < 4; e++) /* those that were dropped get no area */
                again.boxes[i][e] = t->boxes_used[i] ? t->boxes[4 * i + e] : 7;
        CU_ASSERT_FATAL(!anchorage_label(other, &again.image, 1, ALL, &u, NULL));
        CU_ASSERT_EQUAL(u->flip[0], n % 2);
        CU_ASSERT_FATAL(t->minibatch_offset[1] == u->minibatch_offset[1]);
        same_bytes(t->minibatch_anchor, u->minibatch_anchor, 4 * t->minibatch_offset[1]);
        same_bytes(t->positives_target, u->positives_target, 16 * t->positives_offset[1]);
        same_bytes(t->labels, u->labels, t->labels_offset[1]);
        same_bytes(t->boxes_used, u->boxes_used, s.image.n_boxes);
    }
    anchorage_labeller_free(one);
    anchorage_labeller_free(other);
    anchorage_config_free(c);
}

/* Boxes that no annotation of an image becomes: far outside, huge, thin. */
static void wild_boxes_in_the_view_match_by_the_definition(void)
{
    for (unsigned long long n = 0; n < 120; n++) {
        check_rng r = { n };
        const char *preset = anchorage_preset(n % 7);
        anchorage_config *c = config_of(preset, "[view]\nresize = none\n");
        anchorage_labeller *l = labeller_of(c, 3, n % 2 ? "scalar" : NULL);
        anc_rules rules = *anc_rules_preset(preset);
        anc_grid *g = malloc(sizeof *g);
        anc_err err;
        const anchorage_targets *t = NULL;
        double boxes[5][4];
        anc_box used[5];
        int32_t n_used = 0;
        for (int i = 0; i < 5; i++) {
            double reach = pow(10, check_uniform(&r) * 9), x = (check_uniform(&r) - 0.5) * reach,
                   y = (check_uniform(&r) - 0.5) * reach;
            const double b[4] = { x, y, x + pow(10, check_uniform(&r) * 10 - 2) / 20,
                                  y + pow(10, check_uniform(&r) * 10 - 2) / 20 };
            memcpy(boxes[i], b, sizeof b);
            const anc_box f = { (float)b[0], (float)b[1], (float)b[2], (float)b[3] };
            const float one = rules.match.legacy;
            if (f.x2 - f.x1 + one > 0 && f.y2 - f.y1 + one > 0) used[n_used++] = f;
        }
        anchorage_image image = { .size = sizeof image,
                                  .height = 150,
                                  .width = 120,
                                  .n_boxes = 5,
                                  .boxes = boxes[0],
                                  .boxes_in_view = 1 };
        CU_ASSERT_FATAL(!anchorage_label(l, &image, 1, ALL, &t, NULL));
        rules.view.resize = ANC_RESIZE_NONE;
        CU_ASSERT_FATAL(g &&
                        !anc_grid_place(g, &rules, 150, 120, t->padded_size[0], t->padded_size[1], &err));
        int8_t *label = malloc((size_t)g->n_anchors);
        int32_t *gt = malloc((size_t)g->n_anchors * sizeof *gt);
        CU_ASSERT_FATAL(label && gt && !anc_brute_label(&rules, g, used, n_used, NULL, 0, label, gt, &err));
        CU_ASSERT_EQUAL_FATAL(t->labels_offset[1], g->n_anchors);
        same_bytes(label, t->labels, g->n_anchors);
        free(label);
        free(gt);
        free(g);
        anchorage_labeller_free(l);
        anchorage_config_free(c);
    }
}

static void a_batch_is_padded_to_its_largest_image(void)
{
    enum { N = 9 };
    scene s[N];
    anchorage_image images[N];
    anchorage_config *c = config_of("torchvision-fpn", "[view]\nresize = none\n");
    anchorage_labeller *l = labeller_of(c, 3, NULL), *alone = labeller_of(c, 3, NULL);
    const anchorage_targets *t = NULL, *u = NULL;
    int32_t h = 0, w = 0;
    for (int i = 0; i < N; i++) {
        draw_scene(&s[i], (unsigned long long)i);
        images[i] = s[i].image;
        h = images[i].height > h ? images[i].height : h;
        w = images[i].width > w ? images[i].width : w;
    }
    CU_ASSERT_FATAL(!anchorage_label(l, images, N, ALL | ANCHORAGE_PAD_TO_LARGEST, &t, NULL));
    for (int i = 0; i < N; i++) {
        CU_ASSERT(t->view_size[2 * i] == images[i].height && t->view_size[2 * i + 1] == images[i].width);
        CU_ASSERT(t->padded_size[2 * i] == (h + 31) / 32 * 32 &&
                  t->padded_size[2 * i + 1] == (w + 31) / 32 * 32);
        CU_ASSERT_EQUAL(t->labels_offset[i + 1], (i + 1) * t->labels_offset[1]);
        images[i].padded_height = t->padded_size[0];
        images[i].padded_width = t->padded_size[1];
        CU_ASSERT_FATAL(!anchorage_label(alone, &images[i], 1, ALL, &u, NULL));
        same_bytes(u->labels, t->labels + t->labels_offset[i], u->labels_offset[1]);
    }
    images[3].grid = t->grid; /* contradicts the flag */
    CU_ASSERT_EQUAL(anchorage_label(l, images, N, ANCHORAGE_PAD_TO_LARGEST, &t, NULL), ANCHORAGE_EARGUMENT);
    anchorage_labeller_free(l);
    anchorage_labeller_free(alone);
    anchorage_config_free(c);
}

/* The grid that a caller gave for one view is not kept for the next of the same size. */
static void a_grid_is_for_its_view_alone(void)
{
    static const int32_t grid[5][2] = { { 39, 39 }, { 20, 20 }, { 10, 10 }, { 5, 5 }, { 3, 3 } };
    anchorage_config *c = config_of("detectron2-fpn", "[view]\nresize = none\n");
    anchorage_labeller *l = labeller_of(c, 3, NULL);
    const anchorage_targets *t = NULL;
    anchorage_image image = { .size = sizeof image, .height = 160, .width = 160 };
    for (int round = 0; round < 4; round++) {
        image.grid = round % 2 ? grid[0] : NULL;
        CU_ASSERT_FATAL(!anchorage_label(l, &image, 1, 0, &t, NULL));
        CU_ASSERT_EQUAL(t->grid[0], round % 2 ? 39 : 40);
    }
    anchorage_labeller_free(l);
    anchorage_config_free(c);
}

static void results_that_are_taken_outlive_the_labeller(void)
{
    scene s;
    anchorage_config *c = config_of(NULL, small);
    anchorage_labeller *l = labeller_of(c, 3, NULL);
    const anchorage_targets *t = NULL;
    CU_ASSERT_PTR_NULL(anchorage_labeller_take(l));
    draw_scene(&s, 5);
    CU_ASSERT_FATAL(!anchorage_label(l, &s.image, 1, ALL, &t, NULL));
    anchorage_targets *mine = anchorage_labeller_take(l);
    CU_ASSERT_PTR_EQUAL(mine, t);
    CU_ASSERT_PTR_NULL(anchorage_labeller_take(l));
    CU_ASSERT_FATAL(!anchorage_label(l, &s.image, 1, 0, &t, NULL));
    CU_ASSERT_FATAL(t != mine && t->labels_offset == NULL && t->labels == NULL && t->stats_iou == NULL);
    same_bytes(mine->minibatch_anchor, t->minibatch_anchor, 4 * t->minibatch_offset[1]);
    CU_ASSERT_FATAL(!anchorage_label(l, NULL, 0, ALL, &t, NULL)); /* no images: empty columns */
    CU_ASSERT(t->n_images == 0 && t->minibatch_offset[0] == 0 && t->labels_offset[0] == 0);
    anchorage_labeller_free(l);
    anchorage_config_free(c);
    CU_ASSERT(mine->n_images == 1 && mine->labels_offset[1] > 0);
    anchorage_targets_free(mine);
    anchorage_targets_free(NULL);
}

static void rois_are_those_of_the_second_stage(void)
{
    static const int32_t ids[] = { 1, 2, 3 };
    for (int p = 0; anchorage_preset((size_t)p); p++) {
        char ini[128];
        snprintf(ini, sizeof ini, "%s[boxes]\ncrowd = drop\n", small);
        anchorage_config *c = config_of(anchorage_preset((size_t)p), ini);
        anchorage_labeller *l = labeller_of(c, 3, NULL);
        anc_rules rules = *anc_rules_preset(anchorage_preset((size_t)p));
        anc_config_given given;
        anc_err err;
        CU_ASSERT_FATAL(!anc_config_text(ini, strlen(ini), NULL, &rules, &given, &err));
        for (unsigned long long n = 0; n < 12; n++) {
            scene s;
            const anchorage_targets *t = NULL;
            anc_labeller core = { .rules = &rules, .kernels = anc_kernels_find(NULL), .seed = 3 };
            anc_rois r = { 0 };
            anc_annotation a[MOST] = { 0 };
            draw_scene(&s, n);
            for (int g = 0; g < s.image.n_boxes; g++) {
                memcpy(a[g].xyxy, s.boxes[g], sizeof a[g].xyxy);
                a[g].crowd = s.crowd[g];
            }
            CU_ASSERT_FATAL(!anchorage_label_rois(l, &s.image, 1, ids, 3, ANCHORAGE_BOXES, &t, NULL));
            rules.stage = ANC_STAGE_ROI;
            CU_ASSERT_FATAL(!anc_label_by_rule(&core, s.image.id, s.image.epoch, s.image.height,
                                               s.image.width, a, s.image.n_boxes, &err) &&
                            !anc_roi_take(&r, &rules, &core.view, (const double(*)[4])s.proposals, 40,
                                          core.box, core.n_box, &err));
            anc_roi_match(&r, core.kernels, &rules, core.box, core.n_box, core.crowd, core.n_crowd);
            anc_roi_sample(&r, &rules, 3, s.image.id, s.image.epoch);
            anc_roi_encode(&r, core.kernels, &rules, core.box);
            CU_ASSERT_EQUAL_FATAL(t->rois_offset[1], r.batch_positive + r.batch_negative);
            CU_ASSERT_EQUAL_FATAL(t->positives_offset[1], r.batch_positive);
            if (r.batch_positive) same_bytes(t->positives_target, r.target, 16 * (int64_t)r.batch_positive);
            for (int i = 0; i < t->rois_offset[1]; i++) {
                same_bytes(t->rois + 4 * i, &r.box[r.sample[i]], 16);
                CU_ASSERT_EQUAL(t->rois_proposal[i], r.proposal[r.sample[i]]);
            }
            CU_ASSERT(t->n_levels == 0 && t->grid == NULL && t->minibatch_offset == NULL);
            /* targets from RoIs to boxes are those of the encoder by itself, and come back */
            for (int i = 0; i < r.batch_positive; i++) {
                float target[4], back[4];
                const float *to = t->boxes + 4 * t->positives_gt[i];
                CU_ASSERT(!anchorage_encode_rois(c, t->rois + 4 * i, to, 1, target, NULL));
                same_bytes(target, t->positives_target + 4 * i, 16);
                CU_ASSERT(!anchorage_decode_rois(c, t->rois + 4 * i, target, 1, back, NULL));
                for (int e = 0; e < 4; e++)
                    CU_ASSERT(fabsf(back[e] - to[e]) < 1e-2f * (1 + fabsf(to[e])) + 1.0f);
            }
            anc_rois_free(&r);
            anc_labeller_free(&core);
        }
        anchorage_labeller_free(l);
        anchorage_config_free(c);
    }
}

/* Where nothing is resized, clipped or mirrored, a view's boxes and proposals are the image's. */
static void proposals_in_the_view_are_taken_as_they_are(void)
{
    static const int32_t ids[] = { 1, 2, 3 };
    anchorage_config *c = config_of("mmdet-fpn", "[view]\nresize = none\n[sample]\nsampler = philox\n");
    anchorage_labeller *l = labeller_of(c, 3, NULL), *other = labeller_of(c, 3, NULL);
    int64_t positives = 0;
    for (unsigned long long n = 0; n < 20; n++) {
        scene s;
        const anchorage_targets *t = NULL, *u = NULL;
        draw_scene(&s, n);
        for (int i = 0; i < s.image.n_boxes; i++) /* whole pixels, inside */
            for (int e = 0; e < 4; e++) s.boxes[i][e] = fmax(0, rint(s.boxes[i][e] / 3)) + 2 * (e > 1);
        for (int i = 0; i < 40; i++)
            for (int e = 0; e < 4; e++)
                s.proposals[i][e] = fmax(0, rint(s.proposals[i][e] / 3)) + 2 * (e > 1);
        s.image.height = s.image.width = 320;
        s.image.boxes = s.boxes[0];
        s.image.proposals = s.proposals[0];
        CU_ASSERT_FATAL(!anchorage_label_rois(l, &s.image, 1, ids, 3, ANCHORAGE_BOXES, &t, NULL));
        s.image.boxes_in_view = 1;
        CU_ASSERT_FATAL(!anchorage_label_rois(other, &s.image, 1, ids, 3, ANCHORAGE_BOXES, &u, NULL));
        CU_ASSERT_EQUAL_FATAL(t->rois_offset[1], u->rois_offset[1]);
        same_bytes(t->rois, u->rois, 16 * t->rois_offset[1]);
        same_bytes(t->rois_label, u->rois_label, 4 * t->rois_offset[1]);
        same_bytes(t->positives_target, u->positives_target, 16 * t->positives_offset[1]);
        positives += t->positives_offset[1];
    }
    CU_ASSERT(positives > 100);
    anchorage_labeller_free(l);
    anchorage_labeller_free(other);
    anchorage_config_free(c);
}

static void targets_of_a_minibatch_are_encoded_and_decoded_alike(void)
{
    for (int p = 0; anchorage_preset((size_t)p); p++) {
        scene s;
        anchorage_config *c = config_of(anchorage_preset((size_t)p), small);
        anchorage_labeller *l = labeller_of(c, 3, NULL);
        anchorage_layout *layout = NULL;
        const anchorage_targets *t = NULL;
        draw_scene(&s, 77);
        CU_ASSERT_FATAL(!anchorage_label(l, &s.image, 1, ALL, &t, NULL));
        CU_ASSERT_FATAL(!anchorage_layout_new(&layout, c, t->view_size, t->padded_size, NULL, NULL));
        int32_t n = (int32_t)t->positives_offset[1];
        float(*box)[4] = malloc(((size_t)n + 1) * sizeof *box),
        (*target)[4] = malloc(((size_t)n + 1) * sizeof *target);
        CU_ASSERT_FATAL(n > 0 && box && target);
        for (int32_t i = 0; i < n; i++) memcpy(box[i], t->boxes + 4 * t->positives_gt[i], sizeof *box);
        CU_ASSERT_FATAL(!anchorage_encode(layout, t->minibatch_anchor, box[0], n, target[0], NULL));
        same_bytes(target, t->positives_target, 16 * (int64_t)n);
        CU_ASSERT_FATAL(!anchorage_decode(layout, t->minibatch_anchor, target[0], n, box[0], NULL));
        for (int32_t i = 0; i < n; i++)
            for (int e = 0; e < 4; e++)
                CU_ASSERT(fabsf(box[i][e] - t->boxes[4 * t->positives_gt[i] + e]) <=
                          1.01f); /* legacy: a pixel */
        anchorage_level levels[8];
        int32_t n_levels = anchorage_layout_levels(layout, levels, 8);
        CU_ASSERT_EQUAL(n_levels, t->n_levels);
        for (int32_t k = 0; k < n_levels; k++)
            CU_ASSERT(levels[k].rows == t->grid[2 * k] && levels[k].columns == t->grid[2 * k + 1] &&
                      levels[k].stride_y == t->stride[2 * k] && levels[k].stride_x == t->stride[2 * k + 1]);
        free(box);
        free(target);
        anchorage_layout_free(layout);
        anchorage_labeller_free(l);
        anchorage_config_free(c);
    }
}

/* The loop by the definition. */
static int32_t slow_nms(const float (*box)[4], const float *score, const int32_t *group, int32_t n, float iou,
                        int32_t *keep)
{
    int32_t n_keep = 0;
    bool *gone = calloc((size_t)n + 1, sizeof *gone);
    CU_ASSERT_PTR_NOT_NULL_FATAL(gone);
    for (int32_t round = 0; round < n; round++) {
        int32_t best = -1;
        for (int32_t i = 0; i < n; i++)
            if (!gone[i] && (best < 0 || score[i] > score[best])) best = i;
        if (best < 0) break;
        gone[best] = true;
        keep[n_keep++] = best;
        for (int32_t i = 0; i < n; i++)
            if (group[i] == group[best] && anc_iou_f32(box[i], box[best], 0, 0) > iou) gone[i] = true;
    }
    free(gone);
    return n_keep;
}

static void suppression_keeps_what_the_loop_keeps(void)
{
    enum { N = 300 };
    check_rng r = { 4 };
    for (int round = 0; round < 20; round++) {
        float box[N][4], score[N];
        int32_t group[N], keep[N], wanted[N], n_keep = -1, n = round ? check_int(&r, 1, N) : 0;
        for (int i = 0; i < n; i++) {
            float x = (float)check_uniform(&r) * 200, y = (float)check_uniform(&r) * 200;
            const float b[4] = { x, y, x + 20 + (float)check_uniform(&r) * 60,
                                 y + 20 + (float)check_uniform(&r) * 60 };
            memcpy(box[i], b, sizeof b);
            score[i] = (float)check_int(&r, 0, 40); /* with ties */
            group[i] = round % 2 ? check_int(&r, -2, 3) : 5;
        }
        anchorage_nms_options o = { .size = sizeof o, .iou = 0.5 };
        CU_ASSERT_FATAL(!anchorage_nms(box[0], score, round % 2 ? group : NULL, n, &o, keep, &n_keep, NULL));
        CU_ASSERT_EQUAL_FATAL(n_keep, slow_nms((const float(*)[4])box, score, group, n, 0.5f, wanted));
        same_bytes(keep, wanted, 4 * (int64_t)n_keep);
        o.limit = 3;
        CU_ASSERT_FATAL(!anchorage_nms(box[0], score, group, n, &o, keep, &n_keep, NULL));
        CU_ASSERT(n_keep <= 3);
        same_bytes(keep, wanted, 4 * (int64_t)n_keep);
    }
}

static void proposals_are_those_of_the_stages(void)
{
    for (int p = 0; anchorage_preset((size_t)p); p++) {
        const char *preset = anchorage_preset((size_t)p);
        anchorage_config *c = config_of(preset, NULL);
        anchorage_layout *layout = NULL;
        anchorage_proposer *proposer = NULL;
        const anchorage_proposals *out = NULL;
        anchorage_proposal_options o = { .size = sizeof o };
        static const int32_t view[2] = { 150, 200 }, padded[2] = { 160, 224 };
        check_rng r = { 9 };
        CU_ASSERT_FATAL(!anchorage_layout_new(&layout, c, view, padded, NULL, NULL));
        int32_t n = anchorage_layout_anchors(layout);
        float *logit = malloc((size_t)n * sizeof *logit), (*delta)[4] = malloc((size_t)n * sizeof *delta);
        CU_ASSERT_FATAL(logit && delta);
        for (int32_t i = 0; i < n; i++) {
            logit[i] = (float)(check_uniform(&r) * 8 - 4);
            for (int e = 0; e < 4; e++) delta[i][e] = (float)(check_uniform(&r) - 0.5);
        }
        for (int training = 0; training < 2; training++) {
            anc_rules rules = *anc_rules_preset(preset);
            anc_proposer core = { .kernels = anc_kernels_find(NULL), .legacy = rules.match.legacy };
            anc_grid *g = malloc(sizeof *g);
            anc_err err;
            int32_t first[ANC_MAX_LEVELS + 1];
            CU_ASSERT_FATAL(g && anc_proposal_rules_preset(preset, training, &core.rules) &&
                            !anc_grid_place(g, &rules, view[0], view[1], padded[0], padded[1], &err));
            for (int32_t k = 0; k < g->n_levels; k++) first[k] = g->level[k].first;
            first[g->n_levels] = g->n_anchors;
            CU_ASSERT_FATAL(!anc_propose_rank(&core, logit, first, g->n_levels, &err));
            anc_propose_decode(&core, &rules, g, (const float(*)[4])delta);
            CU_ASSERT_FATAL(!anc_propose_filter(&core, view[0], view[1], 1.5, &err));
            CU_ASSERT_FATAL(!anchorage_proposal_options_of(c, training, &o, NULL));
            CU_ASSERT_EQUAL(o.n_before, core.rules.n_before);
            CU_ASSERT_FATAL(!anchorage_proposer_new(&proposer, c, &o, NULL));
            CU_ASSERT_FATAL(!anchorage_propose(proposer, layout, logit, delta[0], 1.5, &out, NULL));
            CU_ASSERT_FATAL(out->n == core.n && out->n > 0);
            same_bytes(out->boxes, core.box, 16 * (int64_t)core.n);
            same_bytes(out->score, core.score, 4 * (int64_t)core.n);
            same_bytes(out->anchor, core.anchor, 4 * (int64_t)core.n);
            anchorage_proposer_free(proposer);
            anc_proposer_free(&core);
            free(g);
        }
        free(logit);
        free(delta);
        anchorage_layout_free(layout);
        anchorage_config_free(c);
    }
}

static void recall_counts_by_hand_and_by_parts(void)
{
    static const int32_t tops[] = { 1, 2 };
    static const double boxes[2][4] = { { 0, 0, 10, 10 }, { 100, 100, 200, 200 } },
                        proposals[2][4] = { { 0, 0, 10, 8 }, { 100, 100, 200, 200 } },
                        scores[2] = { 0.9, 0.8 };
    static const int32_t group[2] = { 0, 1 };
    anchorage_recall *a = NULL, *b = NULL;
    anchorage_image image = { .size = sizeof image,
                              .n_boxes = 2,
                              .boxes = boxes[0],
                              .category = group,
                              .n_proposals = 2,
                              .proposals = proposals[0] };
    for (int protocol = 0; protocol < 2; protocol++) {
        CU_ASSERT_FATAL(!anchorage_recall_new(&a, protocol, tops, 2, 2, NULL));
        CU_ASSERT_FATAL(!anchorage_recall_new(&b, protocol, tops, 2, 2, NULL));
        CU_ASSERT_FATAL(!anchorage_recall_add(a, &image, scores, NULL) &&
                        !anchorage_recall_add(b, &image, scores, NULL));
        CU_ASSERT_FATAL(!anchorage_recall_merge(a, b, NULL));
        CU_ASSERT_EQUAL(anchorage_recall_objects(a, ANCHORAGE_RECALL_ALL), 4);
        CU_ASSERT_EQUAL(anchorage_recall_at(a, ANCHORAGE_RECALL_ALL, 0, 0), 0.5);
        CU_ASSERT_EQUAL(anchorage_recall_at(a, ANCHORAGE_RECALL_ALL, 0, 1), 1);
        CU_ASSERT_EQUAL(anchorage_recall_at(a, ANCHORAGE_RECALL_SMALL, 7, 1), 0); /* 0.8 < 0.85 */
        CU_ASSERT_EQUAL(anchorage_recall_at(a, ANCHORAGE_RECALL_GROUPS + 1, 9, 1), 1);
        CU_ASSERT(isnan(anchorage_recall_at(a, ANCHORAGE_RECALL_MEDIUM, 0, 0)));
        CU_ASSERT(isnan(anchorage_recall_at(a, 99, 0, 0)) && isnan(anchorage_recall_average(a, 0, 2)));
        CU_ASSERT_EQUAL(anchorage_recall_average(a, ANCHORAGE_RECALL_LARGE, 1), 1);
        anchorage_recall_free(a);
        anchorage_recall_free(b);
    }
}

/* The n negatives of a view's minibatch, as docs/METHOD.md says that they are drawn where they are not rare: true
 * when these are the ones. */
static bool draws_these_negatives(const anchorage_targets *t, const anchorage_layout *layout, uint64_t seed,
                                  const anchorage_image *image, const int32_t *wanted, int32_t n)
{
    anchorage_level level[8];
    int32_t n_levels = anchorage_layout_levels(layout, level, 8), n_cells = 0, found = 0;
    uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) },
             counter[4] = { ANCHORAGE_DRAW_NEGATIVES << 24, (uint32_t)image->epoch, (uint32_t)image->id,
                            (uint32_t)((uint64_t)image->id >> 32) },
             out[4];
    for (int32_t l = 0; l < n_levels; l++)
        n_cells += level[l].shapes * ((level[l].rows * level[l].columns + 63) / 64 * 64);
    bool *drawn = calloc((size_t)anchorage_layout_anchors(layout), sizeof *drawn);
    CU_ASSERT_PTR_NOT_NULL_FATAL(drawn);
    while (found < n) {
        anchorage_philox(key, counter, out);
        counter[0]++;
        for (int i = 0; i < 4 && found < n; i++) {
            uint64_t product = (uint64_t)out[i] * (uint32_t)n_cells;
            int32_t cell = (int32_t)(product >> 32), l = 0;
            if ((uint32_t)product < (uint32_t)(0x100000000u % (uint32_t)n_cells)) continue;
            for (; cell >= level[l].shapes * ((level[l].rows * level[l].columns + 63) / 64 * 64); l++)
                cell -= level[l].shapes * ((level[l].rows * level[l].columns + 63) / 64 * 64);
            int32_t plane = (level[l].rows * level[l].columns + 63) / 64 * 64, at = cell % plane;
            int32_t anchor = level[l].first + at * level[l].shapes + cell / plane;
            if (at >= level[l].rows * level[l].columns || t->labels[anchor] != 0 || drawn[anchor]) continue;
            drawn[anchor] = true;
            found++;
        }
    }
    bool all = true;
    for (int32_t i = 0; i < n; i++) all = all && drawn[wanted[i]];
    free(drawn);
    return all;
}

static void negatives_are_drawn_as_the_method_says(void)
{
    anchorage_config *c = config_of("torchvision-fpn", small);
    anchorage_labeller *l = labeller_of(c, 0x123456789abcdef0u, NULL);
    int compared = 0;
    for (unsigned long long n = 0; n < 30; n++) {
        scene s;
        const anchorage_targets *t = NULL;
        anchorage_layout *layout = NULL;
        draw_scene(&s, n);
        s.image.id = (int64_t)n * 0x100000001 - 7;
        CU_ASSERT_FATAL(!anchorage_label(l, &s.image, 1, ANCHORAGE_LABELS, &t, NULL));
        CU_ASSERT_FATAL(!anchorage_layout_new(&layout, c, t->view_size, t->padded_size, NULL, NULL));
        int32_t p = (int32_t)t->positives_offset[1], k = (int32_t)t->minibatch_offset[1] - p,
                all = t->count[1];
        if (all >= 2 * k && all >= anchorage_layout_anchors(layout) / 8) {
            CU_ASSERT(
                draws_these_negatives(t, layout, 0x123456789abcdef0u, &s.image, t->minibatch_anchor + p, k));
            compared++;
        }
        anchorage_layout_free(layout);
    }
    CU_ASSERT(compared > 20);
    anchorage_labeller_free(l);
    anchorage_config_free(c);
}

/* Random123's known answers; then draws that repeat what a labeller has drawn. */
static void draws_repeat_minibatches(void)
{
    const uint32_t ones[4] = { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff };
    uint32_t out[4];
    anchorage_philox(ones, ones, out);
    CU_ASSERT(out[0] == 0x408f276d && out[1] == 0x41c83b0e && out[2] == 0xa20bc7c6 && out[3] == 0x6d5451fd);
    static const char *const sampler[] = { "philox", "torch" };
    for (int torch = 0; torch < 2; torch++) {
        char ini[256];
        snprintf(ini, sizeof ini, "%sflip = 0.5\n[sample]\nbatch = 16\nsampler = %s\n", small,
                 sampler[torch]);
        anchorage_config *c = config_of("detectron2-fpn", ini);
        anchorage_labeller *l = labeller_of(c, 99, NULL);
        int compared = 0;
        for (unsigned long long n = 0; n < 40; n++) {
            scene s;
            const anchorage_targets *t = NULL;
            draw_scene(&s, n);
            CU_ASSERT_FATAL(!anchorage_label(l, &s.image, 1, ANCHORAGE_LABELS, &t, NULL));
            CU_ASSERT_EQUAL(t->flip[0],
                            anchorage_uniform(99, s.image.id, s.image.epoch, ANCHORAGE_DRAW_FLIP) < 0.5);
            int32_t n_positive = t->count[0], k = (int32_t)t->positives_offset[1], m = 0;
            int32_t *positive = malloc(((size_t)n_positive + 1) * 4),
                    *draw = malloc(((size_t)n_positive + 1) * 4);
            CU_ASSERT_FATAL(positive && draw);
            for (int64_t a = 0; a < t->labels_offset[1]; a++)
                if (t->labels[a] == 1) positive[m++] = (int32_t)a;
            CU_ASSERT_EQUAL_FATAL(m, n_positive);
            if (k < n_positive && !torch) {
                CU_ASSERT(!anchorage_draw(99, s.image.id, s.image.epoch, ANCHORAGE_DRAW_POSITIVES, n_positive,
                                          k, draw, NULL));
                for (int32_t i = 0; i < k; i++) CU_ASSERT_EQUAL(t->minibatch_anchor[i], positive[draw[i]]);
                compared++;
            } else if (k < n_positive) {
                int32_t found = 0;
                CU_ASSERT(!anchorage_torch_randperm(99, 0, n_positive, draw, NULL));
                for (int32_t i = 0; i < k; i++)
                    for (int32_t j = 0; j < k; j++) found += t->minibatch_anchor[j] == positive[draw[i]];
                CU_ASSERT_EQUAL(found, k);
                compared++;
            }
            free(positive);
            free(draw);
        }
        CU_ASSERT(compared > 5);
        anchorage_labeller_free(l);
        anchorage_config_free(c);
    }
    int32_t whole[10], rest[10];
    CU_ASSERT(!anchorage_torch_randperm(1, 0, 10, whole, NULL) &&
              !anchorage_torch_randperm(1, 9, 10, rest, NULL));
    CU_ASSERT(memcmp(whole, rest, sizeof whole) != 0);
}

static void configurations_come_from_presets_and_text(void)
{
    anchorage_error error;
    anchorage_config *c = config_of(NULL, NULL), *d = config_of(NULL, anchorage_config_ini(c));
    CU_ASSERT_STRING_EQUAL(anchorage_config_json(c), anchorage_config_json(d));
    CU_ASSERT_PTR_NOT_NULL(strstr(anchorage_config_json(c), "\"preset\":\"torchvision-fpn\""));
    anchorage_config_free(d);
    d = config_of(NULL, "[preset]\nname = mmdet-fpn\n");
    CU_ASSERT_PTR_NOT_NULL(strstr(anchorage_config_json(d), "\"preset\":\"mmdet-fpn\""));
    anchorage_config_free(d);
    anchorage_config_free(c);
    static const struct {
        const char *preset, *ini, *says;
    } wrong[] = {
        { "d2-fpn", "", "no preset is called 'd2-fpn' (did you mean 'detectron2-fpn'?)" },
        { "mmdet-fpn", "[preset]\nname = detectron2-fpn\n", "line 2: starts from preset 'detectron2-fpn'" },
        { NULL, "[match]\npositive_iuo = 0.7\n", "line 2: [match] has no key 'positive_iuo'" },
        { NULL, "[match]\npositive_iou = 2\n", "match.positive_iou = 2: must be from 0.001 to 1" },
        { NULL, "positive", "line 1: not `key = value`" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        c = NULL;
        CU_ASSERT(anchorage_config_new(&c, wrong[i].preset, wrong[i].ini, strlen(wrong[i].ini), &error));
        CU_ASSERT(c == NULL && error.code != ANCHORAGE_OK);
        CU_ASSERT_EQUAL(strncmp(error.text, wrong[i].says, strlen(wrong[i].says)), 0);
    }
}

/* "0,7" is how some locales write 0.7. */
static void a_locale_changes_no_configuration(void)
{
    static const char *const with_comma[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ru_RU.UTF-8" };
    anchorage_config *c = config_of(NULL, "[match]\npositive_iou = 0.75\n");
    char *before = strdup(setlocale(LC_ALL, NULL)), *wanted = strdup(anchorage_config_ini(c));
    bool found = false;
    anchorage_config_free(c);
    for (size_t i = 0; i < 4 && !found; i++) found = setlocale(LC_ALL, with_comma[i]) != NULL;
    if (!found) {
        puts("locales: NOT RUN, none with a decimal comma is installed");
    } else {
        c = config_of(NULL, "[match]\npositive_iou = 0.75\n");
        CU_ASSERT_STRING_EQUAL(anchorage_config_ini(c), wanted);
        CU_ASSERT(strchr(localeconv()->decimal_point, ',') != NULL); /* and the caller's is as it was */
        anchorage_config_free(c);
    }
    setlocale(LC_ALL, before);
    free(before);
    free(wanted);
}

/* Whether a call is refused with this code and a text that says so. */
static void refused(int got, int wanted, const anchorage_error *error, const char *says)
{
    CU_ASSERT_EQUAL(got, wanted);
    CU_ASSERT_EQUAL(error->code, wanted);
    if (!strstr(error->text, says)) printf("'%s' lacks '%s'\n", error->text, says);
    CU_ASSERT_PTR_NOT_NULL(strstr(error->text, says));
}

static void wrong_images_are_errors_that_name_them(void)
{
    anchorage_error e;
    anchorage_config *c = config_of(NULL, small);
    anchorage_labeller *l = labeller_of(c, 3, NULL);
    const anchorage_targets *t = NULL;
    scene s;
    draw_scene(&s, 3);
    const anchorage_image good = s.image;
    anchorage_image i = good;
    i.size = 8;
    refused(anchorage_label(l, &i, 1, 0, &t, &e), ANCHORAGE_EARGUMENT, &e, "image.size is 8");
    i = good, i.height = 0;
    refused(anchorage_label(l, &i, 1, 0, &t, &e), ANCHORAGE_EDATA, &e, "image 3: ");
    i = good, i.width = 1000001;
    refused(anchorage_label(l, &i, 1, 0, &t, &e), ANCHORAGE_EDATA, &e, "must be 1 to 1000000");
    i = good, i.n_boxes = -1;
    refused(anchorage_label(l, &i, 1, 0, &t, &e), ANCHORAGE_EARGUMENT, &e, "n_boxes is -1");
    i = good, i.boxes = NULL;
    refused(anchorage_label(l, &i, 1, 0, &t, &e), ANCHORAGE_EARGUMENT, &e, "boxes NULL");
    i = good, i.view_height = 5;
    refused(anchorage_label(l, &i, 1, 0, &t, &e), ANCHORAGE_EARGUMENT, &e, "view 0 x 5");
    i = good, i.padded_height = i.padded_width = 5;
    refused(anchorage_label(l, &i, 1, 0, &t, &e), ANCHORAGE_EARGUMENT, &e, "cannot be padded to 5 x 5");
    i = good, i.flip = 3;
    refused(anchorage_label(l, &i, 1, 0, &t, &e), ANCHORAGE_EARGUMENT, &e, "flip is 3");
    static const int32_t grid[5][2] = { { 0, 1 } };
    i = good, i.grid = grid[0];
    refused(anchorage_label(l, &i, 1, 0, &t, &e), ANCHORAGE_EDATA, &e, "a grid of 0 x 1 positions");
    const double bad[][4] = { { 0, 0, NAN, 5 }, { 0, 0, INFINITY, 5 }, { 5, 0, 5, 9 }, { 0, 0, 2e9, 5 } };
    for (int k = 0; k < 4; k++) {
        i = good, i.n_boxes = 1, i.boxes = bad[k];
        refused(anchorage_label(l, &i, 1, 0, &t, &e), ANCHORAGE_EDATA, &e, "image 3: box 0 (");
    }
    i = good, i.height = 100000, i.width = 1;
    refused(anchorage_label(l, &i, 1, 0, &t, &e), ANCHORAGE_EDATA, &e, "becomes");
    refused(anchorage_label(l, &good, 1, 64, &t, &e), ANCHORAGE_EARGUMENT, &e, "flags 0x40");
    refused(anchorage_label(NULL, &good, 1, 0, &t, &e), ANCHORAGE_EARGUMENT, &e, "labeller is NULL");
    refused(anchorage_label(l, NULL, 1, 0, &t, &e), ANCHORAGE_EARGUMENT, &e, "images is NULL");
    refused(anchorage_label(l, &good, 1, 0, NULL, &e), ANCHORAGE_EARGUMENT, &e, "targets is NULL");
    CU_ASSERT_PTR_NULL(t);
    CU_ASSERT_EQUAL(anchorage_label(l, &good, 1, ALL, &t, NULL),
                    ANCHORAGE_OK); /* and the labeller works on */
    struct {
        anchorage_image known;
        int64_t more;
    } newer = { good, 0 };
    newer.known.size = sizeof newer;
    CU_ASSERT_EQUAL(anchorage_label(l, &newer.known, 1, 0, &t, &e), ANCHORAGE_OK);
    newer.more = 1;
    refused(anchorage_label(l, &newer.known, 1, 0, &t, &e), ANCHORAGE_EARGUMENT, &e, "does not know");
    anchorage_labeller_free(l);
    anchorage_config_free(c);
}

/* What a later release does with the structures of this one, and this one with those of a later. */
static void structures_may_grow(void)
{
    struct grown {
        size_t size;
        int32_t known, unused;
        double new_member;
    };
    const struct grown old = { 16, 5, 0, 7 }, whole = { sizeof old, 5, 0, 7 };
    struct grown got;
    anchorage_error e;
    const size_t first = offsetof(struct grown, unused) + sizeof old.unused;
    CU_ASSERT(!anc_api_take(&got, sizeof got, first, &old, "old", &e) && got.known == 5 &&
              got.new_member == 0);
    CU_ASSERT(!anc_api_take(&got, sizeof got, first, &whole, "whole", &e) && got.new_member == 7);
    refused(anc_api_take(&got, sizeof got, first + 1, &old, "old", &e), ANCHORAGE_EARGUMENT, &e,
            "old.size is 16");
    CU_ASSERT_EQUAL(anc_api_take(&got, first, first, &whole, "whole", NULL), ANCHORAGE_EARGUMENT);
    struct {
        anchorage_proposal_options known;
        double more, beyond;
    } newer = { .beyond = 3 };
    anchorage_config *c = config_of("detectron2-fpn", NULL);
    newer.known.size = sizeof newer - sizeof newer.beyond;
    CU_ASSERT(!anchorage_proposal_options_of(c, 1, &newer.known, &e) && newer.known.n_before == 2000);
    CU_ASSERT(newer.more == 0 && newer.beyond == 3);
    anchorage_config_free(c);
}

static void wrong_arguments_are_errors(void)
{
    anchorage_error e;
    anchorage_config *c = config_of(NULL, NULL);
    anchorage_labeller *l = NULL;
    anchorage_layout *layout = NULL;
    anchorage_recall *r = NULL;
    anchorage_proposer *p = NULL;
    const anchorage_targets *t = NULL;
    static const int32_t view[2] = { 100, 100 }, none[2] = { 0, 100 }, ids[] = { 1, 1 }, zero[] = { 0 };
    float four[4] = { 0 };
    int32_t one = 0, far = 1 << 30;
    refused(anchorage_config_new(NULL, NULL, NULL, 0, &e), ANCHORAGE_EARGUMENT, &e, "config is NULL");
    refused(anchorage_config_new(&c, NULL, NULL, 5, &e), ANCHORAGE_EARGUMENT, &e, "ini is NULL");
    refused(anchorage_labeller_new(&l, c, 0, "avx9", &e), ANCHORAGE_EARGUMENT, &e, "'avx9'");
    refused(anchorage_labeller_new(&l, NULL, 0, NULL, &e), ANCHORAGE_EARGUMENT, &e, "config is NULL");
    refused(anchorage_layout_new(&layout, c, none, NULL, NULL, &e), ANCHORAGE_EARGUMENT, &e,
            "view is 100 x 0");
    CU_ASSERT_FATAL(!anchorage_layout_new(&layout, c, view, NULL, NULL, &e));
    refused(anchorage_layout_boxes(layout, -1, 1, four, &e), ANCHORAGE_EARGUMENT, &e, "anchors [-1, ");
    refused(anchorage_layout_boxes(layout, 0, far, four, &e), ANCHORAGE_EARGUMENT, &e, "are not among");
    refused(anchorage_encode(layout, &far, four, 1, four, &e), ANCHORAGE_EARGUMENT, &e, "is not among");
    refused(anchorage_decode(layout, NULL, four, 1, four, &e), ANCHORAGE_EARGUMENT, &e, "an array is NULL");
    refused(anchorage_encode_rois(c, four, NULL, 1, four, &e), ANCHORAGE_EARGUMENT, &e, "an array is NULL");
    anchorage_nms_options o = { .size = sizeof o, .iou = 2 };
    refused(anchorage_nms(four, four, NULL, 1, &o, &one, &one, &e), ANCHORAGE_EARGUMENT, &e,
            "options.iou is 2");
    refused(anchorage_nms(four, four, NULL, 1, NULL, &one, &one, &e), ANCHORAGE_EARGUMENT, &e,
            "options is NULL");
    anchorage_proposal_options po = { .size = sizeof po };
    refused(anchorage_proposer_new(&p, c, &po, &e), ANCHORAGE_EARGUMENT, &e, "proposals: 0 before");
    po.size = 4;
    refused(anchorage_proposal_options_of(c, 0, &po, &e), ANCHORAGE_EARGUMENT, &e, "options.size is 4");
    refused(anchorage_recall_new(&r, 2, view, 1, 0, &e), ANCHORAGE_EARGUMENT, &e, "protocol is 2");
    refused(anchorage_recall_new(&r, 0, view, 2, 0, &e), ANCHORAGE_EARGUMENT, &e, "tops[1] is 100");
    refused(anchorage_draw(0, 1, 0, 1, 3, 4, &one, &e), ANCHORAGE_EARGUMENT, &e, "4 of 3");
    refused(anchorage_torch_randperm(0, -1, 1, &one, &e), ANCHORAGE_EARGUMENT, &e, "skip -1");
    CU_ASSERT_FATAL(!anchorage_labeller_new(&l, c, 0, NULL, &e));
    refused(anchorage_label_rois(l, NULL, 0, ids, 2, 0, &t, &e), ANCHORAGE_EARGUMENT, &e, "ids must ascend");
    refused(anchorage_label_rois(l, NULL, 0, zero, 1, 0, &t, &e), ANCHORAGE_EARGUMENT, &e, "background");
    refused(anchorage_label_rois(l, NULL, 0, ids, 1, ALL, &t, &e), ANCHORAGE_EARGUMENT, &e, "flags");
    anchorage_labeller_free(l);
    anchorage_labeller_free(NULL);
    anchorage_layout_free(layout);
    anchorage_layout_free(NULL);
    anchorage_config_free(c);
    anchorage_config_free(NULL);
    anchorage_recall_free(NULL);
    anchorage_proposer_free(NULL);
    CU_ASSERT(anchorage_config_ini(NULL) == NULL && anchorage_layout_anchors(NULL) == 0);
    CU_ASSERT(anchorage_simd(99) == NULL && anchorage_preset(99) == NULL);
    CU_ASSERT_STRING_EQUAL(anchorage_version(), ANCHORAGE_VERSION_STRING);
    CU_ASSERT_STRING_EQUAL(ANC_VERSION, ANCHORAGE_VERSION_STRING);
}

/* ---- threads ---- */

enum { PER_THREAD = 60 };
typedef struct {
    const anchorage_config *config;
    uint64_t sum; /* of all that it saw */
} worker;

static uint64_t mix(uint64_t h, const void *bytes, int64_t n)
{
    for (int64_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    return h;
}

static void *work(void *context)
{
    worker *w = context;
    anchorage_labeller *l = NULL;
    if (anchorage_labeller_new(&l, w->config, 21, NULL, NULL)) return NULL;
    w->sum = 1;
    for (unsigned long long n = 0; n < PER_THREAD; n++) {
        scene s;
        const anchorage_targets *t = NULL;
        draw_scene(&s, n);
        if (anchorage_label(l, &s.image, 1, ALL, &t, NULL)) return NULL;
        w->sum = mix(w->sum, t->minibatch_anchor, 4 * t->minibatch_offset[1]);
        w->sum = mix(w->sum, t->positives_target, 16 * t->positives_offset[1]);
        w->sum = mix(w->sum, t->labels, t->labels_offset[1]);
    }
    anchorage_labeller_free(l);
    return w;
}

static void threads_share_a_configuration(void)
{
    anchorage_config *c = config_of("torchvision-fpn", small);
    worker w[3] = { { .config = c }, { .config = c }, { .config = c } };
    pthread_t thread[2];
    for (int i = 0; i < 2; i++) CU_ASSERT_FATAL(!pthread_create(&thread[i], NULL, work, &w[i]));
    CU_ASSERT_PTR_NOT_NULL(work(&w[2]));
    for (int i = 0; i < 2; i++) CU_ASSERT_FATAL(!pthread_join(thread[i], NULL));
    CU_ASSERT(w[0].sum > 1 && w[0].sum == w[1].sum && w[1].sum == w[2].sum);
    anchorage_config_free(c);
}

CHECK_SUITE("api", CHECK(a_batch_gives_what_the_stages_give_for_each_image),
            CHECK(box_statistics_are_those_of_all_anchors),
            CHECK(boxes_in_the_view_and_sizes_of_the_callers_give_the_same),
            CHECK(wild_boxes_in_the_view_match_by_the_definition),
            CHECK(a_batch_is_padded_to_its_largest_image), CHECK(a_grid_is_for_its_view_alone),
            CHECK(results_that_are_taken_outlive_the_labeller), CHECK(rois_are_those_of_the_second_stage),
            CHECK(proposals_in_the_view_are_taken_as_they_are),
            CHECK(targets_of_a_minibatch_are_encoded_and_decoded_alike),
            CHECK(suppression_keeps_what_the_loop_keeps), CHECK(proposals_are_those_of_the_stages),
            CHECK(recall_counts_by_hand_and_by_parts), CHECK(draws_repeat_minibatches),
            CHECK(negatives_are_drawn_as_the_method_says), CHECK(configurations_come_from_presets_and_text),
            CHECK(a_locale_changes_no_configuration), CHECK(wrong_images_are_errors_that_name_them),
            CHECK(structures_may_grow), CHECK(wrong_arguments_are_errors),
            CHECK(threads_share_a_configuration));
