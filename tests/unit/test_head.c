/* tests/unit/test_head.c: head, loss and SGD against torch's float64 numbers, by hand, and by central differences
 *
 * tests/golden/loss.h5 was cut by tests/golden/cut_loss.py from what torchvision computed: two images of
 * three levels, 73 sampled anchors. Gradients are held to 1e-5 of their tensor's largest element: they are
 * float32 sums.
 */
#include "core/half.h"
#include "core/head/head.h"
#include "core/head/loss.h"
#include "core/head/sgd.h"
#include "tests/check.h"
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 2, LEVELS = 3, C = 16, A = 3, ANCHORS = 318 };
static const anc_head_shape golden_shape = { C, C, A };
static const char *const golden_names[ANC_HEAD_PARTS] = { "conv_w", "conv_b", "cls_w",
                                                          "cls_b",  "bbox_w", "bbox_b" };

typedef struct {
    hid_t file;
    int32_t grid[LEVELS][2];
    float *feature[IMAGES][LEVELS]; /* channels last */
    int8_t label[IMAGES][ANCHORS];
    float target[IMAGES][ANCHORS][4];
    float *parameters;
} golden;

static void *load(hid_t file, hid_t type, size_t size, const char *format, const char *part)
{
    char name[64];
    snprintf(name, sizeof name, format, part);
    hid_t d = H5Dopen2(file, name, H5P_DEFAULT);
    CU_ASSERT_FATAL(d >= 0);
    hid_t space = H5Dget_space(d);
    void *data = malloc((size_t)H5Sget_simple_extent_npoints(space) * size);
    CU_ASSERT_FATAL(data && H5Dread(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Sclose(space);
    H5Dclose(d);
    return data;
}

static void attribute(hid_t file, const char *group, const char *name, hid_t type, void *value)
{
    hid_t a = H5Aopen_by_name(file, group, name, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT_FATAL(a >= 0 && H5Aread(a, type, value) >= 0);
    H5Aclose(a);
}

static golden open_golden(void)
{
    golden g = { .file = H5Fopen("tests/golden/loss.h5", H5F_ACC_RDONLY, H5P_DEFAULT) };
    CU_ASSERT_FATAL(g.file >= 0);
    attribute(g.file, "input", "grid_hw", H5T_NATIVE_INT32, g.grid);
    for (int l = 0; l < LEVELS; l++) {
        char name[16];
        snprintf(name, sizeof name, "%d", l);
        float *x = load(g.file, H5T_NATIVE_FLOAT, sizeof *x, "input/feature_%s", name);
        size_t n = (size_t)(g.grid[l][0] * g.grid[l][1]);
        for (size_t i = 0; i < IMAGES; i++) {
            g.feature[i][l] = malloc(n * C * sizeof(float));
            for (size_t c = 0; c < C; c++)
                for (size_t at = 0; at < n; at++) g.feature[i][l][at * C + c] = x[(i * C + c) * n + at];
        }
        free(x);
    }
    int8_t *label = load(g.file, H5T_NATIVE_INT8, 1, "input/%s", "labels");
    float *target = load(g.file, H5T_NATIVE_FLOAT, sizeof *target, "input/%s", "targets");
    memcpy(g.label, label, sizeof g.label);
    memcpy(g.target, target, sizeof g.target);
    free(label);
    free(target);
    g.parameters = malloc(anc_head_size(&golden_shape) * sizeof *g.parameters);
    for (int k = 0; k < ANC_HEAD_PARTS; k++) {
        float *w = load(g.file, H5T_NATIVE_FLOAT, sizeof *w, "input/%s", golden_names[k]);
        float *to = g.parameters + anc_head_first(&golden_shape, (anc_head_tensor)k);
        if (k == ANC_HEAD_CONV_WEIGHT)
            anc_head_conv_from_torch(&golden_shape, w, to);
        else
            memcpy(to, w, anc_head_count(&golden_shape, (anc_head_tensor)k) * sizeof *w);
        free(w);
    }
    return g;
}

static void close_golden(golden *g)
{
    for (int i = 0; i < IMAGES; i++)
        for (int l = 0; l < LEVELS; l++) free(g->feature[i][l]);
    free(g->parameters);
    H5Fclose(g->file);
}

/* An image's minibatch: its positives, then its negatives. */
static int32_t minibatch(const golden *g, int image, int32_t *anchor, float (*target)[4], int32_t *n_positive)
{
    int32_t n = 0;
    for (int want = 1; want >= 0; want--) {
        for (int32_t a = 0; a < ANCHORS; a++)
            if (g->label[image][a] == want) {
                if (want) memcpy(target[n], g->target[image][a], sizeof *target);
                anchor[n++] = a;
            }
        if (want) *n_positive = n;
    }
    return n;
}

/* Loss and gradient of both images; the first image's outputs are held to torch's too. */
static void forward_backward(const golden *g, const anc_kernels *kernels, const float *parameters,
                             double beta, double count, double loss[2], float *gradient)
{
    size_t size = anc_head_size(&golden_shape);
    anc_head_activations p = { .shape = golden_shape, .kernels = kernels };
    anc_err err = { 0 };
    float *one = malloc(size * sizeof *one), target[ANCHORS][4], d_logit[ANCHORS], d_delta[ANCHORS][4];
    loss[0] = loss[1] = 0;
    memset(gradient, 0, size * sizeof *gradient);
    for (int i = 0; i < IMAGES; i++) {
        anc_feature_map map[LEVELS];
        int32_t anchor[ANCHORS], n_positive, n = minibatch(g, i, anchor, target, &n_positive);
        for (int l = 0; l < LEVELS; l++)
            map[l] = (anc_feature_map){ g->grid[l][0], g->grid[l][1], false, g->feature[i][l] };
        CU_ASSERT_EQUAL_FATAL(anc_head_gather(&p, map, LEVELS, anchor, n_positive, n - n_positive, &err),
                              ANC_OK);
        CU_ASSERT(p.n_positions < n);
        anc_head_forward(&p, parameters, n_positive);
        loss[0] += anc_loss_objectness(p.logit, n_positive, n, 1 / count, d_logit);
        loss[1] += anc_loss_boxes((const float(*)[4])p.delta, (const float(*)[4])target, n_positive, beta,
                                  1 / count, d_delta);
        anc_head_backward(&p, parameters, n_positive, d_logit, (const float(*)[4])d_delta, one);
        for (size_t k = 0; k < size; k++) gradient[k] += one[k];
    }
    free(one);
    anc_head_activations_free(&p);
}

/* The largest difference of a part from torch's, over torch's largest element. */
static double difference(const golden *g, int part, const float *ours, const char *format)
{
    size_t n = anc_head_count(&golden_shape, (anc_head_tensor)part);
    double *wanted = load(g->file, H5T_NATIVE_DOUBLE, sizeof *wanted, format, golden_names[part]), worst = 0,
           largest = 0;
    float *torch = malloc(n * sizeof *torch);
    memcpy(torch, ours, n * sizeof *torch);
    if (part == ANC_HEAD_CONV_WEIGHT) anc_head_conv_to_torch(&golden_shape, ours, torch);
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs(torch[i] - wanted[i]));
        largest = fmax(largest, fabs(wanted[i]));
    }
    free(torch);
    free(wanted);
    return worst / largest;
}

static void losses_and_gradients_equal_torchs(void)
{
    golden g = open_golden();
    double loss[2], wanted[2];
    float *gradient = malloc(anc_head_size(&golden_shape) * sizeof *gradient);
    attribute(g.file, "torch", "loss", H5T_NATIVE_DOUBLE, wanted);
    for (const anc_kernels *const *k = anc_kernels_all; *k; k++) {
        if (!(*k)->usable()) continue;
        forward_backward(&g, *k, g.parameters, 1.0 / 9, 73, loss, gradient);
        for (int i = 0; i < 2; i++) CU_ASSERT(fabs(loss[i] - wanted[i]) < 1e-6 * wanted[i]);
        for (int part = 0; part < ANC_HEAD_PARTS; part++)
            CU_ASSERT(difference(&g, part, gradient + anc_head_first(&golden_shape, (anc_head_tensor)part),
                                 "torch/grad_%s") < 1e-5);
    }
    free(gradient);
    close_golden(&g);
}

static void outputs_of_sampled_anchors_equal_torchs(void)
{
    golden g = open_golden();
    double *logit = load(g.file, H5T_NATIVE_DOUBLE, sizeof *logit, "torch/%s", "flat_logits");
    double *delta = load(g.file, H5T_NATIVE_DOUBLE, sizeof *delta, "torch/%s", "flat_deltas");
    anc_head_activations p = { .shape = golden_shape, .kernels = anc_kernels_find(NULL) };
    anc_err err = { 0 };
    for (size_t i = 0; i < IMAGES; i++) {
        anc_feature_map map[LEVELS];
        int32_t anchor[ANCHORS];
        for (int32_t a = 0; a < ANCHORS; a++) anchor[a] = a; /* every anchor of the view */
        for (int l = 0; l < LEVELS; l++)
            map[l] = (anc_feature_map){ g.grid[l][0], g.grid[l][1], false, g.feature[i][l] };
        CU_ASSERT_EQUAL_FATAL(anc_head_gather(&p, map, LEVELS, anchor, ANCHORS, 0, &err), ANC_OK);
        CU_ASSERT_EQUAL(p.n_positions, ANCHORS / A);
        anc_head_forward(&p, g.parameters, ANCHORS);
        for (size_t a = 0; a < ANCHORS; a++) {
            CU_ASSERT(fabs(p.logit[a] - logit[i * ANCHORS + a]) < 1e-6);
            for (size_t k = 0; k < 4; k++)
                CU_ASSERT(fabs(p.delta[a][k] - delta[(i * ANCHORS + a) * 4 + k]) < 1e-6);
        }
    }
    free(logit);
    free(delta);
    anc_head_activations_free(&p);
    close_golden(&g);
}

static void three_steps_of_sgd_equal_torchs(void)
{
    golden g = open_golden();
    size_t n = anc_head_size(&golden_shape);
    double loss[2], lr, momentum, decay;
    double *wanted = load(g.file, H5T_NATIVE_DOUBLE, sizeof *wanted, "torch/sgd3/%s", "losses");
    float *gradient = malloc(n * sizeof *gradient), *v = calloc(n, sizeof *v);
    attribute(g.file, "torch/sgd3", "lr", H5T_NATIVE_DOUBLE, &lr);
    attribute(g.file, "torch/sgd3", "momentum", H5T_NATIVE_DOUBLE, &momentum);
    attribute(g.file, "torch/sgd3", "weight_decay", H5T_NATIVE_DOUBLE, &decay);
    for (int step = 0; step < 3; step++) {
        forward_backward(&g, anc_kernels_find(NULL), g.parameters, 1.0 / 9, 73, loss, gradient);
        for (int i = 0; i < 2; i++)
            CU_ASSERT(fabs(loss[i] - wanted[2 * step + i]) < 1e-6 * wanted[2 * step + i]);
        anc_sgd_step(g.parameters, v, gradient, n, lr, momentum, decay, 1);
    }
    for (int part = 0; part < ANC_HEAD_PARTS; part++)
        CU_ASSERT(difference(&g, part, g.parameters + anc_head_first(&golden_shape, (anc_head_tensor)part),
                             "torch/sgd3/%s") < 1e-5);
    free(gradient);
    free(v);
    free(wanted);
    close_golden(&g);
}

static void losses_over_the_whole_batch_size_equal_detectron2s(void)
{
    golden g = open_golden();
    float *gradient = malloc(anc_head_size(&golden_shape) * sizeof *gradient);
    const char *const names[] = { "detectron2/beta_0", "detectron2/beta_1_9" };
    for (int b = 0; b < 2; b++) {
        double loss[2], wanted[2];
        attribute(g.file, names[b], "loss", H5T_NATIVE_DOUBLE, wanted);
        forward_backward(&g, anc_kernels_find(NULL), g.parameters, b ? 1.0 / 9 : 0, 2 * 256, loss, gradient);
        for (int i = 0; i < 2; i++) CU_ASSERT(fabs(loss[i] - wanted[i]) < 1e-6 * wanted[i]);
    }
    free(gradient);
    close_golden(&g);
}

static void each_term_of_the_losses_equals_torchs(void)
{
    golden g = open_golden();
    enum { N = 52 };
    float *x = load(g.file, H5T_NATIVE_FLOAT, sizeof *x, "elementwise/%s", "x"), by[1],
          zero[1][4] = { { 0 } };
    const char *const names[] = { "bce_label0", "bce_label1", "smooth_l1" };
    for (int kind = 0; kind < 3; kind++) {
        double *value = load(g.file, H5T_NATIVE_DOUBLE, sizeof *value, "elementwise/%s", names[kind]);
        double *slope = load(g.file, H5T_NATIVE_DOUBLE, sizeof *slope, "elementwise/%s_grad", names[kind]);
        for (int i = 0; i < N; i++) {
            double got;
            float d[1][4] = { { x[i], 0, 0, 0 } }, by4[1][4];
            if (kind < 2) {
                got = anc_loss_objectness(&x[i], kind, 1, 1, by);
            } else {
                got = anc_loss_boxes((const float(*)[4])d, (const float(*)[4])zero, 1, 1.0 / 9, 1, by4);
                by[0] = by4[0][0];
            }
            CU_ASSERT(fabs(got - value[i]) <= 2e-7 * fmax(1, fabs(value[i])));
            CU_ASSERT(fabs(by[0] - slope[i]) <= 2e-7);
        }
        free(value);
        free(slope);
    }
    free(x);
    close_golden(&g);
}

/* ---- a small head of our own ---- */

enum { OWN_C = 5, OWN_HIDDEN = 9, OWN_A = 2, OWN_H = 2, OWN_W = 2, OWN_N = OWN_H * OWN_W * OWN_A };
static const anc_head_shape own = { OWN_C, OWN_HIDDEN, OWN_A };

static void fill(float *x, size_t n, unsigned seed, double size)
{
    check_rng r = { seed };
    for (size_t i = 0; i < n; i++) x[i] = (float)(size * (2 * check_uniform(&r) - 1));
}

static double own_loss(anc_head_activations *p, const float *parameters, float *gradient)
{
    enum { POSITIVE = 3 };
    static const float target[POSITIVE][4] = { { 0.1f, -0.2f, 0.3f, 0.05f },
                                               { 1, 0, -1, 0.5f },
                                               { 0.02f, 0.4f, 0, -0.7f } };
    float d_logit[OWN_N], d_delta[OWN_N][4];
    anc_head_forward(p, parameters, POSITIVE);
    double loss = anc_loss_objectness(p->logit, POSITIVE, OWN_N, 0.25, d_logit) +
                  anc_loss_boxes((const float(*)[4])p->delta, target, POSITIVE, 1.0 / 9, 0.5, d_delta);
    if (gradient) anc_head_backward(p, parameters, POSITIVE, d_logit, (const float(*)[4])d_delta, gradient);
    return loss;
}

static void gradients_equal_central_differences(void)
{
    size_t n = anc_head_size(&own);
    float x[OWN_H * OWN_W * OWN_C], *w = malloc(n * sizeof *w), *g = malloc(n * sizeof *g);
    int32_t anchor[OWN_N] = { 1, 4, 5, 0, 2, 3, 6, 7 };
    anc_feature_map map = { OWN_H, OWN_W, false, x };
    anc_head_activations p = { .shape = own, .kernels = anc_kernels_find(NULL) };
    anc_err err = { 0 };
    fill(x, sizeof x / sizeof *x, 1, 1);
    fill(w, n, 2, 0.5);
    CU_ASSERT_EQUAL_FATAL(anc_head_gather(&p, &map, 1, anchor, 3, 5, &err), ANC_OK);
    own_loss(&p, w, g);
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        const float step = 0x1p-9f; /* outputs round at 1e-7, so the slope is known to 1e-4 or so */
        float keep = w[i];
        w[i] = keep + step;
        double up = own_loss(&p, w, NULL);
        w[i] = keep - step;
        double down = own_loss(&p, w, NULL), slope = (up - down) / (2 * step);
        w[i] = keep;
        wrong += fabs(slope - g[i]) > 1e-3;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(w);
    free(g);
    anc_head_activations_free(&p);
}

static void patches_are_zero_beyond_the_edge(void)
{
    anc_head_shape shape = { 1, 1, 1 };
    anc_head_activations p = { .shape = shape, .kernels = anc_kernels_find(NULL) };
    anc_err err = { 0 };
    float x[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } }, single[1] = { 7 };
    anc_feature_map map[2] = { { 2, 3, false, x }, { 1, 1, false, single } };
    int32_t anchor[] = { 0, 4, 5, 6 };
    static const float wanted[4][9] = { { 0, 0, 0, 0, 1, 2, 0, 4, 5 },
                                        { 1, 2, 3, 4, 5, 6, 0, 0, 0 },
                                        { 2, 3, 0, 5, 6, 0, 0, 0, 0 },
                                        { 0, 0, 0, 0, 7, 0, 0, 0, 0 } };
    CU_ASSERT_EQUAL_FATAL(anc_head_gather(&p, map, 2, anchor, 2, 2, &err), ANC_OK);
    CU_ASSERT_EQUAL(p.n_positions, 4);
    CU_ASSERT(!memcmp(p.patch, wanted, sizeof wanted));
    anc_head_activations_free(&p);
}

static void anchors_of_one_position_share_its_patch(void)
{
    anc_head_activations p = { .shape = { 1, 1, 3 }, .kernels = anc_kernels_find(NULL) };
    anc_err err = { 0 };
    float x[4] = { 1, 2, 3, 4 };
    anc_feature_map map = { 2, 2, false, x };
    int32_t anchor[] = { 4, 9, 11, 0, 3, 5 }; /* positions 1 3 3, 0 1 1 */
    CU_ASSERT_EQUAL_FATAL(anc_head_gather(&p, &map, 1, anchor, 3, 3, &err), ANC_OK);
    static const int32_t position[] = { 0, 1, 3 }, at[] = { 1, 2, 2, 0, 1, 1 }, a[] = { 1, 0, 2, 0, 0, 2 };
    CU_ASSERT_EQUAL_FATAL(p.n_positions, 3);
    CU_ASSERT(!memcmp(p.position, position, sizeof position));
    CU_ASSERT(!memcmp(p.at, at, sizeof at) && !memcmp(p.a, a, sizeof a));
    anc_head_activations_free(&p);
}

static void a_view_without_samples_has_no_gradient(void)
{
    size_t n = anc_head_size(&own), wrong = 0;
    float *w = malloc(n * sizeof *w), *g = malloc(n * sizeof *g), x[OWN_H * OWN_W * OWN_C] = { 0 };
    anc_feature_map map = { OWN_H, OWN_W, false, x };
    anc_head_activations p = { .shape = own, .kernels = anc_kernels_find(NULL) };
    anc_err err = { 0 };
    fill(w, n, 3, 1);
    fill(g, n, 4, 1);
    int32_t none[1] = { 0 };
    CU_ASSERT_EQUAL_FATAL(anc_head_gather(&p, &map, 1, none, 0, 0, &err), ANC_OK);
    anc_head_forward(&p, w, 0);
    anc_head_backward(&p, w, 0, NULL, NULL, g);
    for (size_t i = 0; i < n; i++) wrong += g[i] != 0;
    CU_ASSERT_EQUAL(wrong, 0);
    free(w);
    free(g);
    anc_head_activations_free(&p);
}

static void a_feature_that_is_no_number_reaches_the_gradient(void)
{
    size_t n = anc_head_size(&own), bad;
    float *w = malloc(n * sizeof *w), *g = malloc(n * sizeof *g), x[OWN_H * OWN_W * OWN_C] = { 0 };
    const float faults[] = { NAN, INFINITY, -INFINITY };
    anc_feature_map map = { OWN_H, OWN_W, false, x };
    int32_t anchor[OWN_N] = { 1, 4, 5, 0, 2, 3, 6, 7 };
    anc_head_activations p = { .shape = own, .kernels = anc_kernels_find(NULL) };
    anc_err err = { 0 };
    fill(w, n, 2, 0.5);
    for (int f = 0; f < 3; f++) {
        x[7] = faults[f];
        CU_ASSERT_EQUAL_FATAL(anc_head_gather(&p, &map, 1, anchor, 3, 5, &err), ANC_OK);
        own_loss(&p, w, g);
        bad = 0;
        for (size_t i = 0; i < n; i++) bad += !isfinite(g[i]);
        CU_ASSERT(bad > 0);
    }
    free(w);
    free(g);
    anc_head_activations_free(&p);
}

/* ---- half precision, start values, schedules ---- */

static void every_half_number_is_widened_exactly(void)
{
    enum { ALL = 65536 };
    uint16_t *half = check_guarded(ALL * sizeof *half);
    float *want = malloc(ALL * sizeof *want), *got = malloc(ALL * sizeof *got);
    for (int i = 0; i < ALL; i++) {
        half[i] = (uint16_t)i;
        int e = i >> 10 & 31, m = i & 1023; /* IEEE 754 in words */
        double v = e == 31 ? m ? NAN : INFINITY : e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
        want[i] = (float)(i >> 15 ? -v : v);
    }
    for (const anc_kernels *const *k = anc_kernels_all; *k; k++) {
        if (!(*k)->usable()) {
            printf("NOT RUN: %s kernels\n", (*k)->name);
            continue;
        }
        static const size_t counts[] = { 0, 1, 7, 8, 9, 1023, ALL };
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            size_t n = counts[c], wrong = 0;
            (*k)->widen(half + ALL - n, n, got); /* up to the page's end */
            for (size_t i = 0; i < n; i++) {
                float w = want[ALL - n + i];
                wrong += isnan(w) ? !isnan(got[i]) : memcmp(&w, &got[i], sizeof w) != 0;
            }
            CU_ASSERT_EQUAL(wrong, 0);
        }
    }
    check_guarded_free(half, ALL * sizeof *half);
    free(want);
    free(got);
}

static void weights_start_normal_and_biases_at_zero(void)
{
    anc_head_shape s = { 64, 64, 3 };
    size_t n = anc_head_size(&s), count = anc_head_count(&s, ANC_HEAD_CONV_WEIGHT);
    float *w = malloc(n * sizeof *w), *other = malloc(n * sizeof *w);
    anc_head_init(&s, 5, 0.01, w);
    double sum = 0, square = 0;
    for (size_t i = 0; i < count; i++) {
        sum += w[i];
        square += (double)w[i] * w[i];
    }
    CU_ASSERT(fabs(sum / (double)count) < 4 * 0.01 / sqrt((double)count));
    CU_ASSERT(fabs(sqrt(square / (double)count) - 0.01) < 1e-4);
    for (size_t i = 0; i < anc_head_count(&s, ANC_HEAD_BOX_BIAS); i++)
        CU_ASSERT_EQUAL(w[anc_head_first(&s, ANC_HEAD_BOX_BIAS) + i], 0);
    anc_head_init(&s, 5, 0.01, other);
    CU_ASSERT(!memcmp(w, other, n * sizeof *w));
    anc_head_init(&s, 6, 0.01, other);
    CU_ASSERT(memcmp(w, other, n * sizeof *w));
    free(w);
    free(other);
}

static void torchs_order_of_weights_goes_there_and_back(void)
{
    float ours[OWN_HIDDEN * 9 * OWN_C], torch[OWN_HIDDEN * 9 * OWN_C], back[OWN_HIDDEN * 9 * OWN_C];
    fill(ours, sizeof ours / sizeof *ours, 9, 1);
    anc_head_conv_to_torch(&own, ours, torch);
    /* output 2, channel 3, row 1, column 2 */
    CU_ASSERT_EQUAL(torch[((2 * OWN_C + 3) * 3 + 1) * 3 + 2], ours[((2 * 3 + 1) * 3 + 2) * OWN_C + 3]);
    anc_head_conv_from_torch(&own, torch, back);
    CU_ASSERT(!memcmp(ours, back, sizeof ours));
}

static void rates_follow_the_schedule(void)
{
    anc_schedule s = { .rate = 0.05,
                       .warm_up = 100,
                       .n_milestones = 2,
                       .milestone = { 1050, 1350 },
                       .gamma = 0.1,
                       .steps = 1500 };
    CU_ASSERT_DOUBLE_EQUAL(anc_schedule_rate(&s, 0), 0.0005, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(anc_schedule_rate(&s, 49), 0.025, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(anc_schedule_rate(&s, 99), 0.05, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(anc_schedule_rate(&s, 1049), 0.05, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(anc_schedule_rate(&s, 1050), 0.005, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(anc_schedule_rate(&s, 1499), 0.0005, 1e-15);
    s.form = ANC_SCHEDULE_COSINE;
    s.warm_up = 0;
    CU_ASSERT_DOUBLE_EQUAL(anc_schedule_rate(&s, 0), 0.05, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(anc_schedule_rate(&s, 750), 0.025, 1e-15);
    CU_ASSERT(anc_schedule_rate(&s, 1499) > 0 && anc_schedule_rate(&s, 1499) < 1e-6);
}

static void momentum_and_decay_are_torchs(void)
{
    float p[1] = { 1 }, v[1] = { 0 }, g[1] = { 0.5f };
    anc_sgd_step(p, v, g, 1, 0.1, 0.9, 0.01, 1);
    CU_ASSERT_DOUBLE_EQUAL(v[0], 0.51, 1e-7);
    CU_ASSERT_DOUBLE_EQUAL(p[0], 0.949, 1e-7);
    anc_sgd_step(p, v, g, 1, 0.1, 0.9, 0.01, 0.5);
    CU_ASSERT_DOUBLE_EQUAL(v[0], 0.9 * 0.51 + 0.25 + 0.00949, 1e-7);
    CU_ASSERT_DOUBLE_EQUAL(anc_sgd_norm((float[]){ 3, -4 }, 2), 5, 0);
}

CHECK_SUITE("head", CHECK(losses_and_gradients_equal_torchs), CHECK(outputs_of_sampled_anchors_equal_torchs),
            CHECK(three_steps_of_sgd_equal_torchs), CHECK(losses_over_the_whole_batch_size_equal_detectron2s),
            CHECK(each_term_of_the_losses_equals_torchs), CHECK(gradients_equal_central_differences),
            CHECK(patches_are_zero_beyond_the_edge), CHECK(anchors_of_one_position_share_its_patch),
            CHECK(a_view_without_samples_has_no_gradient),
            CHECK(a_feature_that_is_no_number_reaches_the_gradient),
            CHECK(every_half_number_is_widened_exactly), CHECK(weights_start_normal_and_biases_at_zero),
            CHECK(torchs_order_of_weights_goes_there_and_back), CHECK(rates_follow_the_schedule),
            CHECK(momentum_and_decay_are_torchs));
