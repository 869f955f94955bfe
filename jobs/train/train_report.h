/* jobs/train/train_report.h: what `anchorage train` tells of a run, for people and for machines */
#ifndef ANC_JOBS_TRAIN_TRAIN_REPORT_H
#define ANC_JOBS_TRAIN_TRAIN_REPORT_H

#include "jobs/train/train_run.h"
#include "mpi/team.h"
#include <stdbool.h>
#include <stdio.h>

/* Stages of a step. WAIT: for views that are not gathered yet. */
enum { ANC_TS_WAIT, ANC_TS_COMPUTE, ANC_TS_REDUCE, ANC_TS_UPDATE, ANC_TS_STAGES };

typedef struct {
    double stage_s[ANC_TS_STAGES], gather_s, mpi_s; /* of this rank; gathering runs beside the stages */
    double total_s;
    anc_spread busy, wait, peak; /* over the ranks: s, s in MPI, MiB */
} anc_train_timings;

/* A run that has ended; borrows everything. */
typedef struct {
    const anc_train_run *run;
    const anc_train_timings *t;
} anc_train_report;

/* Whether it was when the run began, with nothing left to do. */
bool anc_train_is_finished(const anc_train_run *r);

void anc_train_print_plan(const anc_train_run *r);
void anc_train_print_dry_run(const anc_train_run *r, int64_t end); /* end: the step to stop after */
void anc_train_print_summary(const anc_train_report *a);
void anc_train_print_json(const void *report, FILE *to); /* one object; see anc_summary_write */

/* When the steps began, and when a line was last printed. */
typedef struct {
    double start_s, reported_s;
} anc_train_clock;

/* After each step: a line every 5 s, on a terminal one that is drawn over. Nothing when quiet, and on other
 * ranks than 0. last: ends the line on a terminal. */
void anc_train_say_step(const anc_train_run *r, anc_train_clock *c, bool last);

void anc_train_say_validation(const anc_head_validation *v);

/* --log, a table with a row for each step. Open makes the file and its head; *log stays NULL when no log is
 * wanted. Errors: ANC_ESYSTEM. */
anc_status anc_train_log_open(const anc_train_run *r, FILE **log, anc_err *err);
void anc_train_log_step(const anc_train_run *r, int64_t step, FILE *log); /* log may be NULL */

#endif
