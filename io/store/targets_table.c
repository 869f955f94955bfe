/* io/store/targets_table.c: see targets_table.h */
#include "io/store/targets_table.h"

enum { DEFLATE = 2 }; /* docs/RESULTS.md compares the levels */

const anc_targets_column anc_targets_columns[ANC_N_COLUMNS] = {
    [ANC_VIEWS_IMAGE_ID] = { "/views/image_id", ANC_H5_I64, 1, INT64_MIN, NULL, "id of the view's image" },
    [ANC_VIEWS_EPOCH] = { "/views/epoch", ANC_H5_I32, 1, INT32_MIN, NULL,
                          "epoch that the view was drawn for" },
    [ANC_VIEWS_FLIP] = { "/views/flip", ANC_H5_U8, 1, 255, NULL, "1: mirrored left to right" },
    [ANC_VIEWS_SIZE] = { "/views/size", ANC_H5_I32, 2, INT32_MIN, "px", "height, width after the resize" },
    [ANC_VIEWS_PADDED_SIZE] = { "/views/padded_size", ANC_H5_I32, 2, INT32_MIN, "px",
                                "height, width that the anchors are laid on" },
    [ANC_VIEWS_SCALE] = { "/views/scale", ANC_H5_F32, 2, 0, "view px / original px", "y, x" },
    [ANC_VIEWS_GRID] = { "/views/grid", ANC_H5_I32, 3, INT32_MIN, "positions",
                         "rows, columns of each level" },
    [ANC_VIEWS_COUNT] = { "/views/count", ANC_H5_I32, 2, INT32_MIN, "anchors",
                          "positives, negatives, ignored before sampling" },
    [ANC_MINIBATCH_ANCHOR] = { "/minibatch/anchor", ANC_H5_I32, 1, INT32_MIN, NULL,
                               "anchor index (level, y, x, a); a view's positives first, each part "
                               "ascending" },
    [ANC_MINIBATCH_LABEL] = { "/minibatch/label", ANC_H5_I8, 1, INT8_MIN, NULL, "1 positive, 0 negative" },
    [ANC_POSITIVES_TARGET] = { "/positives/target", ANC_H5_F32, 2, 0, NULL,
                               "tx, ty, tw, th of the minibatch's positives" },
    [ANC_POSITIVES_GT] = { "/positives/gt", ANC_H5_I32, 1, INT32_MIN, NULL,
                           "matched gt: index into the image's annotated boxes" },
    [ANC_ASSIGNMENT_ANCHOR] = { "/assignment/anchor", ANC_H5_I32, 1, INT32_MIN, NULL,
                                "every anchor that is not negative, ascending" },
    [ANC_ASSIGNMENT_GT] = { "/assignment/gt", ANC_H5_I32, 1, INT32_MIN, NULL, "matched gt, -1: ignored" },
    [ANC_LABELS_LABEL] = { "/labels/label", ANC_H5_I8, 1, INT8_MIN, NULL,
                           "of every anchor: 1 positive, 0 negative, -1 ignored" },
    [ANC_GT_XYXY] = { "/gt/xyxy", ANC_H5_F32, 2, 0, "view px",
                      "x1, y1, x2, y2 of the image's annotated boxes" },
    [ANC_GT_CATEGORY] = { "/gt/category", ANC_H5_I32, 1, INT32_MIN, NULL, "category id" },
    [ANC_GT_CROWD] = { "/gt/crowd", ANC_H5_U8, 1, 255, NULL, "1: a crowd or ignore region" },
    [ANC_GT_USED] = { "/gt/used", ANC_H5_U8, 1, 255, NULL,
                      "1: matched as an object; 0: crowd, or nothing left of it in the view" },
    [ANC_ROIS_XYXY] = { "/rois/xyxy", ANC_H5_F32, 2, 0, "view px",
                        "x1, y1, x2, y2; a view's positives first" },
    [ANC_ROIS_LABEL] = { "/rois/label", ANC_H5_I32, 1, INT32_MIN, NULL,
                         "class, as /classes/label numbers it; negatives have its attribute background" },
    [ANC_ROIS_PROPOSAL] = { "/rois/proposal", ANC_H5_I32, 1, INT32_MIN, NULL,
                            "index into the image's proposals, ascending in each part; -1: an appended gt" },
};

const anc_targets_kind anc_targets_kinds[ANC_ROWS_KINDS] = {
    [ANC_ROWS_VIEWS] = { "/views", NULL },
    [ANC_ROWS_MINIBATCH] = { "/minibatch", "first row of each view in /minibatch; one beyond the last" },
    [ANC_ROWS_POSITIVES] = { "/positives", "first row of each view in /positives; one beyond the last" },
    [ANC_ROWS_ASSIGNMENT] = { "/assignment", "first row of each view in /assignment; one beyond the last" },
    [ANC_ROWS_LABELS] = { "/labels", "first row of each view in /labels; one beyond the last" },
    [ANC_ROWS_GT] = { "/gt", "first row of each view in /gt; one beyond the last" },
    [ANC_ROWS_ROIS] = { "/rois", "first row of each view in /rois; one beyond the last" },
};

static int64_t dimension(int d, int32_t n_levels) { return d == ANC_COLUMN_LEVELS ? n_levels : d ? d : 1; }

/* What a column is in the second stage, where it is something else. */
static void describe_rois(int column, anc_h5_spec *spec)
{
    if (column == ANC_VIEWS_PADDED_SIZE) spec->description = "height, width after padding";
    if (column == ANC_POSITIVES_TARGET)
        spec->description = "tx, ty, tw, th of the positive RoIs, for the class that the RoI's label names";
    if (column != ANC_VIEWS_COUNT) return;
    spec->units = NULL;
    spec->description = "positives, negatives, ignored before sampling, of proposals and appended gts";
}

anc_h5_spec anc_targets_spec(int column, int64_t n, int32_t n_levels)
{
    const anc_targets_column *c = &anc_targets_columns[column];
    anc_h5_spec spec = {
        .name = c->name,
        .type = c->type,
        .rank = c->rank,
        .dims = { n, dimension(anc_columns[column].dim1, n_levels),
                  dimension(anc_columns[column].dim2, n_levels) },
        .deflate = DEFLATE,
        .noise = column == ANC_MINIBATCH_ANCHOR ? 2 : 0, /* a random sample of 2^18 or so: its low 16 bits */
        .units = c->units,
        .description = c->description,
    };
    if (!n_levels) describe_rois(column, &spec);
    return spec;
}
