/* core/label.h: one view from its annotation to its minibatch and targets: the stages of core/ in their order
 */
#ifndef ANC_CORE_LABEL_H
#define ANC_CORE_LABEL_H

#include "core/annotation.h"
#include "core/match.h"
#include "core/sample.h"
#include "core/view.h"

/* One view that is wanted: an image with its annotations, and what of its placement is chosen elsewhere. All
 * pointers are borrowed; annotation until the labeller's next view. */
typedef struct {
    int64_t id;
    int32_t epoch;
    int32_t h, w; /* the original, px */
    const anc_annotation *annotation;
    int32_t n;
    anc_view_choice choice;
    const int32_t (*grid)[2]; /* [levels] rows, columns; NULL: ceil(padded side / stride) */
    bool in_view; /* xyxy is in view pixels, clipped and mirrored, corners as the rules have them */
} anc_label_image;

/* The stages, and the result of the latest view. Zeroed, then rules, kernels and seed set; anc_labeller_free.
 */
typedef struct {
    const anc_rules *rules;
    const anc_kernels *kernels;
    uint64_t seed;

    anc_view view;
    anc_grid grid;
    anc_match match;
    anc_minibatch batch;          /* gt: indices into box */
    float (*target)[4];           /* [batch.n_positive] */
    int32_t n_box, n_crowd;       /* objects and crowd regions that take part */
    anc_box *box, *crowd;         /* in view pixels */
    int32_t *box_from;            /* [n_box] index of the annotation that a box came from */
    int32_t n_clipped, n_dropped; /* annotations cut at the edge, and left out */
    const anc_annotation *annotation;
    int32_t n_annotation;
    anc_box *placed; /* [n_annotation] each in view pixels, dropped ones (not in box) as far as they reach */

    int32_t boxes_capacity, targets_capacity;
    int32_t placed_h, placed_w, placed_padded_h, placed_padded_w; /* what grid was placed for */
    bool placed_on_given;                                         /* and whether its positions were given */
} anc_labeller;

/* Places the view and takes its annotations into it: view, grid, box, crowd, placed. Of the second stage
 * there is no grid; what follows then is core/roi.h. Errors: ANC_EDATA (an image of impossible shape),
 * ANC_EARGUMENT (a choice that cannot be met), ANC_EMEMORY. */
anc_status anc_label_place(anc_labeller *l, const anc_label_image *image, anc_err *err);

/* The same with nothing chosen. */
anc_status anc_label_by_rule(anc_labeller *l, int64_t image_id, int32_t epoch, int32_t image_h,
                             int32_t image_w, const anc_annotation *annotation, int32_t n, anc_err *err);

/* The three stages, in order. */
anc_status anc_label_match(anc_labeller *l, anc_err *err);
anc_status anc_label_sample(anc_labeller *l, anc_err *err);
anc_status anc_label_encode(anc_labeller *l, anc_err *err);

void anc_labeller_free(anc_labeller *l);

#endif
