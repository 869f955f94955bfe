/* jobs/inspect/job_inspect.c: `anchorage inspect`: finds out what a file is, and has it described */
#include "io/dataset/annotations.h"
#include "io/hdf5/h5.h"
#include "io/source/source.h"
#include "io/store/feature.h"
#include "io/store/head_file.h"
#include "io/store/proposals.h"
#include "io/store/targets.h"
#include "jobs/cli/format.h"
#include "jobs/cli/opts.h"
#include "jobs/inspect/inspect.h"
#include "jobs/job.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static anc_status print_config(const char *path, const char *format, anc_err *err)
{
    anc_h5_file f;
    char *config = NULL;
    if (anc_h5_open(path, format, INT_MAX, &f, err)) return anc_within(err, "%s", path);
    if (anc_h5_get_string(&f, "/", "config", &config, err))
        anc_within(err, "%s", path);
    else
        puts(config);
    anc_h5_close(&f);
    free(config);
    return err->code;
}

/* One of ours of which no more is known here: what it says of itself. */
static anc_status print_attributes(const char *path, const char *format, anc_err *err)
{
    anc_h5_file f;
    char *version = NULL, *config = NULL;
    int64_t number = 0;
    if (anc_h5_open(path, format, INT_MAX, &f, err)) return anc_within(err, "%s", path);
    if (anc_h5_get_int(&f, "/", "format_version", &number, err) ||
        anc_h5_get_string(&f, "/", "anchorage_version", &version, err) ||
        anc_h5_get_string(&f, "/", "config", &config, err)) {
        anc_within(err, "%s", path);
    } else {
        printf("%s: %s, version %lld, written by anchorage %s\n  config: %s\n", path, format,
               (long long)number, version, config);
        printf(
            "  this version of anchorage knows no more of such files; h5dump or h5py show their datasets\n");
    }
    anc_h5_close(&f);
    free(version);
    free(config);
    return err->code;
}

/* Written by a later version of anchorage, in a form that this one does not know. */
static bool is_later(const char *path, const char *format)
{
    static const struct {
        const char *format;
        int version;
    } known[] = { { ANC_HEAD_FORMAT, ANC_HEAD_VERSION }, { ANC_FEATURES_FORMAT, ANC_FEATURES_VERSION } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        anc_h5_file f;
        anc_err err = { 0 };
        int64_t version = 0;
        if (strcmp(format, known[i].format) || anc_h5_open(path, format, INT_MAX, &f, &err)) continue;
        anc_h5_get_int(&f, "/", "format_version", &version, &err);
        anc_h5_close(&f);
        return version > known[i].version;
    }
    return false;
}

/* Whether a file begins as HDF5 files do. */
static anc_status sniff(const char *path, bool *hdf5, bool *folder, anc_err *err)
{
    char head[8];
    struct stat info = { 0 };
    if (anc_source_is_stdin(path)) return ANC_OK; /* annotations */
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return anc_fail(err, ANC_ESYSTEM, "%s: cannot open: %s", path, strerror(errno));
    *hdf5 = !fstat(fd, &info) && S_ISREG(info.st_mode) && /* a pipe's bytes are the reader's */
            pread(fd, head, sizeof head, 0) == sizeof head && anc_h5_begins(head, sizeof head);
    *folder = S_ISDIR(info.st_mode);
    close(fd);
    return ANC_OK;
}

static anc_status inspect(const char *path, const anc_inspect *o, anc_err *err)
{
    bool hdf5 = false, folder = false;
    char *format = NULL;
    if (sniff(path, &hdf5, &folder, err)) return err->code;
    if (folder && !o->config) return anc_inspect_targets(path, o, err);
    if (folder) {
        char index[PATH_MAX];
        if (snprintf(index, sizeof index, "%s/targets.h5", path) >= (int)sizeof index)
            return anc_fail(err, ANC_EARGUMENT, "%s: the name is too long", path);
        anc_stage stage;
        if (anc_targets_stage_of(index, &stage, err)) return anc_within(err, "%s", index);
        return print_config(index, anc_targets_format(stage), err);
    }
    if (!hdf5) {
        if (o->config)
            return anc_fail(err, ANC_EARGUMENT, "%s: --config is for the HDF5 files that anchorage writes",
                            path);
        return anc_inspect_annotations(path, o, err);
    }
    if (anc_h5_format_of(path, &format, err)) return anc_within(err, "%s", path);
    if (o->config)
        print_config(path, format, err);
    else if (!strcmp(format, ANC_ANNOTATIONS_FORMAT))
        anc_inspect_annotations(path, o, err);
    else if (!strcmp(format, ANC_TARGETS_FORMAT) || !strcmp(format, ANC_ROI_TARGETS_FORMAT))
        anc_inspect_targets(path, o, err);
    else if (!strcmp(format, ANC_PROPOSALS_FORMAT))
        anc_inspect_proposals(path, o, err);
    else if (o->checksum && !strncmp(format, "anchorage-", 10))
        anc_fail(err, ANC_EARGUMENT, "%s: --checksum is for annotations, targets and proposals", path);
    else if (!strcmp(format, ANC_HEAD_FORMAT) && !is_later(path, format))
        anc_inspect_head_file(path, err);
    else if (!strcmp(format, ANC_FEATURES_FORMAT) && !is_later(path, format))
        anc_inspect_features(path, err);
    else if (!strncmp(format, "anchorage-", 10))
        print_attributes(path, format, err);
    else
        anc_fail(err, ANC_EDATA, "%s: holds '%.100s', which is none of anchorage's formats", path, format);
    free(format);
    return err->code;
}

int anc_job_inspect(int argc, char **argv)
{
    anc_inspect o = { .views = 3, .categories = 10 };
    const anc_opt opt[] = {
        { "views", 'n', "N", ANC_OPT_INT, &o.views, 0, 1e9, "list this many images or views" },
        { "categories", 0, "N", ANC_OPT_INT, &o.categories, 0, 1e9,
          "list this many categories, those with the most boxes or RoIs" },
        { "config", 0, NULL, ANC_OPT_FLAG, &o.config, 0, 0,
          "print the configuration alone: one line of JSON" },
        { "checksum", 0, NULL, ANC_OPT_FLAG, &o.checksum, 0, 0,
          "print one number over the content alone: the same for the same data, however stored" },
        { 0 },
    };
    const anc_usage usage = {
        .command = "inspect",
        .operands = "FILE|DIR",
        .min_operands = 1,
        .max_operands = 1,
        .about = "Says what a file holds: annotations (annotations.h5, COCO JSON), training targets (a "
                 "shard, the index "
                 "targets.h5 or the folder of both), a trained head, features, proposals, or another file "
                 "that anchorage wrote. An object is an annotated box that takes part: no crowd region, and "
                 "something of it left in the view. Its positives are the anchors matched to it: all of them "
                 "where the file has these (label --assignment), else those of the minibatches; how many "
                 "objects have none is told where it has the boxes (--with-gt).",
        .example = "anchorage inspect targets/",
        .opt = opt,
    };
    const char *path;
    int n, ended = anc_opts_parse(&usage, argc, argv, &path, &n);
    if (ended) return ended - 1;
    if (o.config && o.checksum) return anc_opts_refuse(&usage, "--config and --checksum exclude each other");
    if (!anc_opts_speaks()) return ANC_EXIT_DONE; /* one process of a team tells it all */
    anc_err err = { 0 };
    if (inspect(path, &o, &err)) {
        fflush(stdout);
        fprintf(stderr, "anchorage: inspect: %s\n", err.text);
        return err.code == ANC_EARGUMENT ? ANC_EXIT_USAGE : ANC_EXIT_FAILED;
    }
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "anchorage: inspect: cannot write the output: %s\n", strerror(errno));
        return ANC_EXIT_FAILED;
    }
    return ANC_EXIT_DONE;
}
