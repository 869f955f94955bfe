/* tests/unit/test_rng.c: published values of both generators, and what the draws promise */
#include "core/kernels.h"
#include "core/mt19937.h"
#include "core/rng.h"
#include "tests/check.h"
#include <string.h>

/* Random123's kat_vectors, philox4x32-10. */
static void philox_gives_the_published_values(void)
{
    static const struct {
        uint32_t ctr[4], key[2], out[4];
    } known[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { ~0u, ~0u, ~0u, ~0u }, { ~0u, ~0u }, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
          { 0xa4093822, 0x299f31d0 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        anc_philox(known[i].key, known[i].ctr, out);
        CU_ASSERT_EQUAL(memcmp(out, known[i].out, sizeof out), 0);
    }
}

static void every_kernel_table_makes_the_same_blocks(void)
{
    check_rng r = { 11 };
    for (const anc_kernels *const *k = anc_kernels_all; *k; k++) {
        if (!(*k)->usable()) continue;
        for (int n = 8; n <= 80; n += 8) {
            uint32_t key[2] = { (uint32_t)check_u64(&r), (uint32_t)check_u64(&r) }, wanted[4];
            uint32_t ctr[4] = { (uint32_t)check_u64(&r) >> 8, (uint32_t)check_u64(&r),
                                (uint32_t)check_u64(&r), (uint32_t)check_u64(&r) };
            size_t bytes = 16 * (size_t)n;
            uint32_t *out = check_guarded(bytes);
            (*k)->philox(key, ctr, n, out);
            for (int b = 0; b < n; b++, ctr[0]++) {
                anc_philox(key, ctr, wanted);
                CU_ASSERT_EQUAL_FATAL(memcmp(out + 4 * b, wanted, sizeof wanted), 0);
            }
            check_guarded_free(out, bytes);
        }
    }
}

/* Matsumoto and Nishimura's own first outputs, and what C++ promises of its 10,000th. */
static void the_mersenne_twister_gives_the_published_values(void)
{
    static const uint32_t known[] = { 3499211612u, 581869302u, 3890346734u, 3586334585u, 545404204u };
    anc_mt19937 m;
    anc_mt19937_seed(&m, 5489);
    for (size_t i = 0; i < 5; i++) CU_ASSERT_EQUAL(anc_mt19937_u32(&m), known[i]);
    for (int i = 5; i < 9999; i++) anc_mt19937_u32(&m);
    CU_ASSERT_EQUAL(anc_mt19937_u32(&m), 4123659995u);
}

/* Each of n values equally often: chi-square of 400,000 draws, bounds at about 1e-6 (n - 1 degrees of
 * freedom). */
static void numbers_below_n_are_uniform(void)
{
    static const struct {
        uint32_t n;
        double most;
    } wanted[] = { { 2, 24 }, { 3, 28 }, { 7, 39 }, { 10, 45 }, { 97, 176 }, { 256, 370 } };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        uint32_t n = wanted[i].n, count[256] = { 0 };
        const int draws = 400000;
        anc_rng r;
        anc_rng_init(&r, 1, (int64_t)i, 0, ANC_RNG_SHUFFLE);
        for (int k = 0; k < draws; k++) {
            uint32_t x = anc_rng_below(&r, n);
            CU_ASSERT_FATAL(x < n);
            count[x]++;
        }
        double chi = 0, expected = (double)draws / n;
        for (uint32_t x = 0; x < n; x++) chi += (count[x] - expected) * (count[x] - expected) / expected;
        CU_ASSERT(chi < wanted[i].most);
    }
}

/* With n = 3 * 2^30 a plain remainder or product would give a third of the values twice as often. */
static void a_bound_that_does_not_divide_2_to_the_32_gives_no_bias(void)
{
    anc_rng r;
    anc_rng_init(&r, 2, 0, 0, ANC_RNG_SHUFFLE);
    int third[3] = { 0 };
    for (int k = 0; k < 300000; k++) third[anc_rng_below(&r, 3u << 30) % 3]++;
    for (int i = 0; i < 3; i++) CU_ASSERT(third[i] > 98700 && third[i] < 101300); /* 5 sigma */
    for (int k = 0; k < 1000; k++) CU_ASSERT_EQUAL_FATAL(anc_rng_below(&r, 1), 0);
}

static void uniform_numbers_fill_the_unit_interval(void)
{
    anc_rng r;
    anc_rng_init(&r, 3, 5, 0, ANC_RNG_FLIP);
    int tenth[10] = { 0 };
    for (int k = 0; k < 100000; k++) {
        double x = anc_rng_uniform(&r);
        CU_ASSERT_FATAL(x >= 0 && x < 1);
        tenth[(int)(10 * x)]++;
    }
    for (int i = 0; i < 10; i++) CU_ASSERT(tenth[i] > 9500 && tenth[i] < 10500);
}

static void first_four(uint64_t seed, int64_t image, int32_t epoch, anc_rng_purpose purpose, uint32_t out[4])
{
    anc_rng r;
    anc_rng_init(&r, seed, image, epoch, purpose);
    for (int i = 0; i < 4; i++) out[i] = anc_rng_u32(&r);
}

static void each_seed_image_epoch_and_purpose_has_a_stream_of_its_own(void)
{
    static const int64_t image[] = { 0, 1, -1, 1LL << 32, 139, INT64_MAX, INT64_MIN };
    uint32_t all[640][4];
    int n = 0;
    for (uint64_t s = 0; s < 3; s++)
        for (int i = 0; i < 7; i++)
            for (int32_t e = 0; e < 3; e++)
                for (int p = ANC_RNG_POSITIVES; p <= ANC_RNG_ROI_NEGATIVES; p++)
                    if (n < 640)
                        first_four(s == 2 ? 1ULL << 32 : s, image[i], e, (anc_rng_purpose)p, all[n++]);
    for (int a = 0; a < n; a++)
        for (int b = 0; b < a; b++) CU_ASSERT_NOT_EQUAL_FATAL(memcmp(all[a], all[b], sizeof all[a]), 0);
    uint32_t again[4];
    first_four(0, 0, 0, ANC_RNG_POSITIVES, again);
    CU_ASSERT_EQUAL(memcmp(again, all[0], sizeof again), 0);
}

/* 2^24 blocks lie between two purposes: no stream runs into the next within what is ever drawn. */
static void a_stream_counts_through_its_blocks(void)
{
    anc_rng r;
    anc_rng_init(&r, 9, 4, 2, ANC_RNG_NEGATIVES);
    for (uint32_t block = 0; block < 1000; block++) {
        uint32_t key[2] = { 9, 0 }, ctr[4] = { (ANC_RNG_NEGATIVES << 24) + block, 2, 4, 0 }, out[4];
        anc_philox(key, ctr, out);
        for (int i = 0; i < 4; i++) CU_ASSERT_EQUAL_FATAL(anc_rng_u32(&r), out[i]);
    }
}

CHECK_SUITE("rng", CHECK(philox_gives_the_published_values), CHECK(every_kernel_table_makes_the_same_blocks),
            CHECK(the_mersenne_twister_gives_the_published_values), CHECK(numbers_below_n_are_uniform),
            CHECK(a_bound_that_does_not_divide_2_to_the_32_gives_no_bias),
            CHECK(uniform_numbers_fill_the_unit_interval),
            CHECK(each_seed_image_epoch_and_purpose_has_a_stream_of_its_own),
            CHECK(a_stream_counts_through_its_blocks));
