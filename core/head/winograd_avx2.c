/* core/head/winograd_avx2.c: the loops of winograd.h eight channels at a time */
#include "core/head/winograd.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <stdint.h>

/* The first n of 8 lanes, to read and write what is left behind the last whole eight. */
static inline __m256i lanes_below(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n < 8 ? (int32_t)n : 8),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline void in_1d(__m256 d0, __m256 d1, __m256 d2, __m256 d3, __m256 v[4])
{
    v[0] = _mm256_sub_ps(d0, d2);
    v[1] = _mm256_add_ps(d1, d2);
    v[2] = _mm256_sub_ps(d2, d1);
    v[3] = _mm256_sub_ps(d1, d3);
}

void anc_winograd_in_avx2(const float *const d[16], size_t n, float *v, size_t stride)
{
    for (size_t c = 0; c < n; c += 8) {
        __m256i mask = lanes_below(n - c);
        __m256 down[4][4], row[4];
        for (size_t x = 0; x < 4; x++)
            in_1d(_mm256_maskload_ps(d[x] + c, mask), _mm256_maskload_ps(d[4 + x] + c, mask),
                  _mm256_maskload_ps(d[8 + x] + c, mask), _mm256_maskload_ps(d[12 + x] + c, mask), down[x]);
        for (size_t k = 0; k < 4; k++) {
            in_1d(down[0][k], down[1][k], down[2][k], down[3][k], row);
            for (size_t x = 0; x < 4; x++) _mm256_maskstore_ps(v + (4 * k + x) * stride + c, mask, row[x]);
        }
    }
}

static inline void out_1d(__m256 m0, __m256 m1, __m256 m2, __m256 m3, __m256 y[2])
{
    y[0] = _mm256_add_ps(_mm256_add_ps(m0, m1), m2);
    y[1] = _mm256_sub_ps(_mm256_sub_ps(m1, m2), m3);
}

void anc_winograd_out_avx2(const float *m, size_t stride, size_t n, const float *bias, float *out)
{
    for (size_t c = 0; c < n; c += 8) {
        __m256i mask = lanes_below(n - c);
        __m256 down[4][2], row[2], add = _mm256_maskload_ps(bias + c, mask);
        for (size_t x = 0; x < 4; x++)
            out_1d(_mm256_maskload_ps(m + x * stride + c, mask),
                   _mm256_maskload_ps(m + (4 + x) * stride + c, mask),
                   _mm256_maskload_ps(m + (8 + x) * stride + c, mask),
                   _mm256_maskload_ps(m + (12 + x) * stride + c, mask), down[x]);
        for (size_t y = 0; y < 2; y++) {
            out_1d(down[0][y], down[1][y], down[2][y], down[3][y], row);
            for (size_t x = 0; x < 2;
                 x++) /* max gives its second operand when one is NaN, and of two zeros */
                _mm256_maskstore_ps(out + (2 * y + x) * n + c, mask,
                                    _mm256_max_ps(_mm256_setzero_ps(), _mm256_add_ps(row[x], add)));
        }
    }
}
#endif
