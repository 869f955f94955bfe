/* io/store/targets_read.c: see targets_read.h */
#include "io/store/targets_read.h"
#include "io/hdf5/h5_guard.h"
#include "io/store/rois_check.h"
#include "io/store/targets_where.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const anc_targets_column *const columns = anc_targets_columns;
static const anc_targets_kind *const kinds = anc_targets_kinds;

/* One HDF5 file, shard or index, its datasets open. */
typedef struct {
    anc_h5_file file;
    anc_stage stage;
    bool index; /* its columns are maps of other files, not to be read */
    int32_t n_levels;
    bool with[ANC_ROWS_KINDS];
    int64_t n[ANC_ROWS_KINDS];
    anc_h5_data offset[ANC_ROWS_KINDS], column[ANC_N_COLUMNS];
    char *config;
} part;

struct anc_targets_file {
    anc_targets_info info;
    char *path, *dir;
    part whole;                     /* the file that was opened */
    part shard;                     /* of an index: the shard that was read last */
    int64_t shard_at;               /* which one, or -1 */
    int64_t *first[ANC_ROWS_KINDS]; /* of an index: [n_shards + 1] where each shard's rows begin */
    anc_where where;                /* of an index: what it says of its views itself */
    char **name;                    /* [where.n_images] of the images, read when first asked for */
};

/* ---- one file ---- */

static void part_close(part *p)
{
    for (int c = 0; c < ANC_N_COLUMNS; c++) anc_h5_data_close(&p->column[c]);
    for (int k = 0; k < ANC_ROWS_KINDS; k++) anc_h5_data_close(&p->offset[k]);
    anc_h5_close(&p->file);
    free(p->config);
    *p = (part){ 0 };
}

/* A block of offsets: entries [first, first + n). */
static anc_status read_offsets(const part *p, int k, int64_t first, int64_t n, int64_t *out, anc_err *err)
{
    return anc_h5_data_read(&p->offset[k], first, n, out, err);
}

enum { OFFSETS_AT_ONCE = 8192 };

static anc_status check_offsets(const part *p, int k, anc_err *err)
{
    int64_t block[OFFSETS_AT_ONCE], last = 0, n = p->offset[k].dims[0];
    for (int64_t first = 0; first < n; first += OFFSETS_AT_ONCE) {
        int64_t some = n - first < OFFSETS_AT_ONCE ? n - first : OFFSETS_AT_ONCE;
        if (read_offsets(p, k, first, some, block, err)) return err->code;
        for (int64_t i = 0; i < some; i++) {
            if (block[i] < last || (!first && !i && block[i]))
                return anc_fail(err, ANC_EDATA, "%s/offset does not ascend from 0: entry %lld is %lld",
                                kinds[k].group, (long long)(first + i), (long long)block[i]);
            last = block[i];
        }
    }
    if (last != p->n[k])
        return anc_fail(err, ANC_EDATA, "%s/offset ends at %lld, but there are %lld rows", kinds[k].group,
                        (long long)last, (long long)p->n[k]);
    return ANC_OK;
}

static anc_status open_kind(part *p, int k, anc_err *err)
{
    bool always[ANC_ROWS_ALL], ever[ANC_ROWS_ALL];
    anc_targets_kept(p->stage, (anc_kept){ 0 }, always);
    anc_targets_kept(p->stage, (anc_kept){ true, true, true, false }, ever);
    p->with[k] = always[k] || (ever[k] && anc_h5_exists(&p->file, kinds[k].group));
    p->n[k] = -1;
    for (int c = 0; c < ANC_N_COLUMNS && p->with[k]; c++) {
        if ((int)anc_columns[c].rows != k || !anc_targets_has(p->with, p->n_levels, c)) continue;
        anc_h5_spec spec = anc_targets_spec(c, p->n[k], p->n_levels);
        if ((p->index ? anc_h5_data_open_map : anc_h5_data_open)(&p->file, spec.name, spec.type, spec.rank,
                                                                 spec.dims, &p->column[c], err))
            return err->code;
        p->n[k] = p->column[c].dims[0];
    }
    if (!p->with[k]) p->n[k] = 0;
    if (!p->with[k] || k == ANC_ROWS_VIEWS) return ANC_OK;
    char name[64];
    snprintf(name, sizeof name, "%s/offset", kinds[k].group);
    if (anc_h5_data_open(&p->file, name, ANC_H5_I64, 1, (int64_t[]){ p->n[ANC_ROWS_VIEWS] + 1 },
                         &p->offset[k], err))
        return err->code;
    return check_offsets(p, k, err);
}

static anc_status open_inner(part *p, const char *path, anc_err *err)
{
    char *format = NULL;
    if (anc_h5_open(path, NULL, ANC_TARGETS_VERSION, &p->file, err) ||
        anc_h5_get_string(&p->file, "/", "format", &format, err))
        return err->code;
    p->stage = !strcmp(format, ANC_ROI_TARGETS_FORMAT) ? ANC_STAGE_ROI : ANC_STAGE_RPN;
    bool ours = !strcmp(format, anc_targets_format(p->stage));
    if (!ours) anc_fail(err, ANC_EDATA, "holds '%.100s', not '%s'", format, anc_targets_format(p->stage));
    free(format);
    if (!ours || anc_h5_get_string(&p->file, "/", "config", &p->config, err)) return err->code;
    p->index = anc_h5_has_attribute(&p->file, "/", "shards");
    for (char name[32]; p->stage == ANC_STAGE_RPN && p->n_levels < ANC_MAX_LEVELS; p->n_levels++) {
        snprintf(name, sizeof name, "/anchors/level%d", p->n_levels);
        if (!anc_h5_exists(&p->file, name)) break;
    }
    if (!p->n_levels && p->stage == ANC_STAGE_RPN)
        return anc_fail(err, ANC_EDATA, "/anchors/level0 is missing");
    for (int k = 0; k < ANC_ROWS_KINDS; k++)
        if (open_kind(p, k, err)) return err->code;
    return ANC_OK;
}

static anc_status part_open(part *p, const char *path, anc_err *err)
{
    *p = (part){ 0 };
    if (!open_inner(p, path, err)) return ANC_OK;
    part_close(p);
    return anc_within(err, "%s", path);
}

/* ---- the shards of an index ---- */

#define AGAIN "run the same label command again"

/* Opens a shard and holds it against what the index says of it. */
static anc_status open_shard(anc_targets_file *f, int64_t s, anc_err *err)
{
    char name[64], path[PATH_MAX];
    struct stat there;
    if (f->shard_at == s) return ANC_OK;
    part_close(&f->shard);
    f->shard_at = -1;
    anc_targets_shard_name(name, s, f->info.n_shards);
    if (snprintf(path, sizeof path, "%s%s", f->dir, name) >= (int)sizeof path)
        return anc_fail(err, ANC_EARGUMENT, "%s: the name is too long", f->dir);
    if (stat(path, &there) && errno == ENOENT)
        return anc_fail(err, ANC_EDATA, "%s: the shard is missing; put it beside its index, or " AGAIN, path);
    if (part_open(&f->shard, path, err)) return err->code;
    const part *p = &f->shard;
    int64_t number = s; /* a shard of a version that did not write it */
    if (anc_h5_has_attribute(&p->file, "/", "shard") && anc_h5_get_int(&p->file, "/", "shard", &number, err))
        return anc_within(err, "%s", path);
    if (number != s)
        return anc_fail(err, ANC_EDATA, "%s: is shard %lld under another's name; " AGAIN, path,
                        (long long)number);
    if (p->index) return anc_fail(err, ANC_EDATA, "%s: is an index, not a shard; " AGAIN, path);
    if (strcmp(p->config, f->info.config) || p->stage != f->info.stage || p->n_levels != f->info.n_levels)
        return anc_fail(err, ANC_EDATA, "%s: is of another run than %s; " AGAIN, path, f->path);
    for (int k = 0; k < ANC_ROWS_KINDS; k++) {
        int64_t wanted = f->first[k][s + 1] - f->first[k][s];
        if (p->with[k] != f->info.with[k] || p->n[k] != wanted)
            return anc_fail(err, ANC_EDATA, "%s: has %lld rows in %s, where %s expects %lld; " AGAIN, path,
                            (long long)p->n[k], kinds[k].group, f->path, (long long)wanted);
    }
    f->shard_at = s;
    return ANC_OK;
}

static anc_status compare_offsets(anc_targets_file *f, int64_t s, int k, anc_err *err)
{
    int64_t here[OFFSETS_AT_ONCE], there[OFFSETS_AT_ONCE], views = f->first[ANC_ROWS_VIEWS][s];
    int64_t n = f->first[ANC_ROWS_VIEWS][s + 1] - views + 1;
    for (int64_t first = 0; first < n; first += OFFSETS_AT_ONCE) {
        int64_t some = n - first < OFFSETS_AT_ONCE ? n - first : OFFSETS_AT_ONCE;
        if (read_offsets(&f->whole, k, views + first, some, here, err)) return anc_within(err, "%s", f->path);
        if (read_offsets(&f->shard, k, first, some, there, err))
            return anc_within(err, "%s", f->shard.file.path);
        for (int64_t i = 0; i < some; i++)
            if (here[i] != f->first[k][s] + there[i])
                return anc_fail(err, ANC_EDATA,
                                "%s: %s/offset differs from that of %s at the shard's view %lld; " AGAIN,
                                f->shard.file.path, kinds[k].group, f->path, (long long)(first + i));
    }
    return ANC_OK;
}

static anc_status compare_images(const anc_targets_file *f, int64_t s, anc_err *err)
{
    int64_t id[OFFSETS_AT_ONCE], views = f->first[ANC_ROWS_VIEWS][s];
    int64_t n = f->where.images ? f->first[ANC_ROWS_VIEWS][s + 1] - views : 0;
    for (int64_t first = 0; first < n; first += OFFSETS_AT_ONCE) {
        int64_t some = n - first < OFFSETS_AT_ONCE ? n - first : OFFSETS_AT_ONCE;
        if (anc_h5_data_read(&f->shard.column[ANC_VIEWS_IMAGE_ID], first, some, id, err))
            return anc_within(err, "%s", f->shard.file.path);
        if (anc_where_check(&f->where, views + first, id, some, err)) return anc_within(err, "%s", f->path);
    }
    return ANC_OK;
}

/* Whether mapping i of a virtual dataset takes rows [first, first + n) of d from the whole of `dataset` in
 * `file`. */
static bool maps(hid_t dcpl, int64_t i, const char *file, const char *dataset, const anc_h5_data *d,
                 int64_t first, int64_t n)
{
    char name[128];
    hsize_t low[ANC_H5_MAX_RANK], high[ANC_H5_MAX_RANK];
    if (H5Pget_virtual_filename(dcpl, (size_t)i, name, sizeof name) < 0 || strcmp(name, file)) return false;
    if (H5Pget_virtual_dsetname(dcpl, (size_t)i, name, sizeof name) < 0 || strcmp(name, dataset))
        return false;
    hid_t to = H5Pget_virtual_vspace(dcpl, (size_t)i);
    int64_t points = n;
    for (int k = 1; k < d->rank; k++) points *= d->dims[k];
    bool good = to >= 0 && H5Sget_simple_extent_ndims(to) == d->rank &&
                H5Sget_select_bounds(to, low, high) >= 0 && (int64_t)low[0] == first &&
                (int64_t)high[0] == first + n - 1 && H5Sget_select_npoints(to) == points;
    if (to >= 0) H5Sclose(to);
    return good;
}

static anc_status check_map(const anc_targets_file *f, int c, anc_err *err)
{
    const anc_h5_data *d = &f->whole.column[c];
    anc_rows kind = anc_columns[c].rows;
    if (!d->dims[0]) return ANC_OK;
    hid_t dcpl = H5Dget_create_plist(d->id);
    size_t n = 0, used = 0;
    bool good = dcpl >= 0 && H5Pget_layout(dcpl) == H5D_VIRTUAL && H5Pget_virtual_count(dcpl, &n) >= 0;
    for (int64_t s = 0; good && s < f->info.n_shards; s++) {
        char name[64];
        int64_t first = f->first[kind][s], rows = f->first[kind][s + 1] - first;
        if (!rows) continue;
        anc_targets_shard_name(name, s, f->info.n_shards);
        good = used < n && maps(dcpl, (int64_t)used, name, columns[c].name, d, first, rows);
        used++;
    }
    if (dcpl >= 0) H5Pclose(dcpl);
    if (good && used == n) return ANC_OK;
    return anc_fail(err, ANC_EDATA, "%s: %s is not a map of the %lld shards in their order; " AGAIN, f->path,
                    columns[c].name, (long long)f->info.n_shards);
}

/* Where each shard's views begin, from the map of the image ids; then where its rows of the other kinds do.
 */
static anc_status measure(anc_targets_file *f, anc_err *err)
{
    int64_t n = f->info.n_shards;
    hid_t dcpl = H5Dget_create_plist(f->whole.column[ANC_VIEWS_IMAGE_ID].id);
    size_t mapped = 0;
    bool good = dcpl >= 0 && (!n || (H5Pget_layout(dcpl) == H5D_VIRTUAL &&
                                     H5Pget_virtual_count(dcpl, &mapped) >= 0 && (int64_t)mapped == n));
    for (int k = 0; good && k < ANC_ROWS_KINDS; k++) /* for shards that are mapped, not for what is claimed */
        if (!(f->first[k] = calloc((size_t)n + 1, sizeof **f->first))) {
            H5Pclose(dcpl);
            return anc_fail(err, ANC_EMEMORY, "%s: out of memory for %lld shards", f->path, (long long)n);
        }
    for (int64_t s = 0; good && s < n; s++) {
        hsize_t low[H5S_MAX_RANK], high[H5S_MAX_RANK];
        hid_t to = H5Pget_virtual_vspace(dcpl, (size_t)s);
        good = to >= 0 && H5Sget_select_bounds(to, low, high) >= 0 &&
               (int64_t)low[0] == f->first[ANC_ROWS_VIEWS][s] &&
               (int64_t)high[0] < f->whole.n[ANC_ROWS_VIEWS];
        if (good) f->first[ANC_ROWS_VIEWS][s + 1] = (int64_t)high[0] + 1;
        if (to >= 0) H5Sclose(to);
    }
    if (dcpl >= 0) H5Pclose(dcpl);
    if (!good || f->first[ANC_ROWS_VIEWS][n] != f->whole.n[ANC_ROWS_VIEWS])
        return anc_fail(err, ANC_EDATA,
                        "%s: /views/image_id is not a map of the %lld shards in their order; " AGAIN, f->path,
                        (long long)n);
    for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_KINDS; k++)
        for (int64_t s = 0; f->whole.with[k] && s <= n; s++)
            if (read_offsets(&f->whole, k, f->first[ANC_ROWS_VIEWS][s], 1, &f->first[k][s], err))
                return anc_within(err, "%s", f->path);
    return ANC_OK;
}

static void add_size(anc_targets_file *f, const char *path)
{
    struct stat info;
    if (!stat(path, &info)) f->info.n_bytes += info.st_size;
}

static anc_status check_index(anc_targets_file *f, anc_err *err)
{
    enum { MOST_SHARDS = 100000000 };
    if (anc_h5_get_int(&f->whole.file, "/", "shards", &f->info.n_shards, err))
        return anc_within(err, "%s", f->path);
    if (f->info.n_shards < 0 || f->info.n_shards > MOST_SHARDS ||
        f->info.n_shards > f->whole.n[ANC_ROWS_VIEWS])
        return anc_fail(err, ANC_EDATA, "%s: %lld shards for %lld views cannot be", f->path,
                        (long long)f->info.n_shards, (long long)f->whole.n[ANC_ROWS_VIEWS]);
    anc_h5_guard_enter(f->whole.file.guard);
    anc_status status = measure(f, err);
    for (int c = 0; c < ANC_N_COLUMNS && !status; c++) {
        anc_h5_guard_reading(f->whole.file.guard, 0); /* many shards take their time */
        if (anc_targets_has(f->whole.with, f->whole.n_levels, c)) status = check_map(f, c, err);
    }
    anc_h5_guard_leave(f->whole.file.guard);
    if (status) return status;
    if (anc_where_open(&f->whole.file, f->info.n_shards, f->first[ANC_ROWS_VIEWS], &f->where, err))
        return anc_within(err, "%s", f->path);
    f->info.placed = f->where.shards;
    f->info.n_images = f->where.images ? f->where.n_images : -1;
    for (int64_t s = 0; s < f->info.n_shards; s++) {
        if (open_shard(f, s, err)) return err->code;
        add_size(f, f->shard.file.path);
        for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_KINDS; k++)
            if (f->whole.with[k] && compare_offsets(f, s, k, err)) return err->code;
        if (compare_images(f, s, err)) return err->code;
    }
    anc_where_forget(&f->where);
    return ANC_OK;
}

/* ---- opening ---- */

static anc_status read_levels(anc_targets_file *f, anc_err *err)
{
    const anc_h5_file *file = &f->whole.file;
    for (int l = 0; l < f->whole.n_levels; l++) {
        char group[32], name[48];
        int64_t stride, from_grid, n;
        void *base;
        anc_targets_level *v = &f->info.level[l];
        snprintf(group, sizeof group, "/anchors/level%d", l);
        snprintf(name, sizeof name, "%s/base", group);
        if (anc_h5_get_int(file, group, "stride", &stride, err) ||
            anc_h5_get_real(file, group, "offset", &v->offset, err) ||
            anc_h5_get_int(file, group, "stride_from_grid", &from_grid, err) ||
            anc_h5_read(file, name, ANC_H5_F32, 2, (int64_t[]){ -1, 4 }, &base, &n, err))
            return anc_within(err, "%s", f->path);
        v->base = base;
        v->n_shapes = (int32_t)(n > ANC_MAX_PER_POSITION ? 0 : n);
        v->stride = (int32_t)stride;
        v->stride_from_grid = from_grid != 0;
        if (v->n_shapes < 1 || stride < 1 || stride > INT32_MAX)
            return anc_fail(err, ANC_EDATA,
                            "%s: %s has a stride of %lld and %lld base anchors, which cannot be", f->path,
                            group, (long long)stride, (long long)n);
    }
    return ANC_OK;
}

static anc_status read_classes(anc_targets_file *f, anc_err *err)
{
    const anc_h5_file *file = &f->whole.file;
    anc_targets_classes *c = &f->info.classes;
    int64_t n = 0, background = 0;
    if (anc_h5_read(file, "/classes/category", ANC_H5_I32, 1, (int64_t[]){ -1 }, (void **)&c->category, &n,
                    err) ||
        anc_h5_read(file, "/classes/label", ANC_H5_I32, 1, (int64_t[]){ n }, (void **)&c->label, &n, err) ||
        anc_h5_get_int(file, "/classes", "background", &background, err))
        return anc_within(err, "%s", f->path);
    c->n = (int32_t)n;
    c->background = (int32_t)background;
    bool good = n < INT32_MAX && background >= 0 && background <= INT32_MAX;
    for (int64_t i = 0; good && i < n; i++)
        good = c->label[i] != c->background &&
               (!i || (c->label[i] > c->label[i - 1] && c->category[i] > c->category[i - 1]));
    return good ? ANC_OK
                : anc_fail(err, ANC_EDATA, "%s: /classes do not ascend, or one is the background", f->path);
}

static anc_status open_whole(anc_targets_file *f, const char *path, anc_err *err)
{
    struct stat info;
    bool folder = !stat(path, &info) && S_ISDIR(info.st_mode);
    size_t n = strlen(path);
    if (asprintf(&f->path, folder ? n && path[n - 1] == '/' ? "%stargets.h5" : "%s/targets.h5" : "%s", path) <
        0) {
        f->path = NULL;
        return anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    }
    if (folder && access(f->path, F_OK))
        return anc_fail(err, ANC_EDATA,
                        "%s: the folder holds no targets.h5 (is `anchorage label` done with it?)", path);
    const char *slash = strrchr(f->path, '/');
    f->dir = strndup(f->path, slash ? (size_t)(slash + 1 - f->path)
                                    : 0); /* with its slash, empty for the current one */
    if (!f->dir) return anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    if (part_open(&f->whole, f->path, err)) return err->code;
    f->info.path = f->path;
    f->info.stage = f->whole.stage;
    f->info.n_levels = f->whole.n_levels;
    f->info.config = f->whole.config;
    memcpy(f->info.with, f->whole.with, sizeof f->info.with);
    memcpy(f->info.n, f->whole.n, sizeof f->info.n);
    f->info.n_shards = 1;
    f->info.n_images = -1;
    f->info.index = f->whole.index;
    add_size(f, f->path);
    if (anc_h5_get_string(&f->whole.file, "/", "anchorage_version", &f->info.version, err))
        return anc_within(err, "%s", f->path);
    if (f->info.stage == ANC_STAGE_ROI ? read_classes(f, err) : read_levels(f, err)) return err->code;
    f->info.shard = -1;
    if (!f->info.index && anc_h5_has_attribute(&f->whole.file, "/", "shard") &&
        anc_h5_get_int(&f->whole.file, "/", "shard", &f->info.shard, err))
        return anc_within(err, "%s", f->path);
    return f->info.index ? check_index(f, err) : ANC_OK;
}

anc_status anc_targets_open(const char *path, anc_targets_file **out, anc_err *err)
{
    anc_targets_file *f = calloc(1, sizeof *f);
    if (!f) return anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    f->shard_at = -1;
    if (open_whole(f, path, err)) {
        anc_targets_close(f);
        return err->code;
    }
    *out = f;
    return ANC_OK;
}

void anc_targets_close(anc_targets_file *f)
{
    if (!f) return;
    for (int64_t i = 0; f->name && i < f->where.n_images; i++) free(f->name[i]);
    free(f->name);
    anc_where_close(&f->where);
    part_close(&f->shard);
    part_close(&f->whole);
    for (int k = 0; k < ANC_ROWS_KINDS; k++) free(f->first[k]);
    for (int l = 0; l < ANC_MAX_LEVELS; l++) free(f->info.level[l].base);
    free(f->info.classes.category);
    free(f->info.classes.label);
    free(f->info.version);
    free(f->path);
    free(f->dir);
    free(f);
}

const anc_targets_info *anc_targets_about_file(const anc_targets_file *f) { return &f->info; }

anc_status anc_targets_names(anc_targets_file *f, const char *const **name, anc_err *err)
{
    int64_t n;
    *name = NULL;
    if (!f->where.images) return ANC_OK;
    if (!f->name &&
        anc_h5_read_strings(&f->whole.file, "/images/file_name", f->where.n_images, &f->name, &n, err))
        return anc_within(err, "%s", f->path);
    *name = (const char *const *)f->name;
    return ANC_OK;
}

anc_status anc_targets_image(const anc_targets_file *f, int64_t view, int32_t *image, anc_err *err)
{
    *image = -1;
    if (!f->where.images) return ANC_OK;
    if (anc_h5_data_read(&f->where.image, view, 1, image, err)) return anc_within(err, "%s", f->path);
    return ANC_OK; /* one of the images: the index was checked when it was opened */
}

/* ---- rows ---- */

static anc_status fit(anc_targets *t, int kind, int64_t n, anc_err *err)
{
    if (t->with[kind] && n <= t->capacity[kind]) return ANC_OK;
    t->with[kind] = true;
    t->capacity[kind] = 0;
    for (int c = 0; c < ANC_N_COLUMNS; c++) {
        if ((int)anc_columns[c].rows != kind || !anc_targets_has(t->with, t->n_levels, c)) continue;
        free(t->column[c]);
        t->column[c] = malloc((size_t)(n + 1) * anc_targets_row_bytes(c, t->n_levels));
        if (!t->column[c])
            return anc_fail(err, ANC_EMEMORY, "out of memory for %lld rows of %s", (long long)n,
                            columns[c].name);
    }
    for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_KINDS && kind == ANC_ROWS_VIEWS; k++) {
        free(t->offset[k]);
        t->offset[k] = calloc((size_t)n + 1, sizeof *t->offset[k]);
        if (!t->offset[k])
            return anc_fail(err, ANC_EMEMORY, "out of memory for the offsets of %lld views", (long long)n);
    }
    t->capacity[kind] = n;
    return ANC_OK;
}

/* Views [from, to) lie in one file, p, whose rows of kind k are base[k] onwards of the whole. */
static anc_status read_part(const part *p, const int64_t *base, int64_t first, int64_t from, int64_t to,
                            anc_targets *t, anc_err *err)
{
    for (int c = 0; c < ANC_N_COLUMNS; c++) {
        int k = anc_columns[c].rows;
        if (!anc_targets_has(p->with, p->n_levels, c)) continue;
        const int64_t *offset = t->offset[k];
        int64_t a = k ? offset[from - first] : from, b = k ? offset[to - first] : to,
                into = a - (k ? offset[0] : first);
        char *at = (char *)t->column[c] + (size_t)into * anc_targets_row_bytes(c, t->n_levels);
        if (anc_h5_data_read(&p->column[c], a - base[k], b - a, at, err))
            return anc_within(err, "%s", p->file.path);
    }
    return ANC_OK;
}

static anc_status read_rows(anc_targets_file *f, int64_t first, int64_t n, anc_targets *t, anc_err *err)
{
    static const int64_t from_start[ANC_ROWS_KINDS];
    if (!f->info.index) return read_part(&f->whole, from_start, first, first, first + n, t, err);
    const int64_t *view = f->first[ANC_ROWS_VIEWS];
    int64_t low = 0, high = f->info.n_shards;
    while (high - low > 1) { /* the shard of the first view */
        int64_t mid = low + (high - low) / 2;
        if (view[mid] <= first)
            low = mid;
        else
            high = mid;
    }
    for (int64_t s = low; s < f->info.n_shards && view[s] < first + n; s++) {
        int64_t base[ANC_ROWS_KINDS], from = view[s] > first ? view[s] : first;
        int64_t to = view[s + 1] < first + n ? view[s + 1] : first + n;
        for (int k = 0; k < ANC_ROWS_KINDS; k++) base[k] = f->first[k][s];
        if (open_shard(f, s, err) || read_part(&f->shard, base, first, from, to, t, err)) return err->code;
    }
    return ANC_OK;
}

/* ---- checks of rows ---- */

static int64_t anchors_of(const anc_targets_info *info, const int32_t *grid)
{
    int64_t n = 0;
    for (int l = 0; l < info->n_levels; l++) {
        int64_t h = grid[2 * l], w = grid[2 * l + 1];
        if (h < 1 || w < 1 || h * w > INT32_MAX / info->level[l].n_shapes) return -1;
        n += h * w * info->level[l].n_shapes;
    }
    return n > INT32_MAX ? -1 : n;
}

static const char *fault_of_view(const anc_targets *t, int64_t v)
{
    const int32_t *size = (int32_t *)t->column[ANC_VIEWS_SIZE] + 2 * v;
    const int32_t *padded = (int32_t *)t->column[ANC_VIEWS_PADDED_SIZE] + 2 * v;
    const float *scale = (float *)t->column[ANC_VIEWS_SCALE] + 2 * v;
    if (((int32_t *)t->column[ANC_VIEWS_EPOCH])[v] < 0) return "/views/epoch is negative";
    if (((uint8_t *)t->column[ANC_VIEWS_FLIP])[v] > 1) return "/views/flip is neither 0 nor 1";
    if (size[0] < 1 || size[1] < 1) return "/views/size is not positive";
    if (padded[0] < size[0] || padded[1] < size[1]) return "/views/padded_size is less than /views/size";
    if (!(scale[0] > 0 && scale[1] > 0 && isfinite(scale[0]) && isfinite(scale[1])))
        return "/views/scale is not positive";
    return NULL;
}

static const char *fault_of_anchors(const anc_targets *t, int64_t v, int64_t n_anchors)
{
    const int32_t *count = (int32_t *)t->column[ANC_VIEWS_COUNT] + 3 * v;
    if (n_anchors < 0) return "/views/grid has no positions, or too many";
    if (count[0] < 0 || count[1] < 0 || count[2] < 0 || (int64_t)count[0] + count[1] + count[2] != n_anchors)
        return "/views/count does not add up to the anchors of the grids";
    return NULL;
}

static const char *fault_of_minibatch(const anc_targets *t, int64_t v, int64_t n_anchors)
{
    const int32_t *count = (int32_t *)t->column[ANC_VIEWS_COUNT] + 3 * v;
    const int64_t *row = t->offset[ANC_ROWS_MINIBATCH] + v, *positive = t->offset[ANC_ROWS_POSITIVES] + v;
    const int32_t *anchor = t->column[ANC_MINIBATCH_ANCHOR];
    const int8_t *label = t->column[ANC_MINIBATCH_LABEL];
    int64_t n_positive = positive[1] - positive[0], n_negative = row[1] - row[0] - n_positive;
    if (n_positive > count[0] || n_negative < 0 || n_negative > count[1])
        return "the minibatch has more positives or negatives than the view";
    for (int64_t i = row[0]; i < row[1]; i++) {
        if (anchor[i] < 0 || anchor[i] >= n_anchors) return "/minibatch/anchor is not an anchor of the view";
        if (label[i] != (i - row[0] < n_positive))
            return "/minibatch/label is not 1 for as many as /positives has, then 0";
        if (i > row[0] && label[i] == label[i - 1] && anchor[i] <= anchor[i - 1])
            return "/minibatch/anchor does not ascend";
    }
    return anc_positives_fault(t, v);
}

static const char *fault_of_options(const anc_targets *t, int64_t v, int64_t n_anchors)
{
    const int32_t *count = (int32_t *)t->column[ANC_VIEWS_COUNT] + 3 * v;
    const int64_t *boxes = t->offset[ANC_ROWS_GT] + v, *row = t->offset[ANC_ROWS_ASSIGNMENT] + v;
    const int32_t *anchor = t->column[ANC_ASSIGNMENT_ANCHOR], *gt = t->column[ANC_ASSIGNMENT_GT];
    if (t->with[ANC_ROWS_ASSIGNMENT]) {
        int64_t positives = 0;
        for (int64_t i = row[0]; i < row[1]; i++) {
            if (anchor[i] < 0 || anchor[i] >= n_anchors || (i > row[0] && anchor[i] <= anchor[i - 1]))
                return "/assignment/anchor does not ascend within the view's anchors";
            if (gt[i] < -1 || (t->with[ANC_ROWS_GT] && gt[i] >= boxes[1] - boxes[0]))
                return "/assignment/gt is no box of the image";
            positives += gt[i] >= 0;
        }
        if (positives != count[0] || row[1] - row[0] - positives != count[2])
            return "/assignment has other numbers of positives and ignored than /views/count";
    }
    row = t->offset[ANC_ROWS_LABELS] + v;
    if (t->with[ANC_ROWS_LABELS]) {
        const int8_t *label = t->column[ANC_LABELS_LABEL];
        int64_t found[3] = { 0 };
        if (row[1] - row[0] != n_anchors) return "/labels has not one row for each anchor";
        for (int64_t i = row[0]; i < row[1]; i++) {
            if (label[i] < -1 || label[i] > 1) return "/labels/label is none of -1, 0, 1";
            found[label[i] + 1]++;
        }
        if (found[2] != count[0] || found[1] != count[1])
            return "/labels/label has other numbers than /views/count";
    }
    return NULL;
}

static const char *fault_of_gt(const anc_targets *t, int64_t v)
{
    const int64_t *boxes = t->offset[ANC_ROWS_GT] + v;
    for (int64_t i = boxes[0]; t->with[ANC_ROWS_GT] && i < boxes[1]; i++) {
        const float *b = (float *)t->column[ANC_GT_XYXY] + 4 * i;
        if (!isfinite(b[0]) || !isfinite(b[1]) || !isfinite(b[2]) || !isfinite(b[3]))
            return "/gt/xyxy is not a number";
        if (((uint8_t *)t->column[ANC_GT_USED])[i] > 1 || ((uint8_t *)t->column[ANC_GT_CROWD])[i] > 1)
            return "/gt/used or /gt/crowd is neither 0 nor 1";
    }
    return NULL;
}

static const char *fault_of_rpn(const anc_targets_file *f, const anc_targets *t, int64_t v)
{
    int64_t n_anchors = anchors_of(&f->info, (int32_t *)t->column[ANC_VIEWS_GRID] + 2 * t->n_levels * v);
    const char *fault = fault_of_anchors(t, v, n_anchors);
    if (!fault) fault = fault_of_minibatch(t, v, n_anchors);
    return fault ? fault : fault_of_options(t, v, n_anchors);
}

static anc_status check_rows(const anc_targets_file *f, int64_t first, int64_t n, const anc_targets *t,
                             anc_err *err)
{
    for (int64_t v = 0; v < n; v++) {
        const char *fault = fault_of_view(t, v);
        if (!fault)
            fault = f->info.stage == ANC_STAGE_ROI ? anc_rois_fault(&f->info.classes, t, v)
                                                   : fault_of_rpn(f, t, v);
        if (!fault) fault = fault_of_gt(t, v);
        if (fault)
            return anc_fail(err, ANC_EDATA, "%s: view %lld (image %lld): %s", f->path, (long long)(first + v),
                            (long long)((int64_t *)t->column[ANC_VIEWS_IMAGE_ID])[v], fault);
    }
    return ANC_OK;
}

anc_status anc_targets_read(anc_targets_file *f, int64_t first, int64_t n, anc_targets *t, anc_err *err)
{
    if (t->n_levels != f->info.n_levels) { /* the second stage has none */
        anc_targets_clear(t);
        t->n_levels = f->info.n_levels;
    }
    memset(t->n, 0, sizeof t->n);
    for (int k = 0; k < ANC_ROWS_KINDS; k++) t->with[k] = t->with[k] && f->info.with[k];
    if (fit(t, ANC_ROWS_VIEWS, n, err)) return err->code;
    for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_KINDS; k++) {
        int64_t *offset = t->offset[k];
        if (!f->info.with[k]) {
            memset(offset, 0, (size_t)(n + 1) * sizeof *offset);
            continue;
        }
        if (read_offsets(&f->whole, k, first, n + 1, offset, err)) return anc_within(err, "%s", f->path);
        if (fit(t, k, offset[n] - offset[0], err)) return err->code;
    }
    if (read_rows(f, first, n, t, err)) return err->code;
    for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_KINDS; k++) {
        int64_t start = t->offset[k][0];
        for (int64_t v = 0; v <= n; v++) t->offset[k][v] -= start;
        t->n[k] = t->offset[k][n];
    }
    t->n[ANC_ROWS_VIEWS] = n;
    return check_rows(f, first, n, t, err);
}

/* ---- the checksum ---- */

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static uint64_t mix_elements(uint64_t h, anc_h5_type type, const void *data, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t word;
        switch (type) {
        case ANC_H5_I8: word = (uint64_t)((const int8_t *)data)[i]; break;
        case ANC_H5_U8: word = ((const uint8_t *)data)[i]; break;
        case ANC_H5_I32: word = (uint64_t)((const int32_t *)data)[i]; break;
        case ANC_H5_I64: word = (uint64_t)((const int64_t *)data)[i]; break;
        default: word = ((const uint32_t *)data)[i]; break; /* float32: its bits */
        }
        h = mix(h, word);
    }
    return h;
}

void anc_targets_sum_add(anc_targets_sum *s, const anc_targets *t)
{
    int64_t n = t->n[ANC_ROWS_VIEWS];
    for (int c = 0; c < ANC_N_COLUMNS; c++) {
        int k = anc_columns[c].rows;
        if (!anc_targets_has(t->with, t->n_levels, c)) continue;
        int64_t per_row =
            (int64_t)(anc_targets_row_bytes(c, t->n_levels) / anc_h5_type_bytes(columns[c].type));
        s->column[c] = mix_elements(s->column[c], columns[c].type, t->column[c], t->n[k] * per_row);
    }
    for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_KINDS; k++) /* the first entry of all, 0, changes nothing */
        for (int64_t v = 1; v <= n; v++)
            s->offset[k] = mix(s->offset[k], (uint64_t)(s->n[k] + t->offset[k][v]));
    for (int k = 0; k < ANC_ROWS_KINDS; k++) s->n[k] += t->n[k];
}

uint64_t anc_targets_sum_end(const anc_targets_sum *s, const anc_targets_info *info)
{
    uint64_t h = 0;
    for (int k = 0; k < ANC_ROWS_KINDS; k++) {
        if (!info->with[k]) continue;
        h = mix(h, (uint64_t)s->n[k]);
        if (k) h = mix(h, s->offset[k]);
        for (int c = 0; c < ANC_N_COLUMNS; c++)
            if ((int)anc_columns[c].rows == k && anc_targets_has(info->with, info->n_levels, c))
                h = mix(h, s->column[c]);
    }
    for (int l = 0; l < info->n_levels; l++) {
        const anc_targets_level *v = &info->level[l];
        uint64_t offset;
        memcpy(&offset, &v->offset, sizeof offset);
        h = mix(mix(mix(h, (uint64_t)v->stride), offset), v->stride_from_grid);
        h = mix_elements(mix(h, (uint64_t)v->n_shapes), ANC_H5_F32, v->base, 4 * (int64_t)v->n_shapes);
    }
    if (info->stage == ANC_STAGE_RPN) return h;
    h = mix(mix(h, (uint64_t)info->classes.background), (uint64_t)info->classes.n);
    h = mix_elements(h, ANC_H5_I32, info->classes.category, info->classes.n);
    return mix_elements(h, ANC_H5_I32, info->classes.label, info->classes.n);
}
