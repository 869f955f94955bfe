/* io/formats/finalize.h: the parts of a source, put together, become a data set: order, ids, categories, pixels
 *
 * The rules for ids are those of io/formats/reader.h.
 */
#ifndef ANC_IO_FORMATS_FINALIZE_H
#define ANC_IO_FORMATS_FINALIZE_H

#include "io/formats/reader.h"

/* Every image of p has its size. p is emptied on the way, to make room. l gives the categories known
 * beforehand; when it has none and o names a file of names, that is read into it. diagnostics are set: those of
 * l and p, and the builder's. Errors: ANC_EDATA (an image twice, a category that no list has), ANC_ESYSTEM
 * (names), ANC_EMEMORY. */
anc_status anc_finalize(const anc_reader_options *o, anc_listing *l, anc_parsed *p, anc_dataset *out,
                        anc_diagnostics *diagnostics, anc_err *err);

#endif
