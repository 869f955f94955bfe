/* bench/roi.c: see roi.h */
#include "bench/roi.h"
#include "bench/clock.h"
#include "core/roi.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VIEW_H = 800, VIEW_W = 1333 };

typedef struct {
    int32_t n, n_gt, seed;
    double (*proposal)[4];
    anc_box *gt;
} scene;

/* Takes, matches, samples and encodes; us of each of the rounds, sorted. False when out of memory. */
static bool run(const anc_kernels *k, const anc_rules *rules, const scene *s, int rounds, anc_rois *r,
                double *us)
{
    anc_view v;
    anc_err err = { 0 };
    anc_view_exact(&v, VIEW_H, VIEW_W, VIEW_H, 1344);
    for (int i = 0; i < rounds; i++) {
        double start = bench_cpu_us();
        if (anc_roi_take(r, rules, &v, (const double(*)[4])s->proposal, s->n, s->gt, s->n_gt, &err))
            return false;
        anc_roi_match(r, k, rules, s->gt, s->n_gt, NULL, 0);
        anc_roi_sample(r, rules, (uint64_t)s->seed, 1, 0);
        anc_roi_encode(r, k, rules, s->gt);
        us[i] = bench_cpu_us() - start;
    }
    qsort(us, (size_t)rounds, sizeof *us, bench_ascending);
    return true;
}

static bool load(const char *path, scene *s)
{
    int32_t head[4] = { 0 };
    FILE *f = fopen(path, "rb");
    bool good = f && fread(head, sizeof head, 1, f) == 1 && head[0] >= 0 && head[1] >= 0;
    *s = (scene){ head[0], head[1], head[2], NULL, NULL };
    s->proposal = malloc(((size_t)s->n + 1) * sizeof *s->proposal);
    s->gt = malloc(((size_t)s->n_gt + 1) * sizeof *s->gt);
    good = good && s->proposal && s->gt;
    for (int32_t i = 0; good && i < s->n; i++) {
        float b[4];
        good = fread(b, sizeof b, 1, f) == 1;
        for (int e = 0; e < 4; e++) s->proposal[i][e] = b[e];
    }
    good = good && fread(s->gt, sizeof *s->gt, (size_t)s->n_gt, f) == (size_t)s->n_gt;
    if (f) fclose(f);
    return good;
}

static bool save(const char *path, const anc_rois *r)
{
    char name[4096];
    snprintf(name, sizeof name, "%s.chosen", path);
    FILE *f = fopen(name, "wb");
    const int32_t head[2] = { r->batch_positive, r->batch_negative };
    size_t n = (size_t)(head[0] + head[1]);
    bool good = f && fwrite(head, sizeof head, 1, f) == 1 &&
                fwrite(r->sample, sizeof *r->sample, n, f) == n &&
                fwrite(r->target, sizeof *r->target, (size_t)head[0], f) == (size_t)head[0];
    if (f && fclose(f)) good = false;
    return good;
}

int bench_roi_file(const anc_kernels *kernels, const char *path, int rounds)
{
    scene s;
    anc_rois r = { 0 };
    anc_rules rules = *anc_rules_preset("torchvision-fpn");
    double *us = malloc((size_t)rounds * sizeof *us);
    rules.sample.rule = ANC_SAMPLER_TORCH;
    bool good = load(path, &s) && us && run(kernels, &rules, &s, rounds, &r, us) && save(path, &r);
    if (good)
        printf("%.1f\n", us[rounds / 2]);
    else
        fprintf(stderr, "timings: %s: cannot be read, or what was chosen not be written\n", path);
    anc_rois_free(&r);
    free(s.proposal);
    free(s.gt);
    free(us);
    return !good;
}

/* Boxes anywhere; two thirds of the proposals about one of them. */
static double uniform(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static anc_box draw(uint64_t *state)
{
    double w = 8 * exp(uniform(state) * log(60)), h = 8 * exp(uniform(state) * log(60));
    double x = uniform(state) * (VIEW_W - w), y = uniform(state) * (VIEW_H - h);
    return (anc_box){ (float)x, (float)y, (float)(x + w), (float)(y + h) };
}

void bench_roi(const anc_kernels *kernels,
               void (*figure)(const char *name, double value, const char *unit, const char *beside))
{
    enum { N = 2000, ROUNDS = 99 };
    static double proposal[N][4], us[ROUNDS];
    static anc_box gt[1000];
    static const int32_t counts[] = { 7, 50, 1000 };
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        uint64_t state = 7;
        scene s = { N, counts[c], 0, proposal, gt };
        anc_rois r = { 0 };
        for (int32_t i = 0; i < s.n_gt; i++) gt[i] = draw(&state);
        for (int i = 0; i < N; i++) {
            anc_box b = i % 3 ? gt[i % s.n_gt] : draw(&state);
            double by = i % 3 ? (b.x2 - b.x1) * 0.3 * (uniform(&state) - 0.5) : 0;
            const double corners[4] = { b.x1 + by, b.y1, b.x2 + by, b.y2 };
            memcpy(proposal[i], corners, sizeof corners);
        }
        char name[40];
        snprintf(name, sizeof name, "roi.%d_boxes", s.n_gt);
        if (run(kernels, anc_rules_preset("torchvision-fpn"), &s, ROUNDS, &r, us))
            figure(name, us[ROUNDS / 2], "us",
                   "second stage of a view with 2000 proposals: take, match, sample, encode");
        anc_rois_free(&r);
    }
}
