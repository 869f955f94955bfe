/* io/hdf5/h5.h: HDF5 files as this project writes and reads them
 *
 * Written: the same content gives the same bytes (no times anywhere); metadata carry checksums (the 1.10 file
 * format does that), data carry fletcher32; a file is complete under its final name or not there at all.
 * Read: nothing in a file is believed before it was checked, and errors end in HDF5's own innermost words.
 * HDF5 prints its error stack to stderr by default; creating or opening a file here turns that off.
 *
 * hid_t are public so that a caller can do what is not covered here. Strings are UTF-8.
 */
#ifndef ANC_IO_HDF5_H5_H
#define ANC_IO_HDF5_H5_H

#include "core/err.h"
#include "io/file/out.h"
#include "io/file/sync_later.h"
#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ANC_H5_MAX_RANK = 4,
    ANC_H5_MAX_STRING = 64 << 10, /* bytes of an element */
    ANC_H5_CHUNK_BYTES =
        256 << 10 /* below HDF5's 1 MiB chunk cache, so that no chunk is inflated twice in a row */
};

typedef enum {
    ANC_H5_I8,
    ANC_H5_U8,
    ANC_H5_I32,
    ANC_H5_U32,
    ANC_H5_I64,
    ANC_H5_U64,
    ANC_H5_F16, /* in memory its raw 16 bits, uint16_t */
    ANC_H5_F32,
    ANC_H5_F64
} anc_h5_type;

size_t anc_h5_type_bytes(anc_h5_type type);
const char *anc_h5_type_name(anc_h5_type type); /* "int32" */
hid_t anc_h5_type_id(
    anc_h5_type type); /* little-endian, as in files and in memory; to be closed by the caller */

typedef struct {
    hid_t id;           /* 0 when not open: a zeroed file is closed */
    char *path;         /* final name */
    char *part;         /* name while it is written, NULL for one that is read */
    anc_err lost;       /* what could not be written when its object was closed, for the commit to say */
    bool folder_later;  /* the commit leaves the fsync of the folder to the caller, who writes many files */
    anc_out_cost *cost; /* the commit adds to it; NULL: nobody asks */
    bool sealed;        /* by anc_h5_seal */
    int fd;             /* of the part, beside HDF5's own: for its lock and its sync */
    anc_sync *syncing;  /* of a sealed one: under way */
    const char *guard;  /* path, when it is read without a seal to vouch for it: see io/hdf5/h5_guard.h */
} anc_h5_file;

/* An open dataset. A zeroed one is closed. */
typedef struct {
    hid_t id;
    anc_h5_type type; /* of the caller's memory */
    int rank;
    int64_t dims[ANC_H5_MAX_RANK];
    anc_h5_file *file; /* that it is written to; NULL: it is read */
    const char *guard; /* the file's */
} anc_h5_data;

typedef struct {
    const char *name; /* "/boxes/xyxy"; groups on the way are made when they are missing */
    anc_h5_type type;
    int rank; /* 1 to ANC_H5_MAX_RANK */
    int64_t dims[ANC_H5_MAX_RANK];
    int64_t chunk_rows; /* 0: what fits in ANC_H5_CHUNK_BYTES; -1: contiguous, neither packed nor checked */
    int deflate;        /* level, as libdeflate counts them, after a byte shuffle; 0: not packed */
    int noise; /* bytes of an element, from the lowest, that packing would gain nothing on: kept as they are
                */
    const char *units; /* attributes; give one or both, NULL leaves one out */
    const char *description;
} anc_h5_spec;

/* HDF5 prints nothing more in this thread. Creating and opening do it; a thread that reads from a file that
 * another one has opened calls it first. */
void anc_h5_start(void);

/* ---- writing ---- */

/* What stands under a name. */
typedef enum {
    ANC_H5_NOTHING, /* or an empty file */
    ANC_H5_SOME,    /* a file that begins as HDF5 files do */
    ANC_H5_FOREIGN  /* another file, one that may not be read, a folder, a device: never replaced */
} anc_h5_place;
anc_h5_place anc_h5_look(const char *path);

/* Whether the n bytes begin as an HDF5 file does (with nothing in front: a user block). */
bool anc_h5_begins(const void *head, size_t n);

/* Whether a file of a format may take the place of what is at path: nothing, one of that format, or what is
 * left of a damaged one. Errors: ANC_EARGUMENT, with path and remedy: what is there is somebody's. */
anc_status anc_h5_may_replace(const char *path, const char *format, anc_err *err);

/* Starts path.part; a left-over one is replaced. In the end it may take the place of an older HDF5 file or an
 * empty one, of nothing else. Errors: ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_h5_create_part(const char *path, anc_h5_file *f, anc_err *err);

/* The same as path.TAG.part, for files that two processes might come to write at once: the rename of one then
 * never gives the other's half-written file its final name. For names that are the run's own: what stands
 * there, such as a shard that lost its first bytes, is replaced whatever it is. */
anc_status anc_h5_create_part_as(const char *path, const char *tag, anc_h5_file *f, anc_err *err);

/* Closes, seals (io/file/seal.h), fsyncs, renames to the final name, fsyncs the folder. The file is closed either
 * way; on errors nothing is left under either name (an older file of the final name stays as it was), unless
 * it is only the folder that cannot be synced. Errors: ANC_ESYSTEM. */
anc_status anc_h5_commit(anc_h5_file *f, anc_err *err);

/* The first half of a commit: closes, seals, and begins to sync (io/file/sync_later.h). The file keeps its part's
 * name. A commit some time later waits for what is left of the sync; until then all of it can still be
 * abandoned. Errors: ANC_ESYSTEM, with the file closed and nothing left. */
anc_status anc_h5_seal(anc_h5_file *f, anc_err *err);

/* Closes and removes the part, sealed or not; on a closed file nothing. */
void anc_h5_abandon(anc_h5_file *f);

/* The root attributes that every file has. config is JSON text. */
anc_status anc_h5_stamp(anc_h5_file *f, const char *format, int version, const char *config, anc_err *err);

/* Creates a dataset in f, which outlives *d, and leaves it open for anc_h5_data_write or direct chunk writes.
 * dcpl is a creation property list to add filters or virtual sources to, or H5P_DEFAULT; with a list of the
 * caller's own, chunk_rows and deflate of the spec are ignored. Datasets without rows are contiguous. */
anc_status anc_h5_define(anc_h5_file *f, const anc_h5_spec *spec, hid_t dcpl, anc_h5_data *d, anc_err *err);

/* Rows [first, first + n); a row is everything behind the first dimension. Whole chunks are fastest. */
anc_status anc_h5_data_write(const anc_h5_data *d, int64_t first, int64_t n, const void *rows, anc_err *err);

/* The same for a dataset that spec, with chunks and deflate, has defined: rows are packed here, faster than
 * HDF5 would. Both ends of a run stand on multiples of anc_h5_chunk_rows, or at the dataset's end. */
anc_status anc_h5_data_pack(const anc_h5_data *d, const anc_h5_spec *spec, int64_t first, int64_t n,
                            const void *rows, anc_err *err);
int64_t anc_h5_chunk_rows(const anc_h5_spec *spec); /* rows of a chunk, at least 1 */

/* Define, write all, close. */
anc_status anc_h5_write(anc_h5_file *f, const anc_h5_spec *spec, const void *data, anc_err *err);

/* 1-D strings of one fixed length, NUL-padded: what h5py gives as an array of bytes. */
anc_status anc_h5_write_strings(anc_h5_file *f, const char *name, int64_t n, const char *const *text,
                                const char *description, anc_err *err);

/* Attributes of the group or dataset at object ("/" is the root). A group that is missing is made. */
anc_status anc_h5_set_string(anc_h5_file *f, const char *object, const char *name, const char *value,
                             anc_err *err);
anc_status anc_h5_set_int(anc_h5_file *f, const char *object, const char *name, int64_t value, anc_err *err);
anc_status anc_h5_set_real(anc_h5_file *f, const char *object, const char *name, double value, anc_err *err);

/* ---- reading ---- */

/* Opens for reading and checks the root attributes: format (NULL: any), and a format_version of 1 to
 * max_version. A file that ends in a seal (io/file/seal.h) is held to it first, all its bytes, before HDF5 sees
 * any. The error text names no path: the caller adds it. Errors: ANC_EDATA, ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_h5_open(const char *path, const char *format, int max_version, anc_h5_file *f, anc_err *err);

/* The same without a look at the seal, for files that are too large to be read twice. */
anc_status anc_h5_open_large(const char *path, const char *format, int max_version, anc_h5_file *f,
                             anc_err *err);
void anc_h5_close(anc_h5_file *f);

/* What a file says it is: its root attribute 'format', malloc'ed. Errors as above. */
anc_status anc_h5_format_of(const char *path, char **format, anc_err *err);

/* Opens a dataset whose elements fit in `type` without loss, of the given rank; dims [rank], where -1 is any.
 * Datasets that claim more rows than their stored bytes can hold are refused, so that d->dims may be
 * allocated; so are chunks that are larger than they can be. Virtual ones must map other files' datasets that
 * are there and not virtual themselves. Errors: ANC_EDATA. */
anc_status anc_h5_data_open(const anc_h5_file *f, const char *name, anc_h5_type type, int rank,
                            const int64_t *dims, anc_h5_data *d, anc_err *err);
/* The same without a look at what a virtual dataset maps: d->dims then are a claim only, and rows not to be
 * read. */
anc_status anc_h5_data_open_map(const anc_h5_file *f, const char *name, anc_h5_type type, int rank,
                                const int64_t *dims, anc_h5_data *d, anc_err *err);
anc_status anc_h5_data_read(const anc_h5_data *d, int64_t first, int64_t n, void *rows, anc_err *err);
void anc_h5_data_close(anc_h5_data *d); /* on a closed one nothing; a write that fails now fails the commit */

/* The whole dataset, malloc'ed, never NULL on success. *n is dims[0]; the other dims are as asked for. */
anc_status anc_h5_read(const anc_h5_file *f, const char *name, anc_h5_type type, int rank,
                       const int64_t *dims, void **data, int64_t *n, anc_err *err);

/* 1-D strings of fixed or variable length, of at most ANC_H5_MAX_STRING bytes; n is the wanted count, -1 any.
 * *text [*got] and each string are malloc'ed; padding is cut off at the first NUL. */
anc_status anc_h5_read_strings(const anc_h5_file *f, const char *name, int64_t n, char ***text, int64_t *got,
                               anc_err *err);

/* *value is malloc'ed. Errors: ANC_EDATA when it is missing or of another type. */
anc_status anc_h5_get_string(const anc_h5_file *f, const char *object, const char *name, char **value,
                             anc_err *err);
anc_status anc_h5_get_int(const anc_h5_file *f, const char *object, const char *name, int64_t *value,
                          anc_err *err);
anc_status anc_h5_get_real(const anc_h5_file *f, const char *object, const char *name, double *value,
                           anc_err *err);
int anc_h5_exists(const anc_h5_file *f, const char *object);                          /* 1 or 0 */
int anc_h5_has_attribute(const anc_h5_file *f, const char *object, const char *name); /* 1 or 0 */

/* anc_fail, with HDF5's innermost message after the text when it has one. */
anc_status anc_h5_fail(anc_err *err, anc_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
