/* io/dataset/annotations.h: annotations.h5, the canonical form of an annotated data set (docs/FORMAT.md) */
#ifndef ANC_IO_DATASET_ANNOTATIONS_H
#define ANC_IO_DATASET_ANNOTATIONS_H

#include "io/dataset/dataset.h"

#define ANC_ANNOTATIONS_FORMAT "anchorage-annotations"
enum { ANC_ANNOTATIONS_VERSION = 1 };

typedef struct anc_annotations anc_annotations;

/* Writes d as path: the same d and config give the same bytes; on errors nothing is left behind. d must have
 * names and categories. config is JSON text that says how d came about.
 * Errors: ANC_EDATA (d breaks a promise of dataset.h), ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_annotations_write(const char *path, const anc_dataset *d, const char *config, anc_err *err);

/* Opens a file and checks it; the image table and offsets stay in memory, boxes are read when asked for.
 * Errors: ANC_EDATA, ANC_ESYSTEM, ANC_EMEMORY; the text starts with the path. */
anc_status anc_annotations_open(const char *path, anc_annotations **out, anc_err *err);
void anc_annotations_close(anc_annotations *a); /* NULL is allowed */

int64_t anc_annotations_images(const anc_annotations *a);
const anc_image *anc_annotations_image(const anc_annotations *a, int64_t i); /* without its name */
int64_t anc_annotations_boxes(const anc_annotations *a);

/* As the file has it, malloc'ed, if that is JSON; another writer's may have none, or something else: NULL. */
char *anc_annotations_config(const anc_annotations *a);

/* As /report in the file has it; a file of another writer without it is counted on opening. */
const anc_dataset_report *anc_annotations_report(const anc_annotations *a);

/* Images [first, first + n) with their boxes, checked, into an empty data set, which stays empty on errors.
 * Without names and categories. Errors: ANC_EDATA, ANC_EMEMORY. */
anc_status anc_annotations_read(const anc_annotations *a, int64_t first, int64_t n, anc_dataset *slice,
                                anc_err *err);

/* The categories alone, checked, into a data set that has none yet. On errors the caller clears it. */
anc_status anc_annotations_categories(const anc_annotations *a, anc_dataset *out, anc_err *err);

/* The images with their names and without boxes, read once and lent until the file is closed. A file of
 * another writer may have no names: they are all "" then. Errors: ANC_EDATA, ANC_EMEMORY. */
anc_status anc_annotations_names(anc_annotations *a, const anc_dataset **out, anc_err *err);

/* Everything, names, categories and report included, into an empty data set. */
anc_status anc_annotations_read_all(const anc_annotations *a, anc_dataset *out, anc_err *err);

#endif
