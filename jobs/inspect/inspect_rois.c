/* jobs/inspect/inspect_rois.c: what targets of the second stage hold: RoIs, their classes, sizes and targets */
#include "jobs/cli/format.h"
#include "jobs/inspect/inspect_views.h"
#include "jobs/inspect/inspect_print.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZES = 16 }; /* of RoIs, px: up to 2, to 4, to 8, ... */

typedef struct {
    const anc_targets_info *info;
    anc_view_diagnostics views;
    int64_t appended, size[2][SIZES]; /* positives that are gts; RoIs by label and size */
    int64_t *of_class;                /* [classes] positives */
} diagnostics;

#define COUNT(x) anc_format_count(x).text

static int size_of(const float *b)
{
    double side = sqrt(((double)b[2] - b[0]) * ((double)b[3] - b[1]));
    int i = 0;
    while (i < SIZES - 1 && side > (double)(2LL << i)) i++;
    return i;
}

/* Labels ascend with the classes: anc_targets_read has seen that each is one. */
static int32_t class_of(const anc_targets_classes *c, int32_t label)
{
    int32_t low = 0, high = c->n;
    while (high - low > 1) {
        int32_t mid = low + (high - low) / 2;
        if (c->label[mid] <= label)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static void add_run(void *context, const anc_targets *t, bool first)
{
    diagnostics *f = context;
    const float(*xyxy)[4] = t->column[ANC_ROIS_XYXY];
    const int32_t *label = t->column[ANC_ROIS_LABEL], *proposal = t->column[ANC_ROIS_PROPOSAL];
    for (int64_t v = 0; v < t->n[ANC_ROWS_VIEWS]; v++) {
        const int64_t *row = t->offset[ANC_ROWS_ROIS] + v;
        anc_inspect_view(&f->views, t, v, row[1] - row[0], first && !v);
    }
    for (int64_t i = 0; i < t->n[ANC_ROWS_ROIS]; i++) {
        bool positive = label[i] != f->info->classes.background;
        f->size[positive][size_of(xyxy[i])]++;
        if (!positive) continue;
        f->appended += proposal[i] < 0;
        f->of_class[class_of(&f->info->classes, label[i])]++;
    }
    anc_inspect_positives(&f->views, t);
}

static void print_rois(const diagnostics *f)
{
    const anc_targets_info *info = f->info;
    int64_t n = info->n[ANC_ROWS_VIEWS], rows = info->n[ANC_ROWS_ROIS],
            positives = info->n[ANC_ROWS_POSITIVES];
    const int64_t *count = f->views.count;
    anc_inspect_print_views(&f->views, n);
    printf("  candidates  %15s   proposals and appended boxes\n", COUNT(count[0] + count[1] + count[2]));
    anc_inspect_print_counts(&f->views, n);
    printf("  RoIs        %15s   %s", COUNT(rows), COUNT(f->views.least_batch));
    printf(" to %s a view\n", COUNT(f->views.most_batch));
    printf("    positive  %15s   %.1f a view, %.1f %%; %s of them appended boxes\n", COUNT(positives),
           anc_inspect_mean((double)positives, n), anc_inspect_mean(100. * (double)positives, rows),
           COUNT(f->appended));
    if (info->with[ANC_ROWS_GT])
        printf("  boxes       %15s   %s of them matched as objects\n", COUNT(f->views.gt),
               COUNT(f->views.used));
    anc_inspect_print_objects(&f->views, info, "RoI");
}

static void print_sizes(const diagnostics *f)
{
    int64_t all[2] = { 0 };
    for (int i = 0; i < SIZES; i++)
        for (int p = 0; p < 2; p++) all[p] += f->size[p][i];
    printf("\n  size of a RoI, square root of its area (px)      positive                negative\n");
    for (int i = 0; i < SIZES; i++) {
        if (!f->size[0][i] && !f->size[1][i]) continue;
        char name[40];
        snprintf(name, sizeof name, i == SIZES - 1 ? "more than %lld" : "up to %lld",
                 1LL << (i == SIZES - 1 ? i : i + 1));
        printf("    %-36s", name);
        for (int p = 1; p >= 0; p--)
            printf(" %15s %5.1f %%", COUNT(f->size[p][i]),
                   anc_inspect_mean(100. * (double)f->size[p][i], all[p]));
        putchar('\n');
    }
}

typedef struct {
    int64_t n;
    int32_t at;
} ranked;

static int by_count(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->n != y->n) return x->n < y->n ? 1 : -1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static anc_status print_classes(const diagnostics *f, int64_t wanted, anc_err *err)
{
    const anc_targets_classes *c = &f->info->classes;
    ranked *r = malloc(((size_t)c->n + 1) * sizeof *r);
    if (!r) return anc_fail(err, ANC_EMEMORY, "%s: no memory for %d classes", f->info->path, c->n);
    for (int32_t i = 0; i < c->n; i++) r[i] = (ranked){ f->of_class[i], i };
    qsort(r, (size_t)c->n, sizeof *r, by_count);
    printf("\n  classes     %15s   background is label %d\n   label   category      positive RoIs\n",
           COUNT(c->n), c->background);
    for (int32_t i = 0; i < c->n && i < wanted; i++)
        printf("  %6d %10d %18s %5.1f %%\n", c->label[r[i].at], c->category[r[i].at], COUNT(r[i].n),
               anc_inspect_mean(100. * (double)r[i].n, f->views.n_targets));
    if (wanted < c->n) printf("  and %s more (--categories N)\n", COUNT(c->n - wanted));
    free(r);
    return ANC_OK;
}

anc_status anc_inspect_rois(const char *path, anc_targets_file *file, const anc_inspect *o, anc_err *err)
{
    diagnostics f = { .info = anc_targets_about_file(file) };
    f.of_class = calloc((size_t)f.info->classes.n + 1, sizeof *f.of_class);
    if (!f.of_class)
        return anc_fail(err, ANC_EMEMORY, "%s: no memory for %d classes", path, f.info->classes.n);
    if (!anc_inspect_read(file, add_run, &f, err) && f.views.out_of_memory)
        anc_fail(err, ANC_EMEMORY, "%s: out of memory", path);
    if (!err->code) {
        anc_inspect_head(path, f.info, "targets of the second stage (RoIs)");
        print_rois(&f);
        print_classes(&f, o->categories, err);
        if (f.info->n[ANC_ROWS_ROIS]) print_sizes(&f);
        if (f.info->n[ANC_ROWS_VIEWS]) anc_inspect_print_ranges(&f.views, f.info->n[ANC_ROWS_VIEWS]);
        if (f.views.n_targets) anc_inspect_print_targets(&f.views);
        if (!err->code) anc_inspect_print_some(file, ANC_ROWS_ROIS, o->views, err);
    }
    anc_inspect_forget(&f.views);
    free(f.of_class);
    return err->code;
}
