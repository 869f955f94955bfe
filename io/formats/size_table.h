/* io/formats/size_table.h: a file of image sizes: a table of paths, widths and heights, or JSON
 *
 * A table has a line for each image. Columns are parted by tabs, else by commas (fields may be quoted,
 * io/text/csv.h), else by blanks. With a first line of headings that has width and height (any case), these two
 * and the column called path, file, file_name, filename, name, image, ImageID or ID (else the first) are
 * taken. Otherwise the first column is the path and the last two are width and height; a first line without
 * numbers there is passed over. JSON is an object of paths with [height, width] each, as converters of
 * CrowdHuman write it (id_hw_train.json). Paths are looked up whole, without their ending, or by the bare
 * name; the first of equals counts.
 */
#ifndef ANC_IO_FORMATS_SIZE_TABLE_H
#define ANC_IO_FORMATS_SIZE_TABLE_H

#include "core/err.h"
#include "io/text/stream.h"

typedef struct anc_size_table anc_size_table;

/* Errors: ANC_EDATA (with line), ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_size_table_open(const char *path, anc_size_table **out, anc_err *err);
anc_status anc_size_table_read(anc_stream *in, anc_size_table **out, anc_err *err);
/* An empty one, and rows for it, for io/formats/size_json.h; line orders rows of one name. Errors: ANC_EDATA (a size
 * that none can be), ANC_EMEMORY. */
anc_size_table *anc_size_table_new(void);
anc_status anc_size_table_add(anc_size_table *t, const char *path, int64_t width, int64_t height,
                              anc_err *err);

/* Once all rows are added, before one is looked up. False: there are none. */
bool anc_size_table_sort(anc_size_table *t);

void anc_size_table_close(anc_size_table *t); /* NULL is allowed */

/* By the picture's name, then by the image's key. False: it is not there. */
bool anc_size_table_find(const anc_size_table *t, const char *name, const char *key, int32_t *height,
                         int32_t *width);

#endif
