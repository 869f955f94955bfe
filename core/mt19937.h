/* core/mt19937.h: the Mersenne Twister (Matsumoto and Nishimura 1998), as torch seeds and draws it
 *
 * Only for `--sampler torch`, which repeats torch's CPU randperm; everything else draws from core/rng.h.
 */
#ifndef ANC_CORE_MT19937_H
#define ANC_CORE_MT19937_H

#include <stdint.h>

typedef struct {
    uint32_t state[624];
    int at;
} anc_mt19937;

void anc_mt19937_seed(anc_mt19937 *m, uint32_t seed); /* init_genrand */
uint32_t anc_mt19937_u32(anc_mt19937 *m);

#endif
