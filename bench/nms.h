/* bench/nms.h: suppression of boxes from a file, for bench/peers_nms.sh */
#ifndef ANC_BENCH_NMS_H
#define ANC_BENCH_NMS_H

#include "core/kernels.h"

/* path holds float32 rows (x1, y1, x2, y2, score). Prints one line: the median time in us of `rounds` runs of
 * sorting and suppression at IoU > iou, whole; what is kept goes to path.keep as int32. Returns the exit
 * code. */
int bench_nms(const anc_kernels *kernels, const char *path, double iou, int rounds);

#endif
