/* core/label.c: see label.h */
#include "core/label.h"
#include "core/target.h"
#include <stdlib.h>

static anc_status reserve_boxes(anc_labeller *l, int32_t n, anc_err *err)
{
    if (n <= l->boxes_capacity) return ANC_OK;
    if (n > INT32_MAX / 2) return anc_fail(err, ANC_EDATA, "%d boxes are too many", n);
    int32_t capacity = n + n / 2 + 16;
    free(l->box);
    free(l->crowd);
    free(l->box_from);
    free(l->placed);
    l->box = malloc((size_t)capacity * sizeof *l->box);
    l->crowd = malloc((size_t)capacity * sizeof *l->crowd);
    l->box_from = malloc((size_t)capacity * sizeof *l->box_from);
    l->placed = malloc((size_t)capacity * sizeof *l->placed);
    l->boxes_capacity = l->box && l->crowd && l->box_from && l->placed ? capacity : 0;
    return l->boxes_capacity ? ANC_OK : anc_fail(err, ANC_EMEMORY, "out of memory for %d boxes", n);
}

static bool same_grids(const anc_grid *g, const int32_t (*positions)[2])
{
    for (int k = 0; k < g->n_levels; k++)
        if (g->level[k].h != positions[k][0] || g->level[k].w != positions[k][1]) return false;
    return true;
}

/* The grid depends on the view's sizes alone, and many images share theirs. */
static anc_status place_grid(anc_labeller *l, const int32_t (*positions)[2], anc_err *err)
{
    const anc_view *v = &l->view;
    if (l->rules->stage == ANC_STAGE_ROI) return ANC_OK; /* no anchors */
    if (v->h == l->placed_h && v->w == l->placed_w && v->padded_h == l->placed_padded_h &&
        v->padded_w == l->placed_padded_w &&
        (positions ? same_grids(&l->grid, positions) : !l->placed_on_given))
        return ANC_OK;
    l->placed_h = 0;
    l->placed_on_given = positions != NULL;
    if (anc_grid_place_on(&l->grid, l->rules, v->h, v->w, v->padded_h, v->padded_w, positions, err))
        return err->code;
    l->placed_h = v->h;
    l->placed_w = v->w;
    l->placed_padded_h = v->padded_h;
    l->placed_padded_w = v->padded_w;
    return ANC_OK;
}

/* A box that is in the view's pixels already. */
static anc_box_fate take_as_is(const double b[4], bool legacy, anc_box *out)
{
    const float one = legacy;
    *out = (anc_box){ (float)b[0], (float)b[1], (float)b[2], (float)b[3] };
    return out->x2 - out->x1 + one > 0 && out->y2 - out->y1 + one > 0 ? ANC_BOX_KEPT : ANC_BOX_DROPPED;
}

/* The annotations, into the view that is placed. */
static anc_status take_boxes(anc_labeller *l, const anc_label_image *image, anc_err *err)
{
    const anc_rules *r = l->rules;
    if (reserve_boxes(l, image->n, err)) return err->code;
    l->annotation = image->annotation;
    l->n_annotation = image->n;
    l->n_box = l->n_crowd = l->n_clipped = l->n_dropped = 0;
    for (int32_t i = 0; i < image->n; i++) {
        anc_box *b = &l->placed[i];
        const anc_annotation *a = &image->annotation[i];
        anc_box_fate fate = image->in_view ? take_as_is(a->xyxy, r->match.legacy, b)
                                           : anc_view_box(&l->view, r->boxes.rule, a->xyxy, b);
        if (fate == ANC_BOX_DROPPED && !image->in_view) *b = anc_view_unclipped(&l->view, a->xyxy);
        bool crowd = a->crowd && r->boxes.crowd != ANC_CROWD_KEEP;
        if (crowd && r->boxes.crowd == ANC_CROWD_DROP) continue;
        l->n_clipped += fate == ANC_BOX_CLIPPED;
        l->n_dropped += fate == ANC_BOX_DROPPED;
        if (fate == ANC_BOX_DROPPED) continue;
        if (crowd) {
            l->crowd[l->n_crowd++] = *b;
        } else {
            l->box_from[l->n_box] = i;
            l->box[l->n_box++] = *b;
        }
    }
    return ANC_OK;
}

anc_status anc_label_place(anc_labeller *l, const anc_label_image *image, anc_err *err)
{
    if (anc_view_place(&l->view, l->rules, l->seed, image->id, image->epoch, image->h, image->w,
                       &image->choice, err) ||
        place_grid(l, image->grid, err))
        return err->code;
    return take_boxes(l, image, err);
}

anc_status anc_label_by_rule(anc_labeller *l, int64_t image_id, int32_t epoch, int32_t image_h,
                             int32_t image_w, const anc_annotation *annotation, int32_t n, anc_err *err)
{
    const anc_label_image image = {
        .id = image_id, .epoch = epoch, .h = image_h, .w = image_w, .annotation = annotation, .n = n
    };
    return anc_label_place(l, &image, err);
}

anc_status anc_label_match(anc_labeller *l, anc_err *err)
{
    const anc_match_input in = { l->rules, &l->grid, l->box, l->n_box, l->crowd, l->n_crowd };
    return anc_match_view(&l->match, l->kernels, &in, err);
}

anc_status anc_label_sample(anc_labeller *l, anc_err *err)
{
    return anc_sample(&l->batch, l->kernels, l->rules, &l->grid, &l->match, l->seed, l->view.image_id,
                      l->view.epoch, err);
}

anc_status anc_label_encode(anc_labeller *l, anc_err *err)
{
    if (l->batch.n_positive > l->targets_capacity) {
        free(l->target);
        l->target = malloc((size_t)l->rules->sample.batch * sizeof *l->target);
        l->targets_capacity = l->target ? l->rules->sample.batch : 0;
        if (!l->target)
            return anc_fail(err, ANC_EMEMORY, "out of memory for %d targets", l->rules->sample.batch);
    }
    anc_encode(l->kernels, l->rules, &l->grid, l->batch.anchor, l->batch.gt, l->batch.n_positive, l->box,
               l->target);
    return ANC_OK;
}

void anc_labeller_free(anc_labeller *l)
{
    anc_match_free(&l->match);
    anc_minibatch_free(&l->batch);
    free(l->target);
    free(l->box);
    free(l->crowd);
    free(l->box_from);
    free(l->placed);
    *l = (anc_labeller){ 0 };
}
