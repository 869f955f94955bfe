/* io/dataset/coco_write.h: writes a COCO instances JSON as a stream: images, then annotations, then categories
 *
 * The layout is that of the official files (": " after keys, "," without a blank, a single line). Memory
 * stays the same whatever is written. Lengths are in hundredths of a pixel and come out with two decimals
 * at most, exactly.
 */
#ifndef ANC_IO_DATASET_COCO_WRITE_H
#define ANC_IO_DATASET_COCO_WRITE_H

#include "core/err.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct anc_coco_writer anc_coco_writer;

/* description: printable ASCII without quotes and backslashes. Errors: ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_coco_write_open(const char *path, const char *description, anc_coco_writer **out,
                               anc_err *err);

/* The calls below must come in this order of kinds; a failure is kept for close. Names: as description. */
void anc_coco_write_image(anc_coco_writer *w, int64_t id, const char *file_name, int32_t width,
                          int32_t height);

/* One annotation: begin; then for a polygon all of its points, for a region all of its run lengths; end. */
void anc_coco_write_begin(anc_coco_writer *w, bool crowd);
void anc_coco_write_point(anc_coco_writer *w, int32_t x, int32_t y);
void anc_coco_write_run(anc_coco_writer *w, int64_t pixels);

typedef struct {
    int64_t id, image_id;
    int64_t area;    /* units of 1/20000 px^2: what the corners of a polygon in hundredths give */
    int32_t xywh[4]; /* hundredths */
    int32_t category;
    int32_t height, width; /* of the image, px; only a region needs them */
} anc_coco_annotation;
void anc_coco_write_end(anc_coco_writer *w, const anc_coco_annotation *a);

void anc_coco_write_category(anc_coco_writer *w, int32_t id, const char *name, const char *supercategory);

/* True once a write has failed, so that the caller can stop and close. */
bool anc_coco_write_failed(const anc_coco_writer *w);

/* Completes the file under its final name (see io/file/out.h) and frees w. Errors: ANC_ESYSTEM. */
anc_status anc_coco_write_close(anc_coco_writer *w, int64_t *n_bytes, anc_err *err);

/* Drops the unfinished file and frees w. NULL is allowed. */
void anc_coco_write_abandon(anc_coco_writer *w);

#endif
