/* jobs/inspect/inspect_print.c: see inspect_print.h */
#include "jobs/inspect/inspect_print.h"
#include "jobs/cli/format.h"
#include <stdio.h>
#include <string.h>

double anc_inspect_mean(double a, int64_t n) { return n ? a / (double)n : 0; }

void anc_inspect_bar(const char *name, int64_t n, int64_t of, int64_t most)
{
    enum { WIDTH = 40 };
    char bar[WIDTH + 1];
    size_t length = most ? (size_t)((double)n / (double)most * WIDTH + 0.5) : 0;
    memset(bar, '#', length);
    bar[length] = '\0';
    printf("    %-12s %13s %5.1f %%  %s\n", name, anc_format_count(n).text,
           anc_inspect_mean(100. * (double)n, of), bar);
}
