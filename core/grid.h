/* core/grid.h: the anchors of one view, as a rule; they are never written out
 *
 * An anchor is (level, y, x, a): position (y, x) of a level's H x W grid, shape a of its A shapes; its box is
 * the shape's base box moved by (x, y) * stride. The anchor index counts them flattened in that order, as
 * torchvision, detectron2 and mmdetection do. A cell numbers the same anchors plane by plane (a plane is one
 * shape of one level), each plane beginning at a multiple of 64, so that neighbours in x are neighbours in
 * memory.
 */
#ifndef ANC_CORE_GRID_H
#define ANC_CORE_GRID_H

#include "core/box.h"
#include "core/rules.h"
#include <stdbool.h>
#include <stdint.h>

enum { ANC_MAX_SHAPES = 1024 }; /* shapes of all levels together */

typedef struct {
    int32_t h, w;               /* grid positions */
    int32_t stride_y, stride_x; /* px */
    double shift_y, shift_x;    /* px, where position 0 stands */
    int32_t first;              /* anchor index of the level's first anchor */
    int32_t n_shapes;           /* A: anchors per position */
    int32_t shape;              /* index of its first shape in the grid's base[], window[] and cells[] */
    uint64_t reciprocal;        /* 2^40 / n_shapes, rounded up: see anc_grid_cell */
} anc_level;

/* Positions [x0, x1) x [y0, y1) whose anchor of one shape passes the border rule. */
typedef struct {
    int32_t x0, x1, y0, y1;
} anc_window;

/* A shape's plane of cells, and the anchors that they are. */
typedef struct {
    int32_t cell;        /* the first, a multiple of 64 */
    int32_t rows, pitch; /* positions: rows x pitch cells */
    int32_t anchor;      /* index of the first cell's anchor */
    int32_t step;        /* from one cell's anchor to the next cell's */
} anc_cells;

typedef struct {
    int32_t n_levels, n_shapes;
    int32_t n_anchors;
    int32_t n_outside; /* anchors that the border rule takes out */
    anc_border_rule border;
    bool legacy; /* inclusive corners */
    anc_level level[ANC_MAX_LEVELS];
    double base[ANC_MAX_SHAPES][4]; /* x1, y1, x2, y2 around the origin; float32 numbers unless legacy */
    anc_window window[ANC_MAX_SHAPES];
    int32_t n_cells;
    anc_cells cells[ANC_MAX_SHAPES];
    float extent; /* px, no coordinate of an anchor is larger */
} anc_grid;

/* The base anchors of one level, [n_sizes * n_ratios] in their system's order; returns how many.
 * Source: each rule repeats its system's own arithmetic and rounding; docs/METHOD.md, "Anchors". */
int anc_base_anchors(const anc_rules *r, int level, double (*base)[4]);

/* Places the anchors over a view of view_h x view_w pixels, padded to padded_h x padded_w.
 * Errors: ANC_EDATA when it has no position or more than 2^31 - 1 anchors. */
anc_status anc_grid_place(anc_grid *g, const anc_rules *r, int32_t view_h, int32_t view_w, int32_t padded_h,
                          int32_t padded_w, anc_err *err);

/* The same on grids that a backbone made: positions [n_levels] rows, columns; NULL: ceil(padded side /
 * stride). */
anc_status anc_grid_place_on(anc_grid *g, const anc_rules *r, int32_t view_h, int32_t view_w,
                             int32_t padded_h, int32_t padded_w, const int32_t (*positions)[2], anc_err *err);

/* The level of an anchor; most are on the first. */
static inline const anc_level *anc_grid_level(const anc_grid *g, int32_t anchor)
{
    const anc_level *v = g->level, *last = v + g->n_levels - 1;
    while (v < last && anchor >= v[1].first) v++;
    return v;
}

typedef struct {
    int32_t level, y, x, a;
} anc_anchor_at;

/* Where an anchor index stands. 0 <= anchor < n_anchors. */
static inline anc_anchor_at anc_grid_at(const anc_grid *g, int32_t anchor)
{
    const anc_level *v = anc_grid_level(g, anchor);
    int32_t rest = anchor - v->first, position = rest / v->n_shapes;
    return (anc_anchor_at){ (int32_t)(v - g->level), position / v->w, position % v->w, rest % v->n_shapes };
}

/* Its box, each corner rounded once to float32 as the systems that work in float32 do. */
static inline anc_box anc_grid_box(const anc_grid *g, anc_anchor_at at)
{
    const anc_level *v = &g->level[at.level];
    const double *b = g->base[v->shape + at.a];
    float x = (float)(at.x * (double)v->stride_x + v->shift_x),
          y = (float)(at.y * (double)v->stride_y + v->shift_y);
    return (anc_box){ (float)b[0] + x, (float)b[1] + y, (float)b[2] + x, (float)b[3] + y };
}

/* Its cell. n_shapes <= 2^8 and anchors < 2^31, so the rounded-up reciprocal is exact enough; the product has
 * up to 71 bits. */
static inline int32_t anc_grid_cell(const anc_grid *g, int32_t anchor)
{
    const anc_level *v = anc_grid_level(g, anchor);
    uint32_t rest = (uint32_t)(anchor - v->first);
    uint32_t position = (uint32_t)((unsigned __int128)rest * v->reciprocal >> 40);
    return g->cells[v->shape + (int32_t)(rest - position * (uint32_t)v->n_shapes)].cell + (int32_t)position;
}

/* Whether the border rule takes an anchor out. */
static inline bool anc_grid_outside(const anc_grid *g, int32_t anchor)
{
    if (g->border == ANC_BORDER_KEEP) return false;
    anc_anchor_at at = anc_grid_at(g, anchor);
    const anc_window *w = &g->window[g->level[at.level].shape + at.a];
    return at.x < w->x0 || at.x >= w->x1 || at.y < w->y0 || at.y >= w->y1;
}

#endif
