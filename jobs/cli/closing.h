/* jobs/cli/closing.h: what jobs say of themselves in the end */
#ifndef ANC_JOBS_CLI_CLOSING_H
#define ANC_JOBS_CLI_CLOSING_H

#include "mpi/team.h"

/* The most memory that this process has had, MiB. */
double anc_peak_mib(void);

/* Collective. One line of rank 0 for a run that was asked to end (stop.h): by what (`otherwise` if no rank
 * was asked), and how far it came, as in "with 3 of 60 shards left". */
void anc_say_stopped(const anc_team *team, const char *command, const char *otherwise, const char *how_far,
                     ...) __attribute__((format(printf, 4, 5)));

#endif
