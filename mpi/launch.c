/* mpi/launch.c: see launch.h */
#include "mpi/launch.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* The launcher nearest to the process comes first: mpirun starts its daemons with srun, and hydra answers in
 * PMI's name. SLURM_PROCID alone says nothing: batch scripts have it, too. */
static const struct {
    const char *name, *rank, *size;
} known[] = {
    { "mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE" },
    { "mpiexec", "PMI_RANK", "PMI_SIZE" },
    { "mpirun_rsh", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE" },
    { "flux run", "FLUX_TASK_RANK", "FLUX_JOB_SIZE" },
    { "jsrun", "JSM_NAMESPACE_RANK", "JSM_NAMESPACE_SIZE" },
    { "srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS" },
};

static int number(const char *variable)
{
    const char *text = getenv(variable);
    if (!text || !*text) return -1;
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    return errno || *end || n < 0 || n > INT_MAX ? -1 : (int)n;
}

/* Variables of a launcher that speaks PMI or PMIx in a way of its own. */
static int speaks_pmi(void)
{
    for (char **v = environ; v && *v; v++)
        if (!strncmp(*v, "PMI_", 4) || !strncmp(*v, "PMI2_", 5) || !strncmp(*v, "PMIX_RANK=", 10) ||
            !strncmp(*v, "PMIX_NAMESPACE=", 15))
            return 1;
    return 0;
}

anc_launch anc_launch_find(void)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const anc_launch l = { known[i].name, number(known[i].rank), number(known[i].size) };
        if (l.rank >= 0 && l.size > 0) return l;
    }
    if (speaks_pmi()) return (anc_launch){ "a PMI launcher", number("PMIX_RANK"), -1 };
    return (anc_launch){ NULL, 0, 1 };
}
