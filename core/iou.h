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

#define ANC_DEFINE_IOU(name, real)                                                  \
    static inline real name(const real a[4], const real g[4], real one, real floor) \
    {                                                                               \
        real area_a = (a[2] - a[0] + one) * (a[3] - a[1] + one),                    \
             area_g = (g[2] - g[0] + one) * (g[3] - g[1] + one);                    \
        real w = (a[2] < g[2] ? a[2] : g[2]) - (a[0] > g[0] ? a[0] : g[0]) + one;   \
        real h = (a[3] < g[3] ? a[3] : g[3]) - (a[1] > g[1] ? a[1] : g[1]) + one;   \
        if (w < 0) w = 0;                                                           \
        if (h < 0) h = 0;                                                           \
        real inter = w * h, both = area_g + area_a - inter;                         \
        return inter / (both > floor ? both : floor);                               \
    }

ANC_DEFINE_IOU(anc_iou_f32, float)
ANC_DEFINE_IOU(anc_iou_f64, double)

#endif
