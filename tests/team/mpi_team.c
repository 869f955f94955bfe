/* tests/team/mpi_team.c: mpi/team on any number of ranks */
#include "mpi/team.h"
#include "tests/check.h"
#include "tests/team/mpi_support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text that all ranks see when rank has failed with cause. */
static const char *told(int rank, const char *cause)
{
    static char text[2048];
    if (team()->size > 1)
        snprintf(text, sizeof text, "rank %d: %s", rank, cause);
    else
        snprintf(text, sizeof text, "%s", cause);
    return text;
}

static void no_error_is_agreed_when_none_has_one(void)
{
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(anc_team_agree(team(), &err), ANC_OK);
    CU_ASSERT_EQUAL(err.code, ANC_OK);
    CU_ASSERT_STRING_EQUAL(err.text, "");
}

static void all_ranks_get_the_error_of_the_one_that_failed(void)
{
    for (int bad = 0; bad < team()->size; bad++) {
        anc_err err = { 0 };
        if (team()->rank == bad) anc_fail(&err, ANC_EDATA, "width -3 is not positive");
        CU_ASSERT_EQUAL(anc_team_agree(team(), &err), ANC_EDATA);
        CU_ASSERT_EQUAL(err.code, ANC_EDATA);
        CU_ASSERT_STRING_EQUAL(err.text, told(bad, "width -3 is not positive"));
    }
}

static void the_lowest_failed_rank_is_heard(void)
{
    int low = team()->size / 2;
    anc_err err = { 0 };
    if (team()->rank >= low) anc_fail(&err, ANC_ESYSTEM, "cause %d", team()->rank);
    CU_ASSERT_EQUAL(anc_team_agree(team(), &err), ANC_ESYSTEM);
    char cause[32];
    snprintf(cause, sizeof cause, "cause %d", low);
    CU_ASSERT_STRING_EQUAL(err.text, told(low, cause));
}

static void a_text_that_fills_its_room_stays_one_line(void)
{
    anc_err err = { 0 };
    char text[sizeof err.text];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    anc_fail(&err, ANC_EDATA, "%s", text);
    anc_team_agree(team(), &err);
    CU_ASSERT(strlen(err.text) == sizeof text - 1);
    CU_ASSERT(team()->size == 1 || !strncmp(err.text, "rank 0: xxx", 11));
}

static void a_buffer_arrives_whole_from_any_rank(void)
{
    static const size_t sizes[] = { 0, 1, 4097, 5 << 20 };
    int root = team()->size - 1;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        unsigned char *p = malloc(sizes[s] + 1);
        p[sizes[s]] = 77;
        for (size_t i = 0; i < sizes[s]; i++)
            p[i] = (unsigned char)(team()->rank == root ? i * 7 + i / 256 : 0);
        anc_team_bcast(team(), p, sizes[s], root);
        size_t wrong = 0;
        for (size_t i = 0; i < sizes[s]; i++) wrong += p[i] != (unsigned char)(i * 7 + i / 256);
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT_EQUAL(p[sizes[s]], 77);
        free(p);
    }
}

static void sums_are_of_64_bits(void)
{
    int64_t n = team()->size, v[3] = { 1, team()->rank, ((int64_t)1 << 40) + team()->rank };
    anc_team_sum(team(), v, 3);
    CU_ASSERT_EQUAL(v[0], n);
    CU_ASSERT_EQUAL(v[1], n * (n - 1) / 2);
    CU_ASSERT_EQUAL(v[2], ((int64_t)1 << 40) * n + n * (n - 1) / 2);
}

static void a_spread_names_its_extremes(void)
{
    int last = team()->size - 1;
    anc_spread s = anc_team_spread(team(), 10.0 - team()->rank);
    CU_ASSERT_EQUAL(s.max, 10);
    CU_ASSERT_EQUAL(s.max_rank, 0);
    CU_ASSERT_EQUAL(s.min, 10.0 - last);
    CU_ASSERT_EQUAL(s.min_rank, last);
    CU_ASSERT_DOUBLE_EQUAL(s.mean, 10 - last / 2.0, 1e-12);
    s = anc_team_spread(team(), 3);
    CU_ASSERT(s.min_rank == 0 && s.max_rank == 0 && s.mean == 3);
}

CHECK_SUITE("team", CHECK(no_error_is_agreed_when_none_has_one),
            CHECK(all_ranks_get_the_error_of_the_one_that_failed), CHECK(the_lowest_failed_rank_is_heard),
            CHECK(a_text_that_fills_its_room_stays_one_line), CHECK(a_buffer_arrives_whole_from_any_rank),
            CHECK(sums_are_of_64_bits), CHECK(a_spread_names_its_extremes));
