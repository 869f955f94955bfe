/* jobs/propose/job_propose.c: `anchorage propose`: a trained head and features in, proposals out
 *
 * Rank 0 reads the head, holds the output and hands out the shards that no earlier run has finished; every
 * rank reads features, runs the dense head and writes shards; rank 0 joins them in the end.
 */
#include "io/store/head_file.h"
#include "io/file/lock.h"
#include "io/file/out.h"
#include "jobs/cli/choose.h"
#include "jobs/cli/closing.h"
#include "jobs/cli/config.h"
#include "jobs/cli/format.h"
#include "jobs/job.h"
#include "jobs/label/label_shard.h"
#include "jobs/cli/opts.h"
#include "jobs/cli/output_name.h"
#include "jobs/cli/progress.h"
#include "jobs/propose/propose_output.h"
#include "jobs/propose/propose_report.h"
#include "jobs/cli/run_folder.h"
#include "jobs/cli/run_opts.h"
#include "jobs/cli/start.h"
#include "jobs/cli/stop.h"
#include "jobs/cli/summary.h"
#include "mpi/queue.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    const char *paths[2], *out, *preset, *config, *coco, *simd, *summary, *limit;
    int64_t before, after, images_per_shard;
    double iou, least_side, least_score;
    bool training, restart, dry_run, quiet;
} options;

/* What every rank must know alike; plain bytes, broadcast by rank 0. */
typedef struct {
    anc_propose_plan propose;
    char kernels[16], tag[64];
    anc_lock_mark mark;
    bool done; /* the output is there already */
} plan;

typedef struct {
    options o;
    plan plan;
    char *parts; /* OUT.parts */
    int64_t n_shards, n_before, n_left;
    int64_t *whole; /* [n_shards] 1: done by an earlier run; the same on all ranks */
    bool stopped;   /* while shards were joined */
    anc_team team;
    const anc_kernels *kernels;
    anc_features *features;
    int64_t *order;
    float *parameters;
    anc_lock *lock; /* rank 0 */
    bool claimed;   /* rank 0: the shards in the folder are of this run */
    size_t made;    /* of the shards' folder, for anc_run_folder_leave */
    char *config;   /* JSON, the same on all ranks */
    anc_progress progress;
    int64_t images_done;
    anc_proposal_maker maker;
    anc_queue *queue;
    bool one_blas;
} job;

/* ---- the plan ---- */

/* Anchors and coder: --config's, or those that the head was trained with, or for a head that does not say
 * --preset's. */
static anc_status resolve_rules(const options *o, const char *head_config, anc_rules *r, anc_err *err)
{
    const anc_rules *preset = o->preset ? anc_choose_preset(o->preset, err) : NULL;
    anc_err unsaid = { 0 };
    if (err->code) return err->code;
    bool said = !anc_config_read_json(head_config, r, &unsaid);
    if (!said && !preset && !o->config)
        return anc_fail(err, ANC_EDATA,
                        "%s: does not say which anchors it is for (%s); give them by --preset or --config",
                        o->paths[0], unsaid.text);
    if (!said) *r = preset ? *preset : *anc_rules_preset(ANC_DEFAULT_PRESET);
    if (o->config && anc_config_read(o->config, said ? NULL : o->preset, r, err)) return err->code;
    return anc_rules_check(r, err);
}

static anc_status resolve_proposals(const options *o, const anc_rules *rules, anc_propose_plan *p,
                                    anc_err *err)
{
    anc_proposal_rules *r = &p->proposals;
    snprintf(p->preset, sizeof p->preset, "%s", o->preset ? o->preset : rules->name);
    if (!anc_proposal_rules_preset(p->preset, o->training, r))
        return anc_fail(err, ANC_EARGUMENT, "preset %s has no rules for proposals; name another by --preset",
                        p->preset);
    if (o->before) r->n_before = (int32_t)o->before;
    if (o->after) r->n_after = (int32_t)o->after;
    if (o->after && r->n_level && r->n_level < r->n_after) r->n_level = r->n_after;
    if (!isnan(o->iou)) r->iou = o->iou;
    if (!isnan(o->least_side)) r->min_side = o->least_side;
    if (!isnan(o->least_score)) r->least_score = o->least_score;
    return anc_proposal_rules_check(r, err);
}

static anc_status choose_kernels(job *j, anc_err *err)
{
    bool named;
    const anc_kernels *k = anc_choose_kernels(j->o.simd, &named, err);
    if (k) snprintf(j->plan.kernels, sizeof j->plan.kernels, "%s", named ? k->name : "");
    return err->code;
}

static void say_waiting(const char *owner)
{
    fprintf(stderr, "propose: the output was held by %s; looking for 15 s whether it still is\n", owner);
}

static anc_run_folder folder_of(const job *j)
{
    return (anc_run_folder){ j->parts, 1, 1, j->o.restart, anc_stop_wanted, say_waiting };
}

/* Whether the output is done already; refuses one of another run. */
static anc_status look_at_output(job *j, anc_err *err)
{
    bool never;
    anc_output_state state = anc_output_look(j->o.out, j->config, &never, err);
    j->plan.done = state == ANC_OUTPUT_DONE && !j->o.restart;
    if (state == ANC_OUTPUT_DAMAGED && !j->o.restart)
        return anc_within(err, "cannot go on; give --restart to write it again");
    if (state == ANC_OUTPUT_OTHER && (never || !j->o.restart)) return err->code;
    *err = (anc_err){ 0 };
    return ANC_OK;
}

/* What is written beside the output must take the place of nothing that the run reads or writes. */
static anc_status check_names(const options *o, anc_err *err)
{
    const char *const files[] = { o->paths[0], o->paths[1], o->config, o->out, o->coco };
    if (o->coco) anc_summary_check("--coco", o->coco, files, 4, NULL, err);
    if (o->summary && !err->code) anc_summary_check("--summary-json", o->summary, files, 5, NULL, err);
    return err->code;
}

static anc_status lost(const job *j, anc_err *err)
{
    return anc_fail(err, ANC_ESYSTEM,
                    "%s: another run has taken the output over while this one did not run; this one ends",
                    j->o.out);
}

/* Rank 0, with everything that decides the output known: takes the output and its shards. */
static anc_status take_output(job *j, anc_err *err)
{
    const anc_run_folder f = folder_of(j);
    if (look_at_output(j, err) || (j->plan.done && access(j->parts, F_OK))) return err->code;
    if (anc_run_folder_enter(&f, &j->lock, &j->made, err)) return err->code;
    if (look_at_output(j, err))
        return err->code; /* another run may have ended while this one waited for the lock */
    snprintf(j->plan.tag, sizeof j->plan.tag, "%s", anc_lock_tag(j->lock));
    anc_lock_mark_of(j->lock, &j->plan.mark);
    if (j->plan.done) { /* shards of the same run that it could not remove any more */
        anc_err of_another = { 0 };
        j->claimed = !anc_run_folder_claim(&f, j->lock, j->config, j->n_shards, &of_another);
        if (j->claimed) anc_output_clear(j->parts, j->n_shards);
        return ANC_OK;
    }
    if (anc_run_folder_claim(&f, j->lock, j->config, j->n_shards, err)) return err->code;
    j->claimed = true;
    if (anc_lock_lost(j->lock)) return lost(j, err);
    if (j->o.restart && unlink(j->o.out) && errno != ENOENT)
        return anc_fail(err, ANC_ESYSTEM, "%s: cannot be removed: %s", j->o.out, strerror(errno));
    return ANC_OK;
}

/* Rank 0. */
static anc_status make_plan(job *j, anc_err *err)
{
    static const char *const json[] = { "json", NULL };
    anc_propose_plan *p = &j->plan.propose;
    anc_head_file head;
    if (anc_output_name_h5("--output", j->o.out, err) ||
        (j->o.coco && anc_output_name("--coco", j->o.coco, "a JSON file", json, err)))
        return err->code;
    if (choose_kernels(j, err) || anc_head_read(j->o.paths[0], &head, err)) return err->code;
    p->shape = head.shape;
    p->images_per_shard = j->o.images_per_shard;
    p->head = anc_propose_head_fingerprint(&head.shape, head.parameters);
    if (!resolve_rules(&j->o, head.config, &p->rules, err)) resolve_proposals(&j->o, &p->rules, p, err);
    j->parameters = head.parameters;
    head.parameters = NULL;
    anc_head_file_clear(&head);
    if (err->code || anc_features_open(j->o.paths[1], &j->features, err)) return err->code;
    p->n_images = anc_features_about(j->features)->n_images;
    if (anc_propose_fit(p, j->o.paths[0], anc_features_about(j->features), err)) return err->code;
    return anc_propose_features_fingerprint(j->features, &p->features, err);
}

/* Collective. What rank 0 has read, to all. */
static anc_status share_plan(job *j, anc_err *err)
{
    if (!j->team.rank) make_plan(j, err);
    if (anc_team_agree(&j->team, err)) return err->code;
    anc_team_bcast(&j->team, &j->plan, sizeof j->plan, 0);
    const anc_propose_plan *p = &j->plan.propose;
    size_t n = anc_head_size(&p->shape) * sizeof(float);
    if (j->team.rank && !(j->parameters = malloc(n)))
        anc_fail(err, ANC_EMEMORY, "out of memory for the head");
    if (anc_team_agree(&j->team, err)) return err->code;
    anc_team_bcast(&j->team, j->parameters, n, 0);
    j->n_shards = anc_propose_shards(p);
    j->config = anc_propose_describe(p);
    j->whole = calloc((size_t)j->n_shards + 1, sizeof *j->whole);
    if (!j->config || !j->whole)
        anc_fail(err, ANC_EMEMORY, "out of memory for %lld shards", (long long)j->n_shards);
    if (anc_team_agree(&j->team, err)) return err->code;
    if (!j->team.rank && !(j->o.dry_run && !j->o.out) && !check_names(&j->o, err) && !j->o.dry_run)
        take_output(j, err);
    if (anc_team_agree(&j->team, err)) return err->code;
    anc_team_bcast(&j->team, &j->plan, sizeof j->plan, 0);
    return ANC_OK;
}

/* Between two levels of an image. */
static bool go_on(void *context)
{
    job *j = context;
    if (j->lock && anc_lock_lost(j->lock)) return false; /* and hand out no more */
    anc_queue_serve(j->queue);
    return !anc_stop_wanted();
}

/* Collective. Each rank's own: kernels, features, the head. */
static anc_status prepare_rank(job *j, anc_err *err)
{
    const anc_propose_plan *p = &j->plan.propose;
    double kind = 0; /* the name of the BLAS library's kernels, as a number */
    anc_head_one_thread();
    j->kernels = anc_kernels_find(j->plan.kernels[0] ? j->plan.kernels : NULL);
    if (!j->kernels)
        anc_fail(err, ANC_EARGUMENT, "no %s kernels on this host; leave --simd out", j->plan.kernels);
    if (!err->code && j->team.rank && !anc_features_open(j->o.paths[1], &j->features, err)) {
        uint64_t fingerprint;
        if (!anc_propose_features_fingerprint(j->features, &fingerprint, err) && fingerprint != p->features)
            anc_fail(err, ANC_EDATA, "%s: is another file than rank 0 has under this name", j->o.paths[1]);
    }
    if (!err->code) {
        anc_features_read_whole(j->features);
        j->order = anc_propose_order(anc_features_about(j->features));
        if (!j->order) anc_fail(err, ANC_EMEMORY, "out of memory for %lld images", (long long)p->n_images);
    }
    if (!err->code)
        anc_proposal_maker_init(&j->maker, p, j->features, j->order, j->parameters, j->kernels, err);
    j->maker.between = go_on;
    j->maker.context = j;
    for (const char *c = anc_head_blas(); *c; c++) kind = fmod(kind * 31 + *c, 1e9);
    anc_spread kinds = anc_team_spread(&j->team, kind);
    j->one_blas = kinds.min == kinds.max;
    return anc_team_agree(&j->team, err);
}

/* ---- shards ---- */

static int64_t images_of(const job *j, int64_t shard)
{
    int64_t first, n;
    anc_propose_run_of(&j->plan.propose, shard, &first, &n);
    return n;
}

/* Collective. Looks at the shards of earlier runs, each rank at some; rank 0 says which are faulty. */
static anc_status look_at_shards(job *j, anc_err *err)
{
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (!to) anc_fail(err, ANC_EMEMORY, "out of memory");
    if (anc_team_agree(&j->team, err)) return err->code;
    for (int64_t s = j->team.rank; s < j->n_shards && !j->o.dry_run; s += j->team.size) {
        anc_err fault = { 0 };
        bool there;
        j->whole[s] = !anc_output_check_shard(j->parts, &j->plan.propose, j->config,
                                              anc_features_about(j->features), j->order, s, &there, &fault);
        if (there && !j->whole[s]) fprintf(to, "propose: %s; making it again\n", fault.text);
    }
    fclose(to);
    anc_team_sum(&j->team, j->whole, (size_t)j->n_shards);
    char *all = anc_team_join(&j->team, text);
    if (all) fputs(all, stderr);
    free(all);
    free(text);
    for (int64_t s = 0; s < j->n_shards; s++) {
        j->n_before += j->whole[s];
        j->images_done += j->whole[s] ? images_of(j, s) : 0;
    }
    return ANC_OK;
}

static void shard_finished(void *context, int64_t shard, const void *result)
{
    job *j = context;
    (void)result;
    j->images_done += images_of(j, shard);
    anc_progress_set(&j->progress, j->images_done);
}

static anc_status do_shard(job *j, int64_t shard, anc_propose_record *r, bool *dropped, anc_err *err)
{
    char path[PATH_MAX];
    anc_proposals_out *to;
    const anc_proposal_set *set = &j->maker.set;
    *r = (anc_propose_record){ 0 };
    if (anc_proposals_make(&j->maker, shard, r, dropped, err)) return err->code;
    if (j->lock && anc_lock_lost(j->lock)) return lost(j, err);
    if (*dropped) return ANC_OK;
    double t = anc_now_s();
    anc_output_shard(path, j->parts, shard, j->n_shards);
    if (anc_proposals_create(path, j->plan.tag, set->n_images, set->n, j->config, &to, err)) return err->code;
    if (!anc_proposals_append(to, set, err) && !anc_lock_mark_holds(&j->plan.mark)) lost(j, err);
    if (err->code)
        anc_proposals_abandon(to);
    else
        anc_proposals_commit(to, err);
    r->s[ANC_PS_WRITE] = anc_now_s() - t;
    return err->code;
}

/* Collective: all shards that are not whole. Rank 0 gets the sum of the records. */
static anc_status do_shards(job *j, anc_propose_record *sum, anc_propose_timings *t, anc_err *err)
{
    unsigned char *done = malloc((size_t)j->n_shards + 1);
    if (!done) anc_fail(err, ANC_EMEMORY, "out of memory for %lld shards", (long long)j->n_shards);
    for (int64_t s = 0; done && s < j->n_shards; s++) done[s] = j->whole[s] != 0;
    if (anc_team_agree(&j->team, err)) return err->code;
    const anc_queue_plan queue_plan = {
        j->n_shards, done, sizeof(anc_propose_record), NULL, shard_finished, j
    };
    anc_status failed = anc_queue_new(&j->queue, &j->team, &queue_plan, err);
    free(done);
    if (failed) return failed;
    anc_work work;
    anc_propose_record r;
    double busy = 0;
    while (anc_queue_next(j->queue, &work)) {
        anc_err mine = { 0 };
        bool dropped = false;
        if (do_shard(j, work.item, &r, &dropped, &mine))
            anc_queue_fail(j->queue, &mine);
        else if (!dropped)
            anc_queue_done(j->queue, &r);
        if (anc_stop_wanted()) anc_queue_halt(j->queue);
        busy += anc_propose_busy_s(&r);
    }
    failed = anc_queue_finish(j->queue, &j->n_left, err); /* the same on all ranks */
    for (int64_t s = 0; s < j->n_shards && !j->team.rank; s++) {
        const anc_propose_record *of = anc_queue_result(j->queue, s);
        for (int i = 0; of && i < ANC_P_COUNTS; i++) sum->n[i] += of->n[i];
        for (int i = 0; of && i < ANC_PS_STAGES; i++) sum->s[i] += of->s[i];
    }
    anc_queue_free(j->queue);
    t->busy = anc_team_spread(&j->team, busy);
    return failed;
}

static bool end_joining(void *context)
{
    const job *j = context;
    return anc_stop_wanted() || anc_lock_lost(j->lock);
}

/* Collective. Rank 0 joins the shards and leaves their folder. */
static anc_status do_join(job *j, anc_propose_timings *t, anc_err *err)
{
    double start = anc_now_s();
    if (!j->team.rank) {
        struct stat info;
        anc_output_join(j->o.out, j->parts, &j->plan.propose, j->config, NULL, end_joining, j, &j->stopped,
                        err);
        if (!err->code && j->stopped && anc_lock_lost(j->lock)) lost(j, err);
        if (!err->code && !j->stopped) anc_output_clear(j->parts, j->n_shards);
        if (!err->code && !j->stopped && !stat(j->o.out, &info)) t->n_bytes = info.st_size;
    }
    t->join_s = anc_now_s() - start;
    int64_t stopped = j->stopped;
    if (anc_team_agree(&j->team, err)) return err->code;
    anc_team_bcast(&j->team, &stopped, sizeof stopped, 0);
    j->stopped = stopped;
    return ANC_OK;
}

/* Collective. */
static anc_status do_coco(job *j, anc_propose_timings *t, anc_err *err)
{
    double start = anc_now_s();
    anc_proposals *p = NULL;
    if (j->o.coco && !j->team.rank && !anc_proposals_open(j->o.out, &p, err))
        anc_proposals_write_coco(p, j->o.coco, err);
    anc_proposals_close(p);
    t->coco_s = anc_now_s() - start;
    return anc_team_agree(&j->team, err);
}

/* ---- the job ---- */

/* Collective. Shards, then the file. */
static anc_status do_all(job *j, anc_propose_record *sum, anc_propose_timings *t, anc_err *err)
{
    double start = anc_now_s();
    bool speaks = !j->team.rank;
    if (speaks)
        anc_progress_start(&j->progress, stderr, j->o.quiet, "propose", "images", j->images_done,
                           j->plan.propose.n_images, 0);
    anc_status failed = do_shards(j, sum, t, err);
    if (speaks) anc_progress_stop(&j->progress);
    t->propose_s = anc_now_s() - start;
    if (failed) return failed;
    if (!j->n_left && do_join(j, t, err)) return err->code;
    if (j->n_left || j->stopped)
        anc_say_stopped(&j->team, "propose", "request", "with %s of %s left", anc_format_count(j->n_left).text,
                        anc_format_of(j->n_shards, "shard").text);
    return ANC_OK;
}

/* Collective. The output is there already: only what is made of it can be asked for. */
static anc_status nothing_to_do(job *j, anc_propose_timings *t, anc_err *err)
{
    if (do_coco(j, t, err)) return err->code;
    if (!j->team.rank && !j->o.quiet)
        printf("propose: %s is there and whole: nothing to do%s%s\n", j->o.out,
               j->o.coco ? " but to write " : "", j->o.coco ? j->o.coco : "");
    return ANC_OK;
}

static anc_propose_report about_run(const job *j, const anc_propose_record *sum, const anc_propose_timings *t)
{
    return (anc_propose_report){ .head = j->o.paths[0],
                                 .out = j->o.out,
                                 .coco = j->o.coco,
                                 .kernels = j->kernels->name,
                                 .blas = anc_head_blas(),
                                 .config = j->config,
                                 .one_blas = j->one_blas,
                                 .ranks = j->team.size,
                                 .n_shards = j->n_shards,
                                 .n_before = j->n_before,
                                 .plan = &j->plan.propose,
                                 .info = anc_features_about(j->features),
                                 .record = sum,
                                 .t = t };
}

static anc_status run(job *j, anc_err *err)
{
    double start = anc_now_s();
    anc_propose_timings t = { 0 };
    anc_propose_record sum = { 0 };
    bool speaks = !j->team.rank;
    if (share_plan(j, err)) return err->code;
    if (j->plan.done) return nothing_to_do(j, &t, err);
    if (prepare_rank(j, err) || look_at_shards(j, err)) return err->code;
    t.prepare_s = anc_now_s() - start;
    const anc_propose_report about = about_run(j, &sum, &t);
    if (speaks && (!j->o.quiet || j->o.dry_run)) anc_propose_print_plan(&about);
    if (j->o.dry_run) {
        if (speaks)
            printf("propose: dry run: would write %s and join them to %s\n",
                   anc_format_of(j->n_shards, "shard").text, j->o.out);
        return ANC_OK;
    }
    fflush(stdout);
    if (do_all(j, &sum, &t, err) || j->n_left || j->stopped || do_coco(j, &t, err)) return err->code;
    t.total_s = anc_now_s() - start;
    t.peak = anc_team_spread(&j->team, anc_peak_mib());
    if (speaks && !j->o.quiet) anc_propose_print_summary(&about);
    if (speaks && j->o.summary) anc_summary_write(j->o.summary, anc_propose_print_json, &about, err);
    return anc_team_agree(&j->team, err);
}

static void job_clear(job *j)
{
    const anc_run_folder f = folder_of(j);
    const bool held = j->lock != NULL;
    if (j->claimed) anc_output_tidy(j->parts, j->n_shards, j->lock);
    anc_run_folder_leave(&f, j->lock, j->made);
    if (held) rmdir(j->parts); /* one that an earlier run made; stays when there is something in it */
    anc_proposal_maker_free(&j->maker);
    anc_features_close(j->features);
    free(j->order);
    free(j->parameters);
    free(j->whole);
    free(j->config);
    free(j->parts);
}

int anc_job_propose(int argc, char **argv)
{
    job j = { .o = { .images_per_shard = 32, .iou = NAN, .least_side = NAN, .least_score = NAN } };
    options *o = &j.o;
    const anc_opt opt[] = {
        { "output", 'o', "PROPOSALS.h5", ANC_OPT_STRING, &o->out, 0, 0,
          "the proposals; shards are gathered in PROPOSALS.h5.parts/ until all are done" },
        { "preset", 'p', "NAME", ANC_OPT_STRING, &o->preset, 0, 0,
          "whose rules choose the proposals; otherwise those of the preset that the head was trained with" },
        { "config", 'c', "FILE.ini", ANC_OPT_STRING, &o->config, 0, 0,
          "other anchors and coder than the head was trained with, or those of a head that does not say" },
        { "training", 0, NULL, ANC_OPT_FLAG, &o->training, 0, 0,
          "as many proposals as the system takes in training, not at test time" },
        { "before", 0, "N", ANC_OPT_INT, &o->before, 0, 100000000,
          "of a level, the best N before suppression; 0: as the preset has it" },
        { "after", 0, "N", ANC_OPT_INT, &o->after, 0, 100000000,
          "of an image, the best N after it; 0: as the preset has it" },
        { "iou", 0, "X", ANC_OPT_REAL, &o->iou, 0, 1,
          "a box that overlaps a better one by more is suppressed; otherwise as the preset has it" },
        { "least-side", 0, "PX", ANC_OPT_REAL, &o->least_side, 0, 1e5,
          "boxes with a smaller side are dropped; otherwise as the preset has it" },
        { "least-score", 0, "X", ANC_OPT_REAL, &o->least_score, -1e30, 1e30,
          "boxes with a lower score are dropped; otherwise as the preset has it" },
        { "coco", 0, "FILE.json", ANC_OPT_STRING, &o->coco, 0, 0,
          "also write COCO results, every proposal as category 1" },
        { "images-per-shard", 0, "N", ANC_OPT_SIZE, &o->images_per_shard, 1, 16777216,
          "images that are lost at most when a rank is killed" },
        { "restart", 0, NULL, ANC_OPT_FLAG, &o->restart, 0, 0,
          "throw away what the output and its shards hold of another run" },
        anc_opt_time_limit(&o->limit),
        anc_opt_dry_run(&o->dry_run),
        anc_opt_simd(&o->simd),
        anc_opt_summary(&o->summary),
        anc_opt_quiet(&o->quiet),
        { 0 },
    };
    const anc_usage usage = {
        .command = "propose",
        .operands = "HEAD FEATURES",
        .min_operands = 2,
        .max_operands = 2,
        .about = "Runs a trained head over whole feature maps and writes each image's proposals: boxes in "
                 "original pixels with "
                 "their objectness, by the rules of a known system. HEAD is a head.h5 of `anchorage train`, "
                 "FEATURES a "
                 "features.h5 of the same backbone. The bytes written depend on the files and the options, "
                 "never on the number "
                 "of ranks. The same command again goes on from the shards that are done, whatever ended it.",
        .example =
            "mpirun -n 16 anchorage propose head.h5 features_val.h5 -o proposals.h5 --coco results.json",
        .opt = opt,
    };
    int n, ended = anc_opts_parse(&usage, argc, argv, o->paths, &n);
    if (ended) return ended - 1;
    if (!o->out && !o->dry_run) return anc_opts_refuse(&usage, "--output PROPOSALS.h5 is missing");
    if (!o->out) o->out = "proposals.h5";
    if (strlen(o->out) > PATH_MAX - 400)
        return anc_opts_refuse(&usage, "--output %s: the name is too long", o->out);
    if (!*o->out || o->out[strlen(o->out) - 1] == '/')
        return anc_opts_refuse(&usage, "--output %s: must be the name of a file", o->out);
    anc_err err = { 0 };
    if (anc_stop_listen(o->limit, &err)) return anc_opts_refuse(&usage, "%s", err.text);
    if (!anc_start_team(&j.team, "propose")) return ANC_EXIT_FAILED;
    if (asprintf(&j.parts, "%s.parts", o->out) < 0) anc_team_abort(&j.team, "propose: out of memory");
    run(&j, &err);
    if (err.code && !j.team.rank) fprintf(stderr, "anchorage: propose: %s\n", err.text);
    bool again = !err.code && (j.n_left || j.stopped);
    job_clear(&j);
    anc_team_stop(&j.team);
    if (again) return ANC_EXIT_AGAIN;
    return !err.code ? ANC_EXIT_DONE : err.code == ANC_EARGUMENT ? ANC_EXIT_USAGE : ANC_EXIT_FAILED;
}
