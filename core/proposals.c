/* core/proposals.c: see proposals.h */
#include "core/proposals.h"
#include "core/exponential.h"
#include "core/target.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- rules ---- */

bool anc_proposal_rules_preset(const char *preset, bool training, anc_proposal_rules *out)
{
    const double any = -INFINITY;
    const int32_t many = training ? 2000 : 1000;
    const anc_proposal_rules torchvision = { .n_before = many,
                                             .n_after = many,
                                             .iou = 0.7,
                                             .min_side = 1e-3,
                                             .probability = true,
                                             .least_score = 0,
                                             .batched = 1000 };
    const anc_proposal_rules detectron2 = { .n_before = many,
                                            .n_after = 1000,
                                            .iou = 0.7,
                                            .side_above = true,
                                            .least_score = any,
                                            .finite = true,
                                            .batched = 1000 };
    const anc_proposal_rules mmdet = { .n_before = many,
                                       .n_after = 1000,
                                       .iou = (double)0.7f,
                                       .side_above = true,
                                       .probability = true,
                                       .least_score = any,
                                       .batched = 9999 };
    const anc_proposal_rules benchmark = { .n_before = many,
                                           .n_level = many,
                                           .n_after = many,
                                           .iou = 0.7,
                                           .probability = true,
                                           .least_score = any };
    const anc_proposal_rules original = { .n_before = training ? 12000 : 6000,
                                          .n_after = training ? 2000 : 300,
                                          .iou = 0.7,
                                          .min_side = 16,
                                          .side_scaled = true,
                                          .small_first = true,
                                          .probability = true,
                                          .least_score = any };
    anc_proposal_rules c4 = detectron2;
    c4.n_before = training ? 12000 : 6000;
    c4.n_after = many;
    const struct {
        const char *name;
        const anc_proposal_rules *rules;
    } all[] = { { "torchvision-fpn", &torchvision },
                { "torchvision-0.14-fpn", &torchvision },
                { "detectron2-fpn", &detectron2 },
                { "detectron2-c4", &c4 },
                { "mmdet-fpn", &mmdet },
                { "maskrcnn-benchmark-fpn", &benchmark },
                { "faster-rcnn-vgg16", &original } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].name, preset)) {
            *out = *all[i].rules;
            return true;
        }
    return false;
}

anc_status anc_proposal_rules_check(const anc_proposal_rules *r, anc_err *err)
{
    if (r->n_before < 1 || r->n_after < 1 || r->n_level < 0)
        return anc_fail(err, ANC_EARGUMENT,
                        "proposals: %d before and %d after suppression; at least 1 of each is needed",
                        r->n_before, r->n_after);
    if (!(r->iou > 0 && r->iou <= 1))
        return anc_fail(err, ANC_EARGUMENT, "proposals: a suppression IoU of %g is not above 0 and at most 1",
                        r->iou);
    if (!(r->min_side >= 0 && r->min_side < 1e6))
        return anc_fail(err, ANC_EARGUMENT, "proposals: a least side of %g px makes no sense", r->min_side);
    return ANC_OK;
}

/* ---- candidates ---- */

static void free_capacity(anc_proposer *p)
{
    void **all[] = { (void **)&p->anchor, (void **)&p->level, (void **)&p->score,
                     (void **)&p->box,    (void **)&p->order, (void **)&p->of_level,
                     (void **)&p->keep,   (void **)&p->kept,  (void **)&p->batched };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(*all[i]);
        *all[i] = NULL;
    }
    p->capacity = 0;
}

static anc_status reserve(anc_proposer *p, int32_t n, anc_err *err)
{
    if (n <= p->capacity) return ANC_OK;
    free_capacity(p);
    size_t m = (size_t)n;
    p->anchor = malloc(m * sizeof *p->anchor);
    p->level = malloc(m * sizeof *p->level);
    p->score = malloc(m * sizeof *p->score);
    p->box = malloc(m * sizeof *p->box);
    p->order = malloc(m * sizeof *p->order);
    p->of_level = malloc(m * sizeof *p->of_level);
    p->keep = malloc(m * sizeof *p->keep);
    p->kept = malloc(m);
    p->batched = malloc(m * sizeof *p->batched);
    if (!p->anchor || !p->level || !p->score || !p->box || !p->order || !p->of_level || !p->keep ||
        !p->kept || !p->batched) {
        free_capacity(p);
        return anc_fail(err, ANC_EMEMORY, "out of memory for %d candidates", n);
    }
    p->capacity = n;
    return ANC_OK;
}

static anc_status reserve_best(anc_proposer *p, int32_t n, anc_err *err)
{
    if (n <= p->room_best) return ANC_OK;
    free(p->best);
    p->room_best = 0;
    p->best = malloc((size_t)n * sizeof *p->best);
    if (!p->best) return anc_fail(err, ANC_EMEMORY, "out of memory for the order of %d anchors", n);
    p->room_best = n;
    return ANC_OK;
}

anc_status anc_propose_rank(anc_proposer *p, const float *logit, const int32_t *first, int32_t n_levels,
                            anc_err *err)
{
    const int32_t bound = p->rules.small_first ? INT32_MAX : p->rules.n_before;
    int32_t n = 0;
    for (int32_t l = 0; l < n_levels; l++) {
        int32_t here = first[l + 1] - first[l];
        n += here < bound ? here : bound;
        if (reserve_best(p, here, err)) return err->code;
    }
    if (reserve(p, n, err)) return err->code;
    p->n = 0;
    for (int32_t l = 0; l < n_levels; l++) {
        int32_t n_top;
        if (anc_rank_top(&p->rank, logit + first[l], first[l + 1] - first[l], bound, p->best, &n_top, err))
            return err->code;
        for (int32_t i = 0; i < n_top; i++, p->n++) {
            float x = logit[first[l] + p->best[i]];
            p->anchor[p->n] = first[l] + p->best[i];
            p->level[p->n] = l;
            p->score[p->n] = p->rules.probability ? anc_sigmoid(x) : x;
        }
    }
    return ANC_OK;
}

void anc_propose_decode(anc_proposer *p, const anc_rules *rules, const anc_grid *grid,
                        const float (*delta)[4])
{
    enum { BLOCK = 64 };
    anc_box anchor[BLOCK];
    float target[BLOCK][4];
    for (int32_t i = 0; i < p->n; i += BLOCK) {
        int32_t m = p->n - i < BLOCK ? p->n - i : BLOCK;
        for (int32_t k = 0; k < m; k++) {
            anchor[k] = anc_grid_box(grid, anc_grid_at(grid, p->anchor[i + k]));
            memcpy(target[k], delta[p->anchor[i + k]], sizeof target[k]);
        }
        anc_decode(rules, anchor, (const float(*)[4])target, m, p->box + i);
    }
}

/* ---- the best of them ---- */

static inline float into(float x, float high) { return x < 0 ? 0 : x > high ? high : x; }

/* Clips the candidates and keeps those that pass; of each level the first n_before of these. */
static void clip(anc_proposer *p, int32_t h, int32_t w, double scale)
{
    const anc_proposal_rules *r = &p->rules;
    const float one = p->legacy, right = (float)w - one, bottom = (float)h - one;
    const float least = (float)(r->side_scaled ? r->min_side * scale : r->min_side);
    int32_t m = 0, taken = 0, level = -1;
    for (int32_t i = 0; i < p->n; i++) {
        anc_box b = p->box[i];
        float s = p->score[i];
        bool finite = isfinite(b.x1) && isfinite(b.y1) && isfinite(b.x2) && isfinite(b.y2) && isfinite(s);
        b = (anc_box){ into(b.x1, right), into(b.y1, bottom), into(b.x2, right), into(b.y2, bottom) };
        float bw = b.x2 - b.x1 + one, bh = b.y2 - b.y1 + one; /* NaN fails either comparison */
        bool large = r->side_above ? bw > least && bh > least : bw >= least && bh >= least;
        if (!large || !((double)s >= r->least_score) || (r->finite && !finite)) continue;
        taken = p->level[i] == level ? taken + 1 : 1;
        level = p->level[i];
        if (taken > r->n_before) continue;
        p->box[m] = b;
        p->score[m] = s;
        p->anchor[m] = p->anchor[i];
        p->level[m++] = level;
    }
    p->n = m;
}

/* Boxes moved by their level times (the largest coordinate + 1), in float32. */
static void shift(anc_proposer *p)
{
    float most = 0;
    for (int32_t i = 0; i < p->n; i++) {
        most = p->box[i].x2 > most ? p->box[i].x2 : most;
        most = p->box[i].y2 > most ? p->box[i].y2 : most;
    }
    for (int32_t i = 0; i < p->n; i++) {
        float by = (float)p->level[i] * (most + 1);
        anc_box b = p->box[i];
        p->batched[i] = (anc_box){ b.x1 + by, b.y1 + by, b.x2 + by, b.y2 + by };
    }
}

/* Sets kept[] of the candidates that suppression leaves; order[] is theirs by score. */
static anc_status suppress(anc_proposer *p, anc_err *err)
{
    const anc_nms_opts o = { p->rules.iou, p->rules.at_least, p->legacy };
    int32_t limit = p->rules.n_after, n_keep, n_levels = p->n ? p->level[p->n - 1] + 1 : 0;
    bool together = p->n <= p->rules.batched;
    if (!together && p->rules.n_level && p->rules.n_level < limit) limit = p->rules.n_level;
    memset(p->kept, 0, (size_t)p->n);
    if (together) {
        shift(p);
        n_levels = 1;
    }
    for (int32_t l = 0; l < n_levels; l++) {
        int32_t m = 0;
        for (int32_t i = 0; i < p->n; i++)
            if (together || p->level[p->order[i]] == l) p->of_level[m++] = p->order[i];
        if (anc_nms_run(&p->nms, p->kernels, &o, together ? p->batched : p->box, p->of_level, m, limit,
                        p->keep, &n_keep, err))
            return err->code;
        for (int32_t i = 0; i < n_keep; i++) p->kept[p->keep[i]] = 1;
    }
    return ANC_OK;
}

anc_status anc_propose_filter(anc_proposer *p, int32_t h, int32_t w, double scale, anc_err *err)
{
    int32_t n_top, m = 0;
    clip(p, h, w, scale);
    if (!p->n) return ANC_OK;
    if (anc_rank_top(&p->rank, p->score, p->n, p->n, p->order, &n_top, err) || suppress(p, err))
        return err->code;
    for (int32_t i = 0; i < p->n && m < p->rules.n_after; i++)
        if (p->kept[p->order[i]]) p->keep[m++] = p->order[i];
    /* into order, each array by way of one that is no longer needed */
    for (int32_t i = 0; i < m; i++) p->batched[i] = p->box[p->keep[i]];
    memcpy(p->box, p->batched, (size_t)m * sizeof *p->box);
    for (int32_t i = 0; i < m; i++)
        p->of_level[i] = p->anchor[p->keep[i]], p->order[i] = p->level[p->keep[i]];
    memcpy(p->anchor, p->of_level, (size_t)m * sizeof *p->anchor);
    memcpy(p->level, p->order, (size_t)m * sizeof *p->level);
    for (int32_t i = 0; i < m; i++) memcpy(&p->of_level[i], &p->score[p->keep[i]], sizeof *p->score);
    memcpy(p->score, p->of_level, (size_t)m * sizeof *p->score);
    p->n = m;
    return ANC_OK;
}

void anc_proposer_free(anc_proposer *p)
{
    free_capacity(p);
    free(p->best);
    anc_rank_free(&p->rank);
    anc_nms_free(&p->nms);
    *p = (anc_proposer){ 0 };
}
