/* core/sample.h: a view's minibatch: which of its anchors take part in the loss
 *
 * Source: Ren et al. 2015, section 3.1.3: "randomly sample 256 anchors in an image [...] where the sampled
 * positive and negative anchors have a ratio of up to 1:1. If there are fewer than 128 positive samples in an
 * image, we pad the mini-batch with negative ones."
 */
#ifndef ANC_CORE_SAMPLE_H
#define ANC_CORE_SAMPLE_H

#include "core/match.h"

typedef struct {
    int32_t n_positive, n_negative;
    int32_t *anchor; /* [n_positive + n_negative] positives first, each part ascending */
    int32_t *gt;     /* [n_positive] matched boxes */
    int32_t *all;    /* the view's positives, ascending, before sampling; how many the match says */
    /* scratch */
    int32_t capacity, all_capacity, list_capacity;
    int32_t *list; /* the view's negatives, when they are listed */
    anc_set drawn;
} anc_minibatch;

/* Draws at most batch * positive_fraction (truncated) positives, then negatives to fill the batch; fewer when
 * the view has fewer; nothing twice. Every subset of the wanted size is equally likely. Draws depend on
 * (seed, image id, epoch) alone; the torch samplers reseed with `seed` for every view. b is zeroed before its
 * first use; anc_minibatch_free in the end. Errors: ANC_EMEMORY. */
anc_status anc_sample(anc_minibatch *b, const anc_kernels *kernels, const anc_rules *rules,
                      const anc_grid *grid, const anc_match *m, uint64_t seed, int64_t image_id,
                      int32_t epoch, anc_err *err);
void anc_minibatch_free(anc_minibatch *b);

#endif
