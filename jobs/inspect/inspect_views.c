/* jobs/inspect/inspect_views.c: see inspect_views.h */
#include "jobs/inspect/inspect_views.h"
#include "jobs/inspect/inspect_print.h"
#include "jobs/cli/config.h"
#include "jobs/cli/format.h"
#include "jobs/inspect/inspect.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_tree.h>

#define COUNT(x)   anc_format_count(x).text
#define OF(n, one) anc_format_of(n, one).text

void anc_inspect_widen(int32_t low[2], int32_t high[2], const int32_t *x, bool first)
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

void anc_inspect_view(anc_view_diagnostics *f, const anc_targets *t, int64_t v, int64_t n_batch, bool first)
{
    const int32_t *count = (int32_t *)t->column[ANC_VIEWS_COUNT] + 3 * v;
    int32_t epoch = ((int32_t *)t->column[ANC_VIEWS_EPOCH])[v];
    f->flipped += ((uint8_t *)t->column[ANC_VIEWS_FLIP])[v];
    widen64(&f->least_batch, &f->most_batch, n_batch, first);
    anc_inspect_widen(f->low_size, f->high_size, (int32_t *)t->column[ANC_VIEWS_SIZE] + 2 * v, first);
    anc_inspect_widen(f->low_padded, f->high_padded, (int32_t *)t->column[ANC_VIEWS_PADDED_SIZE] + 2 * v,
                      first);
    if (first || epoch < f->first_epoch) f->first_epoch = epoch;
    if (first || epoch > f->last_epoch) f->last_epoch = epoch;
    for (int i = 0; i < 3; i++) f->count[i] += count[i];
    f->range[count[0] ? 32 - __builtin_clz((unsigned)count[0]) : 0]++;
}

static int ascending(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* How many objects the n matches of a view name; -1 is none. */
static int64_t objects(anc_view_diagnostics *f, const int32_t *gt, int64_t n)
{
    int64_t k = 0, different = 0;
    if (n > f->capacity) {
        free(f->one);
        f->capacity = 2 * n;
        f->one = malloc((size_t)f->capacity * sizeof *f->one);
        if (!f->one) {
            f->capacity = 0;
            f->out_of_memory = true;
            return 0;
        }
    }
    for (int64_t i = 0; i < n; i++)
        if (gt[i] >= 0) f->one[k++] = gt[i];
    qsort(f->one, (size_t)k, sizeof *f->one, ascending);
    for (int64_t i = 0; i < k; i++) different += !i || f->one[i] != f->one[i - 1];
    return different;
}

static void count_objects(anc_view_diagnostics *f, const anc_targets *t)
{
    bool all = t->with[ANC_ROWS_ASSIGNMENT];
    const int64_t *offset = t->offset[all ? ANC_ROWS_ASSIGNMENT : ANC_ROWS_POSITIVES];
    const int32_t *gt = t->column[all ? ANC_ASSIGNMENT_GT : ANC_POSITIVES_GT];
    for (int64_t v = 0; v < t->n[ANC_ROWS_VIEWS]; v++)
        if (offset[v + 1] > offset[v]) f->met += objects(f, gt + offset[v], offset[v + 1] - offset[v]);
}

void anc_inspect_forget(anc_view_diagnostics *f)
{
    free(f->one);
    f->one = NULL;
    f->capacity = 0;
}

void anc_inspect_print_objects(const anc_view_diagnostics *f, const anc_targets_info *info, const char *what)
{
    bool all = info->with[ANC_ROWS_ASSIGNMENT], known = info->with[ANC_ROWS_GT];
    int64_t positives = all ? f->count[0] : info->n[ANC_ROWS_POSITIVES], n = known ? f->used : f->met;
    if (!n) return;
    printf("  per object  %15.2f   %spositive %ss", (double)positives / (double)n, all ? "" : "sampled ",
           what);
    if (known)
        printf("; %s (%.1f %%) %s none\n", OF(n - f->met, "object"), 100 * (double)(n - f->met) / (double)n,
               anc_format_verb(n - f->met, "has", "have"));
    else
        printf(", of the %s that %s any (label --with-gt tells of the rest)\n", OF(n, "object"),
               anc_format_verb(n, "has", "have"));
}

void anc_inspect_positives(anc_view_diagnostics *f, const anc_targets *t)
{
    count_objects(f, t);
    const float(*target)[ANC_INSPECT_PARTS] = t->column[ANC_POSITIVES_TARGET];
    for (int64_t i = 0; i < t->n[ANC_ROWS_POSITIVES]; i++, f->n_targets++)
        for (int e = 0; e < ANC_INSPECT_PARTS; e++) {
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
    anc_rules rules;
    anc_err unknown = { 0 };
    bool known = !anc_config_read_json(info->config, &rules, &unknown);
    if (!at(tree, "rules", "preset")) {
        printf("  configuration not understood; --config prints it\n");
    } else {
        printf("  preset %s, seed %lld, %s, %lld images a shard; --config prints all\n",
               known ? anc_rules_preset_now(&rules) : string(at(tree, "rules", "preset")),
               integer(at(tree, "seed", NULL)), OF(integer(at(tree, "epochs", NULL)), "epoch"),
               integer(at(tree, "images_per_shard", NULL)));
        printf("  made from %s with %s, fingerprint %s\n", OF(integer(at(tree, "data", "images")), "image"),
               OF(integer(at(tree, "data", "boxes")), "box"), string(at(tree, "data", "fingerprint")));
        if (info->stage == ANC_STAGE_ROI) {
            printf("  and %s of %s, checksum %s\n", OF(integer(at(tree, "proposals", "count")), "proposal"),
                   OF(integer(at(tree, "proposals", "images")), "image"),
                   string(at(tree, "proposals", "crc32")));
        }
    }
    yajl_tree_free(tree);
}

void anc_inspect_head(const char *path, const anc_targets_info *info, const char *what)
{
    printf("%s: %s, ", path, what);
    if (info->index)
        printf("index over %s, all there (%s)\n", OF(info->n_shards, "shard"),
               anc_format_bytes(info->n_bytes).text);
    else
        printf("one shard (%s)\n", anc_format_bytes(info->n_bytes).text);
    printf("  %s version %d, written by anchorage %s\n", anc_targets_format(info->stage), ANC_TARGETS_VERSION,
           info->version);
    print_config(info);
    if (info->index && !info->placed)
        puts("  of an earlier build: it does not say which shard each view is in; the same label command "
             "again "
             "adds that");
    printf("  kept: minibatches and their targets%s%s%s\n",
           info->with[ANC_ROWS_ASSIGNMENT] ? ", every positive and ignored anchor" : "",
           info->with[ANC_ROWS_LABELS] ? ", the label of every anchor" : "",
           info->with[ANC_ROWS_GT] ? ", the boxes in view pixels" : "");
}

void anc_inspect_print_views(const anc_view_diagnostics *f, int64_t n)
{
    printf("\n  views       %15s", COUNT(n));
    if (n)
        printf("   epochs %d to %d, %s mirrored\n    height %d to %d px, width %d to %d px; padded %d to %d, "
               "%d to %d px",
               f->first_epoch, f->last_epoch, COUNT(f->flipped), f->low_size[0], f->high_size[0],
               f->low_size[1], f->high_size[1], f->low_padded[0], f->high_padded[0], f->low_padded[1],
               f->high_padded[1]);
    putchar('\n');
}

void anc_inspect_print_counts(const anc_view_diagnostics *f, int64_t n)
{
    static const char *const name[] = { "positive", "negative", "ignored" };
    for (int i = 0; i < 3; i++)
        printf("    %-10s%15s   %.1f a view\n", name[i], COUNT(f->count[i]),
               anc_inspect_mean((double)f->count[i], n));
}

void anc_inspect_print_ranges(const anc_view_diagnostics *f, int64_t views)
{
    int last = ANC_INSPECT_RANGES - 1;
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

void anc_inspect_print_targets(const anc_view_diagnostics *f)
{
    static const char *const name[ANC_INSPECT_PARTS] = { "tx", "ty", "tw", "th" };
    double n = (double)f->n_targets;
    printf("\n  target        mean  std. deviation         least          most\n");
    for (int e = 0; e < ANC_INSPECT_PARTS; e++) {
        double mean = f->sum[e] / n, variance = f->squares[e] / n - mean * mean;
        printf("    %s    %8.5f        %8.5f      %8.5f      %8.5f\n", name[e], f->shift[e] + mean,
               sqrt(variance > 0 ? variance : 0), f->low[e], f->high[e]);
    }
}

anc_status anc_inspect_print_some(anc_targets_file *file, anc_rows sampled, int64_t wanted, anc_err *err)
{
    int64_t n = anc_targets_about_file(file)->n[ANC_ROWS_VIEWS];
    anc_targets t = { 0 };
    const char *const *name = NULL;
    if (wanted < n) n = wanted;
    if (n && anc_targets_names(file, &name, err)) return err->code;
    if (n)
        printf(
            "\n  view            image epoch flip  height x width  positive  negative  ignored  sampled%s\n",
            name ? "    file name" : "");
    for (int64_t v = 0; v < n; v++) {
        int32_t image;
        if (anc_targets_read(file, v, 1, &t, err) || anc_targets_image(file, v, &image, err)) break;
        const int32_t *size = t.column[ANC_VIEWS_SIZE], *count = t.column[ANC_VIEWS_COUNT];
        int64_t positives = t.n[ANC_ROWS_POSITIVES];
        printf("  %4lld %16lld %5d %4s %7d x %-6d %8d %9d %8d  %lld + %lld", (long long)v,
               (long long)*(int64_t *)t.column[ANC_VIEWS_IMAGE_ID], *(int32_t *)t.column[ANC_VIEWS_EPOCH],
               *(uint8_t *)t.column[ANC_VIEWS_FLIP] ? "yes" : "no", size[0], size[1], count[0], count[1],
               count[2], (long long)positives, (long long)(t.n[sampled] - positives));
        printf("%s%s\n", name ? "    " : "", name ? name[image] : "");
    }
    anc_targets_clear(&t);
    return err->code;
}

anc_status anc_inspect_read(anc_targets_file *file,
                            void (*add)(void *context, const anc_targets *t, bool first), void *context,
                            anc_err *err)
{
    const anc_targets_info *info = anc_targets_about_file(file);
    int64_t run = info->with[ANC_ROWS_LABELS] ? 16 : 2048, n = info->n[ANC_ROWS_VIEWS]; /* bounds memory */
    anc_targets t = { 0 };
    err->code = ANC_OK;
    for (int64_t first = 0; first < n && !err->code; first += run)
        if (!anc_targets_read(file, first, n - first < run ? n - first : run, &t, err))
            add(context, &t, !first);
    anc_targets_clear(&t);
    return err->code;
}
