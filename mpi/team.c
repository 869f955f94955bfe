/* mpi/team.c: see team.h */
#include "mpi/team.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t chunk_bytes = (size_t)1 << 30; /* MPI counts are int */

void anc_team_start(anc_team *team)
{
    int given;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &given);
    team->comm = MPI_COMM_WORLD;
    MPI_Comm_rank(team->comm, &team->rank);
    MPI_Comm_size(team->comm, &team->size);
}

bool anc_team_started(void)
{
    int started = 0;
    MPI_Initialized(&started);
    return started;
}

void anc_team_stop(anc_team *team)
{
    *team = (anc_team){ .comm = MPI_COMM_NULL };
    MPI_Finalize();
}

void anc_team_abort(const anc_team *team, const char *format, ...)
{
    anc_err err;
    va_list args;
    va_start(args, format);
    vsnprintf(err.text, sizeof err.text, format, args);
    va_end(args);
    fprintf(stderr, "anchorage: rank %d: %s\n", team->rank, err.text);
    fflush(NULL);
    MPI_Abort(team->comm, 1);
    abort(); /* MPI_Abort does not return; the compiler does not know */
}

anc_status anc_team_agree(const anc_team *team, anc_err *err)
{
    struct {
        int good, rank;
    } mine = { err->code == ANC_OK, team->rank }, worst;
    MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MINLOC, team->comm);
    if (worst.good) return ANC_OK;
    if (team->rank == worst.rank && team->size > 1) anc_within(err, "rank %d", team->rank);
    MPI_Bcast(err, (int)sizeof *err, MPI_BYTE, worst.rank, team->comm);
    return err->code;
}

void anc_team_bcast(const anc_team *team, void *bytes, size_t n, int root)
{
    for (size_t at = 0, k; at < n; at += k) {
        k = n - at < chunk_bytes ? n - at : chunk_bytes;
        MPI_Bcast((char *)bytes + at, (int)k, MPI_BYTE, root, team->comm);
    }
}

void anc_team_sum(const anc_team *team, int64_t *v, size_t n)
{
    for (size_t at = 0, k; at < n; at += k) {
        k = n - at < chunk_bytes / sizeof *v ? n - at : chunk_bytes / sizeof *v;
        MPI_Allreduce(MPI_IN_PLACE, v + at, (int)k, MPI_INT64_T, MPI_SUM, team->comm);
    }
}

char *anc_team_join(const anc_team *team, const char *mine)
{
    int n = (int)strlen(mine), *size = team->rank ? NULL : calloc((size_t)team->size, 2 * sizeof *size),
        total = 0;
    int good = team->rank || size;
    MPI_Bcast(&good, 1, MPI_INT, 0, team->comm);
    if (!good) return NULL;
    MPI_Gather(&n, 1, MPI_INT, size, 1, MPI_INT, 0, team->comm);
    for (int r = 0; size && r < team->size; r++) {
        size[team->size + r] = total;
        total += size[r];
    }
    char *all = size ? malloc((size_t)total + 1) : NULL;
    good = team->rank || all;
    MPI_Bcast(&good, 1, MPI_INT, 0, team->comm);
    if (good)
        MPI_Gatherv(mine, n, MPI_CHAR, all, size, size ? size + team->size : NULL, MPI_CHAR, 0, team->comm);
    if (all) all[total] = '\0';
    free(size);
    return all;
}

anc_spread anc_team_spread(const anc_team *team, double mine)
{
    struct {
        double value;
        int rank;
    } own = { mine, team->rank }, low, high;
    double sum;
    MPI_Allreduce(&own, &low, 1, MPI_DOUBLE_INT, MPI_MINLOC, team->comm);
    MPI_Allreduce(&own, &high, 1, MPI_DOUBLE_INT, MPI_MAXLOC, team->comm);
    MPI_Allreduce(&mine, &sum, 1, MPI_DOUBLE, MPI_SUM, team->comm);
    return (anc_spread){ low.value, sum / team->size, high.value, low.rank, high.rank };
}
