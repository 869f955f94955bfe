/* core/match_tmpl.h: the search for the anchors that matter, for one floating type (included by match.c only)
 *
 * REAL is float or double, SUFFIX(x) is x_f32 or x_f64. docs/METHOD.md, "Finding the few anchors that
 * matter".
 */

/* What the steps of one search share. */
typedef struct {
    anc_match *m;
    struct anc_match_scratch *s;
    const SUFFIX(anc_loops) * loops;
    const anc_match_input *in;
    SUFFIX(anc_terms) terms;
} SUFFIX(search_context);

/* Reserves what a visit of every cell would note. Memory that is not used is not touched. */
static bool SUFFIX(reserve_visited)(SUFFIX(anc_visited) * v, const anc_grid *grid)
{
    size_t blocks = 0;
    for (int32_t i = 0; i < grid->n_levels; i++) { /* a row's blocks, and one more wherever tiles meet */
        const anc_level *l = &grid->level[i];
        blocks += (size_t)l->n_shapes * (size_t)l->h * ((size_t)l->w / 8 + (size_t)l->w / 64 + 3);
    }
    if (blocks <= v->capacity) return true;
    free(v->cell);
    free(v->value);
    v->cell = malloc(blocks * sizeof *v->cell);
    v->value = malloc(8 * blocks * sizeof *v->value);
    v->capacity = v->cell && v->value ? blocks : 0;
    return v->capacity > 0;
}

/* ---- step 1: what is derived from the grid and the boxes once ---- */

static SUFFIX(anc_plane) SUFFIX(plane_of)(const anc_grid *grid, const anc_level *l, int32_t shape)
{
    const double *b = grid->base[shape];
    const anc_window *w = &grid->window[shape];
    bool drop = grid->border == ANC_BORDER_DROP;
    REAL legacy_offset = grid->legacy;
    return (SUFFIX(anc_plane)){
        .x1 = (REAL)b[0],
        .y1 = (REAL)b[1],
        .x2 = (REAL)b[2],
        .y2 = (REAL)b[3],
        .w = (REAL)b[2] - (REAL)b[0] + legacy_offset,
        .h = (REAL)b[3] - (REAL)b[1] + legacy_offset,
        .stride_x = (REAL)l->stride_x,
        .stride_y = (REAL)l->stride_y,
        .shift_x = (REAL)l->shift_x,
        .shift_y = (REAL)l->shift_y,
        .x_begin = drop ? w->x0 : 0,
        .x_end = drop ? w->x1 : l->w,
        .y_begin = drop ? w->y0 : 0,
        .y_end = drop ? w->y1 : l->h,
        .pitch = l->w,
        .cell = grid->cells[shape].cell,
    };
}

static SUFFIX(anc_query) SUFFIX(query_of)(anc_box b, REAL legacy_offset)
{
    REAL w = (REAL)b.x2 - (REAL)b.x1 + legacy_offset, h = (REAL)b.y2 - (REAL)b.y1 + legacy_offset;
    return (SUFFIX(anc_query)){ b.x1, b.y1, b.x2, b.y2, w, h, w * h };
}

static bool SUFFIX(prepare)(SUFFIX(search_context) * c)
{
    struct anc_match_scratch *s = c->s;
    const anc_match_input *in = c->in;
    const anc_grid *grid = in->grid;
    float extent = grid->extent;
    for (int32_t g = 0; g < in->n_box; g++) extent = fmaxf(extent, box_extent(in->box[g]));
    c->terms = (SUFFIX(anc_terms)){ .legacy_offset = grid->legacy,
                                    .eps = (REAL)in->rules->match.union_floor,
                                    .slack = (REAL)extent * (REAL)0x1p-21 };
    plan_planes(c->m, grid);
    for (int32_t i = 0, p = 0; i < grid->n_levels; i++)
        for (int32_t a = 0; a < grid->level[i].n_shapes; a++, p++) {
            s->SUFFIX(plane)[p] = SUFFIX(plane_of)(grid, &grid->level[i], p);
            s->SUFFIX(side)[0][p] = s->SUFFIX(plane)[p].w;
            s->SUFFIX(side)[1][p] = s->SUFFIX(plane)[p].h;
        }
    for (int32_t g = 0; g < in->n_box; g++) {
        const SUFFIX(anc_query) q = SUFFIX(query_of)(in->box[g], c->terms.legacy_offset);
        REAL *corner = s->SUFFIX(corner) + g;
        s->SUFFIX(query)[g] = q;
        corner[0] = q.x1;
        corner[s->box_capacity] = q.y1;
        corner[2 * s->box_capacity] = q.x2;
        corner[3 * s->box_capacity] = q.y2;
    }
    s->n_tie = s->n_low_quality = 0;
    return SUFFIX(reserve_visited)(&c->m->SUFFIX(visited), grid);
}

/* ---- step 2: crowd rule `exclude` ---- */

static anc_status SUFFIX(exclude_crowd)(SUFFIX(search_context) * c, anc_err *err)
{
    const anc_match_input *in = c->in;
    anc_map *map = &c->m->map;
    if (in->rules->boxes.crowd != ANC_CROWD_EXCLUDE || !in->n_box) return ANC_OK;
    if (find_crowd_cells(c->m, in, err)) return err->code;
    for (int32_t i = 0; i < c->s->crowd.n; i++) {
        const anc_crowd_run *run = &c->s->crowd.run[i];
        int32_t first = in->grid->cells[run->shape].cell + run->position;
        for (int32_t cell = first; cell < first + run->n; cell++) {
            int32_t tile = SUFFIX(anc_map_touch)(map, cell >> 6);
            map->SUFFIX(best)[tile][cell & 63] = ANC_EXCLUDED;
            map->touched[tile] |= 1ULL << (cell & 63);
        }
    }
    return ANC_OK;
}

/* ---- step 3: the cells that each box reaches, and its low-quality match ---- */

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
static REAL SUFFIX(likely_best)(const SUFFIX(search_context) * c, const SUFFIX(anc_plane) * p,
                                const SUFFIX(anc_query) * q)
{
    const anc_map *map = &c->m->map;
    if (p->x_begin >= p->x_end || p->y_begin >= p->y_end) return 0;
    int32_t x = SUFFIX(nearest)((q->x1 + q->x2) / 2, (p->x1 + p->x2) / 2 + p->shift_x, p->stride_x,
                                p->x_begin, p->x_end);
    int32_t y = SUFFIX(nearest)((q->y1 + q->y2) / 2, (p->y1 + p->y2) / 2 + p->shift_y, p->stride_y,
                                p->y_begin, p->y_end);
    int32_t cell = p->cell + y * p->pitch + x, tile = anc_map_tile(map, cell);
    if (tile >= 0 && map->SUFFIX(best)[tile][cell & 63] == ANC_EXCLUDED) return 0;
    REAL a[4], b[4] = { q->x1, q->y1, q->x2, q->y2 };
    SUFFIX(anchor_box)(p, y, x, a);
    return SUFFIX(anc_iou)(a, b, c->terms.legacy_offset, c->terms.eps);
}

/* Visits all cells whose IoU with box g is `iou` or more; gives the largest IoU, -1 if there is no cell. */
static REAL SUFFIX(visit_all)(SUFFIX(search_context) * c, int32_t g, REAL iou)
{
    struct anc_match_scratch *s = c->s;
    REAL top = -1;
    c->m->SUFFIX(visited).n = 0;
    for (int32_t i = 0; i < s->n_planes; i++) {
        if (s->SUFFIX(bound)[i] < iou * (REAL)0.9999) continue;
        REAL v = c->loops->visit(&s->SUFFIX(plane)[i], &s->SUFFIX(query)[g], iou, &c->terms, g, &c->m->map,
                                 &c->m->SUFFIX(visited));
        if (v > top) top = v;
    }
    return top;
}

/* Box g reaches negative_iou nowhere: its best cells are still to be found. Any anchor's IoU bounds the best
 * from below. */
static REAL SUFFIX(visit_best)(SUFFIX(search_context) * c, int32_t g)
{
    struct anc_match_scratch *s = c->s;
    REAL reached = 0;
    for (int32_t i = 0; i < s->n_planes; i++) {
        if (s->SUFFIX(bound)[i] <= reached) continue;
        REAL v = SUFFIX(likely_best)(c, &s->SUFFIX(plane)[i], &s->SUFFIX(query)[g]);
        if (v > reached) reached = v;
    }
    return SUFFIX(visit_all)(c, g, reached);
}

/* Notes the cells with box g's best IoU, which is *top; those of negative_iou or more have just been visited.
 * Where it is below, and the rule asks for it, *top is found first. */
static anc_status SUFFIX(find_low_quality)(SUFFIX(search_context) * c, int32_t g, REAL *top, anc_err *err)
{
    struct anc_match_scratch *s = c->s;
    const anc_rules *r = c->in->rules;
    REAL least = (REAL)r->match.low_quality_iou, negative_iou = (REAL)r->match.negative_iou;
    bool low = *top < negative_iou;
    if (low && least < negative_iou) *top = SUFFIX(visit_best)(c, g);
    if (!(*top > 0) || *top < least) {
        c->m->n_unmatched++;
        return ANC_OK;
    }
    const SUFFIX(anc_visited) *v = &c->m->SUFFIX(visited);
    size_t wanted = (size_t)s->n_tie + 8 * v->n;
    if (wanted > INT32_MAX || !grow((void **)&s->tie, &s->tie_capacity, (int32_t)wanted, sizeof *s->tie) ||
        !grow((void **)&s->low_quality, &s->low_quality_capacity, s->n_low_quality + 1,
              sizeof *s->low_quality))
        return out_of_memory(err);
    int32_t n = (int32_t)c->loops->equal(v, *top, s->tie + s->n_tie);
    s->low_quality[s->n_low_quality++] = (low_quality_match){ g, s->n_tie, n, low, (double)*top };
    s->n_tie += n;
    return ANC_OK;
}

static anc_status SUFFIX(visit_boxes)(SUFFIX(search_context) * c, anc_err *err)
{
    struct anc_match_scratch *s = c->s;
    const anc_rules *r = c->in->rules;
    const REAL negative_iou = (REAL)r->match.negative_iou;
    const bool low_quality = r->match.low_quality != ANC_LOW_QUALITY_OFF;
    const bool finds_best = low_quality && (REAL)r->match.low_quality_iou < negative_iou;
    for (int32_t g = 0; g < c->in->n_box; g++) {
        c->loops->bounds(s->SUFFIX(side)[0], s->SUFFIX(side)[1], s->n_planes, &s->SUFFIX(query)[g], &c->terms,
                         s->SUFFIX(bound));
        REAL top = SUFFIX(visit_all)(c, g, negative_iou);
        if (low_quality && SUFFIX(find_low_quality)(c, g, &top, err)) return err->code;
        if (!c->m->want_best) continue;
        if (top < negative_iou && !finds_best) top = SUFFIX(visit_best)(c, g);
        c->m->best_iou[g] = top > 0 ? (double)top : 0;
    }
    return ANC_OK;
}

/* ---- step 4, instead of the next two: zero_overlap ---- */

/* Some box overlaps nothing, so "as good as its best" holds for every anchor that misses it. Such systems
 * make those positive, with the matched box that argmax gives: the nearest, or box 0. Dense, as there. */
static void SUFFIX(match_everything)(SUFFIX(search_context) * c)
{
    const anc_grid *grid = c->in->grid;
    anc_match *m = c->m;
    anc_map *map = &m->map;
    for (int32_t w = 0; w < grid->n_cells / 64; w++) { /* forget all but exclusions; then visit all */
        int32_t tile = SUFFIX(anc_map_touch)(map, w);
        REAL *best = map->SUFFIX(best)[tile];
        for (int i = 0; i < 64; i++)
            if (best[i] != ANC_EXCLUDED) best[i] = ANC_CLEAN;
        map->non_negative[tile] = 0;
    }
    for (int32_t i = 0; i < c->s->n_planes; i++) c->s->SUFFIX(bound)[i] = 1;
    for (int32_t g = 0; g < c->in->n_box; g++) SUFFIX(visit_all)(c, g, 0);
    for (int32_t i = 0; i < c->s->n_planes; i++) {
        const anc_cells *here = &grid->cells[i];
        for (int32_t k = 0; k < here->rows * here->pitch; k++) {
            int32_t anchor = here->anchor + k * here->step, cell = here->cell + k;
            if (anc_grid_outside(grid, anchor)) continue;
            int32_t tile = anc_map_tile(map, cell);
            REAL best = map->SUFFIX(best)[tile][cell & 63];
            map->non_negative[tile] |= 1ULL << (cell & 63);
            if (best == ANC_EXCLUDED) {
                m->n_ignored++;
                continue;
            }
            if (!(best > 0)) map->arg[tile][cell & 63] = 0;
            anc_set_insert(&m->positive, (uint32_t)anchor);
            m->n_positive++;
        }
    }
}

/* ---- step 5: which box a low-quality match regresses to ---- */

/* Whether a cell's best box is still to be found: where its IoU is negative_iou or more, every box that
 * matters has visited it; and what one match has resolved is so for all, however many share the cell. */
static bool SUFFIX(unresolved)(const SUFFIX(search_context) * c, int32_t cell)
{
    const anc_map *map = &c->m->map;
    return map->SUFFIX(best)[anc_map_tile(map, cell)][cell & 63] < (REAL)c->in->rules->match.negative_iou &&
           *anc_map_arg(map, cell) >= 0;
}

/* The largest sides, and the smallest area, of the anchors of a match. */
typedef struct {
    REAL w, h, area;
} SUFFIX(extremes);

static SUFFIX(extremes) SUFFIX(extremes_of)(const SUFFIX(search_context) * c, const low_quality_match *match)
{
    SUFFIX(extremes) e = { 0, 0, 0 };
    const REAL slack = c->terms.slack;
    for (int32_t i = 0, last = -1; i < match->n; i++) {
        int32_t plane = c->m->map.plane_of[c->s->tie[match->first + i] >> 6];
        if (plane == last) continue;
        last = plane;
        const SUFFIX(anc_plane) *p = &c->s->SUFFIX(plane)[plane];
        REAL area = (p->w - slack) * (p->h - slack);
        e.w = p->w > e.w ? p->w : e.w;
        e.h = p->h > e.h ? p->h : e.h;
        e.area = i == 0 || area < e.area ? area : e.area;
    }
    e.w += slack;
    e.h += slack;
    return e;
}

/* The boxes, the match's own among them, whose IoU with one of its anchors may be as large as its own: those
 * within reach that are of a like size. Ascending, in s->near; returns how many. */
static int32_t SUFFIX(find_candidates)(const SUFFIX(search_context) * c, const low_quality_match *match)
{
    const SUFFIX(extremes) e = SUFFIX(extremes_of)(c, match);
    const SUFFIX(anc_query) *q = c->s->SUFFIX(query), *own = &q[match->gt];
    const REAL offset = c->terms.legacy_offset;
    const REAL around[4] = { own->x1 - e.w - offset, own->y1 - e.h - offset, own->x2 + e.w + offset,
                             own->y2 + e.h + offset };
    int32_t *near = c->s->near, n = 0,
            n_near = c->loops->near(c->s->SUFFIX(corner), c->s->box_capacity, c->in->n_box, around, near);
    for (int32_t i = 0; i < n_near; i++) {
        const SUFFIX(anc_query) *b = &q[near[i]];
        REAL inter = (b->w < e.w ? b->w : e.w) * (b->h < e.h ? b->h : e.h),
             union_area = e.area + b->area - inter;
        near[n] = near[i];
        n += !(inter < (REAL)match->iou * (REAL)0.9999 * union_area); /* also when union_area <= 0 */
    }
    return n;
}

/* The best of n candidates for a cell, the lowest index of a tie; `otherwise` if none overlaps it. */
static int32_t SUFFIX(best_candidate)(const SUFFIX(search_context) * c, int32_t cell, int32_t n,
                                      int32_t otherwise)
{
    const SUFFIX(anc_plane) *p = &c->s->SUFFIX(plane)[c->m->map.plane_of[cell >> 6]];
    const REAL offset = c->terms.legacy_offset;
    REAL a[4], best = -1;
    SUFFIX(anchor_box)(p, (cell - p->cell) / p->pitch, (cell - p->cell) % p->pitch, a);
    for (int32_t i = 0; i < n; i++) {
        const SUFFIX(anc_query) *b = &c->s->SUFFIX(query)[c->s->near[i]];
        REAL right = a[2] < b->x2 ? a[2] : b->x2, left = a[0] > b->x1 ? a[0] : b->x1;
        REAL bottom = a[3] < b->y2 ? a[3] : b->y2, top = a[1] > b->y1 ? a[1] : b->y1;
        if (!(right - left + offset > 0 && bottom - top + offset > 0)) continue; /* its IoU is 0 */
        REAL v = SUFFIX(anc_iou)(a, (REAL[4]){ b->x1, b->y1, b->x2, b->y2 }, offset, c->terms.eps);
        if (v > best) {
            best = v;
            otherwise = c->s->near[i];
        }
    }
    return otherwise;
}

/* A low-quality match below negative_iou may lie nearer to another box, which had no reason to visit it. */
static void SUFFIX(resolve)(SUFFIX(search_context) * c, const low_quality_match *match)
{
    const int32_t *tie = c->s->tie + match->first;
    bool open = false;
    for (int32_t i = 0; i < match->n && !open; i++) open = SUFFIX(unresolved)(c, tie[i]);
    if (!open) return;
    int32_t n = SUFFIX(find_candidates)(c, match);
    if (n < 2) return; /* nobody else is near */
    for (int32_t i = 0; i < match->n; i++) {
        if (!SUFFIX(unresolved)(c, tie[i])) continue;
        int32_t *arg = anc_map_arg(&c->m->map, tie[i]);
        *arg = SUFFIX(best_candidate)(c, tie[i], n, *arg) | INT32_MIN; /* marked, as all are in the end */
    }
}

static void SUFFIX(mark_low_quality)(SUFFIX(search_context) * c)
{
    const struct anc_match_scratch *s = c->s;
    bool claim = c->in->rules->match.low_quality == ANC_LOW_QUALITY_CLAIM;
    for (int32_t i = 0; i < s->n_low_quality && !claim; i++)
        if (s->low_quality[i].low) SUFFIX(resolve)(c, &s->low_quality[i]);
    for (int32_t i = 0; i < s->n_low_quality; i++) {
        const low_quality_match *match = &s->low_quality[i];
        for (int32_t k = match->first; k < match->first + match->n; k++) {
            int32_t *arg = anc_map_arg(&c->m->map, s->tie[k]);
            *arg = (claim ? match->gt : *arg) | INT32_MIN;
        }
    }
}

/* ---- step 6: labels from what was visited ---- */

static void SUFFIX(apply_thresholds)(SUFFIX(search_context) * c)
{
    const anc_grid *grid = c->in->grid;
    anc_match *m = c->m;
    int32_t n_positive = 0,
            n_non_negative = c->loops->threshold(&m->map, (REAL)c->in->rules->match.positive_iou,
                                                 (REAL)c->in->rules->match.negative_iou);
    if (grid->border != ANC_BORDER_KEEP) n_non_negative = drop_outside(m, grid);
    for (int32_t tile = 0; tile < m->map.n; tile++) {
        uint64_t positive = m->map.positive[tile];
        if (!positive) continue;
        int32_t word = m->map.word[tile];
        const anc_cells *cells = &grid->cells[m->map.plane_of[word]];
        int32_t anchor = cells->anchor + (64 * word - cells->cell) * cells->step;
        for (; positive; positive &= positive - 1, n_positive++)
            anc_set_insert(&m->positive, (uint32_t)(anchor + __builtin_ctzll(positive) * cells->step));
    }
    m->n_positive = n_positive;
    m->n_ignored = n_non_negative - n_positive;
}

static anc_status SUFFIX(search)(anc_match *m, const SUFFIX(anc_loops) * loops, const anc_match_input *in,
                                 anc_err *err)
{
    SUFFIX(search_context) c = { .m = m, .s = m->more, .loops = loops, .in = in };
    if (!SUFFIX(prepare)(&c)) return out_of_memory(err);
    if (SUFFIX(exclude_crowd)(&c, err) || SUFFIX(visit_boxes)(&c, err)) return err->code;
    if (in->rules->match.zero_overlap && m->n_unmatched) {
        SUFFIX(match_everything)(&c);
        return ANC_OK;
    }
    SUFFIX(mark_low_quality)(&c);
    SUFFIX(apply_thresholds)(&c);
    return ANC_OK;
}
