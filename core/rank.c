/* core/rank.c: see rank.h */
#include "core/rank.h"
#include <stdlib.h>
#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, TOP_SHIFT = 32 - DIGIT_BITS };

/* Ascends as the score descends. */
static inline uint32_t key_of(float score)
{
    uint32_t bits;
    if (score != score) return UINT32_MAX;
    score += 0.0f; /* -0 becomes 0 */
    memcpy(&bits, &score, sizeof bits);
    return bits >> 31 ? bits : ~bits & 0x7fffffffu;
}

static anc_status reserve(anc_rank *r, int32_t n, anc_err *err)
{
    if (n <= r->capacity) return ANC_OK;
    anc_rank_free(r);
    r->row = malloc((size_t)n * sizeof *r->row);
    r->other = malloc((size_t)n * sizeof *r->other);
    if (!r->row || !r->other) {
        anc_rank_free(r);
        return anc_fail(err, ANC_EMEMORY, "out of memory for the order of %d scores", n);
    }
    r->capacity = n;
    return ANC_OK;
}

/* The first digits up to that of the kth key; what lies above it cannot be among the first k. */
static uint32_t last_digit(const float *score, int32_t n, int32_t k)
{
    uint32_t count[DIGITS] = { 0 }, digit = 0;
    for (int32_t i = 0; i < n; i++) count[key_of(score[i]) >> TOP_SHIFT]++;
    for (uint32_t sum = count[0]; digit < DIGITS - 1 && sum < (uint32_t)k; sum += count[digit]) digit++;
    return digit;
}

/* One stable pass by the digit that begins at bit `shift` of the key. */
static void pass(const uint64_t *from, uint64_t *to, int32_t n, int shift)
{
    uint32_t start[DIGITS] = { 0 }, sum = 0;
    for (int32_t i = 0; i < n; i++) start[from[i] >> shift & (DIGITS - 1)]++;
    for (int d = 0; d < DIGITS; d++) {
        uint32_t here = start[d];
        start[d] = sum;
        sum += here;
    }
    for (int32_t i = 0; i < n; i++) to[start[from[i] >> shift & (DIGITS - 1)]++] = from[i];
}

anc_status anc_rank_top(anc_rank *r, const float *score, int32_t n, int32_t k, int32_t *index, int32_t *n_top,
                        anc_err *err)
{
    if (k > n) k = n;
    *n_top = k;
    if (k == 0) return ANC_OK;
    if (reserve(r, n, err)) return err->code;
    uint32_t last = k < n ? last_digit(score, n, k) : DIGITS - 1;
    int32_t m = 0;
    for (int32_t i = 0; i < n; i++) {
        uint32_t key = key_of(score[i]);
        r->row[m] = (uint64_t)key << 32 | (uint32_t)i;
        m += key >> TOP_SHIFT <= last;
    }
    pass(r->row, r->other, m, 32);
    pass(r->other, r->row, m, 32 + DIGIT_BITS);
    pass(r->row, r->other, m, 32 + 2 * DIGIT_BITS);
    for (int32_t i = 0; i < k; i++) index[i] = (int32_t)(uint32_t)r->other[i];
    return ANC_OK;
}

void anc_rank_free(anc_rank *r)
{
    free(r->row);
    free(r->other);
    *r = (anc_rank){ 0 };
}
