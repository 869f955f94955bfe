/* core/match_loops_scalar_tmpl.h: the matching loops in plain C, for one floating type; for kernels_scalar.c
 * only
 *
 * REAL, SUFFIX as in match_loops_tmpl.h.
 */

static void SUFFIX(bounds)(const REAL *w, const REAL *h, int32_t n, const SUFFIX(anc_query) * q,
                           const SUFFIX(anc_terms) * k, REAL *bound)
{
    for (int32_t i = 0; i < n; i++) {
        REAL iw = (w[i] < q->w ? w[i] : q->w) + k->slack, ih = (h[i] < q->h ? h[i] : q->h) + k->slack,
             inter = iw * ih;
        REAL union_area = (w[i] - k->slack) * (h[i] - k->slack) + q->area - inter;
        bound[i] = inter < union_area ? inter / union_area * (REAL)1.00001 : 1;
    }
}

/* The rows or columns of a plane at which an overlap of `least` px with [low, high] is possible.
 *   near, far   the base box's edges, shift included
 *   overlap(p) = min(far + p s, high) - max(near + p s, low) + one >= least  <=>  both differences are */
static void SUFFIX(reach)(REAL near, REAL far, REAL stride, REAL low, REAL high, REAL least,
                          const SUFFIX(anc_terms) * k, int32_t begin, int32_t end, int32_t *first, int32_t *n)
{
    REAL c = least - k->slack - k->legacy_offset, margin = (REAL)0.001 + k->slack / stride;
    REAL a = (REAL)ceil((low + c - far) / stride - margin),
         b = (REAL)floor((high - c - near) / stride + margin);
    if (!(a > begin)) a = (REAL)begin; /* also for NaN: then the whole range is visited */
    if (!(b < end - 1)) b = (REAL)(end - 1);
    *n = b >= a ? (int32_t)(b - a) + 1 : 0;
    *first = *n ? (int32_t)a : begin; /* an empty range may begin anywhere, beyond int32_t too */
}

static REAL SUFFIX(visit)(const SUFFIX(anc_plane) * p, const SUFFIX(anc_query) * q, REAL iou,
                          const SUFFIX(anc_terms) * k, int32_t g, anc_map *map, SUFFIX(anc_visited) * t)
{
    /* iou <= inter / (areas - inter)  <=>  inter >= iou / (1 + iou) * areas */
    REAL need = iou / (1 + iou) * ((p->w - k->slack) * (p->h - k->slack) + q->area) * (REAL)0.99999;
    REAL widest = (p->w < q->w ? p->w : q->w) + k->slack, top = -1;
    int32_t y, n_y;
    SUFFIX(reach)
    (p->y1 + p->shift_y, p->y2 + p->shift_y, p->stride_y, q->y1, q->y2, need / widest, k, p->y_begin,
     p->y_end, &y, &n_y);
    for (int32_t y_end = y + n_y; y < y_end; y++) {
        REAL sy = (REAL)y * p->stride_y + p->shift_y, ay1 = p->y1 + sy, ay2 = p->y2 + sy,
             ah = ay2 - ay1 + k->legacy_offset;
        REAL ih = (ay2 < q->y2 ? ay2 : q->y2) - (ay1 > q->y1 ? ay1 : q->y1) + k->legacy_offset;
        if (!(ih > 0) || ih * widest < need) continue;
        int32_t x, n_x;
        SUFFIX(reach)
        (p->x1 + p->shift_x, p->x2 + p->shift_x, p->stride_x, q->x1, q->x2, need / ih, k, p->x_begin,
         p->x_end, &x, &n_x);
        if (!n_x) continue;
        int32_t cell = p->cell + y * p->pitch + x;
        for (int32_t end = cell + n_x, n; cell < end; cell += n, x += n) { /* tile by tile */
            int from = cell & 63;
            n = end - cell < 64 - from ? end - cell : 64 - from;
            int32_t tile = SUFFIX(anc_map_touch)(map, cell >> 6);
            REAL *best = map->SUFFIX(best)[tile] + from, *value = t->value + 8 * t->n;
            int32_t *arg = map->arg[tile] + from;
            map->touched[tile] |= anc_bits(from, n);
            for (int32_t i = 0; i < n; i++) {
                REAL sx = (REAL)(x + i) * p->stride_x + p->shift_x, ax1 = p->x1 + sx, ax2 = p->x2 + sx;
                REAL iw = (ax2 < q->x2 ? ax2 : q->x2) - (ax1 > q->x1 ? ax1 : q->x1) + k->legacy_offset;
                REAL v = SUFFIX(anc_iou_sides)(iw, ih, (ax2 - ax1 + k->legacy_offset) * ah, q->area, k->eps);
                if (best[i] == ANC_EXCLUDED) v = -1;
                if (v > best[i]) {
                    best[i] = v;
                    arg[i] = g;
                }
                if (v > top) top = v;
                value[i] = v;
            }
            for (int32_t i = n; i & 7; i++) value[i] = -1;
            for (int32_t i = 0; i < n; i += 8) t->cell[t->n++] = cell + i;
        }
    }
    return top;
}

static size_t SUFFIX(equal)(const SUFFIX(anc_visited) * t, REAL x, int32_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < 8 * t->n; i++)
        if (t->value[i] == x) out[n++] = t->cell[i / 8] + (int32_t)(i % 8);
    return n;
}

static int32_t SUFFIX(threshold)(anc_map *map, REAL positive_iou, REAL negative_iou)
{
    int32_t n_non_negative = 0;
    for (int32_t tile = 0; tile < map->n; tile++) {
        uint64_t positive = 0, held = 0;
        for (uint64_t bits = map->touched[tile]; bits; bits &= bits - 1) {
            int i = __builtin_ctzll(bits);
            REAL best = map->SUFFIX(best)[tile][i];
            if (best < ANC_EXCLUDED && (best >= positive_iou || (best >= 0 && map->arg[tile][i] < 0)))
                positive |= 1ULL << i;
            if (best >= negative_iou) held |= 1ULL << i;
        }
        map->positive[tile] = positive;
        map->non_negative[tile] = held | positive;
        n_non_negative += __builtin_popcountll(held | positive);
    }
    return n_non_negative;
}

static int32_t SUFFIX(near)(const REAL *corner, int32_t capacity, int32_t n, const REAL b[4], int32_t *out)
{
    const REAL *x1 = corner, *y1 = x1 + capacity, *x2 = y1 + capacity, *y2 = x2 + capacity;
    int32_t m = 0;
    for (int32_t i = 0; i < n; i++) {
        out[m] = i;
        m += (x1[i] < b[2]) & (x2[i] > b[0]) & (y1[i] < b[3]) & (y2[i] > b[1]);
    }
    return m;
}

static void SUFFIX(enter)(const REAL *column, int32_t capacity, int32_t n, const SUFFIX(anc_query) * q,
                          const SUFFIX(anc_terms) * k, int32_t g, REAL *best, int32_t *arg)
{
    const REAL *x1 = column, *y1 = x1 + capacity, *x2 = y1 + capacity, *y2 = x2 + capacity,
               *area = y2 + capacity;
    for (int32_t i = 0; i < n; i++) {
        REAL w = (x2[i] < q->x2 ? x2[i] : q->x2) - (x1[i] > q->x1 ? x1[i] : q->x1) + k->legacy_offset;
        REAL h = (y2[i] < q->y2 ? y2[i] : q->y2) - (y1[i] > q->y1 ? y1[i] : q->y1) + k->legacy_offset;
        REAL iou = SUFFIX(anc_iou_sides)(w, h, area[i], q->area, k->eps);
        if (!(iou > best[i])) continue;
        best[i] = iou;
        arg[i] = g;
    }
}
