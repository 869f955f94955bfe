/* core/kernels_scalar.c: the table that runs everywhere; the definition that others are held to */
#include "core/iou.h"
#include "core/kernels.h"
#include <math.h>

#define REAL float
#define SUFFIX(name) name##_f32
#define CEIL ceilf
#define FLOOR floorf
#include "core/search_scalar.h"
#undef REAL
#undef SUFFIX
#undef CEIL
#undef FLOOR

#define REAL double
#define SUFFIX(name) name##_f64
#define CEIL ceil
#define FLOOR floor
#include "core/search_scalar.h"
#undef REAL
#undef SUFFIX
#undef CEIL
#undef FLOOR

static bool always(void) { return true; }

const anc_loops_f32 anc_loops_scalar_f32 = { bounds_f32, visit_f32, equal_f32, harvest_f32 };
const anc_loops_f64 anc_loops_scalar_f64 = { bounds_f64, visit_f64, equal_f64, harvest_f64 };

const anc_kernels anc_kernels_scalar = {
    .name = "scalar",
    .usable = always,
    .f32 = &anc_loops_scalar_f32,
    .f64 = &anc_loops_scalar_f64,
};
