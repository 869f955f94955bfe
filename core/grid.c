/* core/grid.c: see grid.h */
#include "core/grid.h"
#include <math.h>
#include <string.h>

static void put(double *b, double x1, double y1, double x2, double y2)
{
    b[0] = x1;
    b[1] = y1;
    b[2] = x2;
    b[3] = y2;
}

/* torchvision and mmdet do this part alike, in float32: w = sqrt(1/r) * size, h = sqrt(r) * size. */
static int torchvision(const anc_rules *r, int l, double (*base)[4])
{
    int n = 0;
    for (int i = 0; i < r->anchors.n_ratios; i++) {
        float hr = sqrtf((float)r->anchors.ratio[i]), wr = 1.0f / hr;
        for (int s = 0; s < r->anchors.n_sizes[l]; s++) {
            float w = wr * (float)r->anchors.size[l][s], h = hr * (float)r->anchors.size[l][s];
            put(base[n++], rintf(-w / 2), rintf(-h / 2), rintf(w / 2), rintf(h / 2));
        }
    }
    return n;
}

static int mmdet(const anc_rules *r, int l, double (*base)[4])
{
    int n = 0;
    float unit = (float)r->anchors.stride[l];
    for (int i = 0; i < r->anchors.n_ratios; i++) {
        float hr = sqrtf((float)r->anchors.ratio[i]), wr = 1.0f / hr;
        for (int s = 0; s < r->anchors.n_sizes[l]; s++) {
            float scale = (float)(r->anchors.size[l][s] / r->anchors.stride[l]);
            float w = unit * wr * scale, h = unit * hr * scale;
            put(base[n++], 0 - 0.5f * w, 0 - 0.5f * h, 0 + 0.5f * w, 0 + 0.5f * h);
        }
    }
    return n;
}

static int detectron2(const anc_rules *r, int l, double (*base)[4])
{
    int n = 0;
    for (int s = 0; s < r->anchors.n_sizes[l]; s++) {
        double area = r->anchors.size[l][s] * r->anchors.size[l][s];
        for (int i = 0; i < r->anchors.n_ratios; i++) {
            double w = sqrt(area / r->anchors.ratio[i]), h = r->anchors.ratio[i] * w;
            put(base[n++], (float)(-w / 2), (float)(-h / 2), (float)(w / 2), (float)(h / 2));
        }
    }
    return n;
}

/* py-faster-rcnn's generate_anchors: sides are counted in pixels, so a box's far corner is centre + (side -
 * 1) / 2. */
static int legacy(const anc_rules *r, int l, double (*base)[4])
{
    int n = 0;
    double stride = r->anchors.stride[l], centre = 0.5 * (stride - 1);
    for (int i = 0; i < r->anchors.n_ratios; i++) {
        double w = rint(sqrt(stride * stride / r->anchors.ratio[i])), h = rint(w * r->anchors.ratio[i]);
        double x = centre - 0.5 * (w - 1) + 0.5 * (w - 1), y = centre - 0.5 * (h - 1) + 0.5 * (h - 1);
        for (int s = 0; s < r->anchors.n_sizes[l]; s++) {
            double scale = r->anchors.size[l][s] / stride;
            put(base[n++], x - 0.5 * (w * scale - 1), y - 0.5 * (h * scale - 1), x + 0.5 * (w * scale - 1),
                y + 0.5 * (h * scale - 1));
        }
    }
    return n;
}

int anc_base_anchors(const anc_rules *r, int level, double (*base)[4])
{
    switch (r->anchors.rule) {
    case ANC_ANCHORS_TORCHVISION: return torchvision(r, level, base);
    case ANC_ANCHORS_DETECTRON2: return detectron2(r, level, base);
    case ANC_ANCHORS_MMDET: return mmdet(r, level, base);
    case ANC_ANCHORS_LEGACY: break;
    }
    return legacy(r, level, base);
}

/* First position in [0, n) whose edge, base + position * stride, is >= least; n when there is none.
 * `<` and `>=` decide on the same rounded sums as everywhere else, so search, don't solve. */
static int32_t first_at_least(double base, int32_t stride, double shift, int32_t n, double least,
                              bool float64)
{
    int32_t low = 0, high = n;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        double step = mid * (double)stride + shift;
        double edge = float64 ? base + step : (double)((float)base + (float)step);
        if (edge >= least)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static anc_window inside(const anc_level *v, const double *b, double border, int32_t h, int32_t w,
                         bool float64)
{
    anc_window in = { 0, v->w, 0, v->h };
    in.x0 = first_at_least(b[0], v->stride_x, v->shift_x, v->w, -border, float64);
    in.y0 = first_at_least(b[1], v->stride_y, v->shift_y, v->h, -border, float64);
    in.x1 = first_at_least(b[2], v->stride_x, v->shift_x, v->w, w + border, float64);
    in.y1 = first_at_least(b[3], v->stride_y, v->shift_y, v->h, h + border, float64);
    if (in.x1 < in.x0 || in.y1 < in.y0) in = (anc_window){ 0, 0, 0, 0 };
    return in;
}

static int32_t ceil_div(int32_t a, int32_t b) { return (a + b - 1) / b; }

anc_status anc_grid_place(anc_grid *g, const anc_rules *r, int32_t view_h, int32_t view_w, int32_t padded_h,
                          int32_t padded_w, anc_err *err)
{
    return anc_grid_place_on(g, r, view_h, view_w, padded_h, padded_w, NULL, err);
}

anc_status anc_grid_place_on(anc_grid *g, const anc_rules *r, int32_t view_h, int32_t view_w,
                             int32_t padded_h, int32_t padded_w, const int32_t (*positions)[2], anc_err *err)
{
    int64_t n_anchors = 0, n_inside = 0, n_cells = 0;
    double extent = 1, reach = 0;
    g->n_levels = r->anchors.n_levels;
    g->n_shapes = 0;
    g->border = r->anchors.border;
    g->legacy = r->match.legacy;
    for (int l = 0; l < g->n_levels; l++) {
        anc_level *v = &g->level[l];
        int32_t stride = r->anchors.stride[l];
        v->h = positions ? positions[l][0] : ceil_div(padded_h, stride);
        v->w = positions ? positions[l][1] : ceil_div(padded_w, stride);
        if (v->h < 1 || v->w < 1 || v->h > padded_h || v->w > padded_w)
            return anc_fail(err, ANC_EDATA, "a grid of %d x %d positions cannot lie on %d x %d px", v->h,
                            v->w, padded_h, padded_w);
        v->stride_y = r->anchors.stride_from_grid ? padded_h / v->h : stride;
        v->stride_x = r->anchors.stride_from_grid ? padded_w / v->w : stride;
        v->shift_y = r->anchors.offset * v->stride_y;
        v->shift_x = r->anchors.offset * v->stride_x;
        v->first = (int32_t)n_anchors;
        v->shape = g->n_shapes;
        int32_t capacity = ANC_MAX_SHAPES - g->n_shapes;
        if (r->anchors.n_sizes[l] * r->anchors.n_ratios > capacity)
            return anc_fail(err, ANC_EARGUMENT, "anchors: more than %d shapes over all levels",
                            ANC_MAX_SHAPES);
        v->n_shapes = anc_base_anchors(r, l, g->base + g->n_shapes);
        v->reciprocal = ((1ULL << 40) + (uint64_t)v->n_shapes - 1) / (uint64_t)v->n_shapes;
        for (int32_t a = v->shape; a < v->shape + v->n_shapes; a++) {
            g->cells[a] = (anc_cells){ (int32_t)n_cells, v->h, v->w, v->first + a - v->shape, v->n_shapes };
            for (int e = 0; e < 4; e++) extent = fmax(extent, fabs(g->base[a][e]));
            n_cells += ((int64_t)v->h * v->w + 63) & ~63LL;
            if (n_cells > INT32_MAX - 64)
                return anc_fail(err, ANC_EDATA,
                                "a view of %d x %d px has more than 2^31 anchors; use larger strides",
                                padded_w, padded_h);
            anc_window all = { 0, v->w, 0, v->h };
            g->window[a] = g->border == ANC_BORDER_KEEP ? all
                                                        : inside(v, g->base[a], r->anchors.border_px, view_h,
                                                                 view_w, r->match.float64);
            n_inside += (int64_t)(g->window[a].x1 - g->window[a].x0) * (g->window[a].y1 - g->window[a].y0);
        }
        g->n_shapes += v->n_shapes;
        reach = fmax(reach,
                     fmax(v->w * (double)v->stride_x + v->shift_x, v->h * (double)v->stride_y + v->shift_y));
        n_anchors += (int64_t)v->h * v->w * v->n_shapes;
    }
    g->n_anchors = (int32_t)n_anchors;
    g->n_cells = (int32_t)n_cells;
    g->extent = (float)(extent + reach);
    g->n_outside = (int32_t)(n_anchors - n_inside);
    if (!n_anchors)
        return anc_fail(err, ANC_EDATA, "a view of %d x %d px has no anchors", padded_w, padded_h);
    return ANC_OK;
}
