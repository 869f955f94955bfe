/* io/h5.c: see h5.h */
#include "io/h5.h"
#include "io/chunk.h"
#include "io/h5_guard.h"
#include "io/h5_virtual.h"
#include "io/seal.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct {
    const char *name;
    size_t bytes;
} types[] = {
    [ANC_H5_I8] = { "int8", 1 },     [ANC_H5_U8] = { "uint8", 1 },    [ANC_H5_I32] = { "int32", 4 },
    [ANC_H5_U32] = { "uint32", 4 },  [ANC_H5_I64] = { "int64", 8 },   [ANC_H5_U64] = { "uint64", 8 },
    [ANC_H5_F16] = { "float16", 2 }, [ANC_H5_F32] = { "float32", 4 }, [ANC_H5_F64] = { "float64", 8 },
};

size_t anc_h5_type_bytes(anc_h5_type type) { return types[type].bytes; }
const char *anc_h5_type_name(anc_h5_type type) { return types[type].name; }

hid_t anc_h5_type_id(anc_h5_type type)
{
    switch (type) {
    case ANC_H5_I8: return H5Tcopy(H5T_STD_I8LE);
    case ANC_H5_U8: return H5Tcopy(H5T_STD_U8LE);
    case ANC_H5_I32: return H5Tcopy(H5T_STD_I32LE);
    case ANC_H5_U32: return H5Tcopy(H5T_STD_U32LE);
    case ANC_H5_I64: return H5Tcopy(H5T_STD_I64LE);
    case ANC_H5_U64: return H5Tcopy(H5T_STD_U64LE);
    case ANC_H5_F32: return H5Tcopy(H5T_IEEE_F32LE);
    case ANC_H5_F64: return H5Tcopy(H5T_IEEE_F64LE);
    case ANC_H5_F16: break;
    }
    hid_t half = H5Tcopy(H5T_IEEE_F32LE); /* IEEE binary16: sign at 15, 5 exponent bits from 10, bias 15 */
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_ebias(half, 15);
    H5Tset_size(half, 2);
    return half;
}

enum { INNER_BYTES = 5000 }; /* a file name may be in it */

static herr_t keep_innermost(unsigned n, const H5E_error2_t *e, void *context)
{
    if (n == 0 && e->desc) snprintf(context, INNER_BYTES, "%s", e->desc);
    return 0;
}

anc_status anc_h5_fail(anc_err *err, anc_status code, const char *format, ...)
{
    char text[600], inner[INNER_BYTES] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, inner);
    H5Eclear2(H5E_DEFAULT);
    static const char system[] =
        "error message = '"; /* of a failed read or write, amid times and addresses */
    char *reason = strstr(inner, system);
    if (reason) {
        reason += sizeof system - 1;
        reason[strcspn(reason, "'")] = '\0';
        return anc_fail(err, code, "%s (%s)", text, reason);
    }
    inner[strcspn(inner, "\n")] = '\0';
    return anc_fail(err, code, inner[0] ? "%s (HDF5: %s)" : "%s%s", text, inner);
}

/* Every HDF5 call clears the messages of the last failure; put them aside while tidying up after one. */
static hid_t keep_messages(void) { return H5Eget_current_stack(); }
static void restore_messages(hid_t kept) { H5Eset_current_stack(kept); }

/* ---- the file ---- */

static void forget(anc_h5_file *f)
{
    free(f->path);
    free(f->part);
    *f = (anc_h5_file){ 0 };
}

/* Takes the result of closing a part of a file that is being written: HDF5 may only now have written it. */
static void closed(anc_h5_file *f, herr_t result)
{
    if (result >= 0) return;
    if (f && !f->lost.code)
        anc_h5_fail(&f->lost, ANC_ESYSTEM, "%s: cannot write; is the disk full?", f->part);
    H5Eclear2(H5E_DEFAULT);
}

/* Before anything else of HDF5: no printing, and no clean-up at exit, which crashes (1.10) when a file could
 * not be written to its end, as on a full disk. */
void anc_h5_start(void)
{
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* What a finished file would take the place of: nothing, or an older HDF5 file; never a source or a device.
 */
static anc_status check_replaced(const char *path, anc_err *err)
{
    static const unsigned char signature[8] = { 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n' };
    unsigned char head[sizeof signature];
    struct stat info;
    if (stat(path, &info)) return ANC_OK; /* nothing, or a matter for the rename */
    if (S_ISREG(info.st_mode)) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof head);
        if (fd >= 0) close(fd);
        if (fd < 0 || n == 0 || (n == sizeof head && !memcmp(head, signature, sizeof head))) return ANC_OK;
    }
    return anc_fail(err, ANC_ESYSTEM,
                    "%s: already there and not an HDF5 file; choose another name, or remove it", path);
}

anc_status anc_h5_create_part(const char *path, anc_h5_file *f, anc_err *err)
{
    return anc_h5_create_part_as(path, NULL, f, err);
}

anc_status anc_h5_create_part_as(const char *path, const char *tag, anc_h5_file *f, anc_err *err)
{
    if (check_replaced(path, err)) return err->code;
    *f = (anc_h5_file){ .path = strdup(path) };
    if (!f->path || asprintf(&f->part, "%s%s%s.part", path, tag ? "." : "", tag ? tag : "") < 0) {
        f->part = NULL;
        forget(f);
        return anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    }
    anc_h5_start();
    /* HDF5 reports a failed open in its own long words: the system's are clearer. */
    int fd = open(f->part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        anc_fail(err, ANC_ESYSTEM, "%s: cannot create: %s", f->part, strerror(errno));
        forget(f);
        return err->code;
    }
    close(fd);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    H5Pset_alignment(access, 256,
                     8); /* so that numbers in one piece can be used where they lie in a mapped file */
#if H5_VERSION_GE(1, 10, 7)
    H5Pset_file_locking(access, 1, 1); /* two writers collide at once; file systems without locks will do */
#endif
    H5Pset_obj_track_times(create, 0); /* for the root group */
    f->id = H5Fcreate(f->part, H5F_ACC_TRUNC, create, access);
    hid_t kept = keep_messages();
    H5Pclose(access);
    H5Pclose(create);
    restore_messages(kept);
    if (f->id > 0) return ANC_OK;
    anc_h5_fail(err, ANC_ESYSTEM, "%s: cannot create", f->part);
    unlink(f->part);
    forget(f);
    return err->code;
}

void anc_h5_abandon(anc_h5_file *f)
{
    if (f->id <= 0) return;
    H5Fclose(f->id);
    H5Eclear2(H5E_DEFAULT);
    if (f->part) unlink(f->part);
    forget(f);
}

static int sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    int failed = fsync(fd), reason = errno;
    close(fd);
    errno = reason;
    return failed;
}

/* The disk begins on the file's data while its seal is computed, so that the sync afterwards waits for less. */
static void begin_writing(const char *path)
{
#ifdef SYNC_FILE_RANGE_WRITE
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    close(fd);
#else
    (void)path;
#endif
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* From a closed file to one that is sealed, on disk, and under its final name. */
static anc_status finish(const anc_h5_file *f, anc_err *err)
{
    double start = now_s();
    begin_writing(f->part);
    if (anc_seal_append(f->part, err)) return anc_within(err, "%s", f->part);
    double sealed = now_s();
    if (sync_file(f->part))
        return anc_fail(err, ANC_ESYSTEM, "%s: cannot sync: %s", f->part, strerror(errno));
    if (rename(f->part, f->path))
        return anc_fail(err, ANC_ESYSTEM, "%s: cannot rename to its final name: %s", f->part,
                        strerror(errno));
    if (!f->folder_later && anc_out_sync_folder_of(f->path, err)) return err->code;
    if (!f->cost) return ANC_OK;
    f->cost->seal_s += sealed - start;
    f->cost->sync_s += now_s() - sealed;
    return ANC_OK;
}

anc_status anc_h5_commit(anc_h5_file *f, anc_err *err)
{
    assert(f->id > 0 && f->part);
    anc_status status = ANC_OK;
    /* Flushing first finds a full disk while the file can still be closed in peace. */
    if (H5Fflush(f->id, H5F_SCOPE_GLOBAL) < 0)
        status = anc_h5_fail(err, ANC_ESYSTEM, "%s: cannot write; is the disk full?", f->part);
    if (f->lost.code) {
        *err = f->lost;
        status = err->code;
    }
    if (H5Fclose(f->id) < 0 && !status)
        status = anc_h5_fail(err, ANC_ESYSTEM, "%s: cannot close; is the disk full?", f->part);
    H5Eclear2(H5E_DEFAULT);
    if (!status) status = finish(f, err);
    if (status) unlink(f->part); /* not there any more when only its folder could not be synced */
    forget(f);
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
    closed(f, H5Oclose(id));
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
        closed(f, H5Dclose(*id));
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

void anc_h5_data_close(anc_h5_data *d)
{
    anc_h5_guard_enter(d->guard);
    if (d->id > 0) closed(d->file, H5Dclose(d->id));
    anc_h5_guard_leave(d->guard);
    *d = (anc_h5_data){ 0 };
}

/* The part of a dataset's space that holds rows [first, first + n), and a space for as much memory. */
static int select_rows(const anc_h5_data *d, int64_t first, int64_t n, hid_t *file, hid_t *memory)
{
    hsize_t start[ANC_H5_MAX_RANK] = { (hsize_t)first }, count[ANC_H5_MAX_RANK] = { (hsize_t)n };
    for (int k = 1; k < d->rank; k++) count[k] = (hsize_t)d->dims[k];
    *file = H5Dget_space(d->id);
    *memory = H5Screate_simple(d->rank, count, NULL);
    return *file < 0 || *memory < 0 ||
           H5Sselect_hyperslab(*file, H5S_SELECT_SET, start, NULL, count, NULL) < 0;
}

typedef enum { WRITE, READ } direction;

/* Moves rows of elements of `type` between memory and file. */
static int transfer(const anc_h5_data *d, hid_t type, int64_t first, int64_t n, void *rows, direction way)
{
    hid_t file, memory;
    int failed = select_rows(d, first, n, &file, &memory);
    if (!failed && d->guard)
        anc_h5_guard_reading(d->guard, (size_t)H5Sget_select_npoints(memory) * H5Tget_size(type));
    if (!failed && way == WRITE) failed = H5Dwrite(d->id, type, memory, file, H5P_DEFAULT, rows) < 0;
    if (!failed && way == READ) failed = H5Dread(d->id, type, memory, file, H5P_DEFAULT, rows) < 0;
    hid_t kept = keep_messages();
    if (file >= 0) H5Sclose(file);
    if (memory >= 0) H5Sclose(memory);
    restore_messages(kept);
    return failed;
}

/* The name of an open object, for errors. */
static const char *name_of(hid_t id, char *text, size_t room)
{
    hid_t kept = keep_messages();
    if (H5Iget_name(id, text, room) <= 0) snprintf(text, room, "a dataset");
    restore_messages(kept);
    return text;
}

anc_status anc_h5_data_write(const anc_h5_data *d, int64_t first, int64_t n, const void *rows, anc_err *err)
{
    assert(first >= 0 && n >= 0 && n <= d->dims[0] - first);
    if (!n) return ANC_OK;
    hid_t type = anc_h5_type_id(d->type);
    int failed = transfer(d, type, first, n, (void *)(uintptr_t)rows, WRITE);
    char name[128];
    if (failed)
        anc_h5_fail(err, ANC_ESYSTEM, "cannot write %s; is the disk full?",
                    name_of(d->id, name, sizeof name));
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

/* How many rows of `bytes` each pass through memory at a time. */
static int64_t rows_at_once(size_t bytes) { return bytes < 1 << 20 ? (int64_t)((1 << 20) / bytes) : 1; }

anc_status anc_h5_write_strings(anc_h5_file *f, const char *name, int64_t n, const char *const *text,
                                const char *description, anc_err *err)
{
    size_t longest = 1;
    for (int64_t i = 0; i < n; i++)
        if (strlen(text[i]) > longest) longest = strlen(text[i]);
    anc_h5_spec spec = { .name = name, .rank = 1, .dims = { n }, .deflate = 1, .description = description };
    spec.chunk_rows = longest < ANC_H5_CHUNK_BYTES ? ANC_H5_CHUNK_BYTES / (int64_t)longest : 1;
    int64_t run = rows_at_once(longest);
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
        if (transfer(&d, type, first, k, block, WRITE))
            status = anc_h5_fail(err, ANC_ESYSTEM, "%s: cannot write %s; is the disk full?", f->part, name);
    }
    if (d.id > 0) closed(f, H5Dclose(d.id));
    H5Tclose(type);
    free(block);
    return status;
}

/* ---- reading ---- */

/* H5Fopen, with the words for what is none of HDF5's. */
static anc_status open_id(const char *path, const char *guard, int64_t size, hid_t *id, anc_err *err)
{
    anc_h5_guard_enter(guard);
    htri_t is = H5Fis_hdf5(path);
    if (is < 0 && size)
        anc_h5_fail(err, ANC_ESYSTEM, "cannot be read"); /* its words, before they are cleared */
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 10, 7)
    H5Pset_file_locking(access, 0, 1); /* finished files do not change, and some file systems have no locks */
#endif
    *id = is > 0 ? H5Fopen(path, H5F_ACC_RDONLY, access) : -1;
    hid_t kept = keep_messages();
    H5Pclose(access);
    restore_messages(kept);
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
    if (status) forget(f);
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

void anc_h5_close(anc_h5_file *f)
{
    anc_h5_guard_enter(f->guard);
    if (f->id > 0) H5Fclose(f->id);
    anc_h5_guard_leave(f->guard);
    forget(f);
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
    size_t size = H5Tget_size(stored), room = anc_h5_type_bytes(type);
    if (type == ANC_H5_F16 || type == ANC_H5_F32 || type == ANC_H5_F64)
        return class == H5T_FLOAT && size <= room;
    if (class != H5T_INTEGER) return 0;
    int is_signed = H5Tget_sign(stored) == H5T_SGN_2;
    int want_signed = type == ANC_H5_I8 || type == ANC_H5_I32 || type == ANC_H5_I64;
    if (is_signed == want_signed) return size <= room;
    return want_signed && size < room;
}

static const char *class_name(hid_t stored, char *text, size_t room)
{
    size_t bits = 8 * H5Tget_size(stored);
    switch (H5Tget_class(stored)) {
    case H5T_INTEGER:
        snprintf(text, room, "%sint%zu", H5Tget_sign(stored) == H5T_SGN_NONE ? "u" : "", bits);
        break;
    case H5T_FLOAT: snprintf(text, room, "float%zu", bits); break;
    case H5T_STRING: snprintf(text, room, "strings"); break;
    default: snprintf(text, room, "values of another kind"); break;
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
    if (n != rank) return anc_fail(err, ANC_EDATA, "%s has %d dimensions, not %d", name, n, rank);
    for (int k = 0; k < rank; k++) {
        dims[k] = (int64_t)found[k];
        if (found[k] > INT64_MAX / 8 || (want[k] >= 0 && dims[k] != want[k]))
            return anc_fail(err, ANC_EDATA, "%s has %lld entries in dimension %d, not %lld", name,
                            (long long)dims[k], k, (long long)want[k]);
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
    int failed = transfer(d, type, first, n, rows, READ);
    char name[128];
    if (failed)
        anc_h5_fail(err, ANC_EDATA, "rows %lld to %lld of %s cannot be read; is the file damaged?",
                    (long long)first, (long long)(first + n), name_of(d->id, name, sizeof name));
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
    int64_t run = rows_at_once(bytes);
    if (bytes > ANC_H5_MAX_STRING) return too_long(name, 0, err);
    char *block = malloc((size_t)run * bytes);
    anc_status status = block ? ANC_OK : anc_fail(err, ANC_EMEMORY, "no memory for %s", name);
    for (int64_t first = 0; !status && first < d->dims[0]; first += run) {
        int64_t k = d->dims[0] - first < run ? d->dims[0] - first : run;
        if (transfer(d, type, first, k, block, READ))
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
        if (transfer(d, type, first, k, block, READ))
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
