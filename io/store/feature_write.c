/* io/store/feature_write.c: see feature_write.h */
#include "io/store/feature_write.h"
#include "io/store/feature.h"
#include "io/hdf5/h5.h"
#include <stdio.h>
#include <stdlib.h>

struct anc_features_out {
    anc_h5_file file;
    anc_h5_data data[ANC_MAX_LEVELS];
    int64_t *offset[ANC_MAX_LEVELS]; /* [n_images + 1] rows */
    int32_t n_levels;
    int64_t n_images, next;
};

static anc_status write_pairs(anc_features_out *o, const char *name, const int32_t (*pair)[2],
                              const char *what, anc_err *err)
{
    const anc_h5_spec spec = { name, ANC_H5_I32, 2, { o->n_images, 2 }, 0, 0, 0, "px", what };
    return anc_h5_write(&o->file, &spec, pair, err);
}

static anc_status write_images(anc_features_out *o, const anc_features_plan *p, anc_err *err)
{
    const anc_h5_spec id = { "/images/id", ANC_H5_I64, 1, { p->n_images }, 0, 0, 0, NULL, "image id" };
    const anc_h5_spec scale_spec = {
        "/images/scale", ANC_H5_F32, 2, { p->n_images, 2 }, 0, 0, 0, NULL, "size / original_size: y, x"
    };
    float(*scale)[2] = malloc((size_t)(p->n_images + 1) * sizeof *scale);
    if (!scale) return anc_fail(err, ANC_EMEMORY, "out of memory for %lld images", (long long)p->n_images);
    for (int64_t i = 0; i < p->n_images; i++)
        for (int k = 0; k < 2; k++) scale[i][k] = (float)p->size[i][k] / (float)p->original[i][k];
    if (!anc_h5_write(&o->file, &id, p->id, err) &&
        !write_pairs(o, "/images/size", p->size, "height, width as fed to the backbone, before padding",
                     err) &&
        !write_pairs(o, "/images/padded_size", p->padded, "height, width after padding", err) &&
        !write_pairs(o, "/images/original_size", p->original, "height, width of the picture", err))
        anc_h5_write(&o->file, &scale_spec, scale, err);
    free(scale);
    return err->code;
}

static anc_status start_level(anc_features_out *o, const anc_features_plan *p, int l, anc_err *err)
{
    char group[32], name[3][48];
    int32_t stride = p->stride[l];
    int32_t(*grid)[2] = malloc((size_t)(p->n_images + 1) * sizeof *grid);
    o->offset[l] = malloc((size_t)(p->n_images + 1) * sizeof *o->offset[l]);
    if (!grid || !o->offset[l]) {
        free(grid);
        return anc_fail(err, ANC_EMEMORY, "out of memory for %lld images", (long long)p->n_images);
    }
    o->offset[l][0] = 0;
    for (int64_t i = 0; i < p->n_images; i++) {
        for (int k = 0; k < 2; k++) grid[i][k] = (p->padded[i][k] + stride - 1) / stride;
        o->offset[l][i + 1] = o->offset[l][i] + (int64_t)grid[i][0] * grid[i][1];
    }
    snprintf(group, sizeof group, "/level%d", l);
    snprintf(name[0], sizeof name[0], "%s/feature", group);
    snprintf(name[1], sizeof name[1], "%s/offset", group);
    snprintf(name[2], sizeof name[2], "%s/grid", group);
    const anc_h5_spec feature = { name[0],
                                  ANC_H5_F16,
                                  2,
                                  { o->offset[l][p->n_images], p->channels },
                                  -1,
                                  0,
                                  0,
                                  NULL,
                                  "a row is a position (y, x) of an image, row after row; channels last" };
    const anc_h5_spec offset = { name[1], ANC_H5_I64, 1,      { p->n_images + 1 },      0,
                                 0,       0,          "rows", "first row of each image" };
    const anc_h5_spec size = { name[2], ANC_H5_I32, 2,           { p->n_images, 2 }, 0,
                               0,       0,          "positions", "rows, columns" };
    if (!anc_h5_define(&o->file, &feature, H5P_DEFAULT, &o->data[l], err) &&
        !anc_h5_write(&o->file, &offset, o->offset[l], err) && !anc_h5_write(&o->file, &size, grid, err) &&
        !anc_h5_set_int(&o->file, group, "stride", stride, err))
        anc_h5_set_int(&o->file, group, "channels", p->channels, err);
    free(grid);
    return err->code;
}

anc_status anc_features_create(const char *path, const anc_features_plan *plan, const char *config,
                               anc_features_out **out, anc_err *err)
{
    anc_features_out *o = calloc(1, sizeof *o);
    if (!o) return anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    o->n_levels = plan->n_levels;
    o->n_images = plan->n_images;
    if (anc_h5_create_part(path, &o->file, err)) {
        free(o);
        return err->code;
    }
    if (!anc_h5_stamp(&o->file, ANC_FEATURES_FORMAT, ANC_FEATURES_VERSION, config, err) &&
        !write_images(o, plan, err))
        for (int l = 0; l < plan->n_levels && !err->code; l++) start_level(o, plan, l, err);
    if (err->code) {
        anc_features_abandon(o);
        return err->code;
    }
    *out = o;
    return ANC_OK;
}

anc_status anc_features_append(anc_features_out *o, const uint16_t *const *map, anc_err *err)
{
    int64_t i = o->next++;
    for (int l = 0; l < o->n_levels; l++)
        if (anc_h5_data_write(&o->data[l], o->offset[l][i], o->offset[l][i + 1] - o->offset[l][i], map[l],
                              err))
            return err->code;
    return ANC_OK;
}

static void close_levels(anc_features_out *o)
{
    for (int l = 0; l < ANC_MAX_LEVELS; l++) {
        anc_h5_data_close(&o->data[l]);
        free(o->offset[l]);
    }
}

anc_status anc_features_commit(anc_features_out *o, anc_err *err)
{
    close_levels(o);
    anc_h5_commit(&o->file, err);
    free(o);
    return err->code;
}

void anc_features_abandon(anc_features_out *o)
{
    if (!o) return;
    close_levels(o);
    anc_h5_abandon(&o->file);
    free(o);
}
