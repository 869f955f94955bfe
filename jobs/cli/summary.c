/* jobs/cli/summary.c: see summary.h */
#include "jobs/cli/summary.h"
#include "io/file/files.h"
#include "io/hdf5/h5.h"
#include "io/file/out.h"
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names in the output folder that are the run's own, now or later. */
static bool is_the_runs(const char *name)
{
    static const char *const own[] = { "shard-", "targets.h5", "run.json", "run.lock." };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!strncmp(name, own[i], strlen(own[i]))) return true;
    return false;
}

static anc_status refuse(const char *option, const char *path, const char *why, anc_err *err)
{
    return anc_fail(err, ANC_EARGUMENT, "%s %s: %s; choose another name", option, path, why);
}

anc_status anc_summary_check(const char *option, const char *path, const char *const *reads, int n,
                             const char *folder, anc_err *err)
{
    char above[PATH_MAX];
    struct stat info;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int length = slash ? (int)(slash - path) : 0;
    if (strlen(path) >= sizeof above - sizeof ".part") return refuse(option, path, "too long", err);
    bool there = !stat(path, &info);
    if (!*name || (there && S_ISDIR(info.st_mode))) return refuse(option, path, "a folder", err);
    if (there && !S_ISREG(info.st_mode)) return ANC_OK; /* a terminal, a pipe */
    for (int i = 0; i < n; i++)
        if (reads[i] && (!strcmp(path, reads[i]) || anc_same_file(path, reads[i])))
            return refuse(option, path, "the run reads or writes this file", err);
    snprintf(above, sizeof above, "%.*s", length ? length : 1, slash ? path : ".");
    if (folder && is_the_runs(name) && anc_same_file(above, folder))
        return refuse(option, path, "the run's own name for another file", err);
    if (anc_h5_look(path) == ANC_H5_SOME) return refuse(option, path, "an HDF5 file", err);
    if (access(above, W_OK | X_OK))
        return anc_fail(err, ANC_EARGUMENT, "%s %s: its folder cannot be written to: %s", option, path,
                        strerror(errno));
    return ANC_OK;
}

static anc_status write_in_place(const char *path, const char *text, size_t n, anc_err *err)
{
    FILE *to = fopen(path, "w");
    bool good = to && fwrite(text, 1, n, to) == n;
    int reason = errno;
    if (to && fclose(to) && good) {
        good = false;
        reason = errno;
    }
    return good ? ANC_OK : anc_fail(err, ANC_ESYSTEM, "%s: cannot be written: %s", path, strerror(reason));
}

anc_status anc_summary_write(const char *path, void (*print)(const void *context, FILE *to),
                             const void *context, anc_err *err)
{
    char *text = NULL;
    size_t n;
    struct stat info;
    anc_out *out;
    FILE *to = open_memstream(&text, &n);
    err->code = ANC_OK;
    if (to) print(context, to);
    if (!to || fclose(to))
        anc_fail(err, ANC_EMEMORY, "%s: out of memory", path);
    else if (!stat(path, &info) && !S_ISREG(info.st_mode))
        write_in_place(path, text, n, err);
    else if (!anc_out_open(path, &out, err)) {
        anc_out_write(out, text, n);
        anc_out_commit(out, err);
    }
    free(text);
    return err->code;
}
