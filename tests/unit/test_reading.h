/* tests/unit/test_reading.h: text through an annotation reader, for the tests of each format */
#ifndef ANC_TESTS_UNIT_TEST_READING_H
#define ANC_TESTS_UNIT_TEST_READING_H

#include "io/formats/reader.h"

/* The text, as one file of the name and key given, into a zeroed part. It lies right before a page that
 * cannot be touched. */
anc_status read_text(const anc_reader *r, const anc_reader_options *o, const char *text, const char *key,
                     anc_parsed *part, anc_err *err);

/* CU_ASSERTs that the text is refused as bad data, in words that begin with start and hold words. */
void refuses(const anc_reader *r, const char *text, const char *start, const char *words);

/* Whether row k of the part's boxes is this one, of this image and category (by key, or "#7" for a number).
 */
int box_is(const anc_parsed *p, int64_t k, const char *image, const char *category, double x1, double y1,
           double x2, double y2, int crowd, int flags);

/* Whether fits takes the text for the start of a file of its format. */
bool fits_text(const anc_reader *r, const char *text);

/* Every cut of the text and 3,000 copies of it with bytes changed go through the reader: it gives a part
 * whose rows point into it, or an error in words. */
void survives_damage(const anc_reader *r, const char *text, const char *key);

#endif
