/* jobs/job.h: what a sub-command is */
#ifndef ANC_JOBS_JOB_H
#define ANC_JOBS_JOB_H

/* Exit codes of the program. */
enum { ANC_EXIT_DONE = 0, ANC_EXIT_FAILED = 1, ANC_EXIT_USAGE = 2, ANC_EXIT_AGAIN = 75 };

typedef struct {
    const char *name;
    const char *summary;               /* one line, for `anchorage --help` */
    int (*run)(int argc, char **argv); /* argv[0] is the sub-command's name; gives the exit code */
} anc_job;

extern const anc_job anc_jobs[]; /* ends with a row whose name is NULL */

int anc_job_import(int argc, char **argv);
int anc_job_label(int argc, char **argv);
int anc_job_propose(int argc, char **argv);
int anc_job_evaluate(int argc, char **argv);
int anc_job_presets(int argc, char **argv);
int anc_job_inspect(int argc, char **argv);
int anc_job_verify(int argc, char **argv);
int anc_job_seal(int argc, char **argv);
int anc_job_synth(int argc, char **argv);
int anc_job_train(int argc, char **argv);
int anc_job_mpi_settings(int argc, char **argv);

#endif
