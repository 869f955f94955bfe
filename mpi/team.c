/* mpi/team.c: see team.h */
#include "mpi/team.h"
#include "mpi/launch.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t chunk_bytes = (size_t)1 << 30; /* MPI counts are int */

static bool started, held, stopped;

anc_status anc_team_start(anc_team *team, anc_err *err)
{
    const anc_launch launch = anc_launch_find();
    *team = (anc_team){ MPI_COMM_NULL, 0, 1 };
    if (launch.size != 1) {
        int given;
        MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &given);
        MPI_Comm_rank(MPI_COMM_WORLD, &team->rank);
        MPI_Comm_size(MPI_COMM_WORLD, &team->size);
        if (launch.size > 0 && team->size != launch.size) {
            MPI_Finalize();
            return anc_fail(
                err, ANC_ESYSTEM,
                "%s started %d processes, but MPI knows %d: start them with the mpirun of the MPI that this "
                "program is linked with, or with srun --mpi=pmix where SLURM has that plug-in",
                launch.name, launch.size, team->size);
        }
        if (team->size > 1)
            team->comm = MPI_COMM_WORLD;
        else
            MPI_Finalize();
    }
    started = true;
    return ANC_OK;
}

bool anc_team_started(void) { return started; }

void anc_team_hold(void) { held = true; }

void anc_team_leave(void)
{
    if (!stopped) return;
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
    stopped = false;
}

void anc_team_stop(anc_team *team)
{
    if (team->size > 1) {
        stopped = true;
        if (!held) anc_team_leave();
    }
    *team = (anc_team){ .comm = MPI_COMM_NULL };
}

void anc_team_abort(const anc_team *team, const char *format, ...)
{
    anc_err err;
    va_list args;
    va_start(args, format);
    vsnprintf(err.text, sizeof err.text, format, args);
    va_end(args);
    if (team->size == 1) {
        fprintf(stderr, "anchorage: %s\n", err.text);
        exit(1);
    }
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
    if (team->size == 1) return err->code;
    MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MINLOC, team->comm);
    if (worst.good) return ANC_OK;
    if (team->rank == worst.rank) anc_within(err, "rank %d", team->rank);
    MPI_Bcast(err, (int)sizeof *err, MPI_BYTE, worst.rank, team->comm);
    return err->code;
}

void anc_team_bcast(const anc_team *team, void *bytes, size_t n, int root)
{
    if (team->size == 1) return;
    for (size_t at = 0, k; at < n; at += k) {
        k = n - at < chunk_bytes ? n - at : chunk_bytes;
        MPI_Bcast((char *)bytes + at, (int)k, MPI_BYTE, root, team->comm);
    }
}

void anc_team_sum(const anc_team *team, int64_t *v, size_t n)
{
    if (team->size == 1) return;
    for (size_t at = 0, k; at < n; at += k) {
        k = n - at < chunk_bytes / sizeof *v ? n - at : chunk_bytes / sizeof *v;
        MPI_Allreduce(MPI_IN_PLACE, v + at, (int)k, MPI_INT64_T, MPI_SUM, team->comm);
    }
}

char *anc_team_join(const anc_team *team, const char *mine)
{
    if (team->size == 1) return strdup(mine);
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
    if (team->size == 1) return (anc_spread){ mine, mine, mine, 0, 0 };
    MPI_Allreduce(&own, &low, 1, MPI_DOUBLE_INT, MPI_MINLOC, team->comm);
    MPI_Allreduce(&own, &high, 1, MPI_DOUBLE_INT, MPI_MAXLOC, team->comm);
    MPI_Allreduce(&mine, &sum, 1, MPI_DOUBLE, MPI_SUM, team->comm);
    return (anc_spread){ low.value, sum / team->size, high.value, low.rank, high.rank };
}
