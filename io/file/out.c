/* io/file/out.c: see out.h */
#include "io/file/out.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 20, RESERVE_MAX = 1 << 16 };

struct anc_out {
    char *path, *part;
    int fd, failed; /* failed: errno of the first failure */
    size_t used;    /* bytes in buffer */
    char buffer[BUFFER_BYTES];
};

static anc_status fail(anc_err *err, const char *path, const char *what, int reason)
{
    return anc_fail(err, ANC_ESYSTEM, "%s: cannot %s: %s", path, what, strerror(reason));
}

static bool is_at(int fd, const char *path)
{
    struct stat mine, there;
    return !fstat(fd, &mine) && !stat(path, &there) && mine.st_dev == there.st_dev &&
           mine.st_ino == there.st_ino;
}

int anc_out_take(const char *part, anc_err *err)
{
    enum { TRIES = 100 }; /* another writer's part may get its final name between our open and our lock */
    for (int i = 0; i < TRIES; i++) {
        int fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0) {
            fail(err, part, "create", errno);
            return -1;
        }
        bool busy = flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
        if (!busy && is_at(fd, part)) {
            if (!ftruncate(fd, 0)) return fd;
            fail(err, part, "create", errno);
            unlink(part);
            close(fd);
            return -1;
        }
        close(fd);
        if (busy) break;
    }
    anc_fail(err, ANC_ESYSTEM,
             "%s: another process is writing this file: wait for it, or choose another name", part);
    return -1;
}

anc_status anc_out_open(const char *path, anc_out **out, anc_err *err)
{
    *out = NULL;
    anc_out *o = malloc(sizeof *o);
    size_t n = strlen(path);
    char *names = malloc(2 * n + sizeof "..part");
    if (!o || !names) {
        free(o);
        free(names);
        return anc_fail(err, ANC_EMEMORY, "%s: out of memory", path);
    }
    o->path = memcpy(names, path, n + 1);
    o->part = names + n + 1;
    sprintf(o->part, "%s.part", path);
    o->used = 0;
    o->failed = 0;
    o->fd = anc_out_take(o->part, err);
    if (o->fd < 0) {
        free(names);
        free(o);
        return err->code;
    }
    *out = o;
    return ANC_OK;
}

static void put(anc_out *o, const char *bytes, size_t n)
{
    while (n && !o->failed) {
        ssize_t k = write(o->fd, bytes, n);
        if (k > 0) {
            bytes += k;
            n -= (size_t)k;
        } else if (k == 0 || errno != EINTR) {
            o->failed = k == 0 ? EIO : errno;
        }
    }
}

static void drain(anc_out *o)
{
    put(o, o->buffer, o->used);
    o->used = 0;
}

void anc_out_write(anc_out *o, const void *bytes, size_t n)
{
    if (n > BUFFER_BYTES - o->used) drain(o);
    if (n > BUFFER_BYTES) {
        put(o, bytes, n);
        return;
    }
    memcpy(o->buffer + o->used, bytes, n);
    o->used += n;
}

char *anc_out_reserve(anc_out *o, size_t n)
{
    if (n > BUFFER_BYTES - o->used) drain(o);
    return o->buffer + o->used;
}

void anc_out_advance(anc_out *o, size_t n) { o->used += n; }

bool anc_out_failed(const anc_out *o) { return o->failed != 0; }

static void release(anc_out *o)
{
    free(o->path);
    free(o);
}

anc_status anc_out_sync_folder(const char *folder, anc_err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 ? !fsync(fd) || errno == EINVAL || errno == ENOTSUP || errno == EROFS
                        : errno == EACCES; /* it may be written to but not read */
    int reason = errno;
    if (fd >= 0) close(fd);
    return good ? ANC_OK : fail(err, folder, "sync this folder", reason);
}

anc_status anc_out_sync_folder_of(const char *path, anc_err *err)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash ? (int)(slash - path) : 1;
    if (n >= (int)sizeof folder) return fail(err, path, "sync the folder of this file", ENAMETOOLONG);
    snprintf(folder, sizeof folder, "%.*s", n ? n : 1, slash ? path : ".");
    return anc_out_sync_folder(folder, err);
}

anc_status anc_out_commit(anc_out *o, anc_err *err)
{
    drain(o);
    if (!o->failed && fsync(o->fd) && errno != EINVAL) o->failed = errno; /* EINVAL: not a kind that syncs */
    if (!o->failed && rename(o->part, o->path)) o->failed = errno;
    anc_status status = ANC_OK;
    if (o->failed) {
        status = fail(err, o->path, "write this file", o->failed);
        unlink(o->part);
    } else {
        status = anc_out_sync_folder_of(o->path, err);
    }
    close(o->fd); /* all that it could say fsync has said */
    release(o);
    return status;
}

void anc_out_abandon(anc_out *o)
{
    if (!o) return;
    unlink(o->part);
    close(o->fd);
    release(o);
}

anc_status anc_out_mkdir(const char *path, anc_err *err)
{
    size_t made;
    return anc_out_mkdir_new(path, &made, err);
}

anc_status anc_out_mkdir_new(const char *path, size_t *made, anc_err *err)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    *made = 0;
    if (n == 0) return anc_fail(err, ANC_EARGUMENT, "the folder's name is empty");
    if (n >= sizeof part) return fail(err, path, "make this folder", ENAMETOOLONG);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        struct stat info;
        bool fresh = !mkdir(part, 0777);
        if (!fresh && errno != EEXIST) return fail(err, part, "make this folder", errno);
        if (fresh && !*made) *made = i;
        if (i == n && (stat(part, &info) || !S_ISDIR(info.st_mode)))
            return fail(err, part, "make this folder", ENOTDIR);
    }
    return ANC_OK;
}

void anc_out_rmdir(const char *path, size_t made)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (!made || n >= sizeof part) return;
    memcpy(part, path, n + 1);
    for (size_t i = n; i >= made; i--) {
        if (path[i] != '/' && path[i] != '\0') continue;
        part[i] = '\0';
        if (rmdir(part) && errno != ENOENT)
            return; /* ENOENT: a slash too many had its folder removed before */
    }
}
