/* io/source/source.h: any annotation source, opened by path, read in runs of images */
#ifndef ANC_IO_SOURCE_SOURCE_H
#define ANC_IO_SOURCE_SOURCE_H

#include "io/formats/import.h"
#include "io/source/join.h"

typedef struct anc_source anc_source;

/* Opens a canonical annotations.h5 or any source that io/formats/reader.h has a reader for; the content decides
 * unless o->format does. o may be NULL: the defaults. A source is read whole here; of an annotations.h5 only
 * the image table and offsets stay in memory. Errors name the file, the place (line and column, or image and
 * annotation id) and a remedy. */
anc_status anc_source_open(const char *path, const anc_reader_options *o, anc_source **out, anc_err *err);

/* Whether a path means standard input: "-". Formats that are one text file (COCO JSON, CrowdHuman, Open
 * Images, WIDER FACE) come from there as from any pipe, which this process alone reads. */
bool anc_source_is_stdin(const char *path);

/* The same in two steps, for a team: begin gives either a source that is open already and *import NULL, or an
 * import that the team reads (io/formats/import.h); end then makes that the source's content and frees the import.
 * path and o are borrowed until the end. After an error of either the source is to be closed, if it is not
 * NULL, and so is the import. */
anc_status anc_source_begin(const char *path, const anc_reader_options *o, anc_source **out,
                            anc_import **import, anc_err *err);
anc_status anc_source_end(anc_source *s, anc_import *import, anc_err *err);

void anc_source_close(anc_source *s); /* NULL is allowed */

/* Several open sources, named as their paths, as one in memory (io/source/join.h), with the diagnostics of all. They
 * stay the caller's. Errors: those of anc_join, and of reading an annotations.h5. */
anc_status anc_source_join(anc_source *const *part, const char *const *path, int n, anc_source **out,
                           anc_join_changes *changes, anc_err *err);

int64_t anc_source_images(const anc_source *s);
const anc_image *anc_source_image(const anc_source *s, int64_t i); /* ascending by id; id and size */
int64_t anc_source_boxes(const anc_source *s);
const char *anc_source_format(const anc_source *s); /* "annotations", the reader's name, or "several" */

/* How an annotations.h5 came about: its configuration, valid JSON, malloc'ed; NULL for others and where it
 * has none. */
char *anc_source_config(const anc_source *s);

/* The reader's diagnostics over the whole source. */
const anc_dataset_report *anc_source_report(const anc_source *s);

/* With places; NULL for an annotations.h5, of which the report is all that is known. */
const anc_diagnostics *anc_source_diagnostics(const anc_source *s);

/* The categories alone, into an empty data set, which stays empty on errors. */
anc_status anc_source_categories(const anc_source *s, anc_dataset *out, anc_err *err);

/* All images with their names ("" where unknown), lent until the source is closed; boxes may be missing. */
anc_status anc_source_names(anc_source *s, const anc_dataset **out, anc_err *err);

/* A 64-bit checksum over every image's id, size and boxes, in order: the same for the same data in
 * whatever format it is stored. Reads the boxes once if it must. */
anc_status anc_source_fingerprint(anc_source *s, uint64_t *out, anc_err *err);

/* Images [first, first + n) as a slice (without names), into an empty data set. */
anc_status anc_source_read(anc_source *s, int64_t first, int64_t n, anc_dataset *slice, anc_err *err);

/* The whole of it as COCO JSON (io/dataset/coco_export.h). */
anc_status anc_source_export(anc_source *s, const char *path, bool (*asked)(void *context), void *context,
                             anc_err *err);

/* Writes the whole source as a canonical annotations.h5 (io/dataset/annotations.h): complete or not at all. */
anc_status anc_source_write(anc_source *s, const char *path, const char *config, anc_err *err);

#endif
