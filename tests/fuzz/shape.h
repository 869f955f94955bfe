/* tests/fuzz/shape.h: HDF5 files that are well formed and yet all wrong
 *
 * A list says what a file of some kind holds. shape_write writes it, bent by a stream of bytes: each item
 * takes one byte, 0 leaves it as the list has it, others leave it out, or give it another type, rank, extent,
 * layout, filter, values, ... So an empty stream gives a file that readers accept, and HDF5 itself has
 * nothing to complain about in any: whatever is wrong is ours to find.
 */
#ifndef ANC_TESTS_FUZZ_SHAPE_H
#define ANC_TESTS_FUZZ_SHAPE_H

#include "io/hdf5/h5.h"

typedef enum { SHAPE_DATA, SHAPE_NAMES, SHAPE_INT, SHAPE_REAL, SHAPE_TEXT } shape_kind;

typedef struct {
    const char *object;    /* "/boxes/xyxy"; of an attribute what it belongs to */
    const char *attribute; /* NULL: a dataset */
    shape_kind kind;
    anc_h5_type type; /* SHAPE_DATA */
    int rank;
    int64_t dims[ANC_H5_MAX_RANK];
    double (*value)(int64_t i); /* of the ith element, or of the attribute (i = 0) */
    const char *text;           /* SHAPE_TEXT */
    int n_maps;                 /* a virtual dataset: of so many files ... */
    const char *const *map;     /* ... by these names, with (of SHAPE_NAMES: the names) */
    const int64_t *rows;        /* so many rows each */
} shape_item;

typedef struct {
    const uint8_t *at, *end;
} shape_stream;
unsigned shape_take(shape_stream *s); /* the next byte, 0 behind the end */

void shape_write(const char *path, const shape_item *item, int n, shape_stream *s);

#endif
