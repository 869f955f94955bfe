/* jobs/label/job_label.c: `anchorage label`: annotations in, shards of training targets and their index out
 *
 * Rank 0 holds the output folder, reads the annotations and hands out the shards that no earlier run has
 * finished, each with its slice of the data set; every rank labels views and writes shards; rank 0 writes the
 * index in the end.
 */
#include "io/file/out.h"
#include "jobs/cli/choose.h"
#include "jobs/cli/closing.h"
#include "jobs/cli/config.h"
#include "jobs/cli/format.h"
#include "jobs/cli/output_name.h"
#include "jobs/cli/progress.h"
#include "jobs/cli/run_folder.h"
#include "jobs/cli/source_team.h"
#include "jobs/cli/start.h"
#include "jobs/cli/stop.h"
#include "jobs/cli/summary.h"
#include "jobs/job.h"
#include "jobs/label/label_opts.h"
#include "jobs/label/label_report.h"
#include "jobs/label/label_rules.h"
#include "jobs/label/label_shard.h"
#include "jobs/label/shard_check.h"
#include "mpi/queue.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What every rank must know alike; plain bytes, broadcast by rank 0. */
typedef struct {
    anc_label_plan label;
    char kernels[16], tag[64];
    anc_lock_mark mark;
} plan;

enum { ABSENT, WHOLE, FAULTY }; /* a shard before this run */

typedef struct {
    anc_label_opts o;
    plan plan;
    int64_t n_shards, n_mine, n_before,
        n_left;             /* all; of this part; of those done before; left when it was stopped */
    double lock_s, claim_s; /* see anc_label_timings */
    int64_t *verdict;       /* [n_shards] ABSENT, WHOLE or FAULTY, the same on all ranks */
    anc_team team;
    const anc_kernels *kernels;
    anc_source *source;        /* rank 0 */
    const anc_dataset *images; /* rank 0: with their names, for the index */
    anc_lock *lock;            /* rank 0 */
    size_t made;               /* of the folder, for anc_run_folder_leave */
    char *config;              /* JSON, the same on all ranks */
    anc_progress progress;
    int64_t views_done;
    anc_shard_maker maker;
    anc_layout_row *like; /* [n_like] on all ranks; NULL without --like */
    int64_t n_layout;
    anc_roi_input proposals; /* of the second stage, on all ranks, and its classes */
    anc_classes classes;
    int32_t *category;
    anc_queue *queue;
    anc_h5_file pending; /* the last shard, sealed, until the next one is, too: see commit_pending */
    anc_out_cost cost;   /* of shards, since it was last taken */
    bool index_written;
    bool unused; /* rank 0: the configuration file has keys that --like leaves without effect */
} job;

/* ---- the plan ---- */

static void say_waiting(const char *owner)
{
    fprintf(stderr, "label: the output folder was held by %s; looking for 15 s whether it still is\n", owner);
}

static anc_run_folder folder_of(const job *j)
{
    return (anc_run_folder){ j->o.out, j->o.part_i, j->o.part_n, j->o.restart, anc_stop_wanted, say_waiting };
}

/* Rank 0. What the second stage has besides annotations. */
static anc_status plan_rois(job *j, anc_err *err)
{
    anc_label_plan *p = &j->plan.label;
    if (anc_roi_input_open(&j->proposals, j->o.proposals, err) ||
        anc_roi_input_check(&j->proposals, j->o.annotations, j->source, &p->roi.crc, err))
        return err->code;
    if (anc_classes_read(j->source, p->rules.roi.classes, &j->category, &j->classes, err))
        return anc_within(err, "%s", j->o.annotations);
    p->roi.images = anc_proposals_images(j->proposals.file);
    p->roi.count = anc_proposals_count(j->proposals.file);
    p->roi.n_classes = j->classes.n;
    p->roi.classes = anc_classes_fingerprint(&j->classes);
    return ANC_OK;
}

/* Collective. */
static anc_status share_rois(job *j, anc_err *err)
{
    if (anc_classes_share(&j->team, &j->category, &j->classes, err)) return err->code;
    if (j->team.rank) anc_roi_input_open(&j->proposals, j->o.proposals, err);
    return anc_team_agree(&j->team, err);
}

static anc_status make_plan(job *j, anc_err *err)
{
    anc_label_plan *p = &j->plan.label;
    const anc_label_opts *o = &j->o;
    if (anc_output_name_folder("--output", o->out, err) || anc_label_rules(o, &p->rules, &j->unused, err))
        return err->code;
    bool named;
    const anc_kernels *k = anc_choose_kernels(o->simd, &named, err);
    if (!k) return err->code;
    snprintf(j->plan.kernels, sizeof j->plan.kernels, "%s", named ? k->name : "");
    if (o->like) {
        if (anc_layout_read(o->like, &p->rules, &j->like, &j->n_layout, err)) return err->code;
        p->like = anc_layout_fingerprint(j->like, j->n_layout);
    }
    const anc_run_folder f = folder_of(j);
    double start = anc_now_s();
    if (!o->dry_run && anc_run_folder_enter(&f, &j->lock, &j->made, err)) return err->code;
    j->lock_s = anc_now_s() - start;
    const char *const reads[] = { o->annotations, o->config, o->like, o->proposals };
    if (!o->dry_run && o->summary && anc_summary_check("--summary-json", o->summary, reads, 4, o->out, err))
        return err->code;
    if (j->lock) {
        snprintf(j->plan.tag, sizeof j->plan.tag, "%s", anc_lock_tag(j->lock));
        anc_lock_mark_of(j->lock, &j->plan.mark);
    }
    if (anc_label_rules_as_begun(o, &p->rules, err)) return err->code;
    p->seed = o->seed;
    p->epochs = o->epochs;
    p->images_per_shard = o->images_per_shard;
    p->assignment = o->assignment;
    p->labels = o->labels;
    p->with_gt = o->with_gt;
    return ANC_OK;
}

/* Rank 0: what the plan says of the annotations. */
static anc_status plan_source(job *j, anc_err *err)
{
    anc_label_plan *p = &j->plan.label;
    const anc_label_opts *o = &j->o;
    if (o->like && anc_layout_covers(o->like, j->like, j->n_layout, j->source, err)) return err->code;
    p->n_images = anc_source_images(j->source);
    p->n_boxes = anc_source_boxes(j->source);
    if (!p->images_per_shard) p->images_per_shard = anc_label_images_per_shard(p);
    if (anc_source_names(j->source, &j->images, err)) return err->code;
    if (o->proposals && plan_rois(j, err)) return err->code;
    return anc_source_fingerprint(j->source, &p->fingerprint, err);
}

/* Collective. The annotations, on rank 0, and the plan for them. */
static anc_status open_source(job *j, anc_err *err)
{
    if (anc_source_open_team(&j->team, j->o.annotations, &j->o.source, &j->source, err)) return err->code;
    if (!j->team.rank) plan_source(j, err);
    return anc_team_agree(&j->team, err);
}

static bool is_mine(const job *j, int64_t shard) { return shard % j->o.part_n == j->o.part_i - 1; }

/* ---- shards ---- */

/* Collective. Looks at the shards that lie in the folder, each rank at some of them; `others`: also at those
 * of other parts. What is faulty is said by rank 0. */
static anc_status look_at_shards(job *j, bool others, anc_err *err)
{
    const anc_run_of_shards run = { j->o.out, j->config, ANC_VERSION, &j->plan.label };
    char *text = NULL, *all;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (!to) anc_fail(err, ANC_EMEMORY, "out of memory");
    if (anc_team_agree(&j->team, err)) return err->code;
    memset(j->verdict, 0, (size_t)j->n_shards * sizeof *j->verdict);
    for (int64_t s = j->team.rank; s < j->n_shards; s += j->team.size) {
        anc_err fault = { 0 };
        bool there;
        if (!others && !is_mine(j, s)) continue;
        if (!anc_shard_check(&run, s, j->o.repair, &there, &fault))
            j->verdict[s] = WHOLE;
        else if (there) {
            j->verdict[s] = FAULTY;
            fprintf(to, "label: %s; labelling it again\n", fault.text);
        }
    }
    fclose(to);
    anc_team_sum(&j->team, j->verdict, (size_t)j->n_shards);
    all = anc_team_join(&j->team, text);
    if (all && !others) fputs(all, stderr);
    free(all);
    free(text);
    return ANC_OK;
}

static int64_t views_of(const job *j, int64_t shard) { return anc_label_range_of(&j->plan.label, shard).n; }

static anc_status pack_slice(void *context, int64_t shard, void **bytes, size_t *n, anc_err *err)
{
    job *j = context;
    anc_label_range r = anc_label_range_of(&j->plan.label, shard);
    anc_dataset slice = { 0 };
    if (anc_source_read(j->source, r.first, r.n, &slice, err)) return err->code;
    anc_status status = anc_dataset_pack(&slice, 0, slice.n_images, bytes, n, err);
    anc_dataset_clear(&slice);
    return status;
}

static void shard_finished(void *context, int64_t shard, const void *result)
{
    job *j = context;
    (void)result;
    j->views_done += views_of(j, shard);
    anc_progress_set(&j->progress, j->views_done);
}

static bool lock_is_lost(const job *j) { return j->lock && anc_lock_lost(j->lock); }

static bool between_views(void *context)
{
    job *j = context;
    if (lock_is_lost(j)) return false; /* and hand out no more */
    anc_queue_serve(j->queue);
    return !anc_stop_wanted();
}

/* By a look at the lock, which every rank takes. */
static bool folder_is_ours(const job *j) { return anc_lock_mark_holds(&j->plan.mark); }

/* Gives the pending shard its final name. It was synced while another one was labelled: a rank that waited
 * for the disk after each shard would lose 2 % of its time (docs/RESULTS.md). A crash thus loses up to two
 * shards of a rank. */
static anc_status commit_pending(job *j, anc_err *err)
{
    if (!j->pending.sealed) return ANC_OK;
    if (folder_is_ours(j)) return anc_h5_commit(&j->pending, err);
    anc_h5_abandon(&j->pending);
    return anc_run_folder_lost(j->o.out, err);
}

/* A part that is gone was swept by the run that has taken the folder over. */
static anc_status blame(const job *j, anc_err *err)
{
    return folder_is_ours(j) ? err->code : anc_run_folder_lost(j->o.out, err);
}

/* Adds to a record what the disk has cost since this was last asked. */
static void take_cost(job *j, anc_label_record *r)
{
    r->s[ANC_S_SEAL] += j->cost.seal_s;
    r->s[ANC_S_SYNC] += j->cost.sync_s;
    j->cost = (anc_out_cost){ 0 };
}

static anc_status write_shard(job *j, int64_t shard, anc_label_record *r, anc_err *err)
{
    char name[64], path[PATH_MAX];
    anc_targets_shard_name(name, shard, j->n_shards);
    snprintf(path, sizeof path, "%s/%s", j->o.out, name); /* fits: see anc_run_folder_enter */
    double t = anc_now_s();
    anc_h5_file file = { 0 };
    const anc_targets_about about = { .config = j->config,
                                      .rules = &j->plan.label.rules,
                                      .shard = shard,
                                      .tag = j->plan.tag,
                                      .classes = &j->classes,
                                      .cost = &j->cost };
    if (anc_targets_write_part(&j->maker.targets, path, &about, &file, &r->n[ANC_N_BYTES], err))
        return blame(j, err);
    anc_status status = commit_pending(j, err);
    if (status) status = blame(j, err);
    if (!status || folder_is_ours(j)) /* one that cannot be synced is lost alone */
        j->pending = file;
    else
        anc_h5_abandon(&file);
    take_cost(j, r);
    r->s[ANC_S_WRITE] = anc_now_s() - t - r->s[ANC_S_SEAL] - r->s[ANC_S_SYNC];
    return status;
}

static anc_status do_shard(job *j, const anc_work *work, anc_label_record *r, bool *dropped, anc_err *err)
{
    anc_dataset slice = { 0 };
    *r = (anc_label_record){ 0 };
    if (anc_dataset_unpack(work->bytes, work->n_bytes, &slice, err)) return err->code;
    int32_t epoch = anc_label_range_of(&j->plan.label, work->item).epoch;
    anc_status status = anc_shard_make(&j->maker, &slice, epoch, r, dropped, err);
    anc_dataset_clear(&slice);
    if (status) return j->maker.bad_proposals ? status : anc_within(err, "%s", j->o.annotations);
    if (lock_is_lost(j)) return anc_run_folder_lost(j->o.out, err);
    return *dropped ? ANC_OK : write_shard(j, work->item, r, err);
}

static void add(anc_label_record *sum, const anc_label_record *r)
{
    for (int i = 0; i < ANC_N_COUNTS; i++) sum->n[i] += r->n[i];
    for (int i = 0; i < ANC_N_STAGES; i++) sum->s[i] += r->s[i];
}

/* Collective. Makes the shards' names last, each rank on its host, and all before the index. */
static anc_status sync_names(const job *j, anc_label_timings *t, anc_err *err)
{
    double start = anc_now_s();
    anc_out_sync_folder(j->o.out, err);
    t->names_s = anc_now_s() - start;
    return anc_team_agree(&j->team, err);
}

/* Collective: all shards of this part that are not whole. Rank 0 gets the sum of the records. */
static anc_status do_shards(job *j, anc_label_record *sum, anc_label_timings *t, anc_err *err)
{
    unsigned char *done = malloc((size_t)j->n_shards + 1);
    if (!done) anc_fail(err, ANC_EMEMORY, "out of memory for %lld shards", (long long)j->n_shards);
    for (int64_t s = 0; done && s < j->n_shards; s++) done[s] = !is_mine(j, s) || j->verdict[s] == WHOLE;
    if (anc_team_agree(&j->team, err)) return err->code;
    const anc_queue_plan queue_plan = { j->n_shards, done,           sizeof(anc_label_record),
                                        pack_slice,  shard_finished, j };
    anc_status failed = anc_queue_new(&j->queue, &j->team, &queue_plan, err);
    free(done);
    if (failed) return failed;
    anc_work work;
    anc_label_record r;
    double busy = 0;
    while (anc_queue_next(j->queue, &work)) {
        anc_err mine = { 0 };
        bool dropped = false;
        if (do_shard(j, &work, &r, &dropped, &mine))
            anc_queue_fail(j->queue, &mine);
        else if (!dropped)
            anc_queue_done(j->queue, &r);
        if (anc_stop_wanted()) anc_queue_halt(j->queue);
        busy += anc_label_busy_s(&r);
    }
    anc_err last = { 0 };
    anc_label_record rest = { 0 };
    if (commit_pending(j, &last)) anc_queue_fail(j->queue, &last);
    take_cost(j, &rest);
    busy += anc_label_busy_s(&rest);
    failed = anc_queue_finish(j->queue, &j->n_left, err); /* the same on all ranks */
    if (!failed) failed = sync_names(j, t, err);
    for (int64_t s = 0; s < j->n_shards && !j->team.rank; s++) {
        const anc_label_record *of = anc_queue_result(j->queue, s);
        if (of) add(sum, of);
    }
    anc_queue_free(j->queue);
    t->busy = anc_team_spread(&j->team, busy);
    sum->s[ANC_S_SYNC] += anc_team_spread(&j->team, rest.s[ANC_S_SYNC]).mean * j->team.size;
    return failed;
}

/* Collective: the index, once all shards of all parts are whole, unless it is there already. */
static anc_status do_index(job *j, bool changed, anc_label_timings *t, anc_err *err)
{
    const anc_label_plan *p = &j->plan.label;
    const anc_run_of_shards run = { j->o.out, j->config, ANC_VERSION, p };
    const anc_targets_about about = { .config = j->config,
                                      .rules = &p->rules,
                                      .tag = j->plan.tag,
                                      .classes = &j->classes,
                                      .cost = &t->index,
                                      .images = j->images };
    const int32_t n_levels = j->maker.targets.n_levels;
    bool with[ANC_ROWS_ALL];
    anc_targets_kept(p->rules.stage, (anc_kept){ p->assignment, p->labels, p->with_gt, false }, with);
    double start = anc_now_s();
    bool all = true, there, earlier;
    if (j->o.part_n > 1) {
        if (look_at_shards(j, true, err)) return err->code;
        for (int64_t s = 0; s < j->n_shards; s++) all = all && j->verdict[s] == WHOLE;
    }
    anc_err fault = { 0 };
    if (all && !j->team.rank &&
        (anc_index_check(&run, &there, &fault) || anc_index_names_check(&run, j->images, &earlier, &fault) ||
         changed)) {
        if (fault.code && there) fprintf(stderr, "label: %s; writing it again\n", fault.text);
        anc_targets_write_index(j->o.out, j->n_shards, with, n_levels, &about, &t->index_bytes, err);
        j->index_written = !err->code;
    }
    t->index_s = anc_now_s() - start;
    return anc_team_agree(&j->team, err);
}

/* ---- the job ---- */

/* Collective. Rank 0 plans and takes the folder, all get the plan. */
static anc_status share_plan(job *j, anc_err *err)
{
    if (!j->team.rank) make_plan(j, err);
    if (anc_team_agree(&j->team, err) || open_source(j, err)) return err->code;
    anc_team_bcast(&j->team, &j->plan, sizeof j->plan, 0);
    if (j->o.like && anc_layout_share(&j->team, &j->like, &j->n_layout, err)) return err->code;
    if (j->o.proposals && share_rois(j, err)) return err->code;
    j->n_shards = anc_label_shards(&j->plan.label);
    j->kernels = anc_kernels_find(j->plan.kernels[0] ? j->plan.kernels : NULL);
    j->config = anc_label_describe(&j->plan.label);
    j->verdict = calloc((size_t)j->n_shards + 1, sizeof *j->verdict);
    if (!j->kernels)
        anc_fail(err, ANC_EARGUMENT, "no %s kernels on this host; leave --simd out", j->plan.kernels);
    if (!j->config || !j->verdict)
        anc_fail(err, ANC_EMEMORY, "out of memory for %lld shards", (long long)j->n_shards);
    if (!err->code) anc_shard_maker_init(&j->maker, &j->plan.label, j->kernels, err);
    j->maker.like = j->like;
    j->maker.n_layout = j->n_layout;
    j->maker.proposals = &j->proposals;
    j->maker.classes = &j->classes;
    j->maker.between = between_views;
    j->maker.context = j;
    const anc_run_folder f = folder_of(j);
    double start = anc_now_s();
    if (!err->code && j->lock) anc_run_folder_claim(&f, j->lock, j->config, j->n_shards, err);
    if (!err->code && j->o.dry_run && !j->team.rank && *j->o.out)
        anc_run_folder_check(&f, j->config, j->n_shards, err);
    j->claim_s = anc_now_s() - start;
    return anc_team_agree(&j->team, err);
}

/* Collective. How much of this part is to be done; rank 0 knows how many views are not. */
static anc_status see_what_is_left(job *j, anc_err *err)
{
    if (!j->o.dry_run && look_at_shards(j, false, err)) return err->code;
    for (int64_t s = 0; s < j->n_shards; s++) {
        if (!is_mine(j, s)) continue;
        j->n_mine++;
        if (j->verdict[s] != WHOLE) continue;
        j->n_before++;
        j->views_done += views_of(j, s);
    }
    return ANC_OK;
}

static anc_status do_all(job *j, anc_label_record *sum, anc_label_timings *t, anc_err *err)
{
    bool speaks = !j->team.rank;
    int64_t views = 0;
    double start = anc_now_s();
    for (int64_t s = 0; s < j->n_shards; s++) views += is_mine(j, s) ? views_of(j, s) : 0;
    if (speaks)
        anc_progress_start(&j->progress, stderr, j->o.quiet, "label", "views", j->views_done, views, 0);
    anc_status failed = do_shards(j, sum, t, err);
    if (speaks) anc_progress_stop(&j->progress);
    t->label_s = anc_now_s() - start;
    if (failed) return failed;
    if (!j->n_left) return do_index(j, j->n_before < j->n_mine, t, err);
    anc_say_stopped(&j->team, "label", "request", "with %s of %s left", anc_format_count(j->n_left).text,
                    anc_format_of(j->n_mine, "shard").text);
    return ANC_OK;
}

static anc_label_report report_of(const job *j, const anc_label_record *sum, const anc_label_timings *t)
{
    return (anc_label_report){ .annotations = j->o.annotations,
                               .out = j->o.out,
                               .proposals = j->o.proposals,
                               .like = j->o.like,
                               .unused = j->unused ? j->o.config : NULL,
                               .proposals_format =
                                   j->o.proposals ? anc_proposals_format(j->proposals.file) : NULL,
                               .kernels = j->kernels->name,
                               .config = j->config,
                               .source = j->source,
                               .plan = &j->plan.label,
                               .ranks = j->team.size,
                               .part = j->o.part_i,
                               .n_parts = j->o.part_n,
                               .n_shards = j->n_shards,
                               .n_mine = j->n_mine,
                               .n_before = j->n_before,
                               .index_written = j->index_written,
                               .record = sum,
                               .t = t };
}

static anc_status run(job *j, anc_err *err)
{
    double start = anc_now_s();
    anc_label_timings t = { 0 };
    anc_label_record sum = { 0 };
    if (share_plan(j, err)) return err->code;
    t.look_s = anc_now_s();
    if (see_what_is_left(j, err)) return err->code;
    bool speaks = !j->team.rank;
    t.read_s = anc_now_s() - start;
    t.look_s = anc_now_s() - t.look_s;
    t.lock_s = j->lock_s;
    t.claim_s = j->claim_s;
    anc_label_report all = report_of(j, &sum, &t);
    if (speaks && (!j->o.quiet || j->o.dry_run)) anc_label_print_plan(&all);
    if (j->o.dry_run) {
        if (speaks)
            printf("label: dry run: would write %s and targets.h5%s%s\n",
                   anc_format_of(j->n_mine, "shard").text, *j->o.out ? " to " : "", j->o.out);
        return ANC_OK;
    }
    fflush(stdout);
    if (do_all(j, &sum, &t, err) || j->n_left) return err->code;
    t.total_s = anc_now_s() - start;
    t.peak = anc_team_spread(&j->team, anc_peak_mib());
    all = report_of(j, &sum, &t);
    if (speaks && !j->o.quiet) anc_label_print_summary(&all);
    if (speaks && j->o.summary) anc_summary_write(j->o.summary, anc_label_print_json, &all, err);
    return anc_team_agree(&j->team, err);
}

static void job_clear(job *j)
{
    const anc_run_folder f = folder_of(j);
    anc_run_folder_leave(&f, j->lock, j->made);
    anc_source_close(j->source);
    anc_shard_maker_free(&j->maker);
    anc_roi_input_close(&j->proposals);
    free(j->category);
    free(j->like);
    free(j->verdict);
    free(j->config);
}

int anc_job_label(int argc, char **argv)
{
    job j = { 0 };
    anc_err err = { 0 };
    int ended = anc_label_opts_parse(&j.o, argc, argv);
    if (ended) return ended - 1;
    if (!anc_start_team(&j.team, "label")) return ANC_EXIT_FAILED;
    run(&j, &err);
    if (err.code == ANC_ESTOPPED) /* on all ranks, or on none */
        anc_say_stopped(&j.team, "label", "request", "while reading the annotations");
    else if (err.code && !j.team.rank)
        fprintf(stderr, "anchorage: label: %s\n", err.text);
    job_clear(&j);
    anc_team_stop(&j.team);
    if (err.code == ANC_ESTOPPED || (!err.code && j.n_left)) return ANC_EXIT_AGAIN;
    return !err.code ? ANC_EXIT_DONE : err.code == ANC_EARGUMENT ? ANC_EXIT_USAGE : ANC_EXIT_FAILED;
}
