/* bench/brute_avx2.h: what the search is measured beside: all anchors x all boxes, as fast as eight lanes go
 */
#ifndef ANC_BENCH_BRUTE_AVX2_H
#define ANC_BENCH_BRUTE_AVX2_H

#include "core/grid.h"

/* Labels every anchor by torchvision's rule in two passes over the anchors (best box of each anchor and best
 * IoU of each box; then the anchors that equal it), recomputing IoU in the second: faster here than keeping
 * the matrix. Not legacy, no border rule. label [n_anchors], gt [n_anchors], room [n_box][8] floats. Needs
 * AVX2. */
void bench_brute_avx2(const anc_grid *grid, const anc_box *box, int32_t n_box, float positive_iou,
                      float negative_iou, float (*capacity)[8], int8_t *label, int32_t *gt);

#endif
