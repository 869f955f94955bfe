/* core/synth/paint.c: draws a generated scene; see anc_scene_paint in scene.h */
#include "core/rng.h"
#include "core/synth/scene.h"
#include <stdlib.h>
#include <string.h>

enum { STREAM_PAINT = 2 }; /* beside the streams of scene.c */

/* The same pseudo-random 32 bits for the same place (an integer hash in the manner of MurmurHash3's end). */
static uint32_t noise(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t h = a * 0x9e3779b1u ^ (b + 0x7f4a7c15u) * 0x85ebca77u ^ c * 0xc2b2ae3du;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

static int clamp(int v) { return v < 0 ? 0 : v > 255 ? 255 : v; }

/* Clouds (values on a 32 px lattice, blended between), fine grain, and a slight tint. */
static void background(uint32_t salt, const anc_scene *s, uint8_t *rgb)
{
    int base = 70 + (int)(noise(salt, 0, 0) % 110), tint[3];
    for (int c = 0; c < 3; c++) tint[c] = (int)(noise(salt, 1, (uint32_t)c) % 25) - 12;
    for (int32_t y = 0; y < s->height; y++) {
        uint32_t cell_y = (uint32_t)y / 32;
        int fy = y % 32, left = 0, right = 0;
        for (int32_t x = 0; x < s->width; x++) {
            if (x % 32 == 0) { /* the two lattice columns around this one, blended for row y */
                int corner[2][2];
                for (uint32_t i = 0; i < 4; i++)
                    corner[i / 2][i % 2] =
                        (int)(noise(salt ^ 0xc10d, (uint32_t)x / 32 + i % 2, cell_y + i / 2) & 63);
                left = corner[0][0] * (32 - fy) + corner[1][0] * fy;
                right = corner[0][1] * (32 - fy) + corner[1][1] * fy;
            }
            int fx = x % 32, v = base + (left * (32 - fx) + right * fx) / 1024;
            v += (int)(noise(salt, (uint32_t)x, (uint32_t)y) & 7);
            for (int c = 0; c < 3; c++) *rgb++ = (uint8_t)clamp(v + tint[c]);
        }
    }
}

typedef struct {
    int32_t x, y, w, h; /* the box rounded outwards, px */
    uint8_t *mask;      /* [h, w] */
} cover;

static void cover_row(cover *m, int32_t row, int32_t first, int32_t end)
{
    if (first < m->x) first = m->x;
    if (end > m->x + m->w) end = m->x + m->w;
    if (end > first)
        memset(m->mask + (int64_t)(row - m->y) * m->w + (first - m->x), 1, (size_t)(end - first));
}

static int32_t px_floor(double hundredths) { return (int32_t)(hundredths / 100); } /* never negative here */

static int32_t px_ceil(double hundredths)
{
    int32_t v = (int32_t)(hundredths / 100);
    return v + (v * 100.0 < hundredths);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* x where the edge from a to b meets height y; an edge's own ends stay exact. */
static double edge_x(const anc_scene_point *a, const anc_scene_point *b, double y)
{
    if (y == a->y) return a->x;
    if (y == b->y) return b->x;
    return a->x + (double)(b->x - a->x) * (y - a->y) / (b->y - a->y);
}

/* A pixel is touched when its centre lies inside, or an edge passes through it. `crossing` [n]: scratch. */
static void cover_polygon(const anc_scene_point *p, int32_t n, double *crossing, cover *m)
{
    for (int32_t row = m->y; row < m->y + m->h; row++) {
        double top = 100.0 * row, middle = top + 50, bottom = top + 100;
        int found = 0;
        for (int32_t k = 0, last = n - 1; k < n; last = k++) {
            const anc_scene_point *a = p[last].y <= p[k].y ? &p[last] : &p[k],
                                  *b = a == &p[k] ? &p[last] : &p[k];
            if (a->y <= middle && middle < b->y) crossing[found++] = edge_x(a, b, middle);
            if (a->y >= bottom || b->y <= top) continue;
            double from = edge_x(a, b, a->y > top ? a->y : top),
                   to = edge_x(a, b, b->y < bottom ? b->y : bottom);
            if (a->y == b->y) from = a->x, to = b->x;
            cover_row(m, row, px_floor(from < to ? from : to), px_ceil(from < to ? to : from));
        }
        qsort(crossing, (size_t)found, sizeof *crossing, compare);
        for (int i = 0; i + 1 < found; i += 2) { /* pixels whose centres lie between two crossings */
            double from = crossing[i] - 50, to = crossing[i + 1] - 50;
            cover_row(m, row, from < 0 ? 0 : px_ceil(from), to < 0 ? 0 : px_ceil(to));
        }
    }
}

static void cover_crowd(const anc_scene_point *p, int32_t n, cover *m)
{
    for (int32_t c = 0; c < n; c++)
        for (int32_t row = p[c].x; row < p[c].y; row++) m->mask[(int64_t)(row - m->y) * m->w + c] = 1;
}

/* Every channel of a shape is scaled alike, by 1/2 or more, so that it keeps its colour. */
static void fill(const cover *m, const anc_scene_object *b, uint32_t salt, int32_t width, uint8_t *rgb)
{
    static const uint8_t colour[10][3] = { { 220, 30, 30 },  { 240, 130, 10 }, { 235, 215, 20 },
                                           { 140, 225, 20 }, { 20, 150, 50 },  { 20, 200, 210 },
                                           { 30, 70, 220 },  { 125, 40, 200 }, { 230, 40, 175 },
                                           { 140, 75, 20 } };
    const uint8_t *paint = colour[b->category % 10];
    int shade = 128 + (int)(salt >> 8 & 63); /* tells overlapping shapes of one colour apart */
    uint32_t cell = b->crowd ? 12 : 3 + salt % 6;
    for (int32_t y = 0; y < m->h; y++) {
        const uint8_t *covered = m->mask + (int64_t)y * m->w;
        uint8_t *to = rgb + 3 * ((int64_t)(m->y + y) * width + m->x);
        for (int32_t x = 0; x < m->w; x++, to += 3) {
            if (!covered[x]) continue;
            int scale = shade + (int)(noise(salt, (uint32_t)x / cell, (uint32_t)y / cell) & 55);
            for (int c = 0; c < 3; c++) to[c] = (uint8_t)(paint[c] * scale / 255);
        }
    }
}

typedef struct {
    int64_t area;
    int32_t object;
} order;

static int larger_first(const void *a, const void *b)
{
    const order *x = a, *y = b;
    return x->area != y->area ? (x->area < y->area) - (x->area > y->area)
                              : (x->object > y->object) - (x->object < y->object);
}

anc_status anc_scene_paint(const anc_scene_opts *o, const anc_scene *s, uint8_t *rgb, anc_err *err)
{
    int64_t largest = 1;
    int32_t corners = 1;
    order *by_size = malloc(sizeof *by_size * ((size_t)s->n_objects + 1));
    for (int32_t i = 0; by_size && i < s->n_objects; i++) {
        const anc_scene_object *b = &s->object[i];
        by_size[i] = (order){ (int64_t)b->w * b->h, i };
        int64_t pixels = (b->w / 100 + 2LL) * (b->h / 100 + 2);
        if (pixels > largest) largest = pixels;
        if (b->n_points > corners) corners = b->n_points;
    }
    cover m = { .mask = malloc((size_t)largest) };
    double *crossing = malloc(sizeof *crossing * (size_t)corners);
    anc_status status = ANC_OK;
    if (!by_size || !m.mask || !crossing) {
        status = anc_fail(err, ANC_EMEMORY, "out of memory for a picture with %d boxes", s->n_objects);
        goto end;
    }
    qsort(by_size, (size_t)s->n_objects, sizeof *by_size, larger_first);
    anc_rng d;
    anc_rng_init(&d, o->seed, s->index, STREAM_PAINT, ANC_RNG_SCENE);
    uint32_t ground = anc_rng_u32(&d), salt = anc_rng_u32(&d);
    background(ground, s, rgb);
    for (int32_t i = 0; i < s->n_objects; i++) {
        const anc_scene_object *b = &s->object[by_size[i].object];
        m.x = b->x / 100;
        m.y = b->y / 100;
        m.w = (b->x + b->w + 99) / 100 - m.x;
        m.h = (b->y + b->h + 99) / 100 - m.y;
        memset(m.mask, 0, (size_t)m.w * (size_t)m.h);
        if (b->crowd)
            cover_crowd(s->point + b->first_point, b->n_points, &m);
        else
            cover_polygon(s->point + b->first_point, b->n_points, crossing, &m);
        fill(&m, b, noise(salt, (uint32_t)by_size[i].object, 0), s->width, rgb);
    }
end:
    free(by_size);
    free(m.mask);
    free(crossing);
    return status;
}
