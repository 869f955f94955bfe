/* io/file/lock.h: one run at a time in a folder, across hosts
 *
 * Neither flock nor process ids can be relied on between hosts, so a lock is a file that its holder keeps
 * changing: a thread of the holder writes a new count into it every second. Who finds a lock looks at it for
 * 15 s of its own clock; if the content stays as it is the holder is dead, and the lock is passed over. On
 * the holder's own host (same boot, same process namespace) its process id and start time give the answer at
 * once. No clocks are compared.
 *
 * The file is DIR/run.lock.I-of-N.G, or NAME.lock.I-of-N.G for one output of several in a folder: part I of N
 * of the work (1-of-1: all of it), generation G. Parts of the same N may run side by side, everything else
 * excludes each other. A taker makes a new file, which only one of several can (O_EXCL), one generation above
 * the dead; then it lists the folder again, and steps back if there is a lock that it has not judged. Of two
 * that start at once at least one sees the other, as both make before they list; making a file also renews
 * what an NFS client remembers of the folder. A holder that was stopped for longer and comes back finds its
 * file gone, and is told so by anc_lock_lost.
 */
#ifndef ANC_IO_FILE_LOCK_H
#define ANC_IO_FILE_LOCK_H

#include "core/err.h"
#include <stdbool.h>

typedef struct anc_lock anc_lock;

typedef struct {
    const char *dir;
    int part, n_parts;                  /* 1 of 1: everything */
    void (*waiting)(const char *owner); /* told before the 15 s of looking at a lock; NULL: nobody asks */
    bool (*stop)(void);                 /* asked while waiting: true gives up; NULL: never */
    const char *name;                   /* of one output in the folder; NULL: "run", the whole folder */
} anc_lock_request;

/* Takes the lock, or fails with ANC_ESYSTEM and a text that says who holds it. */
anc_status anc_lock_take(const anc_lock_request *r, anc_lock **out, anc_err *err);

/* True once the lock is another's: stop writing. Cheap enough for every view; who has not run for some
 * seconds looks at the file before it answers. */
bool anc_lock_lost(anc_lock *l);

/* What other processes of the run know the lock by; plain bytes, to be broadcast. All 0: there is no lock. */
typedef struct {
    char path[4096], token[17];
} anc_lock_mark;
void anc_lock_mark_of(const anc_lock *l, anc_lock_mark *m);

/* Looks at the file: whether it still is that lock's. Before each file gets its final name. */
bool anc_lock_mark_holds(const anc_lock_mark *m);

/* "I-of-N-1a2b3c4d": no other run ever has the same; for names of files that are being written. */
const char *anc_lock_tag(const anc_lock *l);

/* Removes the file, unless it is lost, and frees l. NULL is allowed. */
void anc_lock_release(anc_lock *l);

#endif
