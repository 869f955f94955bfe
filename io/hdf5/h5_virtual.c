/* io/hdf5/h5_virtual.c: see h5_virtual.h */
#include "io/hdf5/h5_virtual.h"
#include "io/hdf5/h5_inner.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_MAPPINGS = 100000 };

/* One mapping: the file's full name, and the dataset in it. */
typedef struct {
    char file[PATH_MAX], dataset[1024];
} mapping;

static anc_status get(hid_t plist, size_t i, const char *path, mapping *m, anc_err *err)
{
    char name[PATH_MAX];
    const char *slash = strrchr(path, '/');
    ssize_t n = H5Pget_virtual_filename(plist, i, name, sizeof name),
            k = H5Pget_virtual_dsetname(plist, i, m->dataset, sizeof m->dataset);
    int folder = name[0] == '/' || !slash ? 0 : (int)(slash + 1 - path);
    if (n < 0 || k < 0 || n >= (ssize_t)sizeof name || k >= (ssize_t)sizeof m->dataset || strchr(name, '%') ||
        strchr(m->dataset, '%') ||
        snprintf(m->file, sizeof m->file, "%.*s%s", folder, path, name) >= (int)sizeof m->file)
        return anc_fail(err, ANC_EDATA,
                        "maps files by a pattern, or by names that are too long; map them one by one");
    return ANC_OK;
}

static anc_status add_stored(const mapping *m, uint64_t *stored, anc_err *err)
{
    hid_t access = anc_h5_reading(), file = H5Fopen(m->file, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    hid_t id = file < 0 ? -1 : H5Dopen2(file, m->dataset, H5P_DEFAULT),
          plist = id < 0 ? -1 : H5Dget_create_plist(id);
    H5D_layout_t layout = plist < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(plist);
    if (layout >= 0 && layout != H5D_VIRTUAL) *stored += H5Dget_storage_size(id);
    if (plist >= 0) H5Pclose(plist);
    if (id >= 0) H5Dclose(id);
    if (file >= 0) H5Fclose(file);
    H5Eclear2(H5E_DEFAULT);
    if (layout >= 0 && layout != H5D_VIRTUAL) return ANC_OK;
    return anc_fail(err, ANC_EDATA,
                    layout < 0 ? "maps %s of %s, which cannot be opened"
                               : "maps %s of %s, which is virtual itself",
                    m->dataset, m->file);
}

anc_status anc_h5_virtual_check(const char *path, hid_t plist, uint64_t *stored, anc_err *err)
{
    size_t n = 0;
    struct stat own, info;
    mapping *m = calloc(2, sizeof *m); /* one after the other, and the one before */
    *stored = 0;
    err->code = ANC_OK;
    if (!m) return anc_fail(err, ANC_EMEMORY, "no memory");
    if (H5Pget_virtual_count(plist, &n) < 0 || n > MOST_MAPPINGS || stat(path, &own))
        anc_fail(err, ANC_EDATA, "its map cannot be read, or is of more than %d parts", MOST_MAPPINGS);
    for (size_t i = 0; i < n && !err->code; i++) {
        mapping *now = &m[i % 2], *before = &m[1 - i % 2];
        if (get(plist, i, path, now, err) ||
            (!strcmp(now->file, before->file) && !strcmp(now->dataset, before->dataset)))
            continue;
        if (stat(now->file, &info) || !S_ISREG(info.st_mode))
            anc_fail(err, ANC_EDATA, "maps %s, which is not there; put it beside the file", now->file);
        else if (info.st_dev == own.st_dev && info.st_ino == own.st_ino)
            anc_fail(err, ANC_EDATA, "maps its own file; write it as an ordinary dataset");
        else
            add_stored(now, stored, err);
    }
    free(m);
    return err->code;
}
