/* core/head/dense.c: see dense.h */
#include "core/head/dense.h"
#include "core/head/winograd.h"
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLANES = ANC_WINOGRAD_PLANES,
    BLOCK = 128
}; /* a block's 16 products of 128 x C by C x C' fit a core's cache */

static float *floats(size_t n) { return aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64 + 64); }

static void transform_weights(anc_dense *d, const float *conv)
{
    size_t c_n = (size_t)d->shape.channels, o_n = (size_t)d->shape.hidden;
    float g[9], u[PLANES];
    for (size_t o = 0; o < o_n; o++)
        for (size_t c = 0; c < c_n; c++) {
            for (size_t tap = 0; tap < 9; tap++) g[tap] = conv[(o * 9 + tap) * c_n + c];
            anc_winograd_weights(g, u);
            for (size_t k = 0; k < PLANES; k++) d->weight[(k * c_n + c) * o_n + o] = u[k];
        }
}

/* Both 1x1 convolutions side by side, transposed: one product for both. */
static void join_outputs(anc_dense *d, const float *parameters)
{
    const anc_head_shape *s = &d->shape;
    size_t o_n = (size_t)s->hidden, a_n = (size_t)s->n_shapes;
    const float *cls = parameters + anc_head_first(s, ANC_HEAD_CLS_WEIGHT),
                *box = parameters + anc_head_first(s, ANC_HEAD_BOX_WEIGHT);
    for (size_t k = 0; k < 5 * a_n; k++)
        for (size_t o = 0; o < o_n; o++)
            d->output[o * 5 * a_n + k] = k < a_n ? cls[k * o_n + o] : box[(k - a_n) * o_n + o];
    memcpy(d->output_bias, parameters + anc_head_first(s, ANC_HEAD_CLS_BIAS), a_n * sizeof(float));
    memcpy(d->output_bias + a_n, parameters + anc_head_first(s, ANC_HEAD_BOX_BIAS), 4 * a_n * sizeof(float));
}

anc_status anc_dense_init(anc_dense *d, const anc_head_shape *shape, const anc_kernels *kernels,
                          const float *parameters, anc_err *err)
{
    *d = (anc_dense){ .shape = *shape, .kernels = kernels, .tiles = anc_winograd_for(kernels) };
    size_t c = (size_t)shape->channels, hidden = (size_t)shape->hidden, a = (size_t)shape->n_shapes;
    d->weight = floats(PLANES * c * hidden);
    d->bias = floats(hidden);
    d->output = floats(hidden * 5 * a);
    d->output_bias = floats(5 * a);
    d->in = floats(PLANES * BLOCK * c);
    d->product = floats(PLANES * BLOCK * hidden);
    d->hidden = floats(4 * BLOCK * hidden);
    d->small = floats(4 * BLOCK * 5 * a);
    d->zero = calloc(c, sizeof *d->zero);
    if (!d->weight || !d->bias || !d->output || !d->output_bias || !d->in || !d->product || !d->hidden ||
        !d->small || !d->zero) {
        anc_dense_free(d);
        return anc_fail(err, ANC_EMEMORY, "out of memory for a head of %d channels", shape->channels);
    }
    transform_weights(d, parameters + anc_head_first(shape, ANC_HEAD_CONV_WEIGHT));
    memcpy(d->bias, parameters + anc_head_first(shape, ANC_HEAD_CONV_BIAS), hidden * sizeof(float));
    join_outputs(d, parameters);
    return ANC_OK;
}

void anc_dense_free(anc_dense *d)
{
    float *all[] = { d->weight,  d->bias,   d->output, d->output_bias, d->in,
                     d->product, d->hidden, d->small,  d->zero,        d->row };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    *d = (anc_dense){ 0 };
}

/* ---- a level, in blocks of tiles ---- */

/* The level in hand: tile t stands at rows 2 (t / across), columns 2 (t % across). */
typedef struct {
    const anc_feature_map *map;
    int32_t across;
    int32_t widened; /* float16: the rows before this one are in d->row, as far as they are still needed */
} level;

static anc_status reserve_rows(anc_dense *d, int32_t w, anc_err *err)
{
    if (w <= d->capacity) return ANC_OK;
    free(d->row);
    d->row = floats(4 * (size_t)w * (size_t)d->shape.channels);
    d->capacity = d->row ? w : 0;
    return d->row ? ANC_OK : anc_fail(err, ANC_EMEMORY, "out of memory for rows of %d positions", w);
}

/* Row y of the map, which exists, as float32. */
static const float *row_of(const anc_dense *d, const level *v, int32_t y)
{
    size_t n = (size_t)v->map->w * (size_t)d->shape.channels;
    if (!v->map->half) return (const float *)v->map->row + (size_t)y * n;
    return d->row + (size_t)(y % 4) * (size_t)d->capacity * (size_t)d->shape.channels;
}

/* Tiles at row y need rows y - 1 to y + 2. */
static void widen_rows(anc_dense *d, level *v, int32_t y)
{
    size_t n = (size_t)v->map->w * (size_t)d->shape.channels;
    for (; v->map->half && v->widened <= y + 2 && v->widened < v->map->h; v->widened++)
        d->kernels->widen((const uint16_t *)v->map->row + (size_t)v->widened * n, n,
                          d->row +
                              (size_t)(v->widened % 4) * (size_t)d->capacity * (size_t)d->shape.channels);
}

/* The tile's place in the block's 16 planes. */
static void take_tile(anc_dense *d, level *v, int32_t tile, size_t at)
{
    const float *position[16];
    size_t c = (size_t)d->shape.channels;
    int32_t y0 = 2 * (tile / v->across) - 1, x0 = 2 * (tile % v->across) - 1;
    widen_rows(d, v, y0 + 1);
    for (int32_t k = 0; k < 16; k++) {
        int32_t y = y0 + k / 4, x = x0 + k % 4;
        bool inside = y >= 0 && y < v->map->h && x >= 0 && x < v->map->w;
        position[k] = inside ? row_of(d, v, y) + (size_t)x * c : d->zero;
    }
    d->tiles.in(position, c, d->in + at * c, BLOCK * c);
}

/* A block's tiles [first, first + n) from their planes to logits and deltas. */
static void finish_block(anc_dense *d, const level *v, int32_t first, int32_t n, float *logit,
                         float (*delta)[4])
{
    size_t hidden = (size_t)d->shape.hidden, a_n = (size_t)d->shape.n_shapes, out = 5 * a_n;
    for (size_t t = 0; t < (size_t)n; t++)
        d->tiles.out(d->product + t * hidden, BLOCK * hidden, hidden, d->bias, d->hidden + 4 * t * hidden);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 4 * n, (int)out, (int)hidden, 1, d->hidden,
                (int)hidden, d->output, (int)out, 0, d->small, (int)out);
    for (int32_t i = 0; i < 4 * n; i++) {
        int32_t tile = first + i / 4, y = 2 * (tile / v->across) + i % 4 / 2,
                x = 2 * (tile % v->across) + i % 2;
        if (y >= v->map->h || x >= v->map->w) continue;
        size_t at = ((size_t)y * (size_t)v->map->w + (size_t)x) * a_n;
        const float *from = d->small + (size_t)i * out;
        for (size_t a = 0; a < a_n; a++) logit[at + a] = from[a] + d->output_bias[a];
        for (size_t k = 0; k < 4 * a_n; k++)
            delta[at + k / 4][k % 4] = from[a_n + k] + d->output_bias[a_n + k];
    }
}

anc_status anc_dense_level(anc_dense *d, const anc_feature_map *map, float *logit, float (*delta)[4],
                           anc_err *err)
{
    int c = d->shape.channels, hidden = d->shape.hidden;
    level v = { .map = map, .across = (map->w + 1) / 2 };
    int32_t n_tiles = (map->h + 1) / 2 * v.across;
    if (map->half && reserve_rows(d, map->w, err)) return err->code;
    for (int32_t first = 0; first < n_tiles; first += BLOCK) {
        int32_t n = n_tiles - first < BLOCK ? n_tiles - first : BLOCK;
        for (int32_t t = 0; t < n; t++) take_tile(d, &v, first + t, (size_t)t);
        for (size_t k = 0; k < PLANES; k++)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, hidden, c, 1,
                        d->in + k * BLOCK * (size_t)c, c, d->weight + k * (size_t)c * (size_t)hidden, hidden,
                        0, d->product + k * BLOCK * (size_t)hidden, hidden);
        finish_block(d, &v, first, n, logit, delta);
    }
    return ANC_OK;
}
