/* tests/team/mpi_support.h: CUnit on many ranks at once
 *
 * The team binary starts MPI before main() and ends it at exit. Every rank runs the same tests in step:
 * a test is collective, and must not use the _FATAL assertions, which would leave the others behind.
 * Rank 0's report is the one that is seen; another rank's comes out (on stderr) if it has a failure,
 * and its exit code is not zero. A run that hangs is ended after two minutes.
 */
#ifndef ANC_TESTS_TEAM_MPI_SUPPORT_H
#define ANC_TESTS_TEAM_MPI_SUPPORT_H

#include "mpi/team.h"

/* All ranks of this run. */
const anc_team *team(void);

/* Collective: whether text is the same on all ranks. */
int same_everywhere(const char *text);

#endif
