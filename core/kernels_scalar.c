/* core/kernels_scalar.c: the table that runs everywhere; the definition that others are held to */
#include "core/half.h"
#include "core/kernels.h"
#include "core/logarithm.h"
#include "core/rng.h"
#include <math.h>

#define REAL         float
#define SUFFIX(name) name##_f32
#include "core/match_loops_scalar_tmpl.h"
#undef REAL
#undef SUFFIX

#define REAL         double
#define SUFFIX(name) name##_f64
#include "core/match_loops_scalar_tmpl.h"
#undef REAL
#undef SUFFIX

static void philox(const uint32_t key[2], const uint32_t ctr[4], int n, uint32_t *out)
{
    for (int i = 0; i < n; i++)
        anc_philox(key, (uint32_t[4]){ ctr[0] + (uint32_t)i, ctr[1], ctr[2], ctr[3] }, out + 4 * i);
}

static void logarithms(const float *x, int n, float *y)
{
    for (int i = 0; i < n; i++) y[i] = (float)anc_log((double)x[i]);
}

static void widen(const uint16_t *half, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = anc_half(half[i]);
}

static uint32_t overlaps(const anc_nms_block *k, const float b[5], float one, float least)
{
    uint32_t bits = 0;
    for (int i = 0; i < k->n; i++) {
        float w = (k->value[2][i] < b[2] ? k->value[2][i] : b[2]) -
                  (k->value[0][i] > b[0] ? k->value[0][i] : b[0]) + one;
        float h = (k->value[3][i] < b[3] ? k->value[3][i] : b[3]) -
                  (k->value[1][i] > b[1] ? k->value[1][i] : b[1]) + one;
        float inter = (w > 0 ? w : 0) * (h > 0 ? h : 0);
        bits |= (uint32_t)(inter / (k->value[4][i] + b[4] - inter) >= least) << i;
    }
    return bits;
}

static bool always(void) { return true; }

const anc_loops_f32 anc_loops_scalar_f32 = { bounds_f32,    visit_f32, equal_f32,
                                             threshold_f32, near_f32,  enter_f32 };
const anc_loops_f64 anc_loops_scalar_f64 = { bounds_f64,    visit_f64, equal_f64,
                                             threshold_f64, near_f64,  enter_f64 };

const anc_kernels anc_kernels_scalar = {
    .name = "scalar",
    .usable = always,
    .f32 = &anc_loops_scalar_f32,
    .f64 = &anc_loops_scalar_f64,
    .philox = philox,
    .log = logarithms,
    .widen = widen,
    .overlaps = overlaps,
};
