/* core/label.h: one view from its annotation to its minibatch and targets: the stages of core/ in their order
 */
#ifndef ANC_CORE_LABEL_H
#define ANC_CORE_LABEL_H

#include "core/match.h"
#include "core/sample.h"
#include "core/view.h"

/* An annotated box as the labeller takes it. */
typedef struct {
    double xyxy[4]; /* original pixels, exclusive edges */
    bool crowd;
} anc_annotation;

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

    int32_t room_boxes, room_targets;
    int32_t laid_h, laid_w, laid_padded_h, laid_padded_w; /* what grid was laid for */
} anc_labeller;

/* Lays the view (image, epoch) and takes its annotations into it: view, grid, box, crowd. Of the second stage
 * there is no grid; what follows then is core/roi.h. Errors: ANC_EDATA (an image of impossible shape),
 * ANC_EMEMORY. */
anc_status anc_label_lay(anc_labeller *l, int64_t image_id, int32_t epoch, int32_t image_h, int32_t image_w,
                         const anc_annotation *annotation, int32_t n, anc_err *err);

/* Sizes (px) and grids (positions) that a backbone's features have; pairs are height, width. */
typedef struct {
    int32_t size[2], padded[2], grid[ANC_MAX_LEVELS][2];
} anc_laid;

/* The same on exactly these sizes and grids, whatever the rules say of them; not mirrored. */
anc_status anc_label_lay_on(anc_labeller *l, int64_t image_id, int32_t epoch, int32_t image_h,
                            int32_t image_w, const anc_laid *on, const anc_annotation *annotation, int32_t n,
                            anc_err *err);

/* The three stages, in order. */
anc_status anc_label_match(anc_labeller *l, anc_err *err);
anc_status anc_label_sample(anc_labeller *l, anc_err *err);
anc_status anc_label_encode(anc_labeller *l, anc_err *err);

void anc_labeller_free(anc_labeller *l);

#endif
