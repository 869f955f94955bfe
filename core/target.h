/* core/target.h: a box relative to an anchor, (tx, ty, tw, th), and back
 *
 *   tx = (x - xa) / wa    ty = (y - ya) / ha    tw = log(w / wa)    th = log(h / ha)
 *
 * with (x, y) the centres, each times its weight. Source: Ren et al. 2015, equation 2; Girshick et al. 2014.
 */
#ifndef ANC_CORE_TARGET_H
#define ANC_CORE_TARGET_H

#include "core/grid.h"
#include "core/kernels.h"

/* Targets of n pairs: anchor[i] with box[gt[i]]; target [n][4]. The logarithm is taken in double and rounded
 * once; all else is rounded as the rules' system rounds it. */
void anc_encode(const anc_kernels *kernels, const anc_rules *rules, const anc_grid *grid,
                const int32_t *anchor, const int32_t *gt, int32_t n, const anc_box *box, float (*target)[4]);

/* Targets of n pairs of boxes, from[i] towards to[i], as the rule's system computes them for its second
 * stage; weights and log as above. Under ANC_CODER_DOUBLE boxes and quotients are float32 and only the
 * weights are taken in double. legacy: corners are inclusive. */
void anc_encode_boxes(const anc_kernels *kernels, anc_coder_rule rule, const double weight[4], bool legacy,
                      const anc_box *from, const anc_box *to, int32_t n, float (*target)[4]);

/* The way back: boxes of n pairs, target[i] relative to anchor[i]. tw and th are bound as the rules' system
 * bounds them (at log(1000 / 16), or not at all), so that a wild prediction does not overflow; nothing is
 * clipped to the image. Each step is rounded as the system rounds it, exp is taken in double and rounded
 * once. */
void anc_decode(const anc_rules *rules, const anc_box *anchor, const float (*target)[4], int32_t n,
                anc_box *box);

#endif
