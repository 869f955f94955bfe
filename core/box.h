/* core/box.h: a box, the coordinates it lives in, and the letters used for shapes
 *
 * Coordinates are pixels; x grows to the right, y downwards; (x1, y1) is the upper left
 * corner and (x2, y2) the lower right one. x2 and y2 are exclusive edges (width = x2 - x1)
 * except under a legacy rule set, which counts pixels (width = x2 - x1 + 1).
 *
 * Letters in comments: I images, L levels, H W rows and columns of a level's grid,
 * A anchors, G ground-truth boxes, S sampled anchors, C channels.
 */
#ifndef ANC_CORE_BOX_H
#define ANC_CORE_BOX_H

typedef struct {
    float x1, y1, x2, y2;
} anc_box;

#endif
