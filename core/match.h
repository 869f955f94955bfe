/* core/match.h: which anchors of a view are positive, which are ignored; all others are negative
 *
 * No anchors x boxes matrix, and no list of anchors: a box reaches a threshold only at cells near it, of
 * shapes of about its size, and those follow from 1-D ranges. See docs/METHOD.md, "Finding the few anchors
 * that matter".
 */
#ifndef ANC_CORE_MATCH_H
#define ANC_CORE_MATCH_H

#include "core/grid.h"
#include "core/kernels.h"
#include "core/set.h"

/* What is matched. Borrowed for the call. */
typedef struct {
    const anc_rules *rules;
    const anc_grid *grid;
    const anc_box *box; /* [n_box] objects in view pixels; a matched gt is an index into them */
    int32_t n_box;
    const anc_box *crowd; /* [n_crowd] crowd regions; used by the crowd rules `ignore` and `exclude` */
    int32_t n_crowd;
} anc_match_input;

/* Result and scratch, reusable from view to view. All memory is O(anchors + boxes). */
typedef struct {
    /* results, valid until the next anc_match_view */
    int32_t n_anchors;
    int32_t n_positive;
    int32_t n_ignored;   /* takes no part in the loss: between the thresholds, crowd, border */
    int32_t n_negative;  /* the rest */
    int32_t n_unmatched; /* boxes without a low-quality match: they overlap no anchor, or too little */
    anc_set positive;    /* of anchor indices */
    anc_map map;         /* of cells: which are non-negative, and the boxes of positives */
    bool want_best;      /* set before: best_iou is wanted, too */
    double *best_iou;    /* [n_box] the highest IoU with an anchor that takes part; 0: it overlaps none */
    /* scratch */
    anc_visited_f32 visited_f32;
    anc_visited_f64 visited_f64;
    anc_set rows;
    struct anc_match_scratch *more;
} anc_match;

/* Labels the anchors of one view. m is zeroed before its first use; anc_match_free in the end.
 *
 * A positive's matched box is the one with the largest IoU, the lowest index on a tie (under
 * ANC_LOW_QUALITY_CLAIM a low-quality match is its box's). A box that overlaps no anchor makes none positive,
 * unless the rules say zero_overlap. All kernel tables give the same bits. Threads may share all but m.
 * Errors: ANC_EMEMORY.
 * Source: Ren et al. 2015 (arXiv:1506.01497v3), section 3.1.2, and docs/METHOD.md where systems differ.
 */
anc_status anc_match_view(anc_match *m, const anc_kernels *k, const anc_match_input *in, anc_err *err);
void anc_match_free(anc_match *m);

/* The matched box of a positive anchor. */
static inline int32_t anc_match_gt(const anc_match *m, const anc_grid *grid, int32_t anchor)
{
    return *anc_map_arg(&m->map, anc_grid_cell(grid, anchor)) & INT32_MAX;
}

/* Adds to count[name[g]] how many positives are matched with box g. */
void anc_match_count(const anc_match *m, const anc_grid *grid, const int32_t *name, int32_t *count);

/* The positives in ascending order: anchor [n_positive], gt [n_positive]. */
void anc_match_positives(const anc_match *m, const anc_grid *grid, int32_t *anchor, int32_t *gt);

/* Every anchor that is not negative, ascending: anchor and gt, -1 for an ignored one; both
 * [n_positive + n_ignored]. Anchors that the border rule takes out are among them. Errors: ANC_EMEMORY. */
anc_status anc_match_rows(anc_match *m, const anc_grid *grid, int32_t *anchor, int32_t *gt, anc_err *err);

/* Whether a cell's anchor is negative, and which it is. False for the cells between planes. */
static inline bool anc_match_negative_cell(const anc_match *m, const anc_grid *grid, int32_t cell,
                                           int32_t *anchor)
{
    int32_t tile = anc_map_tile(&m->map, cell);
    const anc_cells *c = &grid->cells[m->map.plane_of[cell >> 6]];
    int32_t position = cell - c->cell;
    *anchor = c->anchor + position * c->step;
    if (position >= c->rows * c->pitch || (tile >= 0 && m->map.non_negative[tile] >> (cell & 63) & 1))
        return false;
    return !anc_grid_outside(grid, *anchor);
}

/* Whether an anchor is negative. */
static inline bool anc_match_negative(const anc_match *m, const anc_grid *grid, int32_t anchor)
{
    int32_t cell = anc_grid_cell(grid, anchor), tile = anc_map_tile(&m->map, cell);
    return (tile < 0 || !(m->map.non_negative[tile] >> (cell & 63) & 1)) && !anc_grid_outside(grid, anchor);
}

/* The label of one anchor: 1 positive, 0 negative, -1 ignored. */
static inline int anc_match_label(const anc_match *m, const anc_grid *grid, int32_t anchor)
{
    return anc_match_negative(m, grid, anchor) ? 0 : anc_set_has(&m->positive, (uint32_t)anchor) ? 1 : -1;
}

#endif
