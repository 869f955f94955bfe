/* jobs/cli/clock.h: the time for what is measured: seconds on a clock that nobody sets */
#ifndef ANC_JOBS_CLI_CLOCK_H
#define ANC_JOBS_CLI_CLOCK_H

#include <time.h>

static inline double anc_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
