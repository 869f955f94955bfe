/* core/draw.c: see draw.h */
#include "core/draw.h"

void anc_draw_subset(anc_set *drawn, anc_rng *rng, int32_t n, int32_t k)
{
    for (int32_t j = n - k; j < n; j++) {
        uint32_t t = anc_rng_below(rng, (uint32_t)j + 1);
        if (!anc_set_add(drawn, t)) anc_set_insert(drawn, (uint32_t)j);
    }
}

void anc_draw_permutation(anc_mt19937 *mt, int32_t n, int32_t *out)
{
    for (int32_t i = 0; i < n; i++) out[i] = i;
    for (int32_t i = 0; i + 1 < n; i++) {
        int32_t j = i + (int32_t)(anc_mt19937_u32(mt) % (uint32_t)(n - i)), t = out[i];
        out[i] = out[j];
        out[j] = t;
    }
}

void anc_draw_torch(anc_set *drawn, anc_mt19937 *mt, int32_t n, int32_t k, int32_t *scratch)
{
    anc_draw_permutation(mt, n, scratch);
    for (int32_t i = 0; i < k; i++) anc_set_insert(drawn, (uint32_t)scratch[i]);
}
