/* io/file/files.h: what lies in a folder, in an order that does not depend on the file system */
#ifndef ANC_IO_FILE_FILES_H
#define ANC_IO_FILE_FILES_H

#include "io/file/diagnostics.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char **path; /* [n] owned; below the folder, ascending bytewise */
    int64_t n, capacity;
} anc_files;

/* The regular files below folder whose names end with one of the suffixes (NULL ends them; compared without
 * case), at most `depth` folders down. Links to files count as files, links to folders are not followed;
 * these and other entries that match but are no regular files are diagnostics (diagnostics may be NULL). Names with
 * control characters are errors, and so is a folder without access. Errors: ANC_ESYSTEM, ANC_EDATA,
 * ANC_EMEMORY. */
anc_status anc_files_list(const char *folder, const char *const *suffixes, int depth, anc_files *out,
                          anc_diagnostics *diagnostics, anc_err *err);
void anc_files_clear(anc_files *f);

bool anc_is_folder(const char *path);
bool anc_is_file(const char *path); /* a regular one, or a link to one */

/* Whether both names lead to one file or folder. NULL leads nowhere. */
bool anc_same_file(const char *a, const char *b);

/* "folder/name" (malloc'ed), without doubling a slash; folder "" gives name. NULL: no memory. */
char *anc_path_join(const char *folder, const char *name);

/* Whether name stays below the folder that it is put behind: not absolute, no "..". */
bool anc_path_stays(const char *name);

/* Opens a regular file (never blocks on a pipe). -1 with the error set: ANC_ESYSTEM, names path. */
int anc_open_file(const char *path, anc_err *err);

/* Whether text ends with end, letters compared without case. */
bool anc_ends_with(const char *text, const char *end);

#endif
