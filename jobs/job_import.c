/* jobs/job_import.c: `anchorage import`: any annotation source, checked once, kept as the canonical
 * annotations.h5 or as COCO JSON; several become one
 */
#include "io/dataset/annotations.h"
#include "io/file/files.h"
#include "io/hdf5/h5.h"
#include "io/source/source.h"
#include "jobs/cli/clock.h"
#include "jobs/cli/diagnostics_report.h"
#include "jobs/cli/format.h"
#include "jobs/cli/opts.h"
#include "jobs/cli/output_name.h"
#include "jobs/cli/run_opts.h"
#include "jobs/cli/source_opts.h"
#include "jobs/cli/source_team.h"
#include "jobs/cli/start.h"
#include "jobs/cli/stop.h"
#include "jobs/job.h"
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char **from, *to; /* from [n_from] */
    int n_from;
    bool dry_run, quiet;
    anc_source_words words;
    anc_reader_options how;
    anc_team team;
    anc_source **part;  /* [n_from] on rank 0 */
    anc_source *joined; /* of several, on rank 0 */
    anc_join_changes changes;
} job;

static anc_source *source_of(const job *j) { return j->joined ? j->joined : j->part[0]; }

#define COUNT(x)   anc_format_count(x).text
#define OF(n, one) anc_format_of(n, one).text

/* Of a file that keeps counts only. */
static void print_counts(const anc_dataset_report *r)
{
    if (r->empty_boxes)
        printf("  %s without area %s dropped\n", OF(r->empty_boxes, "box"),
               anc_format_verb(r->empty_boxes, "was", "were"));
    if (r->over_edge)
        printf("  %s over the edge of the image, of which %s outside of it: kept as they are\n",
               OF(r->over_edge, "box"), COUNT(r->outside));
    if (r->duplicate_ids)
        printf("  %s that %s more than once: kept\n", OF(r->duplicate_ids, "annotation id"),
               anc_format_verb(r->duplicate_ids, "stands", "stand"));
    for (int k = 0; k < ANC_N_DIAGNOSTICS; k++)
        if (r->found[k])
            printf("  %s %s\n", COUNT(r->found[k]),
                   anc_diagnostic_words((anc_diagnostic_kind)k, r->found[k]));
}

static void print_changes(const anc_join_changes *c)
{
    if (c->images) printf("  images are numbered anew from 1, as sources share ids\n");
    if (c->categories)
        printf("  categories are numbered anew, by name, as sources number them differently\n");
    if (c->annotations) printf("  annotation ids are left out, as sources share some\n");
}

static void print_report(const job *j, double took)
{
    const anc_source *s = source_of(j);
    const anc_dataset_report *r = anc_source_report(s);
    for (int k = 0; j->joined && k < j->n_from; k++)
        printf("import: %s (%s): %s, %s\n", j->from[k], anc_source_format(j->part[k]),
               OF(anc_source_images(j->part[k]), "image"), OF(anc_source_boxes(j->part[k]), "box"));
    if (j->joined)
        printf("import: all of them");
    else
        printf("import: %s (%s)", j->from[0], anc_source_format(s));
    printf(": %s, %s of %s\n", OF(anc_source_images(s), "image"), OF(anc_source_boxes(s), "box"),
           OF(r->annotations, "annotation"));
    printf("  %s, %s without boxes\n", OF(r->crowds, "crowd region"), OF(r->without_boxes, "image"));
    print_changes(&j->changes);
    if (anc_source_diagnostics(s))
        anc_diagnostics_print(anc_source_diagnostics(s), true);
    else
        print_counts(r);
    if (j->dry_run)
        printf("import: dry run: wrote nothing; took %s\n", anc_format_time(took).text);
    else
        printf("import: wrote %s in %s\n", j->to, anc_format_time(took).text);
}

/* A source must not be written over: not the file itself, nor a table that is read with it, nor one of a
 * folder's files. */
static anc_status spare_source(const job *j, anc_err *err)
{
    static const char *const read[] = { ".xml", ".txt",  ".csv", ".odgt", ".jpg", ".jpeg",
                                        ".png", ".webp", ".bmp", ".yaml", ".yml" };
    if (access(j->to, F_OK)) return ANC_OK;
    if (anc_is_folder(j->to))
        return anc_fail(err, ANC_EARGUMENT, "%s: is a folder; name the file to write", j->to);
    bool is_read = anc_same_file(j->to, j->how.sizes) || anc_same_file(j->to, j->how.names) ||
                   anc_same_file(j->to, j->how.list);
    for (int k = 0; k < j->n_from; k++) is_read = is_read || anc_same_file(j->to, j->from[k]);
    if (is_read)
        return anc_fail(err, ANC_EARGUMENT, "%s: is read by this import; write to another file", j->to);
    for (size_t i = 0; i < sizeof read / sizeof *read; i++)
        if (anc_ends_with(j->to, read[i]))
            return anc_fail(err, ANC_EARGUMENT,
                            "%s: is there and has a name like annotations or pictures have; write to another "
                            "file",
                            j->to);
    return ANC_OK;
}

/* What can be told before anything is read. */
static anc_status check_files(const job *j, anc_err *err)
{
    for (int k = 0; k < j->n_from; k++)
        if (!anc_source_is_stdin(j->from[k]) && access(j->from[k], R_OK))
            return anc_fail(err, ANC_ESYSTEM, "%s: cannot open: %s", j->from[k], strerror(errno));
    static const char *const endings[] = { "h5", "hdf5", "hdf", "json", NULL };
    if (!j->to || spare_source(j, err) ||
        anc_output_name("--output", j->to, "annotations.h5 or COCO JSON", endings, err) ||
        anc_ends_with(j->to, ".json"))
        return err->code;
    return anc_h5_may_replace(j->to, ANC_ANNOTATIONS_FORMAT, err);
}

static bool asked(void *context)
{
    (void)context;
    return anc_stop_wanted();
}

/* What is known of how the sources came about, as a JSON list; malloc'ed. NULL: no memory. */
static char *describe_sources(const job *j)
{
    char *text;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (!to) return NULL;
    for (int k = 0; k < j->n_from; k++) {
        char *config = anc_source_config(j->part[k]);
        fputs(k ? "," : "[", to);
        if (config)
            fputs(config, to);
        else
            fprintf(to, "{\"format\":\"%s\"}", anc_source_format(j->part[k]));
        free(config);
    }
    fputc(']', to);
    if (!fclose(to)) return text;
    free(text);
    return NULL;
}

/* How the output came about: the options, and of sources that were joined or imported before, what is known
 * of them. malloc'ed; NULL: no memory. */
static char *describe(const job *j)
{
    enum { MOST = 16 << 10 }; /* the attribute that it becomes holds 64 kB */
    const struct {
        const char *name, *word;
    } rules[] = { { "difficult", j->words.difficult },
                  { "corners", j->words.corners },
                  { "box", j->words.box } };
    char *own = anc_source_config(j->part[0]), *text = NULL;
    bool before = j->joined || own;
    char *from = before ? describe_sources(j) : NULL;
    size_t n;
    FILE *to = before && !from ? NULL : open_memstream(&text, &n);
    if (to) {
        fprintf(to, "{\"command\":\"import\",\"format\":\"%s\"", anc_source_format(source_of(j)));
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) /* known words */
            if (rules[i].word) fprintf(to, ",\"%s\":\"%s\"", rules[i].name, rules[i].word);
        if (from && strlen(from) <= MOST) fprintf(to, ",\"from\":%s", from);
        fputc('}', to);
        if (fclose(to)) {
            free(text);
            text = NULL;
        }
    }
    free(from);
    free(own);
    return text;
}

static anc_status write_out(job *j, anc_err *err)
{
    if (anc_stop_wanted()) return anc_fail(err, ANC_ESTOPPED, "%s: stopped before it was written", j->to);
    if (anc_ends_with(j->to, ".json")) return anc_source_export(source_of(j), j->to, asked, NULL, err);
    char *config = describe(j);
    if (!config) return anc_fail(err, ANC_EMEMORY, "%s: out of memory", j->to);
    anc_source_write(source_of(j), j->to, config, err);
    free(config);
    return err->code;
}

/* Collective. */
static anc_status read_all(job *j, anc_err *err)
{
    j->part = calloc((size_t)j->n_from, sizeof *j->part);
    if (!j->part) anc_fail(err, ANC_EMEMORY, "out of memory for %d sources", j->n_from);
    if (anc_team_agree(&j->team, err)) return err->code;
    for (int k = 0; k < j->n_from; k++)
        if (anc_source_open_team(&j->team, j->from[k], &j->how, &j->part[k], err)) return err->code;
    if (!j->team.rank && j->n_from > 1)
        anc_source_join(j->part, j->from, j->n_from, &j->joined, &j->changes, err);
    return anc_team_agree(&j->team, err);
}

static anc_status run(job *j, anc_err *err)
{
    double start = anc_now_s();
    if (!j->team.rank) check_files(j, err);
    if (anc_team_agree(&j->team, err) || read_all(j, err)) return err->code;
    if (!j->team.rank && (j->dry_run || !write_out(j, err)) && !j->quiet)
        print_report(j, anc_now_s() - start);
    return anc_team_agree(&j->team, err);
}

static void job_clear(job *j)
{
    anc_source_close(j->joined);
    for (int k = 0; j->part && k < j->n_from; k++) anc_source_close(j->part[k]);
    free(j->part);
    free(j->from);
}

static int import(job *j)
{
    anc_err err = { 0 };
    if (!anc_start_team(&j->team, "import")) return ANC_EXIT_FAILED;
    run(j, &err);
    if (err.code == ANC_ESTOPPED && !j->team.rank)
        fprintf(stderr,
                "anchorage: import: stopped on request; nothing was written: run the same command again\n");
    else if (err.code && !j->team.rank)
        fprintf(stderr, "anchorage: import: %s\n", err.text);
    job_clear(j);
    anc_team_stop(&j->team);
    return !err.code                   ? ANC_EXIT_DONE
           : err.code == ANC_ESTOPPED  ? ANC_EXIT_AGAIN
           : err.code == ANC_EARGUMENT ? ANC_EXIT_USAGE
                                       : ANC_EXIT_FAILED;
}

int anc_job_import(int argc, char **argv)
{
    job j = { 0 };
    const anc_opt opt[] = {
        { "output", 'o', "FILE", ANC_OPT_STRING, &j.to, 0, 0,
          "file to write: annotations.h5, or COCO JSON when its name ends with .json; an older one is "
          "replaced" },
        ANC_SOURCE_OPTS(j.words),
        anc_opt_dry_run(&j.dry_run),
        { "quiet", 'q', NULL, ANC_OPT_FLAG, &j.quiet, 0, 0, "no report" },
        { 0 },
    };
    const anc_usage usage = {
        .command = "import",
        .operands = "ANNOTATIONS...",
        .min_operands = 1,
        .max_operands = INT_MAX,
        .about = "Reads and checks annotations once, says what was repaired, dropped or odd, and keeps them "
                 "as annotations.h5, "
                 "which every other command reads many times faster, or as COCO JSON. ANNOTATIONS is a file "
                 "or a folder of "
                 "any format that docs/FORMATS.md describes; the files of a folder are read by all ranks. "
                 "Several become one. - is standard input.",
        .example = "anchorage import VOCdevkit/VOC2012 --list VOCdevkit/VOC2012/ImageSets/Main/train.txt -o "
                   "train.h5",
        .opt = opt,
    };
    j.from = malloc((size_t)argc * sizeof *j.from);
    if (!j.from) return ANC_EXIT_FAILED;
    anc_err err = { 0 };
    int ended = anc_opts_parse(&usage, argc, argv, j.from, &j.n_from);
    if (ended)
        ended--;
    else if ((!j.to && !j.dry_run) || (j.to && !*j.to))
        ended = anc_opts_refuse(&usage, "--output FILE.h5 is missing");
    else if (j.n_from > 1 && j.words.list)
        ended = anc_opts_refuse(&usage, "--list is for one source; import each with its own, then join what "
                                        "that gives: anchorage import A.h5 B.h5 -o ALL.h5");
    else if (anc_source_options(&j.words, &j.how, &err) || anc_stop_listen(NULL, &err))
        ended = anc_opts_refuse(&usage, "%s", err.text);
    else
        return import(&j);
    free(j.from);
    return ended;
}
