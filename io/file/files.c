/* io/file/files.c: see files.h */
#include "io/file/files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

bool anc_is_folder(const char *path)
{
    struct stat s;
    return !stat(path, &s) && S_ISDIR(s.st_mode);
}

bool anc_is_file(const char *path)
{
    struct stat s;
    return !stat(path, &s) && S_ISREG(s.st_mode);
}

bool anc_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return a && b && !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool anc_ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && !strcasecmp(text + n - k, end);
}

char *anc_path_join(const char *folder, const char *name)
{
    size_t n = strlen(folder), k = strlen(name);
    char *path = malloc(n + k + 2);
    if (!path) return NULL;
    memcpy(path, folder, n);
    if (n && folder[n - 1] != '/') path[n++] = '/';
    memcpy(path + n, name, k + 1);
    return path;
}

bool anc_path_stays(const char *name)
{
    if (name[0] == '/') return false;
    for (const char *p = name; *p; p += strcspn(p, "/"), p += *p == '/')
        if (p[0] == '.' && p[1] == '.' && (!p[2] || p[2] == '/')) return false;
    return true;
}

int anc_open_file(const char *path, anc_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat s;
    if (fd < 0) return anc_fail(err, ANC_ESYSTEM, "%s: cannot open: %s", path, strerror(errno)), -1;
    if (!fstat(fd, &s) && S_ISREG(s.st_mode)) return fd;
    close(fd);
    return anc_fail(err, ANC_ESYSTEM, "%s: not a regular file", path), -1;
}

void anc_files_clear(anc_files *f)
{
    for (int64_t i = 0; i < f->n; i++) free(f->path[i]);
    free(f->path);
    *f = (anc_files){ 0 };
}

typedef struct {
    const char *const *suffixes;
    anc_files *out;
    anc_diagnostics *diagnostics;
} walk;

static bool wanted(const walk *w, const char *name)
{
    for (int i = 0; w->suffixes[i]; i++)
        if (anc_ends_with(name, w->suffixes[i])) return true;
    return false;
}

static anc_status keep(anc_files *f, char *path, anc_err *err)
{
    if (f->n == f->capacity) {
        int64_t capacity = f->capacity ? 2 * f->capacity : 64;
        char **grown = realloc(f->path, (size_t)capacity * sizeof *grown);
        if (!grown) {
            free(path);
            return anc_fail(err, ANC_EMEMORY, "no memory for the names of %lld files", (long long)capacity);
        }
        f->path = grown;
        f->capacity = capacity;
    }
    f->path[f->n++] = path;
    return ANC_OK;
}

static anc_status walk_folder(walk *w, const char *folder, const char *below, int depth, anc_err *err);

static anc_status take(walk *w, const char *folder, const char *below, const struct dirent *e, int depth,
                       anc_err *err)
{
    int type = e->d_type;
    struct stat s;
    char *full = anc_path_join(folder, e->d_name), *name = anc_path_join(below, e->d_name);
    anc_status status = ANC_OK;
    if (!full || !name) {
        status = anc_fail(err, ANC_EMEMORY, "%s: no memory to list it", folder);
    } else {
        bool link = type == DT_LNK;
        if (type == DT_UNKNOWN) link = !lstat(full, &s) && S_ISLNK(s.st_mode);
        if (type == DT_UNKNOWN || type == DT_LNK)
            type = stat(full, &s)       ? DT_UNKNOWN
                   : S_ISREG(s.st_mode) ? DT_REG
                   : S_ISDIR(s.st_mode) ? DT_DIR
                                        : DT_UNKNOWN;
        if (type == DT_DIR && !link) {
            if (depth > 0) status = walk_folder(w, full, name, depth - 1, err);
        } else if (type == DT_REG && wanted(w, e->d_name)) {
            for (const char *p = e->d_name; !status && *p; p++)
                if ((unsigned char)*p < 32 || *p == 127)
                    status = anc_fail(err, ANC_EDATA,
                                      "%s: a file name there holds a control character: rename it", folder);
            if (!status) {
                status = keep(w->out, name, err);
                name = NULL;
            }
        } else if (type != DT_REG && (type == DT_DIR || wanted(w, e->d_name)) && w->diagnostics) {
            anc_diagnose(w->diagnostics, ANC_DIAG_SKIPPED_ENTRY, "%s", full);
        }
    }
    free(full);
    free(name);
    return status;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}
static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
} /* ._x.xml, .DS_Store, . and .. */

/* In the order of names, so that the first diagnostics are the same on every file system. */
static anc_status walk_folder(walk *w, const char *folder, const char *below, int depth, anc_err *err)
{
    struct dirent **entry;
    int n = scandir(folder, &entry, not_hidden, by_name);
    if (n < 0) return anc_fail(err, ANC_ESYSTEM, "%s: cannot list this folder: %s", folder, strerror(errno));
    anc_status status = ANC_OK;
    for (int i = 0; i < n; i++) {
        if (!status) status = take(w, folder, below, entry[i], depth, err);
        free(entry[i]);
    }
    free(entry);
    return status;
}

static int by_path(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

anc_status anc_files_list(const char *folder, const char *const *suffixes, int depth, anc_files *out,
                          anc_diagnostics *diagnostics, anc_err *err)
{
    walk w = { suffixes, out, diagnostics };
    *out = (anc_files){ 0 };
    if (walk_folder(&w, folder, "", depth, err)) {
        anc_files_clear(out);
        return err->code;
    }
    if (out->n) qsort(out->path, (size_t)out->n, sizeof *out->path, by_path);
    return ANC_OK;
}
