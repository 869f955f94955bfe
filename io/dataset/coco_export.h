/* io/dataset/coco_export.h: a data set as COCO detection JSON, from which the same data set is read again
 *
 * Everything that the canonical form holds is written: ids, sizes, names, boxes, crowd marks (iscrowd), flags
 * (as difficult, istruncated, isoccluded, isdepiction, isinside). A bbox [x, y, w, h] is written so that x +
 * w and y + h, in float64, are x2 and y2 again; where no w does that (x1 < 0 and sums that no subtraction
 * undoes), the one that comes nearest. Boxes without an annotation id get the numbers that follow the largest
 * one, since pycocotools needs ids. area is w * h, there being no outline.
 */
#ifndef ANC_IO_DATASET_COCO_EXPORT_H
#define ANC_IO_DATASET_COCO_EXPORT_H

#include "io/dataset/dataset.h"
#include <stdbool.h>

/* Writes d, which has names and categories, as path: complete or not at all. asked (may be NULL) is called
 * now and then; when it gives true nothing is left. Errors: ANC_EDATA, ANC_ESYSTEM, ANC_EMEMORY,
 * ANC_ESTOPPED. */
anc_status anc_coco_export(const char *path, const anc_dataset *d, bool (*asked)(void *context),
                           void *context, anc_err *err);

#endif
