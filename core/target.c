/* core/target.c: see target.h */
#include "core/target.h"
#include <math.h>

static float log_ratio(float ratio) { return (float)log((double)ratio); }

/* Float32 throughout, as torchvision, detectron2 and maskrcnn-benchmark (one = 1) compute it. */
static void corner(anc_box a, anc_box g, float one, float t[4])
{
    float aw = a.x2 - a.x1 + one, ah = a.y2 - a.y1 + one, gw = g.x2 - g.x1 + one, gh = g.y2 - g.y1 + one;
    float ax = a.x1 + 0.5f * aw, ay = a.y1 + 0.5f * ah, gx = g.x1 + 0.5f * gw, gy = g.y1 + 0.5f * gh;
    t[0] = (gx - ax) / aw;
    t[1] = (gy - ay) / ah;
    t[2] = log_ratio(gw / aw);
    t[3] = log_ratio(gh / ah);
}

static void centre(anc_box a, anc_box g, float one, float t[4])
{
    float aw = a.x2 - a.x1 + one, ah = a.y2 - a.y1 + one, gw = g.x2 - g.x1 + one, gh = g.y2 - g.y1 + one;
    float ax = (a.x1 + a.x2) * 0.5f, ay = (a.y1 + a.y2) * 0.5f, gx = (g.x1 + g.x2) * 0.5f, gy = (g.y1 + g.y2) * 0.5f;
    t[0] = (gx - ax) / aw;
    t[1] = (gy - ay) / ah;
    t[2] = log_ratio(gw / aw);
    t[3] = log_ratio(gh / ah);
}

/* py-faster-rcnn: anchors are double, boxes float32, the quotients double, and the result float32. */
static void in_double(const double a[4], anc_box g, float one, const double weight[4], float t[4])
{
    double aw = a[2] - a[0] + one, ah = a[3] - a[1] + one, ax = a[0] + 0.5 * aw, ay = a[1] + 0.5 * ah;
    float gw = g.x2 - g.x1 + one, gh = g.y2 - g.y1 + one, gx = g.x1 + 0.5f * gw, gy = g.y1 + 0.5f * gh;
    t[0] = (float)(weight[0] * ((gx - ax) / aw));
    t[1] = (float)(weight[1] * ((gy - ay) / ah));
    t[2] = (float)(weight[2] * log(gw / aw));
    t[3] = (float)(weight[3] * log(gh / ah));
}

void anc_encode(const anc_rules *rules, const anc_grid *grid, const int32_t *anchor, const int32_t *gt, int32_t n,
                const anc_box *box, float (*target)[4])
{
    const double *weight = rules->coder.weight;
    bool unit = weight[0] == 1 && weight[1] == 1 && weight[2] == 1 && weight[3] == 1;
    float one = grid->legacy;
    for (int32_t i = 0; i < n; i++) {
        anc_anchor_at at = anc_grid_at(grid, anchor[i]);
        anc_box g = box[gt[i]];
        if (rules->coder.rule == ANC_CODER_DOUBLE) {
            const anc_level *v = &grid->level[at.level];
            const double *b = grid->base[v->shape + at.a];
            double x = at.x * (double)v->stride_x + v->shift_x, y = at.y * (double)v->stride_y + v->shift_y;
            in_double((double[4]){ b[0] + x, b[1] + y, b[2] + x, b[3] + y }, g, one, weight, target[i]);
            continue;
        }
        anc_box a = anc_grid_box(grid, at);
        if (rules->coder.rule == ANC_CODER_CORNER)
            corner(a, g, one, target[i]);
        else
            centre(a, g, one, target[i]);
        for (int e = 0; e < 4 && !unit; e++) target[i][e] *= (float)weight[e];
    }
}
