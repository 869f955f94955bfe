/* core/set.h: a set of indices in [0, capacity): insert, test, walk in ascending order, empty
 *
 * A bit per index and a summary bit per 64 of them, so that walking or emptying a sparse set touches
 * only what it holds. Not thread-safe.
 */
#ifndef ANC_CORE_SET_H
#define ANC_CORE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t *word;    /* [capacity / 64, rounded up] */
    uint64_t *summary; /* [n_summary]: bit i of summary[s] says that word[64 s + i] is not 0 */
    size_t n_summary, capacity;
} anc_set;

static inline void anc_set_clear_memory(anc_set *s)
{
    free(s->word);
    free(s->summary);
    *s = (anc_set){ 0 };
}

/* Reserves capacity for [0, capacity); an empty set stays empty, and must be. False when out of memory. */
static inline bool anc_set_reserve(anc_set *s, size_t capacity)
{
    if (capacity <= s->capacity) return true;
    anc_set_clear_memory(s);
    size_t n_summary = (capacity + 4095) / 4096;
    s->word = calloc(n_summary * 64, sizeof *s->word);
    s->summary = calloc(n_summary, sizeof *s->summary);
    if (!s->word || !s->summary) {
        anc_set_clear_memory(s);
        return false;
    }
    s->n_summary = n_summary;
    s->capacity = n_summary * 4096;
    return true;
}

static inline bool anc_set_has(const anc_set *s, uint32_t i) { return s->word[i >> 6] >> (i & 63) & 1; }

static inline void anc_set_insert(anc_set *s, uint32_t i)
{
    s->word[i >> 6] |= 1ULL << (i & 63);
    s->summary[i >> 12] |= 1ULL << (i >> 6 & 63);
}

/* Inserts i; false when it was in already. */
static inline bool anc_set_add(anc_set *s, uint32_t i)
{
    uint64_t bit = 1ULL << (i & 63), *w = &s->word[i >> 6];
    if (*w & bit) return false;
    *w |= bit;
    s->summary[i >> 12] |= 1ULL << (i >> 6 & 63);
    return true;
}

/* Inserts [i, i + n), n > 0. */
static inline void anc_set_insert_run(anc_set *s, uint32_t i, uint32_t n)
{
    uint32_t w = i >> 6, last = (i + n - 1) >> 6;
    uint64_t head = ~0ULL << (i & 63), tail = ~0ULL >> (63 - ((i + n - 1) & 63));
    for (; w < last; w++, head = ~0ULL) {
        s->word[w] |= head;
        s->summary[w >> 6] |= 1ULL << (w & 63);
    }
    s->word[w] |= head & tail;
    s->summary[w >> 6] |= 1ULL << (w & 63);
}

static inline void anc_set_empty(anc_set *s)
{
    for (size_t k = 0; k < s->n_summary; k++) {
        uint64_t m = s->summary[k];
        if (!m) continue;
        s->summary[k] = 0;
        for (; m; m &= m - 1) s->word[64 * k + (size_t)__builtin_ctzll(m)] = 0;
    }
}

/* Writes the members in ascending order to out (room for all of them) and returns how many there are. */
static inline size_t anc_set_list(const anc_set *s, int32_t *out)
{
    size_t n = 0;
    for (size_t k = 0; k < s->n_summary; k++)
        for (uint64_t m = s->summary[k]; m; m &= m - 1) {
            size_t at = 64 * k + (size_t)__builtin_ctzll(m);
            for (uint64_t w = s->word[at]; w; w &= w - 1)
                out[n++] = (int32_t)(64 * at + (size_t)__builtin_ctzll(w));
        }
    return n;
}

/* anc_set_list and anc_set_empty in one go. */
static inline size_t anc_set_drain(anc_set *s, int32_t *out)
{
    size_t n = 0;
    for (size_t k = 0; k < s->n_summary; k++) {
        uint64_t m = s->summary[k];
        if (!m) continue;
        s->summary[k] = 0;
        for (; m; m &= m - 1) {
            size_t at = 64 * k + (size_t)__builtin_ctzll(m);
            uint64_t w = s->word[at];
            s->word[at] = 0;
            for (; w; w &= w - 1) out[n++] = (int32_t)(64 * at + (size_t)__builtin_ctzll(w));
        }
    }
    return n;
}

#endif
