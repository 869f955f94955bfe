/* jobs/main.c: finds the sub-command and runs it */
#include "io/hdf5/h5_guard.h"
#include "core/words.h"
#include "jobs/job.h"
#include "jobs/cli/opts.h"
#include "mpi/team.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef ANC_VERSION
#error "the build defines ANC_VERSION"
#endif

const anc_job anc_jobs[] = {
    { "import", "check annotations once and keep them as annotations.h5", anc_job_import },
    { "label", "annotations in, RPN training targets out (HDF5 shards and an index over them)",
      anc_job_label },
    { "train", "targets and a backbone's features in, a trained RPN head out", anc_job_train },
    { "propose", "a head and features in, proposals out: boxes with their objectness", anc_job_propose },
    { "evaluate", "say how many objects proposals find: average recall", anc_job_evaluate },
    { "presets", "print a preset as an INI file, ready to edit", anc_job_presets },
    { "inspect", "say in words and tables what a file holds", anc_job_inspect },
    { "verify", "hold files to their checksums and promises, and labels to the annotations", anc_job_verify },
    { "seal", "check files that others wrote, and add the checksum that verify looks for", anc_job_seal },
    { "synth", "write generated scenes with exact annotations", anc_job_synth },
    { "mpi-settings", "print what Open MPI needs to be told here, for eval in a shell",
      anc_job_mpi_settings },
    { NULL, NULL, NULL },
};

static void help(FILE *to)
{
    fputs("usage: anchorage COMMAND [OPTION]... [OPERAND]...\n"
          "       mpirun -n 64 anchorage label instances_train2017.json -o targets/\n\n"
          "Turns annotated image data sets into training targets for Region Proposal Networks.\n\n"
          "Commands (`anchorage help COMMAND` or `anchorage COMMAND --help` tells more):\n",
          to);
    for (const anc_job *j = anc_jobs; j->name; j++) fprintf(to, "  %-12s %s\n", j->name, j->summary);
    fputs("\n  -h, --help     this text\n  -V, --version  the program's version\n", to);
}

static bool first_rank;

/* For a crash inside HDF5: in a signal handler, hence write. Of a team that opens a file together the first
 * one speaks; another does if it still lives a moment later, as it was alone then. */
static void say_damaged(const char *path, bool stuck)
{
    const char *const part[] = { "anchorage: ", path, ": damaged, or made to do harm: HDF5 ",
                                 stuck ? "is stuck" : "crashed",
                                 " reading it; take the file from where it came from again\n" };
    if (!first_rank) nanosleep(&(struct timespec){ 2, 0 }, NULL);
    for (int i = 0; i < 5; i++)
        if (write(STDERR_FILENO, part[i], strlen(part[i])) < 0) break;
    _exit(ANC_EXIT_FAILED);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        if (first_rank) help(stderr);
        return ANC_EXIT_USAGE;
    }
    const char *name = argv[1];
    bool asks = !strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help");
    if (asks && argc == 2) {
        if (first_rank) help(stdout);
        return ANC_EXIT_DONE;
    }
    if (!strcmp(name, "--version") || !strcmp(name, "-V") || !strcmp(name, "version")) {
        if (first_rank) puts("anchorage " ANC_VERSION);
        return ANC_EXIT_DONE;
    }
    if (asks) name = argv[2];
    const char *known[32];
    size_t n = 0;
    for (const anc_job *j = anc_jobs; j->name; j++) {
        if (!strcmp(j->name, name))
            return asks ? j->run(2, (char *[]){ argv[2], "--help", NULL }) : j->run(argc - 1, argv + 1);
        known[n++] = j->name;
    }
    if (!first_rank) return ANC_EXIT_USAGE;
    const char *near = anc_nearest(name, known, n);
    fprintf(stderr, "anchorage: no command is called '%s'%s%s%s; see anchorage --help\n", name,
            near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return ANC_EXIT_USAGE;
}

/* For batch scripts: the mpirun of Open MPI 5 ends with 0 when it loses a host, so that only a code that the
 * first rank left behind tells that the work is done. */
static int leave_code(int code)
{
    const char *path = getenv("ANCHORAGE_EXIT_FILE");
    if (!path || !*path || !first_rank) return code;
    FILE *f = fopen(path, "w");
    bool good = f && fprintf(f, "%d\n", code) > 0;
    if (f && fclose(f)) good = false;
    if (good) return code;
    fprintf(stderr, "anchorage: ANCHORAGE_EXIT_FILE=%s: cannot write: %s\n", path, strerror(errno));
    return code ? code : ANC_EXIT_FAILED;
}

int main(int argc, char **argv)
{
    first_rank = anc_opts_speaks();
    anc_h5_guard_set(say_damaged, ANC_H5_GUARD_S);
    anc_team_hold();
    int code = leave_code(run(argc, argv));
    anc_team_leave();
    /* mpirun kills the other ranks when one fails: silent ranks exit 0; rank 0 reports */
    return code == ANC_EXIT_USAGE && !first_rank && !anc_team_started() ? ANC_EXIT_DONE : code;
}
