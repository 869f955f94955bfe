/* jobs/cli/diagnostics_report.h: what a reader of annotations found, in words */
#ifndef ANC_JOBS_CLI_DIAGNOSTICS_REPORT_H
#define ANC_JOBS_CLI_DIAGNOSTICS_REPORT_H

#include "io/file/diagnostics.h"
#include <stdbool.h>

/* To stdout, a line for each kind with its count and first places: "  dropped: 2 boxes of no area: a.xml:7;
 * b.xml:9". Of what was kept as it is only when all is true. */
void anc_diagnostics_print(const anc_diagnostics *f, bool all);

#endif
