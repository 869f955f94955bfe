/* tests/team/mpi_collect.c: blocks of any size come to rank 0 once each and in order, whoever made them */
#include "mpi/collect.h"
#include "tests/check.h"
#include "tests/team/mpi_support.h"
#include <stdlib.h>
#include <string.h>

enum { N = 60 };

static size_t bytes_of(int64_t item)
{
    return item % 7 == 3 ? 0 : item == 11 ? 3000000 : (size_t)(item * 37 % 1000);
}
static unsigned char byte_of(int64_t item, size_t at)
{
    return (unsigned char)(item * 31 + (int64_t)(at * 7));
}

/* This rank's share of the items; `spread` says which rank makes which. */
static size_t make(int spread, anc_collect_block *block)
{
    size_t n = 0;
    for (int64_t i = 0; i < N; i++) {
        check_rng r = { (unsigned long long)(i + spread * 1000) };
        int owner = spread == 0   ? (int)(i % team()->size)
                    : spread == 1 ? team()->size - 1
                                  : check_int(&r, 0, team()->size - 1);
        if (owner != team()->rank) continue;
        unsigned char *bytes = malloc(bytes_of(i) + 1);
        for (size_t k = 0; k < bytes_of(i); k++) bytes[k] = byte_of(i, k);
        block[n++] = (anc_collect_block){ i, bytes, bytes_of(i) };
    }
    return n;
}

typedef struct {
    int64_t next, fail_at;
    int wrong;
} taken;

static anc_status take(void *context, int64_t item, const void *bytes, size_t n, anc_err *err)
{
    taken *t = context;
    if (item == t->fail_at) return anc_fail(err, ANC_EDATA, "item %lld is wrong", (long long)item);
    t->wrong += item != t->next++ || n != bytes_of(item);
    for (size_t k = 0; k < n; k++) t->wrong += ((const unsigned char *)bytes)[k] != byte_of(item, k);
    return ANC_OK;
}

static void blocks_come_in_order_whoever_made_them(void)
{
    for (int spread = 0; spread < 4; spread++) {
        anc_collect_block block[N];
        taken t = { .fail_at = -1 };
        anc_err err = { 0 };
        size_t n = make(spread, block);
        CU_ASSERT_EQUAL(anc_collect(team(), block, n, take, &t, &err), ANC_OK);
        CU_ASSERT(t.wrong == 0 && t.next == (team()->rank ? 0 : N));
        for (size_t i = 0; i < n; i++) free(block[i].bytes);
    }
}

static void an_error_of_the_taker_reaches_all_and_nothing_waits(void)
{
    for (int64_t fail_at = 0; fail_at < N; fail_at += 9) {
        anc_collect_block block[N];
        taken t = { .fail_at = fail_at };
        anc_err err = { 0 };
        size_t n = make(2, block);
        CU_ASSERT_EQUAL(anc_collect(team(), block, n, take, &t, &err), ANC_EDATA);
        CU_ASSERT(same_everywhere(err.text) && strstr(err.text, "is wrong") != NULL);
        CU_ASSERT(t.next == (team()->rank ? 0 : fail_at));
        for (size_t i = 0; i < n; i++) free(block[i].bytes);
    }
}

static void nothing_at_all_is_fine(void)
{
    taken t = { .fail_at = -1 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(anc_collect(team(), NULL, 0, take, &t, &err), ANC_OK);
    CU_ASSERT_EQUAL(t.next, 0);
}

CHECK_SUITE("collect", CHECK(blocks_come_in_order_whoever_made_them),
            CHECK(an_error_of_the_taker_reaches_all_and_nothing_waits), CHECK(nothing_at_all_is_fine));
