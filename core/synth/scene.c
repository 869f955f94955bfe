/* core/synth/scene.c: see scene.h; the picture of a scene is drawn by paint.c */
#include "core/synth/scene.h"
#include "core/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OUTLINE_MAX = 400 };

/* An image's streams of numbers: its size can be had without its objects. */
enum { STREAM_SIZE, STREAM_OBJECTS };

static int32_t draw_int(anc_rng *d, int32_t low, int32_t high)
{
    return low + (int32_t)anc_rng_below(d, (uint32_t)(high - low) + 1);
}

static double draw_real(anc_rng *d) { return anc_rng_u32(d) * 0x1p-32; }

/* Close to a normal law of mean 0 and deviation 1: a sum of eight uniform ones. libm's log and cos would
 * not give the same last bit everywhere. */
static double draw_normal(anc_rng *d)
{
    uint32_t sum = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t word = anc_rng_u32(d);
        sum += (word & 0xffff) + (word >> 16);
    }
    return (sum * 0x1p-16 - 4) * 1.2247448713915890; /* sqrt(12/8) */
}

/* 2^x by the series of e^y, y in [0, ln 2): within 1e-9, and the same bits everywhere. */
static double power2(double x)
{
    double whole = floor(x), y = (x - whole) * 0.69314718055994531, sum = 1;
    for (int k = 9; k > 0; k--) sum = 1 + sum * y / k;
    return ldexp(sum, (int)whole);
}

/* The sizes that Flickr gave most of COCO's pictures, in percent; the rest has one side of 640 or 500. */
static const struct {
    int16_t width, height, percent;
} sizes[] = {
    { 640, 480, 28 }, { 640, 427, 11 }, { 500, 375, 8 }, { 480, 640, 6 }, { 640, 426, 4 }, { 640, 428, 3 },
    { 427, 640, 3 },  { 640, 425, 2 },  { 500, 333, 2 }, { 375, 500, 2 }, { 612, 612, 1 }, { 640, 640, 1 },
};

void anc_scene_begin(const anc_scene_opts *o, int64_t index, anc_scene *s)
{
    anc_rng d;
    anc_rng_init(&d, o->seed, index, STREAM_SIZE, ANC_RNG_SCENE);
    s->index = index;
    s->id = 1 + 5 * index + draw_int(&d, 0, 4); /* gaps: 118287 images end near 591435, train2017 at 581929 */
    if (o->width[0]) {
        s->width = draw_int(&d, o->width[0], o->width[1]);
        s->height = draw_int(&d, o->height[0], o->height[1]);
        return;
    }
    int32_t percent = draw_int(&d, 0, 99);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        s->width = sizes[i].width;
        s->height = sizes[i].height;
        if ((percent -= sizes[i].percent) < 0) return;
    }
    int32_t longer = draw_real(&d) < 0.85 ? 640 : 500, shorter = draw_int(&d, 240, longer);
    bool landscape = draw_real(&d) < 0.74;
    s->width = landscape ? longer : shorter;
    s->height = landscape ? shorter : longer;
}

/* Outlines in the unit square. */
typedef struct {
    double x[OUTLINE_MAX], y[OUTLINE_MAX];
    int n;
} outline;

enum { ELLIPSE, RECTANGLE, TRIANGLE, DIAMOND, CROSS, STAR, ARROW, BLOB };

#define THIRD (1. / 3)
static const struct {
    const char *name;
    int n;
    double corner[12][2]; /* of the shapes with straight sides */
} shapes[] = {
    [ELLIPSE] = { "ellipse", 0, { { 0 } } },
    [RECTANGLE] = { "rectangle", 4, { { 0, 0 }, { 1, 0 }, { 1, 1 }, { 0, 1 } } },
    [TRIANGLE] = { "triangle", 3, { { .5, 0 }, { 1, 1 }, { 0, 1 } } },
    [DIAMOND] = { "diamond", 4, { { .5, 0 }, { 1, .5 }, { .5, 1 }, { 0, .5 } } },
    [CROSS] = { "cross",
                12,
                { { THIRD, 0 },
                  { 2 * THIRD, 0 },
                  { 2 * THIRD, THIRD },
                  { 1, THIRD },
                  { 1, 2 * THIRD },
                  { 2 * THIRD, 2 * THIRD },
                  { 2 * THIRD, 1 },
                  { THIRD, 1 },
                  { THIRD, 2 * THIRD },
                  { 0, 2 * THIRD },
                  { 0, THIRD },
                  { THIRD, THIRD } } },
    [STAR] = { "star",
               8,
               { { .5, 0 },
                 { .65, .35 },
                 { 1, .5 },
                 { .65, .65 },
                 { .5, 1 },
                 { .35, .65 },
                 { 0, .5 },
                 { .35, .35 } } },
    [ARROW] = { "arrow",
                7,
                { { 0, .3 }, { .55, .3 }, { .55, 0 }, { 1, .5 }, { .55, 1 }, { .55, .7 }, { 0, .7 } } },
    [BLOB] = { "blob", 0, { { 0 } } },
};

static const char *const colours[] = { "red",  "orange", "yellow", "lime",    "green",
                                       "cyan", "blue",   "purple", "magenta", "brown" };

/* Neighbours differ in both; 3 q + c runs through all shapes for each colour c, for 80 different pairs. */
static int shape_of(int32_t category) { return (category + category / 10) % 8; }

const char *anc_scene_category_shape(int32_t category) { return shapes[shape_of(category)].name; }
const char *anc_scene_category_colour(int32_t category) { return colours[category % 10]; }

int32_t anc_scene_category_id(int32_t category)
{
    static const int8_t gap[] = { 12, 26, 29, 30, 45, 66, 68, 69, 71, 83 };
    int32_t id = category + 1;
    for (size_t i = 0; i < sizeof gap; i++) id += id >= gap[i];
    return id;
}

/* The straight-sided shapes: every side is cut into equal parts, as if somebody had clicked along it. */
static void outline_straight(int shape, int n, outline *out)
{
    int corners = shapes[shape].n;
    out->n = 0;
    if (n < corners) n = corners;
    for (int c = 0; c < corners; c++) {
        const double *a = shapes[shape].corner[c], *b = shapes[shape].corner[(c + 1) % corners];
        int parts = n / corners + (c < n % corners);
        for (int k = 0; k < parts; k++) {
            double t = (double)k / parts;
            out->x[out->n] = a[0] + (b[0] - a[0]) * t;
            out->y[out->n++] = a[1] + (b[1] - a[1]) * t;
        }
    }
}

/* A circle of n points (n a multiple of 4), or with radii that wander, then stretched to the unit square. */
static void outline_round(bool wander, int n, anc_rng *d, outline *out)
{
    double low[2] = { 9, 9 }, high[2] = { -9, -9 }, bend = 0;
    out->n = n;
    for (int k = 0; k < n; k++) {
        double t = (double)(k % (n / 4)) / (n / 4); /* the rational form of a quarter circle */
        double p[2] = { (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t) };
        for (int q = k / (n / 4); q > 0; q--) {
            double x = p[0];
            p[0] = -p[1];
            p[1] = x;
        }
        if (wander) bend = 0.6 * bend + 0.7 * (draw_real(d) - 0.5);
        double radius = power2(bend);
        for (int i = 0; i < 2; i++) {
            double *to = i ? out->y : out->x;
            to[k] = p[i] * radius;
            if (to[k] < low[i]) low[i] = to[k];
            if (to[k] > high[i]) high[i] = to[k];
        }
    }
    for (int k = 0; k < n; k++) {
        out->x[k] = (out->x[k] - low[0]) / (high[0] - low[0]);
        out->y[k] = (out->y[k] - low[1]) / (high[1] - low[1]);
    }
}

static double outline_area(const outline *u)
{
    double sum = 0;
    for (int k = 0, last = u->n - 1; k < u->n; last = k++) sum += u->x[last] * u->y[k] - u->x[k] * u->y[last];
    return fabs(sum) / 2;
}

static int32_t to_hundredths(const anc_scene_opts *o, double pixels, int32_t most)
{
    int32_t v = o->whole_pixels ? 100 * (int32_t)(pixels + 0.5) : (int32_t)(pixels * 100);
    return v < 100 ? 100 : v > most ? most : v;
}

static int32_t draw_place(const anc_scene_opts *o, anc_rng *d, int32_t capacity)
{
    return o->whole_pixels ? 100 * draw_int(d, 0, capacity / 100) : draw_int(d, 0, capacity);
}

/* One object with an outline. In train2017 41 % of the outlines are smaller than 32^2 px, 34 % smaller than
 * 96^2: one log-normal law of median 1726 and a deviation of 3.47 octaves gives both. The number of corners
 * grows with the sixth root of the area. */
static void object_make(const anc_scene_opts *o, anc_rng *d, anc_scene *s, anc_scene_object *b)
{
    double octaves = 10.753 + 3.47 * draw_normal(d), aspect = power2(0.95 * draw_normal(d));
    double corners = 17 * power2((octaves - 8.2) / 6 + 0.65 * draw_normal(d)), u = draw_real(d);
    double area = power2(octaves < 3.6 ? 3.6 + 2 * draw_real(d) : octaves); /* no smaller than 12 px^2 */
    if (aspect > 7) aspect = 7;
    if (aspect < 1. / 7) aspect = 1. / 7;
    int n = corners < 4 ? 4 : corners > OUTLINE_MAX ? OUTLINE_MAX : (int)corners;

    b->category =
        (int32_t)(ANC_SCENE_CATEGORIES * u * u * u * sqrt(u)); /* the first has 29 %, the last 0.4 % */
    outline shape;
    int kind = shape_of(b->category);
    if (kind == ELLIPSE || kind == BLOB)
        outline_round(kind == BLOB, n < 12 ? 8 : n / 4 * 4, d, &shape);
    else
        outline_straight(kind, n, &shape);

    double whole = (double)s->width * s->height, box = area / outline_area(&shape);
    if (box > 0.9 * whole) box = whole * (0.3 + 0.6 * draw_real(d));
    double w = sqrt(box * aspect), h = sqrt(box / aspect);
    if (w > s->width) h *= w / s->width;
    if (h > s->height) w *= h / s->height;
    b->w = to_hundredths(o, w, 100 * s->width);
    b->h = to_hundredths(o, h, 100 * s->height);
    b->x = draw_place(o, d, 100 * s->width - b->w);
    b->y = draw_place(o, d, 100 * s->height - b->h);

    b->first_point = s->n_points;
    b->n_points = shape.n;
    for (int k = 0; k < shape.n; k++)
        s->point[s->n_points++] = (anc_scene_point){ b->x + (int32_t)(shape.x[k] * b->w + 0.5),
                                                     b->y + (int32_t)(shape.y[k] * b->h + 0.5) };
}

/* A crowd region: columns of rows, wandering at the top and at the bottom. */
static void crowd_make(anc_rng *d, anc_scene *s, anc_scene_object *b)
{
    int32_t w = 1 + (int32_t)((s->width - 1) * (0.15 + 0.75 * draw_real(d)));
    int32_t h = 1 + (int32_t)((s->height - 1) * (0.1 + 0.6 * draw_real(d)));
    int32_t x = draw_int(d, 0, s->width - w), y = draw_int(d, 0, s->height - h), highest = w / 3,
            lowest = w - 1 - w / 3;
    double u = draw_real(d), top = 0.3, bottom = 0.7;
    *b = (anc_scene_object){ 100 * x, 100 * y, 100 * w, 100 * h, 0, true, s->n_points, w };
    b->category = (int32_t)(ANC_SCENE_CATEGORIES * u * u * u * sqrt(u));
    for (int32_t c = 0; c < w; c++) {
        uint32_t word = anc_rng_u32(d);
        top = fmin(fmax(top + ((word & 0xffff) * 0x1p-16 - 0.5) * 0.1, 0), 0.45);
        bottom = fmin(fmax(bottom + ((word >> 16) * 0x1p-16 - 0.5) * 0.1, 0.55), 1);
        int32_t first = c == highest ? 0 : (int32_t)(top * h), end = c == lowest ? h : (int32_t)(bottom * h);
        if (end <= first) end = first + 1;
        s->point[s->n_points++] = (anc_scene_point){ y + first, y + end };
    }
}

static int32_t draw_count(const anc_scene_opts *o, anc_rng *d)
{
    if (o->boxes[1]) return draw_int(d, o->boxes[0], o->boxes[1]);
    /* train2017: mean 7.27, median 4, one image in 116 has none; log-normal but for these */
    double n = 4.28 * power2(1.5 * draw_normal(d));
    if (draw_int(d, 0, 115) == 0) return 0;
    if (n > o->max_boxes) n = o->max_boxes;
    return n < 1 ? (o->max_boxes > 0) : (int32_t)(n + 0.5);
}

/* Reserves capacity for `need` elements of `size` bytes; *room counts elements. */
static bool grow(void **array, int64_t *capacity, int64_t need, size_t size)
{
    if (need <= *capacity) return true;
    int64_t wanted = need + need / 2;
    void *larger = realloc(*array, (size_t)wanted * size);
    if (!larger) return false;
    *array = larger;
    *capacity = wanted;
    return true;
}

anc_status anc_scene_make(const anc_scene_opts *o, int64_t index, anc_scene *s, anc_err *err)
{
    anc_scene_begin(o, index, s);
    anc_rng d;
    anc_rng_init(&d, o->seed, index, STREAM_OBJECTS, ANC_RNG_SCENE);
    int32_t n = draw_count(o, &d);
    bool crowd = n > 1 && draw_real(&d) < 0.097; /* 1 % of all annotations; at most one in an image */
    s->n_objects = 0;
    s->n_points = 0;
    if (!grow((void **)&s->object, &s->object_capacity, n, sizeof *s->object)) goto no_memory;
    for (int32_t i = 0; i < n; i++) {
        anc_scene_object *b = &s->object[s->n_objects++];
        bool region = crowd && i == n - 1;
        if (!grow((void **)&s->point, &s->point_capacity, s->n_points + (region ? s->width : OUTLINE_MAX),
                  sizeof *s->point))
            goto no_memory;
        *b = (anc_scene_object){ 0 };
        if (region)
            crowd_make(&d, s, b);
        else
            object_make(o, &d, s, b);
    }
    return ANC_OK;
no_memory:
    return anc_fail(err, ANC_EMEMORY, "scene %lld: out of memory for %d boxes", (long long)index, n);
}

void anc_scene_clear(anc_scene *s)
{
    free(s->object);
    free(s->point);
    *s = (anc_scene){ 0 };
}

int64_t anc_scene_area(const anc_scene *s, const anc_scene_object *b)
{
    const anc_scene_point *p = s->point + b->first_point;
    int64_t sum = 0;
    if (b->crowd) {
        for (int32_t k = 0; k < b->n_points; k++) sum += p[k].y - p[k].x;
        return sum * 20000;
    }
    for (int32_t k = 0, last = b->n_points - 1; k < b->n_points; last = k++)
        sum += (int64_t)p[last].x * p[k].y - (int64_t)p[k].x * p[last].y;
    return sum < 0 ? -sum : sum;
}
