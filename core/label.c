/* core/label.c: see label.h */
#include "core/label.h"
#include "core/target.h"
#include <stdlib.h>

static anc_status reserve_boxes(anc_labeller *l, int32_t n, anc_err *err)
{
    if (n <= l->room_boxes) return ANC_OK;
    int32_t room = n + n / 2 + 16;
    free(l->box);
    free(l->crowd);
    free(l->box_from);
    l->box = malloc((size_t)room * sizeof *l->box);
    l->crowd = malloc((size_t)room * sizeof *l->crowd);
    l->box_from = malloc((size_t)room * sizeof *l->box_from);
    l->room_boxes = l->box && l->crowd && l->box_from ? room : 0;
    return l->room_boxes ? ANC_OK : anc_fail(err, ANC_EMEMORY, "out of memory for %d boxes", n);
}

static bool same_grids(const anc_grid *g, const int32_t (*positions)[2])
{
    for (int k = 0; positions && k < g->n_levels; k++)
        if (g->level[k].h != positions[k][0] || g->level[k].w != positions[k][1]) return false;
    return true;
}

/* The grid depends on the view's sizes alone, and many images share theirs. */
static anc_status lay_grid(anc_labeller *l, const int32_t (*positions)[2], anc_err *err)
{
    const anc_view *v = &l->view;
    if (l->rules->stage == ANC_STAGE_ROI) return ANC_OK; /* no anchors */
    if (v->h == l->laid_h && v->w == l->laid_w && v->padded_h == l->laid_padded_h &&
        v->padded_w == l->laid_padded_w && same_grids(&l->grid, positions))
        return ANC_OK;
    l->laid_h = 0;
    if (anc_grid_lay_on(&l->grid, l->rules, v->h, v->w, v->padded_h, v->padded_w, positions, err))
        return err->code;
    l->laid_h = v->h;
    l->laid_w = v->w;
    l->laid_padded_h = v->padded_h;
    l->laid_padded_w = v->padded_w;
    return ANC_OK;
}

/* The annotations, into the view that is laid. */
static anc_status take_boxes(anc_labeller *l, const anc_annotation *annotation, int32_t n, anc_err *err)
{
    if (reserve_boxes(l, n, err)) return err->code;
    l->n_box = l->n_crowd = l->n_clipped = l->n_dropped = 0;
    for (int32_t i = 0; i < n; i++) {
        anc_box b;
        bool crowd = annotation[i].crowd && l->rules->boxes.crowd != ANC_CROWD_KEEP;
        if (crowd && l->rules->boxes.crowd == ANC_CROWD_DROP) continue;
        anc_box_fate fate = anc_view_box(&l->view, l->rules->boxes.rule, annotation[i].xyxy, &b);
        l->n_clipped += fate == ANC_BOX_CLIPPED;
        l->n_dropped += fate == ANC_BOX_DROPPED;
        if (fate == ANC_BOX_DROPPED) continue;
        if (crowd) {
            l->crowd[l->n_crowd++] = b;
        } else {
            l->box_from[l->n_box] = i;
            l->box[l->n_box++] = b;
        }
    }
    return ANC_OK;
}

anc_status anc_label_lay(anc_labeller *l, int64_t image_id, int32_t epoch, int32_t image_h, int32_t image_w,
                         const anc_annotation *annotation, int32_t n, anc_err *err)
{
    if (anc_view_lay(&l->view, l->rules, l->seed, image_id, epoch, image_h, image_w, err) ||
        lay_grid(l, NULL, err))
        return err->code;
    return take_boxes(l, annotation, n, err);
}

anc_status anc_label_lay_on(anc_labeller *l, int64_t image_id, int32_t epoch, int32_t image_h,
                            int32_t image_w, const anc_laid *on, const anc_annotation *annotation, int32_t n,
                            anc_err *err)
{
    anc_view_on(&l->view, image_id, epoch, image_h, image_w, on->size[0], on->size[1], on->padded[0],
                on->padded[1]);
    if (lay_grid(l, (const int32_t(*)[2])on->grid, err)) return err->code;
    return take_boxes(l, annotation, n, err);
}

anc_status anc_label_match(anc_labeller *l, anc_err *err)
{
    return anc_match_view(&l->match, l->kernels, l->rules, &l->grid, l->box, l->n_box, l->crowd, l->n_crowd,
                          err);
}

anc_status anc_label_sample(anc_labeller *l, anc_err *err)
{
    return anc_sample(&l->batch, l->kernels, l->rules, &l->grid, &l->match, l->seed, l->view.image_id,
                      l->view.epoch, err);
}

anc_status anc_label_encode(anc_labeller *l, anc_err *err)
{
    if (l->batch.n_positive > l->room_targets) {
        free(l->target);
        l->target = malloc((size_t)l->rules->sample.batch * sizeof *l->target);
        l->room_targets = l->target ? l->rules->sample.batch : 0;
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
    *l = (anc_labeller){ 0 };
}
