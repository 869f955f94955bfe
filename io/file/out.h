/* io/file/out.h: a file that is complete or absent: PATH.part is written, synced, then renamed to PATH */
#ifndef ANC_IO_FILE_OUT_H
#define ANC_IO_FILE_OUT_H

#include "core/err.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct anc_out anc_out;

/* Seconds that the last steps of files took: their seals (io/file/seal.h), and fsync and rename. */
typedef struct {
    double seal_s, sync_s;
} anc_out_cost;

/* Opens a part, made or emptied, for this process alone: the lock (flock) is the descriptor's, and goes with
 * it. Rename or remove the part before closing. A part that another process is writing is an error; where the
 * file system has no locks nobody can tell. -1 on errors: ANC_ESYSTEM with the path and the system's reason.
 */
int anc_out_take(const char *part, anc_err *err);

/* Opens PATH.part, over a left-over one. Errors: ANC_ESYSTEM with the path and the system's reason. */
anc_status anc_out_open(const char *path, anc_out **out, anc_err *err);

/* Appends n bytes. The first failure is kept and reported by commit; later writes do nothing. */
void anc_out_write(anc_out *o, const void *bytes, size_t n);

/* A place of at least n bytes in the buffer (n up to 64 kB) to write into; anc_out_advance then says how
 * many of them are meant. Never NULL. */
char *anc_out_reserve(anc_out *o, size_t n);
void anc_out_advance(anc_out *o, size_t n);

/* True once a write has failed, so that a long run can end early. */
bool anc_out_failed(const anc_out *o);

/* Syncs, closes and renames, then frees o in any case; on failure no PATH.part is left and an old PATH
 * stays as it was. Errors: ANC_ESYSTEM. */
anc_status anc_out_commit(anc_out *o, anc_err *err);

/* Removes PATH.part and frees o. NULL is allowed. */
void anc_out_abandon(anc_out *o);

/* Makes the names in a folder survive a power cut: fsync of the folder. Where that cannot be done (some
 * network file systems, folders that may not be read) it is no failure. Errors: ANC_ESYSTEM. */
anc_status anc_out_sync_folder(const char *folder, anc_err *err);
anc_status anc_out_sync_folder_of(const char *path, anc_err *err); /* the folder in which path lies */

/* Makes a folder, and those above it; one that exists is fine. Errors: ANC_ESYSTEM. */
anc_status anc_out_mkdir(const char *path, anc_err *err);

/* The same; *made gets how many bytes of the path name the first folder that was not there before, 0 when all
 * were, also on errors. For anc_out_rmdir, which removes that folder and those below it again, while they are
 * empty. */
anc_status anc_out_mkdir_new(const char *path, size_t *made, anc_err *err);
void anc_out_rmdir(const char *path, size_t made);

#endif
