/* core/nms.h: non-maximum suppression: of boxes that overlap by too much only the best stays
 *
 * Greedy, exactly: boxes are visited from the best to the worst, and one is kept unless it overlaps a kept
 * one by more than the threshold. What is kept equals what the O(n^2) loop keeps, bit for bit; the kept boxes
 * lie in a hashed grid by area and corner, so that a box meets only those few which could overlap it enough.
 * Source: torchvision's nms (ops/csrc/cpu/nms_kernel.cpp) and py-faster-rcnn's cpu_nms and gpu_nms;
 * docs/METHOD.md, "Suppression".
 */
#ifndef ANC_CORE_NMS_H
#define ANC_CORE_NMS_H

#include "core/box.h"
#include "core/err.h"
#include "core/kernels.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    double iou;    /* a float32 IoU is compared with it in double */
    bool at_least; /* IoU >= iou suppresses (py-faster-rcnn's cpu_nms); otherwise IoU > iou */
    bool legacy;   /* inclusive corners: width = x2 - x1 + 1 */
} anc_nms_opts;

/* Scratch, reusable from call to call. Zeroed, then anc_nms_free. */
typedef struct {
    anc_nms_block *block; /* the kept boxes */
    int32_t *head;        /* hash of a cell: its newest block, -1 for none */
    int32_t n_blocks, blocks_capacity, n_heads, room_heads;
} anc_nms;

/* Visits box[order[0]], box[order[1]], ... box[order[n - 1]] and writes the kept ones' indices to keep [at
 * most limit], in the order of the visit; *n_keep says how many. Ends once `limit` are kept. Any floats may
 * stand in a box: one with a NaN or without area suppresses nothing (unless iou <= 0 says otherwise).
 * Errors: ANC_EMEMORY. */
anc_status anc_nms_run(anc_nms *s, const anc_kernels *kernels, const anc_nms_opts *o, const anc_box *box,
                       const int32_t *order, int32_t n, int32_t limit, int32_t *keep, int32_t *n_keep,
                       anc_err *err);

void anc_nms_free(anc_nms *s);

#endif
