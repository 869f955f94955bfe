/* io/file/seal.c: see seal.h */
#include "io/file/seal.h"
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEAL_BYTES = 31, BLOCK_BYTES = 1 << 18 };

uint32_t anc_seal_crc32(uint32_t start, const void *bytes, size_t n)
{
    return libdeflate_crc32(start, bytes, n);
}

static void print_seal(char text[SEAL_BYTES + 1], uint32_t crc)
{
    snprintf(text, SEAL_BYTES + 1, "\nanchorage-seal crc32 %08x\n", crc);
}

/* The first n bytes of a file; false with errno set, 0 when it ended before. */
static bool crc_of(int fd, int64_t n, uint32_t *crc)
{
    char *block = malloc(BLOCK_BYTES);
    *crc = 0;
    errno = ENOMEM;
    for (int64_t at = 0; block && at < n;) {
        ssize_t k = pread(fd, block, (size_t)(n - at < BLOCK_BYTES ? n - at : BLOCK_BYTES), at);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) {
            if (!k) errno = 0;
            free(block);
            return false;
        }
        *crc = anc_seal_crc32(*crc, block, (size_t)k);
        at += k;
    }
    int reason = errno;
    free(block);
    errno = reason;
    return block != NULL;
}

anc_status anc_seal_append(const char *path, anc_err *err)
{
    char text[SEAL_BYTES + 1];
    struct stat info;
    uint32_t crc;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool good = fd >= 0 && !fstat(fd, &info) && crc_of(fd, info.st_size, &crc);
    if (good) {
        print_seal(text, crc);
        errno = ENOSPC; /* what a write of fewer bytes means */
        good = pwrite(fd, text, SEAL_BYTES, info.st_size) == SEAL_BYTES;
    }
    int reason = errno;
    if (fd >= 0 && close(fd) && good) {
        good = false;
        reason = errno;
    }
    return good ? ANC_OK : anc_fail(err, ANC_ESYSTEM, "cannot seal: %s", strerror(reason));
}

/* A lock as HDF5 itself takes one: writers alone, readers together. True where files have none. */
static bool lock(int fd) { return !flock(fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK; }

static bool same_content(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static anc_status add_seal(int fd, uint32_t *crc, anc_err *err)
{
    char text[SEAL_BYTES + 1];
    struct stat before, after;
    if (!lock(fd)) return anc_fail(err, ANC_EDATA, "another program has it open; seal it when that is done");
    if (fstat(fd, &before) || !crc_of(fd, before.st_size, crc) || fstat(fd, &after))
        return anc_fail(err, ANC_ESYSTEM, "cannot read: %s", errno ? strerror(errno) : "it became shorter");
    if (!same_content(&before, &after))
        return anc_fail(err, ANC_EDATA, "it changes while it is read; seal it when it is finished");
    print_seal(text, *crc);
    errno = ENOSPC; /* what a write of fewer bytes means */
    if (pwrite(fd, text, SEAL_BYTES, before.st_size) == SEAL_BYTES && !fsync(fd)) return ANC_OK;
    anc_fail(err, ANC_ESYSTEM, "cannot seal: %s", strerror(errno));
    if (ftruncate(fd, before.st_size))
        anc_within(err, "and what was written of the seal cannot be taken back");
    return err->code;
}

anc_status anc_seal_add(const char *path, uint32_t *crc, anc_err *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return anc_fail(err, ANC_ESYSTEM, "cannot be written to: %s", strerror(errno));
    anc_status status = add_seal(fd, crc, err);
    if (close(fd) && !status) status = anc_fail(err, ANC_ESYSTEM, "cannot seal: %s", strerror(errno));
    return status;
}

/* *sealed: there is a seal, which was found right. Without one *crc, if it is asked for, is over all bytes.
 * The text names no path. */
static anc_status check_open(int fd, bool *sealed, uint32_t *crc, anc_err *err)
{
    char text[SEAL_BYTES + 1], found[SEAL_BYTES + 1] = "";
    struct stat info;
    uint32_t sum = 0;
    *sealed = false;
    if (fd < 0 || fstat(fd, &info)) return anc_fail(err, ANC_ESYSTEM, "cannot open: %s", strerror(errno));
    int64_t n = info.st_size - SEAL_BYTES;
    *sealed =
        n > 0 && pread(fd, found, SEAL_BYTES, n) == SEAL_BYTES && !strncmp(found, "\nanchorage-seal", 15);
    if (!*sealed && !crc) return ANC_OK;
    if (!crc_of(fd, *sealed ? n : info.st_size, &sum))
        return anc_fail(err, ANC_ESYSTEM, "cannot read: %s", errno ? strerror(errno) : "it became shorter");
    if (crc) *crc = sum;
    print_seal(text, sum);
    if (*sealed && memcmp(text, found, SEAL_BYTES))
        return anc_fail(err, ANC_EDATA, "its bytes are not those that were written (checksum %.8s is %.8s)",
                        text + SEAL_BYTES - 9, found + SEAL_BYTES - 9);
    return ANC_OK;
}

static anc_status check_path(const char *path, bool *sealed, uint32_t *crc, anc_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    anc_status status = check_open(fd, sealed, crc, err);
    if (fd >= 0) close(fd);
    return status;
}

anc_status anc_seal_check_any(const char *path, bool *sealed, anc_err *err)
{
    return check_path(path, sealed, NULL, err);
}

anc_status anc_seal_check(const char *path, anc_err *err)
{
    bool sealed;
    anc_status status = check_path(path, &sealed, NULL, err);
    if (!status && !sealed)
        status = anc_fail(err, ANC_EDATA,
                          "does not end in a seal; it was cut off, damaged, or changed by another program");
    return status ? anc_within(err, "%s", path) : ANC_OK;
}

anc_status anc_seal_crc_of(const char *path, uint32_t *crc, anc_err *err)
{
    bool sealed;
    return check_path(path, &sealed, crc, err) ? anc_within(err, "%s", path) : ANC_OK;
}
