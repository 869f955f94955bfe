/* core/rng.h: random numbers as a function of what they are for, never of order, rank or time
 *
 * Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a block of
 * four 32-bit numbers is a pure function of a 64-bit key and a 128-bit counter. The key is the
 * run's seed; the counter is (image id, epoch, purpose, block).
 */
#ifndef ANC_CORE_RNG_H
#define ANC_CORE_RNG_H

#include <stdint.h>

static inline void anc_philox(const uint32_t key[2], const uint32_t ctr[4], uint32_t out[4])
{
    uint32_t c0 = ctr[0], c1 = ctr[1], c2 = ctr[2], c3 = ctr[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* What the numbers are drawn for: streams of different purposes never overlap. The values are part
 * of the file format: never renumber them. */
typedef enum {
    ANC_RNG_POSITIVES = 1,
    ANC_RNG_NEGATIVES = 2,
    ANC_RNG_FLIP = 3,
    ANC_RNG_SCALE = 4,
    ANC_RNG_SCENE = 5,
    ANC_RNG_SHUFFLE = 6,
    ANC_RNG_INIT = 7,
    ANC_RNG_ROI_POSITIVES = 8,
    ANC_RNG_ROI_NEGATIVES = 9
} anc_rng_purpose;

typedef struct {
    uint32_t key[2], ctr[4], out[4];
    int left; /* numbers of out[] not yet handed out */
} anc_rng;

static inline void anc_rng_init(anc_rng *r, uint64_t seed, int64_t image_id, int32_t epoch,
                                anc_rng_purpose purpose)
{
    r->key[0] = (uint32_t)seed;
    r->key[1] = (uint32_t)(seed >> 32);
    r->ctr[0] = (uint32_t)purpose << 24; /* 2^24 blocks of four numbers each */
    r->ctr[1] = (uint32_t)epoch;
    r->ctr[2] = (uint32_t)image_id;
    r->ctr[3] = (uint32_t)((uint64_t)image_id >> 32);
    r->left = 0;
}

static inline uint32_t anc_rng_u32(anc_rng *r)
{
    if (!r->left) {
        anc_philox(r->key, r->ctr, r->out);
        r->ctr[0]++;
        r->left = 4;
    }
    return r->out[4 - r->left--];
}

/* Uniform in [0, n), n > 0, without bias (Lemire 2019, "Fast random integer generation in an interval"). */
static inline uint32_t anc_rng_below(anc_rng *r, uint32_t n)
{
    uint64_t m = (uint64_t)anc_rng_u32(r) * n;
    if ((uint32_t)m < n) {
        uint32_t least = -n % n; /* 2^32 mod n: that many products would be one too many */
        while ((uint32_t)m < least) m = (uint64_t)anc_rng_u32(r) * n;
    }
    return (uint32_t)(m >> 32);
}

/* Uniform in [0, 1), 53 bits. */
static inline double anc_rng_uniform(anc_rng *r)
{
    uint32_t high = anc_rng_u32(r) >> 5, low = anc_rng_u32(r) >> 6;
    return (high * 67108864.0 + low) * 0x1p-53;
}

#endif
