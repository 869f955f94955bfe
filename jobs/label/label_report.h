/* jobs/label/label_report.h: what `anchorage label` tells of a run, for people and for machines */
#ifndef ANC_JOBS_LABEL_LABEL_REPORT_H
#define ANC_JOBS_LABEL_LABEL_REPORT_H

#include "io/source/source.h"
#include "jobs/label/label_shard.h"
#include "mpi/team.h"
#include <stdbool.h>
#include <stdio.h>

typedef struct {
    double total_s, read_s, label_s, index_s; /* on rank 0 */
    double lock_s, claim_s;                   /* to take the lock, and to make the folder this run's */
    double look_s, names_s;                   /* to see what is done, and to sync the folder in the end */
    anc_out_cost index;
    int64_t index_bytes;
    anc_spread busy, peak; /* over the ranks: s, MiB */
} anc_label_timings;

/* The run, on rank 0; borrows everything. */
typedef struct {
    const char *annotations, *out, *proposals; /* paths; proposals: NULL but for the second stage */
    const char *like, *unused; /* paths or NULL: of --like; of a configuration whose [view] it overrules */
    const char *proposals_format, *kernels, *config;
    const anc_source *source;
    const anc_label_plan *plan;
    int ranks, part, n_parts;
    int64_t n_shards, n_mine, n_before; /* all; of this part; done by earlier runs */
    bool index_written;
    const anc_label_record *record; /* filled when the run has ended, as are the timings */
    const anc_label_timings *t;
} anc_label_report;

void anc_label_print_plan(const anc_label_report *a);

/* The whole summary, or of a run that found all done its last line. */
void anc_label_print_summary(const anc_label_report *a);
void anc_label_print_json(const void *report, FILE *to); /* one object; see anc_summary_write */

/* Seconds of work of all stages. */
double anc_label_busy_s(const anc_label_record *r);

#endif
