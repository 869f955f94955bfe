/* core/kernels.h: the hot loops of matching, once in plain C and once for each instruction set that pays
 *
 * A table holds one version of each loop, for IoU in float32 and in double. Tables are handed down as an
 * argument, so that one process can run them all. Every table gives the same labels and matches, bit for bit.
 */
#ifndef ANC_CORE_KERNELS_H
#define ANC_CORE_KERNELS_H

#include "core/set.h"
#include <stdbool.h>
#include <stdint.h>

/* A run of cells of one grid row, in a plane-major cell numbering: see match.c. */
typedef struct {
    int32_t cell, n;
} anc_run;

#define REAL float
#define SUFFIX(name) name##_f32
#include "core/search_types.h"
#undef REAL
#undef SUFFIX

#define REAL double
#define SUFFIX(name) name##_f64
#include "core/search_types.h"
#undef REAL
#undef SUFFIX

typedef struct {
    const char *name;    /* "scalar", "avx2" */
    bool (*usable)(void); /* this CPU, under this operating system */
    const anc_loops_f32 *f32;
    const anc_loops_f64 *f64;
} anc_kernels;

extern const anc_loops_f32 anc_loops_scalar_f32;
extern const anc_loops_f64 anc_loops_scalar_f64;
extern const anc_kernels anc_kernels_scalar;
extern const anc_kernels anc_kernels_avx2;
extern const anc_kernels *const anc_kernels_all[]; /* fastest first, ends with NULL */

/* The table of that name, or with NULL the fastest that this machine can run. NULL: there is none. */
const anc_kernels *anc_kernels_find(const char *name);

#endif
