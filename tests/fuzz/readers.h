/* tests/fuzz/readers.h: each kind of HDF5 file read to its end, as the jobs read it
 *
 * A reader looks at every number that it gets, and stops the program where one breaks a promise of its
 * header.
 */
#ifndef ANC_TESTS_FUZZ_READERS_H
#define ANC_TESTS_FUZZ_READERS_H

#include "core/err.h"

anc_status fuzz_read_annotations(const char *path, anc_err *err);
anc_status fuzz_read_targets(const char *path, anc_err *err); /* a shard, an index, or a folder */
anc_status fuzz_read_features(const char *path, anc_err *err);
anc_status fuzz_read_head(const char *path, anc_err *err);
anc_status fuzz_read_proposals(const char *path, anc_err *err);

/* By what the file says that it is. */
anc_status fuzz_read_any(const char *path, anc_err *err);

#endif
