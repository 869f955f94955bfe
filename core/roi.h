/* core/roi.h: the second stage of one view: which of its proposals are positive, which take part in the loss,
 * and what they learn
 *
 * Source: Girshick 2015, "Fast R-CNN" (arXiv:1504.08083v2), section 2.3; Ren et al. 2015, section 3.2;
 * docs/METHOD.md, "The second stage", where systems differ.
 */
#ifndef ANC_CORE_ROI_H
#define ANC_CORE_ROI_H

#include "core/kernels.h"
#include "core/set.h"
#include "core/view.h"

enum { ANC_ROI_NEGATIVE = -1, ANC_ROI_IGNORED = -2 }; /* in place of a matched gt */

/* Result and scratch, reusable from view to view; zeroed before its first use, anc_rois_free in the end.
 * Memory is O(candidates + batch), however many boxes there are. The stages, in their order, each use what
 * the one before left. */
typedef struct {
    bool
        in_view; /* proposals are in view pixels already and are taken as they are; set before anc_roi_take */
    /* anc_roi_take: the candidates, proposals and appended gts */
    int32_t n;          /* candidates */
    int32_t n_left_out; /* proposals that have no area in the view */
    anc_box *box;       /* [n] view px */
    int32_t *proposal;  /* [n] index among the view's proposals, ascending; -1: an appended gt */
    int32_t *self;      /* [n] of an appended gt its own index; else -1 */
    /* anc_roi_match */
    int32_t *gt; /* [n] the matched box of a positive; else ANC_ROI_NEGATIVE or ANC_ROI_IGNORED */
    int32_t n_positive, n_negative, n_ignored;
    /* anc_roi_sample */
    int32_t batch_positive, batch_negative;
    int32_t *sample; /* [batch_positive + batch_negative] candidates: positives first, each part ascending */
    /* anc_roi_encode */
    float (*target)[4]; /* [batch_positive] */
    /* scratch */
    int32_t capacity, batch_capacity;
    double *column;
    double *best;
    int32_t *list;
    anc_box *from, *to;
    anc_set drawn;
} anc_rois;

/* Takes n proposals (original pixels, exclusive edges) into the view, and the view's boxes [n_box] as the
 * rules append them. Errors: ANC_EDATA (too many), ANC_EMEMORY. */
anc_status anc_roi_take(anc_rois *r, const anc_rules *rules, const anc_view *view,
                        const double (*proposal)[4], int32_t n, const anc_box *box, int32_t n_box,
                        anc_err *err);

/* Matches each candidate with the box of the largest IoU, the lowest index on a tie. Crowd regions [n_crowd]
 * act by the crowd rule on proposals, never on appended gts. All kernel tables give the same bits. */
void anc_roi_match(anc_rois *r, const anc_kernels *kernels, const anc_rules *rules, const anc_box *box,
                   int32_t n_box, const anc_box *crowd, int32_t n_crowd);

/* Draws at most batch * positive_fraction (truncated) positives, then negatives to fill the batch; nothing
 * twice. Draws depend on (seed, image id, epoch) alone; the torch samplers reseed with `seed` for every view.
 */
void anc_roi_sample(anc_rois *r, const anc_rules *rules, uint64_t seed, int64_t image_id, int32_t epoch);

/* The positives' targets, towards their matched boxes. */
void anc_roi_encode(anc_rois *r, const anc_kernels *kernels, const anc_rules *rules, const anc_box *box);

void anc_rois_free(anc_rois *r);

/* The classes of a data set: its category ids, ascending. Plain: category is borrowed. */
typedef struct {
    anc_classes_rule rule;
    int32_t n;
    const int32_t *category; /* [n] */
} anc_classes;

int32_t anc_class_background(const anc_classes *c);
int32_t anc_class_label(const anc_classes *c, int32_t i); /* of category [i] */
/* The place of a category id among the classes, -1: there is no such category. */
int32_t anc_class_find(const anc_classes *c, int32_t category);

#endif
