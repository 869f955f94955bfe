/* jobs/cli/source_team.h: an annotation source, opened by the whole team: files of a folder are read by all ranks
 */
#ifndef ANC_JOBS_CLI_SOURCE_TEAM_H
#define ANC_JOBS_CLI_SOURCE_TEAM_H

#include "io/source/source.h"
#include "mpi/team.h"

/* Collective. What anc_source_open does, with the files of a folder spread over the ranks, which must all see
 * it; the content does not depend on how many there are. Rank 0 gets *out, the others NULL; the same on all
 * for errors. path and o are the same on all ranks. Looks at anc_stop_wanted, and ends with ANC_ESTOPPED when
 * it says so. Errors: those of anc_source_open. */
anc_status anc_source_open_team(const anc_team *team, const char *path, const anc_reader_options *o,
                                anc_source **out, anc_err *err);

#endif
