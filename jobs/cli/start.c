/* jobs/cli/start.c: see start.h */
#include "jobs/cli/start.h"
#include "mpi/launch.h"
#include <stdio.h>

bool anc_start_team(anc_team *team, const char *command)
{
    anc_err err = { 0 };
    if (!anc_team_start(team, &err)) return true;
    if (anc_launch_find().rank <= 0) fprintf(stderr, "anchorage: %s: %s\n", command, err.text);
    return false;
}
