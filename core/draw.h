/* core/draw.h: a few of many, every subset equally likely
 *
 * What is drawn goes into a set, which gives it back in ascending order (anc_set_drain).
 */
#ifndef ANC_CORE_DRAW_H
#define ANC_CORE_DRAW_H

#include "core/mt19937.h"
#include "core/rng.h"
#include "core/set.h"

/* k of [0, n) by Floyd's algorithm: k draws, no rejection. The set is empty and has room for n. */
void anc_draw_subset(anc_set *drawn, anc_rng *rng, int32_t n, int32_t k);

/* torch.randperm(n) on the CPU: n - 1 draws; out [n]. */
void anc_draw_permutation(anc_mt19937 *mt, int32_t n, int32_t *out);

/* The first k entries of torch.randperm(n) on the CPU: draws for all n, used or not. scratch [n]. */
void anc_draw_torch(anc_set *drawn, anc_mt19937 *mt, int32_t n, int32_t k, int32_t *scratch);

#endif
