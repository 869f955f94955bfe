/* jobs/cli/run_folder.h: an output folder that a run holds, leaves and comes back to
 *
 * The folder's run.json says what the run is: version, shards, configuration. It is written once, before the
 * first shard, and never changed: which shards are done is told by the shards themselves, each sealed
 * (io/file/seal.h) and under its final name only when whole. Nothing can thus say that a shard is done which is
 * not, or the other way round. A lock (io/file/lock.h) keeps a second run out.
 */
#ifndef ANC_JOBS_CLI_RUN_FOLDER_H
#define ANC_JOBS_CLI_RUN_FOLDER_H

#include "core/err.h"
#include "io/file/lock.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What run.json says. */
typedef struct {
    char *version, *config; /* owned; the configuration's JSON */
    int64_t n_shards;
} anc_run;

void anc_run_clear(anc_run *r);

/* Reads dir/run.json. *there: the file exists. Errors: ANC_EDATA when it is damaged; the text starts with its
 * path. */
anc_status anc_run_read(const char *dir, anc_run *r, bool *there, anc_err *err);

/* What the run in the folder was begun as: by run.json, or without one by the index or some shard, which do
 * not say n_shards (0). False: nothing there can be read. */
bool anc_run_folder_began(const char *dir, anc_run *r);

/* "seed is 7 there and 0 here": how two configurations differ, up to a few keys by name; false: they do not.
 */
bool anc_run_differs(const char *there, const char *here, char *text, size_t size);

typedef struct {
    const char *dir;
    int part, n_parts;
    bool restart; /* throw away what another run has left */
    bool (*stop)(void);
    void (*waiting)(const char *owner);
} anc_run_folder;

/* Makes the folder and takes its lock. *made is for anc_run_folder_leave. Errors: ANC_ESYSTEM, with nothing
 * left behind. */
anc_status anc_run_folder_enter(const anc_run_folder *f, anc_lock **lock, size_t *made, anc_err *err);

/* Gives the lock back, and removes what enter made of folders if nothing came to lie in them. lock may be
 * NULL. */
void anc_run_folder_leave(const anc_run_folder *f, anc_lock *lock, size_t made);

/* With the lock held: makes the folder this run's. What is there must be of the same run, or restart throws
 * it away; left-over .part files are removed, run.json is written if it is not there. Errors: ANC_EARGUMENT
 * (another run's, by name of what differs), ANC_EDATA, ANC_ESYSTEM (the lock is lost, too). */
anc_status anc_run_folder_claim(const anc_run_folder *f, anc_lock *lock, const char *config, int64_t n_shards,
                                anc_err *err);

/* For a dry run: whether claim would take the folder, as far as can be told without changing anything. */
anc_status anc_run_folder_check(const anc_run_folder *f, const char *config, int64_t n_shards, anc_err *err);

/* What a run says that finds its lock lost (io/file/lock.h), and its error. */
anc_status anc_run_folder_lost(const char *dir, anc_err *err);

#endif
