/* core/match.c: see match.h */
#include "core/match.h"
#include "core/crowd.h"
#include "core/iou.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The cells with the best IoU of one box. */
typedef struct {
    int32_t gt;
    int32_t first, n; /* tie [first, first + n) */
    bool low;         /* the box's best IoU is below negative_iou */
    double iou;       /* that IoU */
} low_quality_match;

struct anc_match_scratch {
    int32_t n_planes;
    anc_cells cells[ANC_MAX_SHAPES]; /* of the grid that the map is placed for */
    anc_plane_f32 plane_f32[ANC_MAX_SHAPES];
    anc_plane_f64 plane_f64[ANC_MAX_SHAPES];
    float side_f32[2][ANC_MAX_SHAPES], bound_f32[ANC_MAX_SHAPES];
    double side_f64[2][ANC_MAX_SHAPES], bound_f64[ANC_MAX_SHAPES];
    int32_t box_capacity;     /* a multiple of 8 */
    anc_query_f32 *query_f32; /* [box_capacity] */
    anc_query_f64 *query_f64;
    float *corner_f32; /* [4][box_capacity] x1, y1, x2, y2 */
    double *corner_f64;
    int32_t *near; /* [box_capacity + 8] boxes that overlap a match's cells */
    int32_t *tie;
    int32_t n_tie, tie_capacity;
    low_quality_match *low_quality;
    int32_t n_low_quality, low_quality_capacity;
    anc_crowd_cells_list crowd;
};

static anc_status out_of_memory(anc_err *err)
{
    return anc_fail(err, ANC_EMEMORY,
                    "out of memory while matching anchors; use smaller images or larger strides");
}

/* A capacity of n elements at least, doubling. */
static bool grow(void **array, int32_t *capacity, int32_t n, size_t size)
{
    if (n <= *capacity) return true;
    int64_t wanted = n > INT32_MAX / 2 ? INT32_MAX : 2 * (int64_t)n;
    void *grown = realloc(*array, (size_t)wanted * size);
    if (!grown) return false;
    *array = grown;
    *capacity = (int32_t)wanted;
    return true;
}

static float largest(float a, float b) { return a > b ? a : b; }

static float box_extent(anc_box b)
{
    return largest(largest(fabsf(b.x1), fabsf(b.y1)), largest(fabsf(b.x2), fabsf(b.y2)));
}

/* Memory for n tiles, that is for all there can be: what is not used is not touched. */
static bool reserve_tiles(anc_map *m, int32_t n, bool float64)
{
    if (n <= m->capacity) return true;
    free(m->word);
    free(m->touched);
    free(m->non_negative);
    free(m->positive);
    free(m->arg);
    free(m->best_f32);
    free(m->best_f64);
    m->capacity = 0;
    m->best_f32 = NULL;
    m->best_f64 = NULL;
    m->word = malloc((size_t)n * sizeof *m->word);
    m->touched = malloc((size_t)n * sizeof *m->touched);
    m->non_negative = malloc((size_t)n * sizeof *m->non_negative);
    m->positive = malloc((size_t)n * sizeof *m->positive);
    m->arg = malloc((size_t)n * sizeof *m->arg);
    if (float64)
        m->best_f64 = malloc((size_t)n * sizeof *m->best_f64);
    else
        m->best_f32 = malloc((size_t)n * sizeof *m->best_f32);
    if (!m->word || !m->touched || !m->non_negative || !m->positive || !m->arg ||
        (!m->best_f64 && !m->best_f32))
        return false;
    m->capacity = n;
    return true;
}

/* Empties the map and makes it fit a grid. */
static bool reset_map(anc_map *m, const anc_grid *grid, bool float64)
{
    for (int32_t i = 0; i < m->n; i++) m->tile_of[m->word[i]] = 0;
    m->n = 0;
    if (float64 ? m->best_f32 != NULL : m->best_f64 != NULL)
        m->capacity = 0; /* the last view was of the other type */
    int32_t n_words = grid->n_cells / 64;
    if (n_words > m->n_words) {
        free(m->tile_of);
        free(m->plane_of);
        m->tile_of = calloc((size_t)n_words, sizeof *m->tile_of);
        m->plane_of = malloc((size_t)n_words * sizeof *m->plane_of);
        m->n_words = m->tile_of && m->plane_of ? n_words : 0;
        m->planned = 0;
    }
    return m->n_words && reserve_tiles(m, n_words, float64);
}

/* Notes which plane each 64 cells are of, unless the last view's were the same. */
static void plan_planes(anc_match *m, const anc_grid *grid)
{
    struct anc_match_scratch *s = m->more;
    size_t bytes = (size_t)grid->n_shapes * sizeof *grid->cells;
    if (m->map.planned == grid->n_cells && s->n_planes == grid->n_shapes &&
        !memcmp(s->cells, grid->cells, bytes))
        return;
    s->n_planes = grid->n_shapes;
    memcpy(s->cells, grid->cells, bytes);
    for (int32_t p = 0, w = 0; p < grid->n_shapes; p++)
        for (int32_t end = (p + 1 < grid->n_shapes ? grid->cells[p + 1].cell : grid->n_cells) / 64; w < end;
             w++)
            m->map.plane_of[w] = (uint16_t)p;
    m->map.planned = grid->n_cells;
}

/* Of the 64 cells from `cell` on that `bits` names, those that the border rule leaves in. */
static uint64_t inside_window(const anc_grid *grid, int32_t plane, int32_t cell, uint64_t bits)
{
    const anc_window *w = &grid->window[plane];
    uint64_t in = 0;
    for (; bits; bits &= bits - 1) {
        int i = __builtin_ctzll(bits);
        int32_t position = cell + i - grid->cells[plane].cell, pitch = grid->cells[plane].pitch;
        int32_t y = position / pitch, x = position % pitch;
        if (y >= w->y0 && y < w->y1 && x >= w->x0 && x < w->x1) in |= 1ULL << i;
    }
    return in;
}

/* The border rule takes cells out of what is non-negative and positive. Returns how many are still
 * non-negative. */
static int32_t drop_outside(anc_match *m, const anc_grid *grid)
{
    int32_t n = 0;
    for (int32_t tile = 0; tile < m->map.n; tile++) {
        int32_t word = m->map.word[tile];
        m->map.non_negative[tile] =
            inside_window(grid, m->map.plane_of[word], 64 * word, m->map.non_negative[tile]);
        m->map.positive[tile] &= m->map.non_negative[tile];
        n += __builtin_popcountll(m->map.non_negative[tile]);
    }
    return n;
}

static anc_status find_crowd_cells(anc_match *m, const anc_match_input *in, anc_err *err)
{
    return anc_crowd_cells(in->grid, in->crowd, in->n_crowd, (float)in->rules->boxes.ignore_iof,
                           &m->more->crowd, err);
}

#define REAL         float
#define SUFFIX(name) name##_f32
#include "core/match_tmpl.h"
#undef REAL
#undef SUFFIX

#define REAL         double
#define SUFFIX(name) name##_f64
#include "core/match_tmpl.h"
#undef REAL
#undef SUFFIX

static bool reserve_boxes(anc_match *m, int32_t n)
{
    if (!m->more) m->more = calloc(1, sizeof *m->more);
    struct anc_match_scratch *s = m->more;
    if (!s) return false;
    if (n <= s->box_capacity && s->near) return true;
    size_t capacity = ((size_t)n + (size_t)n / 2 + 8) & ~(size_t)7;
    free(s->query_f32);
    free(s->query_f64);
    free(s->corner_f32);
    free(s->corner_f64);
    free(s->near);
    free(m->best_iou);
    s->query_f32 = malloc(capacity * sizeof *s->query_f32);
    s->query_f64 = malloc(capacity * sizeof *s->query_f64);
    s->corner_f32 = calloc(4 * capacity, sizeof *s->corner_f32);
    s->corner_f64 = calloc(4 * capacity, sizeof *s->corner_f64);
    s->near = malloc((capacity + 8) * sizeof *s->near);
    m->best_iou = malloc(capacity * sizeof *m->best_iou);
    bool have = s->query_f32 && s->query_f64 && s->corner_f32 && s->corner_f64 && s->near && m->best_iou;
    s->box_capacity = have ? (int32_t)capacity : 0;
    return have;
}

/* Crowd rule `ignore`: what is still negative in a crowd region takes no part. */
static anc_status ignore_crowd(anc_match *m, const anc_match_input *in, anc_err *err)
{
    const anc_grid *grid = in->grid;
    anc_map *map = &m->map;
    if (find_crowd_cells(m, in, err)) return err->code;
    for (int32_t i = 0; i < m->more->crowd.n; i++) {
        const anc_crowd_run *c = &m->more->crowd.run[i];
        int32_t cell = grid->cells[c->shape].cell + c->position;
        for (int32_t end = cell + c->n, n; cell < end; cell += n) {
            int from = cell & 63;
            n = end - cell < 64 - from ? end - cell : 64 - from;
            bool fresh = anc_map_tile(map, cell) < 0;
            int32_t tile = in->rules->match.float64 ? anc_map_touch_f64(map, cell >> 6)
                                                    : anc_map_touch_f32(map, cell >> 6);
            uint64_t before = fresh ? 0 : map->non_negative[tile], more = anc_bits(from, n) & ~before;
            map->non_negative[tile] = before | more;
            if (grid->border != ANC_BORDER_KEEP) more = inside_window(grid, c->shape, cell & ~63, more);
            m->n_ignored += __builtin_popcountll(more);
        }
    }
    return ANC_OK;
}

anc_status anc_match_view(anc_match *m, const anc_kernels *k, const anc_match_input *in, anc_err *err)
{
    const anc_grid *grid = in->grid;
    const bool float64 = in->rules->match.float64;
    anc_set_empty(&m->positive);
    m->n_anchors = grid->n_anchors;
    m->n_positive = m->n_ignored = m->n_negative = m->n_unmatched = 0;
    if (!reserve_boxes(m, in->n_box) || !anc_set_reserve(&m->positive, (size_t)grid->n_anchors) ||
        !reset_map(&m->map, grid, float64))
        return out_of_memory(err);
    anc_status status = float64 ? search_f64(m, k->f64, in, err) : search_f32(m, k->f32, in, err);
    if (!status && in->rules->boxes.crowd == ANC_CROWD_IGNORE) status = ignore_crowd(m, in, err);
    if (status) { /* what is there may be half a view: start afresh */
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
    anc_set_clear_memory(&m->rows);
    free(m->map.tile_of);
    free(m->map.plane_of);
    free(m->map.word);
    free(m->map.touched);
    free(m->map.non_negative);
    free(m->map.positive);
    free(m->map.arg);
    free(m->map.best_f32);
    free(m->map.best_f64);
    free(m->visited_f32.cell);
    free(m->visited_f32.value);
    free(m->visited_f64.cell);
    free(m->visited_f64.value);
    free(m->best_iou);
    if (s) {
        free(s->query_f32);
        free(s->query_f64);
        free(s->corner_f32);
        free(s->corner_f64);
        free(s->near);
        free(s->tie);
        free(s->low_quality);
        free(s->crowd.run);
        free(s);
    }
    *m = (anc_match){ 0 };
}

void anc_match_count(const anc_match *m, const anc_grid *grid, const int32_t *name, int32_t *count)
{
    for (size_t k = 0; k < m->positive.n_summary; k++)
        for (uint64_t s = m->positive.summary[k]; s; s &= s - 1) {
            size_t at = 64 * k + (size_t)__builtin_ctzll(s);
            for (uint64_t w = m->positive.word[at]; w; w &= w - 1)
                count[name[anc_match_gt(m, grid, (int32_t)(64 * at + (size_t)__builtin_ctzll(w)))]]++;
        }
}

void anc_match_positives(const anc_match *m, const anc_grid *grid, int32_t *anchor, int32_t *gt)
{
    size_t n = anc_set_list(&m->positive, anchor);
    for (size_t i = 0; i < n; i++) gt[i] = anc_match_gt(m, grid, anchor[i]);
}

anc_status anc_match_rows(anc_match *m, const anc_grid *grid, int32_t *anchor, int32_t *gt, anc_err *err)
{
    size_t n = 0;
    if (!anc_set_reserve(&m->rows, (size_t)m->n_anchors)) return out_of_memory(err);
    if (grid->border != ANC_BORDER_KEEP) { /* what the border takes out is listed nowhere */
        for (int32_t a = 0; a < m->n_anchors; a++)
            if (anc_match_label(m, grid, a)) anchor[n++] = a;
    } else { /* from cells to anchors, and into their order */
        for (int32_t tile = 0; tile < m->map.n; tile++) {
            int32_t word = m->map.word[tile];
            const anc_cells *c = &grid->cells[m->map.plane_of[word]];
            int32_t first = c->anchor + (64 * word - c->cell) * c->step;
            for (uint64_t b = m->map.non_negative[tile]; b; b &= b - 1)
                anc_set_insert(&m->rows, (uint32_t)(first + __builtin_ctzll(b) * c->step));
        }
        n = anc_set_list(&m->rows, anchor);
        anc_set_empty(&m->rows);
    }
    for (size_t i = 0; i < n; i++)
        gt[i] = anc_set_has(&m->positive, (uint32_t)anchor[i]) ? anc_match_gt(m, grid, anchor[i]) : -1;
    return ANC_OK;
}
