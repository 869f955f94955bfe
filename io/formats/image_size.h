/* io/formats/image_size.h: width and height of a picture from its file's header: JPEG, PNG, WebP, BMP
 *
 * The size is that of the pixels as they are stored; an EXIF orientation is not applied (docs/FORMATS.md).
 */
#ifndef ANC_IO_FORMATS_IMAGE_SIZE_H
#define ANC_IO_FORMATS_IMAGE_SIZE_H

#include "core/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the first n bytes of a file. *short_of: n bytes are too few to tell (then ANC_EDATA as well). The
 * content decides, not the name. Errors: ANC_EDATA (not such a picture, damaged header, sides out of [1,
 * ANC_MAX_SIDE]), ANC_EMEMORY. */
anc_status anc_image_size(const void *bytes, size_t n, int32_t *height, int32_t *width, bool *short_of,
                          anc_err *err);

/* From a file, of which no more is read than needed. Errors: also ANC_ESYSTEM; the text starts with the path.
 */
anc_status anc_image_size_of(const char *path, int32_t *height, int32_t *width, anc_err *err);

#endif
