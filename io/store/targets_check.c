/* io/store/targets_check.c: see targets_check.h */
#include "io/store/targets_check.h"
#include "io/store/rois_check.h"
#include <math.h>
#include <string.h>

static int64_t anchors_of(const anc_targets_info *info, const int32_t *grid)
{
    int64_t n = 0;
    for (int l = 0; l < info->n_levels; l++) {
        int64_t h = grid[2 * l], w = grid[2 * l + 1];
        if (h < 1 || w < 1 || h * w > INT32_MAX / info->level[l].n_shapes) return -1;
        n += h * w * info->level[l].n_shapes;
    }
    return n > INT32_MAX ? -1 : n;
}

static const char *fault_of_view(const anc_targets *t, int64_t v)
{
    const int32_t *size = (int32_t *)t->column[ANC_VIEWS_SIZE] + 2 * v;
    const int32_t *padded = (int32_t *)t->column[ANC_VIEWS_PADDED_SIZE] + 2 * v;
    const float *scale = (float *)t->column[ANC_VIEWS_SCALE] + 2 * v;
    if (((int32_t *)t->column[ANC_VIEWS_EPOCH])[v] < 0) return "/views/epoch is negative";
    if (((uint8_t *)t->column[ANC_VIEWS_FLIP])[v] > 1) return "/views/flip is neither 0 nor 1";
    if (size[0] < 1 || size[1] < 1) return "/views/size is not positive";
    if (padded[0] < size[0] || padded[1] < size[1]) return "/views/padded_size is less than /views/size";
    if (!(scale[0] > 0 && scale[1] > 0 && isfinite(scale[0]) && isfinite(scale[1])))
        return "/views/scale is not positive";
    return NULL;
}

static const char *fault_of_anchors(const anc_targets *t, int64_t v, int64_t n_anchors)
{
    const int32_t *count = (int32_t *)t->column[ANC_VIEWS_COUNT] + 3 * v;
    if (n_anchors < 0) return "/views/grid has no positions, or too many";
    if (count[0] < 0 || count[1] < 0 || count[2] < 0 || (int64_t)count[0] + count[1] + count[2] != n_anchors)
        return "/views/count does not add up to the anchors of the grids";
    return NULL;
}

static const char *fault_of_minibatch(const anc_targets *t, int64_t v, int64_t n_anchors)
{
    const int32_t *count = (int32_t *)t->column[ANC_VIEWS_COUNT] + 3 * v;
    const int64_t *row = t->offset[ANC_ROWS_MINIBATCH] + v, *positive = t->offset[ANC_ROWS_POSITIVES] + v;
    const int32_t *anchor = t->column[ANC_MINIBATCH_ANCHOR];
    const int8_t *label = t->column[ANC_MINIBATCH_LABEL];
    int64_t n_positive = positive[1] - positive[0], n_negative = row[1] - row[0] - n_positive;
    if (n_positive > count[0] || n_negative < 0 || n_negative > count[1])
        return "the minibatch has more positives or negatives than the view";
    for (int64_t i = row[0]; i < row[1]; i++) {
        if (anchor[i] < 0 || anchor[i] >= n_anchors) return "/minibatch/anchor is not an anchor of the view";
        if (label[i] != (i - row[0] < n_positive))
            return "/minibatch/label is not 1 for as many as /positives has, then 0";
        if (i > row[0] && label[i] == label[i - 1] && anchor[i] <= anchor[i - 1])
            return "/minibatch/anchor does not ascend";
    }
    return anc_positives_fault(t, v);
}

static const char *fault_of_options(const anc_targets *t, int64_t v, int64_t n_anchors)
{
    const int32_t *count = (int32_t *)t->column[ANC_VIEWS_COUNT] + 3 * v;
    const int64_t *boxes = t->offset[ANC_ROWS_GT] + v, *row = t->offset[ANC_ROWS_ASSIGNMENT] + v;
    const int32_t *anchor = t->column[ANC_ASSIGNMENT_ANCHOR], *gt = t->column[ANC_ASSIGNMENT_GT];
    if (t->with[ANC_ROWS_ASSIGNMENT]) {
        int64_t positives = 0;
        for (int64_t i = row[0]; i < row[1]; i++) {
            if (anchor[i] < 0 || anchor[i] >= n_anchors || (i > row[0] && anchor[i] <= anchor[i - 1]))
                return "/assignment/anchor does not ascend within the view's anchors";
            if (gt[i] < -1 || (t->with[ANC_ROWS_GT] && gt[i] >= boxes[1] - boxes[0]))
                return "/assignment/gt is no box of the image";
            positives += gt[i] >= 0;
        }
        if (positives != count[0] || row[1] - row[0] - positives != count[2])
            return "/assignment has other numbers of positives and ignored than /views/count";
    }
    row = t->offset[ANC_ROWS_LABELS] + v;
    if (t->with[ANC_ROWS_LABELS]) {
        const int8_t *label = t->column[ANC_LABELS_LABEL];
        int64_t found[3] = { 0 };
        if (row[1] - row[0] != n_anchors) return "/labels has not one row for each anchor";
        for (int64_t i = row[0]; i < row[1]; i++) {
            if (label[i] < -1 || label[i] > 1) return "/labels/label is none of -1, 0, 1";
            found[label[i] + 1]++;
        }
        if (found[2] != count[0] || found[1] != count[1])
            return "/labels/label has other numbers than /views/count";
    }
    return NULL;
}

static const char *fault_of_gt(const anc_targets *t, int64_t v)
{
    const int64_t *boxes = t->offset[ANC_ROWS_GT] + v;
    for (int64_t i = boxes[0]; t->with[ANC_ROWS_GT] && i < boxes[1]; i++) {
        const float *b = (float *)t->column[ANC_GT_XYXY] + 4 * i;
        if (!isfinite(b[0]) || !isfinite(b[1]) || !isfinite(b[2]) || !isfinite(b[3]))
            return "/gt/xyxy is not a number";
        if (((uint8_t *)t->column[ANC_GT_USED])[i] > 1 || ((uint8_t *)t->column[ANC_GT_CROWD])[i] > 1)
            return "/gt/used or /gt/crowd is neither 0 nor 1";
    }
    return NULL;
}

static const char *fault_of_rpn(const anc_targets_info *info, const anc_targets *t, int64_t v)
{
    int64_t n_anchors = anchors_of(info, (int32_t *)t->column[ANC_VIEWS_GRID] + 2 * t->n_levels * v);
    const char *fault = fault_of_anchors(t, v, n_anchors);
    if (!fault) fault = fault_of_minibatch(t, v, n_anchors);
    return fault ? fault : fault_of_options(t, v, n_anchors);
}

anc_status anc_targets_check_rows(const anc_targets_info *info, int64_t first, int64_t n,
                                  const anc_targets *t, anc_err *err)
{
    for (int64_t v = 0; v < n; v++) {
        const char *fault = fault_of_view(t, v);
        if (!fault)
            fault = info->stage == ANC_STAGE_ROI ? anc_rois_fault(&info->classes, t, v)
                                                 : fault_of_rpn(info, t, v);
        if (!fault) fault = fault_of_gt(t, v);
        if (fault)
            return anc_fail(err, ANC_EDATA, "view %lld (image %lld): %s", (long long)(first + v),
                            (long long)((int64_t *)t->column[ANC_VIEWS_IMAGE_ID])[v], fault);
    }
    return ANC_OK;
}
