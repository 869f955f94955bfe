/* bench/propose.h: proposals of a view on one core: the dense head, and all that follows it */
#ifndef ANC_BENCH_PROPOSE_H
#define ANC_BENCH_PROPOSE_H

#include "core/kernels.h"

/* A view of 800 x 1333 px, FPN, 256 channels in float16; random features, logits and deltas. A figure goes to
 * figure(). */
void bench_propose(const anc_kernels *k,
                   void (*figure)(const char *name, double value, const char *unit, const char *beside));

/* For bench/peers_dense.sh; both return the exit code and print medians of CPU time over so many rounds.
 *   dense    path: int32 levels, C, A, then h, w of each; float32 parameters as core/head/head.h has them; float32
 * features of each level. Prints the ms of a view; writes logits, then deltas to path.out. filter   path:
 * float32 logits, deltas [n][4] and decoded boxes [n][4] of a view of 800 x 1344 px under torchvision-fpn.
 *            Prints the us of choosing proposals from boxes, and from deltas; writes x1, y1, x2, y2, score of
 * either to path.boxes and path.deltas. */
int bench_dense(const anc_kernels *k, const char *path, int rounds);
int bench_filter(const anc_kernels *k, const char *path, int rounds);

#endif
