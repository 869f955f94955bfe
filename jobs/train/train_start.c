/* jobs/train/train_start.c: see train_start.h */
#include "jobs/train/train_start.h"
#include "core/half.h"
#include "io/hdf5/h5.h"
#include "jobs/cli/run_folder.h"
#include "jobs/propose/propose_shard.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t fingerprint(const float *x, size_t n)
{
    uint64_t h = n;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        h = (h ^ bits) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    return h;
}

/* What another backbone's features differ in: a row of each level of some images, the same however they are
 * stored. */
static anc_status mark_features(const anc_train_run *r, uint64_t *mark, anc_err *err)
{
    enum { LOOKED_AT = 64 };
    const anc_features_info *info = r->data.maps;
    anc_feature_map map[ANC_MAX_LEVELS];
    size_t width = (size_t)info->channels;
    int64_t *order = anc_propose_order(info);
    float *row = malloc(width * sizeof *row);
    *mark = 0;
    if (!order || !row)
        anc_fail(err, ANC_EMEMORY, "out of memory for %lld images", (long long)info->n_images);
    for (int64_t i = 0; i < info->n_images && !err->code; i += info->n_images / LOOKED_AT + 1) {
        if (anc_features_map(r->data.features, order[i], map, err)) break;
        for (int l = 0; l < info->n_levels; l++) {
            size_t at = (size_t)map[l].h * (size_t)map[l].w / 2 * width;
            for (size_t c = 0; c < width; c++)
                row[c] = map[l].half ? anc_half(((const uint16_t *)map[l].row)[at + c])
                                     : ((const float *)map[l].row)[at + c];
            *mark = (*mark ^ fingerprint(row, width)) * 0x9e3779b97f4a7c15u;
        }
    }
    free(order);
    free(row);
    return err->code;
}

/* All that decides the head's bits. start: the fingerprint of the parameters before the first step; features:
 * their mark. */
static char *describe(const anc_train_run *r, uint64_t start, uint64_t features)
{
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (!to) return NULL;
    const anc_train_opts *o = &r->o;
    fprintf(to,
            "{\"command\":\"train\",\"seed\":%lld,\"steps\":%lld,\"batch\":%lld,\"shuffle\":%s,\"lr\":%.17g,"
            "\"momentum\":%.17g,"
            "\"weight_decay\":%.17g,\"schedule\":\"%s\",\"warm_up\":%lld,\"milestones\":[",
            (long long)o->seed, (long long)r->schedule.steps, (long long)o->batch,
            o->no_shuffle ? "false" : "true", o->rate, o->momentum, o->decay, o->schedule,
            (long long)o->warm_up);
    for (int i = 0; i < r->schedule.n_milestones; i++)
        fprintf(to, "%s%lld", i ? "," : "", (long long)r->schedule.milestone[i]);
    fprintf(
        to,
        "],\"gamma\":%.17g,\"clip\":%.17g,\"beta\":%.17g,\"normaliser\":\"%s\",\"per_image\":%lld,\"reduce\":"
        "\"%s\","
        "\"start\":\"%016llx\",\"features\":{\"images\":%lld,\"levels\":%d,\"channels\":%d,\"mark\":\"%"
        "016llx\"},"
        "\"targets\":%s}",
        o->gamma, o->clip, o->beta, o->normaliser, (long long)o->per_image, o->reduce,
        (unsigned long long)start, (long long)r->data.maps->n_images, r->data.maps->n_levels,
        r->data.maps->channels, (unsigned long long)features, r->data.info->config);
    if (fclose(to)) {
        free(text);
        return NULL;
    }
    return text;
}

anc_status anc_train_start(anc_train_run *r, anc_err *err)
{
    anc_head_shape s = { r->data.maps->channels, r->data.maps->channels, r->data.info->level[0].n_shapes };
    if (r->o.init) {
        anc_head_file from;
        if (anc_head_read(r->o.init, &from, err)) return err->code;
        if (from.shape.channels != s.channels || from.shape.n_shapes != s.n_shapes)
            anc_fail(err, ANC_EDATA, "%s: is for %d channels and %d anchors a position; here are %d and %d",
                     r->o.init, from.shape.channels, from.shape.n_shapes, s.channels, s.n_shapes);
        r->head.shape = from.shape;
        r->head.parameters = from.parameters;
        from.parameters = NULL;
        anc_head_file_clear(&from);
    } else {
        r->head.shape = s;
        r->head.parameters = malloc(anc_head_size(&s) * sizeof *r->head.parameters);
        if (!r->head.parameters) return anc_fail(err, ANC_EMEMORY, "out of memory for the parameters");
        anc_head_init(&s, (uint64_t)r->o.seed, r->o.std, r->head.parameters);
    }
    if (err->code) return err->code;
    size_t n = anc_head_size(&r->head.shape);
    r->head.momentum = calloc(n, sizeof *r->head.momentum);
    uint64_t mark = 0; /* rank 0's configuration is the one that is written and compared */
    if (!r->team.rank && mark_features(r, &mark, err)) return err->code;
    r->head.config = describe(r, fingerprint(r->head.parameters, n), mark);
    return r->head.momentum && r->head.config
               ? ANC_OK
               : anc_fail(err, ANC_EMEMORY, "out of memory for the parameters");
}

anc_status anc_train_resume(anc_train_run *r, anc_err *err)
{
    if (anc_h5_look(r->o.out) == ANC_H5_NOTHING) return ANC_OK;
    if (anc_h5_may_replace(r->o.out, ANC_HEAD_FORMAT, err) || r->o.overwrite) return err->code;
    anc_head_file old;
    if (anc_head_read(r->o.out, &old, err))
        return anc_within(err, "cannot go on from it; choose another --output, or give --overwrite");
    char what[512];
    if (anc_run_differs(old.config, r->head.config, what, sizeof what)) {
        anc_fail(
            err, ANC_EARGUMENT,
            "%s: is of another run: %s; give the same options, choose another --output, or give --overwrite",
            r->o.out, what);
        anc_head_file_clear(&old);
        return err->code;
    }
    if (memcmp(&old.shape, &r->head.shape, sizeof old.shape)) {
        anc_fail(
            err, ANC_EDATA,
            "%s: its tensors are of other shapes than its configuration makes them; choose another --output, "
            "or give --overwrite",
            r->o.out);
        anc_head_file_clear(&old);
        return err->code;
    }
    if (old.step > r->schedule.steps) {
        anc_fail(err, ANC_EDATA,
                 "%s: is at step %lld of %lld, which cannot be; choose another --output, or give --overwrite",
                 r->o.out, (long long)old.step, (long long)r->schedule.steps);
        anc_head_file_clear(&old);
        return err->code;
    }
    anc_head_file_clear(&r->head);
    r->head = old;
    return ANC_OK;
}
