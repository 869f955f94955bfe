/* jobs/cli/start.h: the start of a command that works as a team */
#ifndef ANC_JOBS_CLI_START_H
#define ANC_JOBS_CLI_START_H

#include "mpi/team.h"
#include <stdbool.h>

/* Collective. anc_team_start; false after one line on stderr that says why not. */
bool anc_start_team(anc_team *team, const char *command);

#endif
