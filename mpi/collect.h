/* mpi/collect.h: blocks of bytes that the ranks made, given to rank 0 in the order of their items */
#ifndef ANC_MPI_COLLECT_H
#define ANC_MPI_COLLECT_H

#include "core/err.h"
#include "mpi/team.h"

typedef struct {
    int64_t item;
    void *bytes; /* of any size; may be NULL when n is 0 */
    size_t n;
} anc_collect_block;

/* Collective. Each rank hands in blocks in ascending order of their items; an item is made by one rank. take
 * is called on rank 0 for all of them in ascending order; of other ranks' blocks rank 0 holds one at a time.
 * After an error of take, or without memory, the rest is received and dropped. Errors: take's, ANC_EMEMORY;
 * agreed. */
anc_status anc_collect(const anc_team *team, const anc_collect_block *mine, size_t n_mine,
                       anc_status (*take)(void *context, int64_t item, const void *bytes, size_t n,
                                          anc_err *err),
                       void *context, anc_err *err);

#endif
