/* io/store/rois_check.c: see rois_check.h */
#include "io/store/rois_check.h"
#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

static bool is_class(const anc_targets_classes *c, int32_t label)
{
    return c->n && bsearch(&label, c->label, (size_t)c->n, sizeof label, by_value);
}

static const char *fault_of_roi(const anc_targets_classes *classes, const anc_targets *t, int64_t i,
                                bool positive)
{
    const float *b = (float *)t->column[ANC_ROIS_XYXY] + 4 * i;
    int32_t label = ((int32_t *)t->column[ANC_ROIS_LABEL])[i];
    for (int e = 0; e < 4; e++)
        if (!isfinite(b[e])) return "/rois/xyxy is not a number";
    if (b[2] < b[0] || b[3] < b[1]) return "/rois/xyxy is not a box";
    if (positive && !is_class(classes, label)) return "/rois/label of a positive is none of /classes/label";
    if (!positive && label != classes->background)
        return "/rois/label is not the background behind as many as /positives has";
    if (((int32_t *)t->column[ANC_ROIS_PROPOSAL])[i] < -1)
        return "/rois/proposal is neither a proposal nor -1";
    return NULL;
}

const char *anc_positives_fault(const anc_targets *t, int64_t v)
{
    const int64_t *positive = t->offset[ANC_ROWS_POSITIVES] + v, *boxes = t->offset[ANC_ROWS_GT] + v;
    const float *target = t->column[ANC_POSITIVES_TARGET];
    const int32_t *gt = t->column[ANC_POSITIVES_GT];
    for (int64_t i = positive[0]; i < positive[1]; i++) {
        for (int e = 0; e < 4; e++)
            if (!isfinite(target[4 * i + e])) return "/positives/target is not a number";
        if (gt[i] < 0 || (t->with[ANC_ROWS_GT] && gt[i] >= boxes[1] - boxes[0]))
            return "/positives/gt is no box of the image";
    }
    return NULL;
}

const char *anc_rois_fault(const anc_targets_classes *classes, const anc_targets *t, int64_t v)
{
    const int32_t *count = (int32_t *)t->column[ANC_VIEWS_COUNT] + 3 * v,
                  *proposal = t->column[ANC_ROIS_PROPOSAL];
    const int64_t *row = t->offset[ANC_ROWS_ROIS] + v, *positive = t->offset[ANC_ROWS_POSITIVES] + v;
    int64_t n_positive = positive[1] - positive[0], n_negative = row[1] - row[0] - n_positive;
    if (count[0] < 0 || count[1] < 0 || count[2] < 0) return "/views/count is negative";
    if (n_positive > count[0] || n_negative < 0 || n_negative > count[1])
        return "there are more positive or negative RoIs than the view has";
    for (int64_t i = row[0]; i < row[1]; i++) {
        const char *fault = fault_of_roi(classes, t, i, i - row[0] < n_positive);
        if (fault) return fault;
        if (i > row[0] && i - row[0] != n_positive && proposal[i] >= 0 && proposal[i - 1] >= proposal[i])
            return "/rois/proposal does not ascend";
    }
    return anc_positives_fault(t, v);
}
