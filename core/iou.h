/* core/iou.h: intersection over union of an anchor and a box: the definition
 *
 * The operations and their order are those of torchvision's box_iou, detectron2's pairwise_iou, mmdetection's
 * bbox_overlaps (float32) and py-faster-rcnn's bbox_overlaps (double); each is rounded by itself, so build
 * with -ffp-contract=off. Labels are comparisons of this number, so its last bit counts.
 */
#ifndef ANC_CORE_IOU_H
#define ANC_CORE_IOU_H

#define ANC_CLEAN    (-1)               /* a cell that no box has touched */
#define ANC_EXCLUDED (__builtin_inff()) /* a cell that takes no part */

/* anc_iou_sides: of an overlap of w x h px (negative: none) and both areas; loops that know these by row call
 * it. anc_iou: of corners x1, y1, x2, y2. legacy_offset is 1 for inclusive corners, else 0; eps the least
 * union area. */
#define ANC_DEFINE_IOU(REAL, SUFFIX)                                                                   \
    static inline REAL anc_iou_sides##SUFFIX(REAL w, REAL h, REAL area_a, REAL area_g, REAL eps)       \
    {                                                                                                  \
        REAL inter = (w < 0 ? 0 : w) * (h < 0 ? 0 : h), union_area = area_g + area_a - inter;          \
        return inter / (union_area > eps ? union_area : eps);                                          \
    }                                                                                                  \
    static inline REAL anc_iou##SUFFIX(const REAL a[4], const REAL g[4], REAL legacy_offset, REAL eps) \
    {                                                                                                  \
        REAL area_a = (a[2] - a[0] + legacy_offset) * (a[3] - a[1] + legacy_offset);                   \
        REAL area_g = (g[2] - g[0] + legacy_offset) * (g[3] - g[1] + legacy_offset);                   \
        REAL w = (a[2] < g[2] ? a[2] : g[2]) - (a[0] > g[0] ? a[0] : g[0]) + legacy_offset;            \
        REAL h = (a[3] < g[3] ? a[3] : g[3]) - (a[1] > g[1] ? a[1] : g[1]) + legacy_offset;            \
        return anc_iou_sides##SUFFIX(w, h, area_a, area_g, eps);                                       \
    }

ANC_DEFINE_IOU(float, _f32)
ANC_DEFINE_IOU(double, _f64)

#endif
