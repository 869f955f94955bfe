/* mpi/queue.c: see queue.h
 *
 * A rank sends requests, with the record of the item that it finished last; rank 0 sends replies
 * (item, payload size) and then the payload in chunks. Rank 0 has one receive posted, for any rank,
 * and a few payloads on their way as non-blocking sends, so that a slow receiver delays nobody else
 * and one MPI_Waitany waits for all of it.
 *
 * Rank 0 counts the ranks that may still send: all but those that have left (`GONE`, or a reply of
 * no item) and those that wait for a reply. While there are any the receive is posted, and it will be
 * matched; at zero it is not, and nothing needs to be cancelled at the end.
 */
#include "mpi/queue.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ASK = 1, GONE = 2, STOP = 4 }; /* wants a reply; sends nothing more; nobody shall get more */
enum { TAG_REQUEST = 1, TAG_REPLY, TAG_PAYLOAD };
enum { FREE, EARLIER, HERE }; /* an item: not finished, finished by an earlier run, by this one */

/* Payloads on their way: this many; and a new one is packed only below this many bytes. */
enum { SLOTS = 8 };
static const size_t in_flight_limit = (size_t)64 << 20;

/* MPI counts are int. Small enough that a rank without room for a payload still has room to take it
 * off the wire chunk by chunk. */
static const size_t chunk_bytes = (size_t)16 << 20;

typedef struct {
    int64_t item; /* finished, its record follows; -1: none */
    int64_t flags;
    char record[];
} request;

typedef struct {
    int64_t item; /* -1: no more */
    int64_t n_bytes;
} reply;

typedef struct {
    char *bytes;
    size_t n, at; /* size; start of the chunk that is on its way */
    int to;
} parcel;

struct anc_queue {
    anc_team team; /* on a communicator of its own */
    anc_queue_plan plan;
    anc_err err;     /* this rank's own */
    bool over;       /* this rank gets no more items */
    int64_t held;    /* the item this rank works on, -1: none */
    request *outbox; /* to be sent next */
    char *bytes;     /* payload of the held item */
    size_t capacity;

    /* Rank 0 only. */
    bool stopped;         /* nothing more is handed out */
    int64_t next;         /* no item below it is free */
    int64_t n_left;       /* not finished by any run */
    unsigned char *state; /* [n_items] FREE, EARLIER, HERE */
    char *results;        /* [n_items][result_bytes] */
    reply mine;           /* rank 0's own turn came: what it got; n_bytes -1: not yet */
    int *waiting;         /* [size] ring of ranks in the order of their requests */
    int first, n_waiting;
    int n_senders;                  /* ranks that may still send a request */
    request *inbox;                 /* what the posted receive fills */
    MPI_Request pending[1 + SLOTS]; /* that receive; the parcels' chunks */
    parcel parcel[SLOTS];
    size_t in_flight;
};

static size_t request_bytes(const anc_queue *q) { return sizeof(request) + q->plan.result_bytes; }

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

/* The first error of this rank stays. */
static void keep_error(anc_queue *q, const anc_err *err)
{
    if (q->err.code == ANC_OK) q->err = *err;
}

/* ---- rank 0: the list ---- */

static void take_back(anc_queue *q, int64_t item, const void *result)
{
    assert(item >= 0 && item < q->plan.n_items && q->state[item] == FREE);
    q->state[item] = HERE;
    q->n_left--;
    size_t n = q->plan.result_bytes;
    if (n) memcpy(q->results + (size_t)item * n, result, n);
    if (q->plan.finished) q->plan.finished(q->plan.context, item, anc_queue_result(q, item));
}

/* The next free item with its payload, or -1. A failed pack stops the hand-out. */
static reply take(anc_queue *q, char **bytes)
{
    *bytes = NULL;
    while (q->next < q->plan.n_items && q->state[q->next] != FREE) q->next++;
    if (q->stopped || q->next == q->plan.n_items) return (reply){ -1, 0 };
    int64_t item = q->next++;
    void *packed = NULL;
    size_t n = 0;
    anc_err err = { 0 };
    if (q->plan.pack && q->plan.pack(q->plan.context, item, &packed, &n, &err)) {
        free(packed);
        keep_error(q, &err);
        q->stopped = true;
        return (reply){ -1, 0 };
    }
    if (n == 0) {
        free(packed);
        packed = NULL;
    }
    *bytes = packed;
    return (reply){ item, (int64_t)n };
}

/* ---- rank 0: the conversation ---- */

static void post_receive(anc_queue *q)
{
    if (q->n_senders > 0 && q->pending[0] == MPI_REQUEST_NULL)
        MPI_Irecv(q->inbox, (int)request_bytes(q), MPI_BYTE, MPI_ANY_SOURCE, TAG_REQUEST, q->team.comm,
                  &q->pending[0]);
}

static void enqueue(anc_queue *q, int rank) { q->waiting[(q->first + q->n_waiting++) % q->team.size] = rank; }

static void on_request(anc_queue *q, int rank)
{
    int64_t flags = q->inbox->flags;
    if (q->inbox->item >= 0) take_back(q, q->inbox->item, q->inbox->record);
    if (flags & STOP) q->stopped = true;
    if (flags & ASK) enqueue(q, rank);
    if (flags & (ASK | GONE)) q->n_senders--;
    post_receive(q);
}

static void send_chunk(anc_queue *q, int slot)
{
    parcel *p = &q->parcel[slot];
    MPI_Isend(p->bytes + p->at, (int)min_size(p->n - p->at, chunk_bytes), MPI_BYTE, p->to, TAG_PAYLOAD,
              q->team.comm, &q->pending[1 + slot]);
}

static void on_sent(anc_queue *q, int slot)
{
    parcel *p = &q->parcel[slot];
    p->at += min_size(p->n - p->at, chunk_bytes);
    if (p->at < p->n) {
        send_chunk(q, slot);
        return;
    }
    q->in_flight -= p->n;
    free(p->bytes);
    *p = (parcel){ 0 };
}

static void on_event(anc_queue *q, int which, const MPI_Status *status)
{
    if (which == 0)
        on_request(q, status->MPI_SOURCE);
    else
        on_sent(q, which - 1);
}

static int free_slot(const anc_queue *q)
{
    if (q->in_flight >= in_flight_limit) return -1;
    for (int s = 0; s < SLOTS; s++)
        if (!q->parcel[s].bytes) return s;
    return -1;
}

/* Answers the rank that has waited longest; false when no one waits or payloads must leave first. */
static bool answer(anc_queue *q)
{
    if (!q->n_waiting) return false;
    int rank = q->waiting[q->first];
    int slot = free_slot(q);
    if (rank != 0 && slot < 0) return false;
    q->first = (q->first + 1) % q->team.size;
    q->n_waiting--;

    char *bytes;
    reply r = take(q, &bytes);
    if (rank == 0) {
        free(q->bytes);
        q->bytes = bytes;
        q->mine = r;
        return true;
    }
    /* The rank is in its receive, so this small one cannot block for long. */
    MPI_Send(&r, (int)sizeof r, MPI_BYTE, rank, TAG_REPLY, q->team.comm);
    if (r.item < 0) return true;
    q->n_senders++;
    post_receive(q);
    if (r.n_bytes) {
        q->parcel[slot] = (parcel){ bytes, (size_t)r.n_bytes, 0, rank };
        q->in_flight += (size_t)r.n_bytes;
        send_chunk(q, slot);
    }
    return true;
}

/* Takes in one thing that has happened; false: nothing has. MPI_Test looks, lets MPI work and looks
 * again; Open MPI's MPI_Testany leaves that last look to the next call, so it is for the parcels only. */
static bool listen(anc_queue *q)
{
    int which = 0, some = 0;
    MPI_Status status;
    if (q->pending[0] != MPI_REQUEST_NULL) MPI_Test(&q->pending[0], &some, &status);
    if (!some && q->in_flight > 0) {
        MPI_Testany(SLOTS, q->pending + 1, &which, &some, &status);
        which++;
    }
    if (some) on_event(q, which, &status);
    return some;
}

/* One step; false: there is nothing to do now. All that has arrived is taken in before anyone is
 * answered, so the ring holds the order of arrival whatever order MPI matches in. */
static bool step(anc_queue *q) { return listen(q) || answer(q); }

static void step_or_wait(anc_queue *q)
{
    if (step(q)) return;
    int which;
    MPI_Status status;
    MPI_Waitany(1 + SLOTS, q->pending, &which, &status);
    assert(which != MPI_UNDEFINED); /* callers wait only for what will come */
    on_event(q, which, &status);
}

/* Until no rank can ask any more and no payload is on its way. */
static void serve_out(anc_queue *q)
{
    while (q->n_senders > 0 || q->n_waiting > 0 || q->in_flight > 0) step_or_wait(q);
}

void anc_queue_serve(anc_queue *q)
{
    if (q->team.rank != 0 || q->team.size == 1) return;
    while (step(q)) {}
}

/* ---- the other ranks ---- */

/* With it goes the record of the item that was finished last. */
static void send_request(anc_queue *q, int64_t flags)
{
    q->outbox->flags = flags;
    size_t n = q->outbox->item >= 0 ? request_bytes(q) : sizeof(request);
    MPI_Send(q->outbox, (int)n, MPI_BYTE, 0, TAG_REQUEST, q->team.comm);
    q->outbox->item = -1;
}

/* Takes a payload off the wire; false, and an error, when there is no room to keep it. */
static bool receive_payload(anc_queue *q, size_t n)
{
    if (n == 0) return true;
    if (n > q->capacity) {
        free(q->bytes);
        q->bytes = malloc(n);
        q->capacity = q->bytes ? n : 0;
    }
    bool keep = n <= q->capacity;
    char *to = keep ? q->bytes : malloc(chunk_bytes);
    if (!to) anc_team_abort(&q->team, "out of memory with a payload of %zu bytes on its way here", n);
    for (size_t at = 0, k; at < n; at += k) {
        k = min_size(n - at, chunk_bytes);
        MPI_Recv(keep ? to + at : to, (int)k, MPI_BYTE, 0, TAG_PAYLOAD, q->team.comm, MPI_STATUS_IGNORE);
    }
    if (keep) return true;
    free(to);
    anc_err err = { 0 };
    anc_fail(&err, ANC_EMEMORY, "no memory for the %zu bytes of a work item: run fewer ranks on a host", n);
    anc_queue_fail(q, &err);
    return false;
}

/* ---- all ranks ---- */

static bool next_at_root(anc_queue *q, anc_work *work)
{
    while (listen(q)) {} /* those who asked before stand before */
    q->mine.n_bytes = -1;
    enqueue(q, 0);
    while (q->mine.n_bytes < 0) step_or_wait(q);
    if (q->mine.item < 0) {
        q->over = true;
        serve_out(q);
        return false;
    }
    *work = (anc_work){ q->mine.item, q->bytes, (size_t)q->mine.n_bytes };
    return true;
}

static bool next_elsewhere(anc_queue *q, anc_work *work)
{
    send_request(q, ASK);
    reply r;
    MPI_Recv(&r, (int)sizeof r, MPI_BYTE, 0, TAG_REPLY, q->team.comm, MPI_STATUS_IGNORE);
    if (r.item < 0) {
        q->over = true;
        return false;
    }
    if (!receive_payload(q, (size_t)r.n_bytes)) return false;
    *work = (anc_work){ r.item, r.n_bytes ? q->bytes : NULL, (size_t)r.n_bytes };
    return true;
}

bool anc_queue_next(anc_queue *q, anc_work *work)
{
    *work = (anc_work){ .item = -1 };
    q->held = -1;
    if (q->over) {
        if (q->team.rank == 0) serve_out(q);
        return false;
    }
    bool got = q->team.rank == 0 ? next_at_root(q, work) : next_elsewhere(q, work);
    q->held = work->item;
    return got;
}

void anc_queue_done(anc_queue *q, const void *result)
{
    assert(q->held >= 0);
    if (q->team.rank == 0) {
        take_back(q, q->held, result);
    } else {
        q->outbox->item = q->held;
        if (q->plan.result_bytes) memcpy(q->outbox->record, result, q->plan.result_bytes);
    }
    q->held = -1;
}

/* Takes this rank out of the hand-out. */
static void leave(anc_queue *q, int64_t flags)
{
    if (q->team.rank == 0) {
        if (flags & STOP) q->stopped = true;
    } else if (!q->over) {
        send_request(q, GONE | flags);
    }
    q->over = true;
}

void anc_queue_fail(anc_queue *q, const anc_err *err)
{
    assert(err->code != ANC_OK);
    keep_error(q, err);
    leave(q, STOP);
}

void anc_queue_halt(anc_queue *q)
{
    if (q->team.rank == 0)
        q->stopped = true;
    else if (!q->over)
        send_request(q, STOP);
}

anc_status anc_queue_finish(anc_queue *q, int64_t *n_left, anc_err *err)
{
    leave(q, 0);
    if (q->team.rank == 0) serve_out(q);
    int64_t left = q->n_left;
    anc_team_bcast(&q->team, &left, sizeof left, 0);
    if (n_left) *n_left = left;
    *err = q->err;
    return anc_team_agree(&q->team, err);
}

const void *anc_queue_result(const anc_queue *q, int64_t item)
{
    assert(item >= 0 && item < q->plan.n_items);
    return q->state[item] == HERE ? q->results + (size_t)item * q->plan.result_bytes : NULL;
}

static void release(anc_queue *q)
{
    if (!q) return;
    free(q->outbox);
    free(q->bytes);
    free(q->state);
    free(q->results);
    free(q->waiting);
    free(q->inbox);
    free(q);
}

void anc_queue_free(anc_queue *q)
{
    if (q && q->team.size > 1) MPI_Comm_free(&q->team.comm);
    release(q);
}

static anc_status allocate(anc_queue *q, const anc_queue_plan *plan, anc_err *err)
{
    bool good = (q->outbox = calloc(1, request_bytes(q)));
    if (q->team.rank == 0) {
        size_t n = (size_t)plan->n_items + 1; /* calloc of 0 may give NULL */
        good = (q->state = calloc(n, sizeof *q->state)) && good;
        good = (q->results = calloc(n, plan->result_bytes + !plan->result_bytes)) && good;
        good = (q->waiting = calloc((size_t)q->team.size, sizeof *q->waiting)) && good;
        good = (q->inbox = calloc(1, request_bytes(q))) && good;
    }
    if (good) return ANC_OK;
    return anc_fail(err, ANC_EMEMORY, "no memory for a list of %lld work items", (long long)plan->n_items);
}

static void fill_list(anc_queue *q)
{
    q->n_left = q->plan.n_items;
    for (int64_t i = 0; q->plan.done && i < q->plan.n_items; i++)
        if (q->plan.done[i]) {
            q->state[i] = EARLIER;
            q->n_left--;
        }
    q->plan.done = NULL; /* the caller's */
    q->n_senders = q->team.size - 1;
    for (int i = 0; i < 1 + SLOTS; i++) q->pending[i] = MPI_REQUEST_NULL;
}

anc_status anc_queue_new(anc_queue **queue, const anc_team *team, const anc_queue_plan *plan, anc_err *err)
{
    assert(team->rank != 0 || plan->n_items >= 0);
    assert(plan->result_bytes < chunk_bytes);
    *queue = NULL;
    *err = (anc_err){ 0 };
    anc_queue *q = calloc(1, sizeof *q);
    if (q) {
        q->team = *team;
        q->plan = *plan;
        q->held = -1;
        allocate(q, plan, err);
    } else {
        anc_fail(err, ANC_EMEMORY, "no memory for the shard queue");
    }
    if (anc_team_agree(team, err)) {
        release(q);
        return err->code;
    }
    q->outbox->item = -1;
    if (team->size > 1) MPI_Comm_dup(team->comm, &q->team.comm);
    if (team->rank == 0) {
        fill_list(q);
        post_receive(q);
    }
    *queue = q;
    return ANC_OK;
}
