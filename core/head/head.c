/* core/head/head.c: see head.h */
#include "core/head/head.h"
#include "core/rng.h"
#include <assert.h>
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const anc_head_names[ANC_HEAD_PARTS] = {
    [ANC_HEAD_CONV_WEIGHT] = "head.conv.0.0.weight",  [ANC_HEAD_CONV_BIAS] = "head.conv.0.0.bias",
    [ANC_HEAD_CLS_WEIGHT] = "head.cls_logits.weight", [ANC_HEAD_CLS_BIAS] = "head.cls_logits.bias",
    [ANC_HEAD_BOX_WEIGHT] = "head.bbox_pred.weight",  [ANC_HEAD_BOX_BIAS] = "head.bbox_pred.bias",
};

size_t anc_head_count(const anc_head_shape *s, anc_head_tensor part)
{
    size_t c = (size_t)s->channels, hidden = (size_t)s->hidden, a = (size_t)s->n_shapes;
    switch (part) {
    case ANC_HEAD_CONV_WEIGHT: return hidden * 9 * c;
    case ANC_HEAD_CONV_BIAS: return hidden;
    case ANC_HEAD_CLS_WEIGHT: return a * hidden;
    case ANC_HEAD_CLS_BIAS: return a;
    case ANC_HEAD_BOX_WEIGHT: return 4 * a * hidden;
    case ANC_HEAD_BOX_BIAS: return 4 * a;
    case ANC_HEAD_PARTS: break;
    }
    return 0;
}

size_t anc_head_first(const anc_head_shape *s, anc_head_tensor part)
{
    size_t first = 0;
    for (int p = 0; p < (int)part; p++) first += anc_head_count(s, (anc_head_tensor)p);
    return first;
}

size_t anc_head_size(const anc_head_shape *s) { return anc_head_first(s, ANC_HEAD_PARTS); }

void anc_head_init(const anc_head_shape *s, uint64_t seed, double std, float *parameters)
{
    static const double turn = 6.283185307179586476925;
    for (int p = 0; p < ANC_HEAD_PARTS; p++) {
        float *w = parameters + anc_head_first(s, (anc_head_tensor)p);
        size_t n = anc_head_count(s, (anc_head_tensor)p);
        bool bias = p == ANC_HEAD_CONV_BIAS || p == ANC_HEAD_CLS_BIAS || p == ANC_HEAD_BOX_BIAS;
        anc_rng r;
        anc_rng_init(&r, seed, p, 0, ANC_RNG_INIT);
        for (size_t i = 0; i < n; i += 2) { /* Box and Muller 1958: two at a time */
            double radius = std * sqrt(-2 * log(1 - anc_rng_uniform(&r))), angle = turn * anc_rng_uniform(&r);
            w[i] = bias ? 0 : (float)(radius * cos(angle));
            if (i + 1 < n) w[i + 1] = bias ? 0 : (float)(radius * sin(angle));
        }
    }
}

void anc_head_conv_to_torch(const anc_head_shape *s, const float *ours, float *torch)
{
    size_t c_n = (size_t)s->channels;
    for (size_t o = 0; o < (size_t)s->hidden; o++)
        for (size_t tap = 0; tap < 9; tap++)
            for (size_t c = 0; c < c_n; c++) torch[(o * c_n + c) * 9 + tap] = ours[(o * 9 + tap) * c_n + c];
}

void anc_head_conv_from_torch(const anc_head_shape *s, const float *torch, float *ours)
{
    size_t c_n = (size_t)s->channels;
    for (size_t o = 0; o < (size_t)s->hidden; o++)
        for (size_t tap = 0; tap < 9; tap++)
            for (size_t c = 0; c < c_n; c++) ours[(o * 9 + tap) * c_n + c] = torch[(o * c_n + c) * 9 + tap];
}

/* ---- gathering ---- */

static void *floats(size_t n) { return aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64); }

static anc_status reserve(anc_head_activations *p, int32_t n, anc_err *err)
{
    if (n < 1) n = 1; /* a view without samples has a place to be empty in */
    if (n <= p->capacity) return ANC_OK;
    anc_head_shape shape = p->shape;
    const anc_kernels *kernels = p->kernels;
    anc_head_activations_free(p);
    *p = (anc_head_activations){ .shape = shape, .kernels = kernels };
    size_t m = (size_t)n, c = (size_t)shape.channels, hidden = (size_t)shape.hidden;
    p->at = malloc(m * sizeof *p->at);
    p->a = malloc(m * sizeof *p->a);
    p->position = malloc(m * sizeof *p->position);
    p->patch = floats(m * 9 * c);
    p->hidden = floats(m * hidden);
    p->back = floats(m * hidden);
    p->logit = malloc(m * sizeof *p->logit);
    p->delta = malloc(m * sizeof *p->delta);
    if (!p->at || !p->a || !p->position || !p->patch || !p->hidden || !p->back || !p->logit || !p->delta) {
        anc_head_activations_free(p);
        return anc_fail(err, ANC_EMEMORY, "out of memory for %d sampled anchors of %d channels", n,
                        shape.channels);
    }
    p->capacity = n;
    return ANC_OK;
}

/* The positions of positives and negatives, merged; anchor / A counts positions over all levels. */
static void find_positions(anc_head_activations *p, const int32_t *anchor, int32_t n_positive, int32_t n)
{
    int32_t i = 0, k = n_positive, a_n = p->shape.n_shapes;
    p->n_positions = 0;
    while (i < n_positive || k < n) {
        bool positive = k >= n || (i < n_positive && anchor[i] < anchor[k]);
        int32_t s = positive ? i++ : k++, position = anchor[s] / a_n;
        if (!p->n_positions || p->position[p->n_positions - 1] != position) {
            assert(!p->n_positions || p->position[p->n_positions - 1] < position);
            p->position[p->n_positions++] = position;
        }
        p->at[s] = p->n_positions - 1;
        p->a[s] = anchor[s] % a_n;
    }
}

/* The features of n positions side by side, widened. */
static void take(const anc_head_activations *p, const anc_feature_map *m, size_t row, size_t n, float *to)
{
    size_t c = (size_t)p->shape.channels;
    if (m->half)
        p->kernels->widen((const uint16_t *)m->row + row * c, n * c, to);
    else
        memcpy(to, (const float *)m->row + row * c, n * c * sizeof *to);
}

/* The 3x3 neighbourhood of (y, x), [3][3][C]; zeros beyond the edge. */
static void gather_patch(const anc_head_activations *p, const anc_feature_map *m, int32_t y, int32_t x,
                         float *patch)
{
    size_t c = (size_t)p->shape.channels;
    int32_t x0 = x > 0 ? x - 1 : 0, x1 = x + 1 < m->w ? x + 1 : x; /* columns [x0, x1] exist */
    for (int32_t row = y - 1; row <= y + 1; row++, patch += 3 * c) {
        if (row < 0 || row >= m->h) {
            memset(patch, 0, 3 * c * sizeof *patch);
            continue;
        }
        if (x0 == x) memset(patch, 0, c * sizeof *patch);
        if (x1 == x) memset(patch + 2 * c, 0, c * sizeof *patch);
        take(p, m, (size_t)row * (size_t)m->w + (size_t)x0, (size_t)(x1 - x0 + 1), patch + (x0 == x ? c : 0));
    }
}

anc_status anc_head_gather(anc_head_activations *p, const anc_feature_map *map, int n_levels,
                           const int32_t *anchor, int32_t n_positive, int32_t n_negative, anc_err *err)
{
    int32_t n = n_positive + n_negative, first = 0;
    if (reserve(p, n, err)) return err->code;
    p->n = n;
    find_positions(p, anchor, n_positive, n);
    int level = 0;
    for (int32_t i = 0; i < p->n_positions; i++) {
        while (p->position[i] - first >= map[level].h * map[level].w) {
            first += map[level].h * map[level].w;
            level++;
            assert(level < n_levels);
        }
        int32_t at = p->position[i] - first, w = map[level].w;
        gather_patch(p, &map[level], at / w, at % w, p->patch + (size_t)i * 9 * (size_t)p->shape.channels);
    }
    (void)n_levels;
    return ANC_OK;
}

/* ---- forward and backward ---- */

/* Eight partial sums, in a fixed order. */
static float dot(const float *a, const float *b, size_t n)
{
    float sum[8] = { 0 }, rest = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++) sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++) rest += a[i] * b[i];
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7])) + rest;
}

static void add(float *restrict y, float factor, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] += factor * x[i];
}

void anc_head_forward(anc_head_activations *p, const float *parameters, int32_t n_positive)
{
    const anc_head_shape *s = &p->shape;
    const float *part[ANC_HEAD_PARTS];
    for (int k = 0; k < ANC_HEAD_PARTS; k++) part[k] = parameters + anc_head_first(s, (anc_head_tensor)k);
    int rows = p->n_positions, hidden = s->hidden, depth = 9 * s->channels;
    size_t width = (size_t)hidden;
    if (rows)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, hidden, depth, 1, p->patch, depth,
                    part[ANC_HEAD_CONV_WEIGHT], depth, 0, p->hidden, hidden);
    for (size_t i = 0; i < (size_t)rows; i++) {
        float *h = p->hidden + i * width;
        for (size_t o = 0; o < width; o++) {
            float v = h[o] + part[ANC_HEAD_CONV_BIAS][o];
            h[o] = v < 0 ? 0 : v; /* NaN stays NaN, to be found in the gradient */
        }
    }
    for (int32_t i = 0; i < p->n; i++) {
        const float *h = p->hidden + (size_t)p->at[i] * width;
        size_t a = (size_t)p->a[i];
        p->logit[i] = dot(part[ANC_HEAD_CLS_WEIGHT] + a * width, h, width) + part[ANC_HEAD_CLS_BIAS][a];
        for (size_t k = 4 * a; i < n_positive && k < 4 * a + 4; k++)
            p->delta[i][k % 4] =
                dot(part[ANC_HEAD_BOX_WEIGHT] + k * width, h, width) + part[ANC_HEAD_BOX_BIAS][k];
    }
}

void anc_head_backward(anc_head_activations *p, const float *parameters, int32_t n_positive,
                       const float *d_logit, const float (*d_delta)[4], float *gradient)
{
    const anc_head_shape *s = &p->shape;
    const float *part[ANC_HEAD_PARTS];
    float *g[ANC_HEAD_PARTS];
    for (int k = 0; k < ANC_HEAD_PARTS; k++) {
        part[k] = parameters + anc_head_first(s, (anc_head_tensor)k);
        g[k] = gradient + anc_head_first(s, (anc_head_tensor)k);
    }
    int rows = p->n_positions, hidden = s->hidden, depth = 9 * s->channels;
    size_t width = (size_t)hidden;
    memset(gradient, 0, anc_head_size(s) * sizeof *gradient);
    memset(p->back, 0, (size_t)rows * width * sizeof *p->back);
    for (int32_t i = 0; i < p->n; i++) {
        const float *h = p->hidden + (size_t)p->at[i] * width;
        float *back = p->back + (size_t)p->at[i] * width;
        size_t a = (size_t)p->a[i];
        add(g[ANC_HEAD_CLS_WEIGHT] + a * width, d_logit[i], h, width);
        g[ANC_HEAD_CLS_BIAS][a] += d_logit[i];
        add(back, d_logit[i], part[ANC_HEAD_CLS_WEIGHT] + a * width, width);
        for (size_t k = 4 * a; i < n_positive && k < 4 * a + 4; k++) {
            add(g[ANC_HEAD_BOX_WEIGHT] + k * width, d_delta[i][k % 4], h, width);
            g[ANC_HEAD_BOX_BIAS][k] += d_delta[i][k % 4];
            add(back, d_delta[i][k % 4], part[ANC_HEAD_BOX_WEIGHT] + k * width, width);
        }
    }
    for (size_t i = 0; i < (size_t)rows; i++)
        for (size_t o = 0; o < width; o++) {
            if (p->hidden[i * width + o] <= 0) p->back[i * width + o] = 0;
            g[ANC_HEAD_CONV_BIAS][o] += p->back[i * width + o];
        }
    if (rows)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, hidden, depth, rows, 1, p->back, hidden,
                    p->patch, depth, 0, g[ANC_HEAD_CONV_WEIGHT], depth);
}

void anc_head_activations_free(anc_head_activations *p)
{
    free(p->at);
    free(p->a);
    free(p->position);
    free(p->patch);
    free(p->hidden);
    free(p->back);
    free(p->logit);
    free(p->delta);
    *p = (anc_head_activations){ 0 };
}

void anc_head_one_thread(void) { openblas_set_num_threads(1); }
const char *anc_head_blas(void) { return openblas_get_corename(); }
