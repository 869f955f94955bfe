/* jobs/job_import.c: `anchorage import`: any annotation source, checked once, kept as the canonical
 * annotations.h5 or as COCO JSON
 */
#include "io/files.h"
#include "io/source.h"
#include "jobs/format.h"
#include "jobs/job.h"
#include "jobs/label_shard.h" /* the clock */
#include "jobs/opts.h"
#include "jobs/source_opts.h"
#include "jobs/source_team.h"
#include "jobs/stop.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    const char *from, *to;
    bool quiet;
    anc_source_words words;
    anc_reader_options how;
    anc_team team;
    anc_source *source; /* rank 0 */
} job;

#define COUNT(x) anc_format_count(x).text

/* One line for each kind, with the first places. */
static void print_findings(const anc_findings *f)
{
    static const char *const became[] = { "repaired", "dropped", "kept" };
    for (int k = 0; k < ANC_N_FINDINGS; k++) {
        const anc_finding *one = &f->of[k];
        if (!one->n) continue;
        printf("  %s: %s %s", became[anc_finding_class_of((anc_finding_kind)k)], COUNT(one->n),
               anc_finding_words((anc_finding_kind)k));
        for (int i = 0; i < ANC_FINDING_PLACES && one->place[i][0]; i++)
            printf("%s%s", i ? "; " : ": ", one->place[i]);
        printf("%s\n", one->n > ANC_FINDING_PLACES ? "; ..." : "");
    }
}

/* Of a file that keeps counts only. */
static void print_counts(const anc_dataset_report *r)
{
    if (r->empty_boxes) printf("  %s boxes have no area and were dropped\n", COUNT(r->empty_boxes));
    if (r->over_edge)
        printf("  %s boxes reach over their image's edge, %s of them lie outside of it: kept as they are\n",
               COUNT(r->over_edge), COUNT(r->outside));
    if (r->duplicate_ids) printf("  %s annotation ids stand more than once: kept\n", COUNT(r->duplicate_ids));
    for (int k = 0; k < ANC_N_FINDINGS; k++)
        if (r->found[k]) printf("  %s %s\n", COUNT(r->found[k]), anc_finding_words((anc_finding_kind)k));
}

static void print_report(const job *j, double took)
{
    const anc_source *s = j->source;
    const anc_dataset_report *r = anc_source_report(s);
    printf("import: %s (%s): %s images, %s boxes of %s annotations\n", j->from, anc_source_format(s),
           COUNT(anc_source_images(s)), COUNT(anc_source_boxes(s)), COUNT(r->annotations));
    printf("  %s crowd regions, %s images without boxes\n", COUNT(r->crowds), COUNT(r->without_boxes));
    if (anc_source_findings(s))
        print_findings(anc_source_findings(s));
    else
        print_counts(r);
    printf("import: wrote %s in %s\n", j->to, anc_format_time(took).text);
}

/* A source must not be written over: not the file itself, nor a table that is read with it, nor one of a
 * folder's files. */
static anc_status spare_source(const job *j, anc_err *err)
{
    static const char *const read[] = { ".xml", ".txt",  ".csv", ".odgt", ".jpg", ".jpeg",
                                        ".png", ".webp", ".bmp", ".yaml", ".yml" };
    const char *const files[] = { j->from, j->how.sizes, j->how.names, j->how.list };
    struct stat out, in;
    if (stat(j->to, &out)) return ANC_OK;
    if (S_ISDIR(out.st_mode))
        return anc_fail(err, ANC_EARGUMENT, "%s: is a folder; name the file to write", j->to);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] && !stat(files[i], &in) && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return anc_fail(err, ANC_EARGUMENT, "%s: is read by this import; write to another file", j->to);
    for (size_t i = 0; i < sizeof read / sizeof *read; i++)
        if (anc_ends_with(j->to, read[i]))
            return anc_fail(err, ANC_EARGUMENT,
                            "%s: is there and has a name like annotations or pictures have; write to another "
                            "file",
                            j->to);
    return ANC_OK;
}

static bool asked(void *context)
{
    (void)context;
    return anc_stop_wanted();
}

static anc_status write_out(job *j, anc_err *err)
{
    char config[256];
    if (anc_stop_wanted()) return anc_fail(err, ANC_ESTOPPED, "%s: stopped before it was written", j->to);
    if (anc_ends_with(j->to, ".json")) return anc_source_export(j->source, j->to, asked, NULL, err);
    snprintf(config, sizeof config, "{\"command\":\"import\",\"format\":\"%s\"%s%s%s%s%s%s}",
             anc_source_format(j->source), j->words.difficult ? ",\"difficult\":\"" : "",
             j->words.difficult ? j->words.difficult : "", j->words.difficult ? "\"" : "",
             j->words.corners ? ",\"corners\":\"" : "", j->words.corners ? j->words.corners : "",
             j->words.corners ? "\"" : "");
    return anc_source_write(j->source, j->to, config, err);
}

static anc_status run(job *j, anc_err *err)
{
    double start = anc_now_s();
    if (!j->team.rank) spare_source(j, err);
    if (anc_team_agree(&j->team, err) || anc_source_open_team(&j->team, j->from, &j->how, &j->source, err))
        return err->code;
    if (!j->team.rank && !write_out(j, err) && !j->quiet) print_report(j, anc_now_s() - start);
    return anc_team_agree(&j->team, err);
}

int anc_job_import(int argc, char **argv)
{
    job j = { 0 };
    const anc_opt opt[] = {
        { "output", 'o', "FILE", ANC_OPT_STRING, &j.to, 0, 0,
          "file to write: annotations.h5, or COCO JSON when its name ends with .json; an older one is "
          "replaced" },
        ANC_SOURCE_OPTS(j.words),
        { "quiet", 'q', NULL, ANC_OPT_FLAG, &j.quiet, 0, 0, "no report" },
        { 0 },
    };
    const anc_usage usage = {
        .command = "import",
        .operands = "ANNOTATIONS",
        .min_operands = 1,
        .max_operands = 1,
        .about = "Reads and checks annotations once, says what was repaired, dropped or odd, and keeps them "
                 "as annotations.h5, "
                 "which every other command reads many times faster, or as COCO JSON. ANNOTATIONS is a file "
                 "or a folder of "
                 "any format that docs/FORMATS.md describes; the files of a folder are read by all ranks.",
        .example = "anchorage import VOCdevkit/VOC2012 --list VOCdevkit/VOC2012/ImageSets/Main/train.txt -o "
                   "train.h5",
        .opt = opt,
    };
    int n, ended = anc_opts_parse(&usage, argc, argv, &j.from, &n);
    if (ended) return ended - 1;
    anc_err err = { 0 };
    if (!j.to) return anc_opts_refuse(&usage, "--output FILE.h5 is missing");
    if (anc_source_options(&j.words, &j.how, &err)) return anc_opts_refuse(&usage, "%s", err.text);
    if (anc_stop_listen(NULL, &err)) return anc_opts_refuse(&usage, "%s", err.text);
    anc_team_start(&j.team);
    run(&j, &err);
    if (err.code == ANC_ESTOPPED && !j.team.rank)
        fprintf(stderr,
                "anchorage: import: stopped on request; nothing was written: run the same command again\n");
    else if (err.code && !j.team.rank)
        fprintf(stderr, "anchorage: import: %s\n", err.text);
    anc_source_close(j.source);
    anc_team_stop(&j.team);
    return !err.code                   ? ANC_EXIT_DONE
           : err.code == ANC_ESTOPPED  ? ANC_EXIT_AGAIN
           : err.code == ANC_EARGUMENT ? ANC_EXIT_USAGE
                                       : ANC_EXIT_FAILED;
}
