/* jobs/job_verify.c: `anchorage verify`: is what was written still what was written, and right
 *
 * Of a folder, every rank checks shards as it gets them; rank 0 looks at run.json, the index and what else
 * lies there.
 */
#include "io/source/source.h"
#include "io/store/targets_read.h"
#include "jobs/cli/file_check.h"
#include "jobs/cli/format.h"
#include "jobs/cli/opts.h"
#include "jobs/cli/run_folder.h"
#include "jobs/cli/source_opts.h"
#include "jobs/cli/start.h"
#include "jobs/job.h"
#include "jobs/label/shard_check.h"
#include "mpi/queue.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    const char *path, *annotations, *like; /* to label again from; NULL: not at all, not on features */
    const char *proposals;                 /* the same, for the second stage */
    bool quiet;
    anc_source_words words;
    anc_reader_options how; /* to read the annotations */
    anc_team team;
    anc_run run; /* of a folder, the same on all ranks */
    anc_label_plan plan;
    anc_source *source; /* rank 0 */
    anc_shard_maker maker;
    anc_layout_row *rows; /* [n_rows] of like, the same on all ranks */
    int64_t n_rows;
    anc_roi_input input; /* of the second stage, on all ranks, and its classes */
    anc_classes classes;
    int32_t *category;
    FILE *faults; /* this rank's, a line each */
    char *text;
    size_t n_text;
    int64_t n_faults, n_shards, n_views;
    anc_file_found found; /* rank 0 */
} job;

static void fault(job *j, const char *text)
{
    fprintf(j->faults, "anchorage: verify: %s\n", text);
    j->n_faults++;
}

/* Takes an error that speaks of the content as a fault; others stay errors. */
static anc_status as_fault(job *j, anc_err *err)
{
    if (err->code != ANC_EDATA) return err->code;
    fault(j, err->text);
    *err = (anc_err){ 0 };
    return ANC_OK;
}

/* ---- labels again ---- */

/* The first view in which two runs of targets differ, and in what; -1: none. */
static int64_t difference(const anc_targets *a, const anc_targets *b, const char **what)
{
    int64_t n = a->n[ANC_ROWS_VIEWS], first = n;
    for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_KINDS; k++)
        for (int64_t v = 0; a->with[k] && v < first; v++)
            if (a->offset[k][v + 1] != b->offset[k][v + 1]) {
                first = v;
                *what = anc_targets_kinds[k].group;
            }
    for (int c = 0; c < ANC_N_COLUMNS; c++) {
        int k = anc_columns[c].rows;
        if (!anc_targets_has(a->with, a->n_levels, c)) continue;
        size_t row = anc_targets_row_bytes(c, a->n_levels);
        for (int64_t v = 0; v < first; v++) {
            int64_t from = k ? a->offset[k][v] : v, to = k ? a->offset[k][v + 1] : v + 1;
            if (to == from || !memcmp((char *)a->column[c] + (size_t)from * row,
                                      (char *)b->column[c] + (size_t)from * row, (size_t)(to - from) * row))
                continue;
            first = v;
            *what = anc_targets_columns[c].name;
        }
    }
    return first < n ? first : -1;
}

static anc_status compare(job *j, const anc_work *work, anc_err *err)
{
    char name[64], path[PATH_MAX];
    const char *what = "";
    anc_label_record ignored = { 0 };
    anc_dataset images = { 0 };
    anc_targets_file *f;
    anc_targets t = { 0 };
    bool dropped;
    anc_targets_shard_name(name, work->item, j->n_shards);
    snprintf(path, sizeof path, "%s/%s", j->path, name);
    if (anc_dataset_unpack(work->bytes, work->n_bytes, &images, err)) return err->code;
    anc_status status = anc_shard_make(&j->maker, &images, anc_label_range_of(&j->plan, work->item).epoch,
                                       &ignored, &dropped, err);
    anc_dataset_clear(&images);
    if (status) return j->maker.bad_proposals ? status : anc_within(err, "%s", j->annotations);
    if (anc_targets_open(path, &f, err)) return err->code;
    if (!anc_targets_read(f, 0, anc_targets_about_file(f)->n[ANC_ROWS_VIEWS], &t, err)) {
        int64_t v = difference(&j->maker.targets, &t, &what);
        if (v >= 0)
            anc_fail(err, ANC_EDATA, "%s: view %lld (image %lld): %s is not what labelling it again gives",
                     path, (long long)v,
                     (long long)((int64_t *)j->maker.targets.column[ANC_VIEWS_IMAGE_ID])[v], what);
    }
    anc_targets_clear(&t);
    anc_targets_close(f);
    return err->code;
}

/* ---- a folder ---- */

static anc_status pack_slice(void *context, int64_t shard, void **bytes, size_t *n, anc_err *err)
{
    job *j = context;
    anc_label_range r = anc_label_range_of(&j->plan, shard);
    anc_dataset slice = { 0 };
    if (!j->source) return ANC_OK;
    if (anc_source_read(j->source, r.first, r.n, &slice, err)) return err->code;
    anc_status status = anc_dataset_pack(&slice, 0, slice.n_images, bytes, n, err);
    anc_dataset_clear(&slice);
    return status;
}

/* Collective. */
static anc_status check_shards(job *j, anc_err *err)
{
    const anc_run_of_shards run = { j->path, j->run.config, j->run.version, &j->plan };
    const anc_queue_plan plan = { .n_items = j->n_shards, .pack = pack_slice, .context = j };
    anc_queue *q;
    anc_work work;
    bool there;
    if (anc_queue_new(&q, &j->team, &plan, err)) return err->code;
    while (anc_queue_next(q, &work)) {
        anc_err mine = { 0 };
        if (!anc_shard_check(&run, work.item, true, &there, &mine) && j->annotations)
            compare(j, &work, &mine);
        if (as_fault(j, &mine))
            anc_queue_fail(q, &mine);
        else
            anc_queue_done(q, NULL);
        anc_queue_serve(q);
    }
    anc_queue_finish(q, NULL, err);
    anc_queue_free(q);
    return err->code;
}

/* Files that look like shards and are none of this run. */
static anc_status check_names(job *j, anc_err *err)
{
    DIR *d = opendir(j->path);
    if (!d) return anc_fail(err, ANC_ESYSTEM, "%s: cannot be listed: %s", j->path, strerror(errno));
    for (struct dirent *e; (e = readdir(d));) {
        char wanted[64], text[PATH_MAX];
        int shard, of, end = 0;
        if (sscanf(e->d_name, "shard-%d-of-%d.h5%n", &shard, &of, &end) != 2 || !end || e->d_name[end])
            continue;
        anc_targets_shard_name(wanted, shard, j->n_shards);
        if (shard >= 0 && shard < j->n_shards && !strcmp(wanted, e->d_name)) continue;
        snprintf(text, sizeof text, "%s/%s: is no shard of this run; remove it", j->path, e->d_name);
        fault(j, text);
    }
    closedir(d);
    return ANC_OK;
}

/* Rank 0. What the index says of shards is only worth a look when these are whole. */
static anc_status check_index(job *j, bool shards_whole, anc_err *err)
{
    const anc_run_of_shards run = { j->path, j->run.config, j->run.version, &j->plan };
    const anc_dataset *images;
    anc_targets_file *f = NULL;
    bool there, earlier;
    if (!anc_index_check(&run, &there, err) && shards_whole) anc_targets_open(j->path, &f, err);
    anc_targets_close(f);
    if (!err->code && j->source && !anc_source_names(j->source, &images, err) &&
        anc_index_names_check(&run, images, &earlier, err) && earlier)
        *err = (anc_err){ 0 }; /* names nothing, so nothing wrongly */
    return as_fault(j, err);
}

/* Rank 0. The features that the views were placed on, if on any. */
static anc_status read_like(job *j, anc_err *err)
{
    if (j->plan.like && !j->like)
        return anc_fail(err, ANC_EARGUMENT,
                        "%s: its views lie on the grids of features; --recompute needs them too, as "
                        "--like FEATURES.h5",
                        j->path);
    if (!j->plan.like && j->like)
        return anc_fail(err, ANC_EARGUMENT, "%s: its views were placed by the rules alone; leave --like out",
                        j->path);
    if (!j->like) return ANC_OK;
    if (anc_layout_read(j->like, &j->plan.rules, &j->rows, &j->n_rows, err)) return err->code;
    uint64_t found = anc_layout_fingerprint(j->rows, j->n_rows);
    if (found == j->plan.like) return ANC_OK;
    return anc_fail(err, ANC_EARGUMENT,
                    "%s: has other images, sizes or grids than the features that %s was labelled "
                    "on (fingerprint %016llx, not %016llx)",
                    j->like, j->path, (unsigned long long)found, (unsigned long long)j->plan.like);
}

/* Rank 0. What the second stage was labelled from besides annotations. */
static anc_status read_rois(job *j, anc_err *err)
{
    uint32_t crc;
    bool rois = j->plan.rules.stage == ANC_STAGE_ROI;
    if (!rois && j->proposals)
        return anc_fail(err, ANC_EARGUMENT, "%s: holds targets of anchors; leave --proposals out", j->path);
    if (!rois) return ANC_OK;
    if (!j->proposals)
        return anc_fail(err, ANC_EARGUMENT,
                        "%s: holds targets of RoIs; --recompute needs their proposals too, as "
                        "--proposals FILE",
                        j->path);
    if (anc_roi_input_open(&j->input, j->proposals, err) ||
        anc_roi_input_check(&j->input, j->annotations, j->source, &crc, err) ||
        anc_classes_read(j->source, j->plan.rules.roi.classes, &j->category, &j->classes, err))
        return err->code;
    if (crc != j->plan.roi.crc)
        return anc_fail(err, ANC_EARGUMENT,
                        "%s: is another file than the proposals of %s (checksum %08x, not %08x)",
                        j->proposals, j->path, crc, j->plan.roi.crc);
    if (anc_classes_fingerprint(&j->classes) == j->plan.roi.classes) return ANC_OK;
    return anc_fail(err, ANC_EARGUMENT, "%s: has another list of categories than the data set of %s",
                    j->annotations, j->path);
}

/* Rank 0. */
static anc_status read_run(job *j, anc_err *err)
{
    uint64_t fingerprint;
    bool there;
    if (anc_run_read(j->path, &j->run, &there, err)) return err->code;
    if (!there)
        return anc_fail(err, ANC_EDATA, "%s/run.json: missing: `anchorage label` has not begun here",
                        j->path);
    if (anc_label_plan_read(j->run.config, &j->plan, err)) return anc_within(err, "%s/run.json", j->path);
    if (!j->annotations) return ANC_OK;
    if (read_like(j, err)) return err->code;
    if (anc_source_open(j->annotations, &j->how, &j->source, err) ||
        anc_source_fingerprint(j->source, &fingerprint, err))
        return err->code;
    if (fingerprint == j->plan.fingerprint) return read_rois(j, err);
    return anc_fail(
        err, ANC_EARGUMENT, "%s: is another data set than that of %s (fingerprint %016llx, not %016llx)",
        j->annotations, j->path, (unsigned long long)fingerprint, (unsigned long long)j->plan.fingerprint);
}

/* Collective. */
static anc_status share_run(job *j, anc_err *err)
{
    size_t n[2] = { 0 };
    if (!j->team.rank && !read_run(j, err)) {
        n[0] = strlen(j->run.config) + 1;
        n[1] = strlen(j->run.version) + 1;
    }
    if (anc_team_agree(&j->team, err)) return err->code;
    anc_team_bcast(&j->team, n, sizeof n, 0);
    anc_team_bcast(&j->team, &j->plan, sizeof j->plan, 0);
    if (j->team.rank) {
        j->run.config = malloc(n[0]);
        j->run.version = malloc(n[1]);
    }
    if (!j->run.config || !j->run.version) anc_fail(err, ANC_EMEMORY, "out of memory");
    if (anc_team_agree(&j->team, err)) return err->code;
    anc_team_bcast(&j->team, j->run.config, n[0], 0);
    anc_team_bcast(&j->team, j->run.version, n[1], 0);
    j->n_shards = anc_label_shards(&j->plan);
    j->n_views = j->plan.n_images * j->plan.epochs;
    if (j->like && anc_layout_share(&j->team, &j->rows, &j->n_rows, err)) return err->code;
    if (j->annotations) anc_shard_maker_init(&j->maker, &j->plan, anc_kernels_find("scalar"), err);
    j->maker.like = j->rows;
    j->maker.n_layout = j->n_rows;
    if (j->proposals && anc_classes_share(&j->team, &j->category, &j->classes, err)) return err->code;
    if (j->proposals && j->team.rank && anc_roi_input_open(&j->input, j->proposals, err))
        return anc_team_agree(&j->team, err);
    j->maker.proposals = &j->input;
    j->maker.classes = &j->classes;
    return anc_team_agree(&j->team, err);
}

/* Collective. */
static anc_status verify_folder(job *j, anc_err *err)
{
    if (share_run(j, err) || check_shards(j, err)) return err->code;
    int64_t bad = j->n_faults;
    anc_team_sum(&j->team, &bad, 1);
    if (!j->team.rank && !check_names(j, err)) check_index(j, !bad, err);
    return anc_team_agree(&j->team, err);
}

/* ---- one file ---- */

static anc_status verify_file(job *j, anc_err *err)
{
    anc_file_check(j->path, &j->how, &j->found, err);
    j->n_views = j->found.n_views;
    return as_fault(j, err);
}

/* ---- the job ---- */

static void report(const job *j, const char *faults, int64_t n, double s)
{
    fputs(faults, stderr);
    if (n)
        fprintf(stderr, "anchorage: verify: %s: %s%s\n", j->path, anc_format_of(n, "fault").text,
                j->n_shards ? "; the same `anchorage label` command, with --repair, writes those files again"
                            : "");
    if (n || j->quiet) return;
    if (!j->found.sealed) {
        printf("verify: %s is sound but not sealed: changed bytes could not be told (%s)\n", j->path,
               anc_format_time(s).text);
        if (j->found.hdf5) printf("  `anchorage seal %s` adds a checksum\n", j->path);
        return;
    }
    if (j->n_shards)
        printf("verify: %s: run.json, %s and targets.h5 ", j->path, anc_format_of(j->n_shards, "shard").text);
    else
        printf("verify: %s ", j->path);
    if (j->n_views) printf("with %s ", anc_format_of(j->n_views, "view").text);
    printf("%s whole%s (%s)\n", j->n_shards ? "are" : "is",
           j->annotations ? ", and the same when labelled again" : "", anc_format_time(s).text);
}

/* Collective. */
static anc_status verify(job *j, int64_t *n_faults, anc_err *err)
{
    struct stat info = { 0 };
    double start = anc_now_s();
    if (!j->team.rank && stat(j->path, &info)) anc_fail(err, ANC_ESYSTEM, "%s: %s", j->path, strerror(errno));
    if (!err->code && !(j->faults = open_memstream(&j->text, &j->n_text)))
        anc_fail(err, ANC_EMEMORY, "out of memory");
    if (anc_team_agree(&j->team, err)) return err->code;
    int folder = S_ISDIR(info.st_mode);
    anc_team_bcast(&j->team, &folder, sizeof folder, 0);
    if (!folder && j->annotations)
        return anc_fail(err, ANC_EARGUMENT, "--recompute is for the folder of a whole run");
    j->found.sealed = folder; /* its files are, or it has faults */
    if (!folder && !j->team.rank) verify_file(j, err);
    if (folder ? verify_folder(j, err) : anc_team_agree(&j->team, err)) return err->code;
    fflush(j->faults);
    *n_faults = j->n_faults;
    anc_team_sum(&j->team, n_faults, 1);
    char *all = anc_team_join(&j->team, j->text);
    if (all) report(j, all, *n_faults, anc_now_s() - start);
    free(all);
    return ANC_OK;
}

static void job_clear(job *j)
{
    if (j->faults) fclose(j->faults);
    free(j->text);
    anc_run_clear(&j->run);
    anc_source_close(j->source);
    anc_shard_maker_free(&j->maker);
    free(j->rows);
    anc_roi_input_close(&j->input);
    free(j->category);
}

/* What became of several. */
typedef struct {
    int64_t whole, unsealed, faulty, unread;
} tally;

static void print_tally(const tally *t)
{
    const struct {
        int64_t n;
        const char *what;
    } part[] = { { t->whole, "whole" },
                 { t->unsealed, "sound but not sealed" },
                 { t->faulty, "with faults" },
                 { t->unread, "that could not be read" } };
    const char *between = ":";
    printf("verify: %s files", anc_format_count(t->whole + t->unsealed + t->faulty + t->unread).text);
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        if (!part[i].n) continue;
        printf("%s %s %s", between, anc_format_count(part[i].n).text, part[i].what);
        between = ",";
    }
    putchar('\n');
}

/* Collective. One file or folder after the other, as start is set up; the exit code. */
static int verify_all(const job *start, const char *const *path, int n)
{
    tally t = { 0 };
    bool usage = false;
    for (int i = 0; i < n; i++) {
        job j = *start;
        anc_err err = { 0 };
        int64_t n_faults = 0;
        j.path = path[i];
        verify(&j, &n_faults, &err);
        if (err.code && !j.team.rank) fprintf(stderr, "anchorage: verify: %s\n", err.text);
        usage = usage || err.code == ANC_EARGUMENT;
        if (err.code)
            t.unread++;
        else if (n_faults)
            t.faulty++;
        else if (j.found.sealed)
            t.whole++;
        else
            t.unsealed++;
        job_clear(&j);
        fflush(stdout);
    }
    if (n > 1 && !start->quiet && !start->team.rank) print_tally(&t);
    return t.faulty || (t.unread && !usage) ? ANC_EXIT_FAILED : t.unread ? ANC_EXIT_USAGE : ANC_EXIT_DONE;
}

int anc_job_verify(int argc, char **argv)
{
    job j = { 0 };
    const anc_opt opt[] = {
        { "recompute", 0, "ANNOTATIONS", ANC_OPT_STRING, &j.annotations, 0, 0,
          "label the annotations again, through the portable kernels, and compare every number" },
        { "like", 0, "FEATURES.h5", ANC_OPT_STRING, &j.like, 0, 0,
          "what `label --like` was given, for --recompute of such a run" },
        { "proposals", 0, "FILE", ANC_OPT_STRING, &j.proposals, 0, 0,
          "what `label --stage roi` was given, for --recompute of such a run" },
        ANC_SOURCE_OPTS(j.words),
        { "quiet", 'q', NULL, ANC_OPT_FLAG, &j.quiet, 0, 0, "say nothing when all is well" },
        { 0 },
    };
    const anc_usage usage = {
        .command = "verify",
        .operands = "FILE|DIR...",
        .min_operands = 1,
        .max_operands = INT_MAX,
        .about =
            "Reads every byte of files, or of a folder that `anchorage label` has written, and holds "
            "them to their "
            "checksums, and every count, offset and number to what docs/FORMAT.md promises. Each fault "
            "is a line "
            "that names its file; the exit code is then 1. Features, annotations, proposals and heads "
            "that others wrote "
            "have no checksum (seal): they are held to the format and said to be not sealed, which is no "
            "fault.",
        .example = "mpirun -n 8 anchorage verify targets/ --recompute instances_train2017.json",
        .opt = opt,
    };
    const char **path = malloc((size_t)argc * sizeof *path);
    if (!path) return ANC_EXIT_FAILED;
    anc_err err = { 0 };
    int n, code, ended = anc_opts_parse(&usage, argc, argv, path, &n);
    if (ended)
        code = ended - 1;
    else if (j.like && !j.annotations)
        code = anc_opts_refuse(&usage, "--like is for --recompute ANNOTATIONS, which is missing");
    else if (j.proposals && !j.annotations)
        code = anc_opts_refuse(&usage, "--proposals is for --recompute ANNOTATIONS, which is missing");
    else if (j.annotations && n > 1)
        code = anc_opts_refuse(&usage, "--recompute is for one folder");
    else if (anc_source_options(&j.words, &j.how, &err))
        code = anc_opts_refuse(&usage, "%s", err.text);
    else if (!anc_start_team(&j.team, "verify"))
        code = ANC_EXIT_FAILED;
    else {
        code = verify_all(&j, path, n);
        anc_team_stop(&j.team);
    }
    free(path);
    return code;
}
