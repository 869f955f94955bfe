/* core/target.c: see target.h */
#include "core/target.h"
#include "core/exponential.h"
#include "core/logarithm.h"

/* The centre of a side [x1, x2] of a given length, as each rule's system computes it. */
static inline float middle(anc_coder_rule rule, float x1, float x2, float length)
{
    return rule == ANC_CODER_CENTRE ? (x1 + x2) * 0.5f : x1 + 0.5f * length;
}

/* One part of a target with its weight. torchvision, detectron2 and maskrcnn-benchmark multiply; mmdetection
 * divides by a deviation in float32, py-faster-rcnn in double. 1 / 10 and 1 / 5 are the 0.1 and 0.2 of their
 * configurations. */
static inline float weighted(anc_coder_rule rule, double weight, float t)
{
    if (rule == ANC_CODER_CORNER) return (float)weight * t;
    return rule == ANC_CODER_CENTRE ? t / (float)(1 / weight) : (float)((double)t / (1 / weight));
}

/* tx or ty: those that multiply do so before they divide. */
static inline float shift(anc_coder_rule rule, double weight, float by, float length)
{
    return rule == ANC_CODER_CORNER ? (float)weight * by / length : weighted(rule, weight, by / length);
}

void anc_encode_boxes(const anc_kernels *kernels, anc_coder_rule rule, const double weight[4], bool legacy,
                      const anc_box *from, const anc_box *to, int32_t n, float (*target)[4])
{
    enum { BLOCK = 64 };
    const float one = legacy;
    float ratio[BLOCK][2]; /* of the sides; then its logarithm */
    for (int32_t first = 0; first < n; first += BLOCK) {
        int32_t m = n - first < BLOCK ? n - first : BLOCK;
        for (int32_t i = 0; i < m; i++) {
            anc_box a = from[first + i], g = to[first + i];
            float aw = a.x2 - a.x1 + one, ah = a.y2 - a.y1 + one, gw = g.x2 - g.x1 + one,
                  gh = g.y2 - g.y1 + one;
            float *t = target[first + i];
            t[0] = shift(rule, weight[0], middle(rule, g.x1, g.x2, gw) - middle(rule, a.x1, a.x2, aw), aw);
            t[1] = shift(rule, weight[1], middle(rule, g.y1, g.y2, gh) - middle(rule, a.y1, a.y2, ah), ah);
            ratio[i][0] = gw / aw;
            ratio[i][1] = gh / ah;
        }
        kernels->log(ratio[0], 2 * m, ratio[0]);
        for (int32_t i = 0; i < m; i++) {
            target[first + i][2] = weighted(rule, weight[2], ratio[i][0]);
            target[first + i][3] = weighted(rule, weight[3], ratio[i][1]);
        }
    }
}

/* py-faster-rcnn: anchors are double, boxes float32, the quotients double, and the result float32. */
static void in_double(const anc_grid *grid, anc_anchor_at at, anc_box g, const double weight[4], float t[4])
{
    const anc_level *v = &grid->level[at.level];
    const double *b = grid->base[v->shape + at.a];
    double x = at.x * (double)v->stride_x + v->shift_x, y = at.y * (double)v->stride_y + v->shift_y;
    float one = grid->legacy;
    double aw = b[2] + x - (b[0] + x) + one, ah = b[3] + y - (b[1] + y) + one;
    double ax = b[0] + x + 0.5 * aw, ay = b[1] + y + 0.5 * ah;
    float gw = g.x2 - g.x1 + one, gh = g.y2 - g.y1 + one, gx = g.x1 + 0.5f * gw, gy = g.y1 + 0.5f * gh;
    t[0] = (float)(weight[0] * ((gx - ax) / aw));
    t[1] = (float)(weight[1] * ((gy - ay) / ah));
    t[2] = (float)(weight[2] * anc_log(gw / aw));
    t[3] = (float)(weight[3] * anc_log(gh / ah));
}

void anc_encode(const anc_kernels *kernels, const anc_rules *rules, const anc_grid *grid,
                const int32_t *anchor, const int32_t *gt, int32_t n, const anc_box *box, float (*target)[4])
{
    enum { BLOCK = 64 };
    anc_box from[BLOCK], to[BLOCK];
    for (int32_t first = 0; first < n; first += BLOCK) {
        int32_t m = n - first < BLOCK ? n - first : BLOCK;
        for (int32_t i = 0; i < m; i++) {
            anc_anchor_at at = anc_grid_at(grid, anchor[first + i]);
            to[i] = box[gt[first + i]];
            if (rules->coder.rule == ANC_CODER_DOUBLE)
                in_double(grid, at, to[i], rules->coder.weight, target[first + i]);
            else
                from[i] = anc_grid_box(grid, at);
        }
        if (rules->coder.rule == ANC_CODER_DOUBLE) continue;
        anc_encode_boxes(kernels, rules->coder.rule, rules->coder.weight, grid->legacy, from, to, m,
                         target + first);
    }
}

/* One side of a box, from its anchor's [a1, a2) and the targets t of the centre and e of the size. */
typedef struct {
    float low, high;
} side;

static inline side decode_side(anc_coder_rule rule, float one, float a1, float a2, float t, float e)
{
    const float bound = 4.135166556742356f; /* log(1000 / 16) */
    float length = a2 - a1 + one, centre = rule == ANC_CODER_CENTRE ? (a1 + a2) * 0.5f : a1 + 0.5f * length;
    if (rule != ANC_CODER_DOUBLE && e > bound) e = bound;
    if (rule == ANC_CODER_CENTRE && e < -bound) e = -bound;
    float at = t * length + centre, half = 0.5f * ((float)anc_exp((double)e) * length);
    return (side){ at - half, at + half - (rule == ANC_CODER_CORNER ? one : 0) };
}

void anc_decode(const anc_rules *rules, const anc_box *anchor, const float (*target)[4], int32_t n,
                anc_box *box)
{
    anc_coder_rule rule = rules->coder.rule;
    float weight[4], one = rules->match.legacy;
    for (int e = 0; e < 4; e++) weight[e] = (float)rules->coder.weight[e];
    for (int32_t i = 0; i < n; i++) {
        const float *t = target[i];
        side x = decode_side(rule, one, anchor[i].x1, anchor[i].x2, t[0] / weight[0], t[2] / weight[2]);
        side y = decode_side(rule, one, anchor[i].y1, anchor[i].y2, t[1] / weight[1], t[3] / weight[3]);
        box[i] = (anc_box){ x.low, y.low, x.high, y.high };
    }
}
