/* jobs/propose/propose_shard.c: see propose_shard.h */
#include "jobs/propose/propose_shard.h"
#include "core/half.h"
#include "jobs/cli/config.h"
#include "jobs/label/label_shard.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t anc_propose_shards(const anc_propose_plan *p)
{
    return (p->n_images + p->images_per_shard - 1) / p->images_per_shard;
}

void anc_propose_run_of(const anc_propose_plan *p, int64_t shard, int64_t *first, int64_t *n)
{
    *first = shard * p->images_per_shard;
    *n = p->n_images - *first < p->images_per_shard ? p->n_images - *first : p->images_per_shard;
}

static const char *truth(bool x) { return x ? "true" : "false"; }

char *anc_propose_describe(const anc_propose_plan *p)
{
    const anc_proposal_rules *r = &p->proposals;
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (!to) return NULL;
    fprintf(to,
            "{\"command\":\"propose\",\"images_per_shard\":%lld,\"head\":{\"channels\":%d,\"hidden\":%d,"
            "\"shapes\":%d,"
            "\"fingerprint\":\"%016llx\"},\"features\":{\"images\":%lld,\"fingerprint\":\"%016llx\"},",
            (long long)p->images_per_shard, p->shape.channels, p->shape.hidden, p->shape.n_shapes,
            (unsigned long long)p->head, (long long)p->n_images, (unsigned long long)p->features);
    fprintf(to,
            "\"proposals\":{\"preset\":\"%s\",\"before\":%d,\"of_level\":%d,\"after\":%d,\"iou\":", p->preset,
            r->n_before, r->n_level, r->n_after);
    anc_config_real(r->iou, to);
    fprintf(to, ",\"at_least\":%s,\"least_side\":", truth(r->at_least));
    anc_config_real(r->min_side, to);
    fprintf(to,
            ",\"side_above\":%s,\"side_scaled\":%s,\"small_first\":%s,\"probability\":%s,\"least_score\":",
            truth(r->side_above), truth(r->side_scaled), truth(r->small_first), truth(r->probability));
    if (isfinite(r->least_score))
        anc_config_real(r->least_score, to);
    else
        fputs("null", to); /* any */
    fprintf(to, ",\"finite\":%s,\"shifted\":%d},\"rules\":", truth(r->finite), r->batched);
    anc_config_json(&p->rules, to);
    putc('}', to);
    if (fclose(to)) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- head and features ---- */

anc_status anc_propose_fit(const anc_propose_plan *p, const char *head, const anc_features_info *info,
                           anc_err *err)
{
    const anc_rules *r = &p->rules;
    if (info->channels != p->shape.channels)
        return anc_fail(
            err, ANC_EDATA,
            "%s: has %d channels, the head %s is for %d; give features of the backbone that it was "
            "trained on",
            info->path, info->channels, head, p->shape.channels);
    if (info->n_levels != r->anchors.n_levels)
        return anc_fail(
            err, ANC_EDATA,
            "%s: has %d levels, the anchors of %s have %d; give features of the backbone that it was "
            "trained on, or its anchors by --config",
            info->path, info->n_levels, head, r->anchors.n_levels);
    for (int l = 0; l < info->n_levels; l++) {
        int shapes = r->anchors.n_sizes[l] * r->anchors.n_ratios;
        if (info->stride[l] != r->anchors.stride[l])
            return anc_fail(err, ANC_EDATA,
                            "%s: level %d has stride %d, the anchors of %s have %d; give features of the "
                            "backbone that it was trained on, or its anchors by --config",
                            info->path, l, info->stride[l], head, r->anchors.stride[l]);
        if (shapes != p->shape.n_shapes)
            return anc_fail(
                err, ANC_EDATA,
                "%s: gives %d anchors a position, level %d of the configuration has %d; set [anchors] "
                "sizes and ratios in --config",
                head, p->shape.n_shapes, l, shapes);
    }
    return ANC_OK;
}

/* The mixing step of docs/FORMAT.md, "The checksum". */
static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i += 4) {
        uint32_t word = 0;
        memcpy(&word, (const char *)bytes + i, n - i < 4 ? n - i : 4);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    return h;
}

uint64_t anc_propose_head_fingerprint(const anc_head_shape *s, const float *parameters)
{
    return mix(anc_head_size(s), parameters, anc_head_size(s) * sizeof *parameters);
}

anc_status anc_propose_features_fingerprint(anc_features *f, uint64_t *fingerprint, anc_err *err)
{
    enum {
        LOOKED_AT = 64
    }; /* images of which the middle row is read: another backbone's features are other ones */
    const anc_features_info *info = anc_features_about(f);
    size_t n = (size_t)info->n_images, row = (size_t)info->channels;
    uint64_t h = mix(n, info->id, n * sizeof *info->id);
    h = mix(mix(h, info->size, n * sizeof *info->size), info->padded, n * sizeof *info->padded);
    if (info->original) h = mix(h, info->original, n * sizeof *info->original);
    if (info->scale) h = mix(h, info->scale, n * sizeof *info->scale);
    for (int l = 0; l < info->n_levels; l++) h = mix(h, info->grid[l], n * sizeof *info->grid[l]);
    int64_t step = info->n_images / LOOKED_AT + 1;
    for (int64_t i = 0; i < info->n_images; i += step) {
        anc_feature_map map[ANC_MAX_LEVELS];
        if (anc_features_map(f, i, map, err)) return err->code;
        for (int l = 0; l < info->n_levels; l++) {
            size_t at = (size_t)map[l].h * (size_t)map[l].w / 2 * row;
            for (size_t c = 0; c < row; c++) { /* float16 and float32 files of the same values are the same */
                float x = map[l].half ? anc_half(((const uint16_t *)map[l].row)[at + c])
                                      : ((const float *)map[l].row)[at + c];
                h = mix(h, &x, sizeof x);
            }
        }
    }
    *fingerprint = h;
    return ANC_OK;
}

static int by_id(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

int64_t *anc_propose_order(const anc_features_info *info)
{
    int64_t(*pair)[2] = malloc(((size_t)info->n_images + 1) * sizeof *pair);
    int64_t *order = malloc(((size_t)info->n_images + 1) * sizeof *order);
    for (int64_t i = 0; pair && i < info->n_images; i++) pair[i][0] = info->id[i], pair[i][1] = i;
    if (pair && order) qsort(pair, (size_t)info->n_images, sizeof *pair, by_id);
    for (int64_t i = 0; pair && order && i < info->n_images; i++) order[i] = pair[i][1];
    if (!pair) {
        free(order);
        order = NULL;
    }
    free(pair);
    return order;
}

double anc_propose_busy_s(const anc_propose_record *r)
{
    double sum = 0;
    for (int i = 0; i < ANC_PS_STAGES; i++) sum += r->s[i];
    return sum;
}

/* ---- one image ---- */

anc_status anc_proposal_maker_init(anc_proposal_maker *m, const anc_propose_plan *plan,
                                   anc_features *features, const int64_t *order, const float *parameters,
                                   const anc_kernels *kernels, anc_err *err)
{
    *m = (anc_proposal_maker){ .plan = plan, .features = features, .order = order };
    m->proposer =
        (anc_proposer){ .kernels = kernels, .rules = plan->proposals, .legacy = plan->rules.match.legacy };
    size_t n =
        (size_t)(plan->images_per_shard < plan->n_images ? plan->images_per_shard : plan->n_images) + 1;
    m->set.image_id = malloc(n * sizeof *m->set.image_id);
    m->set.offset = calloc(n, sizeof *m->set.offset);
    if (!m->set.image_id || !m->set.offset)
        return anc_fail(err, ANC_EMEMORY, "out of memory for %zu images", n);
    return anc_dense_init(&m->dense, &plan->shape, kernels, parameters, err);
}

void anc_proposal_maker_free(anc_proposal_maker *m)
{
    anc_dense_free(&m->dense);
    anc_proposer_free(&m->proposer);
    anc_proposal_set_clear(&m->set);
    free(m->logit);
    free(m->delta);
    *m = (anc_proposal_maker){ 0 };
}

static anc_status reserve(anc_proposal_maker *m, int32_t n_anchors, anc_err *err)
{
    if (n_anchors <= m->capacity) return ANC_OK;
    free(m->logit);
    free(m->delta);
    m->logit = malloc((size_t)n_anchors * sizeof *m->logit);
    m->delta = malloc((size_t)n_anchors * sizeof *m->delta);
    m->capacity = m->logit && m->delta ? n_anchors : 0;
    return m->capacity ? ANC_OK : anc_fail(err, ANC_EMEMORY, "out of memory for %d anchors", n_anchors);
}

/* Infinities and NaN of a map spread over its tile: say it rather than rank them. */
static anc_status check_finite(const anc_proposal_maker *m, int level, int32_t first, int32_t n, anc_err *err)
{
    for (int32_t i = first; i < first + n; i++) {
        const float *d = m->delta[i];
        if (isfinite(m->logit[i]) && isfinite(d[0]) && isfinite(d[1]) && isfinite(d[2]) && isfinite(d[3]))
            continue;
        return anc_fail(err, ANC_EDATA,
                        "the head's output is infinite or no number on level %d: its features hold such "
                        "values, or training diverged",
                        level);
    }
    return ANC_OK;
}

/* The head over all levels: logit and delta of every anchor; first [n_levels + 1] says where each level's
 * begin. */
static anc_status run_head(anc_proposal_maker *m, int64_t place, int32_t *first, anc_propose_record *r,
                           bool *dropped, anc_err *err)
{
    const anc_features_info *info = anc_features_about(m->features);
    anc_feature_map map[ANC_MAX_LEVELS];
    double t0 = anc_now_s();
    if (anc_features_map(m->features, place, map, err)) return err->code;
    double t1 = anc_now_s();
    first[0] = 0;
    for (int l = 0; l < info->n_levels && !*dropped; l++) {
        int32_t n = map[l].h * map[l].w * m->plan->shape.n_shapes; /* grid_lay has seen that they fit */
        if (anc_dense_level(&m->dense, &map[l], m->logit + first[l], m->delta + first[l], err) ||
            check_finite(m, l, first[l], n, err))
            return err->code;
        first[l + 1] = first[l] + n;
        r->n[ANC_P_POSITIONS] += map[l].h * map[l].w;
        *dropped = m->between && !m->between(m->context);
    }
    r->s[ANC_PS_READ] += t1 - t0;
    r->s[ANC_PS_DENSE] += anc_now_s() - t1;
    return ANC_OK;
}

/* Height and width of the image before the backbone's resize, px. */
static void original_size(const anc_features_info *info, int64_t place, double size[2])
{
    for (int e = 0; e < 2; e++) {
        double fed = info->size[place][e];
        size[e] = info->original ? info->original[place][e]
                  : info->scale  ? rint(fed / (double)info->scale[place][e])
                                 : fed;
    }
}

static double within(double x, double high) { return x < 0 ? 0 : x > high ? high : x; }

/* The proposer's result, mapped to original pixels and clipped there, behind the set's rows. A legacy box's
 * last pixel becomes an exclusive edge. */
static anc_status append(anc_proposal_maker *m, int64_t place, const double original[2], anc_err *err)
{
    const anc_features_info *info = anc_features_about(m->features);
    const anc_proposer *p = &m->proposer;
    anc_proposal_set *s = &m->set;
    if (s->n + p->n > m->set_capacity) {
        int64_t capacity = 2 * (s->n + p->n);
        void *xyxy = realloc(s->xyxy, (size_t)capacity * sizeof *s->xyxy);
        if (xyxy) s->xyxy = xyxy;
        void *score = realloc(s->score, (size_t)capacity * sizeof *s->score);
        if (score) s->score = score;
        void *level = realloc(s->level, (size_t)capacity * sizeof *s->level);
        if (level) s->level = level;
        if (!xyxy || !score || !level)
            return anc_fail(err, ANC_EMEMORY, "out of memory for %lld proposals", (long long)capacity);
        m->set_capacity = capacity;
    }
    const double sy = original[0] / info->size[place][0], sx = original[1] / info->size[place][1],
                 one = p->legacy;
    for (int32_t i = 0; i < p->n; i++, s->n++) {
        const anc_box *b = &p->box[i];
        double *to = s->xyxy[s->n];
        to[0] = within((double)b->x1 * sx, original[1]);
        to[1] = within((double)b->y1 * sy, original[0]);
        to[2] = within((double)b->x2 * sx + one, original[1]);
        to[3] = within((double)b->y2 * sy + one, original[0]);
        s->score[s->n] = (double)p->score[i];
        s->level[s->n] = p->level[i];
    }
    s->image_id[s->n_images] = info->id[place];
    s->offset[++s->n_images] = s->n;
    return ANC_OK;
}

static anc_status do_image(anc_proposal_maker *m, int64_t place, anc_propose_record *r, bool *dropped,
                           anc_err *err)
{
    const anc_features_info *info = anc_features_about(m->features);
    const anc_rules *rules = &m->plan->rules;
    int32_t positions[ANC_MAX_LEVELS][2], first[ANC_MAX_LEVELS + 1];
    const int32_t *size = info->size[place], *padded = info->padded[place];
    double original[2];
    for (int l = 0; l < info->n_levels; l++) memcpy(positions[l], info->grid[l][place], sizeof positions[l]);
    if (anc_grid_place_on(&m->grid, rules, size[0], size[1], padded[0], padded[1],
                          (const int32_t(*)[2])positions, err) ||
        reserve(m, m->grid.n_anchors, err) || run_head(m, place, first, r, dropped, err) || *dropped)
        return err->code;
    double t0 = anc_now_s();
    if (anc_propose_rank(&m->proposer, m->logit, first, info->n_levels, err)) return err->code;
    anc_propose_decode(&m->proposer, rules, &m->grid, (const float(*)[4])m->delta);
    double t1 = anc_now_s();
    original_size(info, place, original);
    r->n[ANC_P_CANDIDATES] += m->proposer.n;
    if (anc_propose_filter(&m->proposer, size[0], size[1], size[0] / original[0], err) ||
        append(m, place, original, err))
        return err->code;
    r->s[ANC_PS_RANK] += t1 - t0;
    r->s[ANC_PS_NMS] += anc_now_s() - t1;
    r->n[ANC_P_IMAGES]++;
    r->n[ANC_P_ANCHORS] += m->grid.n_anchors;
    r->n[ANC_P_PROPOSALS] += m->proposer.n;
    r->n[ANC_P_WITHOUT] += !m->proposer.n;
    return ANC_OK;
}

anc_status anc_proposals_make(anc_proposal_maker *m, int64_t shard, anc_propose_record *r, bool *dropped,
                              anc_err *err)
{
    int64_t first, n;
    *dropped = false;
    anc_propose_run_of(m->plan, shard, &first, &n);
    m->set.n = m->set.n_images = 0;
    for (int64_t i = first; i < first + n && !*dropped; i++)
        if (do_image(m, m->order[i], r, dropped, err))
            return anc_within(err, "%s: image %lld", anc_features_about(m->features)->path,
                              (long long)anc_features_about(m->features)->id[m->order[i]]);
    return ANC_OK;
}
