/* io/store/targets_check.h: whether rows of targets keep what docs/FORMAT.md promises of them */
#ifndef ANC_IO_STORE_TARGETS_CHECK_H
#define ANC_IO_STORE_TARGETS_CHECK_H

#include "io/store/targets_read.h"

/* Of n views in t, the first of which is view `first` of the file. Errors: ANC_EDATA, naming view, image and dataset. */
anc_status anc_targets_check_rows(const anc_targets_info *info, int64_t first, int64_t n,
                                  const anc_targets *t, anc_err *err);

#endif
