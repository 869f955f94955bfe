/* jobs/train/train_data.c: see train_data.h */
#include "jobs/train/train_data.h"
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 256 }; /* views read in one go */

anc_status anc_train_data_open(anc_train_data *d, const char *targets, const char *features, anc_err *err)
{
    d->loaded = -1;
    if (anc_targets_open(targets, &d->targets, err) || anc_features_open(features, &d->features, err))
        return err->code;
    d->info = anc_targets_about_file(d->targets);
    d->maps = anc_features_about(d->features);
    if (d->info->stage == ANC_STAGE_ROI)
        return anc_fail(
            err, ANC_EDATA,
            "%s: holds targets of the second stage (RoIs); this trains the proposal network, from "
            "those of --stage rpn",
            targets);
    if (d->info->n_levels != d->maps->n_levels)
        return anc_fail(err, ANC_EDATA, "%s: has %d levels, %s %d; label the data set with --like %s",
                        targets, d->info->n_levels, features, d->maps->n_levels, features);
    for (int l = 0; l < d->info->n_levels; l++) {
        if (d->info->level[l].stride != d->maps->stride[l])
            return anc_fail(
                err, ANC_EDATA,
                "%s: level %d has stride %d, that of %s has %d; label the data set with --like %s", targets,
                l, d->info->level[l].stride, features, d->maps->stride[l], features);
        if (d->info->level[l].n_shapes != d->info->level[0].n_shapes)
            return anc_fail(
                err, ANC_EDATA,
                "%s: level %d has %d anchors a position, level 0 has %d; one head needs as many on all",
                targets, l, d->info->level[l].n_shapes, d->info->level[0].n_shapes);
    }
    return ANC_OK;
}

static void forget_epoch(anc_train_data *d)
{
    free(d->image);
    free(d->image_id);
    free(d->row);
    free(d->positive);
    free(d->anchor);
    free(d->target);
    d->image = d->image_id = d->row = d->positive = NULL;
    d->anchor = NULL;
    d->target = NULL;
    d->loaded = -1;
}

void anc_train_data_close(anc_train_data *d)
{
    forget_epoch(d);
    free(d->epoch_first);
    anc_targets_close(d->targets);
    anc_features_close(d->features);
    *d = (anc_train_data){ 0 };
}

/* What keeps view v of t from being trained on, or NULL. */
static const char *misfit(const anc_train_data *d, const anc_targets *t, int64_t v, int64_t image)
{
    const int32_t *size = (int32_t *)t->column[ANC_VIEWS_SIZE] + 2 * v,
                  *grid = (int32_t *)t->column[ANC_VIEWS_GRID];
    const int32_t *padded = (int32_t *)t->column[ANC_VIEWS_PADDED_SIZE] + 2 * v;
    if (image < 0) return "there are no features of it";
    if (((uint8_t *)t->column[ANC_VIEWS_FLIP])[v]) return "the view is mirrored, the features are not";
    if (memcmp(size, d->maps->size[image], 2 * sizeof *size)) return "the features are of another size";
    if (memcmp(padded, d->maps->padded[image], 2 * sizeof *padded))
        return "the features are padded to another size";
    for (int l = 0; l < d->info->n_levels; l++)
        if (memcmp(grid + 2 * (d->info->n_levels * v + l), d->maps->grid[l][image], 2 * sizeof *grid))
            return "the features have other grids";
    return NULL;
}

static anc_status check_run(anc_train_data *d, const anc_targets *t, int64_t first, int32_t *epoch,
                            anc_err *err)
{
    for (int64_t v = 0; v < t->n[ANC_ROWS_VIEWS]; v++) {
        int64_t id = ((int64_t *)t->column[ANC_VIEWS_IMAGE_ID])[v];
        int32_t mine = ((int32_t *)t->column[ANC_VIEWS_EPOCH])[v];
        const char *fault = misfit(d, t, v, anc_features_find(d->features, id));
        if (fault)
            return anc_fail(
                err, ANC_EDATA, "%s: view %lld (image %lld): %s in %s; label the data set with --like %s",
                d->info->path, (long long)(first + v), (long long)id, fault, d->maps->path, d->maps->path);
        if (first + v && mine == *epoch) continue;
        *epoch = mine;
        int64_t *more = realloc(d->epoch_first, (size_t)(d->n_epochs + 2) * sizeof *more);
        if (!more) return anc_fail(err, ANC_EMEMORY, "out of memory for %lld epochs", (long long)d->n_epochs);
        d->epoch_first = more;
        d->epoch_first[d->n_epochs++] = first + v;
        d->epoch_first[d->n_epochs] = d->info->n[ANC_ROWS_VIEWS];
    }
    return ANC_OK;
}

anc_status anc_train_data_check(anc_train_data *d, anc_err *err)
{
    anc_targets t = { 0 };
    int32_t epoch = 0;
    int64_t n = d->info->n[ANC_ROWS_VIEWS];
    if (!n) return anc_fail(err, ANC_EDATA, "%s: holds no views", d->info->path);
    for (int64_t first = 0; first < n && !err->code; first += AT_ONCE)
        if (!anc_targets_read(d->targets, first, n - first < AT_ONCE ? n - first : AT_ONCE, &t, err))
            check_run(d, &t, first, &epoch, err);
    anc_targets_clear(&t);
    return err->code;
}

anc_status anc_train_data_share(anc_train_data *d, const anc_team *team, anc_err *err)
{
    anc_team_bcast(team, &d->n_epochs, sizeof d->n_epochs, 0);
    size_t n = (size_t)(d->n_epochs + 1) * sizeof *d->epoch_first;
    if (team->rank && !(d->epoch_first = malloc(n)))
        anc_fail(err, ANC_EMEMORY, "out of memory for the epochs");
    if (anc_team_agree(team, err)) return err->code;
    anc_team_bcast(team, d->epoch_first, n, 0);
    return ANC_OK;
}

static anc_status append(anc_train_data *d, const anc_targets *t, int64_t at, anc_err *err)
{
    int64_t n = t->n[ANC_ROWS_VIEWS], rows = d->row[at], positives = d->positive[at];
    int64_t all = rows + t->n[ANC_ROWS_MINIBATCH], all_positives = positives + t->n[ANC_ROWS_POSITIVES];
    void *anchor = realloc(d->anchor, (size_t)(all + 1) * sizeof *d->anchor);
    if (anchor) d->anchor = anchor;
    void *target = realloc(d->target, (size_t)(all_positives + 1) * sizeof *d->target);
    if (target) d->target = target;
    if (!anchor || !target)
        return anc_fail(err, ANC_EMEMORY, "out of memory for the targets of %lld views", (long long)(at + n));
    memcpy(d->anchor + rows, t->column[ANC_MINIBATCH_ANCHOR], (size_t)(all - rows) * sizeof *d->anchor);
    memcpy(d->target + positives, t->column[ANC_POSITIVES_TARGET],
           (size_t)(all_positives - positives) * sizeof *d->target);
    for (int64_t v = 0; v < n; v++) {
        d->image_id[at + v] = ((int64_t *)t->column[ANC_VIEWS_IMAGE_ID])[v];
        d->image[at + v] = anc_features_find(d->features, d->image_id[at + v]);
        d->row[at + v + 1] = rows + t->offset[ANC_ROWS_MINIBATCH][v + 1];
        d->positive[at + v + 1] = positives + t->offset[ANC_ROWS_POSITIVES][v + 1];
    }
    return ANC_OK;
}

anc_status anc_train_data_load(anc_train_data *d, int64_t e, anc_err *err)
{
    if (d->loaded == e) return ANC_OK;
    forget_epoch(d);
    int64_t first = d->epoch_first[e], n = d->epoch_first[e + 1] - first;
    d->n_views = n;
    d->image = malloc((size_t)n * sizeof *d->image);
    d->image_id = malloc((size_t)n * sizeof *d->image_id);
    d->row = calloc((size_t)n + 1, sizeof *d->row);
    d->positive = calloc((size_t)n + 1, sizeof *d->positive);
    if (!d->image || !d->image_id || !d->row || !d->positive)
        return anc_fail(err, ANC_EMEMORY, "out of memory for %lld views", (long long)n);
    anc_targets t = { 0 };
    for (int64_t at = 0; at < n && !err->code; at += AT_ONCE)
        if (!anc_targets_read(d->targets, first + at, n - at < AT_ONCE ? n - at : AT_ONCE, &t, err))
            append(d, &t, at, err);
    anc_targets_clear(&t);
    if (!err->code) d->loaded = e;
    return err->code;
}
