/* core/head/loss.h: the RPN's loss over a minibatch, and its gradient by the head's outputs
 *
 *     L = 1/N_cls  sum over sampled anchors   BCE(p, label)
 *       + 1/N_box  sum over positives, over tx ty tw th   smooth_l1(delta - target)
 *
 *     BCE(x, y) = max(x, 0) - x y + log(1 + exp(-|x|))         x the logit
 *     smooth_l1(d) = d^2 / (2 beta) if |d| < beta, else |d| - beta / 2     beta 0: |d|
 *
 * Both N are 1 / weight here; who takes which: docs/METHOD.md, "Training". Computed in double, rounded once.
 * Source: Ren et al. 2015, equation 1; Girshick 2015 (Fast R-CNN), equation 3; torchvision's beta is 1/9.
 */
#ifndef ANC_CORE_HEAD_LOSS_H
#define ANC_CORE_HEAD_LOSS_H

#include <stdint.h>

/* The weighted sum over logit [n], of which the first n_positive are positives; d_logit [n] is its gradient.
 */
double anc_loss_objectness(const float *logit, int32_t n_positive, int32_t n, double weight, float *d_logit);

/* The weighted sum over n positives; by_delta [n] is its gradient. */
double anc_loss_boxes(const float (*delta)[4], const float (*target)[4], int32_t n, double beta,
                      double weight, float (*d_delta)[4]);

#endif
