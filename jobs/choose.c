/* jobs/choose.c: see choose.h */
#include "jobs/choose.h"
#include "jobs/opts.h"
#include <stdlib.h>

const anc_rules *anc_choose_preset(const char *name, anc_err *err)
{
    size_t n = 0;
    const anc_rules *preset = anc_rules_preset(name);
    if (preset) return preset;
    while (anc_rules_preset_names[n]) n++;
    const char *near = anc_opts_nearest(name, anc_rules_preset_names, n);
    anc_fail(err, ANC_EARGUMENT, "no preset is called '%s'%s%s%s; see anchorage presets", name,
             near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return NULL;
}

const anc_kernels *anc_choose_kernels(const char *simd, bool *named, anc_err *err)
{
    const char *variable = getenv("ANCHORAGE_SIMD"), *name = simd                    ? simd
                                                             : variable && *variable ? variable
                                                                                     : NULL;
    const anc_kernels *k = anc_kernels_find(name);
    *named = name != NULL;
    if (!k)
        anc_fail(err, ANC_EARGUMENT, "no kernels called '%s' run on this machine; leave %s out", name,
                 simd ? "--simd" : "ANCHORAGE_SIMD");
    return k;
}
