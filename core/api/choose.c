/* core/api/choose.c: suppression, proposals, average recall and random numbers through the library: see
 * include/anchorage.h */
#include "core/api/api.h"
#include "core/draw.h"
#include "core/nms.h"
#include "core/proposals.h"
#include "core/rank.h"
#include "core/recall.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int out_of_memory(anchorage_error *error, const char *of)
{
    anc_err err;
    anc_fail(&err, ANC_EMEMORY, "out of memory for %s", of);
    return anc_api_fail(error, &err);
}

/* ---- suppression ---- */

/* A box's place in the order of scores, and its group. */
typedef struct {
    int32_t group, place;
} member;

static int by_group(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* What suppression by group works on. */
typedef struct {
    const anc_kernels *kernels;
    anc_nms_opts opts;
    anc_nms nms;
    anc_rank rank;
    const anc_box *box;
    int32_t n;
    int32_t *order; /* [n] indices, the best first */
    int32_t *part;  /* [n] those of one group */
    int32_t *kept;  /* [n] of one group */
    member *member; /* [n] */
    unsigned char *stays;
} suppression;

/* Groups one after the other; what stays, in the order of scores. */
static anc_status suppress_groups(suppression *s, const int32_t *groups, int32_t limit, int32_t *keep,
                                  int32_t *n_keep, anc_err *err)
{
    for (int32_t i = 0; i < s->n; i++) s->member[i] = (member){ groups[s->order[i]], i };
    qsort(s->member, (size_t)s->n, sizeof *s->member, by_group);
    memset(s->stays, 0, (size_t)s->n);
    for (int32_t first = 0, end; first < s->n; first = end) {
        int32_t n_kept, group = s->member[first].group;
        for (end = first; end < s->n && s->member[end].group == group; end++)
            s->part[end - first] = s->order[s->member[end].place];
        if (anc_nms_run(&s->nms, s->kernels, &s->opts, s->box, s->part, end - first, limit, s->kept, &n_kept,
                        err))
            return err->code;
        for (int32_t i = 0; i < n_kept; i++) s->stays[s->kept[i]] = 1;
    }
    *n_keep = 0;
    for (int32_t i = 0; i < s->n && *n_keep < limit; i++)
        if (s->stays[s->order[i]]) keep[(*n_keep)++] = s->order[i];
    return ANC_OK;
}

static anc_status suppress(suppression *s, const float *scores, const int32_t *groups, int32_t limit,
                           int32_t *keep, int32_t *n_keep, anc_err *err)
{
    int32_t n;
    if (anc_rank_top(&s->rank, scores, s->n, s->n, s->order, &n, err)) return err->code;
    if (groups) return suppress_groups(s, groups, limit, keep, n_keep, err);
    return anc_nms_run(&s->nms, s->kernels, &s->opts, s->box, s->order, s->n, limit, keep, n_keep, err);
}

int anchorage_nms(const float *boxes, const float *scores, const int32_t *groups, int32_t n,
                  const anchorage_nms_options *options, int32_t *keep, int32_t *n_keep,
                  anchorage_error *error)
{
    anc_err err;
    anchorage_nms_options o;
    int status = anc_api_take(&o, ANC_API_NMS, options, "options", error);
    if (status) return status;
    if (!n_keep || n < 0 || (n && (!boxes || !scores || !keep)))
        return anc_api_refuse(error, "n is %d, and an array or n_keep NULL", n);
    if (!(o.iou >= 0 && o.iou <= 1))
        return anc_api_refuse(error, "options.iou is %g: must be from 0 to 1", o.iou);
    if (o.limit < 0 || o.reserved)
        return anc_api_refuse(error, "options.limit is %d, reserved %d", o.limit, o.reserved);
    if (!n) {
        *n_keep = 0;
        return ANCHORAGE_OK;
    }
    size_t m = (size_t)n;
    anc_box *box = malloc(m * sizeof *box);
    suppression s = { .kernels = anc_kernels_find(NULL),
                      .opts = { o.iou, o.at_least != 0, o.inclusive != 0 },
                      .box = box,
                      .n = n,
                      .order = malloc(m * sizeof *s.order),
                      .part = malloc(m * sizeof *s.part),
                      .kept = malloc(m * sizeof *s.kept),
                      .member = malloc(m * sizeof *s.member),
                      .stays = malloc(m) };
    anc_status failed = ANC_OK;
    int32_t found = 0;
    if (!box || !s.order || !s.part || !s.kept || !s.member || !s.stays)
        failed = anc_fail(&err, ANC_EMEMORY, "out of memory for %d boxes", n);
    if (!failed) {
        memcpy(box, boxes, m * sizeof *box);
        failed = suppress(&s, scores, groups, o.limit ? o.limit : n, keep, &found, &err);
    }
    anc_nms_free(&s.nms);
    anc_rank_free(&s.rank);
    free(box);
    free(s.order);
    free(s.part);
    free(s.kept);
    free(s.member);
    free(s.stays);
    if (failed) return anc_api_fail(error, &err);
    *n_keep = found;
    return ANCHORAGE_OK;
}

/* ---- proposals ---- */

struct anchorage_proposer {
    anc_rules rules;
    anc_proposer core;
    anchorage_proposals seen;
};

int anchorage_proposal_options_of(const anchorage_config *config, int32_t training,
                                  anchorage_proposal_options *options, anchorage_error *error)
{
    anc_proposal_rules r;
    if (!config || !options) return anc_api_refuse(error, "%s is NULL", config ? "options" : "config");
    anchorage_proposal_options o;
    int status = anc_api_take(&o, ANC_API_PROPOSALS, options, "options", error);
    if (status) return status;
    if (!anc_proposal_rules_preset(config->rules.name, training != 0, &r))
        return anc_api_refuse(error, "nothing is known of the proposals of preset %s", config->rules.name);
    o = (anchorage_proposal_options){
        .size = o.size,
        .iou = r.iou,
        .min_side = r.min_side,
        .least_score = r.least_score,
        .n_before = r.n_before,
        .n_level = r.n_level,
        .n_after = r.n_after,
        .at_least = r.at_least,
        .side_above = r.side_above,
        .side_scaled = r.side_scaled,
        .small_first = r.small_first,
        .probability = r.probability,
        .finite = r.finite,
        .batched = r.batched,
    };
    memcpy(options, &o, o.size < sizeof o ? o.size : sizeof o); /* no more than the caller has */
    return ANCHORAGE_OK;
}

int anchorage_proposer_new(anchorage_proposer **proposer, const anchorage_config *config,
                           const anchorage_proposal_options *options, anchorage_error *error)
{
    anc_err err;
    anchorage_proposal_options o;
    if (!proposer || !config) return anc_api_refuse(error, "%s is NULL", proposer ? "config" : "proposer");
    int status = anc_api_take(&o, ANC_API_PROPOSALS, options, "options", error);
    if (status) return status;
    const anc_proposal_rules r = { .n_before = o.n_before,
                                   .n_level = o.n_level,
                                   .n_after = o.n_after,
                                   .iou = o.iou,
                                   .at_least = o.at_least != 0,
                                   .min_side = o.min_side,
                                   .side_above = o.side_above != 0,
                                   .side_scaled = o.side_scaled != 0,
                                   .small_first = o.small_first != 0,
                                   .probability = o.probability != 0,
                                   .least_score = o.least_score,
                                   .finite = o.finite != 0,
                                   .batched = o.batched };
    if (anc_proposal_rules_check(&r, &err)) return anc_api_fail(error, &err);
    anchorage_proposer *p = calloc(1, sizeof *p);
    if (!p) return out_of_memory(error, "a proposer");
    p->rules = anc_api_rules(config, ANC_STAGE_RPN);
    p->core.rules = r;
    p->core.legacy = p->rules.match.legacy;
    p->core.kernels = anc_kernels_find(NULL);
    *proposer = p;
    return ANCHORAGE_OK;
}

void anchorage_proposer_free(anchorage_proposer *proposer)
{
    if (!proposer) return;
    anc_proposer_free(&proposer->core);
    free(proposer);
}

int anchorage_propose(anchorage_proposer *proposer, const anchorage_layout *layout, const float *logits,
                      const float *deltas, double scale, const anchorage_proposals **proposals,
                      anchorage_error *error)
{
    anc_err err;
    int32_t first[ANC_MAX_LEVELS + 1];
    if (!proposer || !layout || !logits || !deltas || !proposals)
        return anc_api_refuse(error, "%s is NULL",
                              !proposer ? "proposer"
                              : !layout ? "layout"
                              : !logits ? "logits"
                              : !deltas ? "deltas"
                                        : "proposals");
    if (!(scale > 0 && scale < 1e6)) return anc_api_refuse(error, "scale is %g", scale);
    const anc_grid *g = &layout->grid;
    for (int32_t l = 0; l < g->n_levels; l++) first[l] = g->level[l].first;
    first[g->n_levels] = g->n_anchors;
    anc_proposer *p = &proposer->core;
    if (anc_propose_rank(p, logits, first, g->n_levels, &err)) return anc_api_fail(error, &err);
    anc_propose_decode(p, &proposer->rules, g, (const float(*)[4])deltas);
    if (anc_propose_filter(p, layout->h, layout->w, scale, &err)) return anc_api_fail(error, &err);
    proposer->seen = (anchorage_proposals){ .size = sizeof proposer->seen,
                                            .n = p->n,
                                            .anchor = p->anchor,
                                            .level = p->level,
                                            .score = p->score,
                                            .boxes = p->box ? &p->box->x1 : NULL };
    *proposals = &proposer->seen;
    return ANCHORAGE_OK;
}

/* ---- average recall ---- */

struct anchorage_recall {
    anc_recall core;
    int32_t n_groups;
    anc_recall_object *object;
    int32_t capacity;
};

int anchorage_recall_new(anchorage_recall **recall, int32_t protocol, const int32_t *tops, int32_t n_tops,
                         int32_t n_groups, anchorage_error *error)
{
    anc_err err;
    if (!recall || !tops) return anc_api_refuse(error, "%s is NULL", recall ? "tops" : "recall");
    if (protocol != ANCHORAGE_RECALL_COCO && protocol != ANCHORAGE_RECALL_DETECTRON)
        return anc_api_refuse(error, "protocol is %d: must be 0 or 1", protocol);
    if (n_tops < 1 || n_tops > ANC_RECALL_MAX_TOPS)
        return anc_api_refuse(error, "n_tops is %d: must be 1 to %d", n_tops, ANC_RECALL_MAX_TOPS);
    for (int32_t i = 0; i < n_tops; i++)
        if (tops[i] < 1 || (i && tops[i] <= tops[i - 1]))
            return anc_api_refuse(error, "tops[%d] is %d: must be 1 or more, and ascend", i, tops[i]);
    if (n_groups < 0 || n_groups > 1000000) return anc_api_refuse(error, "n_groups is %d", n_groups);
    anchorage_recall *r = calloc(1, sizeof *r);
    if (!r) return out_of_memory(error, "counts");
    r->n_groups = n_groups;
    if (anc_recall_init(&r->core, protocol == ANCHORAGE_RECALL_COCO ? ANC_RECALL_COCO : ANC_RECALL_DETECTRON,
                        tops, n_tops, n_groups ? n_groups : 1, &err)) {
        free(r);
        return anc_api_fail(error, &err);
    }
    *recall = r;
    return ANCHORAGE_OK;
}

void anchorage_recall_free(anchorage_recall *recall)
{
    if (!recall) return;
    anc_recall_free(&recall->core);
    free(recall->object);
    free(recall);
}

static anc_status take_objects(anchorage_recall *r, const anchorage_image *image, anc_err *err)
{
    if (image->n_boxes > r->capacity) {
        free(r->object);
        r->capacity = image->n_boxes;
        r->object = malloc((size_t)r->capacity * sizeof *r->object);
        if (!r->object) {
            r->capacity = 0;
            return anc_fail(err, ANC_EMEMORY, "out of memory for %d boxes", image->n_boxes);
        }
    }
    for (int32_t i = 0; i < image->n_boxes; i++) {
        int32_t group = r->n_groups ? image->category[i] : 0;
        if (group < 0 || (r->n_groups && group >= r->n_groups))
            return anc_fail(err, ANC_EARGUMENT, "box %d is of group %d: must be 0 to %d", i, group,
                            r->n_groups - 1);
        r->object[i] = (anc_recall_object){ .group = group, .crowd = image->crowd && image->crowd[i] };
        memcpy(r->object[i].xyxy, image->boxes + 4 * (size_t)i, sizeof r->object[i].xyxy);
    }
    return ANC_OK;
}

static anc_status add_image(anchorage_recall *r, const anchorage_image *image, const double *scores,
                            anc_err *err)
{
    if (image->n_boxes < 0 || (image->n_boxes && (!image->boxes || (r->n_groups && !image->category))))
        return anc_fail(err, ANC_EARGUMENT, "n_boxes is %d, boxes or category NULL", image->n_boxes);
    if (image->n_proposals < 0 || (image->n_proposals && (!image->proposals || !scores)))
        return anc_fail(err, ANC_EARGUMENT, "n_proposals is %d, proposals or scores NULL",
                        image->n_proposals);
    if (anc_api_check_boxes(image->boxes, image->n_boxes, true, "box", err) ||
        anc_api_check_boxes(image->proposals, image->n_proposals, false, "proposal", err))
        return err->code;
    for (int32_t i = 0; i < image->n_proposals; i++)
        if (!isfinite(scores[i])) return anc_fail(err, ANC_EDATA, "score %d is %g", i, scores[i]);
    if (take_objects(r, image, err)) return err->code;
    return anc_recall_add(&r->core, r->object, image->n_boxes, (const double(*)[4])image->proposals, scores,
                          image->n_proposals, err);
}

int anchorage_recall_add(anchorage_recall *recall, const anchorage_image *image, const double *scores,
                         anchorage_error *error)
{
    anc_err err;
    anchorage_image i;
    if (!recall) return anc_api_refuse(error, "recall is NULL");
    int status = anc_api_take(&i, ANC_API_IMAGE, image, "image", error);
    if (status || !add_image(recall, &i, scores, &err)) return status;
    anc_within(&err, "image %lld", (long long)i.id);
    return anc_api_fail(error, &err);
}

int anchorage_recall_merge(anchorage_recall *into, const anchorage_recall *from, anchorage_error *error)
{
    if (!into || !from) return anc_api_refuse(error, "%s is NULL", into ? "from" : "into");
    if (into->core.protocol != from->core.protocol || into->n_groups != from->n_groups ||
        into->core.n_tops != from->core.n_tops ||
        memcmp(into->core.top, from->core.top, (size_t)from->core.n_tops * sizeof *from->core.top))
        return anc_api_refuse(error, "the two differ in protocol, tops or groups");
    for (int64_t i = 0; i < anc_recall_n_counts(&from->core); i++) into->core.count[i] += from->core.count[i];
    return ANCHORAGE_OK;
}

static bool row_is(const anchorage_recall *r, int32_t row)
{
    return r && row >= 0 && row < ANC_RECALL_SIZES + r->n_groups;
}

int64_t anchorage_recall_objects(const anchorage_recall *recall, int32_t row)
{
    return row_is(recall, row) ? anc_recall_objects(&recall->core, row) : 0;
}

double anchorage_recall_at(const anchorage_recall *recall, int32_t row, int32_t iou, int32_t top)
{
    bool there =
        row_is(recall, row) && iou >= 0 && iou < ANC_RECALL_IOUS && top >= 0 && top < recall->core.n_tops;
    return there ? anc_recall_at(&recall->core, row, iou, top) : (double)NAN;
}

double anchorage_recall_average(const anchorage_recall *recall, int32_t row, int32_t top)
{
    bool there = row_is(recall, row) && top >= 0 && top < recall->core.n_tops;
    return there ? anc_recall_average(&recall->core, row, top) : (double)NAN;
}

/* ---- random numbers ---- */

void anchorage_philox(const uint32_t *key, const uint32_t *counter, uint32_t *out)
{
    if (key && counter && out) anc_philox(key, counter, out);
}

double anchorage_uniform(uint64_t seed, int64_t id, int32_t epoch, int32_t purpose)
{
    anc_rng rng;
    anc_rng_init(&rng, seed, id, epoch, (anc_rng_purpose)(purpose & 0xff));
    return anc_rng_uniform(&rng);
}

int anchorage_draw(uint64_t seed, int64_t id, int32_t epoch, int32_t purpose, int32_t n, int32_t k,
                   int32_t *out, anchorage_error *error)
{
    anc_rng rng;
    anc_set drawn = { 0 };
    if (purpose < 0 || purpose > 255)
        return anc_api_refuse(error, "purpose is %d: must be 0 to 255", purpose);
    if (k < 0 || n < k || (k && !out))
        return anc_api_refuse(error, "%d of %d cannot be drawn into %s", k, n, out ? "out" : "NULL");
    if (!anc_set_reserve(&drawn, (size_t)n + 1)) return out_of_memory(error, "the numbers drawn");
    anc_rng_init(&rng, seed, id, epoch, (anc_rng_purpose)purpose);
    anc_draw_subset(&drawn, &rng, n, k);
    anc_set_list(&drawn, out);
    anc_set_clear_memory(&drawn);
    return ANCHORAGE_OK;
}

int anchorage_torch_randperm(uint64_t seed, int64_t skip, int32_t n, int32_t *out, anchorage_error *error)
{
    anc_mt19937 mt;
    if (n < 0 || skip < 0 || (n && !out))
        return anc_api_refuse(error, "n is %d, skip %lld, out %s", n, (long long)skip,
                              out ? "given" : "NULL");
    anc_mt19937_seed(&mt, (uint32_t)seed);
    for (int64_t i = 0; i < skip; i++) anc_mt19937_u32(&mt);
    anc_draw_permutation(&mt, n, out);
    return ANCHORAGE_OK;
}
