/* mpi/queue.h: work items 0 .. n-1, handed out to the ranks one at a time, in ascending order
 *
 * Rank 0 keeps the list, answers requests, and works too. With each item goes a payload of plain bytes
 * that a callback packs on rank 0, so that only rank 0 need read the input; a small record of fixed
 * size comes back. Every rank, rank 0 as well, runs the same loop:
 *
 *     if (anc_queue_new(&q, &team, &plan, err)) ...            collective
 *     anc_work work;
 *     while (anc_queue_next(q, &work)) {
 *         if (do_it(&work, q, &record, err))                   calls anc_queue_serve(q) often
 *             anc_queue_fail(q, err);
 *         else
 *             anc_queue_done(q, &record);
 *     }
 *     anc_queue_finish(q, &n_left, err);                       collective; the team's one error
 *     ... anc_queue_result(q, i) on rank 0 ...
 *     anc_queue_free(q);                                       collective
 *
 * Requests are answered in the order of their arrival: no rank gets a second item before one that
 * was already waiting, rank 0 itself included. An error on any rank, or of the callback, ends the
 * hand-out: each rank finishes the item that it holds, gets no other, and meets the rest in
 * anc_queue_finish. All traffic is point to point on a communicator of the queue's own; payloads have
 * any size. Work and memory per request are O(1); rank 0 keeps O(items + ranks) and the payloads on
 * their way (see in_flight_limit in queue.c).
 */
#ifndef ANC_MPI_QUEUE_H
#define ANC_MPI_QUEUE_H

#include "core/err.h"
#include "mpi/team.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct anc_queue anc_queue;

/* Only rank 0's values count, except result_bytes, which is the same on all ranks. */
typedef struct {
    int64_t n_items;
    const unsigned char *done; /* [n_items] 1: an earlier run finished it, not handed out; NULL: none */
    size_t result_bytes;       /* size of an item's record; may be 0 */

    /* Packs an item's payload into *bytes (malloc'ed; the queue frees it) and *n; both arrive as
     * NULL and 0, and may stay so. Called on rank 0, from anc_queue_next, _serve and _finish, once
     * per item, in ascending order. NULL: items have no payload. */
    anc_status (*pack)(void *context, int64_t item, void **bytes, size_t *n, anc_err *err);

    /* Told on rank 0 of each item that has come back, whoever did it, with its record; NULL: no one
     * asks. For progress: it comes in the order in which ranks finish. */
    void (*finished)(void *context, int64_t item, const void *result);
    void *context; /* of both callbacks, which must not call the queue themselves */
} anc_queue_plan;

/* What a rank got. bytes belong to the queue and are valid until the next anc_queue_next or
 * anc_queue_free; malloc's alignment; NULL when n_bytes is 0. */
typedef struct {
    int64_t item;
    const void *bytes;
    size_t n_bytes;
} anc_work;

/* Collective. Copies the plan; plan->done need not outlive the call. Errors: ANC_EMEMORY, agreed. */
anc_status anc_queue_new(anc_queue **q, const anc_team *team, const anc_queue_plan *plan, anc_err *err);

/* The next item for this rank; false: there is none for it, be it that all are handed out, that some
 * rank failed or that one asked to halt. On rank 0 a false comes only after all other ranks have been
 * told the same. An item that was neither done nor failed when its rank asks again counts as left. */
bool anc_queue_next(anc_queue *q, anc_work *work);

/* The item that this rank holds is finished, with this record (plan's result_bytes, copied). */
void anc_queue_done(anc_queue *q, const void *result);

/* Rank 0: answers the ranks that are waiting, and returns. Costs well under a microsecond when there
 * are none: call it every millisecond or less while working. Other ranks: nothing. */
void anc_queue_serve(anc_queue *q);

/* This rank failed: no rank gets a new item. The first error of a rank stays. */
void anc_queue_fail(anc_queue *q, const anc_err *err);

/* This rank wants the hand-out to end without an error (a signal asked for it): no rank gets a new
 * item once rank 0 has seen it. Not for signal handlers: set a flag there, call this between views. */
void anc_queue_halt(anc_queue *q);

/* Collective; after the loop, or before its end if a rank has no more use for items (its share
 * then goes to the others). Rank 0 serves until no rank can ask any more. Gives all ranks the number
 * of items that no run has finished (n_left may be NULL) and the error that they agree on
 * (anc_team_agree), also when there are items left. */
anc_status anc_queue_finish(anc_queue *q, int64_t *n_left, anc_err *err);

/* Rank 0: the record of an item, NULL when this run did not finish it. Valid until anc_queue_free. */
const void *anc_queue_result(const anc_queue *q, int64_t item);

/* Collective; after anc_queue_finish. NULL does nothing. */
void anc_queue_free(anc_queue *q);

#endif
