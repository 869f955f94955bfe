/* bench/nms.c: see nms.h */
#include "bench/nms.h"
#include "bench/clock.h"
#include "core/nms.h"
#include "core/rank.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Boxes and scores of a file; returns how many, or -1. */
static int32_t load(const char *path, anc_box **box, float **score)
{
    FILE *f = fopen(path, "rb");
    struct stat info;
    if (!f || fstat(fileno(f), &info)) return -1;
    int32_t n = (int32_t)(info.st_size / 20);
    *box = malloc((size_t)n * sizeof **box + 1);
    *score = malloc((size_t)n * sizeof **score + 1);
    for (int32_t i = 0; i < n; i++)
        if (!*box || !*score || fread(&(*box)[i], 16, 1, f) != 1 || fread(&(*score)[i], 4, 1, f) != 1) n = -1;
    fclose(f);
    return n;
}

int bench_nms(const anc_kernels *kernels, const char *path, double iou, int rounds)
{
    anc_box *box = NULL;
    float *score = NULL;
    int32_t n = load(path, &box, &score), n_top, n_keep = 0;
    if (n < 0) {
        fprintf(stderr, "timings: %s cannot be read as rows of five float32\n", path);
        return 1;
    }
    int32_t *order = malloc((size_t)n * 4 + 1), *keep = malloc((size_t)n * 4 + 1);
    double *us = malloc((size_t)rounds * sizeof *us);
    anc_rank rank = { 0 };
    anc_nms nms = { 0 };
    anc_err err = { 0 };
    for (int r = 0; r < rounds && !err.code; r++) {
        double start = bench_cpu_us();
        if (!anc_rank_top(&rank, score, n, n, order, &n_top, &err))
            anc_nms_run(&nms, kernels, &(anc_nms_opts){ .iou = iou }, box, order, n, n, keep, &n_keep, &err);
        us[r] = bench_cpu_us() - start;
    }
    qsort(us, (size_t)rounds, sizeof *us, bench_ascending);
    char name[4096];
    snprintf(name, sizeof name, "%s.keep", path);
    FILE *out = fopen(name, "wb");
    bool written = out && fwrite(keep, 4, (size_t)n_keep, out) == (size_t)n_keep;
    if (out) written &= !fclose(out);
    if (written && !err.code) printf("%.1f\n", us[rounds / 2]);
    anc_nms_free(&nms);
    anc_rank_free(&rank);
    free(box), free(score), free(order), free(keep), free(us);
    return written && !err.code ? 0 : 1;
}
