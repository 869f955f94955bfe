/* bench/head.c: see head.h */
#include "bench/head.h"
#include "core/head/head.h"
#include "core/head/loss.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { LEVELS = 5, C = 256, A = 3, SAMPLED = 256, POSITIVE = 40, VIEWS = 8, ROUNDS = 9 };
static const int32_t grid[LEVELS][2] = { { 200, 336 }, { 100, 168 }, { 50, 84 }, { 25, 42 }, { 13, 21 } };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int ascending_i(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* ---- the core's peak ---- */

#ifdef __x86_64__
/* Ten independent sums hide the latency of four cycles at two operations a cycle. */
#define PEAK(name, isa, type, width, set, fma)                                                  \
    __attribute__((target(isa))) static double name(void)                                       \
    {                                                                                           \
        enum { SUMS = 10, N = 4000000 };                                                        \
        type sum[SUMS], x = set(0.5f), y = set(1.0f);                                           \
        for (int k = 0; k < SUMS; k++) sum[k] = set((float)k);                                  \
        double start = now();                                                                   \
        for (int i = 0; i < N; i++) {                                                           \
            _Pragma("GCC unroll 10") for (int k = 0; k < SUMS; k++) sum[k] = fma(sum[k], x, y); \
        }                                                                                       \
        double took = now() - start;                                                            \
        for (int k = 0; k < SUMS; k++) __asm__ volatile("" : : "x"(sum[k]));                    \
        return 2.0 * width * SUMS * N / took * 1e-9;                                            \
    }
PEAK(peak8, "avx2,fma", __m256, 8, _mm256_set1_ps, _mm256_fmadd_ps)
PEAK(peak16, "avx512f", __m512, 16, _mm512_set1_ps, _mm512_fmadd_ps)

static double best_of(double (*measure)(void))
{
    double best = 0;
    for (int i = 0; i < 5; i++) {
        double p = measure();
        best = p > best ? p : best;
    }
    return best;
}

static double peak_avx2(void) { return __builtin_cpu_supports("fma") ? best_of(peak8) : 0; }
double bench_peak(void) { return __builtin_cpu_supports("avx512f") ? best_of(peak16) : peak_avx2(); }
#else
static double peak_avx2(void) { return 0; }
double bench_peak(void) { return 0; }
#endif

/* ---- the head ---- */

typedef struct {
    anc_feature_map map[LEVELS];
    int32_t anchor[VIEWS][SAMPLED];
    int32_t n_anchors;
} data;

static uint32_t draw(uint32_t n)
{
    static uint64_t state = 7;
    uint64_t z = state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    return (uint32_t)(((z ^ z >> 31) >> 32) * n >> 32);
}

static data make(void)
{
    data d = { .n_anchors = 0 };
    for (int l = 0; l < LEVELS; l++) {
        size_t n = (size_t)(grid[l][0] * grid[l][1]) * C;
        uint16_t *x = malloc(n * sizeof *x);
        for (size_t i = 0; i < n; i++)
            x[i] = (uint16_t)(0x3000 + draw(0x0c00) + (draw(2) << 15)); /* 0.125 to 2 */
        d.map[l] = (anc_feature_map){ grid[l][0], grid[l][1], true, x };
        d.n_anchors += grid[l][0] * grid[l][1] * A;
    }
    for (int v = 0; v < VIEWS; v++) {
        for (int i = 0; i < SAMPLED; i++) d.anchor[v][i] = (int32_t)draw((uint32_t)d.n_anchors);
        qsort(d.anchor[v], POSITIVE, sizeof(int32_t), ascending_i);
        qsort(d.anchor[v] + POSITIVE, SAMPLED - POSITIVE, sizeof(int32_t), ascending_i);
    }
    return d;
}

void bench_head(const anc_kernels *k, void (*figure)(const char *, double, const char *, const char *))
{
    static float d_logit[SAMPLED], d_delta[SAMPLED][4], target[SAMPLED][4];
    anc_head_shape shape = { C, C, A };
    anc_head_activations p = { .shape = shape, .kernels = k };
    anc_err err = { 0 };
    data d = make();
    float *w = malloc(anc_head_size(&shape) * sizeof *w), *g = malloc(anc_head_size(&shape) * sizeof *g);
    double gather[ROUNDS], compute[ROUNDS], positions = 0;
    anc_head_one_thread();
    anc_head_init(&shape, 1, 0.01, w);
    for (int r = -1; r < ROUNDS; r++) { /* one to warm up */
        double spent[2] = { 0 };
        positions = 0;
        for (int v = 0; v < VIEWS; v++) {
            double t0 = now();
            if (anc_head_gather(&p, d.map, LEVELS, d.anchor[v], POSITIVE, SAMPLED - POSITIVE, &err)) exit(1);
            double t1 = now();
            anc_head_forward(&p, w, POSITIVE);
            anc_loss_objectness(p.logit, POSITIVE, SAMPLED, 1.0 / SAMPLED, d_logit);
            anc_loss_boxes((const float(*)[4])p.delta, (const float(*)[4])target, POSITIVE, 1.0 / 9,
                           1.0 / SAMPLED, d_delta);
            anc_head_backward(&p, w, POSITIVE, d_logit, (const float(*)[4])d_delta, g);
            spent[0] += t1 - t0;
            spent[1] += now() - t1;
            positions += p.n_positions;
        }
        if (r < 0) continue;
        gather[r] = spent[0] / VIEWS;
        compute[r] = spent[1] / VIEWS;
    }
    qsort(gather, ROUNDS, sizeof *gather, ascending);
    qsort(compute, ROUNDS, sizeof *compute, ascending);
    char beside[160];
    double flop = 2 * 2.0 * positions / VIEWS * 9 * C * C, best = bench_peak(),
           reached = flop / compute[ROUNDS / 2] * 1e-9;
    snprintf(beside, sizeof beside, "%.0f positions of 89,523, 256 channels, float16 in memory",
             positions / VIEWS);
    figure("head.gather", 1e6 * gather[ROUNDS / 2], "us", beside);
    figure("head.compute", 1e6 * compute[ROUNDS / 2], "us", "forward, loss, backward of a view; 256 anchors");
    snprintf(beside, sizeof beside,
             "its two matrix products over all of head.compute; BLAS for %s, one thread", anc_head_blas());
    figure("head.rate", reached, "GFLOP/s", beside);
    double narrow = peak_avx2();
    figure("fma.peak", best, "GFLOP/s", "this core's fused multiply-adds in registers, best of 5");
    figure("fma.peak_avx2", narrow, "GFLOP/s",
           "the same in AVX2, which is what BLAS for Haswell and Zen uses");
    if (narrow > 0) figure("head.share_avx2", 100 * reached / narrow, "%", "head.rate over fma.peak_avx2");
    if (best > 0) figure("head.share", 100 * reached / best, "%", "head.rate over fma.peak");
    for (int l = 0; l < LEVELS; l++) free((void *)(uintptr_t)d.map[l].row);
    anc_head_activations_free(&p);
    free(w);
    free(g);
}
