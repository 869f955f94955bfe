/* jobs/closing.c: see closing.h */
#include "jobs/closing.h"
#include "jobs/stop.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

double anc_peak_mib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

void anc_say_stopped(const anc_team *team, const char *command, int64_t left, int64_t shards)
{
    char *why = anc_stop_team_reason(team);
    if (!team->rank)
        fprintf(
            stderr,
            "anchorage: %s: stopped by %s with %lld of %lld shards left; run the same command again to go "
            "on\n",
            command, why ? why : "request", (long long)left, (long long)shards);
    free(why);
}
