/* every.c: calls every function of libanchorage once, on one small image; ends with 1 and an error's text when one fails.
 * check.sh runs it under valgrind, and with each of its allocations failing in turn. */
#include <anchorage.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 4096 };

static const double boxes[3][4] = { { 10, 12, 60, 70 }, { 80.5, 20, 120, 58 }, { 30, 60, 110, 110 } };
static const double proposals[4][4] = {
    { 12, 10, 58, 70 }, { 82, 22, 119, 60 }, { 0, 0, 20, 20 }, { 30, 60, 100, 115 }
};
static const double scores[4] = { 0.9, 0.8, 0.1, 0.7 };
static const int32_t category[3] = { 1, 2, 1 }, ids[2] = { 1, 2 }, group[3] = { 0, 1, 0 }, tops[2] = { 1, 4 };
static const uint8_t crowd[3] = { 0, 0, 1 };
static const char ini[] = "[view]\nresize = none\n[boxes]\ncrowd = exclude\n";

/* What is made, to be freed whatever fails. */
typedef struct {
    anchorage_config *config;
    anchorage_labeller *labeller;
    anchorage_targets *taken;
    anchorage_layout *layout;
    anchorage_proposer *proposer;
    anchorage_recall *recall, *other;
    float *anchors, *deltas, *logits;
    int32_t *keep;
} things;

static int label(things *t, anchorage_image *image, anchorage_error *e)
{
    const uint32_t all = ANCHORAGE_ASSIGNMENT | ANCHORAGE_LABELS | ANCHORAGE_BOXES | ANCHORAGE_BOX_STATS;
    const anchorage_targets *got = NULL;
    int status = anchorage_labeller_new(&t->labeller, t->config, 5, "scalar", e);
    if (!status) status = anchorage_label(t->labeller, image, 1, all | ANCHORAGE_PAD_TO_LARGEST, &got, e);
    if (!status) t->taken = anchorage_labeller_take(t->labeller);
    if (!status) status = anchorage_label(t->labeller, image, 1, 0, &got, e);
    if (!status) status = anchorage_label_rois(t->labeller, image, 1, ids, 2, ANCHORAGE_BOXES, &got, e);
    if (!status)
        printf("%s: %d positives, %d RoIs\n", anchorage_labeller_simd(t->labeller), t->taken->count[0],
               (int)got->rois_offset[1]);
    return status;
}

static int use_anchors(things *t, anchorage_error *e)
{
    anchorage_level levels[8];
    float target[4], box[4];
    const int32_t last = 7;
    int status = anchorage_layout_new(&t->layout, t->config, t->taken->view_size, t->taken->padded_size,
                                      t->taken->grid, e);
    if (status) return status;
    int32_t n = anchorage_layout_anchors(t->layout);
    if (n > MOST) abort();
    status = anchorage_layout_boxes(t->layout, 0, n, t->anchors, e);
    if (!status) status = anchorage_encode(t->layout, &last, t->taken->boxes, 1, target, e);
    if (!status) status = anchorage_decode(t->layout, &last, target, 1, box, e);
    if (!status) status = anchorage_encode_rois(t->config, box, t->taken->boxes, 1, target, e);
    if (!status) status = anchorage_decode_rois(t->config, box, target, 1, box, e);
    if (!status) printf("%d levels, %d anchors\n", anchorage_layout_levels(t->layout, levels, 8), n);
    return status;
}

static int choose(things *t, anchorage_error *e)
{
    anchorage_nms_options nms;
    anchorage_proposal_options options;
    const anchorage_proposals *got = NULL;
    int32_t n = anchorage_layout_anchors(t->layout), n_keep = 0, status, i;
    for (i = 0; i < n; i++) t->logits[i] = (float)(i * 37 % 101) / 10 - 5;
    memset(&nms, 0, sizeof nms);
    nms.size = sizeof nms;
    nms.iou = 0.5;
    for (i = 0; i < n; i++) t->keep[i] = i % 3; /* groups, then what is kept */
    status = anchorage_nms(t->anchors, t->logits, t->keep, n, &nms, t->keep + MOST, &n_keep, e);
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    if (!status) status = anchorage_proposal_options_of(t->config, 0, &options, e);
    if (!status) status = anchorage_proposer_new(&t->proposer, t->config, &options, e);
    if (!status) status = anchorage_propose(t->proposer, t->layout, t->logits, t->deltas, 1, &got, e);
    if (!status) printf("%d kept, %d proposals\n", n_keep, got->n);
    return status;
}

static int recall(things *t, anchorage_image *image, anchorage_error *e)
{
    image->category = group;
    int status = anchorage_recall_new(&t->recall, ANCHORAGE_RECALL_COCO, tops, 2, 2, e);
    if (!status) status = anchorage_recall_new(&t->other, ANCHORAGE_RECALL_COCO, tops, 2, 2, e);
    if (!status) status = anchorage_recall_add(t->recall, image, scores, e);
    if (!status) status = anchorage_recall_merge(t->other, t->recall, e);
    if (!status)
        printf("%d objects, recall %.2f, average %.2f\n",
               (int)anchorage_recall_objects(t->other, ANCHORAGE_RECALL_ALL),
               anchorage_recall_at(t->other, ANCHORAGE_RECALL_ALL, 0, 1),
               anchorage_recall_average(t->other, ANCHORAGE_RECALL_ALL, 1));
    return status;
}

static int draw(anchorage_error *e)
{
    uint32_t key[2] = { 1, 2 }, counter[4] = { 3, 4, 5, 6 }, out[4];
    int32_t some[5], all[9];
    anchorage_philox(key, counter, out);
    int status = anchorage_draw(1, 2, 3, ANCHORAGE_DRAW_POSITIVES, 100, 5, some, e);
    if (!status) status = anchorage_torch_randperm(1, 4, 9, all, e);
    if (!status)
        printf("%u %d %d %g\n", out[0], some[0], all[0], anchorage_uniform(1, 2, 3, ANCHORAGE_DRAW_FLIP));
    return status;
}

static int run(things *t, anchorage_error *e)
{
    anchorage_image image;
    memset(&image, 0, sizeof image);
    image.size = sizeof image;
    image.id = 1;
    image.height = image.width = 128;
    image.n_boxes = 3;
    image.boxes = boxes[0];
    image.crowd = crowd;
    image.category = category;
    image.n_proposals = 4;
    image.proposals = proposals[0];
    int status = anchorage_config_new(&t->config, anchorage_preset(0), ini, strlen(ini), e);
    if (!status)
        printf("%s %d, %s, %d levels, %d and %d bytes\n", anchorage_version(),
               (int)anchorage_version_number(), anchorage_simd(0), anchorage_config_levels(t->config),
               (int)strlen(anchorage_config_ini(t->config)), (int)strlen(anchorage_config_json(t->config)));
    if (!status) status = label(t, &image, e);
    if (!status) status = use_anchors(t, e);
    if (!status) status = choose(t, e);
    if (!status) status = recall(t, &image, e);
    return status ? status : draw(e);
}

int main(void)
{
    static float anchors[4 * MOST], deltas[4 * MOST], logits[MOST];
    static int32_t keep[2 * MOST];
    anchorage_error error;
    things t;
    memset(&t, 0, sizeof t);
    t.anchors = anchors;
    t.deltas = deltas;
    t.logits = logits;
    t.keep = keep;
    int status = run(&t, &error);
    if (status) fprintf(stderr, "every: %s\n", error.text);
    anchorage_recall_free(t.recall);
    anchorage_recall_free(t.other);
    anchorage_proposer_free(t.proposer);
    anchorage_layout_free(t.layout);
    anchorage_targets_free(t.taken);
    anchorage_labeller_free(t.labeller);
    anchorage_config_free(t.config);
    return status != 0;
}
