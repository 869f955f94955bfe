/* io/store/proposal_set.h: the proposals of some images, in memory
 *
 * Images ascend by id. The proposals of image i are rows offset[i] .. offset[i + 1].
 */
#ifndef ANC_IO_STORE_PROPOSAL_SET_H
#define ANC_IO_STORE_PROPOSAL_SET_H

#include "core/err.h"
#include <stdint.h>

/* Zeroed is empty; anc_proposal_set_clear. */
typedef struct {
    int64_t n_images, n;
    int64_t *image_id; /* [n_images] ascending */
    int64_t *offset;   /* [n_images + 1] from 0 */
    double (*xyxy)[4]; /* [n] original pixels, finite, x1 <= x2, y1 <= y2 */
    double *score;     /* [n] finite; the higher the better */
    int32_t *level;    /* [n] feature level; NULL where the source knows none */
} anc_proposal_set;

void anc_proposal_set_clear(anc_proposal_set *s);

/* Holds a set to what is said above: ids and offsets; boxes and scores. Errors: ANC_EDATA, naming the image.
 */
anc_status anc_proposal_set_check_table(const anc_proposal_set *s, anc_err *err);
anc_status anc_proposal_set_check_rows(const anc_proposal_set *s, anc_err *err);

#endif
