/* io/dataset/dataset.h: an annotated data set in memory, in its canonical form
 *
 * Images ascend by id. The boxes of image i are box [box_offset[i] .. box_offset[i+1]), in the
 * order in which the source lists them (so a gt index means what it means to pycocotools users).
 */
#ifndef ANC_IO_DATASET_DATASET_H
#define ANC_IO_DATASET_DATASET_H

#include "core/annotation.h"
#include "core/err.h"
#include "io/file/diagnostics.h"
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t id;
    int32_t height, width; /* original pixels, both in [1, ANC_MAX_SIDE] */
} anc_image;

typedef anc_annotation anc_gt; /* flags: ANC_FLAG_... */

/* Bits of an object's flags. */
enum {
    ANC_FLAG_DIFFICULT = 1,
    ANC_FLAG_TRUNCATED = 2,
    ANC_FLAG_OCCLUDED = 4,
    ANC_FLAG_DEPICTION = 8,
    ANC_FLAG_INSIDE = 16,
    ANC_FLAGS = 31
};

typedef struct {
    int32_t id;
    char *name; /* owned, UTF-8 */
} anc_category;

enum {
    ANC_MAX_SIDE = 1000000,   /* px; a larger picture is a broken file */
    ANC_MAX_NAME_BYTES = 4096 /* of a file or category name, as PATH_MAX */
};
#define ANC_MAX_COORDINATE 1e9 /* px; an edge further from the origin is a broken file */

/* What the reader met; kept so that nothing is dropped in silence. */
typedef struct {
    int64_t annotations;   /* seen in the source */
    int64_t empty_boxes;   /* dropped: width or height 0 in float64 */
    int64_t over_edge;     /* kept: some part lies outside of its image (those wholly outside too) */
    int64_t outside;       /* kept: no part lies inside of its image */
    int64_t crowds;        /* kept and marked */
    int64_t duplicate_ids; /* kept: the same annotation id (other than 0) as a box before it */
    int64_t without_boxes; /* images that have none */
    int64_t found[ANC_N_DIAGNOSTICS]; /* of each kind of io/file/diagnostics.h that has no member above */
} anc_dataset_report;

typedef struct {
    int64_t n_images, n_boxes, n_categories;
    anc_image *image;       /* [n_images] */
    char **file_name;       /* [n_images] owned, UTF-8, "" when the source has none; NULL in a slice */
    int64_t *box_offset;    /* [n_images + 1], starts at 0 */
    anc_gt *box;            /* [n_boxes] */
    anc_category *category; /* [n_categories], ascending by id; NULL in a slice */
    anc_dataset_report report;
} anc_dataset;

/* Frees what d owns and zeroes it. A zeroed data set is empty and may be cleared. */
void anc_dataset_clear(anc_dataset *d);

/* Holds d to every promise of the comments above: sizes, ascending ids, offsets, boxes, and names where it
 * has them. Errors: ANC_EDATA, naming the image or annotation. */
anc_status anc_dataset_check(const anc_dataset *d, anc_err *err);

/* The images' names alone. */
anc_status anc_dataset_check_names(const anc_dataset *d, anc_err *err);

/* One image: its size, and its id against that of the image before (NULL: it is the first). */
anc_status anc_image_check(const anc_image *image, const anc_image *before, anc_err *err);

/* Adds what can be seen in d itself (over_edge, outside, crowds, without_boxes) to *report. */
void anc_dataset_count(const anc_dataset *d, anc_dataset_report *report);

/* A checksum over each image's id, size and boxes, in order. Starts from 0; a data set that is read in
 * slices gives the same value when each slice starts from the value of the one before. */
uint64_t anc_dataset_fingerprint(const anc_dataset *d, uint64_t start);

/* Copies images [first, first + n) with their boxes into an empty data set. Names, categories and the
 * report stay behind. The range must lie within d. Errors: ANC_EMEMORY. */
anc_status anc_dataset_slice(const anc_dataset *d, int64_t first, int64_t n, anc_dataset *slice,
                             anc_err *err);

/* The same with the boxes left zeroed, for a reader that fills them in; d->box is not looked at. */
anc_status anc_dataset_slice_table(const anc_dataset *d, int64_t first, int64_t n, anc_dataset *slice,
                                   anc_err *err);

/* Writes images [first, first + n) with their boxes into one block of bytes, for a message or a cache
 * on machines of the same byte order. The same data give the same bytes. *bytes is malloc'ed, the caller
 * frees it. Names, categories and the report stay behind. Errors: ANC_EMEMORY. */
anc_status anc_dataset_pack(const anc_dataset *d, int64_t first, int64_t n, void **bytes, size_t *n_bytes,
                            anc_err *err);

/* The inverse, into an empty data set, which stays empty on errors. Nothing in the block is believed: what
 * comes out passes anc_dataset_check. Errors: ANC_EDATA (not such a block), ANC_EMEMORY. */
anc_status anc_dataset_unpack(const void *bytes, size_t n_bytes, anc_dataset *d, anc_err *err);

#endif
