/* bench/propose.c: see propose.h */
#include "bench/propose.h"
#include "bench/head.h"
#include "core/head/dense.h"
#include "core/proposals.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LEVELS = 5, C = 256, A = 3, VIEW_H = 800, VIEW_W = 1333, PADDED_W = 1344, ROUNDS = 5, MOST = 64 };
static const int32_t grids[LEVELS][2] = { { 200, 336 }, { 100, 168 }, { 50, 84 }, { 25, 42 }, { 13, 21 } };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
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

static void die(const anc_err *err)
{
    fprintf(stderr, "timings: %s\n", err->text);
    exit(1);
}

static void *capacity(size_t bytes)
{
    void *p = malloc(bytes + 1);
    if (p) return p;
    fputs("timings: out of memory\n", stderr);
    exit(1);
}

static double uniform(void)
{
    static uint64_t state = 11;
    uint64_t z = state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* ---- make bench ---- */

static void time_dense(const anc_kernels *k, void (*figure)(const char *, double, const char *, const char *))
{
    anc_head_shape shape = { C, C, A };
    anc_feature_map map[LEVELS];
    anc_dense d;
    anc_err err = { 0 };
    double t[ROUNDS], positions = 0;
    float *w = capacity(anc_head_size(&shape) * sizeof *w),
          *logit = capacity((size_t)grids[0][0] * (size_t)grids[0][1] * A * 4),
          (*delta)[4] = capacity((size_t)grids[0][0] * (size_t)grids[0][1] * A * 16);
    for (int l = 0; l < LEVELS; l++) {
        size_t n = (size_t)(grids[l][0] * grids[l][1]) * C;
        uint16_t *x = capacity(n * sizeof *x);
        for (size_t i = 0; i < n; i++) x[i] = (uint16_t)(0x3000 + (int)(uniform() * 0x0c00)); /* 0.125 to 2 */
        map[l] = (anc_feature_map){ grids[l][0], grids[l][1], true, x };
        positions += grids[l][0] * grids[l][1];
    }
    anc_head_one_thread();
    anc_head_init(&shape, 1, 0.01, w);
    if (anc_dense_init(&d, &shape, k, w, &err)) die(&err);
    for (int r = -1; r < ROUNDS; r++) {
        double start = now_us();
        for (int l = 0; l < LEVELS; l++)
            if (anc_dense_level(&d, &map[l], logit, delta, &err)) die(&err);
        if (r >= 0) t[r] = now_us() - start;
    }
    char beside[200];
    double took = median(t, ROUNDS), rate = positions * 2 * C * (9.0 * C + 5 * A) / took * 1e-3,
           peak = bench_peak();
    figure("dense.view", took / 1000, "ms",
           "the whole head at all 89,523 positions of a view, 256 channels, float16 in memory");
    snprintf(beside, sizeof beside,
             "counted as a plain convolution, of which 4/9 are done; BLAS for %s, one thread",
             anc_head_blas());
    figure("dense.rate", rate, "GFLOP/s", beside);
    if (peak > 0)
        figure("dense.share", 100 * rate / peak, "%",
               "dense.rate over fma.peak; above 100 is possible, see dense.rate");
    anc_dense_free(&d);
    for (int l = 0; l < LEVELS; l++) free((void *)(uintptr_t)map[l].row);
    free(w);
    free(logit);
    free(delta);
}

/* Logits and deltas of a view, as a trained head might have them: most logits low. */
static void predict(int32_t n, float *logit, float (*delta)[4])
{
    for (int32_t i = 0; i < n; i++) {
        double g = uniform() + uniform() + uniform() + uniform() - 2; /* deviation 0.58 */
        logit[i] = (float)(4 * g - 4);
        for (int e = 0; e < 4; e++) delta[i][e] = (float)((uniform() + uniform() - 1) * 0.5);
    }
}

static void lay(anc_grid *g, int32_t view_w)
{
    anc_err err = { 0 };
    if (anc_grid_place_on(g, anc_rules_preset("torchvision-fpn"), VIEW_H, view_w, VIEW_H, PADDED_W, grids,
                          &err))
        die(&err);
}

static void firsts(const anc_grid *g, int32_t first[LEVELS + 1])
{
    for (int l = 0; l < LEVELS; l++) first[l] = g->level[l].first;
    first[LEVELS] = g->n_anchors;
}

void bench_propose(const anc_kernels *k, void (*figure)(const char *, double, const char *, const char *))
{
    static anc_grid g;
    int32_t first[LEVELS + 1], candidates = 0;
    anc_err err = { 0 };
    anc_proposer p = { .kernels = k };
    double t[3][ROUNDS];
    time_dense(k, figure);
    lay(&g, VIEW_W);
    firsts(&g, first);
    float *logit = capacity((size_t)g.n_anchors * 4), (*delta)[4] = capacity((size_t)g.n_anchors * 16);
    predict(g.n_anchors, logit, delta);
    anc_proposal_rules_preset("torchvision-fpn", false, &p.rules);
    for (int r = -1; r < ROUNDS; r++) {
        double t0 = now_us();
        if (anc_propose_rank(&p, logit, first, LEVELS, &err)) die(&err);
        double t1 = now_us();
        candidates = p.n;
        anc_propose_decode(&p, anc_rules_preset("torchvision-fpn"), &g, (const float(*)[4])delta);
        double t2 = now_us();
        if (anc_propose_filter(&p, VIEW_H, VIEW_W, 1, &err)) die(&err);
        double t3 = now_us();
        if (r >= 0) t[0][r] = t1 - t0, t[1][r] = t2 - t1, t[2][r] = t3 - t2;
    }
    char beside[128];
    snprintf(beside, sizeof beside, "the best 1,000 of each of 5 levels, of %d anchors", g.n_anchors);
    figure("propose.rank", median(t[0], ROUNDS), "us", beside);
    snprintf(beside, sizeof beside, "%d candidates", candidates);
    figure("propose.decode", median(t[1], ROUNDS), "us", beside);
    snprintf(beside, sizeof beside, "clip, suppress within levels at IoU 0.7, %d proposals", p.n);
    figure("propose.filter", median(t[2], ROUNDS), "us", beside);
    anc_proposer_free(&p);
    free(logit);
    free(delta);
}

/* ---- beside torch ---- */

static void read_all(FILE *f, const char *path, void *to, size_t bytes)
{
    if (f && fread(to, 1, bytes, f) == bytes) return;
    fprintf(stderr, "timings: %s cannot be read\n", path);
    exit(1);
}

static void write_all(const char *path, const char *ending, const void *bytes, size_t n, const void *more,
                      size_t n_more)
{
    char name[4096];
    snprintf(name, sizeof name, "%s.%s", path, ending);
    FILE *f = fopen(name, "wb");
    bool good = f && fwrite(bytes, 1, n, f) == n && fwrite(more, 1, n_more, f) == n_more;
    if (f) good &= !fclose(f);
    if (good) return;
    fprintf(stderr, "timings: %s cannot be written\n", name);
    exit(1);
}

int bench_dense(const anc_kernels *k, const char *path, int rounds)
{
    int32_t about[3], hw[ANC_MAX_LEVELS][2];
    FILE *f = fopen(path, "rb");
    read_all(f, path, about, sizeof about);
    if (about[0] < 1 || about[0] > ANC_MAX_LEVELS || rounds < 1 || rounds > MOST) return 2;
    read_all(f, path, hw, (size_t)about[0] * sizeof hw[0]);
    anc_head_shape shape = { about[1], about[1], about[2] };
    float *w = capacity(anc_head_size(&shape) * 4);
    read_all(f, path, w, anc_head_size(&shape) * 4);
    anc_feature_map map[ANC_MAX_LEVELS];
    size_t first[ANC_MAX_LEVELS + 1] = { 0 };
    for (int l = 0; l < about[0]; l++) {
        size_t n = (size_t)(hw[l][0] * hw[l][1]);
        float *x = capacity(n * (size_t)about[1] * 4);
        read_all(f, path, x, n * (size_t)about[1] * 4);
        map[l] = (anc_feature_map){ hw[l][0], hw[l][1], false, x };
        first[l + 1] = first[l] + n * (size_t)about[2];
    }
    fclose(f);
    float *logit = capacity(first[about[0]] * 4), (*delta)[4] = capacity(first[about[0]] * 16);
    double t[MOST];
    anc_dense d;
    anc_err err = { 0 };
    anc_head_one_thread();
    if (anc_dense_init(&d, &shape, k, w, &err)) die(&err);
    for (int r = 0; r < rounds; r++) {
        double start = now_us();
        for (int l = 0; l < about[0]; l++)
            if (anc_dense_level(&d, &map[l], logit + first[l], delta + first[l], &err)) die(&err);
        t[r] = now_us() - start;
    }
    write_all(path, "out", logit, first[about[0]] * 4, delta, first[about[0]] * 16);
    printf("%.4f %s\n", median(t, rounds) / 1000, anc_head_blas());
    anc_dense_free(&d);
    for (int l = 0; l < about[0]; l++) free((void *)(uintptr_t)map[l].row);
    free(w);
    free(logit);
    free(delta);
    return 0;
}

int bench_filter(const anc_kernels *k, const char *path, int rounds)
{
    static anc_grid g;
    int32_t first[LEVELS + 1];
    if (rounds < 1 || rounds > MOST) return 2;
    lay(&g, PADDED_W);
    firsts(&g, first);
    size_t n = (size_t)g.n_anchors;
    float *logit = capacity(n * 4), (*delta)[4] = capacity(n * 16), (*row)[5] = capacity(1000 * sizeof *row);
    anc_box *box = capacity(n * 16);
    FILE *f = fopen(path, "rb");
    read_all(f, path, logit, n * 4);
    read_all(f, path, delta, n * 16);
    read_all(f, path, box, n * 16);
    fclose(f);
    anc_proposer p = { .kernels = k };
    anc_err err = { 0 };
    anc_proposal_rules_preset("torchvision-fpn", false, &p.rules);
    for (int from_deltas = 0; from_deltas < 2; from_deltas++) {
        double t[MOST];
        for (int r = 0; r < rounds; r++) {
            double start = now_us();
            if (anc_propose_rank(&p, logit, first, LEVELS, &err)) die(&err);
            if (from_deltas)
                anc_propose_decode(&p, anc_rules_preset("torchvision-fpn"), &g, (const float(*)[4])delta);
            else
                for (int32_t i = 0; i < p.n; i++) p.box[i] = box[p.anchor[i]];
            if (anc_propose_filter(&p, VIEW_H, PADDED_W, 1, &err)) die(&err);
            t[r] = now_us() - start;
        }
        for (int32_t i = 0; i < p.n && i < 1000; i++) {
            memcpy(row[i], &p.box[i], sizeof p.box[i]);
            row[i][4] = p.score[i];
        }
        write_all(path, from_deltas ? "deltas" : "boxes", row, (size_t)p.n * sizeof *row, NULL, 0);
        printf("%.1f%c", median(t, rounds), from_deltas ? '\n' : ' ');
    }
    anc_proposer_free(&p);
    free(logit);
    free(delta);
    free(box);
    free(row);
    return 0;
}
