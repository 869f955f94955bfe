/* core/match_search.h: the search itself, for one floating type (included by match.c only)
 *
 * Cells: see grid.h. REAL, SUFFIX as in search_types.h; IOU is the type's definition from iou.h, IS_F64 says
 * which type it is.
 */

/* Makes room in the trace for every cell of p in one more visit. */
static bool SUFFIX(trace_reserve)(SUFFIX(anc_trace) * t, const SUFFIX(anc_plane) * p)
{
    int32_t rows = p->y_end - p->y_begin, columns = p->x_end - p->x_begin;
    if (rows <= 0 || columns <= 0) return true;
    int32_t runs = rows * (columns / 64 + 2); /* a row is cut where tiles meet */
    size_t values = t->n_value + (size_t)rows * (size_t)columns + 7 * (size_t)runs;
    if (!grow((void **)&t->run, &t->run_room, t->n_run + runs, sizeof *t->run)) return false;
    if (values <= t->value_room) return true;
    values += values / 2;
    REAL *value = realloc(t->value, values * sizeof *value);
    if (!value) return false;
    t->value = value;
    t->value_room = values;
    return true;
}

static void SUFFIX(set_plane)(SUFFIX(anc_plane) * p, const anc_grid *grid, const anc_level *v, int32_t shape, int32_t cell)
{
    const double *b = grid->base[shape];
    const anc_window *w = &grid->window[shape];
    bool drop = grid->border == ANC_BORDER_DROP;
    REAL one = grid->legacy;
    *p = (SUFFIX(anc_plane)){
        .x1 = (REAL)b[0],
        .y1 = (REAL)b[1],
        .x2 = (REAL)b[2],
        .y2 = (REAL)b[3],
        .w = (REAL)b[2] - (REAL)b[0] + one,
        .h = (REAL)b[3] - (REAL)b[1] + one,
        .stride_x = (REAL)v->stride_x,
        .stride_y = (REAL)v->stride_y,
        .shift_x = (REAL)v->shift_x,
        .shift_y = (REAL)v->shift_y,
        .x_begin = drop ? w->x0 : 0,
        .x_end = drop ? w->x1 : v->w,
        .y_begin = drop ? w->y0 : 0,
        .y_end = drop ? w->y1 : v->h,
        .pitch = v->w,
        .cell = cell,
    };
}

static SUFFIX(anc_query) SUFFIX(query)(anc_box b, REAL one)
{
    REAL w = (REAL)b.x2 - (REAL)b.x1 + one, h = (REAL)b.y2 - (REAL)b.y1 + one;
    return (SUFFIX(anc_query)){ b.x1, b.y1, b.x2, b.y2, w, h, w * h };
}

/* The anchor's box at a plane's (y, x). */
static void SUFFIX(anchor_box)(const SUFFIX(anc_plane) * p, int32_t y, int32_t x, REAL a[4])
{
    REAL sx = (REAL)x * p->stride_x + p->shift_x, sy = (REAL)y * p->stride_y + p->shift_y;
    a[0] = p->x1 + sx;
    a[1] = p->y1 + sy;
    a[2] = p->x2 + sx;
    a[3] = p->y2 + sy;
}

static int32_t SUFFIX(nearest)(REAL centre, REAL base, REAL stride, int32_t begin, int32_t end)
{
    REAL at = (centre - base) / stride + (REAL)0.5;
    if (!(at > (REAL)begin)) return begin;
    return at < (REAL)end ? (int32_t)at : end - 1;
}

/* IoU of q with the plane's anchor whose centre is nearest to its own: some anchor reaches that much. */
static REAL SUFFIX(likely_best)(const SUFFIX(anc_plane) * p, const SUFFIX(anc_query) * q, const SUFFIX(anc_terms) * k,
                                const anc_map *map)
{
    if (p->x_begin >= p->x_end || p->y_begin >= p->y_end) return 0;
    int32_t x = SUFFIX(nearest)((q->x1 + q->x2) / 2, (p->x1 + p->x2) / 2 + p->shift_x, p->stride_x, p->x_begin, p->x_end);
    int32_t y = SUFFIX(nearest)((q->y1 + q->y2) / 2, (p->y1 + p->y2) / 2 + p->shift_y, p->stride_y, p->y_begin, p->y_end);
    int32_t cell = p->cell + y * p->pitch + x, tile = map->tile_of[cell >> 6] - 1;
    if (tile >= 0 && map->BEST[tile][cell & 63] == ANC_EXCLUDED) return 0;
    REAL a[4], b[4] = { q->x1, q->y1, q->x2, q->y2 };
    SUFFIX(anchor_box)(p, y, x, a);
    return IOU(a, b, k->one, k->floor);
}

/* Visits all cells with an IoU of `iou` or more; the largest IoU, -1 if no cell. */
static anc_status SUFFIX(visit_all)(anc_match *m, const SUFFIX(anc_loops) * loops, const SUFFIX(anc_terms) * k,
                                    const anc_grid *grid, const SUFFIX(anc_query) * q, int32_t g, REAL iou, REAL *top,
                                    anc_err *err)
{
    struct anc_match_scratch *s = m->more;
    SUFFIX(anc_trace) *t = &m->SUFFIX_TRACE;
    t->n_run = 0;
    t->n_value = 0;
    *top = -1;
    for (int32_t i = 0; i < s->n_planes; i++) {
        if (s->SUFFIX_BOUND[i] < iou * (REAL)0.9999) continue;
        if (!SUFFIX(trace_reserve)(t, &s->SUFFIX_PLANE[i]) || !reserve_tiles(&m->map, words_of(grid, i), IS_F64))
            return out_of_memory(err);
        REAL v = loops->visit(&s->SUFFIX_PLANE[i], q, iou, k, g, &m->map, t);
        if (v > *top) *top = v;
    }
    return ANC_OK;
}

/* The low-quality rule for box g, whose cells of IoU >= negative_iou have just been visited; top is the best of
 * them. Below negative_iou the best cells are still to be found: any anchor's IoU bounds the best from below. */
static anc_status SUFFIX(low_quality)(anc_match *m, const SUFFIX(anc_loops) * loops, const SUFFIX(anc_terms) * k,
                                      const anc_rules *r, const anc_grid *grid, const SUFFIX(anc_query) * q, int32_t g,
                                      REAL top, anc_err *err)
{
    struct anc_match_scratch *s = m->more;
    REAL least = (REAL)r->match.low_quality_iou;
    bool low = top < (REAL)r->match.negative_iou;
    if (low) {
        if (least >= (REAL)r->match.negative_iou) {
            m->n_unmatched++;
            return ANC_OK;
        }
        REAL reached = 0;
        for (int32_t i = 0; i < s->n_planes; i++)
            if (s->SUFFIX_BOUND[i] > reached) {
                REAL v = SUFFIX(likely_best)(&s->SUFFIX_PLANE[i], q, k, &m->map);
                if (v > reached) reached = v;
            }
        if (SUFFIX(visit_all)(m, loops, k, grid, q, g, reached, &top, err)) return err->code;
    }
    if (!(top > 0) || top < least) {
        m->n_unmatched++;
        return ANC_OK;
    }
    SUFFIX(anc_trace) *t = &m->SUFFIX_TRACE;
    size_t room = (size_t)s->n_tie + t->n_value;
    if (room > INT32_MAX || !grow((void **)&s->tie, &s->tie_room, (int32_t)room, sizeof *s->tie)) return out_of_memory(err);
    int32_t n = (int32_t)loops->equal(t, top, s->tie + s->n_tie);
    if (!grow((void **)&s->claim, &s->claim_room, s->n_claim + 1, sizeof *s->claim)) return out_of_memory(err);
    s->claim[s->n_claim++] = (claim){ g, s->n_tie, n, low };
    s->n_tie += n;
    return ANC_OK;
}

/* Indices of the n boxes that overlap b (x1, y1, x2, y2), ascending; out [n]. Returns how many. */
static int32_t SUFFIX(overlapping)(const SUFFIX(anc_query) * q, int32_t n, const REAL b[4], int32_t *out)
{
    int32_t m = 0;
    for (int32_t i = 0; i < n; i++) {
        out[m] = i;
        m += q[i].x1 < b[2] && q[i].x2 > b[0] && q[i].y1 < b[3] && q[i].y2 > b[1];
    }
    return m;
}

/* A low-quality match below negative_iou may lie nearer to another box, which had no reason to visit it: find
 * the best box of each such cell among all that overlap the claim's cells. */
static void SUFFIX(settle)(anc_match *m, const SUFFIX(anc_terms) * k, const anc_rules *r, const anc_grid *grid,
                           const SUFFIX(anc_query) * q, int32_t n_box, const claim *c)
{
    struct anc_match_scratch *s = m->more;
    const int32_t *tie = s->tie + c->first;
    REAL w = 0, h = 0; /* the largest sides of the claim's anchors, all of which overlap the box */
    for (int32_t i = 0, p = -1; i < c->n; i++) {
        if (p >= 0 && tie[i] >= grid->cell[p] && (p + 1 == s->n_planes || tie[i] < grid->cell[p + 1])) continue;
        p = plane_at(s, grid, tie[i]);
        w = s->SUFFIX_PLANE[p].w > w ? s->SUFFIX_PLANE[p].w : w;
        h = s->SUFFIX_PLANE[p].h > h ? s->SUFFIX_PLANE[p].h : h;
    }
    w += k->one + k->slack;
    h += k->one + k->slack;
    const SUFFIX(anc_query) *own = &q[c->gt];
    const REAL around[4] = { own->x1 - w, own->y1 - h, own->x2 + w, own->y2 + h };
    int32_t n = SUFFIX(overlapping)(q, n_box, around, s->near);
    if (n < 2) return; /* nobody else is near */
    for (int32_t i = 0, p = 0; i < c->n; i++) {
        int32_t tile = m->map.tile_of[tie[i] >> 6] - 1, at = tie[i] & 63;
        if (m->map.BEST[tile][at] >= (REAL)r->match.negative_iou) continue; /* every box that matters visited it */
        if (tie[i] < grid->cell[p] || (p + 1 < s->n_planes && tie[i] >= grid->cell[p + 1])) p = plane_at(s, grid, tie[i]);
        int32_t position = tie[i] - grid->cell[p];
        REAL a[4];
        SUFFIX(anchor_box)(&s->SUFFIX_PLANE[p], position / s->index[p].pitch, position % s->index[p].pitch, a);
        REAL best = -1;
        for (int32_t j = 0; j < n; j++) {
            const SUFFIX(anc_query) *b = &q[s->near[j]];
            REAL v = IOU(a, ((REAL[4]){ b->x1, b->y1, b->x2, b->y2 }), k->one, k->floor);
            if (v > best) {
                best = v;
                m->map.arg[tile][at] = s->near[j];
            }
        }
    }
}

static void SUFFIX(harvest_all)(anc_match *m, const SUFFIX(anc_loops) * loops, const anc_rules *r, const anc_grid *grid)
{
    struct anc_match_scratch *s = m->more;
    REAL positive_iou = (REAL)r->match.positive_iou, negative_iou = (REAL)r->match.negative_iou;
    int32_t n_positive = 0, n_held = 0;
    for (int32_t tile = 0; tile < m->map.n; tile++) {
        int32_t n_here = 0, cell = 64 * m->map.word[tile];
        uint64_t positive = loops->harvest(&m->map, tile, positive_iou, negative_iou, &n_here);
        if (!n_here || (!positive && grid->border == ANC_BORDER_KEEP)) {
            n_held += n_here;
            continue;
        }
        int32_t p = plane_at(s, grid, cell);
        if (grid->border != ANC_BORDER_KEEP) { /* those outside count as the border's */
            uint64_t inside = inside_window(grid, p, &s->index[p], cell, m->map.held[tile]);
            positive &= inside;
            n_here = __builtin_popcountll(m->map.held[tile] & inside);
        }
        n_held += n_here;
        int32_t step = s->index[p].n_shapes, anchor = s->index[p].first + (cell - grid->cell[p]) * step;
        for (uint64_t b = positive; b; b &= b - 1, n_positive++)
            anc_set_insert(&m->positive, (uint32_t)(anchor + __builtin_ctzll(b) * step));
    }
    m->n_positive = n_positive;
    m->n_ignored = n_held - n_positive;
}

/* zero_overlap: some box overlaps nothing, so "as good as its best" holds for every anchor that misses it. Such
 * systems make those positive, with the matched box that argmax gives: the nearest, or box 0. Dense, as there. */
static anc_status SUFFIX(label_all)(anc_match *m, const SUFFIX(anc_loops) * loops, const SUFFIX(anc_terms) * k,
                                    const anc_grid *grid, const SUFFIX(anc_query) * q, int32_t n_box, anc_err *err)
{
    struct anc_match_scratch *s = m->more;
    anc_map *map = &m->map;
    if (!reserve_tiles(map, map->n_words, IS_F64)) return out_of_memory(err);
    for (int32_t w = 0; w < map->n_words; w++) { /* forget what was seen so far, but for exclusions; visit all */
        int32_t tile = SUFFIX(anc_map_tile)(map, w);
        for (int i = 0; i < 64; i++)
            if (map->BEST[tile][i] != ANC_EXCLUDED) map->BEST[tile][i] = ANC_CLEAN;
        map->held[tile] = 0;
    }
    for (int32_t i = 0; i < s->n_planes; i++) s->SUFFIX_BOUND[i] = 1;
    for (int32_t g = 0; g < n_box; g++) {
        REAL top;
        if (SUFFIX(visit_all)(m, loops, k, grid, &q[g], g, 0, &top, err)) return err->code;
    }
    for (int32_t i = 0; i < s->n_planes; i++) {
        for (int32_t c = 0; c < s->index[i].rows * s->index[i].pitch; c++) {
            int32_t a = s->index[i].first + c * s->index[i].n_shapes, cell = grid->cell[i] + c, at = cell & 63;
            int32_t tile = map->tile_of[cell >> 6] - 1;
            if (anc_grid_outside(grid, a)) continue;
            map->held[tile] |= 1ULL << at;
            if (map->BEST[tile][at] == ANC_EXCLUDED) {
                m->n_ignored++;
                continue;
            }
            if (!(map->BEST[tile][at] > 0)) map->arg[tile][at] = 0;
            anc_set_insert(&m->positive, (uint32_t)a);
            m->n_positive++;
        }
    }
    return ANC_OK;
}

static anc_status SUFFIX(search)(anc_match *m, const SUFFIX(anc_loops) * loops, const anc_rules *r, const anc_grid *grid,
                                 const anc_box *box, int32_t n_box, const anc_box *crowd, int32_t n_crowd, anc_err *err)
{
    struct anc_match_scratch *s = m->more;
    anc_map *map = &m->map;
    float extent = lay_planes(m, grid);
    for (int32_t g = 0; g < n_box; g++) extent = fmaxf(extent, box_extent(box[g]));
    SUFFIX(anc_terms) k = { .one = grid->legacy, .floor = (REAL)r->match.union_floor, .slack = (REAL)extent * (REAL)0x1p-21 };
    SUFFIX(anc_query) *q = s->SUFFIX_QUERY;
    for (int32_t i = 0, p = 0; i < grid->n_levels; i++)
        for (int32_t a = 0; a < grid->level[i].n_shapes; a++, p++) {
            SUFFIX(set_plane)(&s->SUFFIX_PLANE[p], grid, &grid->level[i], p, grid->cell[p]);
            s->SUFFIX_SIDE[0][p] = s->SUFFIX_PLANE[p].w;
            s->SUFFIX_SIDE[1][p] = s->SUFFIX_PLANE[p].h;
        }
    for (int32_t g = 0; g < n_box; g++) q[g] = SUFFIX(query)(box[g], k.one);
    if (r->boxes.crowd == ANC_CROWD_EXCLUDE && n_box) {
        if (anc_crowd_cells(grid, crowd, n_crowd, (float)r->boxes.ignore_iof, &s->crowd, err)) return err->code;
        for (int32_t i = 0; i < s->crowd.n; i++) {
            const anc_crowd_run *c = &s->crowd.run[i];
            int32_t first = grid->cell[c->shape] + c->position;
            if (!reserve_tiles(map, c->n / 64 + 2, IS_F64)) return out_of_memory(err);
            for (int32_t cell = first; cell < first + c->n; cell++) {
                int32_t tile = SUFFIX(anc_map_tile)(map, cell >> 6);
                map->BEST[tile][cell & 63] = ANC_EXCLUDED;
                map->touched[tile] |= 1ULL << (cell & 63);
            }
        }
    }
    s->n_tie = 0;
    s->n_claim = 0;
    for (int32_t g = 0; g < n_box; g++) {
        REAL top;
        loops->bounds(s->SUFFIX_SIDE[0], s->SUFFIX_SIDE[1], s->n_planes, &q[g], &k, s->SUFFIX_BOUND);
        if (SUFFIX(visit_all)(m, loops, &k, grid, &q[g], g, (REAL)r->match.negative_iou, &top, err)) return err->code;
        if (r->match.low_quality == ANC_LOW_QUALITY_OFF) continue;
        if (SUFFIX(low_quality)(m, loops, &k, r, grid, &q[g], g, top, err)) return err->code;
    }
    bool claims = r->match.low_quality == ANC_LOW_QUALITY_CLAIM;
    if (r->match.zero_overlap && m->n_unmatched && r->match.low_quality_iou <= 0)
        return SUFFIX(label_all)(m, loops, &k, grid, q, n_box, err);
    for (int32_t i = 0; i < s->n_claim && !claims; i++)
        if (s->claim[i].low) SUFFIX(settle)(m, &k, r, grid, q, n_box, &s->claim[i]);
    for (int32_t i = 0; i < s->n_claim; i++) {
        const claim *c = &s->claim[i];
        for (int32_t j = c->first; j < c->first + c->n; j++) {
            int32_t *arg = &map->arg[map->tile_of[s->tie[j] >> 6] - 1][s->tie[j] & 63];
            *arg = (claims ? c->gt : *arg) | INT32_MIN;
        }
    }
    SUFFIX(harvest_all)(m, loops, r, grid);
    return ANC_OK;
}
