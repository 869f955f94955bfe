/* jobs/cli/choose.c: see choose.h */
#include "jobs/cli/choose.h"
#include <stdlib.h>

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
