/* jobs/inspect/inspect_print.h: what all parts of `anchorage inspect` print alike */
#ifndef ANC_JOBS_INSPECT_INSPECT_PRINT_H
#define ANC_JOBS_INSPECT_INSPECT_PRINT_H

#include <stdint.h>

/* "  name    12   3 %  ########": a line of a histogram. */
void anc_inspect_bar(const char *name, int64_t n, int64_t of, int64_t most);

/* 1/n of a, 0 when there are none. */
double anc_inspect_mean(double a, int64_t n);

#endif
