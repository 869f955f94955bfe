/* io/text/csv.h: comma- or tab-separated values (RFC 4180) out of a stream, row by row
 *
 * A field in double quotes may hold separators, line ends and doubled quotes. Rows without any text are
 * passed over.
 */
#ifndef ANC_IO_TEXT_CSV_H
#define ANC_IO_TEXT_CSV_H

#include "io/text/stream.h"

enum { ANC_CSV_MAX_FIELDS = 1024 };

typedef struct {
    anc_stream *stream; /* borrowed */
    char separator;     /* ',' or '\t'; 0 before the first row: a tab if that has one, else a comma */
    int64_t line;       /* where the row given last begins, from 1 */
    char *field[ANC_CSV_MAX_FIELDS]; /* [n] of the row given last, NUL-terminated, in text */
    size_t n;
    char *text; /* owned */
    size_t capacity;
} anc_csv;

void anc_csv_begin(anc_csv *c, anc_stream *stream, char separator);
void anc_csv_end(anc_csv *c); /* frees; the stream stays. Harmless on a zeroed one. */

/* The next row into field and n; n is 0 at the end. Fields of rows before are gone.
 * Errors: ANC_EDATA (an unclosed quote, text behind a closing quote, too many fields) and those of the
 * stream. */
anc_status anc_csv_row(anc_csv *c, anc_err *err);

/* The field's number whose text is name, ASCII letters in either case; -1: none. For the row of headings. */
int anc_csv_column(const anc_csv *c, const char *name);

#endif
