/* jobs/label/roi_input.h: what `label --stage roi` reads besides annotations: proposals by image, and the numbers
 * of classes */
#ifndef ANC_JOBS_LABEL_ROI_INPUT_H
#define ANC_JOBS_LABEL_ROI_INPUT_H

#include "core/roi.h"
#include "io/store/proposals.h"
#include "io/source/source.h"
#include "mpi/team.h"

/* A file of proposals, open on every rank: each reads those of its own images, a few images at a time. A COCO
 * results JSON is read whole by each rank. Zeroed is closed. */
typedef struct {
    const char *path; /* borrowed */
    anc_proposals *file;
    bool lists_all; /* an image without proposals is listed too (proposals.h5) */
    anc_proposal_set run;
    int64_t first; /* of the file's images, the first in run */
} anc_roi_input;

/* Errors start with the path. */
anc_status anc_roi_input_open(anc_roi_input *in, const char *path, anc_err *err);
void anc_roi_input_close(anc_roi_input *in);

/* Holds the file's images to those of the annotations: it must list no others, and a proposals.h5 all of
 * them; and gives the CRC-32 of its bytes, whose seal is checked if it has one. Errors: ANC_EDATA, naming
 * file and image. */
anc_status anc_roi_input_check(const anc_roi_input *in, const char *annotations, anc_source *source,
                               uint32_t *crc, anc_err *err);

/* The proposals of an image, original pixels, valid until the next call; none for an image that is not
 * listed. */
anc_status anc_roi_input_image(anc_roi_input *in, int64_t image_id, const double (**xyxy)[4], int32_t *n,
                               anc_err *err);

/* The data set's category ids as classes; *category is malloc'ed, c borrows it. Errors: ANC_EARGUMENT, an id
 * that would be the background. */
anc_status anc_classes_read(const anc_source *source, anc_classes_rule rule, int32_t **category,
                            anc_classes *c, anc_err *err);

/* Collective. Gives all ranks rank 0's classes. The caller frees *category. */
anc_status anc_classes_share(const anc_team *team, int32_t **category, anc_classes *c, anc_err *err);

/* A checksum of the ids: another list numbers other classes. */
uint64_t anc_classes_fingerprint(const anc_classes *c);

#endif
