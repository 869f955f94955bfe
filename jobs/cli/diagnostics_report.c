/* jobs/cli/diagnostics_report.c: see findings_report.h */
#include "jobs/cli/diagnostics_report.h"
#include "jobs/cli/format.h"
#include <stdio.h>

void anc_findings_print(const anc_findings *f, bool all)
{
    static const char *const became[] = { "repaired", "dropped", "kept" };
    for (int k = 0; k < ANC_N_FINDINGS; k++) {
        const anc_finding *one = &f->of[k];
        anc_finding_class class = anc_finding_class_of((anc_finding_kind)k);
        if (!one->n || (class == ANC_ODD && !all)) continue;
        printf("  %s: %s %s", became[class], anc_format_count(one->n).text,
               anc_finding_words((anc_finding_kind)k, one->n));
        for (int i = 0; i < ANC_FINDING_PLACES && one->place[i][0]; i++)
            printf("%s%s", i ? "; " : ": ", one->place[i]);
        printf("%s\n", one->place[0][0] && one->n > ANC_FINDING_PLACES ? "; ..." : "");
    }
}
