/* jobs/job_label.c: `anchorage label`: annotations in, shards of training targets and their index out
 *
 * Rank 0 reads the annotations and hands out shards, each with its slice of the data set; every rank labels views
 * and writes shards; rank 0 writes the index in the end. A shard is a run of images of one epoch, fixed by the data set
 * and the options, never by the number of ranks.
 */
#include "core/label.h"
#include "io/feature.h"
#include "io/source.h"
#include "io/targets.h"
#include "jobs/config.h"
#include "jobs/format.h"
#include "jobs/job.h"
#include "jobs/opts.h"
#include "jobs/progress.h"
#include "mpi/queue.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    const char *annotations, *out, *preset, *config, *crowd, *sampler, *simd, *summary, *like;
    int64_t seed, epochs, images_per_shard;
    double flip;
    bool assignment, labels, with_gt, overwrite, dry_run, quiet;
} options;

/* What every rank must know alike; plain bytes, broadcast by rank 0. */
typedef struct {
    anc_rules rules;
    int64_t n_images, n_boxes, shards_per_epoch, n_shards;
    int64_t n_laid; /* images of --like */
    uint64_t fingerprint;
    char kernels[16];
} plan;

/* What a backbone made of an image: the views are laid on it. */
typedef struct {
    int64_t image_id;
    anc_laid on;
} laid;

/* What a rank tells rank 0 of a finished shard: counts, and seconds of work by stage. */
enum {
    VIEWS, BOXES, CROWDS, CLIPPED, DROPPED, UNMATCHED, WITHOUT_POSITIVES, ANCHORS, POSITIVES, NEGATIVES, IGNORED,
    SAMPLED_POSITIVES, SAMPLED_NEGATIVES, BYTES, N_COUNTS
};
enum { LAY, MATCH, SAMPLE, ENCODE, GATHER, WRITE, N_STAGES };
typedef struct {
    int64_t n[N_COUNTS];
    double s[N_STAGES];
} record;

typedef struct {
    double total_s, read_s, label_s, index_s; /* on rank 0 */
    int64_t index_bytes;
    anc_spread busy, peak; /* over the ranks: s, MiB */
} timings;

typedef struct {
    options o;
    plan plan;
    anc_team team;
    const anc_kernels *kernels;
    anc_source *source; /* rank 0 */
    char *config;       /* JSON, the same on all ranks */
    anc_progress progress;
    int64_t views_done;
    anc_labeller labeller;
    anc_targets targets;
    anc_annotation *annotation;
    int64_t room_annotations;
    laid *laid; /* [plan.n_laid] ascending by image, on all ranks; NULL without --like */
} job;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double busy_s(const record *r)
{
    double sum = 0;
    for (int i = 0; i < N_STAGES; i++) sum += r->s[i];
    return sum;
}

/* ---- rules and plan ---- */

static anc_status resolve_rules(const options *o, anc_rules *r, anc_err *err)
{
    const char *name = o->preset ? o->preset : "torchvision-fpn";
    const anc_rules *preset = anc_rules_preset(name);
    if (!preset) {
        size_t n = 0;
        while (anc_rules_preset_names[n]) n++;
        const char *near = anc_opts_nearest(name, anc_rules_preset_names, n);
        return anc_fail(err, ANC_EARGUMENT, "no preset is called '%s'%s%s%s; see anchorage presets", name,
                        near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    }
    *r = *preset;
    if (o->config && anc_config_read(o->config, o->preset, r, err)) return err->code;
    if (o->crowd && anc_config_crowd(o->crowd, r, err)) return err->code;
    if (o->sampler && anc_config_sampler(o->sampler, r, err)) return err->code;
    if (!isnan(o->flip)) r->view.flip = o->flip;
    return anc_rules_check(r, err);
}

static anc_status make_folders(const char *path, anc_err *err)
{
    char part[PATH_MAX];
    if (strlen(path) >= sizeof part) return anc_fail(err, ANC_EARGUMENT, "%s: the name is too long", path);
    for (size_t i = 0; i <= strlen(path); i++) {
        part[i] = path[i];
        if (!i || (path[i] && path[i] != '/')) continue;
        part[i] = '\0';
        if (mkdir(part, 0777) && errno != EEXIST)
            return anc_fail(err, ANC_ESYSTEM, "%s: cannot make the folder: %s", part, strerror(errno));
        part[i] = path[i];
    }
    struct stat info;
    if (stat(path, &info) || !S_ISDIR(info.st_mode))
        return anc_fail(err, ANC_ESYSTEM, "%s: not a folder; choose another --output", path);
    if (access(path, W_OK | X_OK)) return anc_fail(err, ANC_ESYSTEM, "%s: cannot be written to: %s", path, strerror(errno));
    return ANC_OK;
}

/* Files of an earlier run in the output folder: refused, or with --overwrite removed, the index first. */
static anc_status clear_output(const options *o, anc_err *err)
{
    char path[PATH_MAX];
    struct stat info;
    snprintf(path, sizeof path, "%s/targets.h5", o->out);
    bool held = !stat(path, &info);
    if (held && !o->overwrite)
        return anc_fail(err, ANC_EARGUMENT, "%s: already there; choose another --output, or give --overwrite", path);
    if (held && unlink(path)) return anc_fail(err, ANC_ESYSTEM, "%s: cannot be removed: %s", path, strerror(errno));
    return anc_targets_remove_shards(o->out, err);
}

/* ---- --like ---- */

static int by_image(const void *a, const void *b)
{
    int64_t x = ((const laid *)a)->image_id, y = ((const laid *)b)->image_id;
    return x < y ? -1 : x > y;
}

/* Levels and strides of the features must be those that the anchors stand on. */
static anc_status check_levels(const anc_rules *r, const anc_features_info *info, anc_err *err)
{
    if (r->view.flip > 0)
        return anc_fail(err, ANC_EARGUMENT, "%s: the features are of images as they are; --like and a flip exclude each other",
                        info->path);
    if (r->anchors.n_levels != info->n_levels)
        return anc_fail(err, ANC_EARGUMENT, "%s: has %d levels, preset %s %d; give [anchors] strides and sizes in --config",
                        info->path, info->n_levels, r->name, r->anchors.n_levels);
    for (int l = 0; l < info->n_levels; l++)
        if (r->anchors.stride[l] != info->stride[l])
            return anc_fail(err, ANC_EARGUMENT, "%s: level %d has stride %d, the anchors' is %d; set [anchors] strides in --config",
                            info->path, l, info->stride[l], r->anchors.stride[l]);
    return ANC_OK;
}

static anc_status read_laid(job *j, anc_err *err)
{
    anc_features *f;
    if (anc_features_open(j->o.like, &f, err)) return err->code;
    const anc_features_info *info = anc_features_about(f);
    j->plan.n_laid = info->n_images;
    j->laid = calloc((size_t)info->n_images, sizeof *j->laid);
    if (!j->laid)
        anc_fail(err, ANC_EMEMORY, "%s: out of memory for %lld images", j->o.like, (long long)info->n_images);
    else
        check_levels(&j->plan.rules, info, err);
    for (int64_t i = 0; !err->code && i < info->n_images; i++) {
        laid *to = &j->laid[i];
        to->image_id = info->id[i];
        memcpy(to->on.size, info->size[i], sizeof to->on.size);
        memcpy(to->on.padded, info->padded[i], sizeof to->on.padded);
        for (int l = 0; l < info->n_levels; l++) memcpy(to->on.grid[l], info->grid[l][i], sizeof to->on.grid[l]);
    }
    if (!err->code) qsort(j->laid, (size_t)info->n_images, sizeof *j->laid, by_image);
    anc_features_close(f);
    return err->code;
}

static anc_status lay_view(job *j, const anc_image *image, int32_t epoch, int32_t n_gt, anc_err *err)
{
    anc_labeller *l = &j->labeller;
    if (!j->laid) return anc_label_lay(l, image->id, epoch, image->height, image->width, j->annotation, n_gt, err);
    laid wanted = { .image_id = image->id };
    const laid *found = bsearch(&wanted, j->laid, (size_t)j->plan.n_laid, sizeof wanted, by_image);
    if (!found) return anc_fail(err, ANC_EDATA, "%s has no features of it; leave it out of the annotations", j->o.like);
    return anc_label_lay_on(l, image->id, epoch, image->height, image->width, &found->on, j->annotation, n_gt, err);
}

/* ---- the plan ---- */

static anc_status make_plan(job *j, anc_err *err)
{
    plan *p = &j->plan;
    const options *o = &j->o;
    if (resolve_rules(o, &p->rules, err)) return err->code;
    const char *variable = getenv("ANCHORAGE_SIMD"), *simd = o->simd ? o->simd : variable && *variable ? variable : NULL;
    const anc_kernels *k = anc_kernels_find(simd);
    if (!k)
        return anc_fail(err, ANC_EARGUMENT, "no kernels called '%s' run on this machine; leave %s out", simd,
                        o->simd ? "--simd" : "ANCHORAGE_SIMD");
    snprintf(p->kernels, sizeof p->kernels, "%s", simd ? k->name : "");
    if (o->like && read_laid(j, err)) return err->code;
    if (!o->dry_run && make_folders(o->out, err)) return err->code;
    if (anc_source_open(o->annotations, &j->source, err)) return err->code;
    p->n_images = anc_source_images(j->source);
    p->n_boxes = anc_source_boxes(j->source);
    if (anc_source_fingerprint(j->source, &p->fingerprint, err)) return err->code;
    p->shards_per_epoch = (p->n_images + o->images_per_shard - 1) / o->images_per_shard;
    p->n_shards = p->shards_per_epoch * o->epochs;
    return o->dry_run ? ANC_OK : clear_output(o, err);
}

/* Everything that decides the output's bytes, so that the run can be repeated; nothing else. */
static char *describe(const job *j)
{
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (!to) return NULL;
    fprintf(to, "{\"command\":\"label\",\"seed\":%lld,\"epochs\":%lld,\"images_per_shard\":%lld,\"assignment\":%s,\"labels\":%s,"
                "\"with_gt\":%s,\"like\":%s,\"data\":{\"images\":%lld,\"boxes\":%lld,\"fingerprint\":\"%016llx\"},\"rules\":",
            (long long)j->o.seed, (long long)j->o.epochs, (long long)j->o.images_per_shard, j->o.assignment ? "true" : "false",
            j->o.labels ? "true" : "false", j->o.with_gt ? "true" : "false", j->laid ? "true" : "false", (long long)j->plan.n_images,
            (long long)j->plan.n_boxes, (unsigned long long)j->plan.fingerprint);
    anc_config_json(&j->plan.rules, to);
    putc('}', to);
    if (fclose(to)) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- shards ---- */

typedef struct {
    int32_t epoch;
    int64_t first, n; /* images */
} run_of_images;

static run_of_images images_of(const job *j, int64_t shard)
{
    int64_t first = shard % j->plan.shards_per_epoch * j->o.images_per_shard, left = j->plan.n_images - first;
    return (run_of_images){ (int32_t)(shard / j->plan.shards_per_epoch), first,
                            left < j->o.images_per_shard ? left : j->o.images_per_shard };
}

static anc_status pack_slice(void *context, int64_t shard, void **bytes, size_t *n, anc_err *err)
{
    job *j = context;
    run_of_images r = images_of(j, shard);
    anc_dataset slice = { 0 };
    if (anc_source_read(j->source, r.first, r.n, &slice, err)) return err->code;
    anc_status status = anc_dataset_pack(&slice, 0, slice.n_images, bytes, n, err);
    anc_dataset_clear(&slice);
    return status;
}

static void shard_finished(void *context, int64_t shard, const void *result)
{
    job *j = context;
    (void)shard;
    j->views_done += ((const record *)result)->n[VIEWS];
    anc_progress_set(&j->progress, j->views_done);
}

static anc_status label_view(job *j, const anc_image *image, const anc_gt *gt, int64_t n_gt, int32_t epoch, record *r,
                             anc_err *err)
{
    anc_labeller *l = &j->labeller;
    if (n_gt > INT32_MAX / 2) return anc_fail(err, ANC_EDATA, "%lld boxes are too many", (long long)n_gt);
    if (n_gt > j->room_annotations) {
        free(j->annotation);
        j->room_annotations = 2 * n_gt;
        j->annotation = malloc((size_t)j->room_annotations * sizeof *j->annotation);
        if (!j->annotation) {
            j->room_annotations = 0;
            return anc_fail(err, ANC_EMEMORY, "out of memory for %lld boxes", (long long)n_gt);
        }
    }
    for (int64_t i = 0; i < n_gt; i++) {
        memcpy(j->annotation[i].xyxy, gt[i].xyxy, sizeof gt[i].xyxy);
        j->annotation[i].crowd = gt[i].crowd;
    }
    double t0 = now();
    if (lay_view(j, image, epoch, (int32_t)n_gt, err)) return err->code;
    double t1 = now();
    if (anc_label_match(l, err)) return err->code;
    double t2 = now();
    if (anc_label_sample(l, err)) return err->code;
    double t3 = now();
    if (anc_label_encode(l, err)) return err->code;
    double t4 = now();
    if (anc_targets_append(&j->targets, l, gt, (int32_t)n_gt, err)) return err->code;
    r->s[LAY] += t1 - t0;
    r->s[MATCH] += t2 - t1;
    r->s[SAMPLE] += t3 - t2;
    r->s[ENCODE] += t4 - t3;
    r->s[GATHER] += now() - t4;
    r->n[VIEWS]++;
    r->n[BOXES] += l->n_box;
    r->n[CROWDS] += l->n_crowd;
    r->n[CLIPPED] += l->n_clipped;
    r->n[DROPPED] += l->n_dropped;
    r->n[UNMATCHED] += l->match.n_unmatched;
    r->n[WITHOUT_POSITIVES] += l->match.n_positive == 0;
    r->n[ANCHORS] += l->match.n_anchors;
    r->n[POSITIVES] += l->match.n_positive;
    r->n[NEGATIVES] += l->match.n_negative;
    r->n[IGNORED] += l->match.n_ignored;
    r->n[SAMPLED_POSITIVES] += l->batch.n_positive;
    r->n[SAMPLED_NEGATIVES] += l->batch.n_negative;
    return ANC_OK;
}

static anc_status label_slice(job *j, anc_queue *q, const anc_dataset *d, int32_t epoch, record *r, anc_err *err)
{
    anc_targets_reset(&j->targets);
    for (int64_t i = 0; i < d->n_images; i++) {
        int64_t first = d->box_offset[i];
        if (label_view(j, &d->image[i], d->box + first, d->box_offset[i + 1] - first, epoch, r, err))
            return anc_within(err, "image %lld", (long long)d->image[i].id);
        anc_queue_serve(q);
    }
    return ANC_OK;
}

static anc_status do_shard(job *j, anc_queue *q, const anc_work *work, record *r, anc_err *err)
{
    char name[64], path[PATH_MAX];
    anc_dataset slice = { 0 };
    *r = (record){ 0 };
    if (anc_dataset_unpack(work->bytes, work->n_bytes, &slice, err)) return err->code;
    anc_status status = label_slice(j, q, &slice, images_of(j, work->item).epoch, r, err);
    anc_dataset_clear(&slice);
    if (status) return anc_within(err, "%s", j->o.annotations);
    anc_targets_shard_name(name, work->item, j->plan.n_shards);
    if (snprintf(path, sizeof path, "%s/%s", j->o.out, name) >= (int)sizeof path)
        return anc_fail(err, ANC_EARGUMENT, "%s: the name is too long", j->o.out);
    double t = now();
    const anc_targets_about about = { .config = j->config, .rules = &j->plan.rules };
    if (anc_targets_write(&j->targets, path, &about, &r->n[BYTES], err)) return err->code;
    r->s[WRITE] = now() - t;
    return ANC_OK;
}

static void add(record *sum, const record *r)
{
    for (int i = 0; i < N_COUNTS; i++) sum->n[i] += r->n[i];
    for (int i = 0; i < N_STAGES; i++) sum->s[i] += r->s[i];
}

/* Collective: all shards, then the index. Rank 0 gets the sum of the records. */
static anc_status do_all(job *j, record *sum, timings *t, anc_err *err)
{
    const anc_queue_plan queue_plan = { .n_items = j->plan.n_shards,
                                        .result_bytes = sizeof(record),
                                        .pack = pack_slice,
                                        .finished = shard_finished,
                                        .context = j };
    anc_queue *q;
    if (anc_queue_new(&q, &j->team, &queue_plan, err)) return err->code;
    anc_work work;
    record r;
    double busy = 0;
    while (anc_queue_next(q, &work)) {
        anc_err mine = { 0 };
        if (do_shard(j, q, &work, &r, &mine))
            anc_queue_fail(q, &mine);
        else
            anc_queue_done(q, &r);
        busy += busy_s(&r);
    }
    int64_t n_left;
    anc_status failed = anc_queue_finish(q, &n_left, err); /* the same on all ranks */
    if (!failed && !j->team.rank) {
        bool with[ANC_ROWS_KINDS] = { true, true, true, j->o.assignment, j->o.labels, j->o.with_gt };
        const anc_targets_about about = { .config = j->config, .rules = &j->plan.rules };
        for (int64_t s = 0; s < j->plan.n_shards; s++) add(sum, anc_queue_result(q, s));
        double start = now();
        anc_targets_write_index(j->o.out, j->plan.n_shards, with, j->plan.rules.anchors.n_levels, &about, &t->index_bytes, err);
        t->index_s = now() - start;
    }
    anc_queue_free(q);
    t->busy = anc_team_spread(&j->team, busy);
    return failed ? failed : anc_team_agree(&j->team, err);
}

/* ---- reporting ---- */

static double peak_mib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

#define COUNT(x) anc_format_count(x).text

static void print_plan(const job *j)
{
    const plan *p = &j->plan;
    printf("label: %s: %s images, %s boxes (%s); preset %s\n", j->o.annotations, COUNT(p->n_images), COUNT(p->n_boxes),
           anc_source_format(j->source), p->rules.name);
    printf("label: %s views, %s shards, %d rank%s, %s kernels\n", COUNT(p->n_images * j->o.epochs), COUNT(p->n_shards),
           j->team.size, j->team.size == 1 ? "" : "s", j->kernels->name);
}

static void print_summary(const job *j, const record *r, const timings *t)
{
    const anc_dataset_report *found = anc_source_report(j->source);
    double busy = busy_s(r) > 0 ? busy_s(r) : 1;
    printf("\n  views       %15s   %s images/s\n", COUNT(r->n[VIEWS]), anc_format_rate((double)r->n[VIEWS] / t->total_s).text);
    printf("  objects     %15s   %s clipped at the edge, %s outside or empty in the view\n", COUNT(r->n[BOXES]),
           COUNT(r->n[CLIPPED]), COUNT(r->n[DROPPED]));
    printf("  crowds      %15s   annotated; rule: %s\n", COUNT(found->crowds), anc_config_crowd_word(&j->plan.rules));
    printf("  anchors     %15s\n", COUNT(r->n[ANCHORS]));
    printf("    positive  %15s   %s sampled\n", COUNT(r->n[POSITIVES]), COUNT(r->n[SAMPLED_POSITIVES]));
    printf("    negative  %15s   %s sampled\n", COUNT(r->n[NEGATIVES]), COUNT(r->n[SAMPLED_NEGATIVES]));
    printf("    ignored   %15s\n", COUNT(r->n[IGNORED]));
    if (found->empty_boxes) printf("  note: %s annotated boxes have no area and were left out\n", COUNT(found->empty_boxes));
    if (found->duplicate_ids) printf("  note: %s annotation ids stand more than once\n", COUNT(found->duplicate_ids));
    if (r->n[UNMATCHED]) printf("  note: %s objects reach no anchor well enough to make one positive\n", COUNT(r->n[UNMATCHED]));
    if (r->n[WITHOUT_POSITIVES]) printf("  note: %s views have no positive anchor\n", COUNT(r->n[WITHOUT_POSITIVES]));
    printf("\n  read annotations %s; label and write %s; index %s\n", anc_format_time(t->read_s).text,
           anc_format_time(t->label_s).text, anc_format_time(t->index_s).text);
    printf("  work of all ranks: match %.0f %%, sample %.0f %%, encode %.0f %%, lay and gather %.0f %%, write %.0f %%\n",
           100 * r->s[MATCH] / busy, 100 * r->s[SAMPLE] / busy, 100 * r->s[ENCODE] / busy, 100 * (r->s[LAY] + r->s[GATHER]) / busy,
           100 * r->s[WRITE] / busy);
    printf("  memory: at most %.0f MiB on a rank (rank %d)\n", t->peak.max, t->peak.max_rank);
    printf("label: wrote %s shards and targets.h5 to %s, %s in %s\n", COUNT(j->plan.n_shards), j->o.out,
           anc_format_bytes(r->n[BYTES] + t->index_bytes).text, anc_format_time(t->total_s).text);
}

static anc_status write_summary(const job *j, const record *r, const timings *t, anc_err *err)
{
    FILE *to = fopen(j->o.summary, "w");
    if (!to) return anc_fail(err, ANC_ESYSTEM, "%s: cannot be written: %s", j->o.summary, strerror(errno));
    const anc_dataset_report *found = anc_source_report(j->source);
    fprintf(to, "{\"config\":%s,\n", j->config);
    fprintf(to, " \"ranks\":%d,\"kernels\":\"%s\",\"shards\":%lld,\"bytes\":%lld,\n", j->team.size, j->kernels->name,
            (long long)j->plan.n_shards, (long long)(r->n[BYTES] + t->index_bytes));
    fprintf(to, " \"source\":{\"annotations\":%lld,\"empty_boxes\":%lld,\"over_edge\":%lld,\"outside\":%lld,\"crowds\":%lld,"
                "\"duplicate_ids\":%lld,\"images_without_boxes\":%lld},\n",
            (long long)found->annotations, (long long)found->empty_boxes, (long long)found->over_edge,
            (long long)found->outside, (long long)found->crowds, (long long)found->duplicate_ids,
            (long long)found->without_boxes);
    fprintf(to, " \"views\":%lld,\"objects\":%lld,\"crowd_regions\":%lld,\"clipped\":%lld,\"dropped\":%lld,\"unmatched\":%lld,"
                "\"views_without_positives\":%lld,\n",
            (long long)r->n[VIEWS], (long long)r->n[BOXES], (long long)r->n[CROWDS], (long long)r->n[CLIPPED], (long long)r->n[DROPPED],
            (long long)r->n[UNMATCHED], (long long)r->n[WITHOUT_POSITIVES]);
    fprintf(to, " \"anchors\":%lld,\"positives\":%lld,\"negatives\":%lld,\"ignored\":%lld,\"sampled_positives\":%lld,"
                "\"sampled_negatives\":%lld,\n",
            (long long)r->n[ANCHORS], (long long)r->n[POSITIVES], (long long)r->n[NEGATIVES], (long long)r->n[IGNORED],
            (long long)r->n[SAMPLED_POSITIVES], (long long)r->n[SAMPLED_NEGATIVES]);
    fprintf(to, " \"seconds\":{\"total\":%.6f,\"read\":%.6f,\"label_and_write\":%.6f,\"index\":%.6f,\n"
                "  \"all_ranks\":{\"lay\":%.6f,\"match\":%.6f,\"sample\":%.6f,\"encode\":%.6f,\"gather\":%.6f,\"write\":%.6f},\n"
                "  \"busy_min\":%.6f,\"busy_mean\":%.6f,\"busy_max\":%.6f,\"busy_max_rank\":%d},\n",
            t->total_s, t->read_s, t->label_s, t->index_s, r->s[LAY], r->s[MATCH], r->s[SAMPLE], r->s[ENCODE], r->s[GATHER],
            r->s[WRITE], t->busy.min, t->busy.mean, t->busy.max, t->busy.max_rank);
    fprintf(to, " \"peak_mib\":%.1f,\"peak_mib_mean\":%.1f}\n", t->peak.max, t->peak.mean);
    bool failed = ferror(to);
    if (fclose(to) || failed) return anc_fail(err, ANC_ESYSTEM, "%s: cannot be written: %s", j->o.summary, strerror(errno));
    return ANC_OK;
}

/* ---- the job ---- */

/* Collective. Rank 0 plans, all get the plan. */
static anc_status share_plan(job *j, anc_err *err)
{
    if (!j->team.rank) make_plan(j, err);
    if (anc_team_agree(&j->team, err)) return err->code;
    anc_team_bcast(&j->team, &j->plan, sizeof j->plan, 0);
    size_t n_laid = (size_t)j->plan.n_laid * sizeof *j->laid;
    if (j->o.like && j->team.rank && !(j->laid = malloc(n_laid))) anc_fail(err, ANC_EMEMORY, "out of memory for --like");
    if (anc_team_agree(&j->team, err)) return err->code;
    if (j->o.like) anc_team_bcast(&j->team, j->laid, n_laid, 0);
    j->kernels = anc_kernels_find(j->plan.kernels[0] ? j->plan.kernels : NULL);
    j->config = describe(j);
    if (!j->kernels) anc_fail(err, ANC_EARGUMENT, "no %s kernels on this host; leave --simd out", j->plan.kernels);
    if (!j->config) anc_fail(err, ANC_EMEMORY, "out of memory for the configuration");
    j->labeller = (anc_labeller){ .rules = &j->plan.rules, .kernels = j->kernels, .seed = (uint64_t)j->o.seed };
    if (!err->code)
        anc_targets_init(&j->targets, j->plan.rules.anchors.n_levels, j->o.assignment, j->o.labels, j->o.with_gt, err);
    return anc_team_agree(&j->team, err);
}

static anc_status run(job *j, anc_err *err)
{
    double start = now();
    timings t = { 0 };
    record sum = { 0 };
    if (share_plan(j, err)) return err->code;
    bool speaks = !j->team.rank;
    t.read_s = now() - start;
    if (speaks && (!j->o.quiet || j->o.dry_run)) print_plan(j);
    if (j->o.dry_run) {
        if (speaks) printf("label: dry run: would write %s shards and targets.h5 to %s\n", COUNT(j->plan.n_shards), j->o.out);
        return ANC_OK;
    }
    fflush(stdout);
    if (speaks)
        anc_progress_start(&j->progress, stderr, j->o.quiet, "label", "images", 0, j->plan.n_images * j->o.epochs, 0);
    double labelled = now();
    if (do_all(j, &sum, &t, err)) {
        if (speaks) anc_progress_stop(&j->progress);
        return err->code;
    }
    if (speaks) anc_progress_stop(&j->progress);
    t.label_s = now() - labelled;
    t.total_s = now() - start;
    t.peak = anc_team_spread(&j->team, peak_mib());
    if (speaks && !j->o.quiet) print_summary(j, &sum, &t);
    if (speaks && j->o.summary) write_summary(j, &sum, &t, err);
    return anc_team_agree(&j->team, err);
}

static void job_clear(job *j)
{
    anc_source_close(j->source);
    anc_labeller_free(&j->labeller);
    anc_targets_clear(&j->targets);
    free(j->annotation);
    free(j->laid);
    free(j->config);
}

int anc_job_label(int argc, char **argv)
{
    job j = { .o = { .seed = 0, .epochs = 1, .images_per_shard = 2048, .flip = NAN } };
    options *o = &j.o;
    const anc_opt opt[] = {
        { "output", 'o', "DIR", ANC_OPT_STRING, &o->out, 0, 0, "folder for the shards and targets.h5; made if missing" },
        { "preset", 'p', "NAME", ANC_OPT_STRING, &o->preset, 0, 0,
          "whose rules to follow (torchvision-fpn); `anchorage presets` lists them" },
        { "config", 'c', "FILE.ini", ANC_OPT_STRING, &o->config, 0, 0, "change any part of the preset; see `anchorage presets NAME`" },
        { "like", 0, "FEATURES.h5", ANC_OPT_STRING, &o->like, 0, 0,
          "lay the views on exactly the sizes, paddings and grids of these features, for `anchorage train`" },
        { "seed", 's', "N", ANC_OPT_INT, &o->seed, 0, 9007199254740991.0, "of sampling and flips" },
        { "epochs", 'e', "N", ANC_OPT_INT, &o->epochs, 1, 1000000, "views of each image, each with its own draws" },
        { "flip", 0, "P", ANC_OPT_REAL, &o->flip, 0, 1, "mirror a view with this probability; otherwise as the preset says" },
        { "crowd", 0, "RULE", ANC_OPT_STRING, &o->crowd, 0, 0,
          "crowd regions: drop, keep, ignore=SHARE (negatives in them by more than SHARE of their area become ignored), exclude=SHARE" },
        { "sampler", 0, "NAME", ANC_OPT_STRING, &o->sampler, 0, 0, "philox, or torch: torch's CPU randperm, seeded anew for each view" },
        { "images-per-shard", 0, "N", ANC_OPT_SIZE, &o->images_per_shard, 1, 16777216, "images in one file" },
        { "assignment", 0, NULL, ANC_OPT_FLAG, &o->assignment, 0, 0, "also keep every positive and ignored anchor" },
        { "labels", 0, NULL, ANC_OPT_FLAG, &o->labels, 0, 0, "also keep the label of every anchor (large)" },
        { "with-gt", 0, NULL, ANC_OPT_FLAG, &o->with_gt, 0, 0, "also keep the boxes in view pixels" },
        { "overwrite", 0, NULL, ANC_OPT_FLAG, &o->overwrite, 0, 0, "replace the targets that DIR holds" },
        { "dry-run", 0, NULL, ANC_OPT_FLAG, &o->dry_run, 0, 0, "read and check everything, write nothing" },
        { "simd", 0, "NAME", ANC_OPT_STRING, &o->simd, 0, 0, "kernels: avx2 or scalar (the fastest; the output is the same)" },
        { "summary-json", 0, "FILE", ANC_OPT_STRING, &o->summary, 0, 0, "write the closing summary for machines" },
        { "quiet", 'q', NULL, ANC_OPT_FLAG, &o->quiet, 0, 0, "no progress, no summary" },
        { 0 },
    };
    const anc_usage usage = {
        .command = "label",
        .operands = "ANNOTATIONS",
        .min_operands = 1,
        .max_operands = 1,
        .about = "Labels the anchors of every image, samples minibatches, encodes regression targets, and writes them as "
                 "HDF5 shards and an index over them. ANNOTATIONS is a COCO JSON file or an annotations.h5. The bytes "
                 "written depend on the data and the options, never on the number of ranks.",
        .example = "mpirun -n 64 anchorage label instances_train2017.json -o targets/ --preset detectron2-fpn --epochs 12 --flip 0.5",
        .opt = opt,
    };
    int n, ended = anc_opts_parse(&usage, argc, argv, &o->annotations, &n);
    if (ended) return ended - 1;
    if (!o->out && !o->dry_run) return anc_opts_refuse(&usage, "--output DIR is missing");
    if (!o->out) o->out = ".";
    anc_err err = { 0 };
    anc_team_start(&j.team);
    run(&j, &err);
    if (err.code && !j.team.rank) fprintf(stderr, "anchorage: label: %s\n", err.text);
    job_clear(&j);
    anc_team_stop(&j.team);
    return !err.code ? ANC_EXIT_DONE : err.code == ANC_EARGUMENT ? ANC_EXIT_USAGE : ANC_EXIT_FAILED;
}
