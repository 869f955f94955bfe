/* io/store/targets.c: see targets.h */
#include "io/store/targets.h"
#include "io/store/targets_table.h"
#include "io/store/targets_where.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEFLATE = 1 }; /* of the offsets */

static const anc_targets_column *const columns = anc_targets_columns;
static const anc_targets_kind *const kinds = anc_targets_kinds;

/* ---- one shard ---- */

static anc_status write_offset(anc_h5_file *f, int kind, const int64_t *offset, int64_t n_views, anc_err *err)
{
    char name[64];
    snprintf(name, sizeof name, "%s/offset", kinds[kind].group);
    anc_h5_spec spec = { .name = name,
                         .type = ANC_H5_I64,
                         .rank = 1,
                         .dims = { n_views + 1 },
                         .deflate = DEFLATE,
                         .description = kinds[kind].offset_of };
    return anc_h5_write(f, &spec, offset, err);
}

/* What a consumer needs to generate the anchors itself. */
static anc_status write_anchors(anc_h5_file *f, const anc_rules *r, anc_err *err)
{
    for (int l = 0; l < r->anchors.n_levels; l++) {
        double base[ANC_MAX_PER_POSITION][4];
        float base32[ANC_MAX_PER_POSITION][4];
        char group[32], name[48];
        int n = anc_base_anchors(r, l, base);
        for (int a = 0; a < n; a++)
            for (int e = 0; e < 4; e++) base32[a][e] = (float)base[a][e];
        snprintf(group, sizeof group, "/anchors/level%d", l);
        snprintf(name, sizeof name, "%s/base", group);
        anc_h5_spec spec = { .name = name,
                             .type = ANC_H5_F32,
                             .rank = 2,
                             .dims = { n, 4 },
                             .chunk_rows = -1,
                             .units = "px",
                             .description = "base anchors around the origin, in cell order: x1, y1, x2, y2" };
        if (anc_h5_write(f, &spec, base32, err)) return err->code;
        if (anc_h5_set_int(f, group, "stride", r->anchors.stride[l], err)) return err->code;
        if (anc_h5_set_real(f, group, "offset", r->anchors.offset, err)) return err->code;
        if (anc_h5_set_int(f, group, "stride_from_grid", r->anchors.stride_from_grid, err)) return err->code;
    }
    return ANC_OK;
}

/* What a consumer needs to know which class a label means. */
static anc_status write_classes(anc_h5_file *f, const anc_classes *c, anc_err *err)
{
    int32_t *label = malloc(((size_t)c->n + 1) * sizeof *label);
    if (!label) return anc_fail(err, ANC_EMEMORY, "out of memory for %d classes", c->n);
    for (int32_t i = 0; i < c->n; i++) label[i] = anc_class_label(c, i);
    const anc_h5_spec category = { .name = "/classes/category",
                                   .type = ANC_H5_I32,
                                   .rank = 1,
                                   .dims = { c->n },
                                   .chunk_rows = -1,
                                   .description = "category ids, ascending" };
    const anc_h5_spec number = { .name = "/classes/label",
                                 .type = ANC_H5_I32,
                                 .rank = 1,
                                 .dims = { c->n },
                                 .chunk_rows = -1,
                                 .description = "what stands for the category in /rois/label" };
    anc_status status = anc_h5_write(f, &category, c->category, err);
    if (!status) status = anc_h5_write(f, &number, label, err);
    if (!status) status = anc_h5_set_int(f, "/classes", "background", anc_class_background(c), err);
    free(label);
    return status;
}

static anc_status write_about(anc_h5_file *f, const anc_targets_about *about, anc_err *err)
{
    return about->rules->stage == ANC_STAGE_ROI ? write_classes(f, about->classes, err)
                                                : write_anchors(f, about->rules, err);
}

const char *anc_targets_format(anc_stage stage)
{
    return stage == ANC_STAGE_ROI ? ANC_ROI_TARGETS_FORMAT : ANC_TARGETS_FORMAT;
}

anc_status anc_targets_stage_of(const char *path, anc_stage *stage, anc_err *err)
{
    char *format;
    if (anc_h5_format_of(path, &format, err)) return err->code;
    *stage = !strcmp(format, ANC_ROI_TARGETS_FORMAT) ? ANC_STAGE_ROI : ANC_STAGE_RPN;
    free(format);
    return ANC_OK;
}

static anc_status file_size(const char *path, int64_t *n_bytes, anc_err *err)
{
    struct stat info;
    if (stat(path, &info))
        return anc_fail(err, ANC_ESYSTEM, "%s: cannot be read back after it was written", path);
    *n_bytes = info.st_size;
    return ANC_OK;
}

static anc_status write_columns(const anc_targets *t, anc_h5_file *f, anc_err *err)
{
    for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_KINDS; k++)
        if (t->with[k] && write_offset(f, k, t->offset[k], t->n[ANC_ROWS_VIEWS], err)) return err->code;
    for (int c = 0; c < ANC_N_COLUMNS; c++) {
        if (!anc_targets_has(t->with, t->n_levels, c)) continue;
        anc_h5_spec spec = anc_targets_spec(c, t->n[anc_columns[c].rows], t->n_levels);
        if (anc_h5_write(f, &spec, t->column[c], err)) return err->code;
    }
    return ANC_OK;
}

anc_status anc_targets_write_part(const anc_targets *t, const char *path, const anc_targets_about *about,
                                  anc_h5_file *f, int64_t *n_bytes, anc_err *err)
{
    *f = (anc_h5_file){ 0 };
    if (anc_h5_create_part_as(path, about->tag, f, err)) return err->code;
    f->cost = about->cost;
    f->folder_later = true;
    if (anc_h5_stamp(f, anc_targets_format(about->rules->stage), ANC_TARGETS_VERSION, about->config, err) ||
        anc_h5_set_int(f, "/", "shard", about->shard, err) || write_about(f, about, err) ||
        write_columns(t, f, err)) {
        anc_h5_abandon(f);
        return err->code;
    }
    anc_status status = anc_h5_seal(f, err);
    if (!status && (status = file_size(f->part, n_bytes, err))) anc_h5_abandon(f);
    return status;
}

anc_status anc_targets_write(const anc_targets *t, const char *path, const anc_targets_about *about,
                             int64_t *n_bytes, anc_err *err)
{
    anc_h5_file f = { 0 };
    if (anc_targets_write_part(t, path, about, &f, n_bytes, err)) return err->code;
    return anc_h5_commit(&f, err);
}

void anc_targets_shard_name(char name[64], int64_t shard, int64_t n_shards)
{
    snprintf(name, 64, "shard-%05lld-of-%05lld.h5", (long long)shard, (long long)n_shards);
}

static bool is_shard(const char *name)
{
    int shard, of, end = 0;
    if (sscanf(name, "shard-%d-of-%d.h5%n", &shard, &of, &end) != 2 || !end) return false;
    size_t n = strlen(name + end);
    return !n || (n >= 5 && !strcmp(name + end + n - 5, ".part"));
}

anc_status anc_targets_remove(const char *dir, anc_err *err)
{
    DIR *d = opendir(dir);
    if (!d) return anc_fail(err, ANC_ESYSTEM, "%s: cannot be listed: %s", dir, strerror(errno));
    anc_status status = ANC_OK;
    if (unlinkat(dirfd(d), "targets.h5", 0) && errno != ENOENT)
        status = anc_fail(err, ANC_ESYSTEM, "%s/targets.h5: cannot be removed: %s", dir, strerror(errno));
    for (struct dirent *e; !status && (e = readdir(d));)
        if (is_shard(e->d_name) && unlinkat(dirfd(d), e->d_name, 0))
            status =
                anc_fail(err, ANC_ESYSTEM, "%s/%s: cannot be removed: %s", dir, e->d_name, strerror(errno));
    closedir(d);
    return status;
}

/* ---- the index ---- */

/* The shards' rows, by kind: first [kind][shard] is where a shard's begin, one beyond the last is their sum.
 */
typedef struct {
    int64_t n_shards;
    int64_t *first[ANC_ROWS_KINDS];
    int64_t *offset[ANC_ROWS_KINDS]; /* [views + 1] over the whole data set */
    int32_t *image;                  /* [views] which of the data set's images; NULL: nobody asks */
} extent;

static void extent_clear(extent *x)
{
    for (int k = 0; k < ANC_ROWS_KINDS; k++) {
        free(x->first[k]);
        free(x->offset[k]);
    }
    free(x->image);
}

/* Reads one kind of offsets of one shard and appends them, moved up, to the data set's. */
static anc_status append_offsets(const anc_h5_file *f, int k, bool first_of_shard, int64_t shard, extent *x,
                                 anc_err *err)
{
    char name[64];
    int64_t *offset, n, views = x->first[ANC_ROWS_VIEWS][shard];
    snprintf(name, sizeof name, "%s/offset", kinds[k].group);
    if (anc_h5_read(f, name, ANC_H5_I64, 1, (int64_t[]){ -1 }, (void **)&offset, &n, err)) return err->code;
    bool sound = n >= 1 && offset[0] == 0;
    for (int64_t i = 1; sound && i < n; i++) sound = offset[i] >= offset[i - 1];
    if (!sound) {
        free(offset);
        return anc_fail(err, ANC_EDATA, "%s does not ascend from 0; remove the shard and run again", name);
    }
    int64_t before = x->first[k][shard], *grown = realloc(x->offset[k], (size_t)(views + n) * sizeof *grown);
    if (!grown) {
        free(offset);
        return anc_fail(err, ANC_EMEMORY, "out of memory for the offsets of %lld views",
                        (long long)(views + n));
    }
    for (int64_t i = 0; i < n; i++) grown[views + i] = before + offset[i];
    x->offset[k] = grown;
    x->first[k][shard + 1] = before + offset[n - 1];
    if (!first_of_shard && x->first[ANC_ROWS_VIEWS][shard + 1] != views + n - 1) {
        free(offset);
        return anc_fail(
            err, ANC_EDATA,
            "%s has %lld views, another group's offset another number; remove the shard and run again", name,
            (long long)(n - 1));
    }
    x->first[ANC_ROWS_VIEWS][shard + 1] = views + n - 1;
    free(offset);
    return ANC_OK;
}

/* The images of a shard's views. */
static anc_status append_images(const anc_h5_file *f, const anc_dataset *images, int64_t shard, extent *x,
                                anc_err *err)
{
    int64_t views = x->first[ANC_ROWS_VIEWS][shard], n = x->first[ANC_ROWS_VIEWS][shard + 1] - views;
    void *id;
    if (anc_h5_read(f, columns[ANC_VIEWS_IMAGE_ID].name, ANC_H5_I64, 1, (int64_t[]){ n }, &id, &n, err))
        return err->code;
    int32_t *grown = realloc(x->image, (size_t)(views + n + 1) * sizeof *grown);
    if (grown) x->image = grown;
    anc_status status = grown ? anc_where_find(images, id, n, grown + views, err)
                              : anc_fail(err, ANC_EMEMORY, "out of memory for the images of %lld views",
                                         (long long)(views + n));
    free(id);
    return status;
}

static anc_status measure(const char *dir, const char *format, const bool *with, const anc_dataset *images,
                          extent *x, anc_err *err)
{
    for (int k = 0; k < ANC_ROWS_KINDS; k++) {
        x->first[k] = calloc((size_t)x->n_shards + 1, sizeof **x->first);
        x->offset[k] = calloc(1, sizeof **x->offset);
        if (!x->first[k] || !x->offset[k])
            return anc_fail(err, ANC_EMEMORY, "out of memory for %lld shards", (long long)x->n_shards);
    }
    for (int64_t s = 0; s < x->n_shards; s++) {
        char name[64], path[PATH_MAX];
        anc_h5_file f = { 0 };
        anc_targets_shard_name(name, s, x->n_shards);
        snprintf(path, sizeof path, "%s/%s", dir, name);
        if (anc_h5_open(path, format, ANC_TARGETS_VERSION, &f, err)) return anc_within(err, "%s", path);
        bool first = true;
        for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_KINDS && !err->code; k++) {
            if (!with[k]) continue;
            append_offsets(&f, k, first, s, x, err);
            first = false;
        }
        if (!err->code && images) append_images(&f, images, s, x, err);
        anc_h5_close(&f);
        if (err->code) return anc_within(err, "%s", path);
    }
    return ANC_OK;
}

/* Maps each shard's rows of a column to their place in the whole. */
static bool map_sources(hid_t dcpl, const anc_h5_spec *spec, const extent *x, anc_rows kind)
{
    hsize_t whole[3] = { 0 }, part[3] = { 0 }, start[3] = { 0 };
    for (int d = 0; d < spec->rank; d++) whole[d] = part[d] = (hsize_t)spec->dims[d];
    hid_t to = H5Screate_simple(spec->rank, whole, NULL);
    bool good = to >= 0;
    for (int64_t s = 0; s < x->n_shards && good; s++) {
        start[0] = (hsize_t)x->first[kind][s];
        part[0] = (hsize_t)(x->first[kind][s + 1] - x->first[kind][s]);
        if (!part[0]) continue;
        char name[64];
        anc_targets_shard_name(name, s, x->n_shards);
        hid_t from = H5Screate_simple(spec->rank, part, NULL);
        good = from >= 0 && H5Sselect_hyperslab(to, H5S_SELECT_SET, start, NULL, part, NULL) >= 0 &&
               H5Pset_virtual(dcpl, to, name, spec->name, from) >= 0;
        if (from >= 0) H5Sclose(from);
    }
    if (to >= 0) H5Sclose(to);
    return good;
}

static anc_status write_virtual(anc_h5_file *f, int c, int32_t n_levels, const extent *x, anc_err *err)
{
    anc_rows kind = anc_columns[c].rows;
    int64_t n = x->first[kind][x->n_shards];
    anc_h5_spec spec = anc_targets_spec(c, n, n_levels);
    if (!n) return anc_h5_write(f, &spec, NULL, err); /* nothing to map: an ordinary empty dataset */
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE), type = anc_h5_type_id(spec.type);
    float nan = __builtin_nanf("");
    const void *fill = spec.type == ANC_H5_F32 ? (const void *)&nan : &columns[c].missing;
    anc_h5_data d = { 0 };
    bool good = dcpl >= 0 && H5Pset_layout(dcpl, H5D_VIRTUAL) >= 0 &&
                H5Pset_fill_value(dcpl, type, fill) >= 0 && H5Pset_obj_track_times(dcpl, 0) >= 0 &&
                map_sources(dcpl, &spec, x, kind);
    anc_status status =
        good ? anc_h5_define(f, &spec, dcpl, &d, err)
             : anc_h5_fail(err, ANC_ESYSTEM, "%s: %s: HDF5 cannot map the shards", f->part, spec.name);
    anc_h5_data_close(&d);
    if (dcpl >= 0) H5Pclose(dcpl);
    H5Tclose(type);
    return status;
}

anc_status anc_targets_write_index(const char *dir, int64_t n_shards, const bool with[ANC_ROWS_KINDS],
                                   int32_t n_levels, const anc_targets_about *about, int64_t *n_bytes,
                                   anc_err *err)
{
    char path[PATH_MAX];
    anc_h5_file f = { 0 };
    extent x = { .n_shards = n_shards };
    snprintf(path, sizeof path, "%s/targets.h5", dir);
    err->code = ANC_OK;
    if (measure(dir, anc_targets_format(about->rules->stage), with, about->images, &x, err) ||
        anc_h5_create_part_as(path, about->tag, &f, err)) {
        extent_clear(&x);
        return err->code;
    }
    f.cost = about->cost;
    anc_status status =
        anc_h5_stamp(&f, anc_targets_format(about->rules->stage), ANC_TARGETS_VERSION, about->config, err);
    if (!status) status = anc_h5_set_int(&f, "/", "shards", n_shards, err);
    if (!status) status = write_about(&f, about, err);
    for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_KINDS && !status; k++)
        if (with[k]) status = write_offset(&f, k, x.offset[k], x.first[ANC_ROWS_VIEWS][n_shards], err);
    for (int c = 0; c < ANC_N_COLUMNS && !status; c++)
        if (anc_targets_has(with, n_levels, c)) status = write_virtual(&f, c, n_levels, &x, err);
    if (!status) status = anc_where_write_shards(&f, n_shards, x.first[ANC_ROWS_VIEWS], err);
    if (!status && about->images)
        status = anc_where_write_images(&f, about->images, x.image, x.first[ANC_ROWS_VIEWS][n_shards], err);
    extent_clear(&x);
    if (status) {
        anc_h5_abandon(&f);
        return err->code;
    }
    if (anc_h5_commit(&f, err)) return err->code;
    return file_size(path, n_bytes, err);
}
