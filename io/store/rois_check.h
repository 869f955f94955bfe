/* io/store/rois_check.h: what docs/FORMAT.md promises of the positives and the RoIs of one view */
#ifndef ANC_IO_STORE_ROIS_CHECK_H
#define ANC_IO_STORE_ROIS_CHECK_H

#include "io/store/targets_read.h"

/* What is wrong with the targets and matched boxes of view v's positives, of either stage, or NULL. */
const char *anc_positives_fault(const anc_targets *t, int64_t v);

/* What is wrong with view v of t, or NULL; offsets and the view itself have been checked. */
const char *anc_rois_fault(const anc_targets_classes *classes, const anc_targets *t, int64_t v);

#endif
