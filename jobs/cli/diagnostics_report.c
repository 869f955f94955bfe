/* jobs/cli/diagnostics_report.c: see findings_report.h */
#include "jobs/cli/diagnostics_report.h"
#include "jobs/cli/format.h"
#include <stdio.h>

void anc_diagnostics_print(const anc_diagnostics *f, bool all)
{
    static const char *const became[] = { "repaired", "dropped", "kept" };
    for (int k = 0; k < ANC_N_DIAGNOSTICS; k++) {
        const anc_diagnostic *one = &f->of[k];
        anc_diagnostic_class class = anc_diagnostic_class_of((anc_diagnostic_kind)k);
        if (!one->n || (class == ANC_ODD && !all)) continue;
        printf("  %s: %s %s", became[class], anc_format_count(one->n).text,
               anc_diagnostic_words((anc_diagnostic_kind)k, one->n));
        for (int i = 0; i < ANC_DIAGNOSTIC_PLACES && one->place[i][0]; i++)
            printf("%s%s", i ? "; " : ": ", one->place[i]);
        printf("%s\n", one->place[0][0] && one->n > ANC_DIAGNOSTIC_PLACES ? "; ..." : "");
    }
}
