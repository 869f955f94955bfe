/* io/store/results.h: COCO results JSON: a list of {"image_id": , "category_id": , "bbox": [x, y, w, h], "score": }
 *
 * Read as a stream. Members come in any order; others than image_id, bbox and score are skipped (category_id
 * too: what is asked of the boxes is class-agnostic). Every item needs the three; numbers must be finite, w
 * and h not negative.
 */
#ifndef ANC_IO_STORE_RESULTS_H
#define ANC_IO_STORE_RESULTS_H

#include "io/store/proposal_set.h"

/* Reads path into an empty set, which stays empty on errors. Errors: ANC_EDATA with line and column (from 1,
 * in bytes) and the item, ANC_ESYSTEM, ANC_EMEMORY; the text names no path: the caller adds it. */
anc_status anc_results_read(const char *path, anc_proposal_set *out, anc_err *err);

#endif
