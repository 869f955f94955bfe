/* io/file/png.h: pictures as PNG files */
#ifndef ANC_IO_FILE_PNG_H
#define ANC_IO_FILE_PNG_H

#include "core/err.h"
#include <stdint.h>

/* Writes rgb [height, width, 3] as an 8-bit PNG, complete or not at all. Errors: ANC_ESYSTEM (the file
 * cannot be written), ANC_EMEMORY. */
anc_status anc_png_write(const char *path, const uint8_t *rgb, int32_t width, int32_t height, anc_err *err);

#endif
