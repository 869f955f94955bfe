/* core/match_loops.h: the hot loops of matching, as a table for IoU in float32 and one for IoU in double */
#ifndef ANC_CORE_MATCH_LOOPS_H
#define ANC_CORE_MATCH_LOOPS_H

#include "core/match_map.h"
#include <stddef.h>

#define REAL         float
#define SUFFIX(name) name##_f32
#include "core/match_loops_tmpl.h"
#undef REAL
#undef SUFFIX

#define REAL         double
#define SUFFIX(name) name##_f64
#include "core/match_loops_tmpl.h"
#undef REAL
#undef SUFFIX

extern const anc_loops_f32 anc_loops_scalar_f32;
extern const anc_loops_f64 anc_loops_scalar_f64;

#endif
