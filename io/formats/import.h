/* io/formats/import.h: a source of many small files, or of formats without ids, on its way to a data set
 *
 * Rank 0 opens it; the work is cut into runs of files (later, of images whose size is still to be found),
 * which any rank does from a block of bytes; rank 0 takes the results in the order of the runs:
 *
 *     anc_import_open(&i, ...);
 *     while (!anc_import_done(i)) {                             a stage: files, then sizes
 *         for each run r of anc_import_batches(i):  anc_import_pack(i, r) -> anc_import_batch() -> result
 *         in order:             anc_import_take(i, result)
 *         anc_import_advance(i);
 *     }
 *     anc_import_finish(i, &dataset, &diagnostics);
 *
 * What comes out depends on the files and the options alone. The runs do not depend on how many ranks there
 * are.
 */
#ifndef ANC_IO_FORMATS_IMPORT_H
#define ANC_IO_FORMATS_IMPORT_H

#include "io/formats/reader.h"

typedef struct anc_import anc_import;

/* Lists the files of path. o, reader and path are borrowed for the import's life. Errors: as the reader's
 * list. */
anc_status anc_import_open(const anc_reader_options *o, const anc_reader *reader, const char *path,
                           anc_import **out, anc_err *err);
void anc_import_close(anc_import *i); /* NULL is allowed */

int64_t anc_import_batches(const anc_import *i); /* of this stage */
const char *anc_import_path(const anc_import *i);
bool anc_import_done(const anc_import *i);     /* a stage may have no runs without being the last */
int64_t anc_import_files(const anc_import *i); /* in this stage, for progress */

/* What one run is, as bytes for anc_import_batch (malloc'ed). Errors: ANC_EMEMORY. */
anc_status anc_import_pack(const anc_import *i, int64_t run, void **bytes, size_t *n, anc_err *err);

/* What anc_import_stream does of that: r reads the text into a result as anc_import_batch gives one. */
anc_status anc_import_stream_batch(const anc_reader_options *o, const anc_reader *r, const char *path, int fd,
                                   const void *head, size_t n_head, void **result, size_t *n_result,
                                   anc_err *err);

/* Does a run, on any rank that sees the files; *result is malloc'ed. Errors: those of the format, naming the
 * file; ANC_ESTOPPED when o->asked, which is asked at least once for each file, says so. */
anc_status anc_import_batch(const anc_reader_options *o, const void *bytes, size_t n, void **result,
                            size_t *n_result, anc_err *err);

/* Instead of the first stage's runs, on this rank alone: the text of the source's one file, of which the
 * first n_head bytes were read from fd, as from a pipe. Errors: those of the format. */
anc_status anc_import_stream(anc_import *i, int fd, const void *head, size_t n_head, anc_err *err);

/* Takes the next run's result. Errors: ANC_EDATA, ANC_EMEMORY. */
anc_status anc_import_take(anc_import *i, const void *bytes, size_t n, anc_err *err);

/* All results of this stage are taken. Errors: ANC_EDATA (an image twice, a size that nothing tells),
 * ANC_ESYSTEM. */
anc_status anc_import_advance(anc_import *i, anc_err *err);

/* Into an empty data set; diagnostics are set. Errors: ANC_EDATA, ANC_EMEMORY. */
anc_status anc_import_finish(anc_import *i, anc_dataset *out, anc_diagnostics *diagnostics, anc_err *err);

#endif
