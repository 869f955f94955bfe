/* core/view.h: an image as the trainer sees it: resized, padded, maybe mirrored; and its boxes there */
#ifndef ANC_CORE_VIEW_H
#define ANC_CORE_VIEW_H

#include "core/box.h"
#include "core/rules.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t image_id;
    int32_t epoch;
    bool flip;                  /* mirrored left to right */
    int32_t image_h, image_w;   /* the original, px */
    int32_t h, w;               /* resized, px */
    int32_t padded_h, padded_w; /* what the anchors are placed on, px */
    float scale_y, scale_x;     /* resized / original */
    double factor;              /* the rule's one factor, where it has one (py-faster-rcnn); else 0 */
} anc_view;

/* Lays out the view of an image in one epoch; a flip or one of several sizes is drawn from (seed, image id,
 * epoch). Errors: ANC_EDATA when a side comes out as 0 px (an image of extreme shape). */
anc_status anc_view_by_rule(anc_view *v, const anc_rules *r, uint64_t seed, int64_t image_id, int32_t epoch,
                            int32_t image_h, int32_t image_w, anc_err *err);

/* Who says whether a view is mirrored. */
typedef enum { ANC_FLIP_DRAWN, ANC_FLIP_OFF, ANC_FLIP_ON } anc_flip_choice;

/* What of a view is chosen elsewhere: by a backbone whose features are there already, or by whoever batches
 * images. Pairs are height, width in px; a zero leaves it to the rules, and the flip to the draw. */
typedef struct {
    int32_t size[2], padded[2];
    anc_flip_choice flip;
} anc_view_choice;

/* anc_view_by_rule where some of it is chosen. Errors: as there; ANC_EARGUMENT for a padded side shorter than the
 * view's. */
anc_status anc_view_place(anc_view *v, const anc_rules *r, uint64_t seed, int64_t image_id, int32_t epoch,
                          int32_t image_h, int32_t image_w, const anc_view_choice *choice, anc_err *err);

/* Where a box would lie that anc_view_box drops: neither clipped nor rounded by a system's rule. */
anc_box anc_view_unclipped(const anc_view *v, const double xyxy[4]);

/* A view of h x w pixels as they are: neither resized nor padded by a rule. */
void anc_view_exact(anc_view *v, int32_t h, int32_t w, int32_t padded_h, int32_t padded_w);

/* A view of an image on sizes that were chosen elsewhere: those of a backbone's features. */
void anc_view_on(anc_view *v, int64_t image_id, int32_t epoch, int32_t image_h, int32_t image_w, int32_t h,
                 int32_t w, int32_t padded_h, int32_t padded_w);

/* How an annotated box fared on its way into the view. */
typedef enum {
    ANC_BOX_KEPT,
    ANC_BOX_CLIPPED, /* kept, after its part over the edge was cut off */
    ANC_BOX_DROPPED  /* nothing, or less than the rule's least side, was left of it */
} anc_box_fate;

/* One annotated box (x1, y1, x2, y2; original pixels, exclusive edges) in view pixels.
 * out is written unless the box is dropped. Source of each rule: docs/METHOD.md, "Boxes". */
anc_box_fate anc_view_box(const anc_view *v, anc_boxes_rule rule, const double xyxy[4], anc_box *out);

/* The same for a proposal: scaled, mirrored, cut and rounded as the rule does with boxes, but without what
 * its system does to annotations alone (corners by way of width and height, whole pixels, a least side).
 * ANC_BOX_DROPPED: it has no area in the view. Under the rules with inclusive corners x2 and y2 come out as
 * the last pixel's. */
anc_box_fate anc_view_proposal(const anc_view *v, anc_boxes_rule rule, const double xyxy[4], anc_box *out);

#endif
