/* core/match.c: see match.h */
#include "core/match.h"
#include "core/crowd.h"
#include "core/iou.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The cells that are the best of one box. */
typedef struct {
    int32_t gt;
    int32_t first, n; /* tie [first, first + n) */
    bool low;         /* the box's best IoU is below negative_iou */
    double iou;       /* that IoU */
} claim;

struct anc_match_scratch {
    int32_t n_planes;
    anc_cells cells[ANC_MAX_SHAPES]; /* of the grid that the map is laid for */
    anc_plane_f32 plane32[ANC_MAX_SHAPES];
    anc_plane_f64 plane64[ANC_MAX_SHAPES];
    float side32[2][ANC_MAX_SHAPES], bound32[ANC_MAX_SHAPES];
    double side64[2][ANC_MAX_SHAPES], bound64[ANC_MAX_SHAPES];
    int32_t room_boxes;     /* a multiple of 8 */
    anc_query_f32 *query32; /* [room_boxes] */
    anc_query_f64 *query64;
    float *corner32; /* [4][room_boxes] x1, y1, x2, y2 */
    double *corner64;
    int32_t *near; /* [room_boxes + 8] boxes that overlap a claim's cells */
    int32_t *tie;
    int32_t n_tie, tie_room;
    claim *claim;
    int32_t n_claim, claim_room;
    anc_crowd_cells_list crowd;
};

static anc_status out_of_memory(anc_err *err)
{
    return anc_fail(err, ANC_EMEMORY,
                    "out of memory while matching anchors; use smaller images or larger strides");
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

static float largest(float a, float b) { return a > b ? a : b; }

static float box_extent(anc_box b)
{
    return largest(largest(fabsf(b.x1), fabsf(b.y1)), largest(fabsf(b.x2), fabsf(b.y2)));
}

/* Makes room for n tiles, that is for all there can be: what is not used is not touched. */
static bool reserve_tiles(anc_map *m, int32_t n, bool float64)
{
    if (n <= m->room) return true;
    free(m->word);
    free(m->touched);
    free(m->held);
    free(m->positive);
    free(m->arg);
    free(m->best32);
    free(m->best64);
    m->room = 0;
    m->best32 = NULL;
    m->best64 = NULL;
    m->word = malloc((size_t)n * sizeof *m->word);
    m->touched = malloc((size_t)n * sizeof *m->touched);
    m->held = malloc((size_t)n * sizeof *m->held);
    m->positive = malloc((size_t)n * sizeof *m->positive);
    m->arg = malloc((size_t)n * sizeof *m->arg);
    if (float64)
        m->best64 = malloc((size_t)n * sizeof *m->best64);
    else
        m->best32 = malloc((size_t)n * sizeof *m->best32);
    if (!m->word || !m->touched || !m->held || !m->positive || !m->arg || (!m->best64 && !m->best32))
        return false;
    m->room = n;
    return true;
}

/* Empties the map and makes it fit a grid. */
static bool reset_map(anc_map *m, const anc_grid *grid, bool float64)
{
    for (int32_t i = 0; i < m->n; i++) m->tile_of[m->word[i]] = 0;
    m->n = 0;
    if (float64 ? m->best32 != NULL : m->best64 != NULL)
        m->room = 0; /* the last view was of the other type */
    int32_t n_words = grid->n_cells / 64;
    if (n_words > m->n_words) {
        free(m->tile_of);
        free(m->plane_of);
        m->tile_of = calloc((size_t)n_words, sizeof *m->tile_of);
        m->plane_of = malloc((size_t)n_words * sizeof *m->plane_of);
        m->n_words = m->tile_of && m->plane_of ? n_words : 0;
        m->laid = 0;
    }
    return m->n_words && reserve_tiles(m, n_words, float64);
}

/* Notes which plane each 64 cells are of, unless the last view's were the same. */
static void lay_planes(anc_match *m, const anc_grid *grid)
{
    struct anc_match_scratch *s = m->more;
    size_t bytes = (size_t)grid->n_shapes * sizeof *grid->cells;
    if (m->map.laid == grid->n_cells && s->n_planes == grid->n_shapes &&
        !memcmp(s->cells, grid->cells, bytes))
        return;
    s->n_planes = grid->n_shapes;
    memcpy(s->cells, grid->cells, bytes);
    for (int32_t p = 0, w = 0; p < grid->n_shapes; p++)
        for (int32_t end = (p + 1 < grid->n_shapes ? grid->cells[p + 1].cell : grid->n_cells) / 64; w < end;
             w++)
            m->map.plane_of[w] = (uint16_t)p;
    m->map.laid = grid->n_cells;
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

/* The border rule takes cells out of what is held and positive. Returns how many are still held. */
static int32_t drop_outside(anc_match *m, const anc_grid *grid)
{
    int32_t n = 0;
    for (int32_t tile = 0; tile < m->map.n; tile++) {
        int32_t word = m->map.word[tile];
        m->map.held[tile] = inside_window(grid, m->map.plane_of[word], 64 * word, m->map.held[tile]);
        m->map.positive[tile] &= m->map.held[tile];
        n += __builtin_popcountll(m->map.held[tile]);
    }
    return n;
}

#define REAL          float
#define SUFFIX(name)  name##_f32
#define BEST          best32
#define SUFFIX_TRACE  trace32
#define SUFFIX_PLANE  plane32
#define SUFFIX_SIDE   side32
#define SUFFIX_BOUND  bound32
#define SUFFIX_QUERY  query32
#define SUFFIX_CORNER corner32
#define IOU           anc_iou_f32
#include "core/match_search.h"
#undef REAL
#undef SUFFIX
#undef BEST
#undef SUFFIX_TRACE
#undef SUFFIX_PLANE
#undef SUFFIX_SIDE
#undef SUFFIX_BOUND
#undef SUFFIX_QUERY
#undef SUFFIX_CORNER
#undef IOU

#define REAL          double
#define SUFFIX(name)  name##_f64
#define BEST          best64
#define SUFFIX_TRACE  trace64
#define SUFFIX_PLANE  plane64
#define SUFFIX_SIDE   side64
#define SUFFIX_BOUND  bound64
#define SUFFIX_QUERY  query64
#define SUFFIX_CORNER corner64
#define IOU           anc_iou_f64
#include "core/match_search.h"

static bool reserve_boxes(anc_match *m, int32_t n)
{
    if (!m->more) m->more = calloc(1, sizeof *m->more);
    struct anc_match_scratch *s = m->more;
    if (!s) return false;
    if (n <= s->room_boxes && s->near) return true;
    size_t room = ((size_t)n + (size_t)n / 2 + 8) & ~(size_t)7;
    free(s->query32);
    free(s->query64);
    free(s->corner32);
    free(s->corner64);
    free(s->near);
    free(m->best_iou);
    s->query32 = malloc(room * sizeof *s->query32);
    s->query64 = malloc(room * sizeof *s->query64);
    s->corner32 = calloc(4 * room, sizeof *s->corner32);
    s->corner64 = calloc(4 * room, sizeof *s->corner64);
    s->near = malloc((room + 8) * sizeof *s->near);
    m->best_iou = malloc(room * sizeof *m->best_iou);
    bool have = s->query32 && s->query64 && s->corner32 && s->corner64 && s->near && m->best_iou;
    s->room_boxes = have ? (int32_t)room : 0;
    return have;
}

/* Crowd rule `ignore`: what is still negative in a crowd region takes no part. */
static anc_status ignore_crowd(anc_match *m, const anc_rules *r, const anc_grid *grid, const anc_box *crowd,
                               int32_t n_crowd, anc_err *err)
{
    struct anc_match_scratch *s = m->more;
    if (anc_crowd_cells(grid, crowd, n_crowd, (float)r->boxes.ignore_iof, &s->crowd, err)) return err->code;
    for (int32_t i = 0; i < s->crowd.n; i++) {
        const anc_crowd_run *c = &s->crowd.run[i];
        int32_t cell = grid->cells[c->shape].cell + c->position;
        for (int32_t end = cell + c->n, n; cell < end; cell += n) {
            int from = cell & 63;
            n = end - cell < 64 - from ? end - cell : 64 - from;
            bool fresh = !m->map.tile_of[cell >> 6];
            int32_t tile = r->match.float64 ? anc_map_tile_f64(&m->map, cell >> 6)
                                            : anc_map_tile_f32(&m->map, cell >> 6);
            uint64_t held = fresh ? 0 : m->map.held[tile], more = anc_bits(from, n) & ~held;
            m->map.held[tile] = held | more;
            if (grid->border != ANC_BORDER_KEEP) more = inside_window(grid, c->shape, cell & ~63, more);
            m->n_ignored += __builtin_popcountll(more);
        }
    }
    return ANC_OK;
}

anc_status anc_match_view(anc_match *m, const anc_kernels *k, const anc_rules *rules, const anc_grid *grid,
                          const anc_box *box, int32_t n_box, const anc_box *crowd, int32_t n_crowd,
                          anc_err *err)
{
    anc_set_empty(&m->positive);
    m->n_anchors = grid->n_anchors;
    m->n_positive = m->n_ignored = m->n_negative = m->n_unmatched = 0;
    if (!reserve_boxes(m, n_box) || !anc_set_reserve(&m->positive, (size_t)grid->n_anchors) ||
        !reset_map(&m->map, grid, rules->match.float64))
        return out_of_memory(err);
    anc_status status = rules->match.float64
                            ? search_f64(m, k->f64, rules, grid, box, n_box, crowd, n_crowd, err)
                            : search_f32(m, k->f32, rules, grid, box, n_box, crowd, n_crowd, err);
    if (!status && rules->boxes.crowd == ANC_CROWD_IGNORE)
        status = ignore_crowd(m, rules, grid, crowd, n_crowd, err);
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
    free(m->map.held);
    free(m->map.positive);
    free(m->map.arg);
    free(m->map.best32);
    free(m->map.best64);
    free(m->trace32.cell);
    free(m->trace32.value);
    free(m->trace64.cell);
    free(m->trace64.value);
    free(m->best_iou);
    if (s) {
        free(s->query32);
        free(s->query64);
        free(s->corner32);
        free(s->corner64);
        free(s->near);
        free(s->tie);
        free(s->claim);
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
            for (uint64_t b = m->map.held[tile]; b; b &= b - 1)
                anc_set_insert(&m->rows, (uint32_t)(first + __builtin_ctzll(b) * c->step));
        }
        n = anc_set_list(&m->rows, anchor);
        anc_set_empty(&m->rows);
    }
    for (size_t i = 0; i < n; i++)
        gt[i] = anc_set_has(&m->positive, (uint32_t)anchor[i]) ? anc_match_gt(m, grid, anchor[i]) : -1;
    return ANC_OK;
}
