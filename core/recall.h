/* core/recall.h: how many objects the best proposals find: counts, image by image, to be summed and divided
 *
 * Class-agnostic: a proposal may find an object of any category. An object is found at an IoU when a proposal
 * was matched to it with at least that much. Average recall is the mean over IoU .50:.05:.95 (Hosang et al.
 * 2015). coco      cocoapi's COCOeval with useCats = 0: proposals choose objects, the best proposal first;
 * crowd regions, and objects of another size than is asked for, may be matched but count neither way
 *   detectron evaluate_box_proposals of Detectron and detectron2: the pair with the largest IoU first, one to
 * one; crowd regions take no part Both call an object small below 32^2 px, large from 96^2 px on. Areas are
 * those of the boxes (cocoapi asks for the annotation's `area`, which is that of the mask where there is
 * one). docs/METHOD.md, "Average recall".
 */
#ifndef ANC_CORE_RECALL_H
#define ANC_CORE_RECALL_H

#include "core/err.h"
#include <stdbool.h>
#include <stdint.h>

enum { ANC_RECALL_IOUS = 10, ANC_RECALL_SIZES = 4, ANC_RECALL_MAX_TOPS = 16 };
extern const char *const anc_recall_size_name[ANC_RECALL_SIZES]; /* "all", "small", "medium", "large" */

typedef enum { ANC_RECALL_COCO, ANC_RECALL_DETECTRON } anc_recall_protocol;

typedef struct {
    double xyxy[4]; /* original pixels, exclusive edges */
    int32_t group;  /* its category, as an index in [0, n_groups) */
    bool crowd;
} anc_recall_object;

/* Zeroed, then anc_recall_init; anc_recall_free. */
typedef struct {
    anc_recall_protocol protocol;
    int32_t n_tops, top[ANC_RECALL_MAX_TOPS]; /* ascending: how many of an image's proposals may count */
    int32_t n_rows;                           /* ANC_RECALL_SIZES sizes, then n_groups categories */
    int64_t *count; /* [n_rows][1 + ANC_RECALL_IOUS * n_tops]: see anc_recall_objects */
    void *scratch[6];
    int32_t capacity[6];
} anc_recall;

/* IoU i of 0 .. 9: numpy's linspace(.5, .95, 10), as cocoapi has it. */
double anc_recall_iou(int i);

anc_status anc_recall_init(anc_recall *r, anc_recall_protocol protocol, const int32_t *top, int32_t n_tops,
                           int32_t n_groups, anc_err *err);
void anc_recall_free(anc_recall *r);

/* Counts one image. proposal [n_proposals] as x1, y1, x2, y2 and score [n_proposals], in any order: the best
 * come first, ties as they stand. Errors: ANC_EMEMORY. */
anc_status anc_recall_add(anc_recall *r, const anc_recall_object *object, int32_t n_objects,
                          const double (*proposal)[4], const double *score, int32_t n_proposals,
                          anc_err *err);

/* Numbers in count[]: all of them are sums over images, and may be summed over ranks. */
static inline int64_t anc_recall_n_counts(const anc_recall *r)
{
    return (int64_t)r->n_rows * (1 + ANC_RECALL_IOUS * r->n_tops);
}
static inline int64_t *anc_recall_row(const anc_recall *r, int32_t row)
{
    return r->count + (int64_t)row * (1 + ANC_RECALL_IOUS * r->n_tops);
}
static inline int64_t anc_recall_objects(const anc_recall *r, int32_t row)
{
    return anc_recall_row(r, row)[0];
}
static inline int64_t anc_recall_found(const anc_recall *r, int32_t row, int iou, int32_t top)
{
    return anc_recall_row(r, row)[1 + iou * r->n_tops + top];
}

/* found / objects, and its mean over the IoUs; NAN where there are no objects. */
double anc_recall_at(const anc_recall *r, int32_t row, int iou, int32_t top);
double anc_recall_average(const anc_recall *r, int32_t row, int32_t top);

#endif
