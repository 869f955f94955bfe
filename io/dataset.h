/* io/dataset.h: an annotated data set in memory, in its canonical form
 *
 * Images ascend by id. The boxes of image i are box [box_offset[i] .. box_offset[i+1]), in the
 * order in which the source lists them (so a gt index means what it means to pycocotools users).
 */
#ifndef ANC_IO_DATASET_H
#define ANC_IO_DATASET_H

#include "core/err.h"
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t id;
    int32_t height, width; /* original pixels, both in [1, ANC_MAX_SIDE] */
} anc_image;

typedef struct {
    double xyxy[4]; /* x1, y1, x2, y2 in original pixels, exclusive edges, finite, x1 < x2, y1 < y2;
                       may lie over the image's edge */
    int64_t id;     /* the annotation's id, 0 when the source has none */
    int32_t category;
    uint8_t crowd; /* 1: a crowd or ignore region, not an object */
} anc_gt;

typedef struct {
    int32_t id;
    char *name; /* owned, UTF-8 */
} anc_category;

enum { ANC_MAX_SIDE = 1000000 }; /* px; a larger picture is a broken file */

/* What the reader met; kept so that nothing is dropped in silence. */
typedef struct {
    int64_t annotations;   /* seen in the source */
    int64_t empty_boxes;   /* dropped: width or height exactly 0 */
    int64_t over_edge;     /* kept: some part lies outside of its image */
    int64_t outside;       /* kept: no part lies inside of its image */
    int64_t crowds;        /* kept and marked */
    int64_t duplicate_ids; /* kept: annotation id seen before */
    int64_t without_boxes; /* images that have none */
} anc_dataset_report;

typedef struct {
    int64_t n_images, n_boxes, n_categories;
    anc_image *image;      /* [n_images] */
    char **file_name;      /* [n_images] owned, UTF-8, "" when the source has none; NULL in a slice */
    int64_t *box_offset;   /* [n_images + 1], starts at 0 */
    anc_gt *box;           /* [n_boxes] */
    anc_category *category; /* [n_categories], ascending by id; NULL in a slice */
    anc_dataset_report report;
} anc_dataset;

/* Frees what d owns and zeroes it. A zeroed data set is empty and may be cleared. */
void anc_dataset_clear(anc_dataset *d);

/* Writes images [first, first + n) with their boxes into one block of bytes, for a message or a cache.
 * *bytes is malloc'ed, the caller frees it. Names and categories stay behind.
 * Errors: ANC_EMEMORY. */
anc_status anc_dataset_pack(const anc_dataset *d, int64_t first, int64_t n, void **bytes, size_t *n_bytes,
                            anc_err *err);

/* The inverse, into an empty data set. Errors: ANC_EDATA (not such a block), ANC_EMEMORY. */
anc_status anc_dataset_unpack(const void *bytes, size_t n_bytes, anc_dataset *d, anc_err *err);

#endif
