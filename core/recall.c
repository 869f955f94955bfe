/* core/recall.c: see recall.h
 *
 * Only pairs with an IoU of .5 or more can match anything; they are few, and both protocols work on their
 * list.
 */
#include "core/recall.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const anc_recall_size_name[ANC_RECALL_SIZES] = { "all", "small", "medium", "large" };
static const double size_range[ANC_RECALL_SIZES][2] = {
    { 0, 1e10 },
    { 0, 32 * 32 },
    { 32 * 32, 96 * 96 },
    { 96 * 96, 1e10 } /* both ends count, as the systems have it */
};

/* A proposal (by rank) and an object that overlap. */
typedef struct {
    int32_t proposal, object;
    double iou;
} pair;

typedef struct {
    double score;
    int32_t index;
} ranked;

enum { RANKED, PAIRS, FIRST, IGNORED, MATCHED, OWN };

double anc_recall_iou(int i) { return i == ANC_RECALL_IOUS - 1 ? 0.95 : i * ((0.95 - 0.5) / 9) + 0.5; }

anc_status anc_recall_init(anc_recall *r, anc_recall_protocol protocol, const int32_t *top, int32_t n_tops,
                           int32_t n_groups, anc_err *err)
{
    r->protocol = protocol;
    r->n_tops = n_tops;
    memcpy(r->top, top, (size_t)n_tops * sizeof *top);
    r->n_rows = ANC_RECALL_SIZES + n_groups;
    r->count = calloc((size_t)anc_recall_n_counts(r), sizeof *r->count);
    return r->count ? ANC_OK
                    : anc_fail(err, ANC_EMEMORY, "out of memory for the counts of %d categories", n_groups);
}

void anc_recall_free(anc_recall *r)
{
    free(r->count);
    for (size_t i = 0; i < sizeof r->scratch / sizeof *r->scratch; i++) free(r->scratch[i]);
    *r = (anc_recall){ 0 };
}

/* Scratch number `which` with room for n elements; what it held stays. */
static void *scratch(anc_recall *r, int which, int32_t n, size_t size, anc_err *err)
{
    if (n >= r->capacity[which]) {
        int32_t capacity = n < 512 ? 1024 : n < INT32_MAX / 2 ? 2 * n : INT32_MAX;
        void *more = realloc(r->scratch[which], (size_t)capacity * size);
        if (!more) {
            anc_fail(err, ANC_EMEMORY, "out of memory for %d overlaps", capacity);
            return NULL;
        }
        r->scratch[which] = more;
        r->capacity[which] = capacity;
    }
    return r->scratch[which];
}

static int best_first(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static double area_of(const double b[4]) { return (b[2] - b[0]) * (b[3] - b[1]); }

/* cocoapi's bbIou: of a crowd region, the share of the proposal that lies in it. */
static double overlap(const double p[4], const anc_recall_object *o)
{
    double w = fmin(p[2], o->xyxy[2]) - fmax(p[0], o->xyxy[0]),
           h = fmin(p[3], o->xyxy[3]) - fmax(p[1], o->xyxy[1]);
    if (w <= 0 || h <= 0) return 0;
    double inter = w * h, area = area_of(p);
    return inter / (o->crowd ? area : area + area_of(o->xyxy) - inter);
}

/* The pairs with an IoU of .5 or more, by rank of the proposal, then by object; -1 when out of memory. first
 * [n + 1] are where those of a proposal begin. */
static int32_t list_pairs(anc_recall *r, const anc_recall_object *object, int32_t n_objects,
                          const double (*proposal)[4], const ranked *order, int32_t n, anc_err *err)
{
    int32_t m = 0, *first = scratch(r, FIRST, n + 1, sizeof *first, err);
    if (!first) return -1;
    for (int32_t i = 0; i < n; i++) {
        first[i] = m;
        for (int32_t k = 0; k < n_objects; k++) {
            double iou = overlap(proposal[order[i].index], &object[k]);
            if (!(iou >= 0.5)) continue;
            pair *p = scratch(r, PAIRS, m + 1, sizeof *p, err);
            if (!p) return -1;
            p[m++] = (pair){ i, k, iou };
        }
    }
    first[n] = m;
    return m;
}

/* A match of the proposal of a rank: it counts for every top that reaches that rank. */
static void found(anc_recall *r, int32_t row, int iou, int32_t rank)
{
    int64_t *count = anc_recall_row(r, row) + 1 + iou * r->n_tops;
    for (int32_t t = 0; t < r->n_tops; t++) count[t] += rank < r->top[t];
}

/* Which objects do not count for a size, crowd regions among them; the others are counted as objects. */
static void sort_out(anc_recall *r, const anc_recall_object *object, int32_t n, int size,
                     unsigned char *ignored)
{
    for (int32_t k = 0; k < n; k++) {
        double area = area_of(object[k].xyxy);
        ignored[k] = object[k].crowd || area < size_range[size][0] || area > size_range[size][1];
        if (ignored[k]) continue;
        anc_recall_row(r, size)[0]++;
        if (size == 0) anc_recall_row(r, ANC_RECALL_SIZES + object[k].group)[0]++;
    }
}

/* ---- coco ---- */

/* The object that COCOeval.evaluateImg gives a proposal: the one with the largest IoU (the last of equals)
 * that is free, those that count before those that do not; -1: none. A crowd region is always free. */
static int32_t choose(const pair *p, int32_t n, double least, const anc_recall_object *object,
                      const unsigned char *ignored, const unsigned char *matched)
{
    for (int pass = 0; pass < 2; pass++) {
        int32_t best = -1;
        double iou = least;
        for (int32_t i = 0; i < n; i++) {
            int32_t k = p[i].object;
            if (ignored[k] != pass || p[i].iou < iou || (matched[k] && !object[k].crowd)) continue;
            iou = p[i].iou;
            best = k;
        }
        if (best >= 0) return best;
    }
    return -1;
}

static void match_coco(anc_recall *r, const anc_recall_object *object, int32_t n_objects, int32_t n, int size,
                       const unsigned char *ignored, unsigned char *matched)
{
    const pair *p = r->scratch[PAIRS];
    const int32_t *first = r->scratch[FIRST];
    for (int t = 0; t < ANC_RECALL_IOUS; t++) {
        memset(matched, 0, (size_t)n_objects);
        for (int32_t i = 0; i < n; i++) {
            if (first[i] == first[i + 1]) continue;
            int32_t k =
                choose(p + first[i], first[i + 1] - first[i], anc_recall_iou(t), object, ignored, matched);
            if (k < 0) continue;
            matched[k] = 1;
            if (ignored[k]) continue;
            found(r, size, t, i);
            if (size == 0) found(r, ANC_RECALL_SIZES + object[k].group, t, i);
        }
    }
}

/* ---- detectron ---- */

/* The order in which evaluate_box_proposals takes pairs: largest IoU, then first object, then first proposal.
 */
static int largest_first(const void *a, const void *b)
{
    const pair *x = a, *y = b;
    if (x->iou != y->iou) return x->iou > y->iou ? -1 : 1;
    if (x->object != y->object) return x->object < y->object ? -1 : 1;
    return (x->proposal > y->proposal) - (x->proposal < y->proposal);
}

/* One count of proposals at a time: a further proposal can take an object from another. own [n] and matched
 * [n_objects]: which are taken. */
static void match_detectron(anc_recall *r, const anc_recall_object *object, int32_t n_objects, int32_t n,
                            int32_t n_pairs, int size, const unsigned char *ignored, unsigned char *matched,
                            unsigned char *own)
{
    const pair *p = r->scratch[PAIRS];
    for (int32_t top = 0; top < r->n_tops; top++) {
        memset(matched, 0, (size_t)n_objects);
        memset(own, 0, (size_t)n);
        for (int32_t i = 0; i < n_pairs; i++) {
            int32_t k = p[i].object, d = p[i].proposal;
            if (ignored[k] || d >= r->top[top] || matched[k] || own[d]) continue;
            matched[k] = own[d] = 1;
            for (int t = 0; t < ANC_RECALL_IOUS && p[i].iou >= anc_recall_iou(t); t++) {
                anc_recall_row(r, size)[1 + t * r->n_tops + top]++;
                if (size == 0)
                    anc_recall_row(r, ANC_RECALL_SIZES + object[k].group)[1 + t * r->n_tops + top]++;
            }
        }
    }
}

/* ---- both ---- */

anc_status anc_recall_add(anc_recall *r, const anc_recall_object *object, int32_t n_objects,
                          const double (*proposal)[4], const double *score, int32_t n_proposals, anc_err *err)
{
    const bool coco = r->protocol == ANC_RECALL_COCO;
    ranked *order = scratch(r, RANKED, n_proposals, sizeof *order, err);
    unsigned char *ignored = order ? scratch(r, IGNORED, n_objects, 1, err) : NULL;
    unsigned char *matched = ignored ? scratch(r, MATCHED, n_objects, 1, err) : NULL;
    if (!matched) return err->code;
    for (int32_t i = 0; i < n_proposals; i++) order[i] = (ranked){ score[i], i };
    qsort(order, (size_t)n_proposals, sizeof *order, best_first);
    int32_t n = n_proposals < r->top[r->n_tops - 1] ? n_proposals : r->top[r->n_tops - 1];
    int32_t n_pairs = list_pairs(r, object, n_objects, proposal, order, n, err);
    unsigned char *own = n_pairs < 0 ? NULL : scratch(r, OWN, n, 1, err);
    if (!own) return err->code;
    if (!coco && n_pairs) qsort(r->scratch[PAIRS], (size_t)n_pairs, sizeof(pair), largest_first);
    for (int size = 0; size < ANC_RECALL_SIZES; size++) {
        sort_out(r, object, n_objects, size, ignored);
        if (n_pairs == 0) continue;
        if (coco)
            match_coco(r, object, n_objects, n, size, ignored, matched);
        else
            match_detectron(r, object, n_objects, n, n_pairs, size, ignored, matched, own);
    }
    return ANC_OK;
}

double anc_recall_at(const anc_recall *r, int32_t row, int iou, int32_t top)
{
    int64_t objects = anc_recall_objects(r, row);
    return objects ? (double)anc_recall_found(r, row, iou, top) / (double)objects : NAN;
}

double anc_recall_average(const anc_recall *r, int32_t row, int32_t top)
{
    double sum = 0;
    for (int i = 0; i < ANC_RECALL_IOUS; i++) sum += anc_recall_at(r, row, i, top);
    return sum / ANC_RECALL_IOUS;
}
