/* io/size_table.h: a text file of image sizes: path, width, height on each line
 *
 * Columns are separated by tabs or commas, or by blanks if there is neither; the last two are width and
 * height, the first is the path (columns between them are not looked at); a first line without numbers there
 * is a heading. Paths are looked up whole, without their ending, or by the bare name; the first line of a
 * name counts.
 */
#ifndef ANC_IO_SIZE_TABLE_H
#define ANC_IO_SIZE_TABLE_H

#include "core/err.h"
#include "io/stream.h"

typedef struct anc_size_table anc_size_table;

/* Errors: ANC_EDATA (with line), ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_size_table_open(const char *path, anc_size_table **out, anc_err *err);
anc_status anc_size_table_read(anc_stream *in, anc_size_table **out, anc_err *err);
void anc_size_table_close(anc_size_table *t); /* NULL is allowed */

/* By the picture's name, then by the image's key. False: it is not there. */
bool anc_size_table_find(const anc_size_table *t, const char *name, const char *key, int32_t *height,
                         int32_t *width);

#endif
