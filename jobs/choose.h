/* jobs/choose.h: what a command line names: presets, kernels */
#ifndef ANC_JOBS_CHOOSE_H
#define ANC_JOBS_CHOOSE_H

#include "core/kernels.h"
#include "core/rules.h"

/* The preset of that name. NULL and *err: there is none (ANC_EARGUMENT); it names the one that is meant, if a
 * system's short name ("d2"), the start or a part of a name, or one misspelt says so. */
const anc_rules *anc_choose_preset(const char *name, anc_err *err);

/* The kernels that --simd names, or without it ANCHORAGE_SIMD, or with neither the fastest. *named: one of
 * them said so, and every rank is to take the same. NULL and *err: they do not run here (ANC_EARGUMENT). */
const anc_kernels *anc_choose_kernels(const char *simd, bool *named, anc_err *err);

#endif
