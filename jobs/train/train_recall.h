/* jobs/train/train_recall.h: how many objects the proposals of a head in training find: `train --val-annotations`
 */
#ifndef ANC_JOBS_TRAIN_TRAIN_RECALL_H
#define ANC_JOBS_TRAIN_TRAIN_RECALL_H

#include "core/recall.h"
#include "io/dataset/dataset.h"
#include "jobs/propose/propose_shard.h"
#include "jobs/train/train_data.h"
#include "mpi/team.h"

typedef struct {
    const anc_team *team;
    const anc_kernels *kernels;
    anc_features *features; /* borrowed */
    anc_dataset truth;      /* of images with features, the same on all ranks */
    anc_propose_plan plan;
    int64_t *order; /* [plan.n_images] places in the features, ascending by image id */
    anc_recall recall;
    anc_recall_object *object;
    int64_t capacity;
    double spent_s;
} anc_recall_check;

/* Collective. annotations: any source. The rules are those of the targets; proposals are chosen as `propose`
 * would at test time. Team and kernels are set before; anc_recall_check_close in any case. Errors, the same
 * on all ranks: ANC_EDATA, such as an image that has features but no annotations. */
anc_status anc_recall_check_open(anc_recall_check *c, const char *annotations, const anc_train_data *data,
                                 const anc_head_shape *shape, anc_err *err);
void anc_recall_check_close(anc_recall_check *c);

/* Collective. Average recall over IoU .50:.05:.95 at 100 proposals an image, cocoapi's matching: what
 * `anchorage propose` and `evaluate` give for this head, the same for any number of ranks. NAN: there are no
 * objects. Errors, the same on all ranks: ANC_EDATA, ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_recall_check_run(anc_recall_check *c, const float *parameters, double *average, anc_err *err);

#endif
