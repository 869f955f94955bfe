/* io/formats/import.h: a source of many small files, or of formats without ids, on its way to a data set
 *
 * Rank 0 opens it; the work is cut into runs of files (later, of images whose size is still to be found),
 * which any rank does from a block of bytes; rank 0 takes the results in the order of the runs:
 *
 *     anc_intake_open(&i, ...);
 *     while (!anc_intake_done(i)) {                             a stage: files, then sizes
 *         for each run r of anc_intake_runs(i):  anc_intake_pack(i, r) -> anc_run_do() -> result
 *         in order:             anc_intake_take(i, result)
 *         anc_intake_advance(i);
 *     }
 *     anc_intake_finish(i, &dataset, &findings);
 *
 * What comes out depends on the files and the options alone. The runs do not depend on how many ranks there
 * are.
 */
#ifndef ANC_IO_FORMATS_IMPORT_H
#define ANC_IO_FORMATS_IMPORT_H

#include "io/formats/reader.h"

typedef struct anc_intake anc_intake;

/* Lists the files of path. o, reader and path are borrowed for the intake's life. Errors: as the reader's
 * list. */
anc_status anc_intake_open(const anc_reader_options *o, const anc_reader *reader, const char *path,
                           anc_intake **out, anc_err *err);
void anc_intake_close(anc_intake *i); /* NULL is allowed */

int64_t anc_intake_runs(const anc_intake *i); /* of this stage */
const char *anc_intake_path(const anc_intake *i);
bool anc_intake_done(const anc_intake *i);     /* a stage may have no runs without being the last */
int64_t anc_intake_files(const anc_intake *i); /* in this stage, for progress */

/* What one run is, as bytes for anc_run_do (malloc'ed). Errors: ANC_EMEMORY. */
anc_status anc_intake_pack(const anc_intake *i, int64_t run, void **bytes, size_t *n, anc_err *err);

/* What anc_intake_stream does of that: r reads the text into a result as anc_run_do gives one. */
anc_status anc_run_stream(const anc_reader_options *o, const anc_reader *r, const char *path, int fd,
                          const void *head, size_t n_head, void **result, size_t *n_result, anc_err *err);

/* Does a run, on any rank that sees the files; *result is malloc'ed. Errors: those of the format, naming the
 * file; ANC_ESTOPPED when o->asked, which is asked at least once for each file, says so. */
anc_status anc_run_do(const anc_reader_options *o, const void *bytes, size_t n, void **result,
                      size_t *n_result, anc_err *err);

/* Instead of the first stage's runs, on this rank alone: the text of the source's one file, of which the
 * first n_head bytes were read from fd, as from a pipe. Errors: those of the format. */
anc_status anc_intake_stream(anc_intake *i, int fd, const void *head, size_t n_head, anc_err *err);

/* Takes the next run's result. Errors: ANC_EDATA, ANC_EMEMORY. */
anc_status anc_intake_take(anc_intake *i, const void *bytes, size_t n, anc_err *err);

/* All results of this stage are taken. Errors: ANC_EDATA (an image twice, a size that nothing tells),
 * ANC_ESYSTEM. */
anc_status anc_intake_advance(anc_intake *i, anc_err *err);

/* Into an empty data set; findings are set. Errors: ANC_EDATA, ANC_EMEMORY. */
anc_status anc_intake_finish(anc_intake *i, anc_dataset *out, anc_findings *findings, anc_err *err);

#endif
