/* jobs/cli/stop.c: see stop.h */
#include "jobs/cli/stop.h"
#include "jobs/cli/clock.h"
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum {
    BEFORE_SLURM_S = 30
}; /* SLURM looks at limits every 30 s, and the last shard and the ranks' end take time */

static volatile sig_atomic_t caught;
static double deadline_s, slurm_s; /* on the monotonic clock; 0: none */
static const char *over;

static void on_signal(int number) { caught = number; }

/* "90", "90s", "15m", "2h", "15:00", "1:30:00" in seconds; -1: no time. */
static double duration(const char *text)
{
    double sum = 0, part;
    int n, parts = 0;
    for (char colon = ':'; colon == ':' && parts < 3; parts++) {
        if (sscanf(text, "%lf%n", &part, &n) != 1 || !(part >= 0 && part < 1e8)) return -1;
        sum = 60 * sum + part;
        colon = text[n];
        text += n + (colon == ':');
    }
    if (!strcmp(text, "")) return sum;
    if (parts > 1 || text[1]) return -1;
    return *text == 's' ? sum : *text == 'm' ? 60 * sum : *text == 'h' ? 3600 * sum : -1;
}

anc_status anc_stop_listen(const char *limit, anc_err *err)
{
    struct sigaction ask = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigemptyset(&ask.sa_mask);
    sigaction(SIGTERM, &ask, NULL);
    sigaction(SIGINT, &ask, NULL);
    sigaction(SIGUSR1, &ask, NULL);
    /* Ranks whose mpirun or orted was killed would work on, and hold the folder, with nobody to report to. */
    if (getenv("OMPI_COMM_WORLD_RANK")) prctl(PR_SET_PDEATHSIG, SIGTERM);
    double wanted = limit ? duration(limit) : 0;
    if (wanted < 0)
        return anc_fail(err, ANC_EARGUMENT, "--time-limit %s: must be a time such as 90, 15m, 2h or 1:30:00",
                        limit);
    deadline_s = limit ? anc_now_s() + wanted : 0;
    const char *slurm = getenv("SLURM_JOB_END_TIME");
    long long end = slurm ? strtoll(slurm, NULL, 10) : 0;
    slurm_s = end > 0 ? anc_now_s() + (double)(end - (long long)time(NULL)) - BEFORE_SLURM_S : 0;
    return ANC_OK;
}

bool anc_stop_wanted(void)
{
    if (caught) return true;
    if (deadline_s == 0 && slurm_s == 0) return false;
    double now = anc_now_s();
    if (!over && deadline_s != 0 && now >= deadline_s) over = "--time-limit";
    if (!over && slurm_s != 0 && now >= slurm_s) over = "the end of the SLURM job";
    return over != NULL;
}

const char *anc_stop_reason(void)
{
    switch (caught) {
    case SIGTERM: return "SIGTERM";
    case SIGINT: return "SIGINT";
    case SIGUSR1: return "SIGUSR1";
    default: return over;
    }
}
