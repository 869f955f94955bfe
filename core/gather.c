/* core/gather.c: see gather.h */
#include "core/gather.h"
#include <stdlib.h>
#include <string.h>

const anc_column anc_columns[ANC_ALL_COLUMNS] = {
    [ANC_VIEWS_IMAGE_ID] = { ANC_ROWS_VIEWS, 8, 0, 0 },
    [ANC_VIEWS_EPOCH] = { ANC_ROWS_VIEWS, 4, 0, 0 },
    [ANC_VIEWS_FLIP] = { ANC_ROWS_VIEWS, 1, 0, 0 },
    [ANC_VIEWS_SIZE] = { ANC_ROWS_VIEWS, 4, 2, 0 },
    [ANC_VIEWS_PADDED_SIZE] = { ANC_ROWS_VIEWS, 4, 2, 0 },
    [ANC_VIEWS_SCALE] = { ANC_ROWS_VIEWS, 4, 2, 0 },
    [ANC_VIEWS_GRID] = { ANC_ROWS_VIEWS, 4, ANC_COLUMN_LEVELS, 2 },
    [ANC_VIEWS_COUNT] = { ANC_ROWS_VIEWS, 4, 3, 0 },
    [ANC_MINIBATCH_ANCHOR] = { ANC_ROWS_MINIBATCH, 4, 0, 0 },
    [ANC_MINIBATCH_LABEL] = { ANC_ROWS_MINIBATCH, 1, 0, 0 },
    [ANC_POSITIVES_TARGET] = { ANC_ROWS_POSITIVES, 4, 4, 0 },
    [ANC_POSITIVES_GT] = { ANC_ROWS_POSITIVES, 4, 0, 0 },
    [ANC_ASSIGNMENT_ANCHOR] = { ANC_ROWS_ASSIGNMENT, 4, 0, 0 },
    [ANC_ASSIGNMENT_GT] = { ANC_ROWS_ASSIGNMENT, 4, 0, 0 },
    [ANC_LABELS_LABEL] = { ANC_ROWS_LABELS, 1, 0, 0 },
    [ANC_GT_XYXY] = { ANC_ROWS_GT, 4, 4, 0 },
    [ANC_GT_CATEGORY] = { ANC_ROWS_GT, 4, 0, 0 },
    [ANC_GT_CROWD] = { ANC_ROWS_GT, 1, 0, 0 },
    [ANC_GT_USED] = { ANC_ROWS_GT, 1, 0, 0 },
    [ANC_ROIS_XYXY] = { ANC_ROWS_ROIS, 4, 4, 0 },
    [ANC_ROIS_LABEL] = { ANC_ROWS_ROIS, 4, 0, 0 },
    [ANC_ROIS_PROPOSAL] = { ANC_ROWS_ROIS, 4, 0, 0 },
    [ANC_VIEWS_STRIDE] = { ANC_ROWS_VIEWS, 4, ANC_COLUMN_LEVELS, 2 },
    [ANC_FARES_IOU] = { ANC_ROWS_FARES, 4, 0, 0 },
    [ANC_FARES_POSITIVES] = { ANC_ROWS_FARES, 4, 0, 0 },
};

void anc_targets_kept(anc_stage stage, anc_kept asked, bool with[ANC_ROWS_ALL])
{
    bool rpn = stage == ANC_STAGE_RPN;
    with[ANC_ROWS_VIEWS] = with[ANC_ROWS_POSITIVES] = true;
    with[ANC_ROWS_MINIBATCH] = rpn;
    with[ANC_ROWS_ROIS] = !rpn;
    with[ANC_ROWS_ASSIGNMENT] = rpn && asked.assignment;
    with[ANC_ROWS_LABELS] = rpn && asked.labels;
    with[ANC_ROWS_FARES] = rpn && asked.fares;
    with[ANC_ROWS_GT] = asked.gt;
}

bool anc_targets_has(const bool *with, int32_t n_levels, int column)
{
    return with[anc_columns[column].rows] && (n_levels || anc_columns[column].dim1 != ANC_COLUMN_LEVELS);
}

size_t anc_targets_row_bytes(int column, int32_t n_levels)
{
    const anc_column *c = &anc_columns[column];
    int32_t dim1 = c->dim1 == ANC_COLUMN_LEVELS ? n_levels : c->dim1 ? c->dim1 : 1;
    return (size_t)c->bytes * (size_t)dim1 * (size_t)(c->dim2 ? c->dim2 : 1);
}

static anc_status reserve(anc_targets *t, anc_rows kind, int64_t more, anc_err *err)
{
    int64_t n = t->n[kind] + more;
    if (n <= t->capacity[kind]) return ANC_OK;
    int64_t capacity = n + n / 2 + 64;
    for (int c = 0; c < ANC_ALL_COLUMNS; c++) {
        if (anc_columns[c].rows != kind || !anc_targets_has(t->with, t->n_levels, c)) continue;
        void *grown = realloc(t->column[c], (size_t)capacity * anc_targets_row_bytes(c, t->n_levels));
        if (!grown)
            return anc_fail(err, ANC_EMEMORY,
                            "out of memory for %lld rows of targets; take fewer views at a time",
                            (long long)capacity);
        t->column[c] = grown;
    }
    t->capacity[kind] = capacity;
    return ANC_OK;
}

/* Room for the offsets follows the views'. */
static anc_status reserve_views(anc_targets *t, anc_err *err)
{
    int64_t before = t->capacity[ANC_ROWS_VIEWS];
    if (reserve(t, ANC_ROWS_VIEWS, 1, err)) return err->code;
    if (t->capacity[ANC_ROWS_VIEWS] == before) return ANC_OK;
    for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_ALL; k++) {
        int64_t *grown = realloc(t->offset[k], ((size_t)t->capacity[ANC_ROWS_VIEWS] + 1) * sizeof *grown);
        if (!grown) {
            t->capacity[ANC_ROWS_VIEWS] = before;
            return anc_fail(err, ANC_EMEMORY, "out of memory for view offsets; take fewer views at a time");
        }
        t->offset[k] = grown;
        grown[0] = 0;
    }
    return ANC_OK;
}

anc_status anc_targets_init(anc_targets *t, const anc_rules *rules, anc_kept asked, anc_err *err)
{
    *t = (anc_targets){ .n_levels = rules->stage == ANC_STAGE_RPN ? rules->anchors.n_levels : 0 };
    anc_targets_kept(rules->stage, asked, t->with);
    return reserve_views(t, err);
}

void anc_targets_reset(anc_targets *t) { memset(t->n, 0, sizeof t->n); }

void anc_targets_clear(anc_targets *t)
{
    for (int c = 0; c < ANC_ALL_COLUMNS; c++) free(t->column[c]);
    for (int k = 0; k < ANC_ROWS_ALL; k++) free(t->offset[k]);
    *t = (anc_targets){ 0 };
}

/* Where the next rows of a column go. */
static void *end_of(anc_targets *t, int c)
{
    return (char *)t->column[c] + (size_t)t->n[anc_columns[c].rows] * anc_targets_row_bytes(c, t->n_levels);
}

static void put_int(void *to, int32_t a, int32_t b)
{
    ((int32_t *)to)[0] = a;
    ((int32_t *)to)[1] = b;
}

static void put_gt(anc_targets *t, const anc_labeller *l)
{
    int32_t n = l->n_annotation, *category = end_of(t, ANC_GT_CATEGORY);
    uint8_t *crowd = end_of(t, ANC_GT_CROWD), *used = end_of(t, ANC_GT_USED);
    if (!n) return;
    memcpy(end_of(t, ANC_GT_XYXY), l->placed, (size_t)n * sizeof *l->placed);
    for (int32_t i = 0; i < n; i++) {
        category[i] = l->annotation[i].category;
        crowd[i] = l->annotation[i].crowd;
        used[i] = 0;
    }
    for (int32_t i = 0; i < l->n_box; i++) used[l->box_from[i]] = 1;
    t->n[ANC_ROWS_GT] += n;
}

/* Each annotation's highest IoU with an anchor, and how many positives regress to it; 0 for those that are no
 * objects of this view. */
static void put_fares(anc_targets *t, const anc_labeller *l)
{
    float *iou = end_of(t, ANC_FARES_IOU);
    int32_t *positives = end_of(t, ANC_FARES_POSITIVES);
    for (int32_t i = 0; i < l->n_annotation; i++) {
        iou[i] = 0;
        positives[i] = 0;
    }
    for (int32_t i = 0; i < l->n_box; i++) iou[l->box_from[i]] = (float)l->match.best_iou[i];
    anc_match_count(&l->match, &l->grid, l->box_from, positives);
    t->n[ANC_ROWS_FARES] += l->n_annotation;
}

static void put_view(anc_targets *t, const anc_labeller *l, const int32_t found[3])
{
    const anc_view *v = &l->view;
    *(int64_t *)end_of(t, ANC_VIEWS_IMAGE_ID) = v->image_id;
    *(int32_t *)end_of(t, ANC_VIEWS_EPOCH) = v->epoch;
    *(uint8_t *)end_of(t, ANC_VIEWS_FLIP) = v->flip;
    put_int(end_of(t, ANC_VIEWS_SIZE), v->h, v->w);
    put_int(end_of(t, ANC_VIEWS_PADDED_SIZE), v->padded_h, v->padded_w);
    float *scale = end_of(t, ANC_VIEWS_SCALE);
    scale[0] = v->scale_y;
    scale[1] = v->scale_x;
    memcpy(end_of(t, ANC_VIEWS_COUNT), found, 3 * sizeof *found);
    if (!t->n_levels) return;
    int32_t *grid = end_of(t, ANC_VIEWS_GRID), *stride = end_of(t, ANC_VIEWS_STRIDE);
    for (int32_t i = 0; i < t->n_levels; i++) {
        const anc_level *at = &l->grid.level[i];
        put_int(grid + 2 * i, at->h, at->w);
        put_int(stride + 2 * i, at->stride_y, at->stride_x);
    }
}

static void put_minibatch(anc_targets *t, const anc_labeller *l)
{
    const anc_minibatch *b = &l->batch;
    int32_t n = b->n_positive + b->n_negative;
    if (!n) return;
    memcpy(end_of(t, ANC_MINIBATCH_ANCHOR), b->anchor, (size_t)n * sizeof *b->anchor);
    int8_t *label = end_of(t, ANC_MINIBATCH_LABEL);
    memset(label, 1, (size_t)b->n_positive);
    memset(label + b->n_positive, 0, (size_t)b->n_negative);
    t->n[ANC_ROWS_MINIBATCH] += n;
    if (!b->n_positive) return;
    memcpy(end_of(t, ANC_POSITIVES_TARGET), l->target, (size_t)b->n_positive * sizeof *l->target);
    int32_t *gt = end_of(t, ANC_POSITIVES_GT);
    for (int32_t i = 0; i < b->n_positive; i++) gt[i] = l->box_from[b->gt[i]];
    t->n[ANC_ROWS_POSITIVES] += b->n_positive;
}

/* Room for one more view with so many rows of each kind. */
static anc_status reserve_all(anc_targets *t, const int64_t more[ANC_ROWS_ALL], anc_err *err)
{
    if (reserve_views(t, err)) return err->code;
    for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_ALL; k++)
        if (t->with[k] && reserve(t, (anc_rows)k, more[k], err)) return err->code;
    return ANC_OK;
}

static void end_view(anc_targets *t)
{
    int64_t v = ++t->n[ANC_ROWS_VIEWS];
    for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_ALL; k++) t->offset[k][v] = t->n[k];
}

anc_status anc_targets_append(anc_targets *t, anc_labeller *l, anc_err *err)
{
    int32_t n_rows = l->match.n_positive + l->match.n_ignored;
    int64_t more[ANC_ROWS_ALL] = {
        [ANC_ROWS_MINIBATCH] = l->batch.n_positive + l->batch.n_negative,
        [ANC_ROWS_POSITIVES] = l->batch.n_positive,
        [ANC_ROWS_ASSIGNMENT] = n_rows,
        [ANC_ROWS_LABELS] = l->match.n_anchors,
        [ANC_ROWS_GT] = l->n_annotation,
        [ANC_ROWS_FARES] = l->n_annotation,
    };
    const int32_t found[3] = { l->match.n_positive, l->match.n_negative, l->match.n_ignored };
    if (reserve_all(t, more, err)) return err->code;
    put_view(t, l, found);
    put_minibatch(t, l);
    if (t->with[ANC_ROWS_ASSIGNMENT]) {
        int32_t *of = end_of(t, ANC_ASSIGNMENT_GT);
        if (anc_match_rows(&l->match, &l->grid, end_of(t, ANC_ASSIGNMENT_ANCHOR), of, err)) return err->code;
        for (int32_t i = 0; i < n_rows; i++)
            if (of[i] >= 0) of[i] = l->box_from[of[i]];
        t->n[ANC_ROWS_ASSIGNMENT] += n_rows;
    }
    if (t->with[ANC_ROWS_LABELS]) {
        int8_t *label = end_of(t, ANC_LABELS_LABEL);
        for (int32_t a = 0; a < l->match.n_anchors; a++)
            label[a] = (int8_t)anc_match_label(&l->match, &l->grid, a);
        t->n[ANC_ROWS_LABELS] += l->match.n_anchors;
    }
    if (t->with[ANC_ROWS_GT]) put_gt(t, l);
    if (t->with[ANC_ROWS_FARES]) put_fares(t, l);
    end_view(t);
    return ANC_OK;
}

/* ---- the second stage ---- */

/* The class of each positive RoI, then as many times the background. */
static anc_status put_labels(anc_targets *t, const anc_labeller *l, const anc_rois *r,
                             const anc_classes *classes, anc_err *err)
{
    int32_t *label = end_of(t, ANC_ROIS_LABEL);
    for (int32_t i = 0; i < r->batch_positive + r->batch_negative; i++) {
        label[i] = anc_class_background(classes);
        if (i >= r->batch_positive) continue;
        int32_t from = l->box_from[r->gt[r->sample[i]]], category = l->annotation[from].category;
        int32_t at = anc_class_find(classes, category);
        if (at < 0)
            return anc_fail(err, ANC_EDATA,
                            "box %d is of category %d, which is not in the data set's list of categories",
                            from, category);
        label[i] = anc_class_label(classes, at);
    }
    return ANC_OK;
}

static void put_rois(anc_targets *t, const anc_labeller *l, const anc_rois *r)
{
    int32_t n = r->batch_positive + r->batch_negative;
    anc_box *xyxy = end_of(t, ANC_ROIS_XYXY);
    int32_t *proposal = end_of(t, ANC_ROIS_PROPOSAL);
    for (int32_t i = 0; i < n; i++) {
        xyxy[i] = r->box[r->sample[i]];
        proposal[i] = r->proposal[r->sample[i]];
    }
    t->n[ANC_ROWS_ROIS] += n;
    if (!r->batch_positive) return;
    memcpy(end_of(t, ANC_POSITIVES_TARGET), r->target, (size_t)r->batch_positive * sizeof *r->target);
    int32_t *gt = end_of(t, ANC_POSITIVES_GT);
    for (int32_t i = 0; i < r->batch_positive; i++) gt[i] = l->box_from[r->gt[r->sample[i]]];
    t->n[ANC_ROWS_POSITIVES] += r->batch_positive;
}

anc_status anc_targets_append_rois(anc_targets *t, const anc_labeller *l, const anc_rois *r,
                                   const anc_classes *classes, anc_err *err)
{
    const int64_t more[ANC_ROWS_ALL] = {
        [ANC_ROWS_ROIS] = r->batch_positive + r->batch_negative,
        [ANC_ROWS_POSITIVES] = r->batch_positive,
        [ANC_ROWS_GT] = l->n_annotation,
    };
    const int32_t found[3] = { r->n_positive, r->n_negative, r->n_ignored };
    if (reserve_all(t, more, err) || put_labels(t, l, r, classes, err)) return err->code;
    put_view(t, l, found);
    put_rois(t, l, r);
    if (t->with[ANC_ROWS_GT]) put_gt(t, l);
    end_view(t);
    return ANC_OK;
}

/* ---- one view from its annotation to its rows ---- */

static void lap(anc_steps_clock *c, anc_step step, double *last)
{
    if (!c) return;
    double now = c->now();
    c->s[step] += now - *last;
    *last = now;
}

anc_status anc_label_view(anc_labeller *l, const anc_label_image *image, anc_targets *t,
                          anc_steps_clock *clock, anc_err *err)
{
    double last = clock ? clock->now() : 0;
    if (anc_label_place(l, image, err)) return err->code;
    lap(clock, ANC_STEP_PLACE, &last);
    l->match.want_best = t->with[ANC_ROWS_FARES];
    if (anc_label_match(l, err)) return err->code;
    lap(clock, ANC_STEP_MATCH, &last);
    if (anc_label_sample(l, err)) return err->code;
    lap(clock, ANC_STEP_SAMPLE, &last);
    if (anc_label_encode(l, err)) return err->code;
    lap(clock, ANC_STEP_ENCODE, &last);
    if (anc_targets_append(t, l, err)) return err->code;
    lap(clock, ANC_STEP_GATHER, &last);
    return ANC_OK;
}

anc_status anc_label_rois(anc_labeller *l, anc_rois *rois, const anc_label_image *image,
                          const double (*proposal)[4], int32_t n, const anc_classes *classes, anc_targets *t,
                          anc_steps_clock *clock, anc_err *err)
{
    double last = clock ? clock->now() : 0;
    rois->in_view = image->in_view;
    if (anc_label_place(l, image, err) ||
        anc_roi_take(rois, l->rules, &l->view, proposal, n, l->box, l->n_box, err))
        return err->code;
    lap(clock, ANC_STEP_PLACE, &last);
    anc_roi_match(rois, l->kernels, l->rules, l->box, l->n_box, l->crowd, l->n_crowd);
    lap(clock, ANC_STEP_MATCH, &last);
    anc_roi_sample(rois, l->rules, l->seed, l->view.image_id, l->view.epoch);
    lap(clock, ANC_STEP_SAMPLE, &last);
    anc_roi_encode(rois, l->kernels, l->rules, l->box);
    lap(clock, ANC_STEP_ENCODE, &last);
    if (anc_targets_append_rois(t, l, rois, classes, err)) return err->code;
    lap(clock, ANC_STEP_GATHER, &last);
    return ANC_OK;
}
