/* jobs/job_seal.c: `anchorage seal`: checks files that others wrote and gives them the checksum that ours
 * have */
#include "io/file/seal.h"
#include "jobs/cli/file_check.h"
#include "jobs/job.h"
#include "jobs/cli/opts.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static anc_status seal(const char *path, bool quiet, anc_err *err)
{
    static const anc_reader_options how;
    anc_file_found found;
    uint32_t crc;
    err->code = ANC_OK;
    struct stat about;
    if (!stat(path, &about) && S_ISDIR(about.st_mode))
        return anc_fail(err, ANC_EDATA, "%s: is a folder; name the files in it", path);
    if (anc_file_check(path, &how, &found, err)) return err->code;
    if (!found.hdf5)
        return anc_fail(
            err, ANC_EDATA,
            "%s: is sound, but no HDF5 file: in text a seal would stand where other programs read; "
            "keep the output of sha256sum beside it, or `anchorage import` it, whose output is sealed",
            path);
    if (!found.sealed && anc_seal_add(path, &crc, err)) return anc_within(err, "%s", path);
    if (quiet) return ANC_OK;
    if (found.sealed)
        printf("seal: %s is sealed already, and whole\n", path);
    else
        printf("seal: %s is sound and now sealed (crc32 %08x)\n", path, crc);
    return ANC_OK;
}

int anc_job_seal(int argc, char **argv)
{
    bool quiet = false;
    const anc_opt opt[] = {
        { "quiet", 'q', NULL, ANC_OPT_FLAG, &quiet, 0, 0, "say nothing when all is well" },
        { 0 },
    };
    const anc_usage usage = {
        .command = "seal",
        .operands = "FILE...",
        .min_operands = 1,
        .max_operands = INT_MAX,
        .about =
            "Holds features, annotations, proposals or a head that another program wrote to what "
            "docs/FORMAT.md promises, "
            "as `anchorage verify` does, and then adds a checksum over every byte, the seal that our own "
            "files have, so "
            "that `verify` can tell any later change. A seal is 31 bytes behind what HDF5 takes for the "
            "end of the file: "
            "h5py, h5dump and others read the file as before. Damaged files are refused, and so are text "
            "files.",
        .example = "anchorage seal features.h5",
        .opt = opt,
    };
    const char **path = malloc((size_t)argc * sizeof *path);
    if (!path) return ANC_EXIT_FAILED;
    int n, ended = anc_opts_parse(&usage, argc, argv, path, &n), code = ended ? ended - 1 : ANC_EXIT_DONE;
    for (int i = 0; !ended && i < n && anc_opts_speaks(); i++) { /* one process of a team does it all */
        anc_err err = { 0 };
        if (!seal(path[i], quiet, &err)) continue;
        fflush(stdout);
        fprintf(stderr, "anchorage: seal: %s\n", err.text);
        code = ANC_EXIT_FAILED;
    }
    free(path);
    return code;
}
