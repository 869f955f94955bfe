/* core/crowd.c: see crowd.h */
#include "core/crowd.h"
#include <math.h>
#include <stdlib.h>

static bool append(anc_crowd_cells_list *out, anc_crowd_run run)
{
    if (out->n == out->capacity) {
        int32_t capacity = out->capacity ? 2 * out->capacity : 256;
        anc_crowd_run *grown = realloc(out->run, (size_t)capacity * sizeof *grown);
        if (!grown) return false;
        out->run = grown;
        out->capacity = capacity;
    }
    out->run[out->n++] = run;
    return true;
}

/* Positions whose anchor edge to edge overlaps [low, high] at all, a position too many rather than too few.
 */
static void reach(double near, double far, double stride, double low, double high, int32_t n, int32_t *begin,
                  int32_t *end)
{
    double a = floor((low - far) / stride) - 1, b = ceil((high - near) / stride) + 2;
    *begin = a > 0 ? (int32_t)fmin(a, n) : 0;
    *end = b < n ? (int32_t)fmax(b, 0) : n;
}

static anc_status one_shape(const anc_level *v, int32_t shape, const double *base, anc_box c, float one,
                            float iof, anc_crowd_cells_list *out, anc_err *err)
{
    float b[4] = { (float)base[0], (float)base[1], (float)base[2], (float)base[3] };
    int32_t x0, x1, y0, y1;
    reach(b[0] + v->shift_x, b[2] + v->shift_x, v->stride_x, c.x1 - one, c.x2 + one, v->w, &x0, &x1);
    reach(b[1] + v->shift_y, b[3] + v->shift_y, v->stride_y, c.y1 - one, c.y2 + one, v->h, &y0, &y1);
    for (int32_t y = y0; y < y1; y++) {
        float sy = (float)(y * (double)v->stride_y + v->shift_y), ay1 = b[1] + sy, ay2 = b[3] + sy;
        float ih = fminf(c.y2, ay2) - fmaxf(c.y1, ay1) + one, ah = ay2 - ay1 + one;
        if (!(ih > 0)) continue;
        int32_t start = -1;
        for (int32_t x = x0; x <= x1; x++) {
            bool in = false;
            if (x < x1) {
                float sx = (float)(x * (double)v->stride_x + v->shift_x), ax1 = b[0] + sx, ax2 = b[2] + sx;
                float iw = fminf(c.x2, ax2) - fmaxf(c.x1, ax1) + one;
                in = iw > 0 && iw * ih / fmaxf((ax2 - ax1 + one) * ah, 1e-6f) > iof;
            }
            if (in && start < 0) start = x;
            if (!in && start >= 0) {
                if (!append(out, (anc_crowd_run){ shape, y * v->w + start, x - start }))
                    return anc_fail(err, ANC_EMEMORY, "out of memory for %d runs of crowd anchors", out->n);
                start = -1;
            }
        }
    }
    return ANC_OK;
}

anc_status anc_crowd_cells(const anc_grid *grid, const anc_box *crowd, int32_t n_crowd, float iof,
                           anc_crowd_cells_list *out, anc_err *err)
{
    out->n = 0;
    for (int32_t i = 0; i < n_crowd; i++)
        for (int32_t l = 0; l < grid->n_levels; l++) {
            const anc_level *v = &grid->level[l];
            for (int32_t a = v->shape; a < v->shape + v->n_shapes; a++)
                if (one_shape(v, a, grid->base[a], crowd[i], grid->legacy, iof, out, err)) return err->code;
        }
    return ANC_OK;
}
