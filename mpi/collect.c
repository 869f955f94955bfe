/* mpi/collect.c: see collect.h: a merge of ascending streams, one from each rank */
#include "mpi/collect.h"
#include <stdlib.h>
#include <string.h>

enum { TAG_HEAD = 71, TAG_BYTES };
static const size_t chunk_bytes = (size_t)1 << 30; /* MPI counts are int */

typedef struct {
    int64_t item; /* -1: that rank has no more */
    int64_t n;
} head;

static void send_all(const anc_team *team, const anc_collect_block *mine, size_t n_mine)
{
    for (size_t i = 0; i <= n_mine; i++) {
        head h = { i < n_mine ? mine[i].item : -1, i < n_mine ? (int64_t)mine[i].n : 0 };
        MPI_Send(&h, sizeof h, MPI_BYTE, 0, TAG_HEAD, team->comm);
        for (size_t at = 0, k; at < (size_t)h.n; at += k) {
            k = (size_t)h.n - at < chunk_bytes ? (size_t)h.n - at : chunk_bytes;
            MPI_Send((char *)mine[i].bytes + at, (int)k, MPI_BYTE, 0, TAG_BYTES, team->comm);
        }
    }
}

static head next_head(const anc_team *team, int rank)
{
    head h;
    MPI_Recv(&h, sizeof h, MPI_BYTE, rank, TAG_HEAD, team->comm, MPI_STATUS_IGNORE);
    return h;
}

/* Into `to`, or, when that is NULL, to nowhere. */
static void receive_bytes(const anc_team *team, int rank, size_t n, char *to)
{
    static char nowhere[1 << 16];
    for (size_t at = 0, k; at < n; at += k) {
        k = n - at < chunk_bytes ? n - at : chunk_bytes;
        if (to) {
            MPI_Recv(to + at, (int)k, MPI_BYTE, rank, TAG_BYTES, team->comm, MPI_STATUS_IGNORE);
        } else {
            char *scratch = k > sizeof nowhere ? malloc(k) : nowhere;
            if (!scratch) anc_team_abort(team, "no memory to receive %zu bytes", k);
            MPI_Recv(scratch, (int)k, MPI_BYTE, rank, TAG_BYTES, team->comm, MPI_STATUS_IGNORE);
            if (scratch != nowhere) free(scratch);
        }
    }
}

/* The rank whose next item is the lowest; -1: all are done. */
static int lowest(const head *next, int size)
{
    int best = -1;
    for (int r = 0; r < size; r++)
        if (next[r].item >= 0 && (best < 0 || next[r].item < next[best].item)) best = r;
    return best;
}

anc_status anc_collect(const anc_team *team, const anc_collect_block *mine, size_t n_mine,
                       anc_status (*take)(void *context, int64_t item, const void *bytes, size_t n,
                                          anc_err *err),
                       void *context, anc_err *err)
{
    if (team->rank) {
        send_all(team, mine, n_mine);
        return anc_team_agree(team, err);
    }
    head *next = malloc((size_t)team->size * sizeof *next);
    if (!next)
        anc_team_abort(team, "no memory for %d ranks", team->size); /* the others are sending already */
    size_t own = 0;
    for (int r = 1; r < team->size; r++) next[r] = next_head(team, r);
    for (int r;;) {
        next[0] = own < n_mine ? (head){ mine[own].item, (int64_t)mine[own].n } : (head){ -1, 0 };
        if ((r = lowest(next, team->size)) < 0) break;
        const head h = next[r];
        if (!r) {
            if (!err->code) take(context, h.item, mine[own].bytes, mine[own].n, err);
            own++;
            continue;
        }
        char *bytes = err->code ? NULL : malloc((size_t)h.n + 1);
        if (!bytes && !err->code)
            anc_fail(err, ANC_EMEMORY, "no memory for %lld bytes of rank %d", (long long)h.n, r);
        receive_bytes(team, r, (size_t)h.n, bytes);
        if (bytes) take(context, h.item, bytes, (size_t)h.n, err);
        free(bytes);
        next[r] = next_head(team, r);
    }
    free(next);
    return anc_team_agree(team, err);
}
