/* core/match_loops_tmpl.h: types of the matching loops, for one floating type (included by match_loops.h
 * only)
 *
 * REAL is float or double, SUFFIX(x) is x_f32 or x_f64.
 */

/* One anchor shape of one level: a plane of h x w cells, one per grid position. */
typedef struct {
    REAL x1, y1, x2, y2;                    /* the base box */
    REAL w, h;                              /* its sides, legacy offset included */
    REAL stride_x, stride_y;                /* px */
    REAL shift_x, shift_y;                  /* px */
    int32_t x_begin, x_end, y_begin, y_end; /* positions that take part */
    int32_t pitch;                          /* cells per grid row */
    int32_t cell;                           /* the plane's first cell, a multiple of 64 */
} SUFFIX(anc_plane);

/* A box with what every IoU needs of it. */
typedef struct {
    REAL x1, y1, x2, y2, w, h, area;
} SUFFIX(anc_query);

/* What distinguishes rule sets, as numbers, so that the loops have no branches for it. */
typedef struct {
    REAL legacy_offset; /* 1 when corners are inclusive, else 0 */
    REAL eps;           /* the least union area that an IoU is divided by */
    REAL slack;         /* px, no less than the error of a rounded coordinate or side */
} SUFFIX(anc_terms);

/* The tile of cells [64 word, 64 word + 64), a clean new one if need be. The caller has reserved them all. */
static inline int32_t SUFFIX(anc_map_touch)(anc_map *m, int32_t word)
{
    int32_t tile = m->tile_of[word] - 1;
    if (tile >= 0) return tile;
    tile = m->n++;
    m->tile_of[word] = tile + 1;
    m->word[tile] = word;
    m->touched[tile] = 0;
    for (int i = 0; i < ANC_TILE; i++) m->SUFFIX(best)[tile][i] = ANC_CLEAN;
    return tile;
}

/* The cells that one box has visited, and their IoU with it, in blocks of up to eight neighbours. */
typedef struct {
    int32_t *cell; /* [n] a block's first cell */
    REAL *value;   /* [8 n] a block's values, filled up with -1 */
    size_t n, capacity;
} SUFFIX(anc_visited);

typedef struct {
    /* Upper bounds on the IoU of q with any anchor of each of n shapes of sides w and h: bound [n]. */
    void (*bounds)(const REAL *w, const REAL *h, int32_t n, const SUFFIX(anc_query) * q,
                   const SUFFIX(anc_terms) * k, REAL *bound);
    /* Visits every cell of p whose IoU with q may be `iou` or more (never fewer; a few more): computes it,
     * appends it to the visited cells and enters it as box g where it is larger than the cell's best. Returns
     * the largest, -1 when there was no cell. The caller has reserved what the plane may need of v. */
    REAL(*visit)
    (const SUFFIX(anc_plane) * p, const SUFFIX(anc_query) * q, REAL iou, const SUFFIX(anc_terms) * k,
     int32_t g, anc_map *map, SUFFIX(anc_visited) * v);
    /* Writes the visited cells whose value equals x; out [8 v->n]. Returns how many. */
    size_t (*equal)(const SUFFIX(anc_visited) * v, REAL x, int32_t *out);
    /* Of every tile: notes which of its cells are non-negative, and which positive; returns the number of the
     * former. */
    int32_t (*threshold)(anc_map *map, REAL positive_iou, REAL negative_iou);
    /* Indices of the boxes that overlap b (x1, y1, x2, y2), ascending; corner [4][capacity]: x1, y1, x2, y2
     * of n boxes, capacity a multiple of 8; out [n + 8]. Returns how many. */
    int32_t (*near)(const REAL *corner, int32_t capacity, int32_t n, const REAL b[4], int32_t *out);
    /* Enters box g, by its number, wherever its IoU with one of n boxes is larger than what that one has:
     * best and arg [capacity]; column [5][capacity]: x1, y1, x2, y2 and area of the n boxes, capacity a
     * multiple of 8. What stands behind n is of no meaning, before and after. */
    void (*enter)(const REAL *column, int32_t capacity, int32_t n, const SUFFIX(anc_query) * q,
                  const SUFFIX(anc_terms) * k, int32_t g, REAL *best, int32_t *arg);
} SUFFIX(anc_loops);
