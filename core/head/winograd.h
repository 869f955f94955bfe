/* core/head/winograd.h: a 3x3 convolution of 2x2 outputs by 16 products instead of 36: F(2x2, 3x3)
 *
 * With d a tile of 4x4 inputs that overlaps its neighbours by two and g the 3x3 weights, the tile's 2x2
 * outputs are A^T [ (G g G^T) . (B^T d B) ] A      . element by element where B and A hold 0, 1 and -1 alone,
 * so that inputs and outputs are added and subtracted, never scaled; G holds halves. Summed over channels,
 * "." is 16 matrix products. Of the forms of this kind it is the one whose rounding is that of the plain sum:
 * about one float32 ulp of the largest term. F(4x4, 3x3) would save another 1.8 times and lose four bits.
 * Source: Lavin and Gray 2015 (arXiv:1509.09308), section 4.1.
 */
#ifndef ANC_CORE_HEAD_WINOGRAD_H
#define ANC_CORE_HEAD_WINOGRAD_H

#include "core/kernels.h"
#include <stddef.h>

enum { ANC_WINOGRAD_PLANES = 16 };

/* The weights' side, G g G^T, of one 3x3 kernel: taken in double, rounded once. */
void anc_winograd_weights(const float g[9], float u[ANC_WINOGRAD_PLANES]);

/* Each loop once in plain C and once for AVX2: the same operations in the same order, so the same bits
 * (kernels.h). */

/* B^T d B of n channels. d: the tile's 16 positions, row by row, each [n]. Plane k's n numbers go to v + k *
 * stride. */
void anc_winograd_in_scalar(const float *const d[16], size_t n, float *v, size_t stride);
void anc_winograd_in_avx2(const float *const d[16], size_t n, float *v, size_t stride);

/* ReLU(A^T m A + bias) of n channels. Plane k's n numbers stand at m + k * stride; out [4][n]: (0, 0), (0,
 * 1), (1, 0), (1, 1). NaN stays NaN. */
void anc_winograd_out_scalar(const float *m, size_t stride, size_t n, const float *bias, float *out);
void anc_winograd_out_avx2(const float *m, size_t stride, size_t n, const float *bias, float *out);

/* Both loops for the instruction set of a kernel table. */
typedef struct {
    void (*in)(const float *const d[16], size_t n, float *v, size_t stride);
    void (*out)(const float *m, size_t stride, size_t n, const float *bias, float *out);
} anc_winograd_loops;
anc_winograd_loops anc_winograd_for(const anc_kernels *kernels);

#endif
