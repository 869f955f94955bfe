/* io/formats/yolo.h: YOLO text labels: one file for each picture, a row "class x y w h" for each box, in shares of
 * its size
 *
 * Redmon et al. 2016 (darknet), and the folder layout labels/ beside images/ that its successors keep.
 * docs/FORMATS.md says what is read and what is a diagnostic.
 */
#ifndef ANC_IO_FORMATS_YOLO_H
#define ANC_IO_FORMATS_YOLO_H

#include "io/formats/reader.h"

extern const anc_reader anc_yolo_reader;

/* The names of classes, in order from 0, as categories of l: from YAML (a member `names`: a list, or numbers
 * to names) when the stream's name ends with .yaml or .yml, otherwise one name on each line. Errors:
 * ANC_EDATA with line, ANC_EMEMORY. */
anc_status anc_yolo_names(anc_stream *in, anc_listing *l, anc_err *err);

#endif
