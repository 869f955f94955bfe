/* core/search_types.h: types of the matching loops, for one floating type (included by kernels.h only)
 *
 * REAL is float or double, SUFFIX(x) is x_f32 or x_f64, BEST the map's array of that type.
 */

/* One anchor shape of one level: a plane of h x w cells, one per grid position. */
typedef struct {
    REAL x1, y1, x2, y2;                    /* the base box */
    REAL w, h;                              /* its sides, inclusive of `one` */
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
    REAL one;   /* 1 when corners are inclusive, else 0 */
    REAL floor; /* the least union */
    REAL slack; /* px, no less than the error of a rounded coordinate or side */
} SUFFIX(anc_terms);

/* The tile of cells [64 word, 64 word + 64), a clean new one if need be. The caller has made room. */
static inline int32_t SUFFIX(anc_map_tile)(anc_map *m, int32_t word)
{
    int32_t tile = m->tile_of[word] - 1;
    if (tile >= 0) return tile;
    tile = m->n++;
    m->tile_of[word] = tile + 1;
    m->word[tile] = word;
    m->touched[tile] = 0;
    for (int i = 0; i < ANC_TILE; i++) m->BEST[tile][i] = ANC_CLEAN;
    return tile;
}

/* The cells that one box has visited, and their IoU with it, in blocks of up to eight neighbours. */
typedef struct {
    int32_t *cell; /* [n] a block's first cell */
    REAL *value;   /* [8 n] a block's values, filled up with -1 */
    size_t n, room;
} SUFFIX(anc_trace);

typedef struct {
    /* Upper bounds on the IoU of q with any anchor of each of n shapes of sides w and h: bound [n]. */
    void (*bounds)(const REAL *w, const REAL *h, int32_t n, const SUFFIX(anc_query) * q,
                   const SUFFIX(anc_terms) * k, REAL *bound);
    /* Visits every cell of p whose IoU with q may be `iou` or more (never fewer; a few more): computes it,
     * appends it to the trace and enters it as box g where it is larger than the cell's best. Returns the
     * largest, -1 when there was no cell. The trace must have room for the plane (trace_reserve in
     * match_search.h). */
    REAL(*visit)
    (const SUFFIX(anc_plane) * p, const SUFFIX(anc_query) * q, REAL iou, const SUFFIX(anc_terms) * k,
     int32_t g, anc_map *map, SUFFIX(anc_trace) * t);
    /* Writes the cells of the trace whose value equals x; out has room for all. Returns how many. */
    size_t (*equal)(const SUFFIX(anc_trace) * t, REAL x, int32_t *out);
    /* Of every tile: sets held, and positive to those of its cells that are; returns the number of held
     * cells. */
    int32_t (*harvest)(anc_map *map, REAL positive_iou, REAL negative_iou);
    /* Indices of the boxes that overlap b (x1, y1, x2, y2), ascending; corner [4][room]: x1, y1, x2, y2 of n
     * boxes, room a multiple of 8; out [n + 8]. Returns how many. */
    int32_t (*near)(const REAL *corner, int32_t room, int32_t n, const REAL b[4], int32_t *out);
    /* Enters box g, by its number, wherever its IoU with one of n boxes is larger than what that one has:
     * best and arg [room]; column [5][room]: x1, y1, x2, y2 and area of the n boxes, room a multiple of 8.
     * What stands behind n is of no meaning, before and after. */
    void (*enter)(const REAL *column, int32_t room, int32_t n, const SUFFIX(anc_query) * q,
                  const SUFFIX(anc_terms) * k, int32_t g, REAL *best, int32_t *arg);
} SUFFIX(anc_loops);
