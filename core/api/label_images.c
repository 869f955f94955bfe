/* core/api/label_images.c: labelling through the library: see include/anchorage.h. What it calls is what the program
 * calls, anc_label_view and anc_label_rois (core/gather.h). */
#include "core/api/api.h"
#include <stdlib.h>
#include <string.h>

enum {
    ALL_FLAGS = ANCHORAGE_ASSIGNMENT | ANCHORAGE_LABELS | ANCHORAGE_BOXES | ANCHORAGE_BOX_STATS |
                ANCHORAGE_PAD_TO_LARGEST,
    ROI_FLAGS = ANCHORAGE_BOXES | ANCHORAGE_PAD_TO_LARGEST
};

/* Results: what the caller sees, and the rows that it points to. */
typedef struct {
    anchorage_targets seen; /* first: the caller hands back its address */
    anc_targets rows;
} results;

struct anchorage_labeller {
    anc_rules rules[2]; /* by stage */
    anc_labeller core;
    anc_rois rois;
    results *results[2]; /* by stage; NULL: none, or taken */
    results *latest;     /* of the two; NULL: none */
    anc_annotation *annotation;
    int32_t capacity;
};

/* ---- a labeller and its results ---- */

int anchorage_labeller_new(anchorage_labeller **labeller, const anchorage_config *config, uint64_t seed,
                           const char *simd, anchorage_error *error)
{
    anc_err err;
    if (!labeller || !config) return anc_api_refuse(error, "%s is NULL", labeller ? "config" : "labeller");
    const anc_kernels *kernels = anc_kernels_find(simd);
    if (!kernels) return anc_api_refuse(error, "no instruction set called '%s' runs on this machine", simd);
    anchorage_labeller *l = calloc(1, sizeof *l);
    if (!l) {
        anc_fail(&err, ANC_EMEMORY, "out of memory for a labeller");
        return anc_api_fail(error, &err);
    }
    l->rules[ANC_STAGE_RPN] = anc_api_rules(config, ANC_STAGE_RPN);
    l->rules[ANC_STAGE_ROI] = anc_api_rules(config, ANC_STAGE_ROI);
    l->core.kernels = kernels;
    l->core.seed = seed;
    *labeller = l;
    return ANCHORAGE_OK;
}

static void free_results(results *r)
{
    if (r) anc_targets_clear(&r->rows);
    free(r);
}

void anchorage_labeller_free(anchorage_labeller *labeller)
{
    if (!labeller) return;
    anc_labeller_free(&labeller->core);
    anc_rois_free(&labeller->rois);
    for (int stage = 0; stage < 2; stage++) free_results(labeller->results[stage]);
    free(labeller->annotation);
    free(labeller);
}

const char *anchorage_labeller_simd(const anchorage_labeller *labeller)
{
    return labeller ? labeller->core.kernels->name : NULL;
}

anchorage_targets *anchorage_labeller_take(anchorage_labeller *labeller)
{
    if (!labeller || !labeller->latest) return NULL;
    results *r = labeller->latest;
    for (int stage = 0; stage < 2; stage++)
        if (labeller->results[stage] == r) labeller->results[stage] = NULL;
    labeller->latest = NULL;
    return &r->seen;
}

void anchorage_targets_free(anchorage_targets *targets) { free_results((results *)targets); }

/* Room for results of a stage, empty, with the kinds of rows that are asked for. */
static anc_status empty_results(anchorage_labeller *l, anc_stage stage, uint32_t flags, results **out,
                                anc_err *err)
{
    const anc_kept asked = { flags & ANCHORAGE_ASSIGNMENT, flags & ANCHORAGE_LABELS, flags & ANCHORAGE_BOXES,
                             flags & ANCHORAGE_BOX_STATS };
    results *r = l->results[stage];
    l->latest = NULL;
    if (!r) {
        r = calloc(1, sizeof *r);
        if (!r) return anc_fail(err, ANC_EMEMORY, "out of memory for results");
        if (anc_targets_init(&r->rows, &l->rules[stage], asked, err)) {
            free_results(r);
            return err->code;
        }
        l->results[stage] = r;
    }
    anc_targets_reset(&r->rows);
    anc_targets_kept(stage, asked, r->rows.with);
    *out = r;
    return ANC_OK;
}

/* The rows as the caller sees them: kinds that are not kept, and columns that a stage has not, are NULL. */
static void show(results *r)
{
    const anc_targets *t = &r->rows;
    const void *column[ANC_ALL_COLUMNS];
    const int64_t *offset[ANC_ROWS_ALL];
    for (int c = 0; c < ANC_ALL_COLUMNS; c++)
        column[c] = anc_targets_has(t->with, t->n_levels, c) ? t->column[c] : NULL;
    for (int k = 0; k < ANC_ROWS_ALL; k++) offset[k] = t->with[k] ? t->offset[k] : NULL;
    r->seen = (anchorage_targets){
        .size = sizeof r->seen,
        .n_images = (int32_t)t->n[ANC_ROWS_VIEWS],
        .n_levels = t->n_levels,
        .image_id = column[ANC_VIEWS_IMAGE_ID],
        .epoch = column[ANC_VIEWS_EPOCH],
        .flip = column[ANC_VIEWS_FLIP],
        .view_size = column[ANC_VIEWS_SIZE],
        .padded_size = column[ANC_VIEWS_PADDED_SIZE],
        .scale = column[ANC_VIEWS_SCALE],
        .grid = column[ANC_VIEWS_GRID],
        .stride = column[ANC_VIEWS_STRIDE],
        .count = column[ANC_VIEWS_COUNT],
        .minibatch_offset = offset[ANC_ROWS_MINIBATCH],
        .minibatch_anchor = column[ANC_MINIBATCH_ANCHOR],
        .minibatch_label = column[ANC_MINIBATCH_LABEL],
        .positives_offset = offset[ANC_ROWS_POSITIVES],
        .positives_target = column[ANC_POSITIVES_TARGET],
        .positives_gt = column[ANC_POSITIVES_GT],
        .assignment_offset = offset[ANC_ROWS_ASSIGNMENT],
        .assignment_anchor = column[ANC_ASSIGNMENT_ANCHOR],
        .assignment_gt = column[ANC_ASSIGNMENT_GT],
        .labels_offset = offset[ANC_ROWS_LABELS],
        .labels = column[ANC_LABELS_LABEL],
        .boxes_offset = offset[ANC_ROWS_GT],
        .boxes = column[ANC_GT_XYXY],
        .boxes_category = column[ANC_GT_CATEGORY],
        .boxes_crowd = column[ANC_GT_CROWD],
        .boxes_used = column[ANC_GT_USED],
        .stats_offset = offset[ANC_ROWS_FARES],
        .stats_iou = column[ANC_FARES_IOU],
        .stats_positives = column[ANC_FARES_POSITIVES],
        .rois_offset = offset[ANC_ROWS_ROIS],
        .rois = column[ANC_ROIS_XYXY],
        .rois_label = column[ANC_ROIS_LABEL],
        .rois_proposal = column[ANC_ROIS_PROPOSAL],
    };
}

/* ---- images ---- */

static bool side_is(int32_t side) { return side >= 1 && side <= ANC_API_MAX_SIDE; }

/* Whether a pair of sides is given, both or neither. */
static bool pair_is(int32_t h, int32_t w) { return (!h && !w) || (side_is(h) && side_is(w)); }

static anc_status check_image(const anchorage_image *i, anc_err *err)
{
    if (!side_is(i->height) || !side_is(i->width))
        return anc_fail(err, ANC_EDATA, "%d x %d px: each side must be 1 to %d", i->width, i->height,
                        ANC_API_MAX_SIDE);
    if (i->n_boxes < 0 || i->n_boxes > INT32_MAX / 2 || (i->n_boxes && !i->boxes))
        return anc_fail(err, ANC_EARGUMENT, "n_boxes is %d, boxes %s", i->n_boxes,
                        i->boxes ? "given" : "NULL");
    if (i->n_proposals < 0 || i->n_proposals > INT32_MAX / 2 || (i->n_proposals && !i->proposals))
        return anc_fail(err, ANC_EARGUMENT, "n_proposals is %d, proposals %s", i->n_proposals,
                        i->proposals ? "given" : "NULL");
    if (!pair_is(i->view_height, i->view_width) || !pair_is(i->padded_height, i->padded_width))
        return anc_fail(err, ANC_EARGUMENT,
                        "view %d x %d, padded %d x %d: must be 0 x 0, or sides of 1 to %d px", i->view_width,
                        i->view_height, i->padded_width, i->padded_height, ANC_API_MAX_SIDE);
    if (i->flip < ANCHORAGE_FLIP_DRAWN || i->flip > ANCHORAGE_FLIP_YES || (i->boxes_in_view & ~1) ||
        i->reserved)
        return anc_fail(err, ANC_EARGUMENT,
                        "flip is %d, boxes_in_view %d, reserved %d: zero the structure first", i->flip,
                        i->boxes_in_view, i->reserved);
    return anc_api_check_boxes(i->boxes, i->n_boxes, !i->boxes_in_view, "box", err) ||
                   anc_api_check_boxes(i->proposals, i->n_proposals, false, "proposal", err)
               ? err->code
               : ANC_OK;
}

/* The image as core/ takes it; its annotations until the next one. */
static anc_status take_image(anchorage_labeller *l, const anchorage_image *from, anc_label_image *to,
                             anc_err *err)
{
    if (from->n_boxes > l->capacity) {
        free(l->annotation);
        l->capacity = from->n_boxes + from->n_boxes / 2;
        l->annotation = malloc((size_t)l->capacity * sizeof *l->annotation);
        if (!l->annotation) {
            l->capacity = 0;
            return anc_fail(err, ANC_EMEMORY, "out of memory for %d boxes", from->n_boxes);
        }
    }
    for (int32_t i = 0; i < from->n_boxes; i++) {
        anc_annotation *a = &l->annotation[i];
        *a = (anc_annotation){ .category = from->category ? from->category[i] : 0,
                               .crowd = from->crowd && from->crowd[i] };
        memcpy(a->xyxy, from->boxes + 4 * (size_t)i, sizeof a->xyxy);
    }
    *to = (anc_label_image){
        .id = from->id,
        .epoch = from->epoch,
        .h = from->height,
        .w = from->width,
        .annotation = l->annotation,
        .n = from->n_boxes,
        .choice = { .size = { from->view_height, from->view_width },
                    .padded = { from->padded_height, from->padded_width },
                    .flip = from->flip == ANCHORAGE_FLIP_DRAWN ? ANC_FLIP_DRAWN
                            : from->flip == ANCHORAGE_FLIP_YES ? ANC_FLIP_ON
                                                               : ANC_FLIP_OFF },
        .grid = (const int32_t(*)[2])from->grid,
        .in_view = from->boxes_in_view,
    };
    return ANC_OK;
}

/* One call: its images, read one by one. */
typedef struct {
    anchorage_labeller *l;
    const anchorage_image *images;
    size_t n, step; /* bytes from one image to the next */
    anc_stage stage;
    uint32_t flags;
    int32_t padded[2]; /* ANCHORAGE_PAD_TO_LARGEST */
    anc_classes classes;
    anchorage_error *error;
} call;

/* Image i, as this library knows it, checked. */
static int read_image(const call *c, size_t i, anchorage_image *to)
{
    anc_err err;
    const char *at = (const char *)c->images + i * c->step;
    int status = anc_api_take(to, ANC_API_IMAGE, at, "image", c->error);
    if (status) return status;
    if (to->size != c->step)
        return anc_api_refuse(c->error, "images[%zu].size is %zu, images[0].size is %zu", i, to->size,
                              c->step);
    if (!check_image(to, &err)) return ANCHORAGE_OK;
    anc_within(&err, "image %lld", (long long)to->id);
    return anc_api_fail(c->error, &err);
}

/* The largest padded sides among the images. */
static int find_largest(call *c)
{
    anc_err err;
    anc_view v;
    anchorage_image image;
    const anc_rules *rules = &c->l->rules[c->stage];
    for (size_t i = 0; i < c->n; i++) {
        int status = read_image(c, i, &image);
        if (status) return status;
        if (image.grid)
            return anc_api_refuse(c->error,
                                  "image %lld: gives a grid, which ANCHORAGE_PAD_TO_LARGEST would replace",
                                  (long long)image.id);
        const anc_view_choice choice = { .size = { image.view_height, image.view_width },
                                         .padded = { image.padded_height, image.padded_width } };
        if (anc_view_place(&v, rules, c->l->core.seed, image.id, image.epoch, image.height, image.width,
                           &choice, &err)) {
            anc_within(&err, "image %lld", (long long)image.id);
            return anc_api_fail(c->error, &err);
        }
        if (v.padded_h > c->padded[0]) c->padded[0] = v.padded_h;
        if (v.padded_w > c->padded[1]) c->padded[1] = v.padded_w;
    }
    return ANCHORAGE_OK;
}

static int label_image(const call *c, size_t i, anc_targets *rows)
{
    anc_err err;
    anchorage_image image;
    anc_label_image wanted;
    anchorage_labeller *l = c->l;
    int status = read_image(c, i, &image);
    if (status) return status;
    anc_status failed = take_image(l, &image, &wanted, &err);
    if (!failed && c->padded[0]) memcpy(wanted.choice.padded, c->padded, sizeof c->padded);
    if (!failed && c->stage == ANC_STAGE_RPN) failed = anc_label_view(&l->core, &wanted, rows, NULL, &err);
    if (!failed && c->stage == ANC_STAGE_ROI)
        failed = anc_label_rois(&l->core, &l->rois, &wanted, (const double(*)[4])image.proposals,
                                image.n_proposals, &c->classes, rows, NULL, &err);
    if (!failed) return ANCHORAGE_OK;
    anc_within(&err, "image %lld", (long long)image.id);
    return anc_api_fail(c->error, &err);
}

static int label_images(call *c, const anchorage_targets **targets)
{
    anc_err err;
    results *r = NULL;
    anchorage_labeller *l = c->l;
    if (empty_results(l, c->stage, c->flags, &r, &err)) return anc_api_fail(c->error, &err);
    if (c->n) memcpy(&c->step, c->images, sizeof c->step);
    l->core.rules = &l->rules[c->stage];
    int status = c->flags & ANCHORAGE_PAD_TO_LARGEST ? find_largest(c) : ANCHORAGE_OK;
    for (size_t i = 0; i < c->n && !status; i++) status = label_image(c, i, &r->rows);
    if (status) return status;
    show(r);
    l->latest = r;
    *targets = &r->seen;
    return ANCHORAGE_OK;
}

static int check_call(const call *c, uint32_t known, const anchorage_targets **targets)
{
    if (!c->l || !targets || (c->n && !c->images))
        return anc_api_refuse(c->error, "%s is NULL", !c->l ? "labeller" : !targets ? "targets" : "images");
    if (c->n > INT32_MAX) return anc_api_refuse(c->error, "%zu images are too many for one call", c->n);
    if (c->flags & ~known)
        return anc_api_refuse(c->error, "flags 0x%x are not known here", c->flags & ~known);
    return ANCHORAGE_OK;
}

int anchorage_label(anchorage_labeller *labeller, const anchorage_image *images, size_t n_images,
                    uint32_t flags, const anchorage_targets **targets, anchorage_error *error)
{
    call c = { .l = labeller, .images = images, .n = n_images, .flags = flags, .error = error };
    int status = check_call(&c, ALL_FLAGS, targets);
    return status ? status : label_images(&c, targets);
}

int anchorage_label_rois(anchorage_labeller *labeller, const anchorage_image *images, size_t n_images,
                         const int32_t *categories, int32_t n_categories, uint32_t flags,
                         const anchorage_targets **targets, anchorage_error *error)
{
    call c = {
        .l = labeller, .images = images, .n = n_images, .stage = ANC_STAGE_ROI, .flags = flags, .error = error
    };
    int status = check_call(&c, ROI_FLAGS, targets);
    if (status) return status;
    if (n_categories < 0 || (n_categories && !categories))
        return anc_api_refuse(error, "n_categories is %d, categories %s", n_categories,
                              categories ? "given" : "NULL");
    for (int32_t i = 1; i < n_categories; i++)
        if (categories[i] <= categories[i - 1])
            return anc_api_refuse(error, "category id %d follows %d: ids must ascend", categories[i],
                                  categories[i - 1]);
    c.classes = (anc_classes){ labeller->rules[ANC_STAGE_ROI].roi.classes, n_categories, categories };
    if (c.classes.rule == ANC_CLASSES_IDS && n_categories && categories[0] < 1)
        return anc_api_refuse(
            error, "category id %d would be the background's label, 0, or less; set roi.classes = from-one",
            categories[0]);
    return label_images(&c, targets);
}
