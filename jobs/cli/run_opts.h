/* jobs/cli/run_opts.h: options that mean the same in every command that runs long */
#ifndef ANC_JOBS_CLI_RUN_OPTS_H
#define ANC_JOBS_CLI_RUN_OPTS_H

#include "jobs/cli/opts.h"

/* Rows for a table of anc_opt, each for the value that it sets. */
anc_opt anc_opt_time_limit(const char **limit); /* --time-limit, for anc_stop_listen */
anc_opt anc_opt_dry_run(bool *dry_run);         /* --dry-run */
anc_opt anc_opt_simd(const char **name);        /* --simd, for anc_choose_kernels */
anc_opt anc_opt_summary(const char **path);     /* --summary-json, for anc_summary_write */
anc_opt anc_opt_quiet(bool *quiet);             /* -q, --quiet */

#endif
