/* core/sample.c: see sample.h */
#include "core/sample.h"
#include "core/draw.h"
#include <stdlib.h>
#include <string.h>

static anc_status out_of_memory(anc_err *err)
{
    return anc_fail(err, ANC_EMEMORY,
                    "out of memory while sampling a minibatch; use smaller images or larger strides");
}

static bool reserve(int32_t **array, int32_t *capacity, int32_t n)
{
    if (n <= *capacity) return true;
    free(*array);
    *capacity = n + n / 2;
    *array = malloc((size_t)*capacity * sizeof **array);
    if (!*array) *capacity = 0;
    return *array != NULL;
}

/* Replaces index[0 .. k) by list[index]. */
static void look_up(int32_t *index, const int32_t *list, int32_t k)
{
    for (int32_t i = 0; i < k; i++) index[i] = list[index[i]];
}

static anc_status list_negatives(anc_minibatch *b, const anc_grid *grid, const anc_match *m, anc_err *err)
{
    if (!reserve(&b->list, &b->list_capacity, m->n_negative)) return out_of_memory(err);
    int32_t n = 0;
    for (int32_t a = 0; a < m->n_anchors && n < m->n_negative; a++)
        if (anc_match_negative(m, grid, a)) b->list[n++] = a;
    return ANC_OK;
}

/* k negatives into b->drawn. Drawn are cells (grid.h), which is the same as drawing anchors; and again where
 * the cell is none, its anchor is not negative or was drawn before. The numbers are those that anc_rng_below
 * would give, made many at a time. */
static void draw_among_all(anc_minibatch *b, const anc_kernels *kernels, const anc_grid *grid,
                           const anc_match *m, const anc_rng *rng, int32_t k)
{
    enum { BLOCKS = 72 }; /* enough for 256 draws and some repeats */
    uint32_t number[4 * BLOCKS], ctr[4], n = (uint32_t)grid->n_cells, least = -n % n;
    memcpy(ctr, rng->ctr, sizeof ctr);
    anc_set drawn =
        b->drawn; /* a copy of the pointers, so that stores through them leave them in registers */
    for (;; ctr[0] += BLOCKS) {
        kernels->philox(rng->key, ctr, BLOCKS, number);
        for (int i = 0; i < 4 * BLOCKS; i++) {
            if (!k) return;
            uint64_t product = (uint64_t)number[i] * n;
            int32_t anchor;
            if ((uint32_t)product >= least &&
                anc_match_negative_cell(m, grid, (int32_t)(product >> 32), &anchor))
                k -= anc_set_add(&drawn, (uint32_t)anchor);
        }
    }
}

/* Negatives are nearly all anchors. When they are rare, drawing among all would take long: list them. Which
 * way is taken follows from the counts alone. */
static anc_status draw_negatives(anc_minibatch *b, const anc_kernels *kernels, const anc_grid *grid,
                                 const anc_match *m, anc_rng *rng, int32_t k, int32_t *out, anc_err *err)
{
    bool rare = (int64_t)m->n_negative < 2 * (int64_t)k || m->n_negative < m->n_anchors / 8;
    if (rare && list_negatives(b, grid, m, err)) return err->code;
    if (rare)
        anc_draw_subset(&b->drawn, rng, m->n_negative, k);
    else
        draw_among_all(b, kernels, grid, m, rng, k);
    anc_set_drain(&b->drawn, out);
    if (rare) look_up(out, b->list, k);
    return ANC_OK;
}

static anc_status sample_torch(anc_minibatch *b, bool when_needed, const anc_grid *grid, const anc_match *m,
                               uint64_t seed, anc_err *err)
{
    anc_mt19937 mt;
    int32_t *scratch = NULL, capacity = 0;
    anc_mt19937_seed(&mt, (uint32_t)seed);
    anc_status status = ANC_OK;
    int32_t of[2] = { m->n_positive, m->n_negative }, wanted[2] = { b->n_positive, b->n_negative };
    int32_t *out[2] = { b->anchor, b->anchor + b->n_positive };
    for (int part = 0; part < 2 && !status; part++) {
        if (when_needed && of[part] == wanted[part]) { /* the whole list */
            for (int32_t i = 0; i < of[part]; i++) out[part][i] = i;
            continue;
        }
        if (!reserve(&scratch, &capacity, of[part])) {
            status = out_of_memory(err);
            break;
        }
        anc_draw_torch(&b->drawn, &mt, of[part], wanted[part], scratch);
        anc_set_drain(&b->drawn, out[part]);
    }
    free(scratch);
    if (status || list_negatives(b, grid, m, err)) return err->code;
    look_up(out[1], b->list, b->n_negative);
    return ANC_OK; /* positives: indices into the view's positives, as with Philox */
}

static anc_status sample_philox(anc_minibatch *b, const anc_kernels *kernels, const anc_grid *grid,
                                const anc_match *m, uint64_t seed, int64_t image_id, int32_t epoch,
                                anc_err *err)
{
    anc_rng rng;
    if (b->n_positive < m->n_positive) {
        anc_rng_init(&rng, seed, image_id, epoch, ANC_RNG_POSITIVES);
        anc_draw_subset(&b->drawn, &rng, m->n_positive, b->n_positive);
        anc_set_drain(&b->drawn, b->anchor);
    } else {
        for (int32_t i = 0; i < b->n_positive; i++) b->anchor[i] = i;
    }
    anc_rng_init(&rng, seed, image_id, epoch, ANC_RNG_NEGATIVES);
    return draw_negatives(b, kernels, grid, m, &rng, b->n_negative, b->anchor + b->n_positive, err);
}

anc_status anc_sample(anc_minibatch *b, const anc_kernels *kernels, const anc_rules *rules,
                      const anc_grid *grid, const anc_match *m, uint64_t seed, int64_t image_id,
                      int32_t epoch, anc_err *err)
{
    int32_t batch = rules->sample.batch, quota = (int32_t)(batch * rules->sample.positive_fraction);
    b->n_positive = m->n_positive < quota ? m->n_positive : quota;
    b->n_negative = m->n_negative < batch - b->n_positive ? m->n_negative : batch - b->n_positive;
    if (batch > b->capacity) {
        free(b->anchor);
        free(b->gt);
        b->anchor = malloc((size_t)batch * sizeof *b->anchor);
        b->gt = malloc((size_t)batch * sizeof *b->gt);
        b->capacity = b->anchor && b->gt ? batch : 0;
        if (!b->capacity) return out_of_memory(err);
    }
    if (!reserve(&b->all, &b->all_capacity, m->n_positive)) return out_of_memory(err);
    if (!anc_set_reserve(&b->drawn, (size_t)m->n_anchors)) return out_of_memory(err);
    if (rules->sample.rule == ANC_SAMPLER_PHILOX
            ? sample_philox(b, kernels, grid, m, seed, image_id, epoch, err)
            : sample_torch(b, rules->sample.rule == ANC_SAMPLER_TORCH_NEEDED, grid, m, seed, err)) {
        anc_minibatch_free(b);
        return err->code;
    }
    anc_set_list(&m->positive, b->all);
    look_up(b->anchor, b->all, b->n_positive);
    for (int32_t i = 0; i < b->n_positive; i++) b->gt[i] = anc_match_gt(m, grid, b->anchor[i]);
    return ANC_OK;
}

void anc_minibatch_free(anc_minibatch *b)
{
    free(b->anchor);
    free(b->gt);
    free(b->all);
    free(b->list);
    anc_set_clear_memory(&b->drawn);
    *b = (anc_minibatch){ 0 };
}
