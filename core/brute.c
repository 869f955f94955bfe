/* core/brute.c: see brute.h */
#include "core/brute.h"
#include "core/iou.h"
#include <stdlib.h>

typedef struct {
    const anc_rules *r;
    const anc_grid *grid;
} context;

/* A threshold, as the number that the systems compare with: float32, or double where IoU is double. */
static double threshold(const anc_rules *r, double t) { return r->match.float64 ? t : (double)(float)t; }

static double iou(const context *c, int32_t anchor, anc_box g)
{
    anc_anchor_at at = anc_grid_at(c->grid, anchor);
    double one = c->grid->legacy, floor = c->r->match.union_floor;
    if (!c->r->match.float64) {
        anc_box a = anc_grid_box(c->grid, at);
        return anc_iou_f32((float[4]){ a.x1, a.y1, a.x2, a.y2 }, (float[4]){ g.x1, g.y1, g.x2, g.y2 },
                           (float)one, (float)floor);
    }
    const anc_level *v = &c->grid->level[at.level];
    const double *b = c->grid->base[v->shape + at.a];
    double x = at.x * (double)v->stride_x + v->shift_x, y = at.y * (double)v->stride_y + v->shift_y;
    return anc_iou_f64((double[4]){ b[0] + x, b[1] + y, b[2] + x, b[3] + y },
                       (double[4]){ g.x1, g.y1, g.x2, g.y2 }, one, floor);
}

static bool in_crowd(const context *c, int32_t anchor, const anc_box *crowd, int32_t n_crowd)
{
    anc_box a = anc_grid_box(c->grid, anc_grid_at(c->grid, anchor));
    float one = c->grid->legacy, area = (a.x2 - a.x1 + one) * (a.y2 - a.y1 + one);
    for (int32_t i = 0; i < n_crowd; i++) {
        anc_box g = crowd[i];
        float w = (a.x2 < g.x2 ? a.x2 : g.x2) - (a.x1 > g.x1 ? a.x1 : g.x1) + one;
        float h = (a.y2 < g.y2 ? a.y2 : g.y2) - (a.y1 > g.y1 ? a.y1 : g.y1) + one;
        if (w > 0 && h > 0 && w * h / (area > 1e-6f ? area : 1e-6f) > (float)c->r->boxes.ignore_iof)
            return true;
    }
    return false;
}

anc_status anc_brute_label(const anc_rules *rules, const anc_grid *grid, const anc_box *box, int32_t n_box,
                           const anc_box *crowd, int32_t n_crowd, int8_t *label, int32_t *gt, anc_err *err)
{
    context c = { rules, grid };
    size_t n = (size_t)grid->n_anchors;
    double *best = malloc(n * sizeof *best), *most = malloc(((size_t)n_box + 1) * sizeof *most);
    bool *out = malloc(n);
    if (!best || !most || !out) {
        free(best);
        free(most);
        free(out);
        return anc_fail(err, ANC_EMEMORY, "out of memory for %zu anchors", n);
    }
    bool exclude = rules->boxes.crowd == ANC_CROWD_EXCLUDE && n_box > 0;
    for (size_t a = 0; a < n; a++) {
        out[a] = (grid->border == ANC_BORDER_DROP && anc_grid_outside(grid, (int32_t)a)) ||
                 (exclude && in_crowd(&c, (int32_t)a, crowd, n_crowd));
        best[a] = n_box ? -1 : 0;
        gt[a] = -1;
    }
    for (int32_t g = 0; g < n_box; g++) {
        most[g] = -1;
        for (size_t a = 0; a < n; a++) {
            if (out[a]) continue;
            double v = iou(&c, (int32_t)a, box[g]);
            if (v > best[a]) {
                best[a] = v;
                gt[a] = g;
            }
            if (v > most[g]) most[g] = v;
        }
    }
    for (size_t a = 0; a < n; a++)
        label[a] = out[a]                                                   ? -1
                   : best[a] >= threshold(rules, rules->match.positive_iou) ? 1
                   : best[a] >= threshold(rules, rules->match.negative_iou) ? -1
                                                                            : 0;
    for (int32_t g = 0; g < n_box && rules->match.low_quality != ANC_LOW_QUALITY_OFF; g++) {
        if (most[g] < threshold(rules, rules->match.low_quality_iou) || most[g] < 0) continue;
        if (most[g] == 0 && !rules->match.zero_overlap) continue;
        for (size_t a = 0; a < n; a++) {
            if (out[a] || iou(&c, (int32_t)a, box[g]) != most[g]) continue;
            label[a] = 1;
            if (rules->match.low_quality == ANC_LOW_QUALITY_CLAIM) gt[a] = g;
        }
    }
    for (size_t a = 0; a < n; a++) {
        if (grid->border == ANC_BORDER_IGNORE && anc_grid_outside(grid, (int32_t)a)) label[a] = -1;
        if (label[a] == 0 && rules->boxes.crowd == ANC_CROWD_IGNORE &&
            in_crowd(&c, (int32_t)a, crowd, n_crowd))
            label[a] = -1;
        if (label[a] != 1) gt[a] = -1;
    }
    free(best);
    free(most);
    free(out);
    return ANC_OK;
}
