/* jobs/label/label_shard.c: see label_shard.h */
#include "jobs/label/label_shard.h"
#include "jobs/cli/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yajl/yajl_tree.h>

static int64_t shards_per_epoch(const anc_label_plan *p)
{
    return (p->n_images + p->images_per_shard - 1) / p->images_per_shard;
}

int64_t anc_label_shards(const anc_label_plan *p) { return shards_per_epoch(p) * p->epochs; }

int64_t anc_label_images_per_shard(const anc_label_plan *p)
{
    enum { LEAST = 2048, MOST = 8192, SHARDS = 1000 };
    anc_label_plan tried = *p;
    tried.images_per_shard = LEAST;
    if (p->labels) return LEAST; /* of every anchor: 550 MB in a rank's memory as it is */
    while (tried.images_per_shard < MOST && tried.images_per_shard < p->n_images &&
           anc_label_shards(&tried) > SHARDS)
        tried.images_per_shard *= 2;
    return tried.images_per_shard;
}

anc_label_range anc_label_range_of(const anc_label_plan *p, int64_t shard)
{
    int64_t first = shard % shards_per_epoch(p) * p->images_per_shard, left = p->n_images - first;
    return (anc_label_range){ (int32_t)(shard / shards_per_epoch(p)), first,
                              left < p->images_per_shard ? left : p->images_per_shard };
}

/* ---- the plan as text ---- */

static const char *truth(bool x) { return x ? "true" : "false"; }

char *anc_label_describe(const anc_label_plan *p)
{
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (!to) return NULL;
    fprintf(
        to,
        "{\"command\":\"label\",\"seed\":%lld,\"epochs\":%lld,\"images_per_shard\":%lld,\"assignment\":%s,"
        "\"labels\":%s,\"with_gt\":%s,\"like\":\"%016llx\",\"data\":{\"images\":%lld,\"boxes\":%lld,"
        "\"fingerprint\":\"%016llx\"},"
        "\"rules\":",
        (long long)p->seed, (long long)p->epochs, (long long)p->images_per_shard, truth(p->assignment),
        truth(p->labels), truth(p->with_gt), (unsigned long long)p->like, (long long)p->n_images,
        (long long)p->n_boxes, (unsigned long long)p->fingerprint);
    anc_config_json(&p->rules, to);
    if (p->rules.stage == ANC_STAGE_ROI)
        fprintf(to,
                ",\"stage\":\"roi\",\"proposals\":{\"images\":%lld,\"count\":%lld,\"crc32\":\"%08x\"},"
                "\"classes\":{\"count\":%lld,"
                "\"fingerprint\":\"%016llx\"}",
                (long long)p->roi.images, (long long)p->roi.count, p->roi.crc, (long long)p->roi.n_classes,
                (unsigned long long)p->roi.classes);
    putc('}', to);
    if (fclose(to)) {
        free(text);
        return NULL;
    }
    return text;
}

static bool integer_at(yajl_val tree, const char *a, const char *b, int64_t low, int64_t *out)
{
    yajl_val v = yajl_tree_get(tree, (const char *[]){ a, b, NULL }, yajl_t_number);
    if (!v || !YAJL_IS_INTEGER(v) || YAJL_GET_INTEGER(v) < low) return false;
    *out = YAJL_GET_INTEGER(v);
    return true;
}

static bool truth_at(yajl_val tree, const char *a, bool *out)
{
    yajl_val v = yajl_tree_get(tree, (const char *[]){ a, NULL }, yajl_t_any);
    *out = YAJL_IS_TRUE(v);
    return v && (YAJL_IS_TRUE(v) || YAJL_IS_FALSE(v));
}

static bool hex_at(yajl_val tree, const char *a, const char *b, uint64_t *out)
{
    yajl_val v = yajl_tree_get(tree, (const char *[]){ a, b, NULL }, yajl_t_string);
    if (v) *out = strtoull(v->u.string, NULL, 16);
    return v;
}

/* What only the second stage has. */
static bool read_roi(yajl_val tree, anc_label_plan *p)
{
    uint64_t crc = 0;
    if (!yajl_tree_get(tree, (const char *[]){ "stage", NULL }, yajl_t_string)) return true;
    bool good = integer_at(tree, "proposals", "images", 0, &p->roi.images) &&
                integer_at(tree, "proposals", "count", 0, &p->roi.count) &&
                hex_at(tree, "proposals", "crc32", &crc) &&
                integer_at(tree, "classes", "count", 0, &p->roi.n_classes) &&
                hex_at(tree, "classes", "fingerprint", &p->roi.classes);
    p->roi.crc = (uint32_t)crc;
    return good;
}

anc_status anc_label_plan_read(const char *json, anc_label_plan *p, anc_err *err)
{
    char why[256];
    *p = (anc_label_plan){ 0 };
    err->code = ANC_OK;
    yajl_val tree = yajl_tree_parse(json, why, sizeof why);
    if (!tree)
        return anc_fail(err, ANC_EDATA, "the configuration is no JSON: %.*s", (int)strcspn(why, "\n"), why);
    bool good =
        hex_at(tree, "data", "fingerprint", &p->fingerprint) && hex_at(tree, "like", NULL, &p->like) &&
        integer_at(tree, "seed", NULL, 0, &p->seed) && integer_at(tree, "epochs", NULL, 1, &p->epochs) &&
        integer_at(tree, "images_per_shard", NULL, 1, &p->images_per_shard) &&
        truth_at(tree, "assignment", &p->assignment) && truth_at(tree, "labels", &p->labels) &&
        truth_at(tree, "with_gt", &p->with_gt) && integer_at(tree, "data", "images", 0, &p->n_images) &&
        integer_at(tree, "data", "boxes", 0, &p->n_boxes) && read_roi(tree, p);
    yajl_tree_free(tree);
    if (!good) return anc_fail(err, ANC_EDATA, "the configuration is not that of a label run");
    return anc_config_read_json(json, &p->rules, err);
}

/* ---- one shard ---- */

anc_status anc_shard_maker_init(anc_shard_maker *m, const anc_label_plan *plan, const anc_kernels *kernels,
                                anc_err *err)
{
    *m = (anc_shard_maker){ .plan = plan };
    m->labeller = (anc_labeller){ .rules = &plan->rules, .kernels = kernels, .seed = (uint64_t)plan->seed };
    return anc_targets_init(&m->targets, &plan->rules,
                            (anc_kept){ plan->assignment, plan->labels, plan->with_gt, false }, err);
}

void anc_shard_maker_free(anc_shard_maker *m)
{
    anc_labeller_free(&m->labeller);
    anc_rois_free(&m->rois);
    anc_targets_clear(&m->targets);
    free(m->met);
    *m = (anc_shard_maker){ 0 };
}

static void count_view(const anc_labeller *l, anc_label_record *r)
{
    r->n[ANC_N_VIEWS]++;
    r->n[ANC_N_BOXES] += l->n_box;
    r->n[ANC_N_CROWDS] += l->n_crowd;
    r->n[ANC_N_CLIPPED] += l->n_clipped;
    r->n[ANC_N_DROPPED] += l->n_dropped;
}

/* Anchors, or candidates of the second stage. */
static void count_labels(anc_label_record *r, int32_t positive, int32_t negative, int32_t ignored,
                         int32_t sampled_positive, int32_t sampled_negative)
{
    r->n[ANC_N_WITHOUT_POSITIVES] += positive == 0;
    r->n[ANC_N_ANCHORS] += (int64_t)positive + negative + ignored;
    r->n[ANC_N_POSITIVES] += positive;
    r->n[ANC_N_NEGATIVES] += negative;
    r->n[ANC_N_IGNORED] += ignored;
    r->n[ANC_N_SAMPLED_POSITIVES] += sampled_positive;
    r->n[ANC_N_SAMPLED_NEGATIVES] += sampled_negative;
}

/* m->met for the view's objects, all 0. Errors: ANC_EMEMORY. */
static anc_status clear_met(anc_shard_maker *m, anc_err *err)
{
    int32_t n = m->labeller.n_box;
    if (n > m->met_capacity) {
        free(m->met);
        m->met_capacity = n + n / 2;
        m->met = malloc((size_t)m->met_capacity);
        if (!m->met) m->met_capacity = 0;
        if (!m->met) return anc_fail(err, ANC_EMEMORY, "out of memory for %d boxes", n);
    }
    if (n) memset(m->met, 0, (size_t)n);
    return ANC_OK;
}

static int64_t count_unmet(const anc_shard_maker *m)
{
    int64_t n = 0;
    for (int32_t i = 0; i < m->labeller.n_box; i++) n += !m->met[i];
    return n;
}

/* Objects of the view that no positive anchor is matched to. What was sampled is most often all there is, and
 * its boxes are known. */
static anc_status count_without_anchor(anc_shard_maker *m, anc_label_record *r, anc_err *err)
{
    const anc_labeller *l = &m->labeller;
    const anc_minibatch *b = &l->batch;
    if (clear_met(m, err)) return err->code;
    if (b->n_positive == l->match.n_positive)
        for (int32_t i = 0; i < b->n_positive; i++) m->met[b->gt[i]] = 1;
    else
        for (int32_t i = 0; i < l->match.n_positive; i++)
            m->met[anc_match_gt(&l->match, &l->grid, b->all[i])] = 1;
    r->n[ANC_N_WITHOUT_ANCHOR] += count_unmet(m);
    return ANC_OK;
}

static anc_status count_without_roi(anc_shard_maker *m, anc_label_record *r, anc_err *err)
{
    if (clear_met(m, err)) return err->code;
    for (int32_t i = 0; i < m->rois.n; i++)
        if (m->rois.gt[i] >= 0) m->met[m->rois.gt[i]] = 1;
    r->n[ANC_N_WITHOUT_ANCHOR] += count_unmet(m);
    return ANC_OK;
}

/* What --like says of the view. */
static anc_status choose(const anc_shard_maker *m, anc_label_image *image, anc_err *err)
{
    if (!m->plan->like) return ANC_OK;
    const anc_layout_row *found = anc_layout_find(m->like, m->n_layout, image->id);
    if (!found) return anc_fail(err, ANC_EDATA, "the features of --like have nothing of it");
    memcpy(image->choice.size, found->size, sizeof found->size);
    memcpy(image->choice.padded, found->padded, sizeof found->padded);
    image->grid = found->grid;
    return ANC_OK;
}

static anc_status label_anchors(anc_shard_maker *m, const anc_label_image *image, anc_label_record *r,
                                anc_steps_clock *clock, anc_err *err)
{
    anc_labeller *l = &m->labeller;
    if (anc_label_view(l, image, &m->targets, clock, err) || count_without_anchor(m, r, err))
        return err->code;
    r->n[ANC_N_UNMATCHED] += l->match.n_unmatched;
    count_labels(r, l->match.n_positive, l->match.n_negative, l->match.n_ignored, l->batch.n_positive,
                 l->batch.n_negative);
    return ANC_OK;
}

static anc_status label_rois(anc_shard_maker *m, const anc_label_image *image, anc_label_record *r,
                             anc_steps_clock *clock, anc_err *err)
{
    anc_rois *rois = &m->rois;
    const double(*proposal)[4];
    int32_t n;
    double start = anc_now_s();
    m->bad_proposals = anc_roi_input_image(m->proposals, image->id, &proposal, &n, err) != ANC_OK;
    clock->s[ANC_STEP_PLACE] += anc_now_s() - start;
    if (m->bad_proposals ||
        anc_label_rois(&m->labeller, rois, image, proposal, n, m->classes, &m->targets, clock, err) ||
        count_without_roi(m, r, err))
        return err->code;
    r->n[ANC_N_PROPOSALS] += n;
    r->n[ANC_N_LEFT_OUT] += rois->n_left_out;
    r->n[ANC_N_WITHOUT_PROPOSALS] += n == 0;
    count_labels(r, rois->n_positive, rois->n_negative, rois->n_ignored, rois->batch_positive,
                 rois->batch_negative);
    return ANC_OK;
}

static anc_status label_view(anc_shard_maker *m, const anc_image *of, const anc_gt *gt, int64_t n_gt,
                             int32_t epoch, anc_label_record *r, anc_err *err)
{
    anc_label_image image = {
        .id = of->id, .epoch = epoch, .h = of->height, .w = of->width, .annotation = gt, .n = (int32_t)n_gt
    };
    anc_steps_clock clock = { .now = anc_now_s };
    if (n_gt > INT32_MAX / 2) return anc_fail(err, ANC_EDATA, "%lld boxes are too many", (long long)n_gt);
    if (choose(m, &image, err)) return err->code;
    if (m->plan->rules.stage == ANC_STAGE_ROI ? label_rois(m, &image, r, &clock, err)
                                              : label_anchors(m, &image, r, &clock, err))
        return err->code;
    count_view(&m->labeller, r);
    for (int i = 0; i < ANC_STEPS; i++) r->s[i] += clock.s[i];
    return ANC_OK;
}
_Static_assert((int)ANC_S_LAY == ANC_STEP_PLACE && (int)ANC_S_GATHER == ANC_STEP_GATHER,
               "the first stages of a record are the steps");

anc_status anc_shard_make(anc_shard_maker *m, const anc_dataset *d, int32_t epoch, anc_label_record *r,
                          bool *dropped, anc_err *err)
{
    *dropped = false;
    anc_targets_reset(&m->targets);
    for (int64_t i = 0; i < d->n_images && !*dropped; i++) {
        int64_t first = d->box_offset[i];
        if (label_view(m, &d->image[i], d->box + first, d->box_offset[i + 1] - first, epoch, r, err))
            return m->bad_proposals ? err->code : anc_within(err, "image %lld", (long long)d->image[i].id);
        *dropped = m->between && !m->between(m->context);
    }
    return ANC_OK;
}
