/* jobs/label_shard.c: see label_shard.h */
#include "jobs/label_shard.h"
#include "jobs/config.h"
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

anc_label_run anc_label_run_of(const anc_label_plan *p, int64_t shard)
{
    int64_t first = shard % shards_per_epoch(p) * p->images_per_shard, left = p->n_images - first;
    return (anc_label_run){ (int32_t)(shard / shards_per_epoch(p)), first,
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
    if (plan->rules.stage == ANC_STAGE_ROI) return anc_targets_init_rois(&m->targets, plan->with_gt, err);
    return anc_targets_init(&m->targets, plan->rules.anchors.n_levels, plan->assignment, plan->labels,
                            plan->with_gt, err);
}

void anc_shard_maker_free(anc_shard_maker *m)
{
    anc_labeller_free(&m->labeller);
    anc_rois_free(&m->rois);
    anc_targets_clear(&m->targets);
    free(m->annotation);
    free(m->met);
    *m = (anc_shard_maker){ 0 };
}

static anc_status take_boxes(anc_shard_maker *m, const anc_gt *gt, int64_t n_gt, anc_err *err)
{
    if (n_gt > INT32_MAX / 2) return anc_fail(err, ANC_EDATA, "%lld boxes are too many", (long long)n_gt);
    if (n_gt > m->room_annotations) {
        free(m->annotation);
        free(m->met);
        m->room_annotations = 2 * n_gt;
        m->annotation = malloc((size_t)m->room_annotations * sizeof *m->annotation);
        m->met = malloc((size_t)m->room_annotations * sizeof *m->met);
        if (!m->annotation || !m->met) {
            m->room_annotations = 0;
            return anc_fail(err, ANC_EMEMORY, "out of memory for %lld boxes", (long long)n_gt);
        }
    }
    for (int64_t i = 0; i < n_gt; i++) {
        memcpy(m->annotation[i].xyxy, gt[i].xyxy, sizeof gt[i].xyxy);
        m->annotation[i].crowd = gt[i].crowd;
    }
    return ANC_OK;
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

/* Objects of the view that no positive anchor is matched to. What was sampled is most often all there is, and
 * its boxes are known. */
static int64_t without_anchor(const anc_shard_maker *m)
{
    const anc_labeller *l = &m->labeller;
    const anc_minibatch *b = &l->batch;
    int64_t n = l->n_box;
    if (!n) return 0;
    memset(m->met, 0, (size_t)n);
    if (b->n_positive == l->match.n_positive)
        for (int32_t i = 0; i < b->n_positive; i++) m->met[b->gt[i]] = 1;
    else
        for (int32_t i = 0; i < l->match.n_positive; i++)
            m->met[anc_match_gt(&l->match, &l->grid, b->all[i])] = 1;
    for (int32_t i = 0; i < l->n_box; i++) n -= m->met[i];
    return n;
}

static int64_t without_roi(const anc_shard_maker *m)
{
    int64_t n = m->labeller.n_box;
    if (!n) return 0;
    memset(m->met, 0, (size_t)n);
    for (int32_t i = 0; i < m->rois.n; i++)
        if (m->rois.gt[i] >= 0) m->met[m->rois.gt[i]] = 1;
    for (int32_t i = 0; i < m->labeller.n_box; i++) n -= m->met[i];
    return n;
}

static anc_status lay_view(anc_shard_maker *m, const anc_image *image, int32_t epoch, int32_t n_gt,
                           anc_err *err)
{
    anc_labeller *l = &m->labeller;
    if (!m->plan->like)
        return anc_label_lay(l, image->id, epoch, image->height, image->width, m->annotation, n_gt, err);
    const anc_like_row *found = anc_like_find(m->like, m->n_like, image->id);
    if (!found) return anc_fail(err, ANC_EDATA, "the features of --like have nothing of it");
    return anc_label_lay_on(l, image->id, epoch, image->height, image->width, &found->on, m->annotation, n_gt,
                            err);
}

/* The stages of a view that is laid, with the time that each took. */
static anc_status label_anchors(anc_shard_maker *m, const anc_gt *gt, int32_t n_gt, anc_label_record *r,
                                anc_err *err)
{
    anc_labeller *l = &m->labeller;
    double t1 = anc_now_s();
    if (anc_label_match(l, err)) return err->code;
    double t2 = anc_now_s();
    if (anc_label_sample(l, err)) return err->code;
    double t3 = anc_now_s();
    if (anc_label_encode(l, err)) return err->code;
    r->n[ANC_N_WITHOUT_ANCHOR] += without_anchor(m);
    double t4 = anc_now_s();
    if (anc_targets_append(&m->targets, l, gt, n_gt, err)) return err->code;
    r->s[ANC_S_MATCH] += t2 - t1;
    r->s[ANC_S_SAMPLE] += t3 - t2;
    r->s[ANC_S_ENCODE] += t4 - t3;
    r->s[ANC_S_GATHER] += anc_now_s() - t4;
    r->n[ANC_N_UNMATCHED] += l->match.n_unmatched;
    count_labels(r, l->match.n_positive, l->match.n_negative, l->match.n_ignored, l->batch.n_positive,
                 l->batch.n_negative);
    return ANC_OK;
}

static anc_status label_rois(anc_shard_maker *m, const anc_gt *gt, int32_t n_gt, anc_label_record *r,
                             anc_err *err)
{
    const anc_labeller *l = &m->labeller;
    anc_rois *rois = &m->rois;
    const double(*proposal)[4];
    int32_t n;
    double t0 = anc_now_s();
    m->bad_proposals = anc_roi_input_image(m->proposals, l->view.image_id, &proposal, &n, err) != ANC_OK;
    if (m->bad_proposals || anc_roi_take(rois, l->rules, &l->view, proposal, n, l->box, l->n_box, err))
        return err->code;
    double t1 = anc_now_s();
    anc_roi_match(rois, l->kernels, l->rules, l->box, l->n_box, l->crowd, l->n_crowd);
    double t2 = anc_now_s();
    anc_roi_sample(rois, l->rules, l->seed, l->view.image_id, l->view.epoch);
    double t3 = anc_now_s();
    anc_roi_encode(rois, l->kernels, l->rules, l->box);
    r->n[ANC_N_WITHOUT_ANCHOR] += without_roi(m);
    double t4 = anc_now_s();
    if (anc_targets_append_rois(&m->targets, l, rois, m->classes, gt, n_gt, err)) return err->code;
    r->s[ANC_S_LAY] += t1 - t0;
    r->s[ANC_S_MATCH] += t2 - t1;
    r->s[ANC_S_SAMPLE] += t3 - t2;
    r->s[ANC_S_ENCODE] += t4 - t3;
    r->s[ANC_S_GATHER] += anc_now_s() - t4;
    r->n[ANC_N_PROPOSALS] += n;
    r->n[ANC_N_LEFT_OUT] += rois->n_left_out;
    r->n[ANC_N_WITHOUT_PROPOSALS] += n == 0;
    count_labels(r, rois->n_positive, rois->n_negative, rois->n_ignored, rois->batch_positive,
                 rois->batch_negative);
    return ANC_OK;
}

static anc_status label_view(anc_shard_maker *m, const anc_image *image, const anc_gt *gt, int64_t n_gt,
                             int32_t epoch, anc_label_record *r, anc_err *err)
{
    if (take_boxes(m, gt, n_gt, err)) return err->code;
    double start = anc_now_s();
    if (lay_view(m, image, epoch, (int32_t)n_gt, err)) return err->code;
    r->s[ANC_S_LAY] += anc_now_s() - start;
    count_view(&m->labeller, r);
    return m->plan->rules.stage == ANC_STAGE_ROI ? label_rois(m, gt, (int32_t)n_gt, r, err)
                                                 : label_anchors(m, gt, (int32_t)n_gt, r, err);
}

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
