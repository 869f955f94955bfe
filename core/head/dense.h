/* core/head/dense.h: the RPN's head at every position of a level
 *
 * What core/head/head.h computes at the sampled anchors, here for all of them: proposals need every anchor's
 * objectness. The 3x3 convolution is done in tiles of 2x2 positions (winograd.h), BLOCK of them to a matrix
 * product, and both 1x1 convolutions follow while a block's hidden channels are in the cache. A level's maps
 * are read once, row by row; beyond the features themselves memory is a few blocks, whatever the map's size.
 *
 * A level is a function of its map and the parameters: shapes of all products depend on these alone, on one
 * thread. The bits depend on the BLAS library's kernels, that is on the kind of CPU, as training's do. Values
 * are those of the plain sum to float32's rounding: docs/METHOD.md, "Proposals".
 */
#ifndef ANC_CORE_HEAD_DENSE_H
#define ANC_CORE_HEAD_DENSE_H

#include "core/err.h"
#include "core/head/head.h"
#include "core/head/winograd.h"

/* Zeroed, then anc_dense_init; anc_dense_free. */
typedef struct {
    anc_head_shape shape;
    const anc_kernels *kernels;
    anc_winograd_loops tiles;
    float *weight;         /* [16][C][C'] the convolution's, transformed */
    float *bias;           /* [C'] */
    float *output;         /* [C'][5 A] both 1x1 convolutions: objectness, then deltas */
    float *output_bias;    /* [5 A] */
    float *in, *product;   /* [16][BLOCK][C], [16][BLOCK][C'] */
    float *hidden, *small; /* [4 BLOCK][C'], [4 BLOCK][5 A] */
    float *zero, *row;     /* [C]; [4][capacity][C] float16 rows, widened: row y at y mod 4 */
    int32_t capacity;
} anc_dense;

/* parameters as head.h has them; they are copied. Errors: ANC_EMEMORY. */
anc_status anc_dense_init(anc_dense *d, const anc_head_shape *shape, const anc_kernels *kernels,
                          const float *parameters, anc_err *err);

/* logit [h * w * A] and delta [h * w * A], in the order of anchors. Errors: ANC_EMEMORY. */
anc_status anc_dense_level(anc_dense *d, const anc_feature_map *map, float *logit, float (*delta)[4],
                           anc_err *err);

void anc_dense_free(anc_dense *d);

#endif
