/* core/kernels.h: the hot loops of matching, once in plain C and once for each instruction set that pays
 *
 * A table holds one version of each loop, for IoU in float32 and in double. Tables are handed down as an
 * argument, so that one process can run them all. Every table gives the same labels and matches, bit for bit.
 */
#ifndef ANC_CORE_KERNELS_H
#define ANC_CORE_KERNELS_H

#include "core/iou.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The best box of each cell (grid.h) that a box has visited. Memory is handed out in tiles of 64 cells as
 * they are first touched, and used again for the next view: what a view needs of it fits a core's own cache,
 * however many anchors there are. Rows of best and arg have room for a vector to reach over their end. */
enum { ANC_TILE = 64 + 8 };
typedef struct {
    int32_t *tile_of;   /* [n_words] of cells [64 w, 64 w + 64): 1 + their tile, 0 when there is none */
    uint16_t *plane_of; /* [n_words] index in the grid's cells[] of the plane that they are of */
    int32_t n_words;
    int32_t laid;      /* cells of the grid that plane_of was made for */
    int32_t n, room;   /* tiles in use, and that there is memory for */
    int32_t *word;     /* [n] which 64 cells a tile stands for */
    uint64_t *touched; /* [n] its cells that hold something */
    uint64_t *held,
        *positive; /* [n] after the harvest: its cells that are not negative, and the positive ones */
    int32_t (*arg)[ANC_TILE]; /* index of the best box; the sign bit marks a low-quality match */
    float (
        *best32)[ANC_TILE]; /* its IoU: ANC_CLEAN where there is none, ANC_EXCLUDED where there may be none */
    double (*best64)[ANC_TILE]; /* the same, for IoU in double */
} anc_map;

/* Bits [from, from + n) of a word, 0 < n, from + n <= 64. */
static inline uint64_t anc_bits(int from, int n) { return ~0ULL >> (64 - n) << from; }

#define REAL         float
#define BEST         best32
#define SUFFIX(name) name##_f32
#include "core/search_types.h"
#undef REAL
#undef BEST
#undef SUFFIX

#define REAL         double
#define BEST         best64
#define SUFFIX(name) name##_f64
#include "core/search_types.h"
#undef REAL
#undef BEST
#undef SUFFIX

/* Up to 8 boxes that suppression (nms.h) has kept, side by side: x1, y1, x2, y2 and area. */
enum { ANC_NMS_LANES = 8 };
typedef struct {
    _Alignas(32) float value[5][ANC_NMS_LANES]; /* the lanes behind n are 0 */
    int32_t n, next;                            /* boxes in it; the next block of its cell, -1: none */
} anc_nms_block;

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

extern const anc_loops_f32 anc_loops_scalar_f32;
extern const anc_loops_f64 anc_loops_scalar_f64;
extern const anc_kernels anc_kernels_scalar;
extern const anc_kernels anc_kernels_avx2;
extern const anc_kernels *const anc_kernels_all[]; /* fastest first, ends with NULL */

/* The table of that name, or with NULL the fastest that this machine can run. NULL: there is none. */
const anc_kernels *anc_kernels_find(const char *name);

#endif
