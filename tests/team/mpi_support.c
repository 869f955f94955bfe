/* tests/team/mpi_support.c: see mpi_support.h */
#include "tests/team/mpi_support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static anc_team all;
static FILE *hidden; /* what other ranks than 0 print */

const anc_team *team(void) { return &all; }

int same_everywhere(const char *text)
{
    anc_err root = { 0 };
    if (all.size == 1) return 1;
    snprintf(root.text, sizeof root.text, "%s", text);
    MPI_Bcast(&root, (int)sizeof root, MPI_BYTE, 0, all.comm);
    int same = !strcmp(root.text, text);
    MPI_Allreduce(MPI_IN_PLACE, &same, 1, MPI_INT, MPI_LAND, all.comm);
    return same;
}

static void stop(int status, void *unused)
{
    (void)unused;
    fflush(stdout);
    if (hidden && status) {
        char line[512];
        rewind(hidden);
        while (fgets(line, sizeof line, hidden)) fprintf(stderr, "rank %d: %s", all.rank, line);
    }
    anc_team_stop(&all);
}

__attribute__((constructor)) static void start(void)
{
    anc_err err = { 0 };
    if (anc_team_start(&all, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    alarm(120);
    if (all.rank != 0 && (hidden = tmpfile()) && dup2(fileno(hidden), STDOUT_FILENO) < 0) perror("dup2");
    on_exit(stop, NULL);
}
