/* core/match_search.h: the search itself, for one floating type (included by match.c only)
 *
 * Cells: see grid.h. REAL, SUFFIX as in search_types.h; IOU is the type's definition from iou.h.
 */

/* Makes room in the trace for a visit of every cell. Memory that is not used is not touched. */
static bool SUFFIX(trace_reserve)(SUFFIX(anc_trace) * t, const anc_grid *grid)
{
    size_t blocks = 0;
    for (int32_t l = 0; l < grid->n_levels; l++) { /* a row's blocks, and one more wherever tiles meet */
        const anc_level *v = &grid->level[l];
        blocks += (size_t)v->n_shapes * (size_t)v->h * ((size_t)v->w / 8 + (size_t)v->w / 64 + 3);
    }
    if (blocks <= t->room) return true;
    free(t->cell);
    free(t->value);
    t->cell = malloc(blocks * sizeof *t->cell);
    t->value = malloc(8 * blocks * sizeof *t->value);
    t->room = t->cell && t->value ? blocks : 0;
    return t->room > 0;
}

static void SUFFIX(set_plane)(SUFFIX(anc_plane) * p, const anc_grid *grid, const anc_level *v, int32_t shape,
                              int32_t cell)
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
static REAL SUFFIX(likely_best)(const SUFFIX(anc_plane) * p, const SUFFIX(anc_query) * q,
                                const SUFFIX(anc_terms) * k, const anc_map *map)
{
    if (p->x_begin >= p->x_end || p->y_begin >= p->y_end) return 0;
    int32_t x = SUFFIX(nearest)((q->x1 + q->x2) / 2, (p->x1 + p->x2) / 2 + p->shift_x, p->stride_x,
                                p->x_begin, p->x_end);
    int32_t y = SUFFIX(nearest)((q->y1 + q->y2) / 2, (p->y1 + p->y2) / 2 + p->shift_y, p->stride_y,
                                p->y_begin, p->y_end);
    int32_t cell = p->cell + y * p->pitch + x, tile = map->tile_of[cell >> 6] - 1;
    if (tile >= 0 && map->BEST[tile][cell & 63] == ANC_EXCLUDED) return 0;
    REAL a[4], b[4] = { q->x1, q->y1, q->x2, q->y2 };
    SUFFIX(anchor_box)(p, y, x, a);
    return IOU(a, b, k->one, k->floor);
}

/* Visits all cells with an IoU of `iou` or more; gives the largest IoU, -1 if there is no cell. */
static REAL SUFFIX(visit_all)(anc_match *m, const SUFFIX(anc_loops) * loops, const SUFFIX(anc_terms) * k,
                              const SUFFIX(anc_query) * q, int32_t g, REAL iou)
{
    struct anc_match_scratch *s = m->more;
    SUFFIX(anc_trace) *t = &m->SUFFIX_TRACE;
    t->n = 0;
    REAL top = -1;
    for (int32_t i = 0; i < s->n_planes; i++) {
        if (s->SUFFIX_BOUND[i] < iou * (REAL)0.9999) continue;
        REAL v = loops->visit(&s->SUFFIX_PLANE[i], q, iou, k, g, &m->map, t);
        if (v > top) top = v;
    }
    return top;
}

/* The highest IoU of box q with an anchor that takes part, where it is below negative_iou and its cells were
 * not visited: any anchor's IoU bounds it from below. What the visit enters is below negative_iou, too. */
static REAL SUFFIX(best_below)(anc_match *m, const SUFFIX(anc_loops) * loops, const SUFFIX(anc_terms) * k,
                               const SUFFIX(anc_query) * q, int32_t g)
{
    struct anc_match_scratch *s = m->more;
    REAL reached = 0;
    for (int32_t i = 0; i < s->n_planes; i++)
        if (s->SUFFIX_BOUND[i] > reached) {
            REAL v = SUFFIX(likely_best)(&s->SUFFIX_PLANE[i], q, k, &m->map);
            if (v > reached) reached = v;
        }
    return SUFFIX(visit_all)(m, loops, k, q, g, reached);
}

/* The low-quality rule for box g, whose cells of IoU >= negative_iou have just been visited; *best is the
 * largest of them. Below negative_iou the best cells are still to be found; *best is theirs then. */
static anc_status SUFFIX(low_quality)(anc_match *m, const SUFFIX(anc_loops) * loops,
                                      const SUFFIX(anc_terms) * k, const anc_rules *r,
                                      const SUFFIX(anc_query) * q, int32_t g, REAL *best, anc_err *err)
{
    struct anc_match_scratch *s = m->more;
    REAL least = (REAL)r->match.low_quality_iou, top = *best;
    bool low = top < (REAL)r->match.negative_iou;
    if (low) {
        if (least >= (REAL)r->match.negative_iou) {
            m->n_unmatched++;
            return ANC_OK;
        }
        top = *best = SUFFIX(best_below)(m, loops, k, q, g);
    }
    if (!(top > 0) || top < least) {
        m->n_unmatched++;
        return ANC_OK;
    }
    SUFFIX(anc_trace) *t = &m->SUFFIX_TRACE;
    size_t room = (size_t)s->n_tie + 8 * t->n;
    if (room > INT32_MAX || !grow((void **)&s->tie, &s->tie_room, (int32_t)room, sizeof *s->tie))
        return out_of_memory(err);
    int32_t n = (int32_t)loops->equal(t, top, s->tie + s->n_tie);
    if (!grow((void **)&s->claim, &s->claim_room, s->n_claim + 1, sizeof *s->claim))
        return out_of_memory(err);
    s->claim[s->n_claim++] = (claim){ g, s->n_tie, n, low, (double)top };
    s->n_tie += n;
    return ANC_OK;
}

/* The boxes, the claim's own among them, whose IoU with one of its anchors may be as large as its own: those
 * within reach that are of a like size. w, h: the anchors' largest sides; area: their smallest. Ascending,
 * out [n_box]. */
static int32_t SUFFIX(rivals)(const struct anc_match_scratch *s, const SUFFIX(anc_loops) * loops,
                              const SUFFIX(anc_query) * q, int32_t n_box, const claim *c,
                              const SUFFIX(anc_terms) * k, REAL w, REAL h, REAL area, int32_t *out)
{
    const SUFFIX(anc_query) *own = &q[c->gt];
    const REAL around[4] = { own->x1 - w - k->one, own->y1 - h - k->one, own->x2 + w + k->one,
                             own->y2 + h + k->one };
    int32_t near = loops->near(s->SUFFIX_CORNER, s->room_boxes, n_box, around, out), n = 0;
    for (int32_t i = 0; i < near; i++) {
        const SUFFIX(anc_query) *b = &q[out[i]];
        REAL inter = (b->w < w ? b->w : w) * (b->h < h ? b->h : h), both = area + b->area - inter;
        out[n] = out[i];
        n += !(inter < (REAL)c->iou * (REAL)0.9999 * both); /* also when both <= 0 */
    }
    return n;
}

/* Whether a claimed cell's best box is still to be found: where its value is negative_iou or more, every box
 * that matters visited it; and what one claim has settled is so for all, however many boxes claim the cell.
 */
static bool SUFFIX(unsettled)(const anc_map *map, const anc_rules *r, int32_t cell)
{
    int32_t tile = map->tile_of[cell >> 6] - 1, at = cell & 63;
    return map->BEST[tile][at] < (REAL)r->match.negative_iou && map->arg[tile][at] >= 0;
}

/* A low-quality match below negative_iou may lie nearer to another box, which had no reason to visit it: find
 * the best box of each such cell among all that overlap the claim's cells. */
static void SUFFIX(settle)(anc_match *m, const SUFFIX(anc_loops) * loops, const SUFFIX(anc_terms) * k,
                           const anc_rules *r, const SUFFIX(anc_query) * q, int32_t n_box, const claim *c)
{
    struct anc_match_scratch *s = m->more;
    const int32_t *tie = s->tie + c->first;
    bool open = false;
    for (int32_t i = 0; i < c->n && !open; i++) open = SUFFIX(unsettled)(&m->map, r, tie[i]);
    if (!open) return;
    REAL w = 0, h = 0, least = 0; /* the claim's anchors: largest sides, and smallest area */
    for (int32_t i = 0, last = -1; i < c->n; i++) {
        int32_t p = m->map.plane_of[tie[i] >> 6];
        if (p == last) continue;
        last = p;
        const SUFFIX(anc_plane) *o = &s->SUFFIX_PLANE[p];
        REAL area = (o->w - k->slack) * (o->h - k->slack);
        w = o->w > w ? o->w : w;
        h = o->h > h ? o->h : h;
        least = i == 0 || area < least ? area : least;
    }
    int32_t n = SUFFIX(rivals)(s, loops, q, n_box, c, k, w + k->slack, h + k->slack, least, s->near);
    if (n < 2) return; /* nobody else is near */
    for (int32_t i = 0; i < c->n; i++) {
        if (!SUFFIX(unsettled)(&m->map, r, tie[i])) continue;
        int32_t *arg = &m->map.arg[m->map.tile_of[tie[i] >> 6] - 1][tie[i] & 63];
        const SUFFIX(anc_plane) *p = &s->SUFFIX_PLANE[m->map.plane_of[tie[i] >> 6]];
        REAL a[4];
        SUFFIX(anchor_box)(p, (tie[i] - p->cell) / p->pitch, (tie[i] - p->cell) % p->pitch, a);
        REAL best = -1;
        for (int32_t j = 0; j < n; j++) {
            const SUFFIX(anc_query) *b = &q[s->near[j]];
            REAL right = a[2] < b->x2 ? a[2] : b->x2, left = a[0] > b->x1 ? a[0] : b->x1;
            REAL bottom = a[3] < b->y2 ? a[3] : b->y2, top = a[1] > b->y1 ? a[1] : b->y1;
            if (!(right - left + k->one > 0 && bottom - top + k->one > 0)) continue; /* its IoU is 0 */
            REAL v = IOU(a, ((REAL[4]){ b->x1, b->y1, b->x2, b->y2 }), k->one, k->floor);
            if (v > best) {
                best = v;
                *arg = s->near[j];
            }
        }
        *arg |= INT32_MIN; /* as all claimed cells are marked in the end */
    }
}

static void SUFFIX(harvest_all)(anc_match *m, const SUFFIX(anc_loops) * loops, const anc_rules *r,
                                const anc_grid *grid)
{
    REAL positive_iou = (REAL)r->match.positive_iou, negative_iou = (REAL)r->match.negative_iou;
    int32_t n_positive = 0, n_held = loops->harvest(&m->map, positive_iou, negative_iou);
    if (grid->border != ANC_BORDER_KEEP) n_held = drop_outside(m, grid);
    for (int32_t tile = 0; tile < m->map.n; tile++) {
        uint64_t positive = m->map.positive[tile];
        if (!positive) continue;
        int32_t word = m->map.word[tile];
        const anc_cells *c = &grid->cells[m->map.plane_of[word]];
        int32_t anchor = c->anchor + (64 * word - c->cell) * c->step;
        for (; positive; positive &= positive - 1, n_positive++)
            anc_set_insert(&m->positive, (uint32_t)(anchor + __builtin_ctzll(positive) * c->step));
    }
    m->n_positive = n_positive;
    m->n_ignored = n_held - n_positive;
}

/* zero_overlap: some box overlaps nothing, so "as good as its best" holds for every anchor that misses it.
 * Such systems make those positive, with the matched box that argmax gives: the nearest, or box 0. Dense, as
 * there. */
static void SUFFIX(label_all)(anc_match *m, const SUFFIX(anc_loops) * loops, const SUFFIX(anc_terms) * k,
                              const anc_grid *grid, const SUFFIX(anc_query) * q, int32_t n_box)
{
    struct anc_match_scratch *s = m->more;
    anc_map *map = &m->map;
    for (int32_t w = 0; w < grid->n_cells / 64;
         w++) { /* forget what was seen so far, but for exclusions; visit all */
        int32_t tile = SUFFIX(anc_map_tile)(map, w);
        for (int i = 0; i < 64; i++)
            if (map->BEST[tile][i] != ANC_EXCLUDED) map->BEST[tile][i] = ANC_CLEAN;
        map->held[tile] = 0;
    }
    for (int32_t i = 0; i < s->n_planes; i++) s->SUFFIX_BOUND[i] = 1;
    for (int32_t g = 0; g < n_box; g++) SUFFIX(visit_all)(m, loops, k, &q[g], g, 0);
    for (int32_t i = 0; i < s->n_planes; i++) {
        const anc_cells *here = &grid->cells[i];
        for (int32_t c = 0; c < here->rows * here->pitch; c++) {
            int32_t a = here->anchor + c * here->step, cell = here->cell + c, at = cell & 63;
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
}

static anc_status SUFFIX(search)(anc_match *m, const SUFFIX(anc_loops) * loops, const anc_rules *r,
                                 const anc_grid *grid, const anc_box *box, int32_t n_box,
                                 const anc_box *crowd, int32_t n_crowd, anc_err *err)
{
    struct anc_match_scratch *s = m->more;
    anc_map *map = &m->map;
    float extent = grid->extent;
    lay_planes(m, grid);
    if (!SUFFIX(trace_reserve)(&m->SUFFIX_TRACE, grid)) return out_of_memory(err);
    for (int32_t g = 0; g < n_box; g++) extent = fmaxf(extent, box_extent(box[g]));
    SUFFIX(anc_terms)
    k = { .one = grid->legacy, .floor = (REAL)r->match.union_floor, .slack = (REAL)extent * (REAL)0x1p-21 };
    SUFFIX(anc_query) *q = s->SUFFIX_QUERY;
    for (int32_t i = 0, p = 0; i < grid->n_levels; i++)
        for (int32_t a = 0; a < grid->level[i].n_shapes; a++, p++) {
            SUFFIX(set_plane)(&s->SUFFIX_PLANE[p], grid, &grid->level[i], p, grid->cells[p].cell);
            s->SUFFIX_SIDE[0][p] = s->SUFFIX_PLANE[p].w;
            s->SUFFIX_SIDE[1][p] = s->SUFFIX_PLANE[p].h;
        }
    for (int32_t g = 0; g < n_box; g++) {
        q[g] = SUFFIX(query)(box[g], k.one);
        REAL *corner = s->SUFFIX_CORNER + g;
        corner[0] = q[g].x1;
        corner[s->room_boxes] = q[g].y1;
        corner[2 * s->room_boxes] = q[g].x2;
        corner[3 * s->room_boxes] = q[g].y2;
    }
    if (r->boxes.crowd == ANC_CROWD_EXCLUDE && n_box) {
        if (anc_crowd_cells(grid, crowd, n_crowd, (float)r->boxes.ignore_iof, &s->crowd, err))
            return err->code;
        for (int32_t i = 0; i < s->crowd.n; i++) {
            const anc_crowd_run *c = &s->crowd.run[i];
            int32_t first = grid->cells[c->shape].cell + c->position;
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
        loops->bounds(s->SUFFIX_SIDE[0], s->SUFFIX_SIDE[1], s->n_planes, &q[g], &k, s->SUFFIX_BOUND);
        REAL top = SUFFIX(visit_all)(m, loops, &k, &q[g], g, (REAL)r->match.negative_iou);
        bool low = r->match.low_quality != ANC_LOW_QUALITY_OFF;
        if (low && SUFFIX(low_quality)(m, loops, &k, r, &q[g], g, &top, err)) return err->code;
        if (!m->want_best) continue;
        /* low_quality looked below negative_iou unless it had no use for that */
        if (top < (REAL)r->match.negative_iou &&
            (!low || (REAL)r->match.low_quality_iou >= (REAL)r->match.negative_iou))
            top = SUFFIX(best_below)(m, loops, &k, &q[g], g);
        m->best_iou[g] = top > 0 ? (double)top : 0;
    }
    bool claims = r->match.low_quality == ANC_LOW_QUALITY_CLAIM;
    if (r->match.zero_overlap && m->n_unmatched) {
        SUFFIX(label_all)(m, loops, &k, grid, q, n_box);
        return ANC_OK;
    }
    for (int32_t i = 0; i < s->n_claim && !claims; i++)
        if (s->claim[i].low) SUFFIX(settle)(m, loops, &k, r, q, n_box, &s->claim[i]);
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
