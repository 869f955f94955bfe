/* tests/team/mpi_reduce.c: mpi/reduce on any number of ranks: each rank works out by itself what one rank would
 * get */
#include "mpi/reduce.h"
#include "tests/check.h"
#include "tests/team/mpi_support.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 23, N = 1000 };
static const anc_reduce_tensor parts[] = { { "weight", 0, 900 }, { "bias", 900, 100 } };

/* Image i's gradient: sizes over 60 powers of two, the second part far smaller. */
static void make(int i, float *g)
{
    check_rng r = { (unsigned long long)i + 1 };
    for (int k = 0; k < N; k++)
        g[k] = (float)ldexp(2 * check_uniform(&r) - 1, check_int(&r, -30, 30) - (k < 900 ? 0 : 100));
}

/* This rank's images when they are dealt out in turn, from `first` on. */
static int64_t share(int first, float *g, int64_t *image)
{
    int64_t n = 0;
    for (int i = 0; i < IMAGES; i++)
        if ((i + first) % team()->size == team()->rank) {
            make(i, g + n * N);
            image[n++] = 100 + i;
        }
    return n;
}

static void sum_all(int first, bool exact, float *sum, anc_reduce_extra *extra)
{
    anc_reduce r;
    anc_err err = { 0 };
    static float g[IMAGES * N];
    int64_t image[IMAGES], n = share(first, g, image);
    CU_ASSERT_EQUAL(anc_reduce_init(&r, team(), parts, 2, exact, &err), ANC_OK);
    extra->n = 2;
    extra->sum[0] = n;
    extra->sum[1] = team()->rank;
    CU_ASSERT_EQUAL(anc_reduce_sum(&r, g, image, n, sum, extra, &err), ANC_OK);
    anc_reduce_clear(&r);
}

static void sums_have_the_same_bits_however_images_are_spread(void)
{
    float alone[N], one[N], sum[N], *g = malloc(IMAGES * N * sizeof *g);
    int64_t image[IMAGES];
    anc_team single = { MPI_COMM_SELF, 0, 1 };
    anc_reduce r;
    anc_err err = { 0 };
    anc_reduce_extra none = { .n = 0 };
    for (int i = 0; i < IMAGES; i++) make(IMAGES - 1 - i, g + i * N); /* in another order, too */
    CU_ASSERT_EQUAL(anc_reduce_init(&r, &single, parts, 2, true, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_reduce_sum(&r, g, image, IMAGES, alone, &none, &err), ANC_OK);
    anc_reduce_clear(&r);
    for (int first = 0; first < 3; first++) {
        anc_reduce_extra extra = { 0 };
        sum_all(first, true, sum, &extra);
        CU_ASSERT(!memcmp(alone, sum, sizeof sum));
        CU_ASSERT_EQUAL(extra.sum[0], IMAGES);
        CU_ASSERT_EQUAL(extra.sum[1], team()->size * (team()->size - 1) / 2);
        CU_ASSERT(!extra.flag);
    }
    /* and they are right: as exact as the largest number of the part allows */
    for (int k = 0; k < N; k++) {
        double wanted = 0;
        for (int i = 0; i < IMAGES; i++) {
            make(i, one);
            wanted += one[k];
        }
        double largest = k < 900 ? 0x1p30 : 0x1p-70;
        CU_ASSERT(fabs(sum[k] - wanted) <= fabs(wanted) * 0x1p-23 + IMAGES * largest * 0x1p-47);
    }
    free(g);
}

static void plain_sums_are_near(void)
{
    float exact[N], plain[N];
    anc_reduce_extra extra = { 0 };
    sum_all(0, true, exact, &extra);
    sum_all(0, false, plain, &extra);
    for (int k = 0; k < N; k++) CU_ASSERT(fabs(exact[k] - plain[k]) <= 1e-5 * (k < 900 ? 0x1p30 : 0x1p-70));
    CU_ASSERT_EQUAL(extra.sum[0], IMAGES);
}

static void a_flag_is_seen_by_all(void)
{
    anc_reduce r;
    anc_err err = { 0 };
    float sum[N];
    anc_reduce_extra extra = { .flag = team()->rank == team()->size - 1 };
    anc_reduce_init(&r, team(), parts, 2, true, &err);
    CU_ASSERT_EQUAL(anc_reduce_sum(&r, NULL, NULL, 0, sum, &extra, &err), ANC_OK);
    CU_ASSERT(extra.flag);
    for (int k = 0; k < N; k++) CU_ASSERT_EQUAL(sum[k], 0); /* no images at all */
    anc_reduce_clear(&r);
}

static void fails(float bad, size_t at, const char *says)
{
    anc_reduce r;
    anc_err err = { 0 };
    float g[N] = { 1 }, sum[N];
    int64_t image[] = { 7 };
    anc_reduce_extra extra = { 0 };
    if (team()->rank == team()->size - 1) g[at] = bad;
    anc_reduce_init(&r, team(), parts, 2, true, &err);
    CU_ASSERT_EQUAL(anc_reduce_sum(&r, g, image, 1, sum, &extra, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, says));
    CU_ASSERT(same_everywhere(err.text));
    anc_reduce_clear(&r);
}

static void what_is_no_number_is_named_on_all_ranks(void)
{
    fails(NAN, 5, "image 7: the gradient of weight is not a number");
    fails(-INFINITY, 950, "image 7: the gradient of bias is infinite");
}

static void a_sum_beyond_float32_is_named(void)
{
    anc_reduce r;
    anc_err err = { 0 };
    float g[2 * N] = { 0 }, sum[N];
    int64_t image[] = { 7, 8 };
    anc_reduce_extra extra = { 0 };
    g[990] = g[N + 990] = 3e38f;
    anc_reduce_init(&r, team(), parts, 2, true, &err);
    CU_ASSERT_EQUAL(anc_reduce_sum(&r, g, image, 2, sum, &extra, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the summed gradient of bias is too large for float32"));
    anc_reduce_clear(&r);
}

static void a_rank_that_failed_before_is_heard(void)
{
    anc_reduce r;
    anc_err err = { 0 }, mine = { 0 };
    float sum[N];
    anc_reduce_extra extra = { 0 };
    anc_reduce_init(&r, team(), parts, 2, true, &err);
    if (team()->rank == 0) anc_fail(&mine, ANC_ESYSTEM, "cannot read");
    CU_ASSERT_EQUAL(anc_reduce_sum(&r, NULL, NULL, 0, sum, &extra, &mine), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(mine.text, "cannot read"));
    anc_reduce_clear(&r);
}

CHECK_SUITE("reduce", CHECK(sums_have_the_same_bits_however_images_are_spread), CHECK(plain_sums_are_near),
            CHECK(a_flag_is_seen_by_all), CHECK(what_is_no_number_is_named_on_all_ranks),
            CHECK(a_sum_beyond_float32_is_named), CHECK(a_rank_that_failed_before_is_heard));
