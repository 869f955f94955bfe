/* core/rank.h: the k highest of n scores, in order: descending, ties by the lower index
 *
 * The order of numpy's argsort(-score, kind="stable") and of torch's stable descending sort, so the same on
 * every machine. -0 equals 0; NaN comes last.
 */
#ifndef ANC_CORE_RANK_H
#define ANC_CORE_RANK_H

#include "core/err.h"
#include <stdint.h>

/* Scratch, reusable. Zeroed, then anc_rank_free. */
typedef struct {
    uint64_t *row, *other; /* [capacity] key << 32 | index */
    int32_t capacity;
} anc_rank;

/* Writes the indices of the k (or n, if fewer) highest scores to index; *n_top says how many. k >= 0.
 * O(n): a radix sort of those that can be among the first k. Errors: ANC_EMEMORY. */
anc_status anc_rank_top(anc_rank *r, const float *score, int32_t n, int32_t k, int32_t *index, int32_t *n_top,
                        anc_err *err);

void anc_rank_free(anc_rank *r);

#endif
