/* io/store/targets_read.c: see targets_read.h */
#include "io/store/targets_read.h"
#include "io/hdf5/h5_guard.h"
#include "io/store/targets_check.h"
#include "io/store/targets_h5.h"
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

struct anc_targets_file {
    anc_targets_info info;
    char *path, *dir;
    anc_targets_h5 whole;           /* the file that was opened */
    anc_targets_h5 shard;           /* of an index: the shard that was read last */
    int64_t shard_at;               /* which one, or -1 */
    int64_t *first[ANC_ROWS_KINDS]; /* of an index: [n_shards + 1] where each shard's rows begin */
    anc_where where;                /* of an index: what it says of its views itself */
    char **name;                    /* [where.n_images] of the images, read when first asked for */
};

/* ---- the shards of an index ---- */

#define AGAIN "run the same label command again"

/* Opens a shard and holds it against what the index says of it. */
static anc_status open_shard(anc_targets_file *f, int64_t s, anc_err *err)
{
    char name[64], path[PATH_MAX];
    struct stat there;
    if (f->shard_at == s) return ANC_OK;
    anc_targets_h5_close(&f->shard);
    f->shard_at = -1;
    anc_targets_shard_name(name, s, f->info.n_shards);
    if (snprintf(path, sizeof path, "%s%s", f->dir, name) >= (int)sizeof path)
        return anc_fail(err, ANC_EARGUMENT, "%s: the name is too long", f->dir);
    if (stat(path, &there) && errno == ENOENT)
        return anc_fail(err, ANC_EDATA, "%s: the shard is missing; put it beside its index, or " AGAIN, path);
    if (anc_targets_h5_open(&f->shard, path, err)) return err->code;
    const anc_targets_h5 *p = &f->shard;
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
    int64_t here[ANC_OFFSETS_AT_ONCE], there[ANC_OFFSETS_AT_ONCE], views = f->first[ANC_ROWS_VIEWS][s];
    int64_t n = f->first[ANC_ROWS_VIEWS][s + 1] - views + 1;
    for (int64_t first = 0; first < n; first += ANC_OFFSETS_AT_ONCE) {
        int64_t some = n - first < ANC_OFFSETS_AT_ONCE ? n - first : ANC_OFFSETS_AT_ONCE;
        if (anc_targets_h5_offsets(&f->whole, k, views + first, some, here, err))
            return anc_within(err, "%s", f->path);
        if (anc_targets_h5_offsets(&f->shard, k, first, some, there, err))
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
    int64_t id[ANC_OFFSETS_AT_ONCE], views = f->first[ANC_ROWS_VIEWS][s];
    int64_t n = f->where.images ? f->first[ANC_ROWS_VIEWS][s + 1] - views : 0;
    for (int64_t first = 0; first < n; first += ANC_OFFSETS_AT_ONCE) {
        int64_t some = n - first < ANC_OFFSETS_AT_ONCE ? n - first : ANC_OFFSETS_AT_ONCE;
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
            if (anc_targets_h5_offsets(&f->whole, k, f->first[ANC_ROWS_VIEWS][s], 1, &f->first[k][s], err))
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
    if (anc_targets_h5_open(&f->whole, f->path, err)) return err->code;
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
    anc_targets_h5_close(&f->shard);
    anc_targets_h5_close(&f->whole);
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
static anc_status read_part(const anc_targets_h5 *p, const int64_t *base, int64_t first, int64_t from,
                            int64_t to, anc_targets *t, anc_err *err)
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
        if (anc_targets_h5_offsets(&f->whole, k, first, n + 1, offset, err))
            return anc_within(err, "%s", f->path);
        if (fit(t, k, offset[n] - offset[0], err)) return err->code;
    }
    if (read_rows(f, first, n, t, err)) return err->code;
    for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_KINDS; k++) {
        int64_t start = t->offset[k][0];
        for (int64_t v = 0; v <= n; v++) t->offset[k][v] -= start;
        t->n[k] = t->offset[k][n];
    }
    t->n[ANC_ROWS_VIEWS] = n;
    return anc_targets_check_rows(&f->info, first, n, t, err) ? anc_within(err, "%s", f->path) : ANC_OK;
}
