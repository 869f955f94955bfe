/* io/file/sync_later.h: the fsync of a file, while its process does something else */
#ifndef ANC_IO_FILE_SYNC_LATER_H
#define ANC_IO_FILE_SYNC_LATER_H

typedef struct anc_sync anc_sync;

/* Begins, in a thread of its own, which sleeps until the disk is done. fd stays open until the end. NULL:
 * there is no thread or memory to be had, and anc_sync_end will do all of it. */
anc_sync *anc_sync_begin(int fd);

/* Waits for s, and frees it, or where s is NULL syncs fd. 0, or the errno of the fsync. */
int anc_sync_end(anc_sync *s, int fd);

#endif
