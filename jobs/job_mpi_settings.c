/* jobs/job_mpi_settings.c: `anchorage mpi-settings`: what Open MPI needs to be told, as lines for a shell
 *
 * The one place where these stand: the Makefile, the tests, the batch scripts and users eval what it prints.
 * Open MPI 4 reads OMPI_MCA_*; the launcher of 5 and newer (PRRTE) reads PRTE_MCA_* and overlooks the old
 * names of its parts in silence, so each setting has both.
 */
#include "jobs/job.h"
#include "jobs/cli/opts.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOT = 1, DESK = 2, CLUSTER = 4 };

static const struct {
    int where;
    const char *name, *value, *why; /* NULL: as the row above */
} settings[] = {
    { ROOT, "OMPI_ALLOW_RUN_AS_ROOT", "1", "mpirun refuses to run as root otherwise" },
    { ROOT, "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", NULL },
    { DESK, "OMPI_MCA_rmaps_base_oversubscribe", "1", "more ranks than cores; Open MPI 4" },
    { DESK, "PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe", "5" },
    { DESK, "PRTE_MCA_mapby", ":oversubscribe", "6; it complains of the old name alone" },
    { DESK, "OMPI_MCA_hwloc_base_binding_policy", "none", "ranks that share cores are not pinned to one; 4" },
    { DESK, "PRTE_MCA_hwloc_default_binding_policy", "none", "5" },
    { DESK, "PRTE_MCA_bindto", "none", "6" },
    { DESK, "OMPI_MCA_mpi_yield_when_idle", "1", "a rank that waits leaves the core to those that work" },
    { DESK, "OMPI_MCA_btl_vader_single_copy_mechanism", "none",
      "containers forbid the system call behind it; 4" },
    { DESK, "OMPI_MCA_smsc", "^cma", "5" },
    { DESK, "OMPI_MCA_btl_tcp_if_include", "lo", "5 reports networks that it cannot use, a line for each rank" },
    { CLUSTER, "OMPI_MCA_oob_tcp_keepalive_time", "5",
      "a network that is cut ends the job instead of hanging it; 4" },
    { CLUSTER, "OMPI_MCA_oob_tcp_keepalive_intvl", "2", NULL },
    { CLUSTER, "OMPI_MCA_oob_tcp_keepalive_probes", "3", NULL },
    { CLUSTER, "PRTE_MCA_oob_tcp_keepalive_time", "5", "5" },
    { CLUSTER, "PRTE_MCA_oob_tcp_keepalive_intvl", "2", NULL },
    { CLUSTER, "PRTE_MCA_oob_tcp_keepalive_probes", "3", NULL },
};

int anc_job_mpi_settings(int argc, char **argv)
{
    const anc_opt opt[] = { { 0 } };
    const anc_usage usage = {
        .command = "mpi-settings",
        .operands = "[desk|cluster]",
        .max_operands = 1,
        .about = "Prints what Open MPI 4 and newer need to be told, as lines for a shell. desk: one machine, "
                 "with more "
                 "ranks than cores, maybe in a container (the default outside of SLURM); cluster: several "
                 "hosts (the "
                 "default within a SLURM job). Variables that are set already keep their values.",
        .example = "eval \"$(anchorage mpi-settings)\"; mpirun -n 4 anchorage label data.json -o targets/",
        .opt = opt,
    };
    const char *place;
    int n, ended = anc_opts_parse(&usage, argc, argv, &place, &n);
    if (ended) return ended - 1;
    if (!n) place = getenv("SLURM_JOB_ID") ? "cluster" : "desk";
    bool desk = !strcmp(place, "desk");
    if (!desk && strcmp(place, "cluster"))
        return anc_opts_refuse(&usage, "'%s' is neither desk nor cluster", place);
    if (!anc_opts_speaks()) return ANC_EXIT_DONE;
    int wanted = (desk ? DESK : CLUSTER) | (geteuid() ? 0 : ROOT);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (!(settings[i].where & wanted)) continue;
        const char *name = settings[i].name, *why = settings[i].why;
        printf("export %s=\"${%s-%s}\"%s%s\n", name, name, settings[i].value, why ? " # " : "",
               why ? why : "");
    }
    if (!fflush(stdout) && !ferror(stdout)) return ANC_EXIT_DONE;
    fprintf(stderr, "anchorage: mpi-settings: cannot write: %s\n", strerror(errno));
    return ANC_EXIT_FAILED;
}
