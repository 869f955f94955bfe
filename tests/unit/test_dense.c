/* tests/unit/test_dense.c: the dense head: against the plain sum in double, and the head at sampled anchors */
#include "core/half.h"
#include "core/head/dense.h"
#include "core/head/winograd.h"
#include "tests/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tiles ---- */

static void every_table_transforms_tiles_to_the_same_bits(void)
{
    check_rng r = { 31 };
    for (size_t n = 1; n <= 35; n++) {
        const size_t stride = n + 3;
        float *position[16], *bias = check_guarded(n * 4), *want = malloc(16 * stride * 4),
                             *got = malloc(16 * stride * 4);
        const float *d[16];
        for (size_t k = 0; k < 16; k++) {
            d[k] = position[k] = check_guarded(n * 4);
            for (size_t c = 0; c < n; c++) position[k][c] = (float)(check_uniform(&r) * 4 - 2);
        }
        for (size_t c = 0; c < n; c++) bias[c] = (float)(check_uniform(&r) - 0.5);
        if (n == 17) position[5][16] = NAN;
        for (const anc_kernels *const *k = anc_kernels_all; *k; k++) {
            if (!(*k)->usable()) {
                printf("%s: NOT RUN on this machine\n", (*k)->name);
                continue;
            }
            for (int guarded = 0; guarded < 2;
                 guarded++) { /* planes and outputs end at a page that cannot be touched */
                size_t n_in = 15 * stride + n, n_out = 4 * n;
                float *planes = check_guarded(n_in * 4), *out = check_guarded(n_out * 4);
                anc_winograd_in_scalar(d, n, want, stride);
                anc_winograd_for(*k).in(d, n, planes, stride);
                for (size_t p = 0; p < 16; p++)
                    CU_ASSERT(!memcmp(want + p * stride, planes + p * stride, n * 4));
                anc_winograd_out_scalar(planes, stride, n, bias, got);
                anc_winograd_for(*k).out(planes, stride, n, bias, out);
                CU_ASSERT(!memcmp(got, out, n_out * 4));
                if (n == 17) CU_ASSERT(isnan(out[16]));
                check_guarded_free(planes, n_in * 4);
                check_guarded_free(out, n_out * 4);
            }
        }
        for (size_t k = 0; k < 16; k++) check_guarded_free(position[k], n * 4);
        check_guarded_free(bias, n * 4);
        free(want);
        free(got);
    }
}

static void a_tile_is_the_convolution_by_hand(void)
{
    /* whole numbers: every step is exact. The weights pick the position above and twice the one to the right.
     */
    const float g[9] = { 0, 4, 0, 0, 0, 8, 0, 0, 0 };
    float u[16], x[16], v[16], m[16], y[4];
    const float *d[16], bias = -3;
    for (int k = 0; k < 16; k++) d[k] = &x[k], x[k] = (float)(k * k % 11);
    anc_winograd_weights(g, u);
    anc_winograd_in_scalar(d, 1, v, 1);
    for (int k = 0; k < 16; k++) m[k] = u[k] * v[k];
    anc_winograd_out_scalar(m, 1, 1, &bias, y);
    for (int k = 0; k < 4; k++) {
        int at = (1 + k / 2) * 4 + 1 + k % 2;
        float want = 4 * x[at - 4] + 8 * x[at + 1] - 3;
        CU_ASSERT_EQUAL(y[k], want < 0 ? 0 : want);
    }
}

/* ---- levels ---- */

typedef struct {
    anc_head_shape shape;
    float *parameters;
    anc_feature_map map;
    float *x; /* [h][w][C], what the map holds */
    void *stored;
} scene;

static scene make(check_rng *r, int h, int w, anc_head_shape shape, bool half)
{
    size_t n = (size_t)(h * w * shape.channels), m = anc_head_size(&shape);
    scene s = { .shape = shape, .parameters = malloc(m * 4), .x = malloc(n * 4), .stored = malloc(n * 4) };
    for (size_t i = 0; i < m; i++) s.parameters[i] = (float)(check_uniform(r) - 0.5) * 0.2f;
    for (size_t i = 0; i < n; i++) {
        uint16_t bits = (uint16_t)(check_int(r, 0x2c00, 0x4000) | check_int(r, 0, 1) << 15); /* 1/16 to 2 */
        if (half) ((uint16_t *)s.stored)[i] = bits;
        s.x[i] = half ? anc_half(bits) : (float)(check_uniform(r) * 4 - 2);
        if (!half) ((float *)s.stored)[i] = s.x[i];
    }
    s.map = (anc_feature_map){ h, w, half, s.stored };
    return s;
}

static void clear(scene *s)
{
    free(s->parameters);
    free(s->x);
    free(s->stored);
}

/* hidden [C'] at a position, and how much was added up for each, in double. */
static void plain_hidden(const scene *s, int y, int x, double *hidden, double *most)
{
    int c_n = s->shape.channels;
    const float *w = s->parameters, *bias = s->parameters + anc_head_first(&s->shape, ANC_HEAD_CONV_BIAS);
    for (int o = 0; o < s->shape.hidden; o++) {
        double sum = (double)bias[o], all = fabs(sum);
        for (int tap = 0; tap < 9; tap++) {
            int yy = y + tap / 3 - 1, xx = x + tap % 3 - 1;
            if (yy < 0 || yy >= s->map.h || xx < 0 || xx >= s->map.w) continue;
            for (int c = 0; c < c_n; c++) {
                double term =
                    (double)w[(o * 9 + tap) * c_n + c] * (double)s->x[(yy * s->map.w + xx) * c_n + c];
                sum += term;
                all += fabs(term);
            }
        }
        hidden[o] = sum < 0 ? 0 : sum;
        most[o] = all;
    }
}

static double worst; /* error over the sum of all terms' sizes */

static void near(double want, double got, double size)
{
    double error = fabs(want - got) / size;
    worst = error > worst ? error : worst;
}

static void check_level(const scene *s, const float *logit, const float (*delta)[4])
{
    int o_n = s->shape.hidden, a_n = s->shape.n_shapes;
    double *hidden = malloc((size_t)o_n * 8), *most = malloc((size_t)o_n * 8);
    const float *cls = s->parameters + anc_head_first(&s->shape, ANC_HEAD_CLS_WEIGHT),
                *cls_bias = s->parameters + anc_head_first(&s->shape, ANC_HEAD_CLS_BIAS);
    const float *box = s->parameters + anc_head_first(&s->shape, ANC_HEAD_BOX_WEIGHT),
                *box_bias = s->parameters + anc_head_first(&s->shape, ANC_HEAD_BOX_BIAS);
    for (int p = 0; p < s->map.h * s->map.w; p++) {
        plain_hidden(s, p / s->map.w, p % s->map.w, hidden, most);
        for (int k = 0; k < 5 * a_n; k++) {
            const float *w = k < a_n ? cls + k * o_n : box + (k - a_n) * o_n;
            double sum = k < a_n ? (double)cls_bias[k] : (double)box_bias[k - a_n], all = fabs(sum);
            for (int o = 0; o < o_n; o++)
                sum += (double)w[o] * hidden[o], all += fabs((double)w[o]) * most[o];
            near(sum,
                 k < a_n ? (double)logit[p * a_n + k] : (double)delta[p * a_n + (k - a_n) / 4][(k - a_n) % 4],
                 all);
        }
    }
    free(hidden);
    free(most);
}

static void every_position_has_the_plain_sum(void)
{
    static const int cases[][6] = {
        /* h, w, C, C', A, float16 */
        { 1, 1, 1, 1, 1, 0 },     { 1, 1, 8, 8, 3, 1 },   { 2, 2, 7, 5, 2, 0 },     { 1, 9, 12, 16, 3, 1 },
        { 9, 1, 16, 12, 3, 0 },   { 3, 5, 13, 9, 15, 1 }, { 21, 13, 17, 32, 3, 1 }, { 33, 18, 32, 24, 1, 0 },
        { 24, 24, 48, 48, 9, 1 }, { 7, 300, 8, 8, 2, 1 },
    };
    check_rng r = { 32 };
    worst = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int *c = cases[i];
        scene s = make(&r, c[0], c[1], (anc_head_shape){ c[2], c[3], c[4] }, c[5]);
        size_t n = (size_t)(c[0] * c[1] * c[4]);
        float *logit = check_guarded(n * 4), *other = malloc(n * 4);
        float(*delta)[4] = check_guarded(n * 16), (*other_delta)[4] = malloc(n * 16);
        anc_err err = { 0 };
        anc_dense d;
        CU_ASSERT_EQUAL_FATAL(anc_dense_init(&d, &s.shape, anc_kernels_find(NULL), s.parameters, &err),
                              ANC_OK);
        CU_ASSERT_EQUAL_FATAL(anc_dense_level(&d, &s.map, logit, delta, &err), ANC_OK);
        check_level(&s, logit, (const float(*)[4])delta);
        d.kernels = &anc_kernels_scalar;
        CU_ASSERT_EQUAL_FATAL(anc_dense_level(&d, &s.map, other, other_delta, &err), ANC_OK);
        CU_ASSERT(!memcmp(logit, other, n * 4) && !memcmp(delta, other_delta, n * 16));
        anc_dense_free(&d);
        check_guarded_free(logit, n * 4);
        check_guarded_free(delta, n * 16);
        free(other);
        free(other_delta);
        clear(&s);
    }
    printf("largest error %.2g of the terms added up ", worst);
    CU_ASSERT(worst < 0x1p-22); /* no more than a plain float32 sum of these terms has */
}

static void it_equals_the_head_at_sampled_anchors(void)
{
    check_rng r = { 33 };
    scene s[2] = { make(&r, 25, 31, (anc_head_shape){ 32, 32, 3 }, true),
                   make(&r, 12, 15, (anc_head_shape){ 32, 32, 3 }, true) };
    anc_feature_map map[2] = { s[0].map, s[1].map };
    int32_t n[2] = { 25 * 31 * 3, 12 * 15 * 3 }, anchor[64];
    float *logit = malloc((size_t)(n[0] + n[1]) * 4), (*delta)[4] = malloc((size_t)(n[0] + n[1]) * 16);
    anc_err err = { 0 };
    anc_dense d;
    CU_ASSERT_EQUAL_FATAL(anc_dense_init(&d, &s[0].shape, anc_kernels_find(NULL), s[0].parameters, &err),
                          ANC_OK);
    for (int l = 0; l < 2; l++)
        CU_ASSERT_EQUAL_FATAL(anc_dense_level(&d, &map[l], logit + l * n[0], delta + l * n[0], &err), ANC_OK);
    anc_head_activations p = { .shape = s[0].shape, .kernels = anc_kernels_find(NULL) };
    for (int32_t i = 0; i < 64; i++) anchor[i] = i * 44 + check_int(&r, 0, 43);
    CU_ASSERT_EQUAL_FATAL(anc_head_gather(&p, map, 2, anchor, 64, 0, &err), ANC_OK);
    anc_head_forward(&p, s[0].parameters, 64);
    for (int i = 0; i < 64; i++) {
        CU_ASSERT_DOUBLE_EQUAL(p.logit[i], logit[anchor[i]], 2e-5);
        for (int e = 0; e < 4; e++) CU_ASSERT_DOUBLE_EQUAL(p.delta[i][e], delta[anchor[i]][e], 2e-5);
    }
    anc_head_activations_free(&p);
    anc_dense_free(&d);
    free(logit);
    free(delta);
    clear(&s[0]);
    clear(&s[1]);
}

static void one_level_leaves_no_trace_in_the_next(void)
{
    check_rng r = { 34 };
    scene big = make(&r, 30, 41, (anc_head_shape){ 24, 16, 3 }, true),
          small = make(&r, 5, 3, (anc_head_shape){ 24, 16, 3 }, true);
    float *a = malloc(30 * 41 * 3 * 4), *b = malloc(45 * 4), (*delta)[4] = malloc(30 * 41 * 3 * 16);
    anc_err err = { 0 };
    anc_dense d;
    CU_ASSERT_EQUAL_FATAL(anc_dense_init(&d, &big.shape, anc_kernels_find(NULL), big.parameters, &err),
                          ANC_OK);
    anc_dense_level(&d, &small.map, b, delta, &err);
    anc_dense_level(&d, &big.map, a, delta, &err);
    anc_dense_level(&d, &small.map, a, delta, &err);
    CU_ASSERT(!err.code && !memcmp(a, b, 45 * 4));
    anc_dense_free(&d);
    free(a);
    free(b);
    free(delta);
    clear(&big);
    clear(&small);
}

CHECK_SUITE("dense", CHECK(every_table_transforms_tiles_to_the_same_bits),
            CHECK(a_tile_is_the_convolution_by_hand), CHECK(every_position_has_the_plain_sum),
            CHECK(it_equals_the_head_at_sampled_anchors), CHECK(one_level_leaves_no_trace_in_the_next));
