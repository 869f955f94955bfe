/* mpi/reduce.c: see reduce.h */
#include "mpi/reduce.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { INFINITE = 0x7f800000, TOP = 47 };

anc_status anc_reduce_init(anc_reduce *r, const anc_team *team, const anc_reduce_tensor *part, int n_parts,
                           bool exact, anc_err *err)
{
    assert(n_parts > 0 && n_parts <= ANC_REDUCE_MAX_TENSORS);
    *r = (anc_reduce){ .team = team, .n_parts = n_parts, .exact = exact };
    for (int k = 0; k < n_parts; k++) {
        r->part[k] = part[k];
        assert(part[k].first == r->n);
        r->n += part[k].n;
    }
    r->fixed = malloc((r->n + ANC_REDUCE_MAX_EXTRA) * sizeof *r->fixed);
    return r->fixed ? ANC_OK : anc_fail(err, ANC_EMEMORY, "out of memory for the sum of %zu gradients", r->n);
}

void anc_reduce_clear(anc_reduce *r)
{
    free(r->fixed);
    *r = (anc_reduce){ 0 };
}

/* Bits of the largest absolute value; those of infinity and NaN are larger than all others. */
static int32_t peak(const float *x, size_t n)
{
    int32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits &= 0x7fffffff;
        most = bits > most ? bits : most;
    }
    return most;
}

/* Rounds to multiples of 1 / scale: adding 1.5 * 2^52 to a double below 2^51 leaves the nearest integer in
 * its low bits. */
static void accumulate(const float *x, size_t n, double scale, int64_t *sum)
{
    const double magic = 0x1.8p52;
    int64_t zero;
    memcpy(&zero, &magic, sizeof zero);
    for (size_t i = 0; i < n; i++) {
        double batched = (double)x[i] * scale + magic;
        int64_t bits;
        memcpy(&bits, &batched, sizeof bits);
        sum[i] += bits - zero;
    }
}

static void add(float *restrict sum, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++) sum[i] += x[i];
}

/* What the ranks must agree on before they sum. */
enum { FAILED = ANC_REDUCE_MAX_TENSORS, FLAG, N_WORDS };

static anc_status find_peaks(anc_reduce *r, const float *gradient, const int64_t *image, int64_t n_images,
                             int64_t word[N_WORDS], anc_err *err)
{
    for (int64_t i = 0; i < n_images && !err->code; i++)
        for (int k = 0; k < r->n_parts; k++) {
            int32_t bits = peak(gradient + (size_t)i * r->n + r->part[k].first, r->part[k].n);
            if (bits >= INFINITE)
                return anc_fail(err, ANC_EDATA,
                                "image %lld: the gradient of %s is %s; look at the image's features, or "
                                "lower the learning rate",
                                (long long)image[i], r->part[k].name,
                                bits == INFINITE ? "infinite" : "not a number");
            if (bits > word[k]) word[k] = bits;
        }
    return err->code;
}

static void sum_integers(anc_reduce *r, int64_t *v, size_t n)
{
    if (r->team->size == 1) return;
    double start = MPI_Wtime();
    anc_team_sum(r->team, v, n);
    r->wait_s += MPI_Wtime() - start;
}

static void sum_fixed(anc_reduce *r, const float *gradient, int64_t n_images, const int64_t *word, float *sum)
{
    memset(r->fixed, 0, r->n * sizeof *r->fixed);
    double scale[ANC_REDUCE_MAX_TENSORS];
    for (int k = 0; k < r->n_parts; k++) {
        int32_t bits = (int32_t)word[k];
        float largest;
        int exponent;
        memcpy(&largest, &bits, sizeof largest);
        frexp(largest, &exponent);
        scale[k] = ldexp(1, TOP - exponent);
        for (int64_t i = 0; i < n_images; i++)
            accumulate(gradient + (size_t)i * r->n + r->part[k].first, r->part[k].n, scale[k],
                       r->fixed + r->part[k].first);
    }
    sum_integers(r, r->fixed, r->n + ANC_REDUCE_MAX_EXTRA);
    for (int k = 0; k < r->n_parts; k++)
        for (size_t i = r->part[k].first; i < r->part[k].first + r->part[k].n; i++)
            sum[i] = (float)((double)r->fixed[i] * (1 / scale[k])); /* powers of two: exact */
}

static void sum_plain(anc_reduce *r, const float *gradient, int64_t n_images, float *sum)
{
    static const size_t chunk = (size_t)1 << 28; /* MPI counts are int */
    memset(sum, 0, r->n * sizeof *sum);
    for (int64_t i = 0; i < n_images; i++) add(sum, gradient + (size_t)i * r->n, r->n);
    sum_integers(r, r->fixed + r->n, ANC_REDUCE_MAX_EXTRA);
    if (r->team->size == 1) return;
    double start = MPI_Wtime();
    for (size_t at = 0, n; at < r->n; at += n) {
        n = r->n - at < chunk ? r->n - at : chunk;
        MPI_Allreduce(MPI_IN_PLACE, sum + at, (int)n, MPI_FLOAT, MPI_SUM, r->team->comm);
    }
    r->wait_s += MPI_Wtime() - start;
}

anc_status anc_reduce_sum(anc_reduce *r, const float *gradient, const int64_t *image, int64_t n_images,
                          float *sum, anc_reduce_extra *extra, anc_err *err)
{
    int64_t word[N_WORDS] = { 0 };
    assert(extra->n <= ANC_REDUCE_MAX_EXTRA);
    word[FAILED] = find_peaks(r, gradient, image, n_images, word, err) != ANC_OK;
    word[FLAG] = extra->flag;
    if (r->team->size > 1) {
        double start = MPI_Wtime();
        MPI_Allreduce(MPI_IN_PLACE, word, N_WORDS, MPI_INT64_T, MPI_MAX, r->team->comm);
        r->wait_s += MPI_Wtime() - start;
    }
    if (word[FAILED]) return anc_team_agree(r->team, err);
    extra->flag = word[FLAG];
    memset(r->fixed + r->n, 0, ANC_REDUCE_MAX_EXTRA * sizeof *r->fixed);
    memcpy(r->fixed + r->n, extra->sum, (size_t)extra->n * sizeof *extra->sum);
    if (r->exact)
        sum_fixed(r, gradient, n_images, word, sum);
    else
        sum_plain(r, gradient, n_images, sum);
    memcpy(extra->sum, r->fixed + r->n, (size_t)extra->n * sizeof *extra->sum);
    for (int k = 0; k < r->n_parts; k++) /* every rank sees the same sums */
        if (peak(sum + r->part[k].first, r->part[k].n) >= INFINITE)
            return anc_fail(err, ANC_EDATA,
                            "the summed gradient of %s is too large for float32; lower the learning rate",
                            r->part[k].name);
    return ANC_OK;
}
