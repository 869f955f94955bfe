/* jobs/inspect/inspect_targets.c: what training targets hold: a shard, or an index with its shards */
#include "jobs/cli/format.h"
#include "jobs/inspect/inspect.h"
#include "jobs/inspect/inspect_print.h"
#include "jobs/inspect/inspect_views.h"
#include <stdio.h>

typedef struct {
    const anc_targets_info *info;
    anc_view_diagnostics views;
    int64_t anchors, least_anchors, most_anchors;
    int64_t level[ANC_MAX_LEVELS]; /* sampled positives */
    int32_t low_grid[ANC_MAX_LEVELS][2], high_grid[ANC_MAX_LEVELS][2];
} diagnostics;

#define COUNT(x) anc_format_count(x).text

/* first_anchor [n_levels + 1] of one view; gives the number of its anchors. */
static int64_t place_levels(const anc_targets_info *info, const int32_t *grid, int64_t *first_anchor)
{
    first_anchor[0] = 0;
    for (int l = 0; l < info->n_levels; l++)
        first_anchor[l + 1] =
            first_anchor[l] + (int64_t)grid[2 * l] * grid[2 * l + 1] * info->level[l].n_shapes;
    return first_anchor[info->n_levels];
}

static void add_view(diagnostics *f, const anc_targets_info *info, const anc_targets *t, int64_t v,
                     bool first)
{
    int64_t first_anchor[ANC_MAX_LEVELS + 1];
    const int32_t *grid = (int32_t *)t->column[ANC_VIEWS_GRID] + 2 * info->n_levels * v;
    const int32_t *anchor = t->column[ANC_MINIBATCH_ANCHOR];
    const int64_t *row = t->offset[ANC_ROWS_MINIBATCH] + v, *positive = t->offset[ANC_ROWS_POSITIVES] + v;
    int64_t n = place_levels(info, grid, first_anchor);
    anc_inspect_view(&f->views, t, v, row[1] - row[0], first);
    f->anchors += n;
    if (first || n < f->least_anchors) f->least_anchors = n;
    if (first || n > f->most_anchors) f->most_anchors = n;
    for (int l = 0; l < info->n_levels; l++)
        anc_inspect_widen(f->low_grid[l], f->high_grid[l], grid + 2 * l, first);
    for (int64_t i = row[0]; i < row[0] + positive[1] - positive[0]; i++) {
        int l = info->n_levels - 1;
        while (anchor[i] < first_anchor[l]) l--;
        f->level[l]++;
    }
}

static void add_run(void *context, const anc_targets *t, bool first)
{
    diagnostics *f = context;
    for (int64_t v = 0; v < t->n[ANC_ROWS_VIEWS]; v++) add_view(f, f->info, t, v, first && !v);
    anc_inspect_positives(&f->views, t);
}

static void add_sum(void *context, const anc_targets *t, bool first)
{
    (void)first;
    anc_targets_sum_add(context, t);
}

/* ---- printing ---- */

static void print_views(const anc_targets_info *info, const diagnostics *f)
{
    int64_t n = info->n[ANC_ROWS_VIEWS], rows = info->n[ANC_ROWS_MINIBATCH],
            positives = info->n[ANC_ROWS_POSITIVES];
    anc_inspect_print_views(&f->views, n);
    printf("  anchors     %15s   %s", COUNT(f->anchors), COUNT(f->least_anchors));
    printf(" to %s a view\n", COUNT(f->most_anchors));
    anc_inspect_print_counts(&f->views, n);
    printf("  minibatches %15s   anchors, %s", COUNT(rows), COUNT(f->views.least_batch));
    printf(" to %s a view\n", COUNT(f->views.most_batch));
    printf("    positive  %15s   %.1f a view, %.1f %%\n", COUNT(positives),
           anc_inspect_mean((double)positives, n), anc_inspect_mean(100. * (double)positives, rows));
    if (info->with[ANC_ROWS_GT])
        printf("  boxes       %15s   %s of them matched as objects\n", COUNT(f->views.gt),
               COUNT(f->views.used));
    anc_inspect_print_objects(&f->views, info, "anchor");
}

static void print_levels(const anc_targets_info *info, const diagnostics *f)
{
    printf("\n  level  stride  grid (rows x columns)     sampled positives   base anchors (width x height, "
           "px)\n");
    for (int l = 0; l < info->n_levels; l++) {
        const anc_targets_level *v = &info->level[l];
        char grid[64] = "";
        if (info->n[ANC_ROWS_VIEWS])
            snprintf(grid, sizeof grid, "%d-%d x %d-%d", f->low_grid[l][0], f->high_grid[l][0],
                     f->low_grid[l][1], f->high_grid[l][1]);
        printf("  %5d %7d  %-24s %11s %4.1f %%  ", l, v->stride, grid, COUNT(f->level[l]),
               anc_inspect_mean(100. * (double)f->level[l], f->views.n_targets));
        for (int a = 0; a < v->n_shapes && a < 6; a++)
            printf(" %.4gx%.4g", v->base[a][2] - v->base[a][0], v->base[a][3] - v->base[a][1]);
        if (v->n_shapes > 6) printf(" and %d more", v->n_shapes - 6);
        putchar('\n');
    }
}

static anc_status print_anchors(const char *path, anc_targets_file *file, const anc_inspect *o, anc_err *err)
{
    const anc_targets_info *info = anc_targets_about_file(file);
    diagnostics f = { .info = info };
    anc_inspect_read(file, add_run, &f, err);
    anc_inspect_forget(&f.views);
    if (!err->code && f.views.out_of_memory) anc_fail(err, ANC_EMEMORY, "%s: out of memory", path);
    if (err->code) return err->code;
    anc_inspect_head(path, info, "training targets");
    print_views(info, &f);
    print_levels(info, &f);
    if (info->n[ANC_ROWS_VIEWS]) anc_inspect_print_ranges(&f.views, info->n[ANC_ROWS_VIEWS]);
    if (f.views.n_targets) anc_inspect_print_targets(&f.views);
    return anc_inspect_print_some(file, ANC_ROWS_MINIBATCH, o->views, err);
}

anc_status anc_inspect_targets(const char *path, const anc_inspect *o, anc_err *err)
{
    anc_targets_file *file;
    err->code = ANC_OK;
    if (anc_targets_open(path, &file, err)) return err->code;
    const anc_targets_info *info = anc_targets_about_file(file);
    if (o->checksum) {
        anc_targets_sum sum = { 0 };
        if (!anc_inspect_read(file, add_sum, &sum, err))
            printf("%016llx\n", (unsigned long long)anc_targets_sum_end(&sum, info));
    } else if (info->stage == ANC_STAGE_ROI) {
        anc_inspect_rois(path, file, o, err);
    } else {
        print_anchors(path, file, o, err);
    }
    anc_targets_close(file);
    return err->code;
}
