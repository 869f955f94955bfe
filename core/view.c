/* core/view.c: see view.h */
#include "core/view.h"
#include "core/rng.h"
#include <math.h>

typedef struct {
    int32_t h, w;
} size2;

static double least(double a, double b) { return a < b ? a : b; }
static double most(double a, double b) { return a > b ? a : b; }

static size2 torchvision(int32_t h, int32_t w, int32_t short_side, int32_t long_side, bool in_double)
{
    double low = least(h, w), high = most(h, w), scale;
    if (in_double) {
        scale = least(short_side / low, long_side / high);
    } else { /* Tensor.__rdiv__: a reciprocal, then a product, each rounded to float32 */
        float a = 1.0f / (float)low * (float)short_side, b = 1.0f / (float)high * (float)long_side;
        scale = a < b ? a : b;
    }
    return (size2){ (int32_t)floor(h * scale), (int32_t)floor(w * scale) };
}

static size2 detectron2(int32_t h, int32_t w, int32_t short_side, int32_t long_side)
{
    double scale = short_side / least(h, w), new_h, new_w;
    if (h < w) {
        new_h = short_side;
        new_w = scale * w;
    } else {
        new_h = scale * h;
        new_w = short_side;
    }
    double high = most(new_h, new_w);
    if (high > long_side) {
        scale = long_side / high;
        new_h *= scale;
        new_w *= scale;
    }
    return (size2){ (int32_t)(new_h + 0.5), (int32_t)(new_w + 0.5) };
}

static size2 mmcv(int32_t h, int32_t w, int32_t short_side, int32_t long_side)
{
    double scale =
        least(most(short_side, long_side) / most(h, w), least(short_side, long_side) / least(h, w));
    return (size2){ (int32_t)(h * scale + 0.5), (int32_t)(w * scale + 0.5) };
}

static size2 maskrcnn_benchmark(int32_t h, int32_t w, int32_t short_side, int32_t long_side)
{
    double low = least(h, w), high = most(h, w);
    int32_t side = short_side;
    if (high / low * side > long_side) side = (int32_t)rint(long_side * low / high);
    if ((w <= h && w == side) || (h <= w && h == side)) return (size2){ h, w };
    if (w < h) return (size2){ (int32_t)((double)((int64_t)side * h) / w), side };
    return (size2){ side, (int32_t)((double)((int64_t)side * w) / h) };
}

static double py_faster_rcnn_factor(int32_t h, int32_t w, int32_t short_side, int32_t long_side)
{
    double scale = short_side / least(h, w);
    return rint(scale * most(h, w)) > long_side ? long_side / most(h, w) : scale;
}

static size2 py_faster_rcnn(int32_t h, int32_t w, int32_t short_side, int32_t long_side)
{
    double scale = py_faster_rcnn_factor(h, w, short_side, long_side);
    return (size2){ (int32_t)rint(h * scale), (int32_t)rint(w * scale) };
}

static size2 resize(const anc_rules *r, int32_t h, int32_t w, int32_t short_side)
{
    int32_t long_side = r->view.max_size;
    switch (r->view.resize) {
    case ANC_RESIZE_TORCHVISION: return torchvision(h, w, short_side, long_side, false);
    case ANC_RESIZE_TORCHVISION_DOUBLE: return torchvision(h, w, short_side, long_side, true);
    case ANC_RESIZE_DETECTRON2: return detectron2(h, w, short_side, long_side);
    case ANC_RESIZE_MMCV: return mmcv(h, w, short_side, long_side);
    case ANC_RESIZE_MASKRCNN_BENCHMARK: return maskrcnn_benchmark(h, w, short_side, long_side);
    case ANC_RESIZE_PY_FASTER_RCNN: return py_faster_rcnn(h, w, short_side, long_side);
    case ANC_RESIZE_NONE:
    case ANC_RESIZE_LIKE: break;
    }
    return (size2){ h, w };
}

static int32_t padded(int32_t side, int32_t multiple)
{
    return multiple > 1 ? (side + multiple - 1) / multiple * multiple : side;
}

static bool draw_flip(const anc_rules *r, uint64_t seed, int64_t image_id, int32_t epoch)
{
    anc_rng rng;
    if (!(r->view.flip > 0)) return false;
    anc_rng_init(&rng, seed, image_id, epoch, ANC_RNG_FLIP);
    return anc_rng_uniform(&rng) < r->view.flip;
}

anc_status anc_view_by_rule(anc_view *v, const anc_rules *r, uint64_t seed, int64_t image_id, int32_t epoch,
                            int32_t image_h, int32_t image_w, anc_err *err)
{
    *v = (anc_view){ .image_id = image_id, .epoch = epoch, .image_h = image_h, .image_w = image_w };
    anc_rng rng;
    v->flip = draw_flip(r, seed, image_id, epoch);
    int32_t short_side = r->view.min_size[0];
    if (r->view.n_min_sizes > 1) {
        anc_rng_init(&rng, seed, image_id, epoch, ANC_RNG_SCALE);
        short_side = r->view.min_size[anc_rng_below(&rng, (uint32_t)r->view.n_min_sizes)];
    }
    size2 s = resize(r, image_h, image_w, short_side);
    if (s.h < 1 || s.w < 1)
        return anc_fail(err, ANC_EDATA,
                        "%d x %d px becomes %d x %d px by the resize rule; a view needs a pixel each way "
                        "(remove the image, or raise view.max_size)",
                        image_w, image_h, s.w, s.h);
    v->h = s.h;
    v->w = s.w;
    v->padded_h = padded(s.h, r->view.pad);
    v->padded_w = padded(s.w, r->view.pad);
    v->scale_y = (float)((double)s.h / image_h);
    v->scale_x = (float)((double)s.w / image_w);
    if (r->view.resize == ANC_RESIZE_PY_FASTER_RCNN)
        v->factor = py_faster_rcnn_factor(image_h, image_w, short_side, r->view.max_size);
    return ANC_OK;
}

void anc_view_exact(anc_view *v, int32_t h, int32_t w, int32_t padded_h, int32_t padded_w)
{
    *v = (anc_view){ .image_h = h,
                     .image_w = w,
                     .h = h,
                     .w = w,
                     .padded_h = padded_h,
                     .padded_w = padded_w,
                     .scale_y = 1,
                     .scale_x = 1 };
}

void anc_view_on(anc_view *v, int64_t image_id, int32_t epoch, int32_t image_h, int32_t image_w, int32_t h,
                 int32_t w, int32_t padded_h, int32_t padded_w)
{
    anc_view_exact(v, h, w, padded_h, padded_w);
    v->image_id = image_id;
    v->epoch = epoch;
    v->image_h = image_h;
    v->image_w = image_w;
    v->scale_y = (float)((double)h / image_h);
    v->scale_x = (float)((double)w / image_w);
}

anc_status anc_view_place(anc_view *v, const anc_rules *r, uint64_t seed, int64_t image_id, int32_t epoch,
                          int32_t image_h, int32_t image_w, const anc_view_choice *choice, anc_err *err)
{
    if (choice->size[0]) {
        anc_view_on(v, image_id, epoch, image_h, image_w, choice->size[0], choice->size[1],
                    padded(choice->size[0], r->view.pad), padded(choice->size[1], r->view.pad));
        v->flip = draw_flip(r, seed, image_id, epoch);
    } else if (anc_view_by_rule(v, r, seed, image_id, epoch, image_h, image_w, err)) {
        return err->code;
    }
    if (choice->padded[0]) {
        v->padded_h = choice->padded[0];
        v->padded_w = choice->padded[1];
    }
    if (choice->flip != ANC_FLIP_DRAWN) v->flip = choice->flip == ANC_FLIP_ON;
    if (v->padded_h >= v->h && v->padded_w >= v->w) return ANC_OK;
    return anc_fail(err, ANC_EARGUMENT, "a view of %d x %d px cannot be padded to %d x %d px", v->w, v->h,
                    v->padded_w, v->padded_h);
}

anc_box anc_view_unclipped(const anc_view *v, const double x[4])
{
    double left = v->flip ? v->image_w - x[2] : x[0], right = v->flip ? v->image_w - x[0] : x[2];
    return (anc_box){ (float)(left * v->scale_x), (float)(x[1] * v->scale_y), (float)(right * v->scale_x),
                      (float)(x[3] * v->scale_y) };
}

static float clampf(float x, float high) { return x < 0 ? 0 : x > high ? high : x; }
static double clamp(double x, double high) { return x < 0 ? 0 : x > high ? high : x; }

static bool differ(const double a[4], const double b[4])
{
    return a[0] != b[0] || a[1] != b[1] || a[2] != b[2] || a[3] != b[3];
}

/* From corners as a rule has them, in original pixels, into the view. */
static anc_box_fate place_torchvision(const anc_view *v, anc_box b, anc_box *out)
{
    float w = (float)v->image_w, h = (float)v->image_h;
    anc_box c = { clampf(b.x1, w), clampf(b.y1, h), clampf(b.x2, w), clampf(b.y2, h) };
    if (!(c.x2 > c.x1 && c.y2 > c.y1)) return ANC_BOX_DROPPED;
    anc_box_fate fate =
        c.x1 != b.x1 || c.y1 != b.y1 || c.x2 != b.x2 || c.y2 != b.y2 ? ANC_BOX_CLIPPED : ANC_BOX_KEPT;
    if (v->flip) {
        float left = w - c.x2;
        c.x2 = w - c.x1;
        c.x1 = left;
    }
    float sx = (float)v->w / w, sy = (float)v->h / h;
    *out = (anc_box){ c.x1 * sx, c.y1 * sy, c.x2 * sx, c.y2 * sy };
    return out->x2 > out->x1 && out->y2 > out->y1 ? fate : ANC_BOX_DROPPED;
}

/* BoxMode.convert makes corners in float32; from there on all is double. It flips after the resize. */
static anc_box_fate place_detectron2(const anc_view *v, anc_box b, float least_side, anc_box *out)
{
    double sx = v->w * 1.0 / v->image_w, sy = v->h * 1.0 / v->image_h;
    double s[4] = { b.x1 * sx, b.y1 * sy, b.x2 * sx, b.y2 * sy };
    if (v->flip) {
        double left = v->w - s[2];
        s[2] = v->w - s[0];
        s[0] = left;
    }
    double c[4] = { clamp(s[0], v->w), clamp(s[1], v->h), clamp(s[2], v->w), clamp(s[3], v->h) };
    *out = (anc_box){ (float)c[0], (float)c[1], (float)c[2], (float)c[3] };
    if (!(out->x2 - out->x1 > least_side && out->y2 - out->y1 > least_side)) return ANC_BOX_DROPPED;
    return differ(s, c) ? ANC_BOX_CLIPPED : ANC_BOX_KEPT;
}

static anc_box_fate place_mmdet(const anc_view *v, anc_box b, anc_box *out)
{
    float sx = (float)((double)v->w / v->image_w), sy = (float)((double)v->h / v->image_h);
    anc_box s = { b.x1 * sx, b.y1 * sy, b.x2 * sx, b.y2 * sy };
    float w = (float)v->w, h = (float)v->h;
    *out = (anc_box){ clampf(s.x1, w), clampf(s.y1, h), clampf(s.x2, w), clampf(s.y2, h) };
    if (!(out->x2 > out->x1 && out->y2 > out->y1)) return ANC_BOX_DROPPED;
    anc_box_fate fate = s.x1 != out->x1 || s.y1 != out->y1 || s.x2 != out->x2 || s.y2 != out->y2
                            ? ANC_BOX_CLIPPED
                            : ANC_BOX_KEPT;
    if (v->flip) { /* after resize and clip */
        float left = w - out->x2;
        out->x2 = w - out->x1;
        out->x1 = left;
    }
    return fate;
}

static anc_box_fate place_maskrcnn_benchmark(const anc_view *v, anc_box b, bool thin, anc_box *out)
{
    float right = (float)(v->image_w - 1), bottom = (float)(v->image_h - 1);
    anc_box c = { clampf(b.x1, right), clampf(b.y1, bottom), clampf(b.x2, right), clampf(b.y2, bottom) };
    if (!thin && !(c.x2 > c.x1 && c.y2 > c.y1))
        return ANC_BOX_DROPPED; /* annotations of a single row or column */
    anc_box_fate fate =
        c.x1 != b.x1 || c.y1 != b.y1 || c.x2 != b.x2 || c.y2 != b.y2 ? ANC_BOX_CLIPPED : ANC_BOX_KEPT;
    float sx = (float)((double)v->w / v->image_w), sy = (float)((double)v->h / v->image_h);
    *out = (anc_box){ c.x1 * sx, c.y1 * sy, c.x2 * sx, c.y2 * sy };
    if (v->flip) { /* after the resize, over the inclusive width */
        float left = (float)v->w - out->x2 - 1;
        out->x2 = (float)v->w - out->x1 - 1;
        out->x1 = left;
    }
    return fate;
}

static anc_box_fate place_py_faster_rcnn(const anc_view *v, const double b[4], bool whole, anc_box *out)
{
    double x1 = b[0] > 0 ? b[0] : 0, y1 = b[1] > 0 ? b[1] : 0;
    double w = b[2] - b[0] - 1, h = b[3] - b[1] - 1;
    double x2 = least(v->image_w - 1, x1 + (w > 0 ? w : 0)), y2 = least(v->image_h - 1, y1 + (h > 0 ? h : 0));
    if (!(x2 >= x1 && y2 >= y1)) return ANC_BOX_DROPPED;
    bool cut = b[0] < 0 || b[1] < 0 || b[2] > v->image_w || b[3] > v->image_h;
    double t[4] = { x1, y1, x2, y2 };
    for (int e = 0; whole && e < 4; e++) t[e] = floor(t[e]); /* it keeps annotated boxes as uint16 */
    if (v->flip) {
        double left = v->image_w - t[2] - 1;
        t[2] = v->image_w - t[0] - 1;
        t[0] = left;
    }
    double sx = v->factor > 0 ? v->factor : (double)v->w / v->image_w;
    double sy = v->factor > 0 ? v->factor : (double)v->h / v->image_h;
    *out = (anc_box){ (float)(t[0] * sx), (float)(t[1] * sy), (float)(t[2] * sx), (float)(t[3] * sy) };
    return cut ? ANC_BOX_CLIPPED : ANC_BOX_KEPT;
}

/* Annotations start from what each system reads, x, y, width, height, so that its additions round as there.
 */
anc_box_fate anc_view_box(const anc_view *v, anc_boxes_rule rule, const double b[4], anc_box *out)
{
    float x = (float)b[0], y = (float)b[1], w = (float)(b[2] - b[0]), h = (float)(b[3] - b[1]);
    switch (rule) {
    case ANC_BOXES_TORCHVISION: return place_torchvision(v, (anc_box){ x, y, x + w, y + h }, out);
    case ANC_BOXES_DETECTRON2: return place_detectron2(v, (anc_box){ x, y, x + w, y + h }, 1e-5f, out);
    case ANC_BOXES_MMDET: /* its data set skips sides below 1; compared so that x + 1 is never taken for less
                           */
        if (b[2] < b[0] + 1 || b[3] < b[1] + 1) return ANC_BOX_DROPPED;
        return place_mmdet(v, (anc_box){ x, y, (float)b[2], (float)b[3] }, out);
    case ANC_BOXES_MASKRCNN_BENCHMARK:
        w -= 1;
        h -= 1;
        return place_maskrcnn_benchmark(v, (anc_box){ x, y, x + (w > 0 ? w : 0), y + (h > 0 ? h : 0) }, false,
                                        out);
    case ANC_BOXES_PY_FASTER_RCNN: break;
    }
    return place_py_faster_rcnn(v, b, true, out);
}

anc_box_fate anc_view_proposal(const anc_view *v, anc_boxes_rule rule, const double b[4], anc_box *out)
{
    anc_box corners = { (float)b[0], (float)b[1], (float)b[2], (float)b[3] };
    switch (rule) {
    case ANC_BOXES_TORCHVISION: return place_torchvision(v, corners, out);
    case ANC_BOXES_DETECTRON2: return place_detectron2(v, corners, 0, out);
    case ANC_BOXES_MMDET: return place_mmdet(v, corners, out);
    case ANC_BOXES_MASKRCNN_BENCHMARK:
        corners.x2 = corners.x2 - 1 > corners.x1 ? corners.x2 - 1 : corners.x1;
        corners.y2 = corners.y2 - 1 > corners.y1 ? corners.y2 - 1 : corners.y1;
        return place_maskrcnn_benchmark(v, corners, true, out);
    case ANC_BOXES_PY_FASTER_RCNN: break;
    }
    return place_py_faster_rcnn(v, b, false, out);
}
