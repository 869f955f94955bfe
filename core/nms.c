/* core/nms.c: see nms.h
 *
 * With t the threshold, IoU >= t asks of two boxes that
 *   - the smaller area is at least t times the larger one: inter <= smaller, union >= larger;
 *   - on each axis the intervals [p, p + a) and [q, q + b) have a ratio of intersection and union of t or
 *     more, too, so that p - a (1/t - 1) <= q <= p + a (1 - t):
 *     for q >= p, inter <= a - (q - p) and union >= a; for q < p, inter <= a and union >= a + (p - q).
 * A kept box lies in the cell (exponent of its area, x1, y1 in units of that area's root). t is lowered by
 * SLACK, far more than what float32 rounds of an IoU, so that none that decides is missed.
 */
#include "core/nms.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLACK 1e-5

/* What the search needs to know of the whole call. */
typedef struct {
    const anc_kernels *kernels;
    float one, least; /* an IoU of `least` or more suppresses */
    bool prune;
    double t;                 /* least, lowered by SLACK */
    double per_position[256]; /* by biased exponent of an area: 1 / the side of its cells */
} search;

typedef struct {
    int64_t from, to;
} range;

/* The least float32 that is above the threshold, or that reaches it. */
static float least_of(const anc_nms_opts *o)
{
    float f = (float)o->iou;
    if (o->at_least ? (double)f < o->iou : (double)f <= o->iou) f = nextafterf(f, INFINITY);
    return f;
}

static inline int exponent_of(float area)
{
    uint32_t bits;
    memcpy(&bits, &area, sizeof bits);
    return (int)(bits >> 23);
}

static inline float area_of(anc_box b, float one) { return (b.x2 - b.x1 + one) * (b.y2 - b.y1 + one); }

/* Whether the arithmetic above holds for a box: finite, not of the size of float32's limits, sides > 0. */
static inline bool ordinary(anc_box b, float one)
{
    const float far = 0x1p30f, thin = 0x1p-20f;
    return b.x1 > -far && b.y1 > -far && b.x2 < far && b.y2 < far && b.x2 - b.x1 >= (one > 0 ? 0 : thin) &&
           b.y2 - b.y1 >= (one > 0 ? 0 : thin);
}

static void search_begin(search *s, const anc_kernels *kernels, const anc_nms_opts *o, const anc_box *box,
                         const int32_t *order, int32_t n)
{
    s->kernels = kernels;
    s->one = o->legacy;
    s->least = least_of(o);
    s->t = s->least * (1 - SLACK);
    s->prune = s->least > 0.01f && s->least <= 1; /* below that the cells are too many */
    for (int32_t i = 0; i < n && s->prune; i++) s->prune = ordinary(box[order[i]], s->one);
    for (int e = 0; e < 256; e++) s->per_position[e] = exp2(-0.5 * (e - 127));
}

static inline int32_t *head_of(const anc_nms *m, int exponent, int64_t x, int64_t y)
{
    uint64_t h = (uint64_t)x * 0x9E3779B97F4A7C15u + (uint64_t)y * 0xC2B2AE3D27D4EB4Fu +
                 (uint64_t)exponent * 0x165667B19E3779F9u;
    return &m->head[(h ^ h >> 29) * 0xBF58476D1CE4E5B9u >> 40 & (uint64_t)(m->n_heads - 1)];
}

static inline range cells(double from, double to, double per_position)
{
    return (range){ (int64_t)floor(from * per_position), (int64_t)floor(to * per_position) };
}

static bool any_block(const anc_nms *m, const search *s, const float b[5])
{
    for (int32_t i = 0; i < m->n_blocks; i++)
        if (s->kernels->overlaps(&m->block[i], b, s->one, s->least)) return true;
    return false;
}

/* Whether some kept box overlaps b = (x1, y1, x2, y2, area) by too much. */
static bool covered(const anc_nms *m, const search *s, const float b[5])
{
    if (!s->prune) return any_block(m, s, b);
    double w = (double)b[2] - b[0] + s->one, h = (double)b[3] - b[1] + s->one;
    double x0 = b[0] - w * (1 / s->t - 1), x1 = b[0] + w * (1 - s->t), y0 = b[1] - h * (1 / s->t - 1),
           y1 = b[1] + h * (1 - s->t);
    int first = exponent_of((float)(b[4] * s->t)), last = exponent_of((float)(b[4] / s->t));
    for (int e = first; e <= last; e++) {
        range x = cells(x0, x1, s->per_position[e]), y = cells(y0, y1, s->per_position[e]);
        if ((double)(x.to - x.from + 1) * (double)(y.to - y.from + 1) > m->n_blocks)
            return any_block(m, s, b);
        for (int64_t cy = y.from; cy <= y.to; cy++)
            for (int64_t cx = x.from; cx <= x.to; cx++)
                for (int32_t i = *head_of(m, e, cx, cy); i >= 0; i = m->block[i].next)
                    if (s->kernels->overlaps(&m->block[i], b, s->one, s->least)) return true;
    }
    return false;
}

/* Room for one more block of kept boxes. */
static anc_status one_more(anc_nms *m, anc_err *err)
{
    if (m->n_blocks < m->blocks_capacity) return ANC_OK;
    int32_t capacity = m->blocks_capacity ? 2 * m->blocks_capacity : 256;
    anc_nms_block *more = aligned_alloc(64, (size_t)capacity * sizeof *more);
    if (!more) return anc_fail(err, ANC_EMEMORY, "out of memory for %d blocks of kept boxes", capacity);
    if (m->n_blocks) memcpy(more, m->block, (size_t)m->n_blocks * sizeof *more);
    free(m->block);
    m->block = more;
    m->blocks_capacity = capacity;
    return ANC_OK;
}

static anc_status put(anc_nms *m, const search *s, const float b[5], anc_err *err)
{
    int e = exponent_of(b[4]);
    int32_t everything = m->n_blocks - 1, *head = &everything; /* without cells: one list of full blocks */
    if (s->prune) {
        range x = cells(b[0], b[0], s->per_position[e]), y = cells(b[1], b[1], s->per_position[e]);
        head = head_of(m, e, x.from, y.from);
    }
    if (*head < 0 || m->block[*head].n == ANC_NMS_LANES) {
        if (one_more(m, err)) return err->code;
        memset(&m->block[m->n_blocks], 0, sizeof *m->block);
        m->block[m->n_blocks].next = *head;
        *head = m->n_blocks++;
    }
    anc_nms_block *k = &m->block[*head];
    for (int c = 0; c < 5; c++) k->value[c][k->n] = b[c];
    k->n++;
    return ANC_OK;
}

static anc_status heads_clear(anc_nms *m, int32_t n, anc_err *err)
{
    m->n_blocks = 0;
    m->n_heads = 256;
    while (m->n_heads < n && m->n_heads < 1 << 24) m->n_heads *= 2; /* the hash gives 24 bits */
    if (m->n_heads > m->room_heads) {
        free(m->head);
        m->room_heads = 0;
        m->head = malloc((size_t)m->n_heads * sizeof *m->head);
        if (!m->head) return anc_fail(err, ANC_EMEMORY, "out of memory for the cells of %d boxes", n);
        m->room_heads = m->n_heads;
    }
    memset(m->head, 0xff, (size_t)m->n_heads * sizeof *m->head);
    return ANC_OK;
}

anc_status anc_nms_run(anc_nms *m, const anc_kernels *kernels, const anc_nms_opts *o, const anc_box *box,
                       const int32_t *order, int32_t n, int32_t limit, int32_t *keep, int32_t *n_keep,
                       anc_err *err)
{
    search s;
    search_begin(&s, kernels, o, box, order, n);
    *n_keep = 0;
    if (heads_clear(m, limit < n ? limit : n, err)) return err->code;
    for (int32_t i = 0; i < n && *n_keep < limit; i++) {
        anc_box g = box[order[i]];
        const float b[5] = { g.x1, g.y1, g.x2, g.y2, area_of(g, s.one) };
        if (covered(m, &s, b)) continue;
        if (put(m, &s, b, err)) return err->code;
        keep[(*n_keep)++] = order[i];
    }
    return ANC_OK;
}

void anc_nms_free(anc_nms *m)
{
    free(m->block);
    free(m->head);
    *m = (anc_nms){ 0 };
}
