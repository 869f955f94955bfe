/* io/store/feature.c: see feature.h */
#include "io/store/feature.h"
#include "io/hdf5/h5.h"
#include "io/hdf5/h5_guard.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    int64_t id, at;
} place;

typedef struct {
    anc_h5_data data;
    int64_t *offset; /* [n_images + 1] rows */
    bool half;
    const char *in_place; /* first row, in the mapped file; NULL: to be read */
    void *rows;           /* of one image, when they are read */
    int64_t capacity;
} level;

struct anc_features {
    anc_features_info info;
    char *path;
    anc_h5_file file;
    level level[ANC_MAX_LEVELS];
    place *by_id; /* [n_images] ascending by id */
    char *mapped; /* the whole file, or NULL */
    size_t n_mapped;
};

static int order(const void *a, const void *b)
{
    int64_t x = ((const place *)a)->id, y = ((const place *)b)->id;
    return x < y ? -1 : x > y;
}

static anc_status sort_ids(anc_features *f, anc_err *err)
{
    int64_t n = f->info.n_images;
    f->by_id = malloc((size_t)(n + 1) * sizeof *f->by_id);
    if (!f->by_id) return anc_fail(err, ANC_EMEMORY, "out of memory for %lld images", (long long)n);
    for (int64_t i = 0; i < n; i++) f->by_id[i] = (place){ f->info.id[i], i };
    qsort(f->by_id, (size_t)n, sizeof *f->by_id, order);
    for (int64_t i = 1; i < n; i++)
        if (f->by_id[i].id == f->by_id[i - 1].id)
            return anc_fail(err, ANC_EDATA, "image %lld stands twice in /images/id",
                            (long long)f->by_id[i].id);
    return ANC_OK;
}

int64_t anc_features_find(const anc_features *f, int64_t id)
{
    place wanted = { id, 0 };
    const place *p = bsearch(&wanted, f->by_id, (size_t)f->info.n_images, sizeof wanted, order);
    return p ? p->at : -1;
}

/* ---- opening ---- */

/* [n_images][2] of int32, all at least 1. */
static anc_status read_pairs(anc_features *f, const char *name, int32_t (**pairs)[2], anc_err *err)
{
    void *data;
    int64_t n;
    if (anc_h5_read(&f->file, name, ANC_H5_I32, 2, (int64_t[]){ f->info.n_images, 2 }, &data, &n, err))
        return err->code;
    *pairs = data;
    for (int64_t i = 0; i < n; i++)
        if ((*pairs)[i][0] < 1 || (*pairs)[i][1] < 1)
            return anc_fail(err, ANC_EDATA, "%s is %d x %d for image %lld, which cannot be", name,
                            (*pairs)[i][0], (*pairs)[i][1], (long long)f->info.id[i]);
    return ANC_OK;
}

static anc_status read_scale(anc_features *f, anc_err *err)
{
    void *data;
    int64_t n;
    if (anc_h5_read(&f->file, "/images/scale", ANC_H5_F32, 2, (int64_t[]){ f->info.n_images, 2 }, &data, &n,
                    err))
        return err->code;
    f->info.scale = data;
    for (int64_t i = 0; i < n; i++)
        for (int e = 0; e < 2; e++)
            if (!(f->info.scale[i][e] > 1e-6f && f->info.scale[i][e] < 1e6f))
                return anc_fail(err, ANC_EDATA, "/images/scale is %g for image %lld, which cannot be",
                                (double)f->info.scale[i][e], (long long)f->info.id[i]);
    return ANC_OK;
}

static anc_status read_images(anc_features *f, anc_err *err)
{
    void *id;
    anc_features_info *info = &f->info;
    if (anc_h5_read(&f->file, "/images/id", ANC_H5_I64, 1, (int64_t[]){ -1 }, &id, &info->n_images, err))
        return err->code;
    info->id = id;
    if (sort_ids(f, err) || read_pairs(f, "/images/size", &info->size, err) ||
        read_pairs(f, "/images/padded_size", &info->padded, err))
        return err->code;
    if (anc_h5_exists(&f->file, "/images/original_size") &&
        read_pairs(f, "/images/original_size", &info->original, err))
        return err->code;
    if (anc_h5_exists(&f->file, "/images/scale") && read_scale(f, err)) return err->code;
    for (int64_t i = 0; i < info->n_images; i++)
        if (info->padded[i][0] < info->size[i][0] || info->padded[i][1] < info->size[i][1])
            return anc_fail(err, ANC_EDATA, "image %lld: /images/padded_size is less than /images/size",
                            (long long)info->id[i]);
    return ANC_OK;
}

/* Rows of every image must be those of its grid. */
static anc_status check_offsets(const anc_features *f, int l, int64_t n_rows, anc_err *err)
{
    const int64_t *offset = f->level[l].offset;
    for (int64_t i = 0; i < f->info.n_images; i++) {
        int64_t h = f->info.grid[l][i][0], w = f->info.grid[l][i][1];
        if (h > INT32_MAX / w)
            return anc_fail(err, ANC_EDATA, "/level%d/grid is too large for image %lld", l,
                            (long long)f->info.id[i]);
        if (offset[i] < 0 || offset[i] > n_rows || offset[i + 1] != offset[i] + h * w)
            return anc_fail(err, ANC_EDATA,
                            "/level%d/offset gives image %lld rows %lld to %lld, its grid has %lld x %lld", l,
                            (long long)f->info.id[i], (long long)offset[i], (long long)offset[i + 1],
                            (long long)h, (long long)w);
    }
    if (offset[0] != 0 || offset[f->info.n_images] != n_rows)
        return anc_fail(err, ANC_EDATA, "/level%d/offset goes from %lld to %lld, but there are %lld rows", l,
                        (long long)offset[0], (long long)offset[f->info.n_images], (long long)n_rows);
    return ANC_OK;
}

/* Stored as exactly what memory holds, in one piece, whole: then the level is used where it lies. */
static void place_level(anc_features *f, level *v)
{
    anc_h5_guard_enter(f->file.guard);
    hid_t plist = H5Dget_create_plist(v->data.id);
    bool one_piece = H5Pget_layout(plist) == H5D_CONTIGUOUS && H5Pget_external_count(plist) == 0;
    H5Pclose(plist);
    hid_t stored = H5Dget_type(v->data.id), memory = anc_h5_type_id(v->data.type);
    bool same = H5Tequal(stored, memory) > 0;
    H5Tclose(stored);
    H5Tclose(memory);
    haddr_t at = one_piece && same ? H5Dget_offset(v->data.id) : HADDR_UNDEF;
    anc_h5_guard_leave(f->file.guard);
    size_t size = anc_h5_type_bytes(v->data.type),
           bytes = (size_t)v->data.dims[0] * (size_t)v->data.dims[1] * size;
    if (!f->mapped || at == HADDR_UNDEF || at % size || at > f->n_mapped || bytes > f->n_mapped - at) return;
    v->in_place = f->mapped + at;
}

static anc_status open_level(anc_features *f, int l, anc_err *err)
{
    level *v = &f->level[l];
    anc_features_info *info = &f->info;
    char group[32], name[48];
    int64_t stride, channels, n;
    void *offset;
    snprintf(group, sizeof group, "/level%d", l);
    snprintf(name, sizeof name, "%s/feature", group);
    anc_h5_guard_enter(f->file.guard);
    hid_t id = H5Dopen2(f->file.id, name, H5P_DEFAULT), half = anc_h5_type_id(ANC_H5_F16);
    hid_t stored = id >= 0 ? H5Dget_type(id) : -1;
    v->half = stored >= 0 && H5Tequal(stored, half) > 0;
    if (stored >= 0) H5Tclose(stored);
    if (id >= 0) H5Dclose(id);
    H5Tclose(half);
    anc_h5_guard_leave(f->file.guard);
    if (anc_h5_data_open(&f->file, name, v->half ? ANC_H5_F16 : ANC_H5_F32, 2, (int64_t[]){ -1, -1 },
                         &v->data, err) ||
        anc_h5_get_int(&f->file, group, "stride", &stride, err) ||
        anc_h5_get_int(&f->file, group, "channels", &channels, err))
        return err->code;
    if (stride < 1 || stride > INT32_MAX)
        return anc_fail(err, ANC_EDATA, "%s: a stride of %lld cannot be", group, (long long)stride);
    if (channels != v->data.dims[1] || channels < 1 || channels > ANC_HEAD_MAX_CHANNELS ||
        (l && channels != info->channels))
        return anc_fail(err, ANC_EDATA, "%s has %lld columns, its attribute says %lld channels%s", name,
                        (long long)v->data.dims[1], (long long)channels,
                        l ? "; all levels must have as many" : "");
    info->stride[l] = (int32_t)stride;
    info->channels = (int32_t)channels;
    snprintf(name, sizeof name, "%s/grid", group);
    if (read_pairs(f, name, &info->grid[l], err)) return err->code;
    snprintf(name, sizeof name, "%s/offset", group);
    if (anc_h5_read(&f->file, name, ANC_H5_I64, 1, (int64_t[]){ info->n_images + 1 }, &offset, &n, err))
        return err->code;
    v->offset = offset;
    if (check_offsets(f, l, v->data.dims[0], err)) return err->code;
    place_level(f, v);
    return ANC_OK;
}

static void map_file(anc_features *f)
{
    struct stat info;
    int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (!fstat(fd, &info) && info.st_size > 0) {
        f->n_mapped = (size_t)info.st_size;
        f->mapped = mmap(NULL, f->n_mapped, PROT_READ, MAP_SHARED, fd, 0);
        if (f->mapped == MAP_FAILED) f->mapped = NULL; /* then it is read */
    }
    close(fd);
    if (f->mapped) madvise(f->mapped, f->n_mapped, MADV_RANDOM); /* a few rows here and there */
}

static anc_status open_all(anc_features *f, anc_err *err)
{
    anc_features_info *info = &f->info;
    if (anc_h5_open_large(f->path, ANC_FEATURES_FORMAT, ANC_FEATURES_VERSION, &f->file, err) ||
        read_images(f, err))
        return err->code;
    map_file(f);
    info->in_place = info->half = true;
    for (char name[32]; info->n_levels < ANC_MAX_LEVELS; info->n_levels++) {
        snprintf(name, sizeof name, "/level%d", info->n_levels);
        if (!anc_h5_exists(&f->file, name)) break;
        if (open_level(f, info->n_levels, err)) return err->code;
        info->in_place &= f->level[info->n_levels].in_place != NULL;
        info->half &= f->level[info->n_levels].half;
    }
    if (!info->n_levels) return anc_fail(err, ANC_EDATA, "/level0 is missing");
    if (!info->n_images) return anc_fail(err, ANC_EDATA, "holds no images");
    return ANC_OK;
}

anc_status anc_features_open(const char *path, anc_features **out, anc_err *err)
{
    anc_features *f = calloc(1, sizeof *f);
    if (!f || !(f->path = strdup(path))) {
        free(f);
        return anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    }
    f->info.path = f->path;
    if (open_all(f, err)) {
        anc_within(err, "%s", path);
        anc_features_close(f);
        return err->code;
    }
    *out = f;
    return ANC_OK;
}

void anc_features_close(anc_features *f)
{
    if (!f) return;
    for (int l = 0; l < ANC_MAX_LEVELS; l++) {
        anc_h5_data_close(&f->level[l].data);
        free(f->level[l].offset);
        free(f->level[l].rows);
        free(f->info.grid[l]);
    }
    anc_h5_close(&f->file);
    if (f->mapped) munmap(f->mapped, f->n_mapped);
    free(f->info.id);
    free(f->info.size);
    free(f->info.padded);
    free(f->info.original);
    free(f->info.scale);
    free(f->by_id);
    free(f->path);
    free(f);
}

const anc_features_info *anc_features_about(const anc_features *f) { return &f->info; }

void anc_features_read_whole(anc_features *f)
{
    if (f->mapped) madvise(f->mapped, f->n_mapped, MADV_SEQUENTIAL);
}

/* ---- maps ---- */

static anc_status read_level(anc_features *f, int l, int64_t i, anc_err *err)
{
    level *v = &f->level[l];
    int64_t first = v->offset[i], n = v->offset[i + 1] - first;
    if (n > v->capacity) {
        free(v->rows);
        v->capacity = n;
        v->rows = malloc((size_t)n * (size_t)f->info.channels * anc_h5_type_bytes(v->data.type));
        if (!v->rows) {
            v->capacity = 0;
            return anc_fail(err, ANC_EMEMORY, "%s: out of memory for the %lld rows of an image", f->path,
                            (long long)n);
        }
    }
    return anc_h5_data_read(&v->data, first, n, v->rows, err) ? anc_within(err, "%s", f->path) : ANC_OK;
}

anc_status anc_features_map(anc_features *f, int64_t i, anc_feature_map *map, anc_err *err)
{
    for (int l = 0; l < f->info.n_levels; l++) {
        level *v = &f->level[l];
        size_t row_bytes = (size_t)f->info.channels * anc_h5_type_bytes(v->data.type);
        map[l] = (anc_feature_map){ .h = f->info.grid[l][i][0], .w = f->info.grid[l][i][1], .half = v->half };
        if (!v->in_place && read_level(f, l, i, err)) return err->code;
        map[l].row = v->in_place ? v->in_place + (size_t)v->offset[i] * row_bytes : v->rows;
    }
    return ANC_OK;
}
