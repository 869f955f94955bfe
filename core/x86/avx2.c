/* core/x86/avx2.c: the float32 loops eight cells at a time; the double ones are the plain C ones
 *
 * Add, subtract, multiply, divide, min and max round as their scalar forms do, so the IoU of a cell has the
 * same bits as in kernels_scalar.c. Which cells are visited may differ at the rim, where no label depends on
 * it.
 */
#include "core/kernels.h"
#include "core/logarithm.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#include <math.h>

static bool usable(void)
{
    unsigned a, b, c = 0, d; /* clang's __builtin_cpu_supports does not know F16C */
    bool widens = __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
    /* also asks for the OS's support */
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") && widens;
}

static __m256 lanes(void) { return _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7); }
static __m256i lanes_i(void) { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }

/* All bits set in the lanes below n. */
static __m256i below(int32_t n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lanes_i()); }

static void bounds(const float *w, const float *h, int32_t n, const anc_query_f32 *q, const anc_terms_f32 *k,
                   float *bound)
{
    __m256 qw = _mm256_set1_ps(q->w), qh = _mm256_set1_ps(q->h), slack = _mm256_set1_ps(k->slack);
    __m256 area = _mm256_set1_ps(q->area), up = _mm256_set1_ps(1.00001f), one = _mm256_set1_ps(1);
    for (int32_t i = 0; i < n;
         i += 8) { /* the arrays have room for whole vectors: ANC_MAX_SHAPES is a multiple of 8 */
        __m256 sw = _mm256_loadu_ps(w + i), sh = _mm256_loadu_ps(h + i);
        __m256 iw = _mm256_add_ps(_mm256_min_ps(sw, qw), slack),
               ih = _mm256_add_ps(_mm256_min_ps(sh, qh), slack);
        __m256 inter = _mm256_mul_ps(iw, ih);
        __m256 own = _mm256_mul_ps(_mm256_sub_ps(sw, slack), _mm256_sub_ps(sh, slack));
        __m256 union_area = _mm256_sub_ps(_mm256_add_ps(own, area), inter);
        __m256 ratio = _mm256_mul_ps(_mm256_div_ps(inter, union_area), up);
        _mm256_storeu_ps(bound + i,
                         _mm256_blendv_ps(one, ratio, _mm256_cmp_ps(inter, union_area, _CMP_LT_OQ)));
    }
}

/* Eight rows of a visit: their share in the IoU, and the columns that can reach the threshold. */
typedef struct {
    float ih[8], ah[8];
    int32_t x[8], n[8];
} rows8;

typedef struct {
    __m256 one, slack, need, low_y, high_y, low_x, high_x, y1, y2, stride_y, shift_y, near, far, inverse,
        margin, x_begin, x_last;
} rows_terms;

static void find_columns(const rows_terms *v, int32_t y, rows8 *out)
{
    __m256 sy = _mm256_add_ps(_mm256_mul_ps(_mm256_add_ps(_mm256_set1_ps((float)y), lanes()), v->stride_y),
                              v->shift_y);
    __m256 ay1 = _mm256_add_ps(v->y1, sy), ay2 = _mm256_add_ps(v->y2, sy);
    __m256 ih =
        _mm256_add_ps(_mm256_sub_ps(_mm256_min_ps(ay2, v->high_y), _mm256_max_ps(ay1, v->low_y)), v->one);
    ih = _mm256_max_ps(ih, _mm256_setzero_ps());
    _mm256_storeu_ps(out->ih, ih);
    _mm256_storeu_ps(out->ah, _mm256_add_ps(_mm256_sub_ps(ay2, ay1), v->one));
    /* an overlap of c px along x, as in reach() of match_loops_scalar_tmpl.h; ih = 0 makes c infinite (or
     * NaN) and the range empty */
    __m256 c = _mm256_sub_ps(_mm256_sub_ps(_mm256_div_ps(v->need, ih), v->slack), v->one);
    __m256 a = _mm256_mul_ps(_mm256_sub_ps(_mm256_add_ps(v->low_x, c), v->far), v->inverse);
    __m256 b = _mm256_mul_ps(_mm256_sub_ps(_mm256_sub_ps(v->high_x, c), v->near), v->inverse);
    a = _mm256_max_ps(_mm256_ceil_ps(_mm256_sub_ps(a, v->margin)), v->x_begin);
    b = _mm256_min_ps(_mm256_floor_ps(_mm256_add_ps(b, v->margin)), v->x_last);
    __m256 some =
        _mm256_and_ps(_mm256_cmp_ps(b, a, _CMP_GE_OQ), _mm256_cmp_ps(ih, _mm256_setzero_ps(), _CMP_GT_OQ));
    __m256i first = _mm256_cvttps_epi32(a), last = _mm256_cvttps_epi32(b);
    __m256i n = _mm256_sub_epi32(_mm256_sub_epi32(last, first), _mm256_set1_epi32(-1));
    _mm256_storeu_si256((__m256i *)out->x, first);
    _mm256_storeu_si256((__m256i *)out->n, _mm256_and_si256(n, _mm256_castps_si256(some)));
}

static const float clean_tile[ANC_TILE] = {
#define EIGHT ANC_CLEAN, ANC_CLEAN, ANC_CLEAN, ANC_CLEAN, ANC_CLEAN, ANC_CLEAN, ANC_CLEAN, ANC_CLEAN
    EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT,
#undef EIGHT
};

/* As anc_map_touch_f32. *old is where to read the tile's values from: of a new tile not the tile itself,
 * whose stores are still on their way and would hold up a load that does not line up with them. */
static inline int32_t touch(anc_map *m, int32_t word, const float **old)
{
    int32_t tile = m->tile_of[word] - 1;
    if (tile >= 0) {
        *old = m->best_f32[tile];
        return tile;
    }
    tile = m->n++;
    m->tile_of[word] = tile + 1;
    m->word[tile] = word;
    m->touched[tile] = 0;
    float *best = m->best_f32[tile];
    const __m256 clean = _mm256_set1_ps(ANC_CLEAN);
#pragma GCC unroll 9
    for (int i = 0; i < ANC_TILE; i += 8) _mm256_storeu_ps(best + i, clean);
    *old = clean_tile;
    return tile;
}

static float largest(__m256 v)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

static float visit(const anc_plane_f32 *p, const anc_query_f32 *q, float iou, const anc_terms_f32 *k,
                   int32_t g, anc_map *map, anc_visited_f32 *t)
{
    float need = iou / (1 + iou) * ((p->w - k->slack) * (p->h - k->slack) + q->area) * 0.99999f;
    float widest = (p->w < q->w ? p->w : q->w) + k->slack, inverse_y = 1 / p->stride_y,
          inverse_x = 1 / p->stride_x;
    float c = need / widest - k->slack - k->legacy_offset, margin_y = 0.001f + k->slack * inverse_y;
    float a = (q->y1 + c - (p->y2 + p->shift_y)) * inverse_y - margin_y;
    float b = (q->y2 - c - (p->y1 + p->shift_y)) * inverse_y + margin_y;
    if (!(a <= b) || !(b >= (float)p->y_begin) || !(a <= (float)(p->y_end - 1))) return -1;
    int32_t y = a > (float)p->y_begin ? (int32_t)ceilf(a) : p->y_begin;
    int32_t y_end = b < (float)(p->y_end - 1) ? (int32_t)floorf(b) + 1 : p->y_end;
    const rows_terms v = {
        .one = _mm256_set1_ps(k->legacy_offset),
        .slack = _mm256_set1_ps(k->slack),
        .need = _mm256_set1_ps(need),
        .low_y = _mm256_set1_ps(q->y1),
        .high_y = _mm256_set1_ps(q->y2),
        .low_x = _mm256_set1_ps(q->x1),
        .high_x = _mm256_set1_ps(q->x2),
        .y1 = _mm256_set1_ps(p->y1),
        .y2 = _mm256_set1_ps(p->y2),
        .stride_y = _mm256_set1_ps(p->stride_y),
        .shift_y = _mm256_set1_ps(p->shift_y),
        .near = _mm256_set1_ps(p->x1 + p->shift_x),
        .far = _mm256_set1_ps(p->x2 + p->shift_x),
        .inverse = _mm256_set1_ps(inverse_x),
        .margin = _mm256_set1_ps(0.001f + k->slack * inverse_x),
        .x_begin = _mm256_set1_ps((float)p->x_begin),
        .x_last = _mm256_set1_ps((float)(p->x_end - 1)),
    };
    const __m256 one = v.one, low_x = v.low_x, high_x = v.high_x, x1 = _mm256_set1_ps(p->x1),
                 x2 = _mm256_set1_ps(p->x2);
    const __m256 stride = _mm256_set1_ps(p->stride_x), shift = _mm256_set1_ps(p->shift_x),
                 zero = _mm256_setzero_ps();
    const __m256 area = _mm256_set1_ps(q->area), floor_ = _mm256_set1_ps(k->eps), none = _mm256_set1_ps(-1);
    const __m256 excluded = _mm256_set1_ps(ANC_EXCLUDED);
    const __m256i who = _mm256_set1_epi32(g);
    __m256 top = none;
    int32_t *block = t->cell + t->n;
    float *value = t->value + 8 * t->n;
    for (; y < y_end; y += 8) {
        rows8 r;
        find_columns(&v, y, &r);
        int32_t rows = y_end - y < 8 ? y_end - y : 8;
        for (int32_t i = 0; i < rows; i++) {
            int32_t n = r.n[i], x = r.x[i];
            if (n <= 0) continue;
            int32_t cell = p->cell + (y + i) * p->pitch + x, end = cell + n;
            const __m256 ih = _mm256_set1_ps(r.ih[i]), ah = _mm256_set1_ps(r.ah[i]);
            do { /* tile by tile */
                int from = cell & 63, left = end - cell < 64 - from ? end - cell : 64 - from;
                const float *old8;
                int32_t tile = touch(map, cell >> 6, &old8);
                old8 += from;
                float *best8 = map->best_f32[tile] + from;
                int32_t *arg8 = map->arg[tile] + from;
                map->touched[tile] |= anc_bits(from, left);
                for (; left > 0; left -= 8, x += 8, cell += 8, old8 += 8, best8 += 8, arg8 += 8, value += 8) {
                    *block++ = cell;
                    __m256 at = _mm256_add_ps(_mm256_set1_ps((float)x), lanes());
                    __m256 sx = _mm256_add_ps(_mm256_mul_ps(at, stride), shift);
                    __m256 ax1 = _mm256_add_ps(x1, sx), ax2 = _mm256_add_ps(x2, sx);
                    __m256 iw = _mm256_add_ps(
                        _mm256_sub_ps(_mm256_min_ps(ax2, high_x), _mm256_max_ps(ax1, low_x)), one);
                    __m256 inter = _mm256_mul_ps(_mm256_max_ps(iw, zero), ih);
                    __m256 own = _mm256_mul_ps(_mm256_add_ps(_mm256_sub_ps(ax2, ax1), one), ah);
                    __m256 union_area = _mm256_max_ps(_mm256_sub_ps(_mm256_add_ps(area, own), inter), floor_);
                    __m256 iou8 = _mm256_div_ps(inter, union_area), best = _mm256_loadu_ps(old8);
                    __m256 in = _mm256_and_ps(_mm256_castsi256_ps(below(left)),
                                              _mm256_cmp_ps(best, excluded, _CMP_NEQ_OQ));
                    iou8 = _mm256_blendv_ps(none, iou8, in);
                    __m256 more = _mm256_cmp_ps(iou8, best, _CMP_GT_OQ);
                    _mm256_storeu_ps(value, iou8);
                    _mm256_storeu_ps(best8, _mm256_blendv_ps(best, iou8, more));
                    _mm256_maskstore_epi32(arg8, _mm256_castps_si256(more), who);
                    top = _mm256_max_ps(top, iou8);
                }
                x += left; /* left is how far the last vector reached over, as a negative number */
                cell += left;
            } while (cell < end);
        }
    }
    t->n = (size_t)(block - t->cell);
    return largest(top);
}

static size_t equal(const anc_visited_f32 *t, float x, int32_t *out)
{
    const __m256 wanted = _mm256_set1_ps(x);
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        unsigned same = (unsigned)_mm256_movemask_ps(
            _mm256_cmp_ps(_mm256_loadu_ps(t->value + 8 * i), wanted, _CMP_EQ_OQ));
        for (; same; same &= same - 1) out[n++] = t->cell[i] + __builtin_ctz(same);
    }
    return n;
}

static int32_t threshold(anc_map *map, float positive_iou, float negative_iou)
{
    const __m256 high = _mm256_set1_ps(positive_iou), low = _mm256_set1_ps(negative_iou),
                 zero = _mm256_setzero_ps();
    const __m256 excluded = _mm256_set1_ps(ANC_EXCLUDED);
    int64_t n_non_negative = 0;
    for (int32_t tile = 0; tile < map->n; tile++) {
        const float *best = map->best_f32[tile];
        const float *arg = (const float *)map->arg[tile];
        uint64_t positive = 0, held = 0, touched = map->touched[tile];
        for (uint64_t rest = touched; rest;) {
            int i = __builtin_ctzll(rest) & ~7;
            rest &= ~(255ULL << i);
            __m256 b = _mm256_loadu_ps(best + i), mark = _mm256_loadu_ps(arg + i);
            __m256 low_quality =
                _mm256_and_ps(mark, _mm256_cmp_ps(b, zero, _CMP_GE_OQ)); /* movemask reads the sign bit */
            __m256 in = _mm256_cmp_ps(b, excluded, _CMP_LT_OQ);
            __m256 yes = _mm256_and_ps(in, _mm256_or_ps(low_quality, _mm256_cmp_ps(b, high, _CMP_GE_OQ)));
            positive |= (uint64_t)_mm256_movemask_ps(yes) << i;
            held |= (uint64_t)_mm256_movemask_ps(_mm256_cmp_ps(b, low, _CMP_GE_OQ)) << i;
        }
        positive &= touched;
        held = (held & touched) | positive;
        map->positive[tile] = positive;
        map->non_negative[tile] = held;
        n_non_negative += _mm_popcnt_u64(held);
    }
    return (int32_t)n_non_negative;
}

static int32_t near(const float *corner, int32_t capacity, int32_t n, const float b[4], int32_t *out)
{
    const float *x1 = corner, *y1 = x1 + capacity, *x2 = y1 + capacity, *y2 = x2 + capacity;
    const __m256 left = _mm256_set1_ps(b[0]), top = _mm256_set1_ps(b[1]), right = _mm256_set1_ps(b[2]),
                 bottom = _mm256_set1_ps(b[3]);
    int32_t m = 0;
    for (int32_t i = 0; i < n; i += 8) {
        __m256 in = _mm256_and_ps(_mm256_cmp_ps(_mm256_loadu_ps(x1 + i), right, _CMP_LT_OQ),
                                  _mm256_cmp_ps(_mm256_loadu_ps(x2 + i), left, _CMP_GT_OQ));
        in = _mm256_and_ps(in, _mm256_cmp_ps(_mm256_loadu_ps(y1 + i), bottom, _CMP_LT_OQ));
        in = _mm256_and_ps(in, _mm256_cmp_ps(_mm256_loadu_ps(y2 + i), top, _CMP_GT_OQ));
        unsigned hit = (unsigned)_mm256_movemask_ps(in);
        if (n - i < 8) hit &= 255u >> (8 - (n - i));
        for (; hit; hit &= hit - 1) out[m++] = i + __builtin_ctz(hit);
    }
    return m;
}

/* The 64-bit products of one multiplier with eight numbers, as their high and low halves. */
static inline void multiply(__m256i x, __m256i by, __m256i *high, __m256i *low)
{
    __m256i even = _mm256_mul_epu32(x, by), odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), by);
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
    *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}

/* Eight blocks at a time, a lane each. */
static void philox(const uint32_t key[2], const uint32_t ctr[4], int n, uint32_t *out)
{
    const __m256i m0 = _mm256_set1_epi32((int)0xD2511F53u), m1 = _mm256_set1_epi32((int)0xCD9E8D57u);
    for (int i = 0; i < n; i += 8) {
        __m256i c0 = _mm256_add_epi32(_mm256_set1_epi32((int)(ctr[0] + (uint32_t)i)), lanes_i());
        __m256i c1 = _mm256_set1_epi32((int)ctr[1]), c2 = _mm256_set1_epi32((int)ctr[2]),
                c3 = _mm256_set1_epi32((int)ctr[3]);
        uint32_t k0 = key[0], k1 = key[1];
        for (int round = 0; round < 10; round++) {
            __m256i high0, low0, high1, low1;
            multiply(c0, m0, &high0, &low0);
            multiply(c2, m1, &high1, &low1);
            c0 = _mm256_xor_si256(_mm256_xor_si256(high1, c1), _mm256_set1_epi32((int)k0));
            c2 = _mm256_xor_si256(_mm256_xor_si256(high0, c3), _mm256_set1_epi32((int)k1));
            c1 = low1;
            c3 = low0;
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        /* 4 x 8 to 8 x 4 */
        __m256i a = _mm256_unpacklo_epi32(c0, c1), b = _mm256_unpackhi_epi32(c0, c1);
        __m256i c = _mm256_unpacklo_epi32(c2, c3), d = _mm256_unpackhi_epi32(c2, c3);
        __m256i r0 = _mm256_unpacklo_epi64(a, c), r1 = _mm256_unpackhi_epi64(a, c); /* blocks 0 4, 1 5 */
        __m256i r2 = _mm256_unpacklo_epi64(b, d), r3 = _mm256_unpackhi_epi64(b, d); /* 2 6, 3 7 */
        __m256i *to = (__m256i *)(out + 4 * i);
        _mm256_storeu_si256(to, _mm256_permute2x128_si256(r0, r1, 0x20));
        _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(r2, r3, 0x20));
        _mm256_storeu_si256(to + 2, _mm256_permute2x128_si256(r0, r1, 0x31));
        _mm256_storeu_si256(to + 3, _mm256_permute2x128_si256(r2, r3, 0x31));
    }
}

/* anc_log of four positive normal numbers, the same operations in the same order. */
static inline __m128 log4(__m128 x)
{
    __m256d v = _mm256_cvtps_pd(x), one = _mm256_set1_pd(1);
    __m256i bits = _mm256_castpd_si256(v);
    /* the shifted difference fits its upper 32 bits: exponents are small, so an arithmetic shift of those is
     * enough */
    __m256i above = _mm256_sub_epi64(bits, _mm256_set1_epi64x(ANC_SQRT_HALF_BITS));
    __m256i e = _mm256_srai_epi32(_mm256_shuffle_epi32(above, 0xf5), 20);
    __m256d m = _mm256_castsi256_pd(_mm256_sub_epi64(bits, _mm256_slli_epi64(e, 52)));
    __m256d s = _mm256_div_pd(_mm256_sub_pd(m, one), _mm256_add_pd(m, one)), square = _mm256_mul_pd(s, s);
    __m256d sum = _mm256_set1_pd(anc_log_terms[10]);
#pragma GCC unroll 10
    for (int i = 9; i >= 0; i--)
        sum = _mm256_add_pd(_mm256_mul_pd(sum, square), _mm256_set1_pd(anc_log_terms[i]));
    __m256i low = _mm256_permutevar8x32_epi32(e, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    __m256d exponent = _mm256_cvtepi32_pd(_mm256_castsi256_si128(low));
    __m256d twice = _mm256_mul_pd(_mm256_mul_pd(_mm256_set1_pd(2), s), sum);
    return _mm256_cvtpd_ps(_mm256_add_pd(_mm256_mul_pd(exponent, _mm256_set1_pd(ANC_LOG_2)), twice));
}

static void logarithms(const float *x, int n, float *y)
{
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        __m128 v = _mm_loadu_ps(x + i);
        __m128 fine = _mm_and_ps(_mm_cmpgt_ps(v, _mm_setzero_ps()), _mm_cmplt_ps(v, _mm_set1_ps(INFINITY)));
        if (_mm_movemask_ps(fine) == 15)
            _mm_storeu_ps(y + i, log4(v));
        else
            anc_kernels_scalar.log(x + i, 4, y + i);
    }
    anc_kernels_scalar.log(x + i, n - i, y + i);
}

static void widen(const uint16_t *half, size_t n, float *out)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(half + i))));
    anc_kernels_scalar.widen(half + i, n - i, out + i);
}

/* Eight kept boxes against one. min and max take their second operand when one is NaN, as the plain C does.
 */
static uint32_t overlaps(const anc_nms_block *k, const float b[5], float one, float least)
{
    const float(*v)[ANC_NMS_LANES] = k->value;
    __m256 ones = _mm256_set1_ps(one), zero = _mm256_setzero_ps();
    __m256 x1 = _mm256_max_ps(_mm256_load_ps(v[0]), _mm256_set1_ps(b[0]));
    __m256 y1 = _mm256_max_ps(_mm256_load_ps(v[1]), _mm256_set1_ps(b[1]));
    __m256 x2 = _mm256_min_ps(_mm256_load_ps(v[2]), _mm256_set1_ps(b[2]));
    __m256 y2 = _mm256_min_ps(_mm256_load_ps(v[3]), _mm256_set1_ps(b[3]));
    __m256 w = _mm256_max_ps(_mm256_add_ps(_mm256_sub_ps(x2, x1), ones), zero);
    __m256 h = _mm256_max_ps(_mm256_add_ps(_mm256_sub_ps(y2, y1), ones), zero);
    __m256 inter = _mm256_mul_ps(w, h);
    __m256 union_area = _mm256_sub_ps(_mm256_add_ps(_mm256_load_ps(v[4]), _mm256_set1_ps(b[4])), inter);
    __m256 hit = _mm256_cmp_ps(_mm256_div_ps(inter, union_area), _mm256_set1_ps(least), _CMP_GE_OQ);
    return (uint32_t)_mm256_movemask_ps(hit) & ((1u << k->n) - 1);
}

static void enter(const float *column, int32_t capacity, int32_t n, const anc_query_f32 *q,
                  const anc_terms_f32 *k, int32_t g, float *best, int32_t *arg)
{
    const float *x1 = column, *y1 = x1 + capacity, *x2 = y1 + capacity, *y2 = x2 + capacity,
                *area = y2 + capacity;
    const __m256 left = _mm256_set1_ps(q->x1), top = _mm256_set1_ps(q->y1), right = _mm256_set1_ps(q->x2),
                 bottom = _mm256_set1_ps(q->y2), own = _mm256_set1_ps(q->area),
                 one = _mm256_set1_ps(k->legacy_offset), least = _mm256_set1_ps(k->eps),
                 zero = _mm256_setzero_ps();
    const __m256 who = _mm256_castsi256_ps(_mm256_set1_epi32(g));
    for (int32_t i = 0; i < n; i += 8) { /* the arrays have room for whole vectors */
        __m256 w = _mm256_sub_ps(_mm256_min_ps(_mm256_loadu_ps(x2 + i), right),
                                 _mm256_max_ps(_mm256_loadu_ps(x1 + i), left));
        __m256 h = _mm256_sub_ps(_mm256_min_ps(_mm256_loadu_ps(y2 + i), bottom),
                                 _mm256_max_ps(_mm256_loadu_ps(y1 + i), top));
        w = _mm256_max_ps(_mm256_add_ps(w, one), zero);
        h = _mm256_max_ps(_mm256_add_ps(h, one), zero);
        __m256 inter = _mm256_mul_ps(w, h);
        __m256 union_area = _mm256_sub_ps(_mm256_add_ps(own, _mm256_loadu_ps(area + i)), inter);
        __m256 iou = _mm256_div_ps(inter, _mm256_max_ps(union_area, least)), old = _mm256_loadu_ps(best + i);
        __m256 larger = _mm256_cmp_ps(iou, old, _CMP_GT_OQ);
        if (!_mm256_movemask_ps(larger)) continue;
        _mm256_storeu_ps(best + i, _mm256_blendv_ps(old, iou, larger));
        __m256 was = _mm256_loadu_ps((const float *)(arg + i));
        _mm256_storeu_ps((float *)(arg + i), _mm256_blendv_ps(was, who, larger));
    }
}

static const anc_loops_f32 loops = { bounds, visit, equal, threshold, near, enter };

const anc_kernels anc_kernels_avx2 = {
    .name = "avx2",
    .usable = usable,
    .f32 = &loops,
    .f64 = &anc_loops_scalar_f64,
    .philox = philox,
    .log = logarithms,
    .widen = widen,
    .overlaps = overlaps,
};
#endif
