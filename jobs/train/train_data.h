/* jobs/train/train_data.h: the views that the trainer goes through: minibatches and targets beside the features
 * they belong to
 *
 * Of the targets one epoch is in memory at a time (about 1.7 KB a view), of the features what the system
 * keeps.
 */
#ifndef ANC_JOBS_TRAIN_TRAIN_DATA_H
#define ANC_JOBS_TRAIN_TRAIN_DATA_H

#include "io/store/feature.h"
#include "io/store/targets_read.h"
#include "mpi/team.h"

typedef struct {
    anc_targets_file *targets;
    anc_features *features;
    const anc_targets_info *info;
    const anc_features_info *maps;
    int64_t n_epochs;     /* of the targets: runs of views of one epoch */
    int64_t *epoch_first; /* [n_epochs + 1] views */

    int64_t loaded; /* which of the epochs is in memory, or -1 */
    int64_t n_views;
    int64_t *image;          /* [n_views] place in the features */
    int64_t *image_id;       /* [n_views] */
    int64_t *row, *positive; /* [n_views + 1] where each view's anchors and targets begin */
    int32_t *anchor;         /* positives first */
    float (*target)[4];
} anc_train_data;

/* Opens both, and holds their levels and strides to each other. Zeroed before; anc_train_data_close in any
 * case. Errors name the file. */
anc_status anc_train_data_open(anc_train_data *d, const char *targets, const char *features, anc_err *err);
void anc_train_data_close(anc_train_data *d);

/* Walks all views: every one must have features of its sizes and grids, and not be mirrored. Finds the
 * epochs. */
anc_status anc_train_data_check(anc_train_data *d, anc_err *err);

/* Collective. What rank 0 found in its check becomes known to all. Errors, the same on all ranks:
 * ANC_EMEMORY. */
anc_status anc_train_data_share(anc_train_data *d, const anc_team *team, anc_err *err);

/* Brings epoch e of the targets into memory. After the epochs are known. */
anc_status anc_train_data_load(anc_train_data *d, int64_t e, anc_err *err);

#endif
