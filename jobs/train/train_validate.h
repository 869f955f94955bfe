/* jobs/train/train_validate.h: how well a head does on data that it does not learn from: `train --val-targets` */
#ifndef ANC_JOBS_TRAIN_TRAIN_VALIDATE_H
#define ANC_JOBS_TRAIN_TRAIN_VALIDATE_H

#include "io/store/head_file.h"
#include "jobs/train/train_data.h"
#include "jobs/train/train_feed.h"
#include "mpi/team.h"

typedef struct {
    const anc_team *team;
    anc_feed_normaliser normaliser;
    int64_t per_image;
    double beta;
    anc_train_data data;
    anc_head_activations pass;
    int64_t n_rows; /* sampled anchors of all views */
    float *d_logit, (*d_delta)[4];
    int32_t capacity;
    double spent_s;
} anc_validator;

/* Collective. Opens both files, and holds them to each other and to the head's shape. The team, normaliser,
 * per_image and beta are set before; anc_validator_close in any case. Errors, the same on all ranks: as
 * anc_train_data_check. */
anc_status anc_validator_open(anc_validator *v, const char *targets, const char *features,
                              const anc_head_shape *shape, const anc_kernels *kernels, anc_err *err);
void anc_validator_close(anc_validator *v);

/* Collective. The two losses over all views of the targets, as if they were one batch: the same numbers for
 * any number of ranks. Errors, the same on all ranks: ANC_EDATA (a loss that is no number, naming the image),
 * ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_validate(anc_validator *v, const float *parameters, anc_head_validation *out, anc_err *err);

#endif
