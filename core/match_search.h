/* core/match_search.h: the search itself, for one floating type (included by match.c only)
 *
 * Cells are anchors numbered plane by plane (a plane is one shape of one level), so that neighbours in x are
 * neighbours in memory. REAL, SUFFIX as in search_types.h; IOU is the type's definition from iou.h.
 */

/* Makes room for every cell of p in one more visit. */
static bool SUFFIX(trace_reserve)(SUFFIX(anc_trace) * t, const SUFFIX(anc_plane) * p)
{
    int32_t rows = p->y_end - p->y_begin, columns = p->x_end - p->x_begin;
    if (rows <= 0 || columns <= 0) return true;
    size_t values = t->n_value + (size_t)rows * (size_t)((columns + 7) & ~7);
    if (!grow((void **)&t->run, &t->run_room, t->n_run + rows, sizeof *t->run)) return false;
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
                                const SUFFIX(anc_map) * map)
{
    if (p->x_begin >= p->x_end || p->y_begin >= p->y_end) return 0;
    int32_t x = SUFFIX(nearest)((q->x1 + q->x2) / 2, (p->x1 + p->x2) / 2 + p->shift_x, p->stride_x, p->x_begin, p->x_end);
    int32_t y = SUFFIX(nearest)((q->y1 + q->y2) / 2, (p->y1 + p->y2) / 2 + p->shift_y, p->stride_y, p->y_begin, p->y_end);
    if (map->best[p->cell + y * p->pitch + x] == ANC_EXCLUDED) return 0;
    REAL a[4], b[4] = { q->x1, q->y1, q->x2, q->y2 };
    SUFFIX(anchor_box)(p, y, x, a);
    return IOU(a, b, k->one, k->floor);
}

/* Visits all cells with an IoU of `iou` or more; the largest IoU, -1 if no cell. */
static anc_status SUFFIX(visit_all)(anc_match *m, const SUFFIX(anc_loops) * loops, const SUFFIX(anc_terms) * k,
                                    const SUFFIX(anc_query) * q, int32_t g, REAL iou, REAL *top, anc_err *err)
{
    struct anc_match_scratch *s = m->more;
    SUFFIX(anc_trace) *t = &m->SUFFIX_TRACE;
    t->n_run = 0;
    t->n_value = 0;
    *top = -1;
    for (int32_t i = 0; i < s->n_planes; i++) {
        if (s->SUFFIX_BOUND[i] < iou * (REAL)0.9999) continue;
        if (!SUFFIX(trace_reserve)(t, &s->SUFFIX_PLANE[i])) return out_of_memory(err);
        REAL v = loops->visit(&s->SUFFIX_PLANE[i], q, iou, k, g, &m->SUFFIX_MAP, t);
        if (v > *top) *top = v;
    }
    return ANC_OK;
}

/* The low-quality rule for box g, whose cells of IoU >= negative_iou have just been visited; top is the best of
 * them. Below negative_iou the best cells are still to be found: any anchor's IoU bounds the best from below. */
static anc_status SUFFIX(low_quality)(anc_match *m, const SUFFIX(anc_loops) * loops, const SUFFIX(anc_terms) * k,
                                      const anc_rules *r, const SUFFIX(anc_query) * q, int32_t g, REAL top, anc_err *err)
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
                REAL v = SUFFIX(likely_best)(&s->SUFFIX_PLANE[i], q, k, &m->SUFFIX_MAP);
                if (v > reached) reached = v;
            }
        if (SUFFIX(visit_all)(m, loops, k, q, g, reached, &top, err)) return err->code;
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
static void SUFFIX(settle)(anc_match *m, const SUFFIX(anc_terms) * k, const anc_rules *r, const SUFFIX(anc_query) * q,
                           int32_t n_box, const claim *c)
{
    struct anc_match_scratch *s = m->more;
    const int32_t *tie = s->tie + c->first;
    REAL around[4] = { 0, 0, 0, 0 }, a[4];
    for (int32_t i = 0, p = 0; i < c->n; i++) {
        int32_t y, x;
        p = plane_of(s, p, tie[i], &y, &x);
        SUFFIX(anchor_box)(&s->SUFFIX_PLANE[p], y, x, a);
        for (int e = 0; e < 4; e++)
            if (i == 0 || (e < 2 ? a[e] < around[e] : a[e] > around[e])) around[e] = a[e];
    }
    for (int e = 0; e < 4; e++) around[e] += e < 2 ? -k->one : k->one;
    int32_t n = SUFFIX(overlapping)(q, n_box, around, s->near);
    for (int32_t i = 0, p = 0; i < c->n; i++) {
        if (m->SUFFIX_MAP.best[tie[i]] >= (REAL)r->match.negative_iou) continue; /* every box that matters visited it */
        int32_t y, x;
        p = plane_of(s, p, tie[i], &y, &x);
        SUFFIX(anchor_box)(&s->SUFFIX_PLANE[p], y, x, a);
        REAL best = -1;
        for (int32_t j = 0; j < n; j++) {
            const SUFFIX(anc_query) *b = &q[s->near[j]];
            REAL v = IOU(a, ((REAL[4]){ b->x1, b->y1, b->x2, b->y2 }), k->one, k->floor);
            if (v > best) {
                best = v;
                m->SUFFIX_MAP.arg[tie[i]] = s->near[j];
            }
        }
    }
}

static void SUFFIX(harvest_all)(anc_match *m, const SUFFIX(anc_loops) * loops, const anc_rules *r, const anc_grid *grid)
{
    struct anc_match_scratch *s = m->more;
    SUFFIX(anc_map) *map = &m->SUFFIX_MAP;
    REAL positive_iou = (REAL)r->match.positive_iou, negative_iou = (REAL)r->match.negative_iou;
    int32_t p = 0, n_positive = 0, n_held = 0;
    for (size_t u = 0; u < map->touched.n_summary; u++) {
        for (uint64_t us = map->touched.summary[u]; us; us &= us - 1) {
            size_t w = 64 * u + (size_t)__builtin_ctzll(us);
            int32_t cell = (int32_t)(64 * w);
            uint64_t positive, held;
            loops->harvest(map, cell, map->touched.word[w], positive_iou, negative_iou, &positive, &held);
            map->touched.word[w] = 0;
            while (p + 1 < s->n_planes && cell >= s->SUFFIX_PLANE[p + 1].cell) p++;
            const plane_index *at = &s->index[p];
            int32_t anchor = at->first + (cell - s->SUFFIX_PLANE[p].cell) * at->n_shapes;
            for (uint64_t b = held & ~positive; b; b &= b - 1) {
                int32_t a = anchor + __builtin_ctzll(b) * at->n_shapes;
                if (anc_grid_outside(grid, a)) continue; /* counted with the border's */
                anc_set_insert(&m->not_negative, (uint32_t)a);
                n_held++;
            }
            for (uint64_t b = positive; b; b &= b - 1) {
                int i = __builtin_ctzll(b);
                int32_t a = anchor + i * at->n_shapes;
                if (grid->border == ANC_BORDER_IGNORE && anc_grid_outside(grid, a)) continue;
                anc_set_insert(&m->not_negative, (uint32_t)a);
                anc_set_insert(&m->positive, (uint32_t)a);
                m->gt_of[a] = map->arg[cell + i] & INT32_MAX;
                n_positive++;
            }
        }
        map->touched.summary[u] = 0;
    }
    m->n_positive = n_positive;
    m->n_ignored = n_held;
}

/* zero_overlap: some box overlaps nothing, so "as good as its best" holds for every anchor that misses it. Such
 * systems make those positive, with the matched box that argmax gives: the nearest, or box 0. Dense, as there. */
static anc_status SUFFIX(label_all)(anc_match *m, const SUFFIX(anc_loops) * loops, const SUFFIX(anc_terms) * k,
                                    const anc_grid *grid, const SUFFIX(anc_query) * q, int32_t n_box, anc_err *err)
{
    struct anc_match_scratch *s = m->more;
    SUFFIX(anc_map) *map = &m->SUFFIX_MAP;
    for (int32_t i = 0; i < s->n_planes; i++) { /* forget what was seen so far, but for exclusions; visit all */
        const SUFFIX(anc_plane) *p = &s->SUFFIX_PLANE[i];
        s->SUFFIX_BOUND[i] = 1;
        for (int32_t cell = p->cell; cell < p->cell + p->pitch * s->index[i].rows; cell++)
            if (map->best[cell] != ANC_EXCLUDED) map->best[cell] = ANC_CLEAN;
    }
    for (int32_t g = 0; g < n_box; g++) {
        REAL top;
        if (SUFFIX(visit_all)(m, loops, k, &q[g], g, 0, &top, err)) return err->code;
    }
    for (int32_t i = 0; i < s->n_planes; i++) {
        const SUFFIX(anc_plane) *p = &s->SUFFIX_PLANE[i];
        for (int32_t c = 0; c < s->index[i].rows * p->pitch; c++) {
            int32_t a = s->index[i].first + c * s->index[i].n_shapes;
            REAL best = map->best[p->cell + c];
            map->best[p->cell + c] = ANC_CLEAN;
            if (anc_grid_outside(grid, a)) continue;
            anc_set_insert(&m->not_negative, (uint32_t)a);
            if (best == ANC_EXCLUDED) {
                m->n_ignored++;
                continue;
            }
            anc_set_insert(&m->positive, (uint32_t)a);
            m->gt_of[a] = best > 0 ? map->arg[p->cell + c] & INT32_MAX : 0;
            m->n_positive++;
        }
    }
    anc_set_empty(&map->touched);
    return ANC_OK;
}

static anc_status SUFFIX(search)(anc_match *m, const SUFFIX(anc_loops) * loops, const anc_rules *r, const anc_grid *grid,
                                 const anc_box *box, int32_t n_box, const anc_box *crowd, int32_t n_crowd, anc_err *err)
{
    struct anc_match_scratch *s = m->more;
    SUFFIX(anc_map) *map = &m->SUFFIX_MAP;
    float extent = lay_planes(m, grid);
    for (int32_t g = 0; g < n_box; g++) extent = fmaxf(extent, box_extent(box[g]));
    SUFFIX(anc_terms) k = { .one = grid->legacy, .floor = (REAL)r->match.union_floor, .slack = (REAL)extent * (REAL)0x1p-21 };
    SUFFIX(anc_query) *q = s->SUFFIX_QUERY;
    for (int32_t i = 0, p = 0; i < grid->n_levels; i++)
        for (int32_t a = 0; a < grid->level[i].n_shapes; a++, p++) {
            SUFFIX(set_plane)(&s->SUFFIX_PLANE[p], grid, &grid->level[i], p, s->index[p].cell);
            s->SUFFIX_SIDE[0][p] = s->SUFFIX_PLANE[p].w;
            s->SUFFIX_SIDE[1][p] = s->SUFFIX_PLANE[p].h;
        }
    for (int32_t g = 0; g < n_box; g++) q[g] = SUFFIX(query)(box[g], k.one);
    if (r->boxes.crowd == ANC_CROWD_EXCLUDE && n_box) {
        if (anc_crowd_cells(grid, crowd, n_crowd, (float)r->boxes.ignore_iof, &s->crowd, err)) return err->code;
        for (int32_t i = 0; i < s->crowd.n; i++) {
            const anc_crowd_run *c = &s->crowd.run[i];
            int32_t cell = s->index[c->shape].cell + c->position;
            for (int32_t j = 0; j < c->n; j++) map->best[cell + j] = ANC_EXCLUDED;
            anc_set_insert_run(&map->touched, (uint32_t)cell, (uint32_t)c->n);
        }
    }
    s->n_tie = 0;
    s->n_claim = 0;
    for (int32_t g = 0; g < n_box; g++) {
        REAL top;
        loops->bounds(s->SUFFIX_SIDE[0], s->SUFFIX_SIDE[1], s->n_planes, &q[g], &k, s->SUFFIX_BOUND);
        if (SUFFIX(visit_all)(m, loops, &k, &q[g], g, (REAL)r->match.negative_iou, &top, err)) return err->code;
        if (r->match.low_quality == ANC_LOW_QUALITY_OFF) continue;
        if (SUFFIX(low_quality)(m, loops, &k, r, &q[g], g, top, err)) return err->code;
    }
    bool claims = r->match.low_quality == ANC_LOW_QUALITY_CLAIM;
    if (r->match.zero_overlap && m->n_unmatched && r->match.low_quality_iou <= 0)
        return SUFFIX(label_all)(m, loops, &k, grid, q, n_box, err);
    for (int32_t i = 0; i < s->n_claim && !claims; i++)
        if (s->claim[i].low) SUFFIX(settle)(m, &k, r, q, n_box, &s->claim[i]);
    for (int32_t i = 0; i < s->n_claim; i++) {
        const claim *c = &s->claim[i];
        for (int32_t j = c->first; j < c->first + c->n; j++)
            map->arg[s->tie[j]] = (claims ? c->gt : map->arg[s->tie[j]]) | INT32_MIN;
    }
    SUFFIX(harvest_all)(m, loops, r, grid);
    return ANC_OK;
}
