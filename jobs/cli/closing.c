/* jobs/cli/closing.c: see closing.h */
#include "jobs/cli/closing.h"
#include "jobs/cli/stop.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

double anc_peak_mib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

void anc_say_stopped(const anc_team *team, const char *command, const char *otherwise, const char *how_far,
                     ...)
{
    const char *mine = anc_stop_reason();
    char line[64], far[128];
    va_list arguments;
    va_start(arguments, how_far);
    vsnprintf(far, sizeof far, how_far, arguments);
    va_end(arguments);
    snprintf(line, sizeof line, "%s%s", mine ? mine : "", mine ? "\n" : "");
    char *all = anc_team_join(team, line);
    if (all) all[strcspn(all, "\n")] = '\0';
    if (!team->rank)
        fprintf(stderr, "anchorage: %s: stopped by %s %s; run the same command again to go on\n", command,
                all && *all ? all : otherwise, far);
    free(all);
}
