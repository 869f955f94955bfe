/* core/mt19937.c: see mt19937.h */
#include "core/mt19937.h"

enum { N = 624, M = 397 };

void anc_mt19937_seed(anc_mt19937 *m, uint32_t seed)
{
    m->state[0] = seed;
    for (int i = 1; i < N; i++)
        m->state[i] = 1812433253u * (m->state[i - 1] ^ m->state[i - 1] >> 30) + (uint32_t)i;
    m->at = N;
}

static void refill(anc_mt19937 *m)
{
    for (int i = 0; i < N; i++) {
        uint32_t y = (m->state[i] & 0x80000000u) | (m->state[(i + 1) % N] & 0x7fffffffu);
        m->state[i] = m->state[(i + M) % N] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    m->at = 0;
}

uint32_t anc_mt19937_u32(anc_mt19937 *m)
{
    if (m->at == N) refill(m);
    uint32_t y = m->state[m->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}
