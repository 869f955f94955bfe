/* bench/packing.h: how fast, and how small, ways to store the targets are */
#ifndef ANC_BENCH_PACKING_H
#define ANC_BENCH_PACKING_H

#include "io/store/targets.h"

/* Writes the minibatch's anchors and the targets of t in every way under comparison, into a file in dir that
 * is removed again, and prints a figure a line. Returns 0, or 1 with a message on stderr. */
int bench_packing(const anc_targets *t, const char *dir);

#endif
