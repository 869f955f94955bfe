/* mpi/launch.h: who started this process, from the environment alone
 *
 * Known before MPI_Init, and without it: a process that no launcher started needs no MPI.
 */
#ifndef ANC_MPI_LAUNCH_H
#define ANC_MPI_LAUNCH_H

typedef struct {
    const char *name; /* "mpirun", "srun" ...; NULL: nobody, this process is alone */
    int rank, size;   /* -1: the launcher does not say */
} anc_launch;

/* Reads the variables that Open MPI, PMI, SLURM, Flux, jsrun and PMIx set for each process. */
anc_launch anc_launch_find(void);

#endif
