/* core/match.c: see match.h */
#include "core/match.h"
#include "core/crowd.h"
#include "core/iou.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where a plane's anchors stand in the flattened order, and where its cells do. */
typedef struct {
    int32_t first;    /* anchor index of its position (0, 0) */
    int32_t n_shapes; /* step from one position to the next */
    int32_t cell;     /* its first cell */
    int32_t rows, pitch; /* its cells are rows x pitch */
} plane_index;

/* The cells that are the best of one box. */
typedef struct {
    int32_t gt;
    int32_t first, n; /* tie [first, first + n) */
    bool low;         /* the box's best IoU is below negative_iou */
} claim;

struct anc_match_scratch {
    int32_t n_planes;
    plane_index index[ANC_MAX_SHAPES];
    anc_plane_f32 plane32[ANC_MAX_SHAPES];
    anc_plane_f64 plane64[ANC_MAX_SHAPES];
    float side32[2][ANC_MAX_SHAPES], bound32[ANC_MAX_SHAPES];
    double side64[2][ANC_MAX_SHAPES], bound64[ANC_MAX_SHAPES];
    anc_query_f32 *query32; /* [room_boxes] */
    anc_query_f64 *query64; /* [room_boxes] */
    int32_t *near;          /* [room_boxes] boxes that overlap a claim's cells */
    int32_t *tie;
    int32_t n_tie, tie_room;
    claim *claim;
    int32_t n_claim, claim_room;
    anc_crowd_cells_list crowd;
};

static anc_status out_of_memory(anc_err *err)
{
    return anc_fail(err, ANC_EMEMORY, "out of memory while matching anchors; use smaller images or larger strides");
}

/* Makes room for n elements, doubling. */
static bool grow(void **array, int32_t *room, int32_t n, size_t size)
{
    if (n <= *room) return true;
    int64_t wanted = n > INT32_MAX / 2 ? INT32_MAX : 2 * (int64_t)n;
    void *grown = realloc(*array, (size_t)wanted * size);
    if (!grown) return false;
    *array = grown;
    *room = (int32_t)wanted;
    return true;
}

/* Numbers the planes' cells and returns the largest coordinate that an anchor can have, px. */
static float lay_planes(anc_match *m, const anc_grid *grid)
{
    struct anc_match_scratch *s = m->more;
    int32_t cell = 0;
    double extent = 1;
    s->n_planes = grid->n_shapes;
    for (int32_t l = 0; l < grid->n_levels; l++) {
        const anc_level *v = &grid->level[l];
        for (int32_t a = 0; a < v->n_shapes; a++) {
            const double *b = grid->base[v->shape + a];
            s->index[v->shape + a] = (plane_index){ v->first + a, v->n_shapes, cell, v->h, v->w };
            cell += (v->h * v->w + 63) & ~63;
            for (int e = 0; e < 4; e++) extent = fmax(extent, fabs(b[e]));
        }
        extent = fmax(extent, v->w * (double)v->stride_x + v->shift_x);
        extent = fmax(extent, v->h * (double)v->stride_y + v->shift_y);
    }
    return 2 * (float)extent;
}

static float box_extent(anc_box b) { return fmaxf(fmaxf(fabsf(b.x1), fabsf(b.y1)), fmaxf(fabsf(b.x2), fabsf(b.y2))); }

/* The plane that holds a cell, searched from plane p on (cells of one claim come plane by plane). */
static int32_t plane_of(const struct anc_match_scratch *s, int32_t p, int32_t cell, int32_t *y, int32_t *x)
{
    if (cell < s->index[p].cell) p = 0;
    while (p + 1 < s->n_planes && cell >= s->index[p + 1].cell) p++;
    int32_t position = cell - s->index[p].cell;
    *y = position / s->index[p].pitch;
    *x = position % s->index[p].pitch;
    return p;
}

#define REAL float
#define SUFFIX(name) name##_f32
#define SUFFIX_MAP map32
#define SUFFIX_TRACE trace32
#define SUFFIX_PLANE plane32
#define SUFFIX_SIDE side32
#define SUFFIX_BOUND bound32
#define SUFFIX_QUERY query32
#define IOU anc_iou_f32
#include "core/match_search.h"
#undef REAL
#undef SUFFIX
#undef SUFFIX_MAP
#undef SUFFIX_TRACE
#undef SUFFIX_PLANE
#undef SUFFIX_SIDE
#undef SUFFIX_BOUND
#undef SUFFIX_QUERY
#undef IOU

#define REAL double
#define SUFFIX(name) name##_f64
#define SUFFIX_MAP map64
#define SUFFIX_TRACE trace64
#define SUFFIX_PLANE plane64
#define SUFFIX_SIDE side64
#define SUFFIX_BOUND bound64
#define SUFFIX_QUERY query64
#define IOU anc_iou_f64
#include "core/match_search.h"

/* Grows what depends on the number of anchors. Everything is clean between views, so nothing is copied. */
static bool reserve_anchors(anc_match *m, const anc_grid *grid, bool float64)
{
    if (!anc_set_reserve(&m->positive, (size_t)grid->n_anchors) || !anc_set_reserve(&m->not_negative, (size_t)grid->n_anchors))
        return false;
    if (grid->n_anchors > m->room_anchors) {
        free(m->gt_of);
        m->gt_of = malloc((size_t)grid->n_anchors * sizeof *m->gt_of);
        m->room_anchors = m->gt_of ? grid->n_anchors : 0;
        if (!m->gt_of) return false;
    }
    int32_t cells = grid->n_anchors + 64 * grid->n_shapes + 8; /* a vector may reach over the last cell */
    anc_set *touched = float64 ? &m->map64.touched : &m->map32.touched;
    int32_t **arg = float64 ? &m->map64.arg : &m->map32.arg;
    int32_t *room = float64 ? &m->room_cells64 : &m->room_cells32;
    if (cells <= *room) return true;
    if (!anc_set_reserve(touched, (size_t)cells)) return false;
    free(*arg);
    *arg = malloc((size_t)cells * sizeof **arg);
    *room = 0;
    if (float64) {
        free(m->map64.best);
        m->map64.best = malloc((size_t)cells * sizeof *m->map64.best);
        if (!m->map64.best || !*arg) return false;
        for (int32_t i = 0; i < cells; i++) m->map64.best[i] = ANC_CLEAN;
    } else {
        free(m->map32.best);
        m->map32.best = malloc((size_t)cells * sizeof *m->map32.best);
        if (!m->map32.best || !*arg) return false;
        for (int32_t i = 0; i < cells; i++) m->map32.best[i] = ANC_CLEAN;
    }
    memset(*arg, 0, (size_t)cells * sizeof **arg);
    *room = cells;
    return true;
}

static bool reserve_boxes(anc_match *m, int32_t n)
{
    if (!m->more) m->more = calloc(1, sizeof *m->more);
    struct anc_match_scratch *s = m->more;
    if (!s) return false;
    if (n <= m->room_boxes) return true;
    int32_t room = n + n / 2;
    free(s->query32);
    free(s->query64);
    free(s->near);
    s->query32 = malloc((size_t)room * sizeof *s->query32);
    s->query64 = malloc((size_t)room * sizeof *s->query64);
    s->near = malloc((size_t)room * sizeof *s->near);
    m->room_boxes = s->query32 && s->query64 && s->near ? room : 0;
    return m->room_boxes > 0;
}

/* Crowd rule `ignore`: what is still negative in a crowd region takes no part. */
static anc_status ignore_crowd(anc_match *m, const anc_rules *r, const anc_grid *grid, const anc_box *crowd, int32_t n_crowd,
                               anc_err *err)
{
    struct anc_match_scratch *s = m->more;
    if (anc_crowd_cells(grid, crowd, n_crowd, (float)r->boxes.ignore_iof, &s->crowd, err)) return err->code;
    for (int32_t i = 0; i < s->crowd.n; i++) {
        const anc_crowd_run *c = &s->crowd.run[i];
        const plane_index *at = &s->index[c->shape];
        for (int32_t p = c->position; p < c->position + c->n; p++) {
            int32_t a = at->first + p * at->n_shapes;
            if (!anc_grid_outside(grid, a)) m->n_ignored += anc_set_add(&m->not_negative, (uint32_t)a);
        }
    }
    return ANC_OK;
}

anc_status anc_match_view(anc_match *m, const anc_kernels *k, const anc_rules *rules, const anc_grid *grid,
                          const anc_box *box, int32_t n_box, const anc_box *crowd, int32_t n_crowd, anc_err *err)
{
    if (m->positive.capacity) {
        anc_set_empty(&m->positive);
        anc_set_empty(&m->not_negative);
    }
    m->n_anchors = grid->n_anchors;
    m->n_positive = m->n_ignored = m->n_negative = m->n_unmatched = 0;
    if (!reserve_boxes(m, n_box) || !reserve_anchors(m, grid, rules->match.float64)) return out_of_memory(err);
    anc_status status = rules->match.float64
                            ? search_f64(m, k->f64, rules, grid, box, n_box, crowd, n_crowd, err)
                            : search_f32(m, k->f32, rules, grid, box, n_box, crowd, n_crowd, err);
    if (!status && rules->boxes.crowd == ANC_CROWD_IGNORE) status = ignore_crowd(m, rules, grid, crowd, n_crowd, err);
    if (status) { /* the map may hold half a view: start afresh */
        anc_match_free(m);
        return status;
    }
    m->n_ignored += grid->n_outside;
    m->n_negative = grid->n_anchors - m->n_positive - m->n_ignored;
    return ANC_OK;
}

void anc_match_free(anc_match *m)
{
    struct anc_match_scratch *s = m->more;
    anc_set_clear_memory(&m->positive);
    anc_set_clear_memory(&m->not_negative);
    anc_set_clear_memory(&m->map32.touched);
    anc_set_clear_memory(&m->map64.touched);
    free(m->gt_of);
    free(m->map32.best);
    free(m->map32.arg);
    free(m->map64.best);
    free(m->map64.arg);
    free(m->trace32.run);
    free(m->trace32.value);
    free(m->trace64.run);
    free(m->trace64.value);
    if (s) {
        free(s->query32);
        free(s->query64);
        free(s->near);
        free(s->tie);
        free(s->claim);
        free(s->crowd.run);
        free(s);
    }
    *m = (anc_match){ 0 };
}

void anc_match_positives(const anc_match *m, int32_t *anchor, int32_t *gt)
{
    size_t n = anc_set_list(&m->positive, anchor);
    for (size_t i = 0; i < n; i++) gt[i] = m->gt_of[anchor[i]];
}

int anc_match_label(const anc_match *m, const anc_grid *grid, int32_t anchor)
{
    if (anc_set_has(&m->positive, (uint32_t)anchor)) return 1;
    if (anc_set_has(&m->not_negative, (uint32_t)anchor)) return -1;
    return anc_grid_outside(grid, anchor) ? -1 : 0;
}

void anc_match_rows(const anc_match *m, const anc_grid *grid, int32_t *anchor, int32_t *gt)
{
    size_t n = 0;
    if (grid->border == ANC_BORDER_KEEP) {
        n = anc_set_list(&m->not_negative, anchor);
    } else {
        for (int32_t a = 0; a < m->n_anchors; a++)
            if (anc_match_label(m, grid, a)) anchor[n++] = a;
    }
    for (size_t i = 0; i < n; i++)
        gt[i] = anc_set_has(&m->positive, (uint32_t)anchor[i]) ? m->gt_of[anchor[i]] : -1;
}
