/* io/hdf5/h5_read.c: see h5.h, reading */
#include "io/file/seal.h"
#include "io/hdf5/h5.h"
#include "io/hdf5/h5_guard.h"
#include "io/hdf5/h5_inner.h"
#include "io/hdf5/h5_virtual.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* H5Fopen, with the words for what is none of HDF5's. */
static anc_status open_id(const char *path, const char *guard, int64_t size, hid_t *id, anc_err *err)
{
    anc_h5_guard_enter(guard);
    htri_t is = H5Fis_hdf5(path);
    if (is < 0 && size)
        anc_h5_fail(err, ANC_ESYSTEM, "cannot be read"); /* its words, before they are cleared */
    hid_t access = anc_h5_reading();
    *id = is > 0 ? H5Fopen(path, H5F_ACC_RDONLY, access) : -1;
    hid_t kept = anc_h5_keep_messages();
    H5Pclose(access);
    anc_h5_restore_messages(kept);
    anc_h5_guard_leave(guard);
    if (*id > 0) return ANC_OK;
    if (is > 0) return anc_h5_fail(err, ANC_EDATA, "cannot be opened; was it copied or written whole?");
    if (is < 0 && size) return ANC_ESYSTEM;
    H5Eclear2(H5E_DEFAULT);
    return anc_fail(err, ANC_EDATA, "is not an HDF5 file%s", size ? "" : ": it is empty");
}

/* Opens for reading; nothing of ours but the seal is looked at, and that not of a large one. */
static anc_status open_hdf5(const char *path, bool large, anc_h5_file *f, anc_err *err)
{
    *f = (anc_h5_file){ 0 };
    anc_h5_start();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return anc_fail(err, ANC_ESYSTEM, "cannot open: %s", strerror(errno));
    struct stat info = { 0 };
    int folder = !fstat(fd, &info) && S_ISDIR(info.st_mode);
    bool sealed = false;
    close(fd);
    if (folder) return anc_fail(err, ANC_ESYSTEM, "is a directory, not a file");
    if (!large && anc_seal_check_any(path, &sealed, err)) return err->code;
    f->path = strdup(path);
    if (!f->path) return anc_fail(err, ANC_EMEMORY, "no memory");
    f->guard = sealed ? NULL : f->path;
    anc_status status = open_id(path, f->guard, info.st_size, &f->id, err);
    if (status) anc_h5_forget(f);
    return status;
}

static anc_status open_format(const char *path, const char *format, int max_version, bool large,
                              anc_h5_file *f, anc_err *err)
{
    if (open_hdf5(path, large, f, err)) return err->code;
    char *found = NULL;
    int64_t version = 0;
    if (anc_h5_get_string(f, "/", "format", &found, err) ||
        (format && strcmp(found, format) &&
         anc_fail(err, ANC_EDATA, "holds '%.100s', not '%s'", found, format)) ||
        anc_h5_get_int(f, "/", "format_version", &version, err)) {
        /* err is set */
    } else if (version < 1 || version > max_version) {
        anc_fail(err, ANC_EDATA,
                 "format_version %lld is unknown here (1 to %d are known): use a newer anchorage",
                 (long long)version, max_version);
    } else {
        free(found);
        return ANC_OK;
    }
    free(found);
    anc_h5_close(f);
    return err->code;
}

anc_status anc_h5_open(const char *path, const char *format, int max_version, anc_h5_file *f, anc_err *err)
{
    return open_format(path, format, max_version, false, f, err);
}

anc_status anc_h5_open_large(const char *path, const char *format, int max_version, anc_h5_file *f,
                             anc_err *err)
{
    return open_format(path, format, max_version, true, f, err);
}

anc_status anc_h5_format_of(const char *path, char **format, anc_err *err)
{
    anc_h5_file f;
    *format = NULL;
    if (open_hdf5(path, false, &f, err)) return err->code;
    if (anc_h5_has_attribute(&f, "/", "format"))
        anc_h5_get_string(&f, "/", "format", format, err);
    else
        anc_fail(err, ANC_EDATA,
                 "is an HDF5 file, but not one of anchorage's: its root has no attribute 'format'");
    anc_h5_close(&f);
    return *format ? ANC_OK : err->code;
}

anc_status anc_h5_may_replace(const char *path, const char *format, anc_err *err)
{
    anc_h5_file f;
    anc_err ignored = { 0 };
    char *found = NULL;
    anc_h5_place place = anc_h5_look(path);
    if (place == ANC_H5_NOTHING) return ANC_OK;
    if (place == ANC_H5_FOREIGN)
        return anc_fail(err, ANC_EARGUMENT,
                        "%s: is there and is no HDF5 file, so it is not replaced; choose another --output",
                        path);
    if (open_hdf5(path, false, &f, &ignored)) return ANC_OK; /* damaged */
    anc_status status = ANC_OK;
    if (!anc_h5_has_attribute(&f, "/", "format") || anc_h5_get_string(&f, "/", "format", &found, &ignored))
        status = anc_fail(
            err, ANC_EARGUMENT,
            "%s: is another program's HDF5 file, so it is not replaced; choose another --output", path);
    else if (strcmp(found, format))
        status = anc_fail(err, ANC_EARGUMENT,
                          "%s: holds '%.100s', so it is not replaced; choose another --output", path, found);
    free(found);
    anc_h5_close(&f);
    return status;
}

void anc_h5_close(anc_h5_file *f)
{
    anc_h5_guard_enter(f->guard);
    if (f->id > 0) H5Fclose(f->id);
    anc_h5_guard_leave(f->guard);
    anc_h5_forget(f);
}

int anc_h5_exists(const anc_h5_file *f, const char *object)
{
    anc_h5_guard_enter(f->guard);
    int found = H5Lexists(f->id, object, H5P_DEFAULT) > 0;
    H5Eclear2(H5E_DEFAULT);
    anc_h5_guard_leave(f->guard);
    return found;
}

int anc_h5_has_attribute(const anc_h5_file *f, const char *object, const char *name)
{
    anc_h5_guard_enter(f->guard);
    int found = H5Aexists_by_name(f->id, object, name, H5P_DEFAULT) > 0;
    H5Eclear2(H5E_DEFAULT);
    anc_h5_guard_leave(f->guard);
    return found;
}

/* Whether every value of the stored type is a value of ours. */
static int fits(hid_t stored, anc_h5_type type)
{
    H5T_class_t class = H5Tget_class(stored);
    size_t size = H5Tget_size(stored), capacity = anc_h5_type_bytes(type);
    if (type == ANC_H5_F16 || type == ANC_H5_F32 || type == ANC_H5_F64)
        return class == H5T_FLOAT && size <= capacity;
    if (class != H5T_INTEGER) return 0;
    int is_signed = H5Tget_sign(stored) == H5T_SGN_2;
    int want_signed = type == ANC_H5_I8 || type == ANC_H5_I32 || type == ANC_H5_I64;
    if (is_signed == want_signed) return size <= capacity;
    return want_signed && size < capacity;
}

static const char *class_name(hid_t stored, char *text, size_t capacity)
{
    size_t bits = 8 * H5Tget_size(stored);
    switch (H5Tget_class(stored)) {
    case H5T_INTEGER:
        snprintf(text, capacity, "%sint%zu", H5Tget_sign(stored) == H5T_SGN_NONE ? "u" : "", bits);
        break;
    case H5T_FLOAT: snprintf(text, capacity, "float%zu", bits); break;
    case H5T_STRING: snprintf(text, capacity, "strings"); break;
    default: snprintf(text, capacity, "values of another kind"); break;
    }
    return text;
}

/* Whether `stored` bytes can hold `bytes`, packed: deflate reaches at most 1032 : 1. */
static int can_hold(uint64_t stored, uint64_t bytes) { return bytes / 1100 <= stored && (stored || !bytes); }

/* HDF5 unpacks a chunk as a whole, however few of its rows exist. */
static anc_status check_chunk(hid_t plist, hid_t type, const char *name, uint64_t whole, anc_err *err)
{
    enum { NO_MATTER = 64 << 20 };
    hsize_t chunk[H5S_MAX_RANK];
    int rank = H5Pget_chunk(plist, H5S_MAX_RANK, chunk), overflow = rank < 0;
    uint64_t bytes = H5Tget_size(type);
    for (int k = 0; k < rank; k++) overflow |= __builtin_mul_overflow(bytes, chunk[k], &bytes);
    if (!overflow && (bytes <= NO_MATTER || can_hold(whole, bytes))) return ANC_OK;
    return anc_fail(err, ANC_EDATA,
                    "%s has chunks of %llu bytes, more than its file can hold; write it with smaller ones",
                    name, (unsigned long long)bytes);
}

static anc_status check_shape(hid_t id, const char *name, int rank, const int64_t *want, int64_t *dims,
                              anc_err *err)
{
    hid_t space = H5Dget_space(id);
    hsize_t found[H5S_MAX_RANK] = { 0 };
    int n = space < 0 ? -1 : H5Sget_simple_extent_dims(space, found, NULL);
    if (space >= 0) H5Sclose(space);
    if (n != rank)
        return anc_fail(err, ANC_EDATA, "%s has %d dimension%s, not %d", name, n, n == 1 ? "" : "s", rank);
    for (int k = 0; k < rank; k++) {
        dims[k] = (int64_t)found[k];
        if (found[k] > INT64_MAX / 8 || (want[k] >= 0 && dims[k] != want[k]))
            return anc_fail(err, ANC_EDATA, "%s has %lld entries in dimension %d, not %lld", name,
                            (long long)dims[k], k, (long long)want[k]);
    }
    return ANC_OK;
}

/* Whether HDF5 here can undo what its chunks are packed by: h5py, for one, brings lzf along. */
static anc_status check_filters(hid_t plist, const char *name, anc_err *err)
{
    int n = H5Pget_nfilters(plist);
    for (int i = 0; i < n; i++) {
        unsigned flags, config;
        size_t n_values = 0;
        char filter[24] = "";
        H5Z_filter_t id =
            H5Pget_filter2(plist, (unsigned)i, &flags, &n_values, NULL, sizeof filter, filter, &config);
        if (id < 0 || H5Zfilter_avail(id) > 0) continue;
        filter[sizeof filter - 1] = '\0';
        filter[strspn(filter, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] = '\0';
        return anc_fail(err, ANC_EDATA,
                        "%s is packed by filter %d (%s), which HDF5 here does not have; write it with gzip, "
                        "or unpacked",
                        name, (int)id, *filter ? filter : "unnamed");
    }
    return ANC_OK;
}

/* Whether the rows that a dataset claims can be there. map: those of a virtual one are not looked at. */
static anc_status check_size(const anc_h5_file *f, hid_t id, const char *name, hid_t type, int rank,
                             const int64_t *dims, bool map, anc_err *err)
{
    uint64_t total = H5Tget_size(type), stored = 0;
    hsize_t whole = 0;
    int overflow = 0;
    hid_t plist = H5Dget_create_plist(id);
    H5D_layout_t layout = H5Pget_layout(plist);
    H5Fget_filesize(f->id, &whole);
    anc_status status = ANC_OK;
    if (layout == H5D_CHUNKED) status = check_chunk(plist, type, name, whole, err);
    if (!status && layout == H5D_CHUNKED) status = check_filters(plist, name, err);
    if (layout == H5D_VIRTUAL && !map) status = anc_h5_virtual_check(f->path, plist, &stored, err);
    if (status && layout == H5D_VIRTUAL) anc_within(err, "%s", name);
    H5Pclose(plist);
    if (status || (layout == H5D_VIRTUAL && map)) return status;
    if (layout != H5D_VIRTUAL) {
        stored = H5Dget_storage_size(id);
        if (stored > whole) stored = whole;
    }
    for (int k = 0; k < rank; k++) overflow |= __builtin_mul_overflow(total, (uint64_t)dims[k], &total);
    if (!overflow && total <= PTRDIFF_MAX / 8 && can_hold(stored, total)) return ANC_OK;
    return anc_fail(err, ANC_EDATA,
                    "%s claims %lld rows, more than its stored bytes hold: the file is damaged or unfinished",
                    name, (long long)dims[0]);
}

/* H5Dopen, with a link that leads nowhere and a group told apart from damage. */
static anc_status open_dataset(const anc_h5_file *f, const char *name, hid_t *id, anc_err *err)
{
    *id = H5Dopen2(f->id, name, H5P_DEFAULT);
    if (*id >= 0) return ANC_OK;
    return anc_h5_fail(err, ANC_EDATA, "dataset %s cannot be opened", name);
}

/* anc_h5_data_open, unguarded. */
static anc_status open_data(const anc_h5_file *f, const char *name, anc_h5_type type, int rank,
                            const int64_t *dims, bool map, anc_h5_data *d, anc_err *err)
{
    assert(rank >= 1 && rank <= ANC_H5_MAX_RANK);
    *d = (anc_h5_data){ .type = type, .rank = rank, .guard = f->guard };
    if (open_dataset(f, name, &d->id, err)) {
        *d = (anc_h5_data){ 0 };
        return err->code;
    }
    hid_t stored = H5Dget_type(d->id);
    char text[40];
    anc_status status = ANC_OK;
    if (stored < 0 || !fits(stored, type))
        status = anc_fail(err, ANC_EDATA, "%s holds %s, not %s", name, class_name(stored, text, sizeof text),
                          anc_h5_type_name(type));
    if (!status) status = check_shape(d->id, name, rank, dims, d->dims, err);
    if (!status) status = check_size(f, d->id, name, stored, rank, d->dims, map, err);
    if (stored >= 0) H5Tclose(stored);
    if (status) anc_h5_data_close(d);
    return status;
}

anc_status anc_h5_data_open(const anc_h5_file *f, const char *name, anc_h5_type type, int rank,
                            const int64_t *dims, anc_h5_data *d, anc_err *err)
{
    anc_h5_guard_enter(f->guard);
    anc_status status = open_data(f, name, type, rank, dims, false, d, err);
    anc_h5_guard_leave(f->guard);
    return status;
}

anc_status anc_h5_data_open_map(const anc_h5_file *f, const char *name, anc_h5_type type, int rank,
                                const int64_t *dims, anc_h5_data *d, anc_err *err)
{
    anc_h5_guard_enter(f->guard);
    anc_status status = open_data(f, name, type, rank, dims, true, d, err);
    anc_h5_guard_leave(f->guard);
    return status;
}

anc_status anc_h5_data_read(const anc_h5_data *d, int64_t first, int64_t n, void *rows, anc_err *err)
{
    assert(first >= 0 && n >= 0 && n <= d->dims[0] - first);
    if (!n) return ANC_OK;
    anc_h5_guard_enter(d->guard);
    hid_t type = anc_h5_type_id(d->type);
    int failed = anc_h5_transfer(d, type, first, n, rows, ANC_H5_IN);
    char name[128];
    if (failed)
        anc_h5_fail(err, ANC_EDATA, "rows %lld to %lld of %s cannot be read; is the file damaged?",
                    (long long)first, (long long)(first + n), anc_h5_name_of(d->id, name, sizeof name));
    H5Tclose(type);
    anc_h5_guard_leave(d->guard);
    return failed ? err->code : ANC_OK;
}

anc_status anc_h5_read(const anc_h5_file *f, const char *name, anc_h5_type type, int rank,
                       const int64_t *dims, void **data, int64_t *n, anc_err *err)
{
    anc_h5_data d;
    if (anc_h5_data_open(f, name, type, rank, dims, &d, err)) return err->code;
    size_t bytes = anc_h5_type_bytes(type);
    for (int k = 0; k < rank; k++) bytes *= (size_t)d.dims[k];
    anc_status status = ANC_OK;
    *n = d.dims[0];
    *data = malloc(bytes ? bytes : 1);
    if (!*data) status = anc_fail(err, ANC_EMEMORY, "no memory for the %zu bytes of %s", bytes, name);
    if (!status) status = anc_h5_data_read(&d, 0, *n, *data, err);
    if (status) {
        free(*data);
        *data = NULL;
    }
    anc_h5_data_close(&d);
    return status;
}

static anc_status too_long(const char *name, int64_t i, anc_err *err)
{
    return anc_fail(err, ANC_EDATA, "entry %lld of %s is longer than %d bytes", (long long)i, name,
                    ANC_H5_MAX_STRING);
}

static anc_status copy_fixed(const anc_h5_data *d, hid_t type, size_t bytes, char **text, const char *name,
                             anc_err *err)
{
    int64_t run = anc_h5_rows_at_once(bytes);
    if (bytes > ANC_H5_MAX_STRING) return too_long(name, 0, err);
    char *block = malloc((size_t)run * bytes);
    anc_status status = block ? ANC_OK : anc_fail(err, ANC_EMEMORY, "no memory for %s", name);
    for (int64_t first = 0; !status && first < d->dims[0]; first += run) {
        int64_t k = d->dims[0] - first < run ? d->dims[0] - first : run;
        if (anc_h5_transfer(d, type, first, k, block, ANC_H5_IN))
            status = anc_h5_fail(err, ANC_EDATA, "%s cannot be read; is the file damaged?", name);
        for (int64_t i = 0; !status && i < k; i++)
            if (!(text[first + i] = strndup(block + (size_t)i * bytes, bytes)))
                status = anc_fail(err, ANC_EMEMORY, "no memory for %s", name);
    }
    free(block);
    return status;
}

static anc_status copy_variable(const anc_h5_data *d, hid_t type, char **text, const char *name, anc_err *err)
{
    enum { RUN = 64 }; /* all of them may be one and the same long text */
    char *block[RUN];
    anc_status status = ANC_OK;
    for (int64_t first = 0; !status && first < d->dims[0]; first += RUN) {
        int64_t k = d->dims[0] - first < RUN ? d->dims[0] - first : RUN;
        memset(block, 0, sizeof block);
        if (anc_h5_transfer(d, type, first, k, block, ANC_H5_IN))
            status = anc_h5_fail(err, ANC_EDATA, "%s cannot be read; is the file damaged?", name);
        for (int64_t i = 0; !status && i < k; i++)
            if (block[i] && strlen(block[i]) > ANC_H5_MAX_STRING)
                status = too_long(name, first + i, err);
            else if (!(text[first + i] = strdup(block[i] ? block[i] : "")))
                status = anc_fail(err, ANC_EMEMORY, "no memory for %s", name);
        hsize_t count = (hsize_t)k;
        hid_t space = H5Screate_simple(1, &count, NULL);
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, block);
        H5Sclose(space);
    }
    return status;
}

static anc_status read_strings(const anc_h5_file *f, const char *name, int64_t n, char ***text, int64_t *got,
                               anc_err *err)
{
    anc_h5_data d = { .rank = 1, .guard = f->guard };
    if (open_dataset(f, name, &d.id, err)) return err->code;
    hid_t type = H5Dget_type(d.id);
    anc_status status = ANC_OK;
    *text = NULL;
    if (type < 0 || H5Tget_class(type) != H5T_STRING)
        status = anc_fail(err, ANC_EDATA, "%s does not hold strings", name);
    size_t bytes = status ? 0 : H5Tget_size(type);
    if (!status) status = check_shape(d.id, name, 1, &n, d.dims, err);
    if (!status) status = check_size(f, d.id, name, type, 1, d.dims, false, err);
    if (!status && !(*text = calloc((size_t)d.dims[0] + 1, sizeof **text)))
        status = anc_fail(err, ANC_EMEMORY, "no memory for %s", name);
    if (!status)
        status = H5Tis_variable_str(type) > 0 ? copy_variable(&d, type, *text, name, err)
                                              : copy_fixed(&d, type, bytes, *text, name, err);
    for (int64_t i = 0; status && *text && i < d.dims[0]; i++) free((*text)[i]);
    if (status) {
        free(*text);
        *text = NULL;
    } else {
        *got = d.dims[0];
    }
    if (type >= 0) H5Tclose(type);
    H5Dclose(d.id);
    return status;
}

anc_status anc_h5_read_strings(const anc_h5_file *f, const char *name, int64_t n, char ***text, int64_t *got,
                               anc_err *err)
{
    anc_h5_guard_enter(f->guard);
    anc_status status = read_strings(f, name, n, text, got, err);
    anc_h5_guard_leave(f->guard);
    return status;
}

static anc_status open_attribute(const anc_h5_file *f, const char *object, const char *name, hid_t *id,
                                 anc_err *err)
{
    *id = H5Aopen_by_name(f->id, object, name, H5P_DEFAULT, H5P_DEFAULT);
    if (*id < 0) return anc_h5_fail(err, ANC_EDATA, "attribute '%s' of %s cannot be opened", name, object);
    hid_t space = H5Aget_space(*id);
    int single = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    if (space >= 0) H5Sclose(space);
    if (single) return ANC_OK;
    H5Aclose(*id);
    return anc_fail(err, ANC_EDATA, "attribute '%s' of %s is not a single value", name, object);
}

static anc_status get_string(const anc_h5_file *f, const char *object, const char *name, char **value,
                             anc_err *err)
{
    enum { MOST = 16 << 20 }; /* a longer one is damage */
    hid_t id;
    *value = NULL;
    if (open_attribute(f, object, name, &id, err)) return err->code;
    hid_t type = H5Aget_type(id);
    size_t bytes = type >= 0 && H5Tget_class(type) == H5T_STRING ? H5Tget_size(type) : 0;
    anc_status status = ANC_OK;
    int failed = 0;
    if (!bytes || bytes > MOST) {
        status = anc_fail(err, ANC_EDATA, "attribute '%s' of %s is not a string", name, object);
    } else if (H5Tis_variable_str(type) > 0) {
        char *text = NULL;
        failed = H5Aread(id, type, &text) < 0;
        *value = failed ? NULL : strdup(text ? text : "");
        H5free_memory(text);
    } else {
        *value = calloc(1, bytes + 1);
        failed = *value && H5Aread(id, type, *value) < 0;
    }
    if (failed)
        status = anc_h5_fail(err, ANC_EDATA, "attribute '%s' of %s cannot be read", name, object);
    else if (!status && !*value)
        status = anc_fail(err, ANC_EMEMORY, "no memory for attribute '%s'", name);
    if (status) {
        free(*value);
        *value = NULL;
    }
    if (type >= 0) H5Tclose(type);
    H5Aclose(id);
    return status;
}

anc_status anc_h5_get_string(const anc_h5_file *f, const char *object, const char *name, char **value,
                             anc_err *err)
{
    anc_h5_guard_enter(f->guard);
    anc_status status = get_string(f, object, name, value, err);
    anc_h5_guard_leave(f->guard);
    return status;
}

/* Unguarded. */
static anc_status get_number(const anc_h5_file *f, const char *object, const char *name, anc_h5_type type,
                             void *value, anc_err *err)
{
    hid_t id;
    if (open_attribute(f, object, name, &id, err)) return err->code;
    hid_t stored = H5Aget_type(id), memory = anc_h5_type_id(type);
    anc_status status = ANC_OK;
    if (stored < 0 || !fits(stored, type))
        status =
            anc_fail(err, ANC_EDATA, "attribute '%s' of %s is not %s", name, object, anc_h5_type_name(type));
    else if (H5Aread(id, memory, value) < 0)
        status = anc_h5_fail(err, ANC_EDATA, "attribute '%s' of %s cannot be read", name, object);
    H5Tclose(memory);
    if (stored >= 0) H5Tclose(stored);
    H5Aclose(id);
    return status;
}

anc_status anc_h5_get_int(const anc_h5_file *f, const char *object, const char *name, int64_t *value,
                          anc_err *err)
{
    anc_h5_guard_enter(f->guard);
    anc_status status = get_number(f, object, name, ANC_H5_I64, value, err);
    anc_h5_guard_leave(f->guard);
    return status;
}

anc_status anc_h5_get_real(const anc_h5_file *f, const char *object, const char *name, double *value,
                           anc_err *err)
{
    anc_h5_guard_enter(f->guard);
    anc_status status = get_number(f, object, name, ANC_H5_F64, value, err);
    anc_h5_guard_leave(f->guard);
    return status;
}
