/* core/nms_block.h: boxes that suppression (nms.h) has kept, as its loop compares with them */
#ifndef ANC_CORE_NMS_BLOCK_H
#define ANC_CORE_NMS_BLOCK_H

#include <stdint.h>

/* Up to 8 of them, side by side: x1, y1, x2, y2 and area. */
enum { ANC_NMS_LANES = 8 };
typedef struct {
    _Alignas(32) float value[5][ANC_NMS_LANES]; /* the lanes behind n are 0 */
    int32_t n, next;                            /* boxes in it; the next block of its cell, -1: none */
} anc_nms_block;

#endif
