/* bench/brute_avx2.c: see brute_avx2.h */
#include "bench/brute_avx2.h"
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

/* Eight anchors of one shape, side by side in x. */
typedef struct {
    __m256 x1, x2, y1, y2, area;
} anchors8;

AVX2 static inline anchors8 load(const anc_level *v, const double *b, int32_t y, int32_t x)
{
    __m256 sx = _mm256_mul_ps(_mm256_add_ps(_mm256_set1_ps((float)x), _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7)),
                              _mm256_set1_ps((float)v->stride_x));
    __m256 sy = _mm256_set1_ps((float)(y * v->stride_y));
    anchors8 a = { _mm256_add_ps(_mm256_set1_ps((float)b[0]), sx),
                   _mm256_add_ps(_mm256_set1_ps((float)b[2]), sx),
                   _mm256_add_ps(_mm256_set1_ps((float)b[1]), sy),
                   _mm256_add_ps(_mm256_set1_ps((float)b[3]), sy), _mm256_setzero_ps() };
    a.area = _mm256_mul_ps(_mm256_sub_ps(a.x2, a.x1), _mm256_sub_ps(a.y2, a.y1));
    return a;
}

AVX2 static inline __m256 iou(const anchors8 *a, anc_box g)
{
    const __m256 zero = _mm256_setzero_ps();
    __m256 w =
        _mm256_sub_ps(_mm256_min_ps(a->x2, _mm256_set1_ps(g.x2)), _mm256_max_ps(a->x1, _mm256_set1_ps(g.x1)));
    __m256 h =
        _mm256_sub_ps(_mm256_min_ps(a->y2, _mm256_set1_ps(g.y2)), _mm256_max_ps(a->y1, _mm256_set1_ps(g.y1)));
    __m256 inter = _mm256_mul_ps(_mm256_max_ps(w, zero), _mm256_max_ps(h, zero));
    __m256 area = _mm256_set1_ps((g.x2 - g.x1) * (g.y2 - g.y1));
    return _mm256_div_ps(inter, _mm256_sub_ps(_mm256_add_ps(area, a->area), inter));
}

AVX2 void bench_brute_avx2(const anc_grid *grid, const anc_box *box, int32_t n_box, float positive_iou,
                           float negative_iou, float (*capacity)[8], int8_t *label, int32_t *gt)
{
    float best_of[8];
    int32_t arg_of[8];
    for (int32_t g = 0; g < n_box; g++) _mm256_storeu_ps(capacity[g], _mm256_setzero_ps());
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t l = 0; l < grid->n_levels; l++) {
            const anc_level *v = &grid->level[l];
            for (int32_t s = 0; s < v->n_shapes; s++)
                for (int32_t y = 0; y < v->h; y++)
                    for (int32_t x = 0; x < v->w; x += 8) {
                        anchors8 a = load(v, grid->base[v->shape + s], y, x);
                        int n = v->w - x < 8 ? v->w - x : 8;
                        int32_t first = v->first + (y * v->w + x) * v->n_shapes + s;
                        if (pass) { /* low-quality matches: equal to the best of some box */
                            unsigned hit = 0;
                            for (int32_t g = 0; g < n_box; g++)
                                hit |= (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(
                                    iou(&a, box[g]), _mm256_set1_ps(capacity[g][0]), _CMP_EQ_OQ));
                            for (int i = 0; i < n; i++)
                                if (hit >> i & 1) label[first + i * v->n_shapes] = 1;
                            continue;
                        }
                        __m256 best = _mm256_set1_ps(-1),
                               in = _mm256_cmp_ps(_mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7),
                                                  _mm256_set1_ps((float)n), _CMP_LT_OQ);
                        __m256i arg = _mm256_setzero_si256();
                        for (int32_t g = 0; g < n_box; g++) {
                            __m256 u = _mm256_and_ps(iou(&a, box[g]), in),
                                   more = _mm256_cmp_ps(u, best, _CMP_GT_OQ);
                            best = _mm256_blendv_ps(best, u, more);
                            arg = _mm256_blendv_epi8(arg, _mm256_set1_epi32(g), _mm256_castps_si256(more));
                            _mm256_storeu_ps(capacity[g], _mm256_max_ps(_mm256_loadu_ps(capacity[g]), u));
                        }
                        _mm256_storeu_ps(best_of, best);
                        _mm256_storeu_si256((__m256i *)arg_of, arg);
                        for (int i = 0; i < n; i++) {
                            int32_t at = first + i * v->n_shapes;
                            gt[at] = arg_of[i];
                            label[at] = best_of[i] >= positive_iou ? 1 : best_of[i] >= negative_iou ? -1 : 0;
                        }
                    }
        }
        for (int32_t g = 0; g < n_box && !pass; g++) {
            for (int i = 1; i < 8; i++)
                if (capacity[g][i] > capacity[g][0]) capacity[g][0] = capacity[g][i];
            if (capacity[g][0] == 0) capacity[g][0] = 2; /* overlaps nothing: no anchor equals this */
        }
    }
}
