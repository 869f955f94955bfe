/* jobs/train/train_output.h: head.h5 and what stands beside it: its lock, and the checkpoints that --keep names */
#ifndef ANC_JOBS_TRAIN_TRAIN_OUTPUT_H
#define ANC_JOBS_TRAIN_TRAIN_OUTPUT_H

#include "io/file/lock.h"
#include "jobs/train/train_run.h"

/* The head, the summary and the log take the place of none of the run's files; --overwrite does not change
 * that. Errors: ANC_EARGUMENT, by name of the option. */
anc_status anc_train_check_files(const anc_train_run *r, anc_err *err);

/* One run at a time writes an output. A dry run takes no lock, and only sees whether the folder can be
 * written to. *lock: anc_lock_release. Errors: ANC_EARGUMENT, ANC_ESYSTEM. */
anc_status anc_train_lock(const anc_train_run *r, anc_lock **lock, anc_err *err);

/* Rank 0. Writes the output, and keeps it under its step's name too: after whole intervals and in the end,
 * not where a run was stopped, so that many stops leave no more files than --keep says. Errors: ANC_ESYSTEM,
 * ANC_EMEMORY. */
anc_status anc_train_save(const anc_train_run *r, anc_err *err);

#endif
