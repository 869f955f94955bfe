/* io/store/head_file.c: see head_file.h */
#include "io/store/head_file.h"
#include "io/hdf5/h5.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const about[ANC_HEAD_PARTS] = {
    [ANC_HEAD_CONV_WEIGHT] = "3x3 convolution: out, in, y, x",
    [ANC_HEAD_CONV_BIAS] = "its bias",
    [ANC_HEAD_CLS_WEIGHT] = "objectness: shape, in, 1, 1",
    [ANC_HEAD_CLS_BIAS] = "its bias",
    [ANC_HEAD_BOX_WEIGHT] = "deltas: shape * 4 + (x, y, w, h), in, 1, 1",
    [ANC_HEAD_BOX_BIAS] = "its bias",
};

static int dimensions(const anc_head_shape *s, int part, int64_t dims[4])
{
    int64_t rows[] = { s->hidden, s->hidden, s->n_shapes, s->n_shapes, 4 * s->n_shapes, 4 * s->n_shapes };
    bool conv = part == ANC_HEAD_CONV_WEIGHT;
    dims[0] = rows[part];
    dims[1] = conv ? s->channels : s->hidden;
    dims[2] = dims[3] = conv ? 3 : 1;
    return part % 2 ? 1 : 4; /* biases have one dimension */
}

/* One flat vector (parameters or momentum) as its six tensors below group. */
static anc_status write_tensors(anc_h5_file *f, const anc_head_shape *s, const char *group, const float *all,
                                anc_err *err)
{
    float *torch = malloc(anc_head_count(s, ANC_HEAD_CONV_WEIGHT) * sizeof *torch);
    if (!torch) return anc_fail(err, ANC_EMEMORY, "%s: no memory", f->path);
    anc_head_conv_to_torch(s, all, torch);
    anc_status status = ANC_OK;
    for (int k = 0; k < ANC_HEAD_PARTS && !status; k++) {
        char name[96];
        anc_h5_spec spec = { .name = name, .type = ANC_H5_F32, .description = about[k] };
        snprintf(name, sizeof name, "%s/%s", group, anc_head_names[k]);
        spec.rank = dimensions(s, k, spec.dims);
        status = anc_h5_write(
            f, &spec, k == ANC_HEAD_CONV_WEIGHT ? torch : all + anc_head_first(s, (anc_head_tensor)k), err);
    }
    free(torch);
    return status;
}

static anc_status write_anchors(anc_h5_file *f, const anc_targets_info *targets, anc_err *err)
{
    for (int l = 0; l < targets->n_levels; l++) {
        const anc_targets_level *v = &targets->level[l];
        char group[32], name[48];
        snprintf(group, sizeof group, "/anchors/level%d", l);
        snprintf(name, sizeof name, "%s/base", group);
        anc_h5_spec base = {
            name, ANC_H5_F32, 2, { v->n_shapes, 4 }, 0, 0, 0, "px", "x1, y1, x2, y2 around position 0"
        };
        if (anc_h5_write(f, &base, v->base, err) || anc_h5_set_int(f, group, "stride", v->stride, err) ||
            anc_h5_set_real(f, group, "offset", v->offset, err) ||
            anc_h5_set_int(f, group, "stride_from_grid", v->stride_from_grid, err))
            return err->code;
    }
    return ANC_OK;
}

anc_status anc_head_write(const anc_head_file *h, const char *path, const anc_targets_info *targets,
                          anc_err *err)
{
    anc_h5_file f;
    if (anc_h5_create_part(path, &f, err)) return err->code;
    anc_h5_spec history = { "/history/step",
                            ANC_H5_F64,
                            2,
                            { h->step, 4 },
                            0,
                            1,
                            0,
                            NULL,
                            "learning rate, objectness loss, box loss, norm of the gradient" };
    const anc_h5_spec validation = {
        "/history/validation",
        ANC_H5_F64,
        2,
        { h->n_validations, 4 },
        0,
        1,
        0,
        NULL,
        "steps done, objectness loss, box loss, average recall at 100 proposals (NaN: not measured)"
    };
    if (!anc_h5_stamp(&f, ANC_HEAD_FORMAT, ANC_HEAD_VERSION, h->config, err) &&
        !anc_h5_set_int(&f, "/", "step", h->step, err) &&
        !write_tensors(&f, &h->shape, "", h->parameters, err) &&
        !write_tensors(&f, &h->shape, "/momentum", h->momentum, err) &&
        !anc_h5_write(&f, &history, h->history, err) &&
        !(h->n_validations && anc_h5_write(&f, &validation, h->validation, err)) &&
        !write_anchors(&f, targets, err))
        return anc_h5_commit(&f, err);
    anc_h5_abandon(&f);
    return err->code;
}

/* ---- reading ---- */

static anc_status read_shape(const anc_h5_file *f, anc_head_shape *s, anc_err *err)
{
    anc_h5_data d;
    const int64_t any[4] = { -1, -1, -1, -1 };
    char name[96];
    int64_t dims[2][4];
    static const anc_head_tensor parts[2] = { ANC_HEAD_CONV_WEIGHT, ANC_HEAD_CLS_WEIGHT };
    for (int k = 0; k < 2; k++) {
        snprintf(name, sizeof name, "/%s", anc_head_names[parts[k]]);
        if (anc_h5_data_open(f, name, ANC_H5_F32, 4, any, &d, err)) return err->code;
        memcpy(dims[k], d.dims, sizeof dims[k]);
        anc_h5_data_close(&d);
        if (dims[k][0] < 1 || dims[k][1] < 1 || dims[k][0] > ANC_HEAD_MAX_CHANNELS ||
            dims[k][1] > ANC_HEAD_MAX_CHANNELS)
            return anc_fail(err, ANC_EDATA, "%s is of %lld x %lld, which cannot be", name,
                            (long long)dims[k][0], (long long)dims[k][1]);
    }
    *s = (anc_head_shape){ (int32_t)dims[0][1], (int32_t)dims[0][0], (int32_t)dims[1][0] };
    return ANC_OK;
}

static anc_status read_tensors(const anc_h5_file *f, const anc_head_shape *s, const char *group, float *all,
                               anc_err *err)
{
    for (int k = 0; k < ANC_HEAD_PARTS; k++) {
        char name[96];
        int64_t dims[4], n;
        void *data;
        int rank = dimensions(s, k, dims);
        snprintf(name, sizeof name, "%s/%s", group, anc_head_names[k]);
        if (anc_h5_read(f, name, ANC_H5_F32, rank, dims, &data, &n, err)) return err->code;
        const float *x = data;
        size_t count = anc_head_count(s, (anc_head_tensor)k), bad = 0;
        for (size_t i = 0; i < count; i++) bad += !isfinite(x[i]);
        if (k == ANC_HEAD_CONV_WEIGHT)
            anc_head_conv_from_torch(s, x, all);
        else
            memcpy(all + anc_head_first(s, (anc_head_tensor)k), x, count * sizeof *x);
        free(data);
        if (bad) return anc_fail(err, ANC_EDATA, "%s holds values that are infinite or no numbers", name);
    }
    return ANC_OK;
}

static anc_status read_inner(anc_h5_file *f, anc_head_file *h, anc_err *err)
{
    if (read_shape(f, &h->shape, err)) return err->code;
    size_t n = anc_head_size(&h->shape);
    h->parameters = malloc(n * sizeof *h->parameters);
    h->momentum = calloc(n, sizeof *h->momentum);
    if (!h->parameters || !h->momentum)
        return anc_fail(err, ANC_EMEMORY, "out of memory for %zu parameters", n);
    if (anc_h5_get_string(f, "/", "config", &h->config, err) ||
        read_tensors(f, &h->shape, "", h->parameters, err))
        return err->code;
    if (!anc_h5_exists(f, "/momentum")) return ANC_OK;
    int64_t rows;
    void *history;
    if (read_tensors(f, &h->shape, "/momentum", h->momentum, err) ||
        anc_h5_get_int(f, "/", "step", &h->step, err))
        return err->code;
    if (h->step < 0) return anc_fail(err, ANC_EDATA, "attribute 'step' of / is %lld", (long long)h->step);
    if (anc_h5_read(f, "/history/step", ANC_H5_F64, 2, (int64_t[]){ h->step, 4 }, &history, &rows, err))
        return err->code;
    h->history = history;
    if (!anc_h5_exists(f, "/history/validation")) return ANC_OK;
    if (anc_h5_read(f, "/history/validation", ANC_H5_F64, 2, (int64_t[]){ -1, 4 }, &history,
                    &h->n_validations, err))
        return err->code;
    h->validation = history;
    return ANC_OK;
}

anc_status anc_head_read(const char *path, anc_head_file *h, anc_err *err)
{
    anc_h5_file f = { 0 };
    *h = (anc_head_file){ 0 };
    if (!anc_h5_open(path, ANC_HEAD_FORMAT, ANC_HEAD_VERSION, &f, err)) read_inner(&f, h, err);
    anc_h5_close(&f);
    if (!err->code) return ANC_OK;
    anc_head_file_clear(h);
    return anc_within(err, "%s", path);
}

void anc_head_file_clear(anc_head_file *h)
{
    free(h->parameters);
    free(h->momentum);
    free(h->history);
    free(h->validation);
    free(h->config);
    *h = (anc_head_file){ 0 };
}
