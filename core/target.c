/* core/target.c: see target.h */
#include "core/target.h"
#include "core/exponential.h"
#include "core/logarithm.h"

/* The two forms below leave the ratios of the sides where their logarithms will stand. */

/* Float32 throughout, as torchvision, detectron2 and maskrcnn-benchmark (one = 1) compute it. */
static inline void corner(anc_box a, anc_box g, float one, float t[2], float ratio[2])
{
    float aw = a.x2 - a.x1 + one, ah = a.y2 - a.y1 + one, gw = g.x2 - g.x1 + one, gh = g.y2 - g.y1 + one;
    float ax = a.x1 + 0.5f * aw, ay = a.y1 + 0.5f * ah, gx = g.x1 + 0.5f * gw, gy = g.y1 + 0.5f * gh;
    t[0] = (gx - ax) / aw;
    t[1] = (gy - ay) / ah;
    ratio[0] = gw / aw;
    ratio[1] = gh / ah;
}

/* mmdetection's */
static inline void centre(anc_box a, anc_box g, float one, float t[2], float ratio[2])
{
    float aw = a.x2 - a.x1 + one, ah = a.y2 - a.y1 + one, gw = g.x2 - g.x1 + one, gh = g.y2 - g.y1 + one;
    float ax = (a.x1 + a.x2) * 0.5f, ay = (a.y1 + a.y2) * 0.5f, gx = (g.x1 + g.x2) * 0.5f,
          gy = (g.y1 + g.y2) * 0.5f;
    t[0] = (gx - ax) / aw;
    t[1] = (gy - ay) / ah;
    ratio[0] = gw / aw;
    ratio[1] = gh / ah;
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
    const double *weight = rules->coder.weight;
    bool unit = weight[0] == 1 && weight[1] == 1 && weight[2] == 1 && weight[3] == 1;
    float one = grid->legacy, ratio[BLOCK][2];
    for (int32_t first = 0; first < n; first += BLOCK) {
        int32_t m = n - first < BLOCK ? n - first : BLOCK;
        for (int32_t i = 0; i < m; i++) {
            anc_anchor_at at = anc_grid_at(grid, anchor[first + i]);
            anc_box g = box[gt[first + i]];
            if (rules->coder.rule == ANC_CODER_CORNER)
                corner(anc_grid_box(grid, at), g, one, target[first + i], ratio[i]);
            else if (rules->coder.rule == ANC_CODER_CENTRE)
                centre(anc_grid_box(grid, at), g, one, target[first + i], ratio[i]);
            else
                in_double(grid, at, g, weight, target[first + i]);
        }
        if (rules->coder.rule == ANC_CODER_DOUBLE) continue;
        kernels->log(ratio[0], 2 * m, ratio[0]);
        for (int32_t i = 0; i < m; i++) {
            float *t = target[first + i];
            t[2] = ratio[i][0];
            t[3] = ratio[i][1];
            for (int e = 0; e < 4 && !unit; e++) t[e] *= (float)weight[e];
        }
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

void anc_decode(const anc_rules *rules, const anc_box *anchor, const float (*target)[4], int32_t n, anc_box *box)
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
