/* io/store/head_file.h: head.h5, a trained head with all that training needs to go on from it
 *
 * Parameters stand at the root under torchvision's names and in its shapes; docs/FORMAT.md lists the rest.
 * Reading back what was written gives the same bits.
 */
#ifndef ANC_IO_STORE_HEAD_FILE_H
#define ANC_IO_STORE_HEAD_FILE_H

#include "core/head/head.h"
#include "io/store/targets_read.h"

#define ANC_HEAD_FORMAT "anchorage-head"
enum { ANC_HEAD_VERSION = 1 };

/* One step of the run so far. */
typedef struct {
    double rate, objectness, boxes,
        norm; /* learning rate; the two losses; Euclidean norm of the gradient, unclipped */
} anc_head_step;

/* How the head did after a step on data that it does not learn from. */
typedef struct {
    double step, objectness, boxes; /* steps done; the two losses */
    double recall;                  /* average recall at 100 proposals; NAN: not measured */
} anc_head_validation;

typedef struct {
    anc_head_shape shape;
    float *parameters, *momentum; /* [anc_head_size] */
    int64_t step;                 /* steps done */
    anc_head_step *history;       /* [step] */
    int64_t n_validations;
    anc_head_validation *validation; /* [n_validations], ascending by step */
    char *config;                    /* JSON of the run */
} anc_head_file;

/* Writes it whole or not at all, with the anchors of the targets, which a reader needs to decode the deltas.
 * Errors: ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_head_write(const anc_head_file *h, const char *path, const anc_targets_info *targets,
                          anc_err *err);

/* Reads all of it; everything in *h is malloc'ed: anc_head_file_clear. A file without momentum and history
 * (one made from torch's weights) gets zeros and step 0. Errors: ANC_EDATA, ANC_ESYSTEM, ANC_EMEMORY; the
 * text starts with the path. */
anc_status anc_head_read(const char *path, anc_head_file *h, anc_err *err);
void anc_head_file_clear(anc_head_file *h);

#endif
