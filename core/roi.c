/* core/roi.c: see roi.h */
#include "core/roi.h"
#include "core/draw.h"
#include "core/target.h"
#include <stdlib.h>
#include <string.h>

#define REAL         float
#define SUFFIX(name) name##_f32
#include "core/roi_match_tmpl.h"
#undef REAL
#undef SUFFIX
#define REAL         double
#define SUFFIX(name) name##_f64
#include "core/roi_match_tmpl.h"
#undef REAL
#undef SUFFIX

void anc_rois_free(anc_rois *r)
{
    void *all[] = { r->box,    r->proposal, r->self, r->gt,   r->sample, r->target,
                    r->column, r->best,     r->list, r->from, r->to };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    anc_set_clear_memory(&r->drawn);
    *r = (anc_rois){ 0 };
}

/* Room for n candidates, in whole vectors, and for a batch. */
static anc_status reserve(anc_rois *r, int64_t n, int32_t batch, anc_err *err)
{
    if (n <= r->capacity && batch <= r->batch_capacity) return ANC_OK;
    if (n > INT32_MAX / 2 - 16)
        return anc_fail(err, ANC_EDATA, "%lld proposals and boxes are too many", (long long)n);
    int32_t capacity = (int32_t)((n + n / 2 + 16) & ~7LL);
    size_t k = (size_t)capacity, s = (size_t)batch;
    anc_rois_free(r);
    r->box = malloc(k * sizeof *r->box);
    r->proposal = malloc(k * sizeof *r->proposal);
    r->self = malloc(k * sizeof *r->self);
    r->gt = calloc(k, sizeof *r->gt);
    r->column = calloc(5 * k, sizeof *r->column);
    r->best = calloc(k, sizeof *r->best);
    r->list = malloc(k * sizeof *r->list);
    r->sample = malloc(s * sizeof *r->sample);
    r->target = malloc(s * sizeof *r->target);
    r->from = malloc(s * sizeof *r->from);
    r->to = malloc(s * sizeof *r->to);
    if (!r->box || !r->proposal || !r->self || !r->gt || !r->column || !r->best || !r->list || !r->sample ||
        !r->target || !r->from || !r->to || !anc_set_reserve(&r->drawn, k)) {
        anc_rois_free(r);
        return anc_fail(err, ANC_EMEMORY, "out of memory for %lld proposals and boxes", (long long)n);
    }
    r->capacity = capacity;
    r->batch_capacity = batch;
    return ANC_OK;
}

static void append_boxes(anc_rois *r, const anc_box *box, int32_t n_box)
{
    for (int32_t i = 0; i < n_box; i++, r->n++) {
        r->box[r->n] = box[i];
        r->proposal[r->n] = -1;
        r->self[r->n] = i;
    }
}

anc_status anc_roi_take(anc_rois *r, const anc_rules *rules, const anc_view *view,
                        const double (*proposal)[4], int32_t n, const anc_box *box, int32_t n_box,
                        anc_err *err)
{
    const bool as_is = r->in_view;
    const float one = rules->match.legacy;
    if (reserve(r, (int64_t)n + n_box, rules->roi.batch, err)) return err->code;
    r->in_view = as_is;
    r->n = r->n_left_out = 0;
    if (rules->roi.append_gt == ANC_APPEND_BEFORE) append_boxes(r, box, n_box);
    for (int32_t i = 0; i < n; i++) {
        anc_box *b = &r->box[r->n];
        const double *p = proposal[i];
        bool left_out;
        if (as_is) {
            *b = (anc_box){ (float)p[0], (float)p[1], (float)p[2], (float)p[3] };
            left_out = !(b->x2 - b->x1 + one > 0 && b->y2 - b->y1 + one > 0);
        } else {
            left_out = anc_view_proposal(view, rules->boxes.rule, p, b) == ANC_BOX_DROPPED;
        }
        if (left_out) {
            r->n_left_out++;
            continue;
        }
        r->proposal[r->n] = i;
        r->self[r->n++] = -1;
    }
    if (rules->roi.append_gt == ANC_APPEND_AFTER) append_boxes(r, box, n_box);
    return ANC_OK;
}

/* Whether more than `share` of the candidate lies in one of the crowd regions: core/crowd.h's arithmetic. */
static bool in_crowd(anc_box b, const anc_box *crowd, int32_t n_crowd, float one, float share)
{
    float area = (b.x2 - b.x1 + one) * (b.y2 - b.y1 + one);
    for (int32_t i = 0; i < n_crowd; i++) {
        anc_box c = crowd[i];
        float w = (c.x2 < b.x2 ? c.x2 : b.x2) - (c.x1 > b.x1 ? c.x1 : b.x1) + one;
        float h = (c.y2 < b.y2 ? c.y2 : b.y2) - (c.y1 > b.y1 ? c.y1 : b.y1) + one;
        if (w > 0 && h > 0 && w * h / (area > 1e-6f ? area : 1e-6f) > share) return true;
    }
    return false;
}

static void apply_crowds(anc_rois *r, const anc_rules *rules, int32_t n_box, const anc_box *crowd,
                         int32_t n_crowd)
{
    bool exclude = rules->boxes.crowd == ANC_CROWD_EXCLUDE;
    if (!n_crowd || (!exclude && rules->boxes.crowd != ANC_CROWD_IGNORE) || (exclude && !n_box)) return;
    float one = rules->match.legacy, share = (float)rules->boxes.ignore_iof;
    for (int32_t i = 0; i < r->n; i++)
        if (r->self[i] < 0 && (exclude || r->gt[i] == ANC_ROI_NEGATIVE) &&
            in_crowd(r->box[i], crowd, n_crowd, one, share))
            r->gt[i] = ANC_ROI_IGNORED;
}

void anc_roi_match(anc_rois *r, const anc_kernels *kernels, const anc_rules *rules, const anc_box *box,
                   int32_t n_box, const anc_box *crowd, int32_t n_crowd)
{
    if (rules->match.float64)
        match_f64(r, kernels->f64, rules, box, n_box);
    else
        match_f32(r, kernels->f32, rules, box, n_box);
    apply_crowds(r, rules, n_box, crowd, n_crowd);
    r->n_positive = r->n_negative = r->n_ignored = 0;
    for (int32_t i = 0; i < r->n; i++) {
        if (rules->roi.append_gt == ANC_APPEND_BEFORE && r->self[i] >= 0) r->gt[i] = r->self[i];
        r->n_positive += r->gt[i] >= 0;
        r->n_negative += r->gt[i] == ANC_ROI_NEGATIVE;
        r->n_ignored += r->gt[i] == ANC_ROI_IGNORED;
    }
}

/* Where draws come from: one of the two. */
typedef struct {
    anc_mt19937 *mt;
    anc_rng *rng;
} source;

/* k of the n candidates that are positive, or of those that are negative, ascending, into out. */
static void sample_part(anc_rois *r, bool positive, int32_t n, int32_t k, bool draw, source from,
                        int32_t *out)
{
    if (!draw) {
        for (int32_t i = 0; i < k; i++) out[i] = i;
    } else {
        if (from.mt)
            anc_draw_torch(&r->drawn, from.mt, n, k, r->list);
        else
            anc_draw_subset(&r->drawn, from.rng, n, k);
        anc_set_drain(&r->drawn, out);
    }
    for (int32_t i = 0, m = 0; i < r->n; i++)
        if (positive ? r->gt[i] >= 0 : r->gt[i] == ANC_ROI_NEGATIVE) r->list[m++] = i;
    for (int32_t i = 0; i < k; i++) out[i] = r->list[out[i]];
}

void anc_roi_sample(anc_rois *r, const anc_rules *rules, uint64_t seed, int64_t image_id, int32_t epoch)
{
    int32_t batch = rules->roi.batch, quota = (int32_t)(batch * rules->roi.positive_fraction);
    r->batch_positive = r->n_positive < quota ? r->n_positive : quota;
    r->batch_negative = r->n_negative < batch - r->batch_positive ? r->n_negative : batch - r->batch_positive;
    const int32_t of[2] = { r->n_positive, r->n_negative },
                  wanted[2] = { r->batch_positive, r->batch_negative };
    static const anc_rng_purpose purpose[2] = { ANC_RNG_ROI_POSITIVES, ANC_RNG_ROI_NEGATIVES };
    bool torch = rules->sample.rule != ANC_SAMPLER_PHILOX, all = rules->sample.rule == ANC_SAMPLER_TORCH;
    anc_mt19937 mt;
    anc_rng rng;
    if (torch) anc_mt19937_seed(&mt, (uint32_t)seed);
    for (int part = 0; part < 2; part++) {
        anc_rng_init(&rng, seed, image_id, epoch, purpose[part]);
        sample_part(r, !part, of[part], wanted[part], all || wanted[part] < of[part],
                    (source){ torch ? &mt : NULL, &rng }, r->sample + (part ? r->batch_positive : 0));
    }
}

void anc_roi_encode(anc_rois *r, const anc_kernels *kernels, const anc_rules *rules, const anc_box *box)
{
    for (int32_t i = 0; i < r->batch_positive; i++) {
        r->from[i] = r->box[r->sample[i]];
        r->to[i] = box[r->gt[r->sample[i]]];
    }
    anc_encode_boxes(kernels, rules->roi.coder, rules->roi.weight, rules->match.legacy, r->from, r->to,
                     r->batch_positive, r->target);
}

/* ---- classes ---- */

int32_t anc_class_background(const anc_classes *c) { return c->rule == ANC_CLASSES_FROM_ZERO ? c->n : 0; }

int32_t anc_class_label(const anc_classes *c, int32_t i)
{
    return c->rule == ANC_CLASSES_IDS ? c->category[i] : c->rule == ANC_CLASSES_FROM_ONE ? i + 1 : i;
}

int32_t anc_class_find(const anc_classes *c, int32_t category)
{
    int32_t low = 0, high = c->n;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        if (c->category[mid] < category)
            low = mid + 1;
        else
            high = mid;
    }
    return low < c->n && c->category[low] == category ? low : -1;
}
