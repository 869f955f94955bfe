/* jobs/train/train_start.h: the head that a run's first step is taken from: a new one, or an unfinished run's
 *
 * A head knows all that decided its bits, as the configuration that lies in its file. A run goes on from an
 * output of the same configuration, and from no other.
 */
#ifndef ANC_JOBS_TRAIN_TRAIN_START_H
#define ANC_JOBS_TRAIN_TRAIN_START_H

#include "jobs/train/train_run.h"

/* Makes r->head: the parameters of --init or random ones, momentum of zeros, and the run's configuration as
 * one line of JSON. Only rank 0 reads features for it, so only its configuration is whole. The schedule's
 * steps are known before. Errors: ANC_EDATA (a head of another shape than the targets need), ANC_ESYSTEM,
 * ANC_EMEMORY; anc_head_file_clear in any case. */
anc_status anc_train_start(anc_train_run *r, anc_err *err);

/* Rank 0, after anc_train_start, with the lock held: an output of the same run takes the place of r->head.
 * None there, or --overwrite: r->head stays as it is. Errors: ANC_EARGUMENT (another run's, by name of what
 * differs), ANC_EDATA, ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_train_resume(anc_train_run *r, anc_err *err);

#endif
