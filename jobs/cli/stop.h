/* jobs/cli/stop.h: a run that is asked to end: by a signal or because its time is over
 *
 * SIGTERM, SIGINT and SIGUSR1 ask; work goes on until the job looks. Each process has its own answer: who
 * gets true tells the team (anc_queue_halt). The death of the mpirun or orted that started this process asks,
 * too.
 */
#ifndef ANC_JOBS_CLI_STOP_H
#define ANC_JOBS_CLI_STOP_H

#include "core/err.h"
#include <stdbool.h>

/* From here on the signals ask instead of killing. limit is a time such as "90", "90s", "15m", "2h" or
 * "1:30:00" from now on, or NULL. Under SLURM the end of the job counts too, when the environment has it
 * (SLURM_JOB_END_TIME, seconds since 1970): work ends half a minute before. Errors: ANC_EARGUMENT. */
anc_status anc_stop_listen(const char *limit, anc_err *err);

/* Cheap enough for every view. */
bool anc_stop_wanted(void);

/* "SIGTERM", "--time-limit", "the end of the SLURM job"; NULL: nobody asked. */
const char *anc_stop_reason(void);

#endif
