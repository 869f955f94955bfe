/* bench/clock.h: time that this process has computed, and the order of timings */
#ifndef ANC_BENCH_CLOCK_H
#define ANC_BENCH_CLOCK_H

#include <time.h>

static inline double bench_cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* For qsort. */
static inline int bench_ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

#endif
