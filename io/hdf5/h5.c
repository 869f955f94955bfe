/* io/hdf5/h5.c: see h5.h; here is what reading and writing share */
#include "io/hdf5/h5.h"
#include "io/hdf5/h5_guard.h"
#include "io/hdf5/h5_inner.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

hid_t anc_h5_keep_messages(void) { return H5Eget_current_stack(); }
void anc_h5_restore_messages(hid_t kept) { H5Eset_current_stack(kept); }

hid_t anc_h5_reading(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 10, 7)
    H5Pset_file_locking(access, 0, 1);
#endif
    return access;
}

void anc_h5_forget(anc_h5_file *f)
{
    free(f->path);
    free(f->part);
    *f = (anc_h5_file){ 0 };
}

void anc_h5_closed(anc_h5_file *f, herr_t result)
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

void anc_h5_data_close(anc_h5_data *d)
{
    anc_h5_guard_enter(d->guard);
    if (d->id > 0) anc_h5_closed(d->file, H5Dclose(d->id));
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

int anc_h5_transfer(const anc_h5_data *d, hid_t type, int64_t first, int64_t n, void *rows,
                    anc_h5_direction way)
{
    hid_t file, memory;
    int failed = select_rows(d, first, n, &file, &memory);
    if (!failed && d->guard)
        anc_h5_guard_reading(d->guard, (size_t)H5Sget_select_npoints(memory) * H5Tget_size(type));
    if (!failed && way == ANC_H5_OUT) failed = H5Dwrite(d->id, type, memory, file, H5P_DEFAULT, rows) < 0;
    if (!failed && way == ANC_H5_IN) failed = H5Dread(d->id, type, memory, file, H5P_DEFAULT, rows) < 0;
    hid_t kept = anc_h5_keep_messages();
    if (file >= 0) H5Sclose(file);
    if (memory >= 0) H5Sclose(memory);
    anc_h5_restore_messages(kept);
    return failed;
}

const char *anc_h5_name_of(hid_t id, char *text, size_t capacity)
{
    hid_t kept = anc_h5_keep_messages();
    if (H5Iget_name(id, text, capacity) <= 0) snprintf(text, capacity, "a dataset");
    anc_h5_restore_messages(kept);
    return text;
}

int64_t anc_h5_rows_at_once(size_t bytes) { return bytes < 1 << 20 ? (int64_t)((1 << 20) / bytes) : 1; }
