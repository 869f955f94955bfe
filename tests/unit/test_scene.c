/* tests/unit/test_scene.c: core/synth/scene and core/synth/paint */
#include "core/synth/scene.h"
#include "tests/check.h"
#include <stdlib.h>
#include <string.h>

static const anc_scene_opts usual = { .seed = 5, .max_boxes = 93 };

static anc_scene made(const anc_scene_opts *o, int64_t index)
{
    anc_scene s = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(anc_scene_make(o, index, &s, &err), ANC_OK);
    return s;
}

static int same(const anc_scene *a, const anc_scene *b)
{
    if (a->id != b->id || a->width != b->width || a->height != b->height || a->n_objects != b->n_objects ||
        a->n_points != b->n_points)
        return 0;
    for (int i = 0; i < a->n_objects; i++) {
        const anc_scene_object *x = &a->object[i], *y = &b->object[i];
        if (x->x != y->x || x->y != y->y || x->w != y->w || x->h != y->h || x->category != y->category ||
            x->crowd != y->crowd || x->n_points != y->n_points)
            return 0;
    }
    return !a->n_points || !memcmp(a->point, b->point, (size_t)a->n_points * sizeof *a->point);
}

static void a_scene_depends_on_seed_and_index_alone(void)
{
    anc_scene_opts other = usual;
    other.seed++;
    anc_scene used = { 0 };
    anc_err err = { 0 };
    int equal_to_other_seed = 0, equal_to_neighbour = 0;
    for (int64_t i = 99; i >= 0; i--) {
        anc_scene fresh = made(&usual, i), seed = made(&other, i), next = made(&usual, i + 1), size;
        CU_ASSERT_EQUAL(anc_scene_make(&usual, i, &used, &err), ANC_OK);
        CU_ASSERT(same(&used, &fresh));
        anc_scene_begin(&usual, i, &size);
        CU_ASSERT(size.id == fresh.id && size.width == fresh.width && size.height == fresh.height);
        next.id = seed.id = fresh.id;
        equal_to_other_seed += same(&fresh, &seed);
        equal_to_neighbour += same(&fresh, &next);
        anc_scene_clear(&fresh);
        anc_scene_clear(&seed);
        anc_scene_clear(&next);
    }
    CU_ASSERT(equal_to_other_seed < 5 && equal_to_neighbour < 5); /* empty ones may look alike */
    anc_scene_clear(&used);
}

/* Stored once: other bytes would mean other data sets under the same command line. */
static void scenes_stay_what_they_were(void)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a over sizes, boxes and outlines */
    for (int64_t i = 0; i < 200; i++) {
        anc_scene s = made(&usual, i);
        int64_t head[] = { s.id, s.width, s.height, s.n_objects };
        for (int k = 0; k < 4; k++) hash = (hash ^ (uint64_t)head[k]) * 1099511628211u;
        for (int k = 0; k < s.n_objects; k++) {
            int32_t body[] = { s.object[k].x, s.object[k].y, s.object[k].w, s.object[k].h,
                               s.object[k].category };
            for (int j = 0; j < 5; j++) hash = (hash ^ (uint64_t)body[j]) * 1099511628211u;
        }
        for (int64_t k = 0; k < s.n_points; k++)
            hash = (hash ^ (uint64_t)s.point[k].x << 24 ^ (uint64_t)s.point[k].y) * 1099511628211u;
        anc_scene_clear(&s);
    }
    CU_ASSERT_EQUAL(hash, 0xf14195dd9a6b0fc2u);
}

static void outlines_touch_all_sides_of_boxes_inside_the_image(void)
{
    static const anc_scene_opts cases[] = {
        { .seed = 1, .max_boxes = 93 },
        { .seed = 2, .max_boxes = 93, .whole_pixels = true },
        { .seed = 3, .width = { 1, 40 }, .height = { 1, 40 }, .boxes = { 0, 30 } },
        { .seed = 4, .width = { 1, 1 }, .height = { 1, 1 }, .boxes = { 3, 3 } },
        { .seed = 5, .width = { 65535, 65535 }, .height = { 65000, 65535 }, .boxes = { 50, 60 } },
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (int64_t i = 0; i < 300; i++) {
            anc_scene s = made(&cases[c], i);
            int bad = 0;
            for (int k = 0; k < s.n_objects; k++) {
                const anc_scene_object *b = &s.object[k];
                const anc_scene_point *p = s.point + b->first_point;
                int64_t low[2] = { INT32_MAX, INT32_MAX }, high[2] = { -1, -1 };
                for (int j = 0; j < b->n_points; j++) {
                    int64_t x[2] = { p[j].x, p[j].x }, y[2] = { p[j].y, p[j].y };
                    if (b->crowd) {
                        x[0] = b->x + 100 * j, x[1] = x[0] + 100;
                        y[0] = 100LL * p[j].x, y[1] = 100LL * p[j].y;
                        bad += y[0] >= y[1];
                    }
                    for (int e = 0; e < 2; e++) {
                        low[0] = x[e] < low[0] ? x[e] : low[0], high[0] = x[e] > high[0] ? x[e] : high[0];
                        low[1] = y[e] < low[1] ? y[e] : low[1], high[1] = y[e] > high[1] ? y[e] : high[1];
                    }
                }
                bad += low[0] != b->x || low[1] != b->y || high[0] != b->x + b->w || high[1] != b->y + b->h;
                bad += b->x < 0 || b->y < 0 || b->x + b->w > 100 * s.width || b->y + b->h > 100 * s.height;
                bad += b->w < 100 || b->h < 100 || b->category < 0 || b->category >= ANC_SCENE_CATEGORIES;
                bad += anc_scene_area(&s, b) <= 0 || anc_scene_area(&s, b) > 2LL * b->w * b->h;
                if (cases[c].whole_pixels) bad += b->x % 100 || b->y % 100 || b->w % 100 || b->h % 100;
            }
            CU_ASSERT_EQUAL(bad, 0);
            anc_scene_clear(&s);
        }
}

static void options_bound_sizes_and_counts(void)
{
    const anc_scene_opts o = { .seed = 9, .width = { 30, 33 }, .height = { 7, 8 }, .boxes = { 2, 5 } };
    int seen[6] = { 0 }, widths[34] = { 0 };
    for (int64_t i = 0; i < 400; i++) {
        anc_scene s = made(&o, i);
        CU_ASSERT_FATAL(s.width >= 30 && s.width <= 33 && s.height >= 7 && s.height <= 8);
        CU_ASSERT_FATAL(s.n_objects >= 2 && s.n_objects <= 5);
        seen[s.n_objects]++;
        widths[s.width]++;
        anc_scene_clear(&s);
    }
    for (int n = 2; n <= 5; n++) CU_ASSERT(seen[n] > 60);
    for (int w = 30; w <= 33; w++) CU_ASSERT(widths[w] > 60);
    anc_scene_opts few = usual;
    few.max_boxes = 4;
    for (int64_t i = 0; i < 200; i++) {
        anc_scene s = made(&few, i);
        CU_ASSERT(s.n_objects <= 4);
        anc_scene_clear(&s);
    }
}

static void category_ids_are_cocos_and_names_differ(void)
{
    static const int gaps[] = { 12, 26, 29, 30, 45, 66, 68, 69, 71, 83 };
    int id = 0;
    for (int c = 0; c < ANC_SCENE_CATEGORIES; c++) {
        id++;
        for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) id += id == gaps[g];
        CU_ASSERT_EQUAL(anc_scene_category_id(c), id);
        for (int k = 0; k < c; k++)
            CU_ASSERT(strcmp(anc_scene_category_colour(c), anc_scene_category_colour(k)) ||
                      strcmp(anc_scene_category_shape(c), anc_scene_category_shape(k)));
    }
    CU_ASSERT_EQUAL(id, 90);
}

static int coloured(const uint8_t *p)
{
    int high = p[0] > p[1] ? p[0] : p[1], low = p[0] < p[1] ? p[0] : p[1];
    return (high > p[2] ? high : p[2]) - (low < p[2] ? low : p[2]) >= 50;
}

/* The extent of the coloured pixels is the box, rounded outwards; every kind of shape comes up. */
static void drawn_shapes_fill_their_boxes(void)
{
    unsigned shapes = 0;
    for (int64_t i = 0; i < 400; i++) {
        const anc_scene_opts o = {
            .seed = 3, .width = { 1, 90 }, .height = { 1, 90 }, .boxes = { 1, 1 }, .whole_pixels = i % 2
        };
        anc_scene s = made(&o, i);
        anc_err err = { 0 };
        size_t n = (size_t)(3 * s.width * s.height);
        uint8_t *rgb = check_guarded(n);
        CU_ASSERT_EQUAL_FATAL(anc_scene_paint(&o, &s, rgb, &err), ANC_OK);
        int low[2] = { 1000, 1000 }, high[2] = { -1, -1 };
        for (int y = 0; y < s.height; y++)
            for (int x = 0; x < s.width; x++) {
                if (!coloured(rgb + 3 * (y * s.width + x))) continue;
                if (x < low[0]) low[0] = x;
                if (x > high[0]) high[0] = x;
                if (y < low[1]) low[1] = y;
                if (y > high[1]) high[1] = y;
            }
        const anc_scene_object *b = s.object;
        CU_ASSERT(low[0] == b->x / 100 && low[1] == b->y / 100);
        CU_ASSERT(high[0] + 1 == (b->x + b->w + 99) / 100 && high[1] + 1 == (b->y + b->h + 99) / 100);
        if (o.whole_pixels) CU_ASSERT(100 * low[0] == b->x && 100 * (high[0] + 1) == b->x + b->w);
        shapes |= 1u << (b->category + b->category / 10) % 8;
        check_guarded_free(rgb, n);
        anc_scene_clear(&s);
    }
    CU_ASSERT_EQUAL(shapes, 0xff);
}

/* A pixel well inside the outline is drawn, one well outside is not: counts agree with the area. */
static void drawn_pixels_agree_with_the_area(void)
{
    for (int64_t i = 0; i < 60; i++) {
        const anc_scene_opts o = {
            .seed = 8, .width = { 500, 500 }, .height = { 400, 400 }, .boxes = { 1, 1 }
        };
        anc_scene s = made(&o, i);
        anc_err err = { 0 };
        uint8_t *rgb = malloc((size_t)3 * 500 * 400);
        CU_ASSERT_EQUAL_FATAL(anc_scene_paint(&o, &s, rgb, &err), ANC_OK);
        double drawn = 0, area = (double)anc_scene_area(&s, s.object) / 20000, length = 4;
        for (int k = 0; k < 500 * 400; k++) drawn += coloured(rgb + 3 * k);
        const anc_scene_point *p = s.point;
        for (int k = 0, last = s.object->n_points - 1; k < s.object->n_points; last = k++)
            length += (abs(p[k].x - p[last].x) + abs(p[k].y - p[last].y)) / 100. + 1;
        CU_ASSERT(drawn >= area - 1e-6 && drawn <= area + length);
        free(rgb);
        anc_scene_clear(&s);
    }
}

CHECK_SUITE("scene", CHECK(a_scene_depends_on_seed_and_index_alone), CHECK(scenes_stay_what_they_were),
            CHECK(outlines_touch_all_sides_of_boxes_inside_the_image), CHECK(options_bound_sizes_and_counts),
            CHECK(category_ids_are_cocos_and_names_differ), CHECK(drawn_shapes_fill_their_boxes),
            CHECK(drawn_pixels_agree_with_the_area));
