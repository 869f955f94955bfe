/* tests/unit/test_scene_features.c: core/synth/scene_features and core/half */
#include "core/half.h"
#include "core/synth/scene_features.h"
#include "tests/check.h"
#include <math.h>
#include <stdlib.h>

enum { H = 37, W = 53 };

/* Every second cell a shape's colour, the rest background grey. */
static void draw(check_rng *r, uint8_t rgb[H][W][3])
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int grey = check_int(r, 60, 180), shape = (y / 9 + x / 11) % 2 && check_int(r, 0, 9);
            for (int c = 0; c < 3; c++)
                rgb[y][x][c] = (uint8_t)(grey + (shape ? 60 * (c == (x / 11) % 3) : check_int(r, -15, 15)));
        }
}

static int coloured(const uint8_t *p)
{
    return fmax(p[0], fmax(p[1], p[2])) - fmin(p[0], fmin(p[1], p[2])) > 40;
}

/* 0 coloured, 1 to 3 colour, 4 outline: the mean over the pixels of [x1, x2) x [y1, y2) that there are. */
static double mean(uint8_t rgb[H][W][3], int plane, int x1, int y1, int x2, int y2)
{
    double sum = 0, n = 0;
    for (int y = y1 < 0 ? 0 : y1; y < y2 && y < H; y++)
        for (int x = x1 < 0 ? 0 : x1; x < x2 && x < W; x++, n++) {
            int here = coloured(rgb[y][x]);
            if (plane == 0) sum += here;
            if (plane >= 1 && plane <= 3) sum += rgb[y][x][plane - 1];
            if (plane == 4)
                sum += (x && coloured(rgb[y][x - 1]) != here) || (y && coloured(rgb[y - 1][x]) != here);
        }
    return n > 0 ? sum / n : 0;
}

static double wanted(uint8_t rgb[H][W][3], int x, int y, int stride, int channel)
{
    int r = stride << channel / 8, x1 = x - r, y1 = y - r, x2 = x + r, y2 = y + r, inside = 0;
    double sum = 0;
    switch (channel % 8) {
    case 0: return mean(rgb, 0, x1, y1, x2, y2);
    case 1: return mean(rgb, 4, x1, y1, x2, y2);
    case 2: return mean(rgb, 0, x, y1, x2, y2) - mean(rgb, 0, x1, y1, x, y2);
    case 3: return mean(rgb, 0, x1, y, x2, y2) - mean(rgb, 0, x1, y1, x2, y);
    case 4:
        for (int c = 1; c < 4; c++)
            sum += fabs(mean(rgb, c, x1, y1, x2, y2) - mean(rgb, c, x1 - r, y1 - r, x2 + r, y2 + r)) / 255;
        return sum;
    case 5:
        for (int c = 1; c < 4; c++)
            sum += fabs(mean(rgb, c, x, y1, x2, y2) - mean(rgb, c, x1, y1, x, y2)) / 255;
        return sum;
    case 6:
        for (int c = 1; c < 4; c++)
            sum += fabs(mean(rgb, c, x1, y, x2, y2) - mean(rgb, c, x1, y1, x2, y)) / 255;
        return sum;
    default:
        for (int v = y1; v < y2; v++)
            for (int u = x1; u < x2; u++) inside += v >= 0 && v < H && u >= 0 && u < W;
        return (double)inside / (4 * r * r);
    }
}

static void maps_are_means_over_the_pixels_of_windows(void)
{
    check_rng r = { 4 };
    static uint8_t rgb[H][W][3];
    anc_scene_sums sums = { 0 };
    anc_err err = { 0 };
    draw(&r, rgb);
    CU_ASSERT_EQUAL_FATAL(anc_scene_sums_make(&sums, rgb[0][0], H, W, &err), ANC_OK);
    for (int stride = 3; stride <= 16; stride += 13) {
        int h = 64 / stride, w = 64 / stride, wrong = 0;
        uint16_t *map = malloc((size_t)(h * w) * ANC_SCENE_CHANNELS * sizeof *map);
        CU_ASSERT_PTR_NOT_NULL_FATAL(map);
        anc_scene_features(&sums, stride, h, w, map);
        for (int i = 0; i < h * w; i++)
            for (int c = 0; c < ANC_SCENE_CHANNELS; c++) {
                double is = anc_half(map[i * ANC_SCENE_CHANNELS + c]),
                       want = 4 * wanted(rgb, i % w * stride, i / w * stride, stride, c);
                wrong += fabs(is - want) > 0x1p-11 * fabs(want) + 0x1p-24;
            }
        CU_ASSERT_EQUAL(wrong, 0);
        free(map);
    }
    anc_scene_sums_clear(&sums);
}

static void every_half_goes_to_float_and_back(void)
{
    int wrong = 0;
    for (uint32_t h = 0; h < 65536; h++) {
        float f = anc_half((uint16_t)h);
        uint16_t back = anc_half_from(f);
        wrong += isnan(f) ? (back & 0x7fff) <= 0x7c00 : back != h;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void a_float_becomes_the_nearest_half_the_even_one_on_a_tie(void)
{
    check_rng r = { 9 };
    int wrong = 0;
    for (int i = 0; i < 200000; i++) {
        float f = (float)ldexp(check_uniform(&r) - 0.5, check_int(&r, -26, 17));
        uint16_t h = anc_half_from(f);
        if (isinf(anc_half(h))) {
            wrong += fabsf(f) < 65520;
            continue;
        }
        double off = fabs((double)anc_half(h) - f), below = fabs((double)anc_half((uint16_t)(h - 1)) - f),
               above = fabs((double)anc_half((uint16_t)(h + 1)) - f);
        wrong += (h & 0x7fff && off > below) || (off > above && (h & 0x7fff) != 0x7bff);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(anc_half_from(1 + 0x1p-11f), 0x3c00);
    CU_ASSERT_EQUAL(anc_half_from(1 + 0x3p-11f), 0x3c02);
    CU_ASSERT_EQUAL(anc_half_from(0x1p-25f), 0);
    CU_ASSERT_EQUAL(anc_half_from(0x3p-25f), 2);
    CU_ASSERT_EQUAL(anc_half_from(-65519.9f), 0xfbff);
    CU_ASSERT_EQUAL(anc_half_from(65520), 0x7c00);
}

CHECK_SUITE("scene_features", CHECK(maps_are_means_over_the_pixels_of_windows),
            CHECK(every_half_goes_to_float_and_back),
            CHECK(a_float_becomes_the_nearest_half_the_even_one_on_a_tie));
