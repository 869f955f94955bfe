/* core/synth/scene_features.c: see scene_features.h */
#include "core/synth/scene_features.h"
#include "core/half.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { COLOURED, RED, GREEN, BLUE, OUTLINE, N_PLANES };

/* Background channels are within 32 of each other, those of shapes 50 or more apart. */
static bool coloured(const uint8_t *p)
{
    int most = p[0] > p[1] ? p[0] : p[1], least = p[0] < p[1] ? p[0] : p[1];
    return (p[2] > most ? p[2] : most) - (p[2] < least ? p[2] : least) > 40;
}

anc_status anc_scene_sums_make(anc_scene_sums *s, const uint8_t *rgb, int32_t height, int32_t width,
                               anc_err *err)
{
    int64_t row = width + 1, plane = row * (height + 1), need = N_PLANES * plane;
    if (need > s->capacity) {
        free(s->sum);
        s->capacity = 0;
        s->sum = malloc((size_t)need * sizeof *s->sum);
        if (!s->sum)
            return anc_fail(err, ANC_EMEMORY, "out of memory for the features of %d x %d pixels", width,
                            height);
        s->capacity = need;
    }
    s->height = height;
    s->width = width;
    for (int k = 0; k < N_PLANES; k++)
        for (int64_t x = 0; x < row; x++) s->sum[k * plane + x] = 0;
    for (int64_t y = 0; y < height; y++) {
        const uint8_t *p = rgb + 3 * y * width;
        uint32_t line[N_PLANES] = { 0 }, *to = s->sum + (y + 1) * row;
        for (int k = 0; k < N_PLANES; k++) to[k * plane] = 0;
        for (int64_t x = 0; x < width; x++, p += 3) {
            bool here = coloured(p);
            line[COLOURED] += here;
            for (int k = 0; k < 3; k++) line[RED + k] += p[k];
            line[OUTLINE] +=
                (x && coloured(p - 3) != here) || (y && coloured(p - 3 * (int64_t)width) != here);
            for (int k = 0; k < N_PLANES; k++) to[k * plane + x + 1] = to[k * plane + x + 1 - row] + line[k];
        }
    }
    return ANC_OK;
}

void anc_scene_sums_clear(anc_scene_sums *s)
{
    free(s->sum);
    *s = (anc_scene_sums){ 0 };
}

typedef struct {
    int64_t x1, y1, x2, y2;
} window;

static int64_t within(int64_t v, int64_t most) { return v < 0 ? 0 : v > most ? most : v; }

/* The part inside of the picture. */
static window cut(const anc_scene_sums *s, window w)
{
    return (window){ within(w.x1, s->width), within(w.y1, s->height), within(w.x2, s->width),
                     within(w.y2, s->height) };
}

static double sum_over(const anc_scene_sums *s, int plane, window w)
{
    int64_t row = s->width + 1;
    const uint32_t *sum = s->sum + plane * row * (s->height + 1);
    w = cut(s, w);
    return sum[w.y2 * row + w.x2] - sum[w.y1 * row + w.x2] - sum[w.y2 * row + w.x1] + sum[w.y1 * row + w.x1];
}

static double area(window w) { return (double)((w.x2 - w.x1) * (w.y2 - w.y1)); }

static double mean(const anc_scene_sums *s, int plane, window w)
{
    double inside = area(cut(s, w));
    return inside > 0 ? sum_over(s, plane, w) / inside : 0;
}

static void put(uint16_t *to, double value) { *to = anc_half_from((float)(4 * value)); }

/* Where the window is half as wide: its left or right, its upper or lower part. */
static window half_of(window w, bool second, bool rows)
{
    int64_t x = (w.x1 + w.x2) / 2, y = (w.y1 + w.y2) / 2;
    if (rows) return second ? (window){ w.x1, y, w.x2, w.y2 } : (window){ w.x1, w.y1, w.x2, y };
    return second ? (window){ x, w.y1, w.x2, w.y2 } : (window){ w.x1, w.y1, x, w.y2 };
}

/* How far a window's second half is from its first one. */
static double change(const anc_scene_sums *s, int plane, window w, bool rows)
{
    return mean(s, plane, half_of(w, true, rows)) - mean(s, plane, half_of(w, false, rows));
}

static void look(const anc_scene_sums *s, int64_t x, int64_t y, int32_t stride, uint16_t *to)
{
    for (int k = 0; k < 4; k++) {
        int64_t half = (int64_t)stride << k;
        window w = { x - half, y - half, x + half, y + half },
               wide = { x - 2 * half, y - 2 * half, x + 2 * half, y + 2 * half };
        put(to++, mean(s, COLOURED, w));
        put(to++, mean(s, OUTLINE, w));
        for (int rows = 0; rows < 2; rows++) put(to++, change(s, COLOURED, w, rows));
        double contrast = 0, step[2] = { 0 };
        for (int c = RED; c <= BLUE; c++) {
            contrast += fabs(mean(s, c, w) - mean(s, c, wide)) / 255;
            for (int rows = 0; rows < 2; rows++) step[rows] += fabs(change(s, c, w, rows)) / 255;
        }
        put(to++, contrast);
        put(to++, step[0]);
        put(to++, step[1]);
        put(to++, area(cut(s, w)) / area(w));
    }
}

void anc_scene_features(const anc_scene_sums *s, int32_t stride, int32_t grid_h, int32_t grid_w,
                        uint16_t *map)
{
    for (int64_t y = 0; y < grid_h; y++)
        for (int64_t x = 0; x < grid_w; x++, map += ANC_SCENE_CHANNELS)
            look(s, x * stride, y * stride, stride, map);
}
