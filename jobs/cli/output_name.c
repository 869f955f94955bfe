/* jobs/cli/output_name.c: see output_name.h */
#include "jobs/cli/output_name.h"
#include "io/file/files.h"
#include "io/hdf5/h5.h"
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* "txt" of "a/b.txt"; NULL where the name does not end like a kind of file. */
static const char *ending_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    if (!dot || dot == name || !isalpha((unsigned char)dot[1])) return NULL;
    for (const char *c = dot + 1; *c; c++)
        if (!isalnum((unsigned char)*c)) return NULL;
    return dot + 1;
}

static bool among(const char *ending, const char *const *endings)
{
    for (; *endings; endings++)
        if (!strcasecmp(ending, *endings)) return true;
    return false;
}

anc_status anc_output_name(const char *option, const char *path, const char *what, const char *const *endings,
                           anc_err *err)
{
    const char *ending = ending_of(path);
    char all[128] = "";
    size_t n = 0;
    if (!ending || among(ending, endings) || anc_h5_look(path) == ANC_H5_SOME) return ANC_OK;
    for (int i = 0; endings[i] && n < sizeof all; i++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%s.%s",
                              !i               ? ""
                              : endings[i + 1] ? ", "
                                               : " or ",
                              endings[i]);
    return anc_fail(err, ANC_EARGUMENT, "%s %s: is %s, whose name ends in %s, not in .%s", option, path, what,
                    all, ending);
}

anc_status anc_output_name_h5(const char *option, const char *path, anc_err *err)
{
    static const char *const endings[] = { "h5", "hdf5", "hdf", NULL };
    return anc_output_name(option, path, "an HDF5 file", endings, err);
}

anc_status anc_output_name_folder(const char *option, const char *path, anc_err *err)
{
    static const char *const files[] = { "h5",  "hdf5", "hdf", "json", "jsonl", "txt", "csv",
                                         "xml", "yaml", "yml", "ini",  "npz",   "zip", NULL };
    const char *ending = ending_of(path);
    if (!ending || !among(ending, files) || anc_is_folder(path)) return ANC_OK;
    return anc_fail(err, ANC_EARGUMENT, "%s %s: is the name of a folder to make, not of a .%s file", option,
                    path, ending);
}
