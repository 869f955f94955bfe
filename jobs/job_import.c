/* jobs/job_import.c: `anchorage import`: any annotation source, checked once, kept as the canonical annotations.h5 */
#include "io/source.h"
#include "jobs/format.h"
#include "jobs/job.h"
#include "jobs/opts.h"
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

static void print_report(const anc_source *s, const char *from, const char *to, double took)
{
    const anc_dataset_report *r = anc_source_report(s);
    printf("import: %s (%s): %s images, %s boxes of %s annotations\n", from, anc_source_format(s),
           COUNT(anc_source_images(s)), COUNT(anc_source_boxes(s)), COUNT(r->annotations));
    printf("  %s crowd regions, %s images without boxes\n", COUNT(r->crowds), COUNT(r->without_boxes));
    if (r->empty_boxes) printf("  %s boxes have no area and were dropped\n", COUNT(r->empty_boxes));
    if (r->over_edge) printf("  %s boxes reach over their image's edge, %s of them lie outside of it: kept as they are\n",
                             COUNT(r->over_edge), COUNT(r->outside));
    if (r->duplicate_ids) printf("  %s annotation ids stand more than once: kept\n", COUNT(r->duplicate_ids));
    printf("import: wrote %s in %s\n", to, anc_format_time(took).text);
}

int anc_job_import(int argc, char **argv)
{
    const char *out = NULL, *path;
    bool quiet = false;
    const anc_opt opt[] = {
        { "output", 'o', "FILE.h5", ANC_OPT_STRING, &out, 0, 0, "file to write; an older one is replaced" },
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
    anc_source *s = NULL;
    double start = now();
    if (!anc_source_open(path, &s, &err) && !anc_source_write(s, out, "{\"command\":\"import\"}", &err) && !quiet)
        print_report(s, path, out, now() - start);
    anc_source_close(s);
    if (err.code) fprintf(stderr, "anchorage: import: %s\n", err.text);
    return err.code ? ANC_EXIT_FAILED : ANC_EXIT_DONE;
}
