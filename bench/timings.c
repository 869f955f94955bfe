/* bench/timings.c: `make bench`: one figure a line: name, value, unit, and what it was measured beside
 *
 * Every figure is the median of several rounds over the same views, on one core. Results are checked first:
 * the search and the brute-force loop must agree on every label before either is timed.
 */
#include "bench/brute_avx2.h"
#include "bench/head.h"
#include "bench/nms.h"
#include "bench/packing.h"
#include "bench/propose.h"
#include "bench/roi.h"
#include "core/label.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { VIEW_H = 800, VIEW_W = 1333, PADDED_W = 1344, ROUNDS = 9 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, ascending);
    return x[n / 2];
}

static uint64_t state = 20151;
static double uniform(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* Boxes as in the peers' baseline: log-uniform sides from 8 px to the image, mild ratios, anywhere inside. */
static void draw_boxes(anc_annotation *a, int n, double w, double h)
{
    for (int i = 0; i < n; i++) {
        double side = 8 * exp(uniform() * log(w / 8)), ratio = exp((uniform() - 0.5) * 1.5);
        double bw = fmin(side * sqrt(ratio), w), bh = fmin(side / sqrt(ratio), h);
        double x = uniform() * (w - bw), y = uniform() * (h - bh);
        a[i] = (anc_annotation){ .xyxy = { x, y, x + bw, y + bh } };
    }
}

typedef struct {
    int n_views;
    int *n;
    anc_annotation **a;
} views;

/* mean > 0: geometric counts of that mean (at least 1); else exactly `exact` boxes each. */
static views make_views(int n_views, double mean, int exact, double w, double h)
{
    views v = { n_views, malloc((size_t)n_views * sizeof(int)),
                malloc((size_t)n_views * sizeof(anc_annotation *)) };
    for (int i = 0; i < n_views; i++) {
        v.n[i] = mean > 0 ? 1 + (int)(log(1 - uniform()) / log(1 - 1 / mean)) : exact;
        v.a[i] = malloc((size_t)v.n[i] * sizeof(anc_annotation));
        draw_boxes(v.a[i], v.n[i], w, h);
    }
    return v;
}

static void free_views(views *v)
{
    for (int i = 0; i < v->n_views; i++) free(v->a[i]);
    free(v->n);
    free(v->a);
}

static void die(const anc_err *err)
{
    fprintf(stderr, "timings: %s\n", err->text);
    exit(1);
}

static void figure(const char *name, double value, const char *unit, const char *beside)
{
    printf("%-30s %12.4g %-8s %s\n", name, value, unit, beside);
    fflush(stdout);
}

typedef struct {
    double lay, match, sample, encode;
} stages;

static stages time_views(anc_labeller *l, const views *v, int rounds)
{
    double t[4][64];
    anc_err err = { 0 };
    for (int r = -1; r < rounds; r++) {
        double sum[4] = { 0 };
        for (int i = 0; i < v->n_views; i++) {
            double a = now_us();
            if (anc_label_by_rule(l, i + 1, 0, VIEW_H, VIEW_W, v->a[i], v->n[i], &err)) die(&err);
            double b = now_us();
            if (anc_label_match(l, &err)) die(&err);
            double c = now_us();
            if (anc_label_sample(l, &err)) die(&err);
            double d = now_us();
            if (anc_label_encode(l, &err)) die(&err);
            double e = now_us();
            sum[0] += b - a;
            sum[1] += c - b;
            sum[2] += d - c;
            sum[3] += e - d;
        }
        for (int s = 0; s < 4 && r >= 0; s++) t[s][r] = sum[s] / v->n_views;
    }
    return (stages){ median(t[0], rounds), median(t[1], rounds), median(t[2], rounds), median(t[3], rounds) };
}

/* Brute force on the same views; its labels are compared with the search's before it is timed. */
static double time_brute(anc_labeller *l, const views *v, int rounds)
{
    anc_err err = { 0 };
    double t[64];
    int8_t *label = malloc((size_t)l->grid.n_anchors);
    int32_t *gt = malloc((size_t)l->grid.n_anchors * sizeof *gt);
    float(*capacity)[8] = malloc(4096 * sizeof *capacity);
    for (int r = -1; r < rounds; r++) {
        double sum = 0;
        for (int i = 0; i < v->n_views; i++) {
            if (anc_label_by_rule(l, i + 1, 0, VIEW_H, VIEW_W, v->a[i], v->n[i], &err)) die(&err);
            double a = now_us();
            bench_brute_avx2(&l->grid, l->box, l->n_box, 0.7f, 0.3f, capacity, label, gt);
            sum += now_us() - a;
            if (r >= 0) continue;
            if (anc_label_match(l, &err)) die(&err);
            for (int32_t k = 0; k < l->grid.n_anchors; k++)
                if (anc_match_label(&l->match, &l->grid, k) != label[k] ||
                    (label[k] == 1 && anc_match_gt(&l->match, &l->grid, k) != gt[k])) {
                    fprintf(stderr, "timings: view %d, anchor %d: the search and brute force disagree\n", i,
                            k);
                    exit(1);
                }
        }
        if (r >= 0) t[r] = sum / v->n_views;
    }
    free(label);
    free(gt);
    free(capacity);
    return median(t, rounds);
}

static double peak_mib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

/* One view of a million anchors with 10,000 boxes, in a process of its own size so far. */
static void crowded_view(const anc_kernels *k)
{
    enum { N = 10000, H = 1600, W = 2496 };
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    r.view.resize = ANC_RESIZE_NONE;
    anc_labeller l = { .rules = &r, .kernels = k };
    anc_err err = { 0 };
    anc_annotation *a = malloc(N * sizeof *a);
    for (int i = 0; i < N; i++) {
        double w = 4 + 60 * uniform(), h = 4 + 60 * uniform(), x = uniform() * (W - w),
               y = uniform() * (H - h);
        a[i] = (anc_annotation){ .xyxy = { x, y, x + w, y + h } };
    }
    double start = now_us();
    if (anc_label_by_rule(&l, 1, 0, H, W, a, N, &err) || anc_label_match(&l, &err) ||
        anc_label_sample(&l, &err) || anc_label_encode(&l, &err))
        die(&err);
    double took = now_us() - start;
    char beside[128];
    snprintf(beside, sizeof beside, "match, sample, encode; %d anchors, %d boxes, one view, first call",
             l.grid.n_anchors, N);
    figure("crowded.time", took / 1000, "ms", beside);
    figure("crowded.peak_memory", peak_mib(), "MiB", "the whole process, at its end");
    anc_labeller_free(&l);
    free(a);
}

int main(int argc, char **argv)
{
    if (argc == 5 && !strcmp(argv[1], "nms")) /* timings nms FILE IOU ROUNDS */
        return bench_nms(anc_kernels_find(NULL), argv[2], atof(argv[3]), atoi(argv[4]));
    if (argc == 4 && !strcmp(argv[1], "dense")) /* timings dense FILE ROUNDS */
        return bench_dense(anc_kernels_find(NULL), argv[2], atoi(argv[3]));
    if (argc == 4 && !strcmp(argv[1], "filter")) /* timings filter FILE ROUNDS */
        return bench_filter(anc_kernels_find(NULL), argv[2], atoi(argv[3]));
    if (argc == 4 && !strcmp(argv[1], "roi")) /* timings roi FILE ROUNDS */
        return bench_roi_file(anc_kernels_find(NULL), argv[2], atoi(argv[3]));
    const anc_kernels *k = anc_kernels_find(argc > 1 ? argv[1] : NULL);
    if (!k) {
        fprintf(stderr, "timings: no kernels called '%s' on this machine\n", argv[1]);
        return 2;
    }
    printf("# %s kernels; views of 800 x 1333 px, FPN, one core, median of %d rounds\n", k->name, ROUNDS);
    crowded_view(k);
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    r.anchors.stride_from_grid = false;
    r.view.resize = ANC_RESIZE_NONE;
    anc_labeller l = { .rules = &r, .kernels = k };
    views v = make_views(400, 7.4, 0, VIEW_W, VIEW_H);
    double mean = 0;
    for (int i = 0; i < v.n_views; i++) mean += v.n[i] / (double)v.n_views;
    stages s = time_views(&l, &v, ROUNDS);
    char beside[128];
    snprintf(beside, sizeof beside, "%d anchors, %.1f boxes on average", l.grid.n_anchors, mean);
    figure("view.lay", s.lay, "us", "resize rule, boxes into the view, grid");
    figure("view.match", s.match, "us", beside);
    figure("view.sample", s.sample, "us", "256 of them");
    figure("view.encode", s.encode, "us", "the minibatch's positives");
    figure("view.total", s.match + s.sample + s.encode, "us", "match + sample + encode");
    if (__builtin_cpu_supports("avx2")) {
        views few = { v.n_views / 8, v.n, v.a };
        stages beside_it = time_views(&l, &few, ROUNDS);
        double brute = time_brute(&l, &few, 3);
        figure("brute.match", brute, "us", "all anchors x all boxes in AVX2, the same views");
        figure("brute.ratio", brute / beside_it.match, "x", "brute.match over view.match on these views");
    } else {
        puts("brute.match: NOT RUN (needs AVX2)");
    }
    static const int counts[] = { 1, 7, 50, 300, 1000 };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        views one = make_views(counts[i] > 50 ? 20 : 100, 0, counts[i], VIEW_W, VIEW_H);
        char name[40];
        s = time_views(&l, &one, ROUNDS);
        snprintf(name, sizeof name, "match.%d_boxes", counts[i]);
        snprintf(beside, sizeof beside, "%.3g us a box", s.match / counts[i]);
        figure(name, s.match, "us", beside);
        free_views(&one);
    }
    bench_head(k, figure);
    bench_propose(k, figure);
    bench_roi(k, figure);
    anc_targets t;
    anc_err err = { 0 };
    if (anc_targets_init(&t, &r, (anc_kept){ 0 }, &err)) die(&err);
    for (int round = 0; round < 8; round++)
        for (int i = 0; i < v.n_views; i++)
            if (anc_label_by_rule(&l, round * v.n_views + i, 0, VIEW_H, VIEW_W, v.a[i], v.n[i], &err) ||
                anc_label_match(&l, &err) || anc_label_sample(&l, &err) || anc_label_encode(&l, &err) ||
                anc_targets_append(&t, &l, &err))
                die(&err);
    const char *dir = getenv("TMPDIR");
    int failed = bench_packing(&t, dir ? dir : "/tmp");
    anc_targets_clear(&t);
    free_views(&v);
    anc_labeller_free(&l);
    return failed;
}
