/* jobs/cli/opts.h: one table of options drives parsing, --help and its defaults
 *
 * GNU long options (`--name value`, `--name=value`) and their short forms, mixed freely with
 * operands; `--` ends the options. An unknown option is refused with the nearest known one. -h, --help, -V
 * and --version are every command's, and so is the word help alone, unless a file has that name.
 */
#ifndef ANC_JOBS_CLI_OPTS_H
#define ANC_JOBS_CLI_OPTS_H

#include "core/err.h"
#include <stdbool.h>
#include <stddef.h>

typedef enum {
    ANC_OPT_FLAG,   /* bool *: set to true */
    ANC_OPT_INT,    /* int64_t *: within [min, max] */
    ANC_OPT_SIZE,   /* int64_t *: bytes or counts with k, M, G (powers of 1024) */
    ANC_OPT_REAL,   /* double *: within [min, max] */
    ANC_OPT_STRING, /* const char **: borrowed from argv; of several the last */
    ANC_OPT_ONCE,   /* the same without a default, refused when it is given again */
    ANC_OPT_LIST    /* anc_opt_list *: may be given again and again, in order */
} anc_opt_type;

typedef struct {
    const char *item[64];
    int n;
} anc_opt_list;

typedef struct {
    const char *name; /* without the dashes; NULL ends the table */
    char letter;      /* short form, 0 when there is none */
    const char *meta; /* the argument's name in --help, NULL for a flag */
    anc_opt_type type;
    void *value;      /* its content on entry is the default that --help shows (numbers but NaN, strings) */
    double min, max;  /* for numbers; both 0: any */
    const char *help; /* one sentence, no full stop */
} anc_opt;

typedef struct {
    const char *command;  /* "label" */
    const char *operands; /* "ANNOTATIONS", as --help shows them */
    int min_operands, max_operands;
    const char *about;   /* a sentence or two */
    const char *example; /* a command line that works */
    const anc_opt *opt;
} anc_usage;

/* Parses argv[1..]. Operands are gathered at operand[0 .. *n_operands). Returns 0 to go on,
 * otherwise 1 + the exit code to end with: --help and --version (printed to stdout, done) and usage errors
 * (one line to stderr: what, and a hint at --help). */
int anc_opts_parse(const anc_usage *usage, int argc, char **argv, const char **operand, int *n_operands);

/* For what a table cannot say (two options that exclude each other): one line to stderr,
 * "anchorage: COMMAND: ...; see anchorage COMMAND --help". Returns ANC_EXIT_USAGE. */
int anc_opts_refuse(const anc_usage *usage, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* False in the processes of an mpirun or srun team other than its first: these keep silent on what
 * every process finds out alike, such as a misspelt option. */
bool anc_opts_speaks(void);

#endif
