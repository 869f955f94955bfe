/* jobs/inspect_targets.c: what training targets hold: a shard, or an index with its shards */
#include "io/targets_read.h"
#include "jobs/format.h"
#include "jobs/inspect.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

enum { RANGES = 32, PARTS = 4 };

typedef struct {
    int64_t flipped, anchors, least_anchors, most_anchors, least_batch, most_batch;
    int32_t low_size[2], high_size[2], low_padded[2], high_padded[2], first_epoch, last_epoch;
    int64_t count[3];              /* positives, negatives, ignored */
    int64_t range[RANGES];         /* views with 0, 1, 2-3, 4-7, ... positives */
    int64_t level[ANC_MAX_LEVELS]; /* sampled positives */
    int32_t low_grid[ANC_MAX_LEVELS][2], high_grid[ANC_MAX_LEVELS][2];
    double sum[PARTS], squares[PARTS], low[PARTS],
        high[PARTS]; /* of targets, shifted by what the first one is */
    double shift[PARTS];
    int64_t n_targets, gt, used;
    anc_targets_sum checksum;
} findings;

#define COUNT(x) anc_format_count(x).text

static void widen(int32_t low[2], int32_t high[2], const int32_t *x, bool first)
{
    for (int e = 0; e < 2; e++) {
        if (first || x[e] < low[e]) low[e] = x[e];
        if (first || x[e] > high[e]) high[e] = x[e];
    }
}

static void widen64(int64_t *low, int64_t *high, int64_t x, bool first)
{
    if (first || x < *low) *low = x;
    if (first || x > *high) *high = x;
}

/* first_anchor [n_levels + 1] of one view; gives the number of its anchors. */
static int64_t lay_levels(const anc_targets_info *info, const int32_t *grid, int64_t *first_anchor)
{
    first_anchor[0] = 0;
    for (int l = 0; l < info->n_levels; l++)
        first_anchor[l + 1] =
            first_anchor[l] + (int64_t)grid[2 * l] * grid[2 * l + 1] * info->level[l].n_shapes;
    return first_anchor[info->n_levels];
}

static void add_view(findings *f, const anc_targets_info *info, const anc_targets *t, int64_t v, bool first)
{
    int64_t first_anchor[ANC_MAX_LEVELS + 1];
    const int32_t *grid = (int32_t *)t->column[ANC_VIEWS_GRID] + 2 * info->n_levels * v;
    const int32_t *count = (int32_t *)t->column[ANC_VIEWS_COUNT] + 3 * v;
    const int32_t *anchor = t->column[ANC_MINIBATCH_ANCHOR];
    int32_t epoch = ((int32_t *)t->column[ANC_VIEWS_EPOCH])[v];
    const int64_t *row = t->offset[ANC_ROWS_MINIBATCH] + v, *positive = t->offset[ANC_ROWS_POSITIVES] + v;
    int64_t n = lay_levels(info, grid, first_anchor);
    f->flipped += ((uint8_t *)t->column[ANC_VIEWS_FLIP])[v];
    f->anchors += n;
    widen64(&f->least_anchors, &f->most_anchors, n, first);
    widen64(&f->least_batch, &f->most_batch, row[1] - row[0], first);
    widen(f->low_size, f->high_size, (int32_t *)t->column[ANC_VIEWS_SIZE] + 2 * v, first);
    widen(f->low_padded, f->high_padded, (int32_t *)t->column[ANC_VIEWS_PADDED_SIZE] + 2 * v, first);
    for (int l = 0; l < info->n_levels; l++) widen(f->low_grid[l], f->high_grid[l], grid + 2 * l, first);
    if (first || epoch < f->first_epoch) f->first_epoch = epoch;
    if (first || epoch > f->last_epoch) f->last_epoch = epoch;
    for (int i = 0; i < 3; i++) f->count[i] += count[i];
    f->range[count[0] ? 32 - __builtin_clz((unsigned)count[0]) : 0]++;
    for (int64_t i = row[0]; i < row[0] + positive[1] - positive[0]; i++) {
        int l = info->n_levels - 1;
        while (anchor[i] < first_anchor[l]) l--;
        f->level[l]++;
    }
}

static void add_targets(findings *f, const anc_targets *t)
{
    const float(*target)[PARTS] = t->column[ANC_POSITIVES_TARGET];
    for (int64_t i = 0; i < t->n[ANC_ROWS_POSITIVES]; i++, f->n_targets++)
        for (int e = 0; e < PARTS; e++) {
            double x = target[i][e];
            if (!f->n_targets) f->shift[e] = f->low[e] = f->high[e] = x;
            if (x < f->low[e]) f->low[e] = x;
            if (x > f->high[e]) f->high[e] = x;
            f->sum[e] += x - f->shift[e];
            f->squares[e] += (x - f->shift[e]) * (x - f->shift[e]);
        }
    const uint8_t *used = t->column[ANC_GT_USED];
    f->gt += t->n[ANC_ROWS_GT];
    for (int64_t i = 0; i < t->n[ANC_ROWS_GT]; i++) f->used += used[i];
}

static anc_status gather(anc_targets_file *file, bool checksum, findings *f, anc_err *err)
{
    const anc_targets_info *info = anc_targets_about_file(file);
    int64_t run = info->with[ANC_ROWS_LABELS] ? 16 : 2048, n = info->n[ANC_ROWS_VIEWS]; /* bounds memory */
    anc_targets t = { 0 };
    for (int64_t first = 0; first < n && !err->code; first += run) {
        if (anc_targets_read(file, first, n - first < run ? n - first : run, &t, err)) break;
        if (checksum) {
            anc_targets_sum_add(&f->checksum, &t);
            continue;
        }
        for (int64_t v = 0; v < t.n[ANC_ROWS_VIEWS]; v++) add_view(f, info, &t, v, !first && !v);
        add_targets(f, &t);
    }
    anc_targets_clear(&t);
    return err->code;
}

/* ---- printing ---- */

static yajl_val at(yajl_val tree, const char *a, const char *b)
{
    const char *path[] = { a, b, NULL };
    return tree ? yajl_tree_get(tree, path, yajl_t_any) : NULL;
}

static long long integer(yajl_val v) { return v && YAJL_IS_INTEGER(v) ? YAJL_GET_INTEGER(v) : 0; }
static const char *string(yajl_val v) { return v && YAJL_IS_STRING(v) ? YAJL_GET_STRING(v) : "?"; }

static void print_config(const anc_targets_info *info)
{
    char error[128];
    yajl_val tree = yajl_tree_parse(info->config, error, sizeof error);
    if (!at(tree, "rules", "preset")) {
        printf("  configuration not understood; --config prints it\n");
    } else {
        printf("  preset %s, seed %lld, %lld epoch%s, %lld images a shard; --config prints all\n",
               string(at(tree, "rules", "preset")), integer(at(tree, "seed", NULL)),
               integer(at(tree, "epochs", NULL)), integer(at(tree, "epochs", NULL)) == 1 ? "" : "s",
               integer(at(tree, "images_per_shard", NULL)));
        printf("  made from %s images", COUNT(integer(at(tree, "data", "images"))));
        printf(" with %s boxes, fingerprint %s\n", COUNT(integer(at(tree, "data", "boxes"))),
               string(at(tree, "data", "fingerprint")));
    }
    yajl_tree_free(tree);
}

static void print_head(const char *path, const anc_targets_info *info)
{
    printf("%s: training targets, ", path);
    if (info->index)
        printf("index over %s shard%s, all there (%s)\n", COUNT(info->n_shards),
               info->n_shards == 1 ? "" : "s", anc_format_bytes(info->n_bytes).text);
    else
        printf("one shard (%s)\n", anc_format_bytes(info->n_bytes).text);
    printf("  " ANC_TARGETS_FORMAT " version %d, written by anchorage %s\n", ANC_TARGETS_VERSION,
           info->version);
    print_config(info);
    printf("  kept: minibatches and their targets%s%s%s\n",
           info->with[ANC_ROWS_ASSIGNMENT] ? ", every positive and ignored anchor" : "",
           info->with[ANC_ROWS_LABELS] ? ", the label of every anchor" : "",
           info->with[ANC_ROWS_GT] ? ", the boxes in view pixels" : "");
}

static void print_views(const anc_targets_info *info, const findings *f)
{
    int64_t n = info->n[ANC_ROWS_VIEWS], rows = info->n[ANC_ROWS_MINIBATCH],
            positives = info->n[ANC_ROWS_POSITIVES];
    printf("\n  views       %15s", COUNT(n));
    if (n)
        printf("   epochs %d to %d, %s mirrored\n    height %d to %d px, width %d to %d px; padded %d to %d, "
               "%d to %d px",
               f->first_epoch, f->last_epoch, COUNT(f->flipped), f->low_size[0], f->high_size[0],
               f->low_size[1], f->high_size[1], f->low_padded[0], f->high_padded[0], f->low_padded[1],
               f->high_padded[1]);
    printf("\n  anchors     %15s   %s", COUNT(f->anchors), COUNT(f->least_anchors));
    printf(" to %s a view\n", COUNT(f->most_anchors));
    static const char *const name[] = { "positive", "negative", "ignored" };
    for (int i = 0; i < 3; i++)
        printf("    %-10s%15s   %.1f a view\n", name[i], COUNT(f->count[i]),
               anc_inspect_mean((double)f->count[i], n));
    printf("  minibatches %15s   anchors, %s", COUNT(rows), COUNT(f->least_batch));
    printf(" to %s a view\n", COUNT(f->most_batch));
    printf("    positive  %15s   %.1f a view, %.1f %%\n", COUNT(positives),
           anc_inspect_mean((double)positives, n), anc_inspect_mean(100. * (double)positives, rows));
    if (info->with[ANC_ROWS_GT])
        printf("  boxes       %15s   %s of them matched as objects\n", COUNT(f->gt), COUNT(f->used));
}

static void print_levels(const anc_targets_info *info, const findings *f)
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
               anc_inspect_mean(100. * (double)f->level[l], f->n_targets));
        for (int a = 0; a < v->n_shapes && a < 6; a++)
            printf(" %.4gx%.4g", v->base[a][2] - v->base[a][0], v->base[a][3] - v->base[a][1]);
        if (v->n_shapes > 6) printf(" and %d more", v->n_shapes - 6);
        putchar('\n');
    }
}

static void print_ranges(const findings *f, int64_t views)
{
    int last = RANGES - 1;
    int64_t most = 0;
    while (last && !f->range[last]) last--;
    for (int i = 0; i <= last; i++)
        if (f->range[i] > most) most = f->range[i];
    printf("\n  positives in a view     views  (before sampling)\n");
    for (int i = 0; i <= last; i++) {
        char name[40];
        long long low = i ? 1LL << (i - 1) : 0, high = i ? (1LL << i) - 1 : 0;
        snprintf(name, sizeof name, low == high ? "%lld" : "%lld-%lld", low, high);
        anc_inspect_bar(name, f->range[i], views, most);
    }
}

static void print_targets(const findings *f)
{
    static const char *const name[PARTS] = { "tx", "ty", "tw", "th" };
    double n = (double)f->n_targets;
    printf("\n  target        mean  std. deviation         least          most\n");
    for (int e = 0; e < PARTS; e++) {
        double mean = f->sum[e] / n, variance = f->squares[e] / n - mean * mean;
        printf("    %s    %8.5f        %8.5f      %8.5f      %8.5f\n", name[e], f->shift[e] + mean,
               sqrt(variance > 0 ? variance : 0), f->low[e], f->high[e]);
    }
}

static anc_status print_some(anc_targets_file *file, int64_t wanted, anc_err *err)
{
    int64_t n = anc_targets_about_file(file)->n[ANC_ROWS_VIEWS];
    anc_targets t = { 0 };
    if (wanted < n) n = wanted;
    if (n)
        printf(
            "\n  view            image epoch flip  height x width  positive  negative  ignored  sampled\n");
    for (int64_t v = 0; v < n; v++) {
        if (anc_targets_read(file, v, 1, &t, err)) break;
        const int32_t *size = t.column[ANC_VIEWS_SIZE], *count = t.column[ANC_VIEWS_COUNT];
        int64_t positives = t.n[ANC_ROWS_POSITIVES];
        printf("  %4lld %16lld %5d %4s %7d x %-6d %8d %9d %8d  %lld + %lld\n", (long long)v,
               (long long)*(int64_t *)t.column[ANC_VIEWS_IMAGE_ID], *(int32_t *)t.column[ANC_VIEWS_EPOCH],
               *(uint8_t *)t.column[ANC_VIEWS_FLIP] ? "yes" : "no", size[0], size[1], count[0], count[1],
               count[2], (long long)positives, (long long)(t.n[ANC_ROWS_MINIBATCH] - positives));
    }
    anc_targets_clear(&t);
    return err->code;
}

anc_status anc_inspect_targets(const char *path, const anc_inspect *o, anc_err *err)
{
    anc_targets_file *file;
    findings *f = calloc(1, sizeof *f);
    if (!f) return anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    err->code = ANC_OK;
    if (anc_targets_open(path, &file, err)) {
        free(f);
        return err->code;
    }
    const anc_targets_info *info = anc_targets_about_file(file);
    if (!gather(file, o->checksum, f, err)) {
        if (o->checksum) {
            printf("%016llx\n", (unsigned long long)anc_targets_sum_end(&f->checksum, info));
        } else {
            print_head(path, info);
            print_views(info, f);
            print_levels(info, f);
            if (info->n[ANC_ROWS_VIEWS]) print_ranges(f, info->n[ANC_ROWS_VIEWS]);
            if (f->n_targets) print_targets(f);
            print_some(file, o->views, err);
        }
    }
    anc_targets_close(file);
    free(f);
    return err->code;
}
