/* jobs/cli/source_team.c: see source_team.h */
#include "jobs/cli/source_team.h"
#include "jobs/cli/stop.h"
#include "mpi/collect.h"
#include "mpi/queue.h"
#include <stdlib.h>

typedef struct {
    const anc_team *team;
    anc_reader_options o;
    anc_import *import; /* rank 0 */
    anc_queue *queue;
    anc_collect_block *block; /* what this rank has read of the stage */
    size_t n_blocks, capacity;
} reading;

/* Between files: other ranks wait for work, and someone may want this to end. */
static bool asked(void *context)
{
    reading *r = context;
    if (r->queue) anc_queue_serve(r->queue);
    return anc_stop_wanted();
}

static anc_status pack(void *context, int64_t item, void **bytes, size_t *n, anc_err *err)
{
    reading *r = context;
    return anc_import_pack(r->import, item, bytes, n, err);
}

static anc_status take(void *context, int64_t item, const void *bytes, size_t n, anc_err *err)
{
    reading *r = context;
    (void)item;
    return anc_import_take(r->import, bytes, n, err);
}

static anc_status do_run(reading *r, const anc_work *work, anc_err *err)
{
    if (r->n_blocks == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 16;
        anc_collect_block *grown = realloc(r->block, capacity * sizeof *grown);
        if (!grown) return anc_fail(err, ANC_EMEMORY, "out of memory for %zu runs of files", capacity);
        r->block = grown;
        r->capacity = capacity;
    }
    anc_collect_block *b = &r->block[r->n_blocks];
    *b = (anc_collect_block){ .item = work->item };
    if (anc_import_batch(&r->o, work->bytes, work->n_bytes, &b->bytes, &b->n, err)) return err->code;
    r->n_blocks++;
    return ANC_OK;
}

/* Collective: all runs of one stage. */
static anc_status do_stage(reading *r, anc_err *err)
{
    const anc_queue_plan plan = { r->team->rank ? 0 : anc_import_batches(r->import), NULL, 0, pack, NULL, r };
    if (anc_queue_new(&r->queue, r->team, &plan, err)) return err->code;
    anc_work work;
    while (anc_queue_next(r->queue, &work)) {
        anc_err mine = { 0 };
        if (do_run(r, &work, &mine))
            anc_queue_fail(r->queue, &mine);
        else
            anc_queue_done(r->queue, NULL);
    }
    anc_queue_finish(r->queue, NULL, err);
    anc_queue_free(r->queue);
    r->queue = NULL;
    if (!err->code) anc_collect(r->team, r->block, r->n_blocks, take, r, err);
    for (size_t i = 0; i < r->n_blocks; i++) free(r->block[i].bytes);
    r->n_blocks = 0;
    return err->code;
}

/* Collective: all stages. */
static anc_status read_all(reading *r, anc_err *err)
{
    for (;;) {
        int more = !r->team->rank && r->import && !anc_import_done(r->import);
        anc_team_bcast(r->team, &more, sizeof more, 0);
        if (!more || do_stage(r, err)) return err->code;
        if (!r->team->rank) anc_import_advance(r->import, err);
        if (anc_team_agree(r->team, err)) return err->code;
    }
}

anc_status anc_source_open_team(const anc_team *team, const char *path, const anc_reader_options *o,
                                anc_source **out, anc_err *err)
{
    reading r = { .team = team, .o = *o };
    anc_source *s = NULL;
    *out = NULL;
    r.o.asked = asked;
    r.o.context = &r;
    if (!team->rank) anc_source_begin(path, &r.o, &s, &r.import, err);
    if (!anc_team_agree(team, err) && !read_all(&r, err)) {
        if (!team->rank && r.import && !anc_source_end(s, r.import, err)) r.import = NULL; /* freed by it */
        anc_team_agree(team, err);
    }
    free(r.block);
    anc_import_close(r.import);
    if (!err->code) {
        *out = s;
        return ANC_OK;
    }
    anc_source_close(s);
    return err->code;
}
