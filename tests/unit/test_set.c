/* tests/unit/test_set.c: the sparse set against an array of bool */
#include "core/set.h"
#include "tests/check.h"

enum { MOST = 20000 };

static void same(const anc_set *s, const bool *plain, int capacity)
{
    static int32_t listed[MOST];
    size_t n = anc_set_list(s, listed), wanted = 0;
    for (int i = 0; i < capacity; i++) {
        if (anc_set_has(s, (uint32_t)i) != plain[i]) CU_FAIL_FATAL("a member differs");
        if (plain[i] && (wanted >= n || listed[wanted++] != i)) CU_FAIL_FATAL("the list differs");
    }
    CU_ASSERT_EQUAL_FATAL(n, wanted);
}

static void it_holds_what_an_array_of_bool_holds(void)
{
    static bool plain[MOST];
    check_rng r = { 1 };
    static const int capacities[] = { 1, 63, 64, 65, 4095, 4096, 4097, 12289, MOST };
    for (size_t c = 0; c < sizeof capacities / sizeof *capacities; c++) {
        anc_set s = { 0 };
        int n = capacities[c];
        CU_ASSERT_FATAL(anc_set_reserve(&s, (size_t)n));
        for (int round = 0; round < 20; round++) {
            memset(plain, 0, sizeof plain);
            for (int k = check_int(&r, 0, 200); k > 0; k--) {
                int i = check_int(&r, 0, n - 1), run = check_int(&r, 1, n - i < 300 ? n - i : 300);
                switch (check_int(&r, 0, 2)) {
                case 0:
                    anc_set_insert(&s, (uint32_t)i);
                    plain[i] = true;
                    break;
                case 1:
                    CU_ASSERT_EQUAL_FATAL(anc_set_add(&s, (uint32_t)i), !plain[i]);
                    plain[i] = true;
                    break;
                default:
                    anc_set_insert_run(&s, (uint32_t)i, (uint32_t)run);
                    for (int e = i; e < i + run; e++) plain[e] = true;
                }
            }
            same(&s, plain, n);
            anc_set_empty(&s);
            memset(plain, 0, sizeof plain);
            same(&s, plain, n);
        }
        anc_set_clear_memory(&s);
    }
}

static void runs_reach_from_any_bit_to_any_other(void)
{
    anc_set s = { 0 };
    static bool plain[320];
    CU_ASSERT_FATAL(anc_set_reserve(&s, 320));
    for (int a = 0; a < 320; a += 1)
        for (int b = a + 1; b <= 320; b += 1 + (b - a) / 40) {
            memset(plain, 0, sizeof plain);
            anc_set_insert_run(&s, (uint32_t)a, (uint32_t)(b - a));
            for (int e = a; e < b; e++) plain[e] = true;
            same(&s, plain, 320);
            anc_set_empty(&s);
        }
    anc_set_clear_memory(&s);
}

static void the_first_and_the_last_index_are_members_like_others(void)
{
    anc_set s = { 0 };
    int32_t out[2] = { 0 };
    CU_ASSERT_FATAL(anc_set_reserve(&s, 1 << 20));
    anc_set_insert(&s, (1 << 20) - 1);
    anc_set_insert(&s, 0);
    CU_ASSERT_EQUAL(anc_set_list(&s, out), 2);
    CU_ASSERT(out[0] == 0 && out[1] == (1 << 20) - 1);
    anc_set_clear_memory(&s);
}

static void draining_lists_and_empties(void)
{
    anc_set s = { 0 };
    int32_t out[4] = { 0 };
    CU_ASSERT_FATAL(anc_set_reserve(&s, 10000));
    anc_set_insert(&s, 9000);
    anc_set_insert(&s, 5);
    anc_set_insert(&s, 64);
    CU_ASSERT_EQUAL(anc_set_drain(&s, out), 3);
    CU_ASSERT(out[0] == 5 && out[1] == 64 && out[2] == 9000);
    CU_ASSERT_EQUAL(anc_set_drain(&s, out), 0);
    CU_ASSERT_EQUAL(anc_set_list(&s, out), 0);
    CU_ASSERT_FALSE(anc_set_has(&s, 64));
    anc_set_clear_memory(&s);
}

static void an_empty_set_grows(void)
{
    anc_set s = { 0 };
    int32_t out[2] = { 0 };
    CU_ASSERT_FATAL(anc_set_reserve(&s, 10));
    anc_set_insert(&s, 3);
    anc_set_empty(&s);
    CU_ASSERT_FATAL(anc_set_reserve(&s, 100000));
    CU_ASSERT(s.capacity >= 100000);
    CU_ASSERT_EQUAL(anc_set_list(&s, out), 0);
    anc_set_insert(&s, 99999);
    CU_ASSERT_EQUAL(anc_set_list(&s, out), 1);
    CU_ASSERT_EQUAL(out[0], 99999);
    uint64_t *kept = s.word;
    CU_ASSERT_FATAL(anc_set_reserve(&s, 50000)); /* smaller: as it was */
    CU_ASSERT(s.word == kept && anc_set_has(&s, 99999));
    anc_set_clear_memory(&s);
}

CHECK_SUITE("set", CHECK(it_holds_what_an_array_of_bool_holds), CHECK(runs_reach_from_any_bit_to_any_other),
            CHECK(the_first_and_the_last_index_are_members_like_others), CHECK(draining_lists_and_empties),
            CHECK(an_empty_set_grows));
