/* jobs/job_synth.c: `anchorage synth`: generated scenes as a COCO JSON, as pictures, and as a backbone's
 * features */
#include "core/synth/scene.h"
#include "core/synth/scene_features.h"
#include "io/dataset/coco_write.h"
#include "io/file/out.h"
#include "io/file/png.h"
#include "io/store/feature_write.h"
#include "jobs/cli/clock.h"
#include "jobs/cli/format.h"
#include "jobs/cli/opts.h"
#include "jobs/cli/output_name.h"
#include "jobs/cli/progress.h"
#include "jobs/cli/run_opts.h"
#include "jobs/job.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURE_PIXELS_MAX = 1 << 28 }; /* of one picture in memory, 3 bytes each */

typedef struct {
    const char *folder, *width, *height, *boxes, *strides;
    int64_t scenes, seed, max_boxes;
    bool images, features, quiet;
    int32_t n_levels, stride[ANC_MAX_LEVELS];
    anc_scene_opts scene;
} request;

typedef struct {
    int64_t boxes, crowds, without_boxes, json_bytes, outline[3]; /* outline: small, medium, large */
} totals;

/* What is made of one scene after another. */
typedef struct {
    anc_scene scene;
    uint8_t *rgb; /* [height, width, 3] */
    int64_t capacity;
    anc_scene_sums sums;
    uint16_t *map[ANC_MAX_LEVELS];
    int64_t map_capacity[ANC_MAX_LEVELS];
    anc_features_out *features; /* NULL: none are wanted */
} maker;

/* "640" or "320-640" into range[2]; 0 or an exit code. */
static int parse_range(const anc_usage *u, const char *option, const char *text, int64_t least, int64_t most,
                       int32_t range[2])
{
    int64_t v[2] = { 0, 0 };
    int n = 0, used = 0;
    bool good = text[0] >= '0' && text[0] <= '9' && sscanf(text, "%9" SCNd64 "%n", &v[0], &used) == 1;
    v[1] = v[0];
    if (good && text[used] == '-' && text[used + 1] >= '0' && text[used + 1] <= '9') {
        good = sscanf(text + used + 1, "%9" SCNd64 "%n", &v[1], &n) == 1;
        used += 1 + n;
    }
    if (!good || text[used])
        return anc_opts_refuse(u, "--%s: '%s' is not a number or a range such as 320-640", option, text);
    if (v[0] < least || v[1] > most || v[1] < v[0])
        return anc_opts_refuse(u, "--%s: %s is out of range (%" PRId64 " to %" PRId64 ", the smaller first)",
                               option, text, least, most);
    range[0] = (int32_t)v[0];
    range[1] = (int32_t)v[1];
    return 0;
}

/* "8,16,32" into stride[]; 0 or an exit code. */
static int parse_strides(const anc_usage *u, request *r)
{
    const char *at = r->strides;
    for (int used = 0;; at += used + 1, used = 0) {
        int v = 0;
        int32_t before = r->n_levels ? r->stride[r->n_levels - 1] : 0;
        if (sscanf(at, "%5d%n", &v, &used) != 1 || v <= before || v > ANC_SCENE_STRIDE_MAX ||
            r->n_levels == ANC_MAX_LEVELS)
            break;
        r->stride[r->n_levels++] = v;
        if (!at[used]) return 0;
        if (at[used] != ',') break;
    }
    return anc_opts_refuse(u, "--strides %s: must be at most %d ascending numbers up to %d, such as 8,16,32",
                           r->strides, ANC_MAX_LEVELS, ANC_SCENE_STRIDE_MAX);
}

static int parse(int argc, char **argv, request *r)
{
    const anc_opt options[] = {
        { "output", 'o', "DIR", ANC_OPT_STRING, &r->folder, 0, 0, "the folder to write to, made if need be" },
        { "scenes", 'n', "N", ANC_OPT_INT, &r->scenes, 0, ANC_SCENE_COUNT_MAX, "how many scenes" },
        { "seed", 's', "S", ANC_OPT_INT, &r->seed, 0, 0, "another number gives other scenes" },
        { "images", 'i', NULL, ANC_OPT_FLAG, &r->images, 0, 0, "also draw the scenes, as DIR/images/*.png" },
        { "features", 'f', NULL, ANC_OPT_FLAG, &r->features, 0, 0,
          "also write DIR/features.h5: maps of 32 channels, made from the pixels, that a head can be trained "
          "on" },
        { "strides", 0, "N,N", ANC_OPT_STRING, &r->strides, 0, 0, "of the features' levels" },
        { "width", 0, "W", ANC_OPT_STRING, &r->width, 0, 0,
          "image widths in pixels, one or a range such as 320-640; needs --height (default: train2017's "
          "sizes)" },
        { "height", 0, "H", ANC_OPT_STRING, &r->height, 0, 0, "image heights, likewise; needs --width" },
        { "boxes", 0, "N", ANC_OPT_STRING, &r->boxes, 0, 0,
          "boxes per image, a number or a range, all equally likely (default: train2017's law)" },
        { "max-boxes", 0, "N", ANC_OPT_INT, &r->max_boxes, 0, ANC_SCENE_BOXES_MAX,
          "no image gets more under train2017's law" },
        { "whole-pixels", 0, NULL, ANC_OPT_FLAG, &r->scene.whole_pixels, 0, 0,
          "put box edges on whole pixels, so that the drawn shapes fill their boxes exactly" },
        anc_opt_quiet(&r->quiet),
        { 0 },
    };
    const anc_usage usage = {
        .command = "synth",
        .operands = "",
        .about = "Writes generated scenes as DIR/annotations.json, a COCO JSON with the statistics of COCO "
                 "train2017: "
                 "image sizes, boxes per image, areas, aspect ratios, crowd regions. The same options give "
                 "the same "
                 "bytes on every machine.",
        .example = "anchorage synth -o demo/scenes --scenes 2000 --images",
        .opt = options,
    };
    int n_operands, end = anc_opts_parse(&usage, argc, argv, NULL, &n_operands);
    if (end) return end;
    if (!r->folder || !*r->folder) return 1 + anc_opts_refuse(&usage, "-o DIR is missing: where to write to");
    if (!r->width != !r->height) return 1 + anc_opts_refuse(&usage, "--width and --height go together");
    int bad = 0;
    if (r->width) bad = parse_range(&usage, "width", r->width, 1, ANC_SCENE_SIDE_MAX, r->scene.width);
    if (!bad && r->height)
        bad = parse_range(&usage, "height", r->height, 1, ANC_SCENE_SIDE_MAX, r->scene.height);
    if (!bad && r->boxes)
        bad = parse_range(&usage, "boxes", r->boxes, 0, ANC_SCENE_BOXES_MAX, r->scene.boxes);
    if (!bad) bad = parse_strides(&usage, r);
    if (bad) return 1 + bad;
    if ((r->images || r->features) && (int64_t)r->scene.width[1] * r->scene.height[1] > PICTURE_PIXELS_MAX)
        return 1 + anc_opts_refuse(&usage, "--%s draws pictures of %d pixels at most, not %s x %s",
                                   r->images ? "images" : "features", PICTURE_PIXELS_MAX, r->width,
                                   r->height);
    r->scene.seed = (uint64_t)r->seed;
    r->scene.max_boxes = (int32_t)r->max_boxes;
    if (r->boxes && !r->scene.boxes[1]) r->scene.max_boxes = 0; /* --boxes 0: none anywhere */
    return 0;
}

/* A crowd's columns as COCO's runs: pixels outside, inside, outside ... down the columns, left to right. */
static void write_runs(anc_coco_writer *w, const anc_scene *s, const anc_scene_object *b)
{
    const anc_scene_point *p = s->point + b->first_point;
    int64_t at = 0, from = 0; /* pixel numbers: end of the last run written; start of the open run inside */
    for (int32_t i = 0; i < b->n_points; i++) {
        int64_t column = (int64_t)(b->x / 100 + i) * s->height, end = column + p[i].y;
        if (i == 0) {
            anc_coco_write_run(w, (from = column + p[i].x) - at);
        } else if (column + p[i].x > at) { /* otherwise the run goes on over the edge of the image */
            anc_coco_write_run(w, at - from);
            anc_coco_write_run(w, column + p[i].x - at);
            from = column + p[i].x;
        }
        at = end;
    }
    anc_coco_write_run(w, at - from);
    int64_t rest = (int64_t)s->width * s->height - at;
    if (rest) anc_coco_write_run(w, rest);
}

static void write_object(anc_coco_writer *w, const anc_scene *s, const anc_scene_object *b, totals *t)
{
    const anc_scene_point *p = s->point + b->first_point;
    int64_t area = anc_scene_area(s, b), number = ++t->boxes;
    anc_coco_write_begin(w, b->crowd);
    if (b->crowd)
        write_runs(w, s, b);
    else
        for (int32_t i = 0; i < b->n_points; i++) anc_coco_write_point(w, p[i].x, p[i].y);
    anc_coco_annotation a = {
        .id = b->crowd ? 900000000000 + number
                       : number, /* above 2^32, as crowds have it in the official files */
        .image_id = s->id,
        .area = area,
        .xywh = { b->x, b->y, b->w, b->h },
        .category = anc_scene_category_id(b->category),
        .height = s->height,
        .width = s->width,
    };
    anc_coco_write_end(w, &a);
    if (b->crowd)
        t->crowds++;
    else
        t->outline[(area >= 32 * 32 * 20000) + (area >= 96 * 96 * 20000)]++;
}

static const char *image_name(int64_t id, char name[40])
{
    snprintf(name, 40, "%012" PRId64 ".png", id);
    return name;
}

static anc_status paint(const request *r, maker *m, anc_err *err)
{
    const anc_scene *s = &m->scene;
    int64_t need = (int64_t)3 * s->width * s->height;
    if (need > m->capacity) {
        free(m->rgb);
        m->capacity = 0;
        m->rgb = malloc((size_t)need);
        if (!m->rgb)
            return anc_fail(err, ANC_EMEMORY, "out of memory for a picture of %d x %d", s->width, s->height);
        m->capacity = need;
    }
    return anc_scene_paint(&r->scene, s, m->rgb, err);
}

static anc_status write_picture(const request *r, const maker *m, anc_err *err)
{
    char path[PATH_MAX], name[40];
    if (snprintf(path, sizeof path, "%s/images/%s", r->folder, image_name(m->scene.id, name)) >=
        (int)sizeof path)
        return anc_fail(err, ANC_EARGUMENT, "%s: the path is too long", r->folder);
    return anc_png_write(path, m->rgb, m->scene.width, m->scene.height, err);
}

/* The side that a backbone of these strides is fed with: the next multiple of the largest, 32 at least. */
static int32_t padded(const request *r, int32_t side)
{
    int32_t unit = r->stride[r->n_levels - 1] > 32 ? r->stride[r->n_levels - 1] : 32;
    return (side + unit - 1) / unit * unit;
}

static anc_status write_maps(const request *r, maker *m, anc_err *err)
{
    const anc_scene *s = &m->scene;
    if (anc_scene_sums_make(&m->sums, m->rgb, s->height, s->width, err)) return err->code;
    for (int l = 0; l < r->n_levels; l++) {
        int32_t h = (padded(r, s->height) + r->stride[l] - 1) / r->stride[l],
                w = (padded(r, s->width) + r->stride[l] - 1) / r->stride[l];
        int64_t need = (int64_t)h * w * ANC_SCENE_CHANNELS;
        if (need > m->map_capacity[l]) {
            free(m->map[l]);
            m->map_capacity[l] = 0;
            m->map[l] = malloc((size_t)need * sizeof *m->map[l]);
            if (!m->map[l])
                return anc_fail(err, ANC_EMEMORY, "out of memory for the features of %d x %d pixels",
                                s->width, s->height);
            m->map_capacity[l] = need;
        }
        anc_scene_features(&m->sums, r->stride[l], h, w, m->map[l]);
    }
    return anc_features_append(m->features, (const uint16_t *const *)m->map, err);
}

/* Starts DIR/features.h5 with the table of all scenes. */
static anc_status start_features(const request *r, anc_features_out **out, anc_err *err)
{
    char path[PATH_MAX], config[256];
    size_t n = (size_t)r->scenes + 1;
    int64_t *id = malloc(n * sizeof *id);
    int32_t(*size)[2] = malloc(n * sizeof *size), (*pad)[2] = malloc(n * sizeof *pad);
    if (id && size && pad) {
        for (int64_t i = 0; i < r->scenes; i++) {
            anc_scene s;
            anc_scene_begin(&r->scene, i, &s);
            id[i] = s.id;
            size[i][0] = s.height;
            size[i][1] = s.width;
            for (int k = 0; k < 2; k++) pad[i][k] = padded(r, size[i][k]);
        }
        const anc_features_plan plan = { r->scenes,
                                         id,
                                         (const int32_t(*)[2])size,
                                         (const int32_t(*)[2])pad,
                                         (const int32_t(*)[2])size,
                                         r->n_levels,
                                         ANC_SCENE_CHANNELS,
                                         r->stride };
        snprintf(path, sizeof path, "%s/features.h5", r->folder);
        const anc_scene_opts *o = &r->scene;
        snprintf(config, sizeof config,
                 "{\"command\":\"synth\",\"scenes\":%" PRId64 ",\"seed\":%" PRId64
                 ",\"width\":[%d,%d],\"height\":[%d,%d],"
                 "\"boxes\":[%d,%d],\"max_boxes\":%d,\"whole_pixels\":%s}",
                 r->scenes, r->seed, o->width[0], o->width[1], o->height[0], o->height[1], o->boxes[0],
                 o->boxes[1], o->max_boxes, o->whole_pixels ? "true" : "false");
        anc_features_create(path, &plan, config, out, err);
    } else {
        anc_fail(err, ANC_EMEMORY, "out of memory for %" PRId64 " scenes", r->scenes);
    }
    free(id);
    free(size);
    free(pad);
    return err->code;
}

/* The annotations of every scene, and its picture and features if wanted. */
static anc_status write_scenes(const request *r, anc_coco_writer *w, maker *m, totals *t, anc_err *err)
{
    anc_progress p;
    anc_status status = ANC_OK;
    anc_progress_start(&p, stderr, r->quiet, "synth", "scenes", 0, r->scenes, 0);
    for (int64_t i = 0; i < r->scenes && !status && !anc_coco_write_failed(w); i++) {
        status = anc_scene_make(&r->scene, i, &m->scene, err);
        if (!status && (r->images || r->features)) status = paint(r, m, err);
        if (!status && r->images) status = write_picture(r, m, err);
        if (!status && r->features) status = write_maps(r, m, err);
        for (int32_t k = 0; k < m->scene.n_objects && !status; k++)
            write_object(w, &m->scene, &m->scene.object[k], t);
        t->without_boxes += m->scene.n_objects == 0;
        anc_progress_set(&p, i + 1);
    }
    anc_progress_stop(&p);
    return status;
}

static void maker_clear(maker *m)
{
    anc_scene_clear(&m->scene);
    anc_scene_sums_clear(&m->sums);
    free(m->rgb);
    for (int l = 0; l < ANC_MAX_LEVELS; l++) free(m->map[l]);
    anc_features_abandon(m->features);
}

static anc_status write_annotations(const request *r, maker *m, totals *t, anc_err *err)
{
    char path[PATH_MAX], text[160];
    snprintf(path, sizeof path, "%s/annotations.json", r->folder);
    snprintf(text, sizeof text, "generated scenes: anchorage synth, seed %" PRId64, r->seed);
    anc_coco_writer *w;
    if (anc_coco_write_open(path, text, &w, err)) return err->code;
    for (int64_t i = 0; i < r->scenes && !anc_coco_write_failed(w); i++) {
        anc_scene s;
        anc_scene_begin(&r->scene, i, &s);
        anc_coco_write_image(w, s.id, image_name(s.id, text), s.width, s.height);
    }
    if (write_scenes(r, w, m, t, err)) {
        anc_coco_write_abandon(w);
        return err->code;
    }
    for (int32_t c = 0; c < ANC_SCENE_CATEGORIES; c++) {
        snprintf(text, sizeof text, "%s %s", anc_scene_category_colour(c), anc_scene_category_shape(c));
        anc_coco_write_category(w, anc_scene_category_id(c), text, anc_scene_category_shape(c));
    }
    return anc_coco_write_close(w, &t->json_bytes, err);
}

static anc_status write_all(const request *r, totals *t, anc_err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s%s", r->folder, r->images ? "/images" : "") >= (int)sizeof path - 64)
        return anc_fail(err, ANC_EARGUMENT, "%s: the path is too long", r->folder);
    if (anc_output_name_folder("--output", r->folder, err) || anc_out_mkdir(path, err)) return err->code;
    maker m = { 0 };
    if ((!r->features || !start_features(r, &m.features, err)) && !write_annotations(r, &m, t, err) &&
        r->features) {
        anc_features_commit(m.features, err);
        m.features = NULL;
    }
    maker_clear(&m);
    return err->code;
}

static void summary(const request *r, const totals *t, double s)
{
    int64_t outlines = t->boxes - t->crowds;
    double percent = outlines ? 100. / (double)outlines : 0;
    printf("synth: %s with %s (%.2f each, %s without) in %s\n", anc_format_of(r->scenes, "scene").text,
           anc_format_of(t->boxes, "box").text, r->scenes ? (double)t->boxes / (double)r->scenes : 0,
           anc_format_of(t->without_boxes, "scene").text, anc_format_time(s).text);
    printf("synth: outlines %.0f %% small, %.0f %% medium, %.0f %% large (below 32^2, 96^2 px); %s\n",
           percent * (double)t->outline[0], percent * (double)t->outline[1], percent * (double)t->outline[2],
           anc_format_of(t->crowds, "crowd region").text);
    printf("synth: wrote %s/annotations.json (%s)%s%s%s%s%s%s\n", r->folder,
           anc_format_bytes(t->json_bytes).text, r->images ? " and " : "", r->images ? r->folder : "",
           r->images ? "/images" : "", r->features ? " and " : "", r->features ? r->folder : "",
           r->features ? "/features.h5" : "");
}

int anc_job_synth(int argc, char **argv)
{
    request r = { .scenes = 100, .seed = 1, .max_boxes = 93, .strides = "4,8,16,32,64" };
    int end = parse(argc, argv, &r);
    if (end) return end - 1;
    if (!anc_opts_speaks()) return ANC_EXIT_DONE; /* one process writes it all; the others of a team rest */
    totals t = { 0 };
    anc_err err = { 0 };
    double start = anc_now_s();
    if (write_all(&r, &t, &err)) {
        fprintf(stderr, "anchorage: synth: %s\n", err.text);
        return err.code == ANC_EARGUMENT ? ANC_EXIT_USAGE : ANC_EXIT_FAILED;
    }
    if (!r.quiet) summary(&r, &t, anc_now_s() - start);
    return ANC_EXIT_DONE;
}
