/* core/brute.h: the labels of every anchor by the definition: all anchors x all boxes
 *
 * What tests hold match.c to. It shares the IoU of iou.h and the grid, and nothing else. Memory O(A + G).
 */
#ifndef ANC_CORE_BRUTE_H
#define ANC_CORE_BRUTE_H

#include "core/grid.h"

/* label [n_anchors] 1, 0, -1; gt [n_anchors] matched box of a positive, else -1. Arguments as
 * anc_match_view's. */
anc_status anc_brute_label(const anc_rules *rules, const anc_grid *grid, const anc_box *box, int32_t n_box,
                           const anc_box *crowd, int32_t n_crowd, int8_t *label, int32_t *gt, anc_err *err);

#endif
