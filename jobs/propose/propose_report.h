/* jobs/propose/propose_report.h: what `anchorage propose` tells of a run, for people and for machines */
#ifndef ANC_JOBS_PROPOSE_PROPOSE_REPORT_H
#define ANC_JOBS_PROPOSE_PROPOSE_REPORT_H

#include "jobs/propose/propose_shard.h"
#include "mpi/team.h"
#include <stdio.h>

typedef struct {
    double total_s, prepare_s, propose_s, join_s, coco_s; /* on rank 0 */
    int64_t n_bytes;
    anc_spread busy, peak; /* over the ranks: s, MiB */
} anc_propose_timings;

/* The run; borrows everything. */
typedef struct {
    const char *head, *out, *coco; /* paths; coco: NULL when it is not wanted */
    const char *kernels, *blas, *config;
    bool one_blas; /* all ranks' BLAS chose the same kernels */
    int ranks;
    int64_t n_shards, n_before; /* all; done by earlier runs */
    const anc_propose_plan *plan;
    const anc_features_info *info;
    const anc_propose_record *record; /* filled when the run has ended, as are the timings */
    const anc_propose_timings *t;
} anc_propose_report;

void anc_propose_print_plan(const anc_propose_report *a);
void anc_propose_print_summary(const anc_propose_report *a);
void anc_propose_print_json(const void *report, FILE *to); /* one object; see anc_summary_write */

#endif
