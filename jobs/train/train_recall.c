/* jobs/train/train_recall.c: see train_recall.h */
#include "jobs/train/train_recall.h"
#include "jobs/cli/clock.h"
#include "jobs/cli/config.h"
#include "jobs/cli/source_team.h"
#include <stdlib.h>

/* Collective. Rank 0's data set to all. */
static anc_status share(const anc_team *team, anc_dataset *d, anc_err *err)
{
    void *bytes = NULL;
    size_t n = 0;
    if (!team->rank) anc_dataset_pack(d, 0, d->n_images, &bytes, &n, err);
    if (anc_team_agree(team, err)) return err->code;
    anc_team_bcast(team, &n, sizeof n, 0);
    if (team->rank && !(bytes = malloc(n))) anc_fail(err, ANC_EMEMORY, "out of memory for the annotations");
    if (!anc_team_agree(team, err)) {
        anc_team_bcast(team, bytes, n, 0);
        if (team->rank) anc_dataset_unpack(bytes, n, d, err);
        anc_team_agree(team, err);
    }
    free(bytes);
    return err->code;
}

/* Collective. */
static anc_status read_truth(anc_recall_check *c, const char *annotations, anc_err *err)
{
    anc_source *s = NULL;
    if (anc_source_open_team(c->team, annotations, &(anc_reader_options){ 0 }, &s, err)) return err->code;
    if (s) anc_source_read(s, 0, anc_source_images(s), &c->truth, err);
    anc_source_close(s);
    if (anc_team_agree(c->team, err)) return err->code;
    return share(c->team, &c->truth, err);
}

static int by_id(const void *key, const void *entry)
{
    int64_t a = *(const int64_t *)key, b = ((const anc_image *)entry)->id;
    return a < b ? -1 : a > b;
}

static const anc_image *find(const anc_recall_check *c, int64_t id)
{
    return bsearch(&id, c->truth.image, (size_t)c->truth.n_images, sizeof *c->truth.image, by_id);
}

static anc_status make_plan(anc_recall_check *c, const char *annotations, const anc_train_data *data,
                            const anc_head_shape *shape, anc_err *err)
{
    const anc_features_info *info = data->maps;
    anc_propose_plan *p = &c->plan;
    *p = (anc_propose_plan){ .shape = *shape, .n_images = info->n_images, .images_per_shard = 1 };
    if (anc_config_read_json(data->info->config, &p->rules, err))
        return anc_within(err, "%s", data->info->path);
    if (anc_propose_fit(p, data->info->path, info, err)) return err->code;
    anc_proposal_rules_preset(p->rules.name, false, &p->proposals);
    for (int64_t i = 0; i < info->n_images; i++)
        if (!find(c, info->id[i]))
            return anc_fail(err, ANC_EDATA,
                            "%s: image %lld of %s is not there: give the annotations of the same images",
                            annotations, (long long)info->id[i], info->path);
    c->order = anc_propose_order(info);
    if (!c->order)
        return anc_fail(err, ANC_EMEMORY, "out of memory for %lld images", (long long)info->n_images);
    return anc_recall_init(&c->recall, ANC_RECALL_COCO, (const int32_t[]){ 100 }, 1, 1, err);
}

anc_status anc_recall_check_open(anc_recall_check *c, const char *annotations, const anc_train_data *data,
                                 const anc_head_shape *shape, anc_err *err)
{
    c->features = data->features;
    anc_features_read_whole(c->features);
    if (read_truth(c, annotations, err)) return err->code;
    make_plan(c, annotations, data, shape, err);
    return anc_team_agree(c->team, err);
}

void anc_recall_check_close(anc_recall_check *c)
{
    anc_dataset_clear(&c->truth);
    anc_recall_free(&c->recall);
    free(c->order);
    free(c->object);
    c->order = NULL;
    c->object = NULL;
}

static anc_status count_image(anc_recall_check *c, const anc_proposal_set *set, anc_err *err)
{
    int64_t image = find(c, set->image_id[0]) - c->truth.image, first = c->truth.box_offset[image],
            n = c->truth.box_offset[image + 1] - first;
    if (n > c->capacity) {
        free(c->object);
        c->capacity = 0;
        c->object = malloc((size_t)n * sizeof *c->object);
        if (!c->object) return anc_fail(err, ANC_EMEMORY, "out of memory for %lld objects", (long long)n);
        c->capacity = n;
    }
    for (int64_t i = 0; i < n; i++) {
        const anc_gt *g = &c->truth.box[first + i];
        c->object[i] = (anc_recall_object){ .crowd = g->crowd };
        for (int k = 0; k < 4; k++) c->object[i].xyxy[k] = g->xyxy[k];
    }
    return anc_recall_add(&c->recall, c->object, (int32_t)n, (const double(*)[4])set->xyxy, set->score,
                          (int32_t)set->n, err);
}

anc_status anc_recall_check_run(anc_recall_check *c, const float *parameters, double *average, anc_err *err)
{
    anc_proposal_maker m = { 0 };
    anc_propose_record record = { 0 };
    bool dropped;
    double start = anc_now_s();
    for (int64_t i = 0; i < anc_recall_n_counts(&c->recall); i++) c->recall.count[i] = 0;
    anc_proposal_maker_init(&m, &c->plan, c->features, c->order, parameters, c->kernels, err);
    for (int64_t i = c->team->rank; i < c->plan.n_images && !err->code; i += c->team->size)
        if (!anc_proposals_make(&m, i, &record, &dropped, err)) count_image(c, &m.set, err);
    anc_proposal_maker_free(&m);
    if (anc_team_agree(c->team, err)) return anc_within(err, "validation");
    anc_team_sum(c->team, c->recall.count, (size_t)anc_recall_n_counts(&c->recall));
    *average = anc_recall_average(&c->recall, 0, 0);
    c->spent_s += anc_now_s() - start;
    return ANC_OK;
}
