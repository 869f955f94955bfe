/* core/synth/scene_features.h: feature maps of a painted scene, in the place of a backbone's
 *
 * A backbone tells an RPN head where there is something and how far it reaches. Here box filters of four
 * widths do, over the picture's pixels alone, centred where torchvision's anchors are: nothing is taken from
 * the annotations, and what a head learns from them it has learnt. Sums are whole numbers, so the maps are
 * the same bits everywhere.
 */
#ifndef ANC_CORE_SYNTH_SCENE_FEATURES_H
#define ANC_CORE_SYNTH_SCENE_FEATURES_H

#include "core/err.h"
#include <stdint.h>

enum {
    ANC_SCENE_CHANNELS = 32,
    ANC_SCENE_STRIDE_MAX = 128 /* px; the sum over a window of 32 strides fits in 32 bits */
};

/* Sums over the picture's upper left rectangles (Crow 1984), modulo 2^32: differences of four are right as
 * long as the sum over the window itself fits. Zero it before the first use; it may then hold one picture
 * after another. */
typedef struct {
    int32_t height, width;
    uint32_t *sum; /* [5 planes][height + 1][width + 1]: coloured or not, red, green, blue, outline or not */
    int64_t capacity;
} anc_scene_sums;

/* rgb [height, width, 3] as anc_scene_paint draws it. Errors: ANC_EMEMORY. */
anc_status anc_scene_sums_make(anc_scene_sums *s, const uint8_t *rgb, int32_t height, int32_t width,
                               anc_err *err);
void anc_scene_sums_clear(anc_scene_sums *s);

/* One level's map, binary16 [grid_h * grid_w][ANC_SCENE_CHANNELS]. Position (y, x) looks at windows around
 * pixel (y, x) * stride with sides of 2, 4, 8 and 16 strides. Eight channels each, times 4: the parts of the
 * window that are coloured and outline; how far its right half is from the left and its lower from the upper
 * one in the first of these; how far its colour is from that of a window twice as wide; the same halves in
 * colour; its part inside of the picture. Means are over the part inside. */
void anc_scene_features(const anc_scene_sums *s, int32_t stride, int32_t grid_h, int32_t grid_w,
                        uint16_t *map);

#endif
