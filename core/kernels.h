/* core/kernels.h: the hot loops, once in plain C and once for each instruction set that pays
 *
 * Tables are handed down as an argument, so that one process can run them all. Every table gives the same
 * labels, matches, draws, targets and proposals, bit for bit.
 */
#ifndef ANC_CORE_KERNELS_H
#define ANC_CORE_KERNELS_H

#include "core/match_loops.h"
#include "core/nms_block.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name;     /* "scalar", "avx2" */
    bool (*usable)(void); /* this CPU, under this operating system */
    const anc_loops_f32 *f32;
    const anc_loops_f64 *f64;
    /* n blocks of Philox (rng.h) from the counter on, whose first word counts them; out [4 n]; n a multiple
     * of 8 */
    void (*philox)(const uint32_t key[2], const uint32_t ctr[4], int n, uint32_t *out);
    /* y = log x, taken in double (logarithm.h) and rounded once; x and y [n], may be the same */
    void (*log)(const float *x, int n, float *y);
    /* float16 (half.h) to float32, exactly; half and out [n] */
    void (*widen)(const uint16_t *half, size_t n, float *out);
    /* Bit i: the block's box i has an IoU of `least` or more with box (x1, y1, x2, y2, area). The operations
     * are float32, in the order of torchvision's nms; one is 1 for inclusive corners, else 0. */
    uint32_t (*overlaps)(const anc_nms_block *block, const float box[5], float one, float least);
} anc_kernels;

extern const anc_kernels anc_kernels_scalar;
extern const anc_kernels anc_kernels_avx2;
extern const anc_kernels *const anc_kernels_all[]; /* fastest first, ends with NULL */

/* The table of that name, or with NULL the fastest that this machine can run. NULL: there is none. */
const anc_kernels *anc_kernels_find(const char *name);

#endif
