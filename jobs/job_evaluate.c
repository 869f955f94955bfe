/* jobs/job_evaluate.c: `anchorage evaluate`: the average recall of proposals
 *
 * Rank 0 reads both files and hands out runs of images; each rank keeps its own counts, which are summed at
 * the end: whole numbers, so the result is the same for any number of ranks.
 */
#include "core/recall.h"
#include "io/file/out.h"
#include "io/store/proposals.h"
#include "jobs/cli/format.h"
#include "jobs/job.h"
#include "jobs/cli/opts.h"
#include "jobs/cli/progress.h"
#include "jobs/cli/source_opts.h"
#include "jobs/cli/source_team.h"
#include "jobs/cli/start.h"
#include "jobs/cli/summary.h"
#include "mpi/queue.h"
#include "mpi/team.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES_PER_RUN = 64 };

typedef struct {
    const char *proposals, *annotations, *protocol, *top, *csv, *json;
    bool categories, quiet;
    anc_source_words words;
    anc_reader_options source; /* what words say */
} options;

typedef struct {
    int32_t n_tops, top[ANC_RECALL_MAX_TOPS], n_groups;
    anc_recall_protocol protocol;
    int64_t n_images;
} plan;

typedef struct {
    options o;
    plan plan;
    anc_team team;
    anc_source *source;                /* rank 0 */
    anc_proposals *proposals;          /* rank 0 */
    anc_dataset categories;            /* rank 0: the categories alone */
    int64_t next;                      /* rank 0: the first image of the proposals that no run has met */
    int64_t n_crowds, n_without, done; /* rank 0: crowd regions, images without proposals, images done */
    int64_t n_stray;                   /* rank 0: images of the proposals that the annotations do not have */
    anc_recall recall;
    anc_progress progress;
} job;

/* ---- runs of images, as plain bytes: a head, then counts, objects, boxes and scores ---- */

typedef struct {
    int64_t n_images, n_objects, n_proposals;
} head;

typedef struct {
    head h;
    int32_t *n_objects, *n_proposals; /* [n_images] */
    anc_recall_object *object;
    double (*xyxy)[4], *score;
} images;

static size_t bytes_of(const head *h)
{
    return sizeof *h + (size_t)h->n_objects * sizeof(anc_recall_object) +
           (size_t)h->n_proposals * 5 * sizeof(double) + (size_t)h->n_images * 2 * sizeof(int32_t);
}

/* Where each part lies in a block of bytes_of its head. */
static void lay(images *m, unsigned char *bytes)
{
    m->object = (anc_recall_object *)(bytes + sizeof m->h);
    m->xyxy = (double(*)[4])(m->object + m->h.n_objects);
    m->score = (double *)(m->xyxy + m->h.n_proposals);
    m->n_objects = (int32_t *)(m->score + m->h.n_proposals);
    m->n_proposals = m->n_objects + m->h.n_images;
}

static int by_category(const void *key, const void *item)
{
    int32_t a = *(const int32_t *)key, b = ((const anc_category *)item)->id;
    return (a > b) - (a < b);
}

static anc_status fill_objects(job *j, const anc_dataset *d, images *m, anc_err *err)
{
    memset(m->object, 0, (size_t)d->n_boxes * sizeof *m->object); /* padding too: a message of known bytes */
    for (int64_t i = 0; i < d->n_boxes; i++) {
        const anc_gt *g = &d->box[i];
        const anc_dataset *all = &j->categories;
        const anc_category *c = !all->n_categories
                                    ? NULL
                                    : bsearch(&g->category, all->category, (size_t)all->n_categories,
                                              sizeof *all->category, by_category);
        if (all->n_categories && !c)
            return anc_fail(err, ANC_EDATA, "%s: annotation %" PRId64 " has category %d, which is not listed",
                            j->o.annotations, g->id, g->category);
        memcpy(m->object[i].xyxy, g->xyxy, sizeof g->xyxy);
        m->object[i].group = c ? (int32_t)(c - all->category) : 0;
        m->object[i].crowd = g->crowd;
        j->n_crowds += g->crowd;
    }
    return ANC_OK;
}

/* Rank 0. Files that have no image in common belong to different data sets; other images take no part. */
static anc_status compare_images(job *j, anc_err *err)
{
    const int64_t *id = anc_proposals_ids(j->proposals), n = anc_proposals_images(j->proposals),
                  annotated = j->plan.n_images;
    int64_t common = 0;
    for (int64_t i = 0, k = 0; i < annotated && k < n; i++) {
        int64_t wanted = anc_source_image(j->source, i)->id;
        while (k < n && id[k] < wanted) k++;
        common += k < n && id[k] == wanted;
    }
    j->n_stray = n - common;
    if (common || !n) return ANC_OK;
    return anc_fail(err, ANC_EDATA,
                    "%s: is of other images: none of its %" PRId64 " (image %" PRId64
                    " is one) is among the %" PRId64
                    " of %s; give the annotations that the proposals were made for",
                    j->o.proposals, n, id[0], annotated, j->o.annotations);
}

/* Puts the rows of more behind those of all, which has room for the images. */
static anc_status append(anc_proposal_set *all, const anc_proposal_set *more, anc_err *err)
{
    int64_t n = all->n + more->n;
    void *xyxy = realloc(all->xyxy, (size_t)(n + 1) * sizeof *all->xyxy);
    if (xyxy) all->xyxy = xyxy;
    void *score = realloc(all->score, (size_t)(n + 1) * sizeof *all->score);
    if (score) all->score = score;
    if (!xyxy || !score) return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " proposals", n);
    memcpy(all->xyxy + all->n, more->xyxy, (size_t)more->n * sizeof *all->xyxy);
    memcpy(all->score + all->n, more->score, (size_t)more->n * sizeof *all->score);
    for (int64_t k = 0; k < more->n_images; k++) {
        all->image_id[all->n_images++] = more->image_id[k];
        all->offset[all->n_images] = all->n + more->offset[k + 1];
    }
    all->n = n;
    return ANC_OK;
}

/* The images of the proposals from `from` up to the next, if any, behind the rows of all. */
static anc_status take_run(const job *j, int64_t from, anc_proposal_set *all, anc_err *err)
{
    anc_proposal_set run;
    if (err->code || from == j->next || anc_proposals_read(j->proposals, from, j->next - from, &run, err))
        return err->code;
    append(all, &run, err);
    anc_proposal_set_clear(&run);
    return err->code;
}

/* The proposals of d's images, in runs of neighbours; images that d does not have are passed over unread,
 * however many they are. */
static anc_status gather(job *j, const anc_dataset *d, anc_proposal_set *all, anc_err *err)
{
    const int64_t *id = anc_proposals_ids(j->proposals), last = anc_proposals_images(j->proposals);
    all->image_id = calloc((size_t)d->n_images + 1, sizeof *all->image_id);
    all->offset = calloc((size_t)d->n_images + 1, sizeof *all->offset);
    if (!all->image_id || !all->offset) return anc_fail(err, ANC_EMEMORY, "no memory for a run of images");
    int64_t from = j->next;
    for (int64_t i = 0; j->next < last && i < d->n_images;) {
        if (id[j->next] < d->image[i].id) {
            if (take_run(j, from, all, err)) return err->code;
            from = ++j->next;
        } else {
            j->next += id[j->next] == d->image[i++].id;
        }
    }
    return take_run(j, from, all, err);
}

/* The proposals of a run's images are neighbours in their file, too: both ascend by image id. */
static anc_status pack_both(job *j, const anc_dataset *d, void **bytes, size_t *n, anc_err *err)
{
    images m = { 0 };
    anc_proposal_set set = { 0 };
    if (gather(j, d, &set, err)) {
        anc_proposal_set_clear(&set);
        return err->code;
    }
    m.h = (head){ d->n_images, d->n_boxes, set.n };
    *n = bytes_of(&m.h);
    if (!(*bytes = malloc(*n))) {
        anc_proposal_set_clear(&set);
        return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " proposals", m.h.n_proposals);
    }
    memcpy(*bytes, &m.h, sizeof m.h);
    lay(&m, *bytes);
    memcpy(m.xyxy, set.xyxy, (size_t)set.n * sizeof *m.xyxy);
    memcpy(m.score, set.score, (size_t)set.n * sizeof *m.score);
    int64_t k = 0;
    for (int64_t i = 0; i < d->n_images; i++) {
        bool here = k < set.n_images && set.image_id[k] == d->image[i].id;
        m.n_objects[i] = (int32_t)(d->box_offset[i + 1] - d->box_offset[i]);
        m.n_proposals[i] = here ? (int32_t)(set.offset[k + 1] - set.offset[k]) : 0;
        j->n_without += !m.n_proposals[i];
        k += here;
    }
    anc_proposal_set_clear(&set);
    return fill_objects(j, d, &m, err);
}

static anc_status pack_run(void *context, int64_t run, void **bytes, size_t *n, anc_err *err)
{
    job *j = context;
    anc_dataset slice = { 0 };
    int64_t first = run * IMAGES_PER_RUN, left = j->plan.n_images - first;
    if (anc_source_read(j->source, first, left < IMAGES_PER_RUN ? left : IMAGES_PER_RUN, &slice, err))
        return err->code;
    anc_status status = pack_both(j, &slice, bytes, n, err);
    anc_dataset_clear(&slice);
    return status;
}

static void run_finished(void *context, int64_t run, const void *result)
{
    job *j = context;
    int64_t left = j->plan.n_images - run * IMAGES_PER_RUN;
    (void)result;
    anc_progress_set(&j->progress, j->done += left < IMAGES_PER_RUN ? left : IMAGES_PER_RUN);
}

static anc_status count_run(job *j, anc_queue *q, const anc_work *work, anc_err *err)
{
    images m;
    memcpy(&m.h, work->bytes, sizeof m.h);
    lay(&m, (unsigned char *)(uintptr_t)work->bytes);
    for (int64_t i = 0; i < m.h.n_images; i++) {
        if (anc_recall_add(&j->recall, m.object, m.n_objects[i], (const double(*)[4])m.xyxy, m.score,
                           m.n_proposals[i], err))
            return err->code;
        m.object += m.n_objects[i];
        m.xyxy += m.n_proposals[i];
        m.score += m.n_proposals[i];
        anc_queue_serve(q);
    }
    return ANC_OK;
}

/* Collective. All runs, then the sums on all ranks. */
static anc_status count_all(job *j, anc_err *err)
{
    const anc_queue_plan queue_plan = { .n_items = (j->plan.n_images + IMAGES_PER_RUN - 1) / IMAGES_PER_RUN,
                                        .pack = pack_run,
                                        .finished = run_finished,
                                        .context = j };
    anc_queue *q;
    anc_work work;
    if (anc_queue_new(&q, &j->team, &queue_plan, err)) return err->code;
    while (anc_queue_next(q, &work)) {
        anc_err mine = { 0 };
        if (count_run(j, q, &work, &mine))
            anc_queue_fail(q, &mine);
        else
            anc_queue_done(q, NULL);
    }
    anc_status failed = anc_queue_finish(q, NULL, err);
    anc_queue_free(q);
    if (failed) return failed;
    anc_team_sum(&j->team, j->recall.count, (size_t)anc_recall_n_counts(&j->recall));
    return ANC_OK;
}

/* ---- reporting ---- */

#define COUNT(x)   anc_format_count(x).text
#define OF(n, one) anc_format_of(n, one).text

static const char *category_name(const job *j, int32_t group)
{
    return group < j->categories.n_categories ? j->categories.category[group].name : "(none)";
}

static void print_value(double x)
{
    if (isnan(x))
        printf("  %8s", "-");
    else
        printf("  %8.4f", x);
}

static void print_tops(const char *corner, const job *j)
{
    printf("  %-10s", corner);
    for (int32_t t = 0; t < j->plan.n_tops; t++) printf("  %8s", COUNT(j->plan.top[t]));
    putchar('\n');
}

static void print_categories(const job *j)
{
    const anc_recall *r = &j->recall;
    printf("\nby category: average recall\n  %-24s   objects", "proposals");
    for (int32_t t = 0; t < j->plan.n_tops; t++) printf("  %8s", COUNT(j->plan.top[t]));
    putchar('\n');
    for (int32_t g = 0; g < j->plan.n_groups; g++) {
        printf("  %-24.24s  %8s", category_name(j, g), COUNT(anc_recall_objects(r, ANC_RECALL_SIZES + g)));
        for (int32_t t = 0; t < j->plan.n_tops; t++)
            print_value(anc_recall_average(r, ANC_RECALL_SIZES + g, t));
        putchar('\n');
    }
}

static void print_report(const job *j)
{
    const anc_recall *r = &j->recall;
    printf("evaluate: %s (%s): %s\n", j->o.proposals, anc_proposals_format(j->proposals),
           OF(anc_proposals_count(j->proposals), "proposal"));
    printf("evaluate: %s: %s, %s, %s; protocol %s\n", j->o.annotations, OF(j->plan.n_images, "image"),
           OF(anc_recall_objects(r, 0), "object"), OF(j->n_crowds, "crowd region"), j->o.protocol);
    if (j->n_without)
        printf("  note: %s of %s %s no proposals; %s objects count as missed\n", COUNT(j->n_without),
               OF(j->plan.n_images, "image"), anc_format_verb(j->n_without, "has", "have"),
               anc_format_verb(j->n_without, "its", "their"));
    if (j->n_stray)
        printf("  note: %s of the %s of the proposals %s not in the annotations and %s no part\n",
               COUNT(j->n_stray), OF(anc_proposals_images(j->proposals), "image"),
               anc_format_verb(j->n_stray, "is", "are"), anc_format_verb(j->n_stray, "takes", "take"));
    printf("\naverage recall, IoU .50:.05:.95\n  %-10s   objects", "proposals");
    for (int32_t t = 0; t < j->plan.n_tops; t++) printf("  %8s", COUNT(j->plan.top[t]));
    putchar('\n');
    for (int s = 0; s < ANC_RECALL_SIZES; s++) {
        printf("  %-10s  %8s", anc_recall_size_name[s], COUNT(anc_recall_objects(r, s)));
        for (int32_t t = 0; t < j->plan.n_tops; t++) print_value(anc_recall_average(r, s, t));
        putchar('\n');
    }
    printf("\nrecall of all sizes by IoU\n");
    print_tops("proposals", j);
    for (int i = 0; i < ANC_RECALL_IOUS; i++) {
        printf("  %-10.2f", anc_recall_iou(i));
        for (int32_t t = 0; t < j->plan.n_tops; t++) print_value(anc_recall_at(r, 0, i, t));
        putchar('\n');
    }
    if (j->o.categories) print_categories(j);
}

/* A name within quotes: doubled in CSV, escaped in JSON. */
static void put_name(FILE *to, const char *name, bool json)
{
    putc('"', to);
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        if (json && *c < 0x20)
            fprintf(to, "\\u%04x", *c);
        else if (*c == '"')
            fputs(json ? "\\\"" : "\"\"", to);
        else if (json && *c == '\\')
            fputs("\\\\", to);
        else
            putc(*c, to);
    }
    putc('"', to);
}

static const char *row_name(const job *j, int32_t row)
{
    return row < ANC_RECALL_SIZES ? anc_recall_size_name[row] : category_name(j, row - ANC_RECALL_SIZES);
}

static void put_csv(const job *j, FILE *to)
{
    const anc_recall *r = &j->recall;
    fputs("kind,name,objects,proposals,iou,found,recall\n", to);
    for (int32_t row = 0; row < r->n_rows; row++)
        for (int32_t t = 0; t < r->n_tops && anc_recall_objects(r, row); t++)
            for (int i = 0; i <= ANC_RECALL_IOUS; i++) {
                fputs(row < ANC_RECALL_SIZES ? "size," : "category,", to);
                put_name(to, row_name(j, row), false);
                fprintf(to, ",%" PRId64 ",%d,", anc_recall_objects(r, row), r->top[t]);
                if (i < ANC_RECALL_IOUS)
                    fprintf(to, "%.2f,%" PRId64 ",%.17g\n", anc_recall_iou(i), anc_recall_found(r, row, i, t),
                            anc_recall_at(r, row, i, t));
                else
                    fprintf(to, "mean,,%.17g\n", anc_recall_average(r, row, t));
            }
}

static void put_numbers(FILE *to, const char *open, int n,
                        double (*value)(const anc_recall *, int32_t, int, int32_t), const anc_recall *r,
                        int32_t row, int32_t top)
{
    fputs(open, to);
    for (int i = 0; i < n; i++) {
        double x = value(r, row, i, top);
        if (isnan(x))
            fprintf(to, "%snull", i ? "," : "");
        else
            fprintf(to, "%s%.17g", i ? "," : "", x);
    }
    putc(']', to);
}

static double average(const anc_recall *r, int32_t row, int i, int32_t top)
{
    (void)top;
    return anc_recall_average(r, row, i);
}

static double iou(const anc_recall *r, int32_t row, int i, int32_t top)
{
    (void)r, (void)row, (void)top;
    return anc_recall_iou(i);
}

static double top_of(const anc_recall *r, int32_t row, int i, int32_t top)
{
    (void)row, (void)top;
    return r->top[i];
}

/* recall[t][i] is that of the t-th count of proposals at the i-th IoU; null where there are no objects. */
static void put_json(const job *j, FILE *to)
{
    const anc_recall *r = &j->recall;
    fprintf(to,
            "{\"protocol\":\"%s\",\"images\":%" PRId64 ",\"images_without_proposals\":%" PRId64
            ",\"images_not_annotated\":%" PRId64 ",\"crowd_regions\":%" PRId64,
            j->o.protocol, j->plan.n_images, j->n_without, j->n_stray, j->n_crowds);
    put_numbers(to, ",\n \"proposals\":[", r->n_tops, top_of, r, 0, 0);
    put_numbers(to, ",\"iou\":[", ANC_RECALL_IOUS, iou, r, 0, 0);
    fputs(",\n \"sizes\":[", to);
    for (int32_t row = 0; row < r->n_rows; row++) {
        if (row == ANC_RECALL_SIZES) fputs("],\n \"categories\":[", to);
        fprintf(to, "%s\n  {\"name\":", row && row != ANC_RECALL_SIZES ? "," : "");
        put_name(to, row_name(j, row), true);
        fprintf(to, ",\"objects\":%" PRId64, anc_recall_objects(r, row));
        put_numbers(to, ",\"average_recall\":[", r->n_tops, average, r, row, 0);
        fputs(",\n   \"recall\":[", to);
        for (int32_t t = 0; t < r->n_tops; t++)
            put_numbers(to, t ? ",[" : "[", ANC_RECALL_IOUS, anc_recall_at, r, row, t);
        fputs("]}", to);
    }
    fputs("]}\n", to);
}

static anc_status write_file(const job *j, const char *path, void (*put)(const job *, FILE *), anc_err *err)
{
    char *text = NULL;
    size_t n = 0;
    anc_out *out;
    FILE *to = open_memstream(&text, &n);
    if (!to) return anc_fail(err, ANC_EMEMORY, "no memory to write %s", path);
    put(j, to);
    if (fclose(to))
        anc_fail(err, ANC_EMEMORY, "no memory to write %s", path);
    else if (!anc_out_open(path, &out, err)) {
        anc_out_write(out, text, n);
        anc_out_commit(out, err);
    }
    free(text);
    return err->code;
}

/* ---- the job ---- */

static anc_status parse_tops(const char *text, plan *p, anc_err *err)
{
    p->n_tops = 0;
    for (const char *c = text;; c++) {
        char *end;
        long n = strtol(c, &end, 10);
        int32_t before = p->n_tops ? p->top[p->n_tops - 1] : 0;
        if (end == c || n <= before || n > 1000000 || (*end && *end != ',') ||
            p->n_tops == ANC_RECALL_MAX_TOPS)
            return anc_fail(err, ANC_EARGUMENT,
                            "--top %s: give at most %d ascending counts of 1 to 1000000, as in 1,10,100",
                            text, ANC_RECALL_MAX_TOPS);
        p->top[p->n_tops++] = (int32_t)n;
        c = end;
        if (!*c) return ANC_OK;
    }
}

/* The tables take the place of none of the run's files. */
static anc_status check_files(const options *o, anc_err *err)
{
    const char *const files[] = { o->proposals,    o->annotations, o->source.sizes,
                                  o->source.names, o->source.list, o->csv };
    if (o->csv && anc_summary_check("--csv", o->csv, files, 5, NULL, err)) return err->code;
    return o->json ? anc_summary_check("--json", o->json, files, 6, NULL, err) : ANC_OK;
}

static anc_status open_proposals(job *j, anc_err *err)
{
    plan *p = &j->plan;
    if (check_files(&j->o, err)) return err->code;
    if (parse_tops(j->o.top, p, err)) return err->code;
    if (!strcmp(j->o.protocol, "coco"))
        p->protocol = ANC_RECALL_COCO;
    else if (!strcmp(j->o.protocol, "detectron"))
        p->protocol = ANC_RECALL_DETECTRON;
    else
        return anc_fail(err, ANC_EARGUMENT, "no protocol is called '%s'; there are coco and detectron",
                        j->o.protocol);
    return anc_proposals_open(j->o.proposals, &j->proposals, err);
}

/* Collective. */
static anc_status open_source(job *j, anc_err *err)
{
    plan *p = &j->plan;
    if (anc_source_open_team(&j->team, j->o.annotations, &j->o.source, &j->source, err)) return err->code;
    if (j->team.rank || anc_source_categories(j->source, &j->categories, err))
        return anc_team_agree(&j->team, err);
    p->n_images = anc_source_images(j->source);
    p->n_groups = j->categories.n_categories ? (int32_t)j->categories.n_categories : 1;
    compare_images(j, err);
    return anc_team_agree(&j->team, err);
}

static anc_status run(job *j, anc_err *err)
{
    bool speaks = !j->team.rank;
    if (speaks) open_proposals(j, err);
    if (anc_team_agree(&j->team, err) || open_source(j, err)) return err->code;
    anc_team_bcast(&j->team, &j->plan, sizeof j->plan, 0);
    const plan *p = &j->plan;
    anc_recall_init(&j->recall, p->protocol, p->top, p->n_tops, p->n_groups, err);
    if (anc_team_agree(&j->team, err)) return err->code;
    if (speaks) anc_progress_start(&j->progress, stderr, j->o.quiet, "evaluate", "images", 0, p->n_images, 0);
    anc_status failed = count_all(j, err);
    if (speaks) anc_progress_stop(&j->progress);
    if (failed) return failed;
    if (speaks) {
        print_report(j);
        if (j->o.csv) write_file(j, j->o.csv, put_csv, err);
        if (j->o.json && !err->code) write_file(j, j->o.json, put_json, err);
    }
    return anc_team_agree(&j->team, err);
}

int anc_job_evaluate(int argc, char **argv)
{
    job j = { .o = { .protocol = "coco", .top = "1,10,100,300,1000" } };
    options *o = &j.o;
    const anc_opt opt[] = {
        { "protocol", 'p', "NAME", ANC_OPT_STRING, &o->protocol, 0, 0,
          "coco (cocoapi's matching, class-agnostic) or detectron (evaluate_box_proposals)" },
        { "top", 't', "LIST", ANC_OPT_STRING, &o->top, 0, 0,
          "counts of proposals per image to give recall for" },
        { "categories", 'c', NULL, ANC_OPT_FLAG, &o->categories, 0, 0, "also print each category's recall" },
        { "csv", 0, "FILE", ANC_OPT_STRING, &o->csv, 0, 0, "write every figure as a table" },
        { "json", 0, "FILE", ANC_OPT_STRING, &o->json, 0, 0, "write every figure as JSON" },
        ANC_SOURCE_OPTS(o->words),
        { "quiet", 'q', NULL, ANC_OPT_FLAG, &o->quiet, 0, 0, "no progress" },
        { 0 },
    };
    const anc_usage usage = {
        .command = "evaluate",
        .operands = "PROPOSALS ANNOTATIONS",
        .min_operands = 2,
        .max_operands = 2,
        .about = "Says how many of the annotated objects the best proposals find: average recall over IoU "
                 ".50:.05:.95, by "
                 "size, by IoU, by category. PROPOSALS is a proposals.h5 or any detector's COCO results "
                 "JSON; ANNOTATIONS an "
                 "annotations.h5 or any file or folder that `anchorage import` reads.",
        .example = "anchorage evaluate proposals.h5 instances_val2017.json --csv recall.csv",
        .opt = opt,
    };
    const char *operand[2];
    int n, ended = anc_opts_parse(&usage, argc, argv, operand, &n);
    if (ended) return ended - 1;
    o->proposals = operand[0];
    o->annotations = operand[1];
    anc_err err = { 0 };
    if (anc_source_options(&o->words, &o->source, &err)) return anc_opts_refuse(&usage, "%s", err.text);
    if (!anc_start_team(&j.team, "evaluate")) return ANC_EXIT_FAILED;
    run(&j, &err);
    if (err.code && !j.team.rank) fprintf(stderr, "anchorage: evaluate: %s\n", err.text);
    anc_proposals_close(j.proposals);
    anc_source_close(j.source);
    anc_dataset_clear(&j.categories);
    anc_recall_free(&j.recall);
    anc_team_stop(&j.team);
    return !err.code ? ANC_EXIT_DONE : err.code == ANC_EARGUMENT ? ANC_EXIT_USAGE : ANC_EXIT_FAILED;
}
