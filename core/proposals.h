/* core/proposals.h: from a head's predictions for one view to its proposals
 *
 * In each level the best anchors are taken, decoded, clipped to the image, and cleared of boxes that are too
 * small; overlapping ones of a level are suppressed, and the best of all levels stay. Systems differ in each
 * step. Source: Ren et al. 2015, section 3.3; docs/METHOD.md, "Proposals", says who does what.
 */
#ifndef ANC_CORE_PROPOSALS_H
#define ANC_CORE_PROPOSALS_H

#include "core/grid.h"
#include "core/nms.h"
#include "core/rank.h"
#include "core/rules.h"

typedef struct {
    int32_t n_before; /* of a level, the best by score, before suppression */
    int32_t n_level;  /* of a level, after it; 0: no bound */
    int32_t n_after;  /* of the view */
    double iou;       /* see anc_nms_opts */
    bool at_least;
    double min_side;    /* px */
    bool side_above;    /* sides must be above min_side; otherwise min_side itself will do */
    bool side_scaled;   /* min_side counts in pixels of the original image */
    bool small_first;   /* n_before counts only boxes that are large enough */
    bool probability;   /* scores are 1 / (1 + exp(-logit)); otherwise the logits */
    double least_score; /* -INFINITY: any */
    bool finite;        /* boxes and scores that are not finite are dropped; otherwise clipped */
    int32_t batched; /* of a view with at most so many boxes, levels are told apart in suppression by moving
                        their boxes away from each other in float32, whose rounding can show */
} anc_proposal_rules;

/* The rules of a preset's system, in training (more proposals) or at test time; false: no preset of that
 * name. */
bool anc_proposal_rules_preset(const char *preset, bool training, anc_proposal_rules *out);

/* Refuses counts and bounds that make no sense. Errors: ANC_EARGUMENT. */
anc_status anc_proposal_rules_check(const anc_proposal_rules *r, anc_err *err);

/* The stages and the result of the latest view: n proposals, the best first. Zeroed, then rules, legacy, opts
 * and kernels set; anc_proposer_free. */
typedef struct {
    const anc_kernels *kernels;
    anc_proposal_rules rules;
    bool legacy; /* inclusive corners */

    int32_t n;
    int32_t *anchor; /* [n] anchor index */
    int32_t *level;  /* [n] */
    float *score;    /* [n] */
    anc_box *box;    /* [n] in view pixels */

    anc_rank rank;
    anc_nms nms;
    int32_t *order, *of_level, *keep; /* [capacity] */
    unsigned char *kept;              /* [capacity] */
    anc_box *batched;                 /* [capacity] */
    int32_t *best;                    /* [room_best] */
    int32_t capacity, room_best;
} anc_proposer;

/* The candidates: of each level the anchors with the highest logits. logit [first of the last level + its
 * anchors]; level l has anchors [first[l], first[l + 1]). Sets n, anchor, level, score; then box[i] is to be
 * set to the decoded box of anchor[i], by anc_propose_decode or the caller. Ties go to the lower anchor
 * index. Errors: ANC_EMEMORY. */
anc_status anc_propose_rank(anc_proposer *p, const float *logit, const int32_t *first, int32_t n_levels,
                            anc_err *err);

/* Sets the candidates' boxes: delta [grid's n_anchors] relative to the grid's anchors, as the rules decode
 * (target.h). */
void anc_propose_decode(anc_proposer *p, const anc_rules *rules, const anc_grid *grid,
                        const float (*delta)[4]);

/* The proposals among the candidates: clipped to a view of h x w px, large enough, suppressed, in order.
 * scale: view px per original px. Errors: ANC_EMEMORY. */
anc_status anc_propose_filter(anc_proposer *p, int32_t h, int32_t w, double scale, anc_err *err);

void anc_proposer_free(anc_proposer *p);

#endif
