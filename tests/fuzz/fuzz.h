/* tests/fuzz/fuzz.h: what all fuzz targets share
 *
 * A target is a function over any bytes that must return: no crash, no overflow, no leak, no unbounded
 * memory. What it calls either succeeds and keeps the promises of its header, or fails with one line that
 * says where.
 */
#ifndef ANC_TESTS_FUZZ_H
#define ANC_TESTS_FUZZ_H

#include "core/err.h"
#include <stddef.h>
#include <stdint.h>

#define TARGET(name, kind) void fuzz_##name(const uint8_t *bytes, size_t n);
#include "tests/fuzz/targets.def"
#undef TARGET

/* The bytes as a file in fuzz_dir(); the path is good until the next call. */
const char *fuzz_file(const uint8_t *bytes, size_t n);

/* A folder of this process on a file system in memory where there is one, without a slash at its end. */
const char *fuzz_dir(void);

/* Writes dir/name. */
void fuzz_put(const char *name, const void *bytes, size_t n);

/* Stops the fuzzer, with the failed promise, unless `kept`. */
void fuzz_check(int kept, const char *promise);

/* Of a call that gave `status`: an error has a code, the same one, and one line of text that begins with
 * `begins` (NULL: with anything). */
void fuzz_check_error(anc_status status, const anc_err *err, const char *begins);

#endif
