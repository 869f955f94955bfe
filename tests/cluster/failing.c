/* tests/cluster/failing.c: a library for LD_PRELOAD that makes one system call on a file fail, as a disk does
 *
 *   FAIL_BELOW  calls on files below this folder are counted, from 1; no others
 *   FAIL_KIND   which ones: write (opening for writing, write, truncate, fsync, close after writing, rename,
 * mkdir) or read (opening for reading, read) FAIL_AT     the call that fails; 0: none FAIL_ERRNO  how: a
 * number, 28 for ENOSPC FAIL_ON     1: every counted call after that one fails too, as on a disk that stays
 * full FAIL_LOG    every counted call is appended to this file: "NUMBER CALL PATH"
 *
 * A failing write writes nothing, a failing close closes. Of one process; its children inherit the settings.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long number;

static long setting(const char *name)
{
    const char *value = getenv(name);
    return value ? atol(value) : 0;
}

#define REAL(result, name, ...) ((result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

static void write_log(const char *call, const char *path)
{
    const char *log = getenv("FAIL_LOG");
    int fd =
        log ? REAL(int, open, const char *, int, ...)(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)
            : -1;
    if (fd < 0) return;
    char line[PATH_MAX + 64];
    int n = snprintf(line, sizeof line, "%ld %s %s\n", number, call, path);
    if (REAL(ssize_t, write, int, const void *, size_t)(fd, line, (size_t)n) != n) abort();
    REAL(int, close, int)(fd);
}

/* True, and errno set, when this call must fail. */
static bool fails(bool writes, const char *call, const char *path)
{
    const char *below = getenv("FAIL_BELOW"), *kind = getenv("FAIL_KIND");
    char absolute[PATH_MAX];
    if (!below || !kind || (*kind == 'w') != writes) return false;
    if (*path != '/' && getcwd(absolute, sizeof absolute / 2)) {
        size_t n = strlen(absolute);
        snprintf(absolute + n, sizeof absolute - n, "/%s", path);
        path = absolute;
    }
    if (strncmp(path, below, strlen(below))) return false;
    pthread_mutex_lock(&mutex);
    int before = errno;
    number++;
    write_log(call, path);
    long at = setting("FAIL_AT");
    bool now = at && (number == at || (number > at && setting("FAIL_ON")));
    pthread_mutex_unlock(&mutex);
    errno = now ? (int)setting("FAIL_ERRNO") : before;
    return now;
}

static bool fails_fd(bool writes, const char *call, int fd)
{
    char link[64], path[PATH_MAX];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    errno = before;
    if (n <= 0 || *path != '/') return false;
    path[n] = '\0';
    return fails(writes, call, path);
}

static bool opened_to_write(int fd)
{
    int before = errno, flags = fcntl(fd, F_GETFL);
    errno = before;
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

#define OPEN(name)                                                           \
    int name(const char *path, int flags, ...)                               \
    {                                                                        \
        va_list more;                                                        \
        va_start(more, flags);                                               \
        mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;            \
        va_end(more);                                                        \
        if (fails((flags & O_ACCMODE) != O_RDONLY, "open", path)) return -1; \
        return REAL(int, name, const char *, int, ...)(path, flags, mode);   \
    }
OPEN(open)
OPEN(open64)

#define TRANSFER(writes, call, name, buffer)                                                             \
    ssize_t name(int fd, buffer bytes, size_t n)                                                         \
    {                                                                                                    \
        return fails_fd(writes, call, fd) ? -1 : REAL(ssize_t, name, int, buffer, size_t)(fd, bytes, n); \
    }
#define TRANSFER_AT(writes, call, name, buffer, offset)                                  \
    ssize_t name(int fd, buffer bytes, size_t n, offset at)                              \
    {                                                                                    \
        return fails_fd(writes, call, fd)                                                \
                   ? -1                                                                  \
                   : REAL(ssize_t, name, int, buffer, size_t, offset)(fd, bytes, n, at); \
    }
TRANSFER(true, "write", write, const void *)
TRANSFER_AT(true, "write", pwrite, const void *, off_t)
TRANSFER_AT(true, "write", pwrite64, const void *, off64_t)
TRANSFER(false, "read", read, void *)
TRANSFER_AT(false, "read", pread, void *, off_t)
TRANSFER_AT(false, "read", pread64, void *, off64_t)

int ftruncate(int fd, off_t n)
{
    return fails_fd(true, "truncate", fd) ? -1 : REAL(int, ftruncate, int, off_t)(fd, n);
}

int ftruncate64(int fd, off64_t n)
{
    return fails_fd(true, "truncate", fd) ? -1 : REAL(int, ftruncate64, int, off64_t)(fd, n);
}

int fsync(int fd) { return fails_fd(true, "fsync", fd) ? -1 : REAL(int, fsync, int)(fd); }

int close(int fd)
{
    bool failing = opened_to_write(fd) && fails_fd(true, "close", fd);
    int reason = errno, result = REAL(int, close, int)(fd);
    if (failing) errno = reason;
    return failing ? -1 : result;
}

int rename(const char *from, const char *to)
{
    return fails(true, "rename", to) ? -1 : REAL(int, rename, const char *, const char *)(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    return fails(true, "mkdir", path) ? -1 : REAL(int, mkdir, const char *, mode_t)(path, mode);
}
