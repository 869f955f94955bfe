/* io/hdf5/h5_write.c: see h5.h, writing */
#include "io/hdf5/chunk.h"
#include "io/hdf5/h5.h"
#include "io/hdf5/h5_inner.h"
#include "io/file/seal.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- the file ---- */

bool anc_h5_begins(const void *head, size_t n)
{
    static const unsigned char signature[8] = { 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n' };
    return n >= sizeof signature && !memcmp(head, signature, sizeof signature);
}

anc_h5_place anc_h5_look(const char *path)
{
    char head[8];
    struct stat info;
    if (stat(path, &info)) return ANC_H5_NOTHING;
    if (!S_ISREG(info.st_mode)) return ANC_H5_FOREIGN;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return ANC_H5_FOREIGN;
    ssize_t n = read(fd, head, sizeof head);
    close(fd);
    if (n == 0) return ANC_H5_NOTHING;
    return n > 0 && anc_h5_begins(head, (size_t)n) ? ANC_H5_SOME : ANC_H5_FOREIGN;
}

/* Frees f and gives up its part, which is removed unless it has its final name. */
static void let_go(anc_h5_file *f, bool renamed)
{
    if (f->syncing) anc_sync_end(f->syncing, f->fd);
    if (f->part && !renamed) unlink(f->part);
    if (f->part) close(f->fd);
    anc_h5_forget(f);
}

anc_status anc_h5_create_part(const char *path, anc_h5_file *f, anc_err *err)
{
    return anc_h5_create_part_as(path, NULL, f, err);
}

anc_status anc_h5_create_part_as(const char *path, const char *tag, anc_h5_file *f, anc_err *err)
{
    if (!tag && anc_h5_look(path) == ANC_H5_FOREIGN)
        return anc_fail(err, ANC_ESYSTEM,
                        "%s: already there and not an HDF5 file; choose another name, or remove it", path);
    *f = (anc_h5_file){ .path = strdup(path) };
    if (!f->path || asprintf(&f->part, "%s%s%s.part", path, tag ? "." : "", tag ? tag : "") < 0) {
        f->part = NULL;
        anc_h5_forget(f);
        return anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    }
    anc_h5_start();
    f->fd = anc_out_take(f->part, err);
    if (f->fd < 0) {
        anc_h5_forget(f);
        return err->code;
    }
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    H5Pset_alignment(access, 256,
                     8); /* so that numbers in one piece can be used where they lie in a mapped file */
#if H5_VERSION_GE(1, 10, 7)
    H5Pset_file_locking(access, 0, 1); /* the lock is fd's */
#else
    flock(f->fd, LOCK_UN); /* HDF5 takes its own */
#endif
    H5Pset_obj_track_times(create, 0); /* for the root group */
    f->id = H5Fcreate(f->part, H5F_ACC_TRUNC, create, access);
    hid_t kept = anc_h5_keep_messages();
    H5Pclose(access);
    H5Pclose(create);
    anc_h5_restore_messages(kept);
    if (f->id > 0) return ANC_OK;
    anc_h5_fail(err, ANC_ESYSTEM, "%s: cannot create", f->part);
    let_go(f, false);
    return err->code;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static anc_status system_failed(const anc_h5_file *f, const char *what, anc_err *err)
{
    return anc_fail(err, ANC_ESYSTEM, "%s: cannot %s: %s", f->part, what, strerror(errno));
}

/* The disk begins on what is dirty of the file, and nobody waits for it. */
static void begin_writing(int fd)
{
#ifdef SYNC_FILE_RANGE_WRITE
    sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
    (void)fd;
#endif
}

void anc_h5_abandon(anc_h5_file *f)
{
    if (f->id <= 0 && !f->sealed) return;
    if (f->id > 0) H5Fclose(f->id);
    H5Eclear2(H5E_DEFAULT);
    let_go(f, false);
}

/* Flushes and closes. Flushing first finds a full disk while the file can still be closed in peace. */
static anc_status close_written(anc_h5_file *f, anc_err *err)
{
    anc_status status = ANC_OK;
    if (H5Fflush(f->id, H5F_SCOPE_GLOBAL) < 0)
        status = anc_h5_fail(err, ANC_ESYSTEM, "%s: cannot write; is the disk full?", f->part);
    if (f->lost.code) {
        *err = f->lost;
        status = err->code;
    }
    if (H5Fclose(f->id) < 0 && !status)
        status = anc_h5_fail(err, ANC_ESYSTEM, "%s: cannot close; is the disk full?", f->part);
    H5Eclear2(H5E_DEFAULT);
    f->id = 0;
    return status;
}

/* Closes and seals. fd is open since before the disk began: no failure of it is missed. */
static anc_status seal(anc_h5_file *f, anc_err *err)
{
    assert(f->id > 0 && f->part);
    anc_status status = close_written(f, err);
    double start = now_s();
    if (!status) {
        begin_writing(f->fd);
        f->sealed = !(status = anc_seal_append(f->part, err));
        if (status) anc_within(err, "%s", f->part);
    }
    if (f->cost) f->cost->seal_s += now_s() - start;
    if (status) let_go(f, false);
    return status;
}

anc_status anc_h5_seal(anc_h5_file *f, anc_err *err)
{
    if (seal(f, err)) return err->code;
    f->syncing = anc_sync_begin(f->fd);
    return ANC_OK;
}

anc_status anc_h5_commit(anc_h5_file *f, anc_err *err)
{
    if (!f->sealed && seal(f, err)) return err->code;
    double start = now_s();
    anc_status status = ANC_OK;
    errno = anc_sync_end(f->syncing, f->fd);
    f->syncing = NULL;
    if (errno)
        status = system_failed(f, "sync", err);
    else if (rename(f->part, f->path))
        status = system_failed(f, "rename to its final name", err);
    bool renamed = !status;
    if (renamed && !f->folder_later) status = anc_out_sync_folder_of(f->path, err);
    if (f->cost) f->cost->sync_s += now_s() - start;
    let_go(f, renamed);
    return status;
}

/* ---- attributes ---- */

/* Makes the groups on the way to name; with whole, name itself too. */
static int make_groups(hid_t file, const char *name, int whole)
{
    hid_t plist = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(plist, 0);
    char *copy = strdup(name);
    int failed = !copy;
    for (char *p = copy ? copy + 1 : NULL; !failed && p && *p;) {
        char *slash = strchr(p, '/');
        if (!slash && !whole) break;
        if (slash) *slash = '\0';
        if (H5Lexists(file, copy, H5P_DEFAULT) <= 0) {
            hid_t group = H5Gcreate2(file, copy, H5P_DEFAULT, plist, H5P_DEFAULT);
            failed = group < 0 || H5Gclose(group) < 0;
        }
        if (!slash) break;
        *slash = '/';
        p = slash + 1;
    }
    free(copy);
    H5Pclose(plist);
    return failed ? -1 : 0;
}

static hid_t string_type(size_t bytes)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, bytes ? bytes : 1);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

/* Takes type over. */
static anc_status set_attribute(hid_t object, const char *name, hid_t type, const void *value, anc_err *err)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    int failed = attribute < 0 || H5Awrite(attribute, type, value) < 0;
    if (failed) anc_h5_fail(err, ANC_ESYSTEM, "cannot write attribute '%s'", name);
    if (attribute >= 0 && H5Aclose(attribute) < 0 && !failed)
        failed = !!anc_h5_fail(err, ANC_ESYSTEM, "cannot write attribute '%s'", name);
    H5Sclose(space);
    H5Tclose(type);
    return failed ? err->code : ANC_OK;
}

static anc_status set_at(anc_h5_file *f, const char *object, const char *name, hid_t type, const void *value,
                         anc_err *err)
{
    hid_t id = H5Lexists(f->id, object, H5P_DEFAULT) > 0 || !make_groups(f->id, object, 1)
                   ? H5Oopen(f->id, object, H5P_DEFAULT)
                   : -1;
    if (id < 0) {
        H5Tclose(type);
        return anc_h5_fail(err, ANC_ESYSTEM, "%s: cannot make the group %s", f->part, object);
    }
    anc_status status = set_attribute(id, name, type, value, err);
    anc_h5_closed(f, H5Oclose(id));
    return status ? anc_within(err, "%s: %s", f->part, object) : ANC_OK;
}

anc_status anc_h5_set_string(anc_h5_file *f, const char *object, const char *name, const char *value,
                             anc_err *err)
{
    return set_at(f, object, name, string_type(strlen(value)), value, err);
}

anc_status anc_h5_set_int(anc_h5_file *f, const char *object, const char *name, int64_t value, anc_err *err)
{
    return set_at(f, object, name, anc_h5_type_id(ANC_H5_I64), &value, err);
}

anc_status anc_h5_set_real(anc_h5_file *f, const char *object, const char *name, double value, anc_err *err)
{
    return set_at(f, object, name, anc_h5_type_id(ANC_H5_F64), &value, err);
}

anc_status anc_h5_stamp(anc_h5_file *f, const char *format, int version, const char *config, anc_err *err)
{
    if (anc_h5_set_string(f, "/", "format", format, err) ||
        anc_h5_set_int(f, "/", "format_version", version, err) ||
        anc_h5_set_string(f, "/", "anchorage_version", ANC_VERSION, err) ||
        anc_h5_set_string(f, "/", "config", config, err))
        return err->code;
    return ANC_OK;
}

/* ---- datasets ---- */

static size_t row_bytes(const anc_h5_spec *spec)
{
    size_t bytes = anc_h5_type_bytes(spec->type);
    for (int k = 1; k < spec->rank; k++) bytes *= (size_t)spec->dims[k];
    return bytes;
}

int64_t anc_h5_chunk_rows(const anc_h5_spec *spec)
{
    size_t bytes = row_bytes(spec);
    int64_t rows = spec->chunk_rows > 0 ? spec->chunk_rows
                   : bytes              ? (int64_t)(ANC_H5_CHUNK_BYTES / bytes)
                                        : 1;
    if (rows > spec->dims[0]) rows = spec->dims[0];
    return rows > 0 ? rows : 1;
}

/* A copy of dcpl with times off, or the list that the spec asks for. */
static hid_t creation_list(const anc_h5_spec *spec, size_t bytes, hid_t dcpl)
{
    hid_t plist = dcpl == H5P_DEFAULT ? H5Pcreate(H5P_DATASET_CREATE) : H5Pcopy(dcpl);
    H5Pset_obj_track_times(plist, 0);
    if (dcpl != H5P_DEFAULT || spec->chunk_rows < 0 || spec->dims[0] == 0 || bytes == 0) return plist;
    hsize_t chunk[ANC_H5_MAX_RANK] = { (hsize_t)anc_h5_chunk_rows(spec) };
    for (int k = 1; k < spec->rank; k++) chunk[k] = (hsize_t)spec->dims[k];
    H5Pset_chunk(plist, spec->rank, chunk);
    if (spec->deflate) {
        H5Pset_shuffle(plist);
        H5Pset_deflate(plist, (unsigned)(spec->deflate < 9 ? spec->deflate : 9));
    }
    H5Pset_fletcher32(plist);
    return plist;
}

/* Creates spec's dataset with elements of `type`, which stays the caller's. */
static anc_status create(anc_h5_file *f, const anc_h5_spec *spec, hid_t type, size_t bytes, hid_t dcpl,
                         hid_t *id, anc_err *err)
{
    assert(spec->rank >= 1 && spec->rank <= ANC_H5_MAX_RANK && (spec->units || spec->description));
    hsize_t dims[ANC_H5_MAX_RANK];
    for (int k = 0; k < spec->rank; k++) dims[k] = (hsize_t)spec->dims[k];
    hid_t space = H5Screate_simple(spec->rank, dims, NULL), plist = creation_list(spec, bytes, dcpl);
    *id = make_groups(f->id, spec->name, 0)
              ? -1
              : H5Dcreate2(f->id, spec->name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (*id < 0) anc_h5_fail(err, ANC_ESYSTEM, "%s: cannot create %s", f->part, spec->name);
    H5Pclose(plist);
    H5Sclose(space);
    if (*id < 0) return err->code;
    const char *const text[] = { spec->units, spec->description }, *const name[] = { "units", "description" };
    for (int k = 0; k < 2; k++) {
        if (!text[k] || !set_attribute(*id, name[k], string_type(strlen(text[k])), text[k], err)) continue;
        anc_h5_closed(f, H5Dclose(*id));
        *id = 0;
        return anc_within(err, "%s: %s", f->part, spec->name);
    }
    return ANC_OK;
}

anc_status anc_h5_define(anc_h5_file *f, const anc_h5_spec *spec, hid_t dcpl, anc_h5_data *d, anc_err *err)
{
    hid_t type = anc_h5_type_id(spec->type);
    *d = (anc_h5_data){ .type = spec->type, .rank = spec->rank, .file = f };
    memcpy(d->dims, spec->dims, sizeof d->dims);
    anc_status status = create(f, spec, type, row_bytes(spec), dcpl, &d->id, err);
    H5Tclose(type);
    if (status) *d = (anc_h5_data){ 0 };
    return status;
}

anc_status anc_h5_data_write(const anc_h5_data *d, int64_t first, int64_t n, const void *rows, anc_err *err)
{
    assert(first >= 0 && n >= 0 && n <= d->dims[0] - first);
    if (!n) return ANC_OK;
    hid_t type = anc_h5_type_id(d->type);
    int failed = anc_h5_transfer(d, type, first, n, (void *)(uintptr_t)rows, ANC_H5_OUT);
    char name[128];
    if (failed)
        anc_h5_fail(err, ANC_ESYSTEM, "cannot write %s; is the disk full?",
                    anc_h5_name_of(d->id, name, sizeof name));
    H5Tclose(type);
    return failed ? err->code : ANC_OK;
}

/* Packs chunk after chunk and hands each to HDF5 as it is to stand in the file. */
anc_status anc_h5_data_pack(const anc_h5_data *d, const anc_h5_spec *spec, int64_t start, int64_t n,
                            const void *data, anc_err *err)
{
    int64_t chunk = anc_h5_chunk_rows(spec), end = start + n;
    hsize_t at[ANC_H5_MAX_RANK] = { 0 };
    size_t row = row_bytes(spec), chunk_bytes = (size_t)chunk * row;
    assert(start % chunk == 0 && end <= spec->dims[0] && (end % chunk == 0 || end == spec->dims[0]));
    anc_chunk_packer *packer;
    if (anc_chunk_packer_new(chunk_bytes, spec->deflate, &packer, err)) return err->code;
    unsigned char *last = NULL;
    anc_status status = ANC_OK;
    for (int64_t first = start; first < end && !status; first += chunk) {
        const unsigned char *rows = (const unsigned char *)data + (size_t)(first - start) * row;
        int64_t left = end - first;
        if (left < chunk) { /* a chunk is whole in the file: zeros stand for the rows beyond the end */
            last = calloc(1, chunk_bytes);
            if (!last) {
                status = anc_fail(err, ANC_EMEMORY, "no memory to pack chunks of %zu bytes", chunk_bytes);
                break;
            }
            memcpy(last, rows, (size_t)left * row);
            rows = last;
        }
        const void *packed;
        size_t n_packed;
        anc_chunk_pack(packer, rows, chunk_bytes, anc_h5_type_bytes(spec->type), spec->noise, &packed,
                       &n_packed);
        at[0] = (hsize_t)first;
        if (H5Dwrite_chunk(d->id, H5P_DEFAULT, 0, at, n_packed, packed) < 0)
            status = anc_h5_fail(err, ANC_ESYSTEM, "cannot write %s; is the disk full?", spec->name);
    }
    free(last);
    anc_chunk_packer_free(packer);
    return status;
}

anc_status anc_h5_write(anc_h5_file *f, const anc_h5_spec *spec, const void *data, anc_err *err)
{
    anc_h5_data d;
    if (anc_h5_define(f, spec, H5P_DEFAULT, &d, err)) return err->code;
    anc_status status = spec->deflate && spec->chunk_rows >= 0 && spec->dims[0] && row_bytes(spec)
                            ? anc_h5_data_pack(&d, spec, 0, spec->dims[0], data, err)
                            : anc_h5_data_write(&d, 0, spec->dims[0], data, err);
    anc_h5_data_close(&d);
    if (status) return anc_within(err, "%s", f->part);
    if (f->lost.code) *err = f->lost;
    return f->lost.code;
}

anc_status anc_h5_write_strings(anc_h5_file *f, const char *name, int64_t n, const char *const *text,
                                const char *description, anc_err *err)
{
    size_t longest = 1;
    for (int64_t i = 0; i < n; i++)
        if (strlen(text[i]) > longest) longest = strlen(text[i]);
    anc_h5_spec spec = { .name = name, .rank = 1, .dims = { n }, .deflate = 1, .description = description };
    spec.chunk_rows = longest < ANC_H5_CHUNK_BYTES ? ANC_H5_CHUNK_BYTES / (int64_t)longest : 1;
    int64_t run = anc_h5_rows_at_once(longest);
    char *block = malloc((size_t)run * longest);
    if (!block) return anc_fail(err, ANC_EMEMORY, "%s: no memory for %s", f->part, name);
    hid_t type = string_type(longest);
    anc_h5_data d = { .rank = 1, .dims = { n } };
    anc_status status = create(f, &spec, type, longest, H5P_DEFAULT, &d.id, err);
    for (int64_t first = 0; !status && first < n; first += run) {
        int64_t k = n - first < run ? n - first : run;
        memset(block, 0, (size_t)k * longest);
        for (int64_t i = 0; i < k; i++)
            memcpy(block + (size_t)i * longest, text[first + i], strlen(text[first + i]));
        if (anc_h5_transfer(&d, type, first, k, block, ANC_H5_OUT))
            status = anc_h5_fail(err, ANC_ESYSTEM, "%s: cannot write %s; is the disk full?", f->part, name);
    }
    if (d.id > 0) anc_h5_closed(f, H5Dclose(d.id));
    H5Tclose(type);
    free(block);
    return status;
}
