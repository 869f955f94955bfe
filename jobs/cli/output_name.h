/* jobs/cli/output_name.h: outputs whose names end like something else
 *
 * `-o head.txt` would make an HDF5 file that nobody takes for one. A name without an ending, or with one that
 * begins with a digit ("head-0.5"), says nothing, and a file that is there already was named before.
 */
#ifndef ANC_JOBS_CLI_OUTPUT_NAME_H
#define ANC_JOBS_CLI_OUTPUT_NAME_H

#include "core/err.h"

/* Refuses path, given by option ("--output"), when it ends in none of endings ("h5"; NULL ends them). what:
 * "an HDF5 file", for the error. Errors: ANC_EARGUMENT. */
anc_status anc_output_name(const char *option, const char *path, const char *what, const char *const *endings,
                           anc_err *err);

/* The same for an HDF5 file. */
anc_status anc_output_name_h5(const char *option, const char *path, anc_err *err);

/* For a folder that is to be made: its name may end in anything but what files of data do. */
anc_status anc_output_name_folder(const char *option, const char *path, anc_err *err);

#endif
