/* bench/roi.h: the second stage of one view from a file, for bench/peers_roi.sh; and its figures for `make
 * bench` */
#ifndef ANC_BENCH_ROI_H
#define ANC_BENCH_ROI_H

#include "core/kernels.h"

/* path holds int32 n, n_gt, seed, 0, then n + n_gt float32 boxes x1, y1, x2, y2: proposals and gts of a view
 * of 800 x 1333 px. Prints one line: the median time in us of `rounds` runs of the stage with torchvision's
 * rules and torch's draws. What is chosen goes to path.chosen: int32 positives, negatives; the indices of
 * both; float32 targets. Returns the exit code. */
int bench_roi_file(const anc_kernels *kernels, const char *path, int rounds);

/* 2,000 proposals with 7, 50 and 1,000 boxes. */
void bench_roi(const anc_kernels *kernels,
               void (*figure)(const char *name, double value, const char *unit, const char *beside));

#endif
