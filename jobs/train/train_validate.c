/* jobs/train/train_validate.c: see train_validate.h */
#include "jobs/train/train_validate.h"
#include "core/head/loss.h"
#include "jobs/cli/clock.h"
#include <math.h>
#include <stdlib.h>

/* Collective. Rank 0 walks the views; then all know the epochs. */
static anc_status share_epochs(anc_validator *v, anc_err *err)
{
    anc_train_data *d = &v->data;
    if (!v->team->rank) anc_train_data_check(d, err);
    if (anc_team_agree(v->team, err)) return err->code;
    return anc_train_data_share(d, v->team, err);
}

anc_status anc_validator_open(anc_validator *v, const char *targets, const char *features,
                              const anc_head_shape *shape, const anc_kernels *kernels, anc_err *err)
{
    v->pass = (anc_head_activations){ .shape = *shape, .kernels = kernels };
    if (!anc_train_data_open(&v->data, targets, features, err) &&
        (v->data.maps->channels != shape->channels || v->data.info->level[0].n_shapes != shape->n_shapes))
        anc_fail(err, ANC_EDATA,
                 "%s: has %d channels and %s %d anchors a position; the head is for %d and %d", features,
                 v->data.maps->channels, targets, v->data.info->level[0].n_shapes, shape->channels,
                 shape->n_shapes);
    if (anc_team_agree(v->team, err) || share_epochs(v, err)) return err->code;
    v->n_rows = v->data.info->n[ANC_ROWS_MINIBATCH];
    return ANC_OK;
}

void anc_validator_close(anc_validator *v)
{
    anc_train_data_close(&v->data);
    anc_head_activations_free(&v->pass);
    free(v->d_logit);
    free(v->d_delta);
    v->d_logit = NULL;
    v->d_delta = NULL;
}

static double weight_of(const anc_validator *v, int64_t rows)
{
    int64_t views = v->data.info->n[ANC_ROWS_VIEWS], n = 0;
    switch (v->normaliser) {
    case ANC_FEED_SAMPLED: n = v->n_rows; break;
    case ANC_FEED_CONSTANT: n = v->per_image * views; break;
    case ANC_FEED_IMAGE: n = rows * views; break;
    }
    return n ? 1 / (double)n : 0;
}

/* Adds a view's losses to sum, in multiples of 2^-40 of its share: whole numbers add up the same in any
 * order. */
static anc_status add_view(anc_validator *v, const float *parameters, int64_t view, int64_t sum[2],
                           anc_err *err)
{
    const anc_train_data *d = &v->data;
    anc_feature_map map[ANC_MAX_LEVELS];
    int32_t n = (int32_t)(d->row[view + 1] - d->row[view]),
            positive = (int32_t)(d->positive[view + 1] - d->positive[view]);
    double weight = weight_of(v, n);
    if (n > v->capacity) {
        free(v->d_logit);
        free(v->d_delta);
        v->d_logit = malloc((size_t)n * sizeof *v->d_logit);
        v->d_delta = malloc((size_t)n * sizeof *v->d_delta);
        v->capacity = v->d_logit && v->d_delta ? n : 0;
        if (!v->capacity) return anc_fail(err, ANC_EMEMORY, "out of memory for %d sampled anchors", n);
    }
    if (anc_features_map(d->features, d->image[view], map, err) ||
        anc_head_gather(&v->pass, map, d->info->n_levels, d->anchor + d->row[view], positive, n - positive,
                        err))
        return err->code;
    anc_head_forward(&v->pass, parameters, positive);
    double loss[2] = { anc_loss_objectness(v->pass.logit, positive, n, weight, v->d_logit),
                       anc_loss_boxes((const float(*)[4])v->pass.delta,
                                      (const float(*)[4])d->target + d->positive[view], positive, v->beta,
                                      weight, v->d_delta) };
    for (int k = 0; k < 2; k++) {
        if (!(fabs(loss[k]) < 64))
            return anc_fail(
                err, ANC_EDATA,
                "%s: image %lld: its loss is %g: training diverges, or its features are no numbers",
                d->maps->path, (long long)d->image_id[view], loss[k]);
        sum[k] += llrint(loss[k] * 0x1p40);
    }
    return ANC_OK;
}

anc_status anc_validate(anc_validator *v, const float *parameters, anc_head_validation *out, anc_err *err)
{
    int64_t sum[2] = { 0 };
    double start = anc_now_s();
    for (int64_t e = 0; e < v->data.n_epochs && !err->code; e++) {
        if (anc_train_data_load(&v->data, e, err)) break;
        for (int64_t i = v->team->rank; i < v->data.n_views && !err->code; i += v->team->size)
            add_view(v, parameters, i, sum, err);
    }
    if (anc_team_agree(v->team, err)) return anc_within(err, "validation");
    anc_team_sum(v->team, sum, 2);
    out->objectness = (double)sum[0] * 0x1p-40;
    out->boxes = (double)sum[1] * 0x1p-40;
    v->spent_s += anc_now_s() - start;
    return ANC_OK;
}
