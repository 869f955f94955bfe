/* core/synth/scene.h: generated scenes: images with coloured shapes whose boxes and outlines are known exactly
 *
 * Sizes, boxes per image, box areas, aspect ratios and crowd regions follow the published statistics of
 * COCO train2017. A scene is a function of the options and its index alone, the same on every machine:
 * only +, -, *, / and sqrt touch its numbers.
 */
#ifndef ANC_CORE_SYNTH_SCENE_H
#define ANC_CORE_SYNTH_SCENE_H

#include "core/err.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    ANC_SCENE_SIDE_MAX = 65535,       /* px */
    ANC_SCENE_BOXES_MAX = 100000,     /* in one image; its stream of numbers suffices */
    ANC_SCENE_CATEGORIES = 80,        /* 8 shapes in 10 colours */
    ANC_SCENE_COUNT_MAX = 1000000000, /* scenes; image ids stay below 2^33 */
};

typedef struct {
    uint64_t seed;
    int32_t width[2], height[2]; /* px, smallest and largest; all 0: the mix of train2017 */
    int32_t boxes[2];  /* fewest and most in an image, all equally likely; both 0: train2017's law */
    int32_t max_boxes; /* train2017's law is cut here (93 in train2017 itself) */
    bool whole_pixels; /* box edges lie on whole pixels, otherwise on hundredths */
} anc_scene_opts;

typedef struct {
    int32_t x, y;
} anc_scene_point;

/* Lengths are hundredths of a pixel. No box leaves its image; the outline touches all four of its sides. */
typedef struct {
    int32_t x, y, w, h;
    int32_t category;    /* [0, ANC_SCENE_CATEGORIES) */
    bool crowd;          /* a region of many things; its box is in whole pixels */
    int64_t first_point; /* of the scene's points */
    int32_t n_points;    /* crowd: point i holds the first and one-beyond-last row (px) of column x/100 + i;
                            otherwise: the corners of a polygon, hundredths */
} anc_scene_object;

/* Zero it before the first use; it may then hold one scene after another. */
typedef struct {
    int64_t index, id; /* id: the image's, unique in a data set and ascending with the index */
    int32_t width, height;
    int32_t n_objects;
    anc_scene_object *object; /* [n_objects] owned */
    anc_scene_point *point;   /* [n_points] owned */
    int64_t n_points;
    int64_t object_capacity, point_capacity;
} anc_scene;

/* The scene's id and size only; writes nothing else of s. */
void anc_scene_begin(const anc_scene_opts *o, int64_t index, anc_scene *s);

/* The whole scene; index in [0, ANC_SCENE_COUNT_MAX). Errors: ANC_EMEMORY. */
anc_status anc_scene_make(const anc_scene_opts *o, int64_t index, anc_scene *s, anc_err *err);

void anc_scene_clear(anc_scene *s);

/* The area of an object's outline or region, in units of 1/20000 px^2 (twice a square hundredth). */
int64_t anc_scene_area(const anc_scene *s, const anc_scene_object *object);

/* Category ids run from 1 to 90 with gaps, as COCO's do. */
int32_t anc_scene_category_id(int32_t category);
const char *anc_scene_category_colour(int32_t category); /* "red" */
const char *anc_scene_category_shape(int32_t category);  /* "ellipse" */

/* Draws the scene: rgb [height, width, 3]. The background is close to grey (channels within 32 of each
 * other), the shapes are not (50 or more apart). A shape is drawn on every pixel that it touches, so its
 * extent is its box, rounded outwards to whole pixels; smaller shapes lie over larger ones.
 * Errors: ANC_EMEMORY. */
anc_status anc_scene_paint(const anc_scene_opts *o, const anc_scene *s, uint8_t *rgb, anc_err *err);

#endif
