/* io/file/sync_later.c: see sync_later.h */
#include "io/file/sync_later.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct anc_sync {
    pthread_t thread;
    int fd, error;
};

static int sync_now(int fd) { return fsync(fd) ? errno : 0; }

static void *run(void *context)
{
    anc_sync *s = context;
    s->error = sync_now(s->fd);
    return NULL;
}

anc_sync *anc_sync_begin(int fd)
{
    sigset_t all, before;
    anc_sync *s = malloc(sizeof *s);
    if (!s) return NULL;
    *s = (anc_sync){ .fd = fd };
    sigfillset(&all); /* signals are for the thread that works */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed) return s;
    free(s);
    return NULL;
}

int anc_sync_end(anc_sync *s, int fd)
{
    if (!s) return sync_now(fd);
    pthread_join(s->thread, NULL);
    int error = s->error;
    free(s);
    return error;
}
