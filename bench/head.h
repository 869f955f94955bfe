/* bench/head.h: a training step's stages on one core, beside what the core can do */
#ifndef ANC_BENCH_HEAD_H
#define ANC_BENCH_HEAD_H

#include "core/kernels.h"

/* Times gathering, forward and backward pass of views of 800 x 1333 px, FPN, 256 channels, 256 sampled
 * anchors of which 40 positives; and the core's peak of fused multiply-adds. A figure goes to figure(). */
void bench_head(const anc_kernels *k,
                void (*figure)(const char *name, double value, const char *unit, const char *beside));

/* GFLOP/s of fused multiply-adds in registers on this core; 0 where it cannot be measured. */
double bench_peak(void);

#endif
