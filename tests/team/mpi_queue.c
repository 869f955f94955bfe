/* tests/team/mpi_queue.c: mpi/queue on any number of ranks */
#include "mpi/queue.h"
#include "tests/check.h"
#include "tests/team/mpi_support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* What an item's record tells. */
typedef struct {
    int64_t item;
    int32_t rank, n_before; /* who did it; how many it had done before */
} record;

/* A run of the queue: what shall happen in it, and what was seen. -1 switches a fault off. */
typedef struct {
    int64_t n;
    const unsigned char *done;
    size_t (*payload)(int64_t item); /* size of an item's payload, NULL: no pack at all */
    int64_t pack_fails_at;           /* item */
    int64_t work_fails_at;           /* item */
    int failing_rank;                /* on its second item */
    int halting_rank, halts_after;   /* items */
    int leaving_rank, leaves_after;  /* items */
    int dropping_rank;               /* loses its first item */
    int gate;                        /* after so many items a rank waits for the fault; 0: it does not */

    anc_queue *q;
    unsigned char *taken;            /* [n] times this rank got it */
    int64_t n_taken, last, n_wrong;  /* n_wrong: payload bytes or orders that are not as they should */
    int64_t last_packed, n_finished; /* rank 0 */
    bool opened_gate;
    int64_t n_left;
    anc_err err;
} trial;

static trial make(int64_t n)
{
    return (trial){ .n = n,
                    .pack_fails_at = -1,
                    .work_fails_at = -1,
                    .failing_rank = -1,
                    .halting_rank = -1,
                    .leaving_rank = -1,
                    .dropping_rank = -1,
                    .last = -1,
                    .last_packed = -1 };
}

static unsigned char byte(int64_t item, size_t at)
{
    return (unsigned char)((size_t)item * 31 + at * 7 + at / 251);
}

static anc_status pack(void *context, int64_t item, void **bytes, size_t *n, anc_err *err)
{
    trial *t = context;
    t->n_wrong += item <= t->last_packed;
    t->last_packed = item;
    if (item == t->pack_fails_at) {
        *bytes = malloc(3); /* the queue must free it all the same */
        return anc_fail(err, ANC_EDATA, "item %lld cannot be read", (long long)item);
    }
    size_t size = t->payload(item);
    if (size == 0) return ANC_OK;
    unsigned char *p = malloc(size);
    for (size_t i = 0; i < size; i++) p[i] = byte(item, i);
    *bytes = p;
    *n = size;
    return ANC_OK;
}

static void finished(void *context, int64_t item, const void *result)
{
    trial *t = context;
    record r;
    memcpy(&r, result, sizeof r);
    t->n_wrong += r.item != item;
    t->n_finished++;
}

static void look_at(trial *t, const anc_work *work)
{
    t->n_wrong += work->item <= t->last || work->item >= t->n;
    t->last = work->item;
    t->taken[work->item]++;
    t->n_taken++;
    size_t size = t->payload ? t->payload(work->item) : 0;
    t->n_wrong += work->n_bytes != size || (size == 0) != (work->bytes == NULL);
    for (size_t i = 0; i < size && i < work->n_bytes; i++)
        t->n_wrong += ((const unsigned char *)work->bytes)[i] != byte(work->item, i);
}

static void open_queue(trial *t)
{
    anc_queue_plan plan = { 0 };
    if (team()->rank == 0)
        plan = (anc_queue_plan){ .n_items = t->n,
                                 .done = t->done,
                                 .pack = t->payload ? pack : NULL,
                                 .finished = finished,
                                 .context = t };
    plan.result_bytes = sizeof(record);
    t->taken = calloc((size_t)t->n + 1, 1);
    CU_ASSERT_EQUAL(anc_queue_new(&t->q, team(), &plan, &t->err), ANC_OK);
}

/* The fault has happened: opens the gate at which the others wait. */
static void open_gate(trial *t)
{
    if (!t->gate) return;
    t->opened_gate = true;
    for (int r = 0; r < team()->size; r++)
        if (r != team()->rank) MPI_Send(NULL, 0, MPI_BYTE, r, 0, team()->comm);
}

/* Waits for it, so that items are left whatever the scheduler does. */
static void wait_at_gate(trial *t)
{
    for (int open = t->opened_gate; !open;) {
        anc_queue_serve(t->q);
        MPI_Iprobe(MPI_ANY_SOURCE, 0, team()->comm, &open, MPI_STATUS_IGNORE);
    }
}

/* Does one item; false: this rank leaves the loop. */
static bool work_on(trial *t, const anc_work *work)
{
    int rank = team()->rank;
    look_at(t, work);
    anc_queue_serve(t->q);
    if (work->item == t->work_fails_at || (rank == t->failing_rank && t->n_taken == 2)) {
        anc_err err = { 0 };
        anc_fail(&err, ANC_ESYSTEM, "item %lld cannot be written", (long long)work->item);
        anc_queue_fail(t->q, &err);
        open_gate(t);
        return true;
    }
    if (rank == t->dropping_rank && t->n_taken == 1) return true;
    anc_queue_done(t->q, &(record){ work->item, rank, (int32_t)t->n_taken - 1 });
    if (rank == t->halting_rank && t->n_taken == t->halts_after) {
        anc_queue_halt(t->q);
        open_gate(t);
    }
    if (t->n_taken == t->gate) wait_at_gate(t);
    return !(rank == t->leaving_rank && t->n_taken == t->leaves_after);
}

static void run(trial *t)
{
    open_queue(t);
    anc_work work;
    bool stays = !(team()->rank == t->leaving_rank && t->leaves_after == 0);
    while (stays && anc_queue_next(t->q, &work)) stays = work_on(t, &work);
    if (stays) {
        CU_ASSERT(!anc_queue_next(t->q, &work)); /* no more is no more */
        CU_ASSERT(work.item == -1);
    }
    anc_queue_finish(t->q, &t->n_left, &t->err);
    if (t->gate && !t->opened_gate)
        MPI_Recv(NULL, 0, MPI_BYTE, MPI_ANY_SOURCE, 0, team()->comm, MPI_STATUS_IGNORE);
    CU_ASSERT(same_everywhere(t->err.text));
    CU_ASSERT_EQUAL(t->n_wrong, 0);
}

static void close_queue(trial *t)
{
    anc_queue_free(t->q);
    free(t->taken);
}

/* How often the team got each item, and how many in all; the same on every rank. */
static int64_t sum_taken(trial *t, int *most)
{
    if (team()->size > 1)
        MPI_Allreduce(MPI_IN_PLACE, t->taken, (int)t->n, MPI_UNSIGNED_CHAR, MPI_SUM, team()->comm);
    int64_t sum = 0;
    *most = 0;
    for (int64_t i = 0; i < t->n; i++) {
        sum += t->taken[i];
        if (t->taken[i] > *most) *most = t->taken[i];
    }
    return sum;
}

/* A run without faults: each item that was open is done once, and rank 0 has its record. */
static void run_clean(trial t)
{
    run(&t);
    int most;
    int64_t n_open = 0, sum = sum_taken(&t, &most);
    for (int64_t i = 0; i < t.n; i++) {
        bool open = !t.done || !t.done[i];
        n_open += open;
        CU_ASSERT(t.taken[i] == open);
        if (team()->rank != 0) continue;
        const record *r = anc_queue_result(t.q, i);
        CU_ASSERT((r != NULL) == open);
        if (r) CU_ASSERT(r->item == i && r->rank >= 0 && r->rank < team()->size);
    }
    CU_ASSERT(sum == n_open);
    CU_ASSERT(t.err.code == ANC_OK);
    CU_ASSERT(t.n_left == 0);
    if (team()->rank == 0) CU_ASSERT(t.n_finished == n_open);
    close_queue(&t);
}

static size_t small(int64_t item) { return (size_t)item % 5 * 100; }
static size_t of_all_sizes(int64_t item)
{
    /* none; one byte; beyond eager limits; several MB; chunks and a bit; full chunks */
    static const size_t sizes[] = { 0, 1, 70000, 5 << 20, (40 << 20) + 13, 32 << 20, 0, 3 };
    return sizes[item % 8];
}

static void each_item_is_done_once_in_ascending_order(void)
{
    trial t = make(1000);
    t.payload = small;
    run_clean(t);
}

static void items_need_no_payload(void) { run_clean(make(500)); }

static void payloads_of_any_size_arrive_whole(void)
{
    trial t = make(16);
    t.payload = of_all_sizes;
    run_clean(t);
}

static void fewer_items_than_ranks_or_none_at_all_end_well(void)
{
    for (int64_t n = 0; n <= 3; n++) {
        trial t = make(n);
        t.payload = small;
        run_clean(t);
    }
}

static void what_an_earlier_run_did_is_not_handed_out(void)
{
    unsigned char done[300];
    for (int i = 0; i < 300; i++) done[i] = i % 3 == 0 || i > 250;
    trial t = make(300);
    t.payload = small;
    t.done = done;
    run_clean(t);
    memset(done, 1, sizeof done);
    run_clean(t);
}

static void a_record_may_be_empty(void)
{
    anc_queue_plan plan = { .n_items = 20 };
    anc_queue *q;
    anc_err err;
    CU_ASSERT_EQUAL(anc_queue_new(&q, team(), &plan, &err), ANC_OK);
    for (anc_work work; anc_queue_next(q, &work);) anc_queue_done(q, NULL);
    int64_t n_left;
    CU_ASSERT_EQUAL(anc_queue_finish(q, &n_left, &err), ANC_OK);
    CU_ASSERT_EQUAL(n_left, 0);
    if (team()->rank == 0) CU_ASSERT_PTR_NOT_NULL(anc_queue_result(q, 19));
    anc_queue_free(q);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void the_others_get_items_while_rank_0_computes(void)
{
    trial t = make(200);
    t.payload = small;
    open_queue(&t);
    anc_work work;
    bool held_one = false;
    while (anc_queue_next(t.q, &work)) {
        /* Rank 0 keeps its first item until the others have done all the rest. */
        double start = now_s();
        bool waits = team()->rank == 0 && team()->size > 1 && !held_one;
        while (waits && t.n_finished < t.n - 1 && now_s() - start < 30) anc_queue_serve(t.q);
        held_one = true;
        work_on(&t, &work);
    }
    CU_ASSERT_EQUAL(anc_queue_finish(t.q, &t.n_left, &t.err), ANC_OK);
    CU_ASSERT_EQUAL(t.n_left, 0);
    if (team()->rank == 0 && team()->size > 1) CU_ASSERT_EQUAL(t.n_taken, 1);
    close_queue(&t);
}

static void no_rank_gets_two_while_another_waits(void)
{
    trial t = make(team()->size);
    t.payload = small;
    open_queue(&t);
    anc_work work;
    /* All others ask while rank 0 is away; it asks last, and there is just one for each. */
    if (team()->size > 1) MPI_Barrier(team()->comm);
    if (team()->rank == 0) nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
    while (anc_queue_next(t.q, &work)) work_on(&t, &work);
    CU_ASSERT_EQUAL(t.n_taken, 1);
    if (team()->rank == 0) CU_ASSERT_EQUAL(t.last, t.n - 1);
    CU_ASSERT_EQUAL(anc_queue_finish(t.q, &t.n_left, &t.err), ANC_OK);
    close_queue(&t);
}

/* Many more than are handed out before rank 0 hears of a fault. */
enum { MANY = 100000 };

static void an_item_that_cannot_be_packed_ends_the_run_on_all_ranks(void)
{
    trial t = make(MANY);
    t.payload = small;
    t.pack_fails_at = 42;
    run(&t);
    CU_ASSERT_EQUAL(t.err.code, ANC_EDATA);
    const char *want = team()->size > 1 ? "rank 0: item 42 cannot be read" : "item 42 cannot be read";
    CU_ASSERT_STRING_EQUAL(t.err.text, want);
    int most;
    CU_ASSERT_EQUAL(sum_taken(&t, &most), 42);
    CU_ASSERT_EQUAL(t.n_left, MANY - 42);
    close_queue(&t);
}

static void a_rank_that_fails_ends_the_run_on_all_ranks(void)
{
    trial t = make(MANY);
    t.payload = small;
    t.work_fails_at = 57;
    t.gate = 60;
    run(&t);
    CU_ASSERT_EQUAL(t.err.code, ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(t.err.text, "item 57 cannot be written"));
    CU_ASSERT_EQUAL(strncmp(t.err.text, "rank ", 5) == 0, team()->size > 1);
    int most;
    int64_t sum = sum_taken(&t, &most);
    CU_ASSERT(most == 1 && sum >= 58 && sum < MANY);
    CU_ASSERT_EQUAL(t.n_left, MANY - sum + 1);
    if (team()->rank == 0) CU_ASSERT_PTR_NULL(anc_queue_result(t.q, 57));
    close_queue(&t);
}

static void whichever_rank_fails_is_named(void)
{
    for (int bad = 0; bad < team()->size; bad++) {
        trial t = make(MANY);
        t.payload = small;
        t.failing_rank = bad;
        t.gate = 2;
        run(&t);
        CU_ASSERT_EQUAL(t.err.code, ANC_ESYSTEM);
        char want[32] = "item ";
        if (team()->size > 1) snprintf(want, sizeof want, "rank %d: ", bad);
        CU_ASSERT_EQUAL(strncmp(t.err.text, want, strlen(want)), 0);
        CU_ASSERT(t.n_left > 1);
        close_queue(&t);
    }
}

static void of_two_that_fail_at_once_the_lower_is_heard(void)
{
    int a = team()->size - 2, b = team()->size - 1, rank = team()->rank;
    if (a < 1) {
        if (rank == 0) puts("NOT RUN: takes 3 ranks");
        return;
    }
    trial t = make(MANY);
    t.payload = small;
    open_queue(&t);
    anc_work work;
    while (anc_queue_next(t.q, &work)) {
        look_at(&t, &work);
        if (rank == a || rank == b) {
            /* Both hold an item now. */
            int other = a + b - rank;
            MPI_Sendrecv(NULL, 0, MPI_BYTE, other, 0, NULL, 0, MPI_BYTE, other, 0, team()->comm,
                         MPI_STATUS_IGNORE);
            anc_err err = { 0 };
            anc_fail(&err, ANC_EDATA, "cause of %d", rank);
            anc_queue_fail(t.q, &err);
        } else {
            for (int i = 0; i < 1000; i++) anc_queue_serve(t.q); /* so that items outlast the two */
            anc_queue_done(t.q, &(record){ work.item, rank, 0 });
        }
    }
    CU_ASSERT_EQUAL(anc_queue_finish(t.q, &t.n_left, &t.err), ANC_EDATA);
    char want[64];
    snprintf(want, sizeof want, "rank %d: cause of %d", a, a);
    CU_ASSERT_STRING_EQUAL(t.err.text, want);
    CU_ASSERT(t.n_left >= 2);
    close_queue(&t);
}

static void a_halt_ends_the_hand_out_without_an_error(void)
{
    trial t = make(MANY);
    t.payload = small;
    t.halting_rank = team()->size - 1;
    t.halts_after = t.gate = 3;
    run(&t);
    CU_ASSERT_EQUAL(t.err.code, ANC_OK);
    int most;
    int64_t sum = sum_taken(&t, &most);
    CU_ASSERT(most == 1 && sum >= 3 && sum < MANY);
    CU_ASSERT_EQUAL(t.n_left, MANY - sum); /* what had been handed out was finished */
    close_queue(&t);
}

static void a_rank_may_leave_early_and_the_others_do_its_share(void)
{
    for (int after = 0; after < 3; after++) {
        trial t = make(300);
        t.payload = small;
        t.leaving_rank = team()->size - 1;
        t.leaves_after = after;
        run(&t);
        CU_ASSERT_EQUAL(t.err.code, ANC_OK);
        CU_ASSERT_EQUAL(t.n_left, team()->size > 1 ? 0 : 300 - after);
        close_queue(&t);
    }
    trial t = make(300);
    t.payload = small;
    t.leaving_rank = 0;
    t.leaves_after = 1;
    run(&t);
    CU_ASSERT_EQUAL(t.n_left, team()->size > 1 ? 0 : 299);
    close_queue(&t);
}

static void an_item_that_is_dropped_counts_as_left(void)
{
    trial t = make(2000);
    t.payload = small;
    t.dropping_rank = 0;
    run(&t);
    CU_ASSERT_EQUAL(t.err.code, ANC_OK);
    CU_ASSERT_EQUAL(t.n_left, 1);
    close_queue(&t);
}

static void an_error_after_the_loop_is_agreed_too(void)
{
    trial t = make(10);
    t.payload = small;
    open_queue(&t);
    for (anc_work work; anc_queue_next(t.q, &work);) work_on(&t, &work);
    if (team()->rank == team()->size - 1) {
        anc_err err = { 0 };
        anc_fail(&err, ANC_ESYSTEM, "too late");
        anc_queue_fail(t.q, &err);
    }
    CU_ASSERT_EQUAL(anc_queue_finish(t.q, &t.n_left, &t.err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(t.err.text, "too late"));
    CU_ASSERT_EQUAL(t.n_left, 0);
    close_queue(&t);
}

#ifdef __SANITIZE_ADDRESS__
static void a_payload_that_a_rank_cannot_hold_is_an_error_and_no_hang(void)
{
    if (team()->rank == 0) puts("NOT RUN: the address sanitizer needs all addresses");
}
#else
static size_t of_200_mb(int64_t item) { return item == 3 ? 200 << 20 : 10; }

/* This process's address space, in bytes; 0 when the system does not tell. */
static rlim_t space_in_use(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f) {
        if (fscanf(f, "%lu", &pages) != 1) pages = 0;
        fclose(f);
    }
    return (rlim_t)pages * 4096;
}

static void a_payload_that_a_rank_cannot_hold_is_an_error_and_no_hang(void)
{
    struct rlimit before;
    getrlimit(RLIMIT_AS, &before);
    rlim_t used = space_in_use();
    if (team()->size == 1 || !used) {
        if (team()->rank == 0) puts("NOT RUN: takes 2 ranks and /proc");
        return;
    }
    trial t = make(4);
    t.payload = of_200_mb;
    open_queue(&t);
    struct rlimit tight = { used + ((rlim_t)100 << 20), before.rlim_max };
    if (team()->rank > 0) setrlimit(RLIMIT_AS, &tight);
    anc_work work;
    /* Rank 0 takes none, so that another gets the large one. */
    while (team()->rank > 0 && anc_queue_next(t.q, &work)) work_on(&t, &work);
    anc_queue_finish(t.q, &t.n_left, &t.err);
    setrlimit(RLIMIT_AS, &before);
    CU_ASSERT_EQUAL(t.err.code, ANC_EMEMORY);
    CU_ASSERT_PTR_NOT_NULL(strstr(t.err.text, "no memory for the 209715200 bytes"));
    CU_ASSERT(same_everywhere(t.err.text));
    CU_ASSERT_EQUAL(t.n_left, 1);
    close_queue(&t);
}
#endif

CHECK_SUITE("queue", CHECK(each_item_is_done_once_in_ascending_order), CHECK(items_need_no_payload),
            CHECK(payloads_of_any_size_arrive_whole), CHECK(fewer_items_than_ranks_or_none_at_all_end_well),
            CHECK(what_an_earlier_run_did_is_not_handed_out), CHECK(a_record_may_be_empty),
            CHECK(the_others_get_items_while_rank_0_computes), CHECK(no_rank_gets_two_while_another_waits),
            CHECK(an_item_that_cannot_be_packed_ends_the_run_on_all_ranks),
            CHECK(a_rank_that_fails_ends_the_run_on_all_ranks), CHECK(whichever_rank_fails_is_named),
            CHECK(of_two_that_fail_at_once_the_lower_is_heard),
            CHECK(a_halt_ends_the_hand_out_without_an_error),
            CHECK(a_rank_may_leave_early_and_the_others_do_its_share),
            CHECK(an_item_that_is_dropped_counts_as_left), CHECK(an_error_after_the_loop_is_agreed_too),
            CHECK(a_payload_that_a_rank_cannot_hold_is_an_error_and_no_hang));
