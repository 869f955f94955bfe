/* mpi/team.h: start and stop of all ranks, the error they agree on, sums and spreads
 *
 * MPI's own errors stay fatal (its default), so nothing here reports one. A call marked collective
 * must be made by every rank, in the same order.
 */
#ifndef ANC_MPI_TEAM_H
#define ANC_MPI_TEAM_H

#include "core/err.h"
#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    MPI_Comm comm;
    int rank, size;
} anc_team;

/* Collective. Starts MPI, once per process, and makes the team of all its ranks. A process that is alone (no
 * launcher started it, or one that started no other) is a team of one and never starts MPI: comm is
 * MPI_COMM_NULL then, and every call here returns at once. Only the thread that called it may call into mpi/.
 * Errors: ANC_ESYSTEM, on all ranks: MPI knows another number of processes than the launcher started, so that
 * each would take itself for the whole team; MPI is ended then. */
anc_status anc_team_start(anc_team *team, anc_err *err);

/* True from a successful anc_team_start on. */
bool anc_team_started(void);

/* Collective. Ends MPI, or after anc_team_hold leaves that to anc_team_leave. */
void anc_team_stop(anc_team *team);

/* mpirun kills the others as soon as one process ends with a failure. A program that has something left to do
 * after the team calls anc_team_hold first and anc_team_leave last: no rank gets past it before all are
 * there. */
void anc_team_hold(void);
void anc_team_leave(void); /* collective, where a team was stopped */

/* Ends every rank at once, with exit code 1 and one line on stderr. Only for a rank that cannot reach
 * the next agreement; any other failure goes through anc_team_agree. */
_Noreturn void anc_team_abort(const anc_team *team, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Collective. Each rank hands in its own error (a zeroed one when it has none); all get that of the
 * lowest rank that failed, with "rank N: " in front if there is more than one rank, and its code. */
anc_status anc_team_agree(const anc_team *team, anc_err *err);

/* Collective. Copies root's n bytes to all ranks; n, of any size, is the same on all. */
void anc_team_bcast(const anc_team *team, void *bytes, size_t n, int root);

/* Collective. Replaces each of v[0..n) by its sum over the ranks, on all of them. The caller knows
 * that the sums fit. */
void anc_team_sum(const anc_team *team, int64_t *v, size_t n);

/* Collective. Gives rank 0 the texts of all ranks one after the other in the order of ranks, malloc'ed; the
 * others, and rank 0 when it is out of memory, NULL. */
char *anc_team_join(const anc_team *team, const char *mine);

/* One figure of each rank (a time, a peak), seen over the team. Of equals the lowest rank is named. */
typedef struct {
    double min, mean, max;
    int min_rank, max_rank;
} anc_spread;

/* Collective. All ranks get the same answer. */
anc_spread anc_team_spread(const anc_team *team, double mine);

#endif
