/* jobs/cli/choose.h: what a command line names: presets, kernels */
#ifndef ANC_JOBS_CLI_CHOOSE_H
#define ANC_JOBS_CLI_CHOOSE_H

#include "core/kernels.h"
#include "core/words.h"

/* The kernels that --simd names, or without it ANCHORAGE_SIMD, or with neither the fastest. *named: one of
 * them said so, and every rank is to take the same. NULL and *err: they do not run here (ANC_EARGUMENT). */
const anc_kernels *anc_choose_kernels(const char *simd, bool *named, anc_err *err);

#endif
