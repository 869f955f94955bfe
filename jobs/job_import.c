/* jobs/job_import.c: `anchorage import`: any annotation source, checked once, kept as the canonical annotations.h5 */
#include "io/source.h"
#include "jobs/format.h"
#include "jobs/job.h"
#include "jobs/opts.h"
#include "jobs/source_opts.h"
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

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
        for (int i = 0; i < ANC_FINDING_PLACES && one->place[i][0]; i++) printf("%s%s", i ? "; " : ": ", one->place[i]);
        printf("%s\n", one->n > ANC_FINDING_PLACES ? "; ..." : "");
    }
}

/* Of a file that keeps counts only. */
static void print_counts(const anc_dataset_report *r)
{
    if (r->empty_boxes) printf("  %s boxes have no area and were dropped\n", COUNT(r->empty_boxes));
    if (r->over_edge) printf("  %s boxes reach over their image's edge, %s of them lie outside of it: kept as they are\n",
                             COUNT(r->over_edge), COUNT(r->outside));
    if (r->duplicate_ids) printf("  %s annotation ids stand more than once: kept\n", COUNT(r->duplicate_ids));
}

static void print_report(const anc_source *s, const char *from, const char *to, double took)
{
    const anc_dataset_report *r = anc_source_report(s);
    printf("import: %s (%s): %s images, %s boxes of %s annotations\n", from, anc_source_format(s),
           COUNT(anc_source_images(s)), COUNT(anc_source_boxes(s)), COUNT(r->annotations));
    printf("  %s crowd regions, %s images without boxes\n", COUNT(r->crowds), COUNT(r->without_boxes));
    if (anc_source_findings(s))
        print_findings(anc_source_findings(s));
    else
        print_counts(r);
    printf("import: wrote %s in %s\n", to, anc_format_time(took).text);
}

int anc_job_import(int argc, char **argv)
{
    const char *out = NULL, *path;
    bool quiet = false;
    anc_source_words words = { 0 };
    anc_reader_options how;
    const anc_opt opt[] = {
        { "output", 'o', "FILE.h5", ANC_OPT_STRING, &out, 0, 0, "file to write; an older one is replaced" },
        ANC_SOURCE_OPTS(words),
        { "quiet", 'q', NULL, ANC_OPT_FLAG, &quiet, 0, 0, "no report" },
        { 0 },
    };
    const anc_usage usage = {
        .command = "import",
        .operands = "ANNOTATIONS",
        .min_operands = 1,
        .max_operands = 1,
        .about = "Reads and checks annotations (a COCO JSON file) once and keeps them as annotations.h5, which every other "
                 "command reads many times faster.",
        .example = "anchorage import instances_train2017.json -o annotations.h5",
        .opt = opt,
    };
    int n, ended = anc_opts_parse(&usage, argc, argv, &path, &n);
    if (ended) return ended - 1;
    if (!out) return anc_opts_refuse(&usage, "--output FILE.h5 is missing");
    if (!anc_opts_speaks()) return ANC_EXIT_DONE; /* one process is enough */
    anc_err err = { 0 };
    if (anc_source_options(&words, &how, &err)) return anc_opts_refuse(&usage, "%s", err.text);
    anc_source *s = NULL;
    double start = now();
    if (!anc_source_open(path, &how, &s, &err) && !anc_source_write(s, out, "{\"command\":\"import\"}", &err) && !quiet)
        print_report(s, path, out, now() - start);
    anc_source_close(s);
    if (err.code) fprintf(stderr, "anchorage: import: %s\n", err.text);
    return err.code ? ANC_EXIT_FAILED : ANC_EXIT_DONE;
}
