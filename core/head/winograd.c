/* core/head/winograd.c: see winograd.h */
#include "core/head/winograd.h"

void anc_winograd_weights(const float g[9], float u[ANC_WINOGRAD_PLANES])
{
    static const double G[4][3] = { { 1, 0, 0 }, { .5, .5, .5 }, { .5, -.5, .5 }, { 0, 0, 1 } };
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int y = 0; y < 3; y++)
                for (int x = 0; x < 3; x++) sum += G[i][y] * (double)g[3 * y + x] * G[j][x];
            u[4 * i + j] = (float)sum;
        }
}

anc_winograd_loops anc_winograd_for(const anc_kernels *kernels)
{
#ifdef __x86_64__
    if (kernels == &anc_kernels_avx2)
        return (anc_winograd_loops){ anc_winograd_in_avx2, anc_winograd_out_avx2 };
#endif
    (void)kernels;
    return (anc_winograd_loops){ anc_winograd_in_scalar, anc_winograd_out_scalar };
}

/* B^T of four numbers. */
static inline void in_1d(const float d[4], float v[4])
{
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
}

void anc_winograd_in_scalar(const float *const d[16], size_t n, float *v, size_t stride)
{
    for (size_t c = 0; c < n; c++) {
        float down[4][4], row[4]; /* [x][plane row]: first along y, then along x */
        for (int x = 0; x < 4; x++)
            in_1d((float[4]){ d[x][c], d[4 + x][c], d[8 + x][c], d[12 + x][c] }, down[x]);
        for (size_t k = 0; k < 4; k++) {
            in_1d((float[4]){ down[0][k], down[1][k], down[2][k], down[3][k] }, row);
            for (size_t x = 0; x < 4; x++) v[(4 * k + x) * stride + c] = row[x];
        }
    }
}

/* A^T of four numbers. */
static inline void out_1d(const float m[4], float y[2])
{
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
}

void anc_winograd_out_scalar(const float *m, size_t stride, size_t n, const float *bias, float *out)
{
    for (size_t c = 0; c < n; c++) {
        float down[4][2], row[2];
        for (size_t x = 0; x < 4; x++)
            out_1d((float[4]){ m[x * stride + c], m[(4 + x) * stride + c], m[(8 + x) * stride + c],
                               m[(12 + x) * stride + c] },
                   down[x]);
        for (size_t y = 0; y < 2; y++) {
            out_1d((float[4]){ down[0][y], down[1][y], down[2][y], down[3][y] }, row);
            for (size_t x = 0; x < 2; x++) {
                float v = row[x] + bias[c];
                out[(2 * y + x) * n + c] = v < 0 ? 0 : v;
            }
        }
    }
}
