/* jobs/inspect/inspect.h: the parts of `anchorage inspect`, one for each kind of file */
#ifndef ANC_JOBS_INSPECT_INSPECT_H
#define ANC_JOBS_INSPECT_INSPECT_H

#include "core/err.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool checksum, config; /* print this and nothing else */
    int64_t views;         /* images or views to list */
    int64_t categories;    /* to list, those with the most boxes */
} anc_inspect;

/* Each prints to stdout. Errors name the file. */
anc_status anc_inspect_annotations(const char *path, const anc_inspect *o, anc_err *err);
anc_status anc_inspect_targets(const char *path, const anc_inspect *o,
                               anc_err *err); /* or the folder of targets.h5 */

anc_status anc_inspect_head_file(const char *path, anc_err *err);
anc_status anc_inspect_features(const char *path, anc_err *err);
anc_status anc_inspect_proposals(const char *path, const anc_inspect *o, anc_err *err);

#endif
