/* io/dataset/builder.h: gathers images, boxes and categories in whatever order a source lists them
 *
 * Every annotation reader feeds one of these, so that all formats obey the same rules:
 *  - an image's width and height are 1 to ANC_MAX_SIDE pixels, its id occurs once;
 *  - a box whose width or height is 0 is dropped and counted; a negative one is an error, and so are
 *    coordinates that are not finite or further than ANC_MAX_COORDINATE from the origin;
 *  - a box over the edge of its image, or wholly outside, is kept and counted;
 *  - a box for an unknown image is an error; so is one of an unknown category if categories are listed;
 *  - a box whose annotation id (other than 0) occurred before is kept and counted.
 */
#ifndef ANC_IO_DATASET_BUILDER_H
#define ANC_IO_DATASET_BUILDER_H

#include "io/dataset/dataset.h"
#include "io/file/diagnostics.h"

typedef struct anc_builder anc_builder;

/* NULL when there is no memory. */
anc_builder *anc_builder_new(void);
void anc_builder_free(anc_builder *b); /* NULL is allowed */

/* Sizes come as int64 so that a source's own numbers reach the check. Names are copied; n_bytes excludes a
 * terminator, and names must hold no NUL. Errors: ANC_EDATA (naming the id), ANC_EMEMORY. */
anc_status anc_builder_image(anc_builder *b, int64_t id, int64_t height, int64_t width, const char *name,
                             size_t n_bytes, anc_err *err);
anc_status anc_builder_category(anc_builder *b, int64_t id, const char *name, size_t n_bytes, anc_err *err);

/* Errors: ANC_EDATA (naming annotation and image), ANC_EMEMORY. */
anc_status anc_builder_box(anc_builder *b, int64_t image_id, const anc_gt *box, anc_err *err);

/* Annotations that a reader saw but handed on none of, of which `empty` had no area: for the report. */
void anc_builder_unseen(anc_builder *b, int64_t annotations, int64_t empty);

/* Findings with their places go there, too (borrowed). */
void anc_builder_diagnostics(anc_builder *b, anc_diagnostics *diagnostics);

/* Sorts and links what was gathered into an empty data set. The builder is spent: only free it.
 * Errors: ANC_EDATA, ANC_EMEMORY. */
anc_status anc_builder_finish(anc_builder *b, anc_dataset *out, anc_err *err);

#endif
