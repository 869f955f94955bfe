/* io/hdf5/chunk.h: what HDF5's shuffle + deflate + fletcher32 pipeline makes of a chunk, made faster
 *
 * HDF5 reads the result with its own filters, as does everything built on it. libdeflate packs some two times
 * faster than zlib at its fastest; and bytes that are known to be noise (the low bytes of a random sample of
 * anchor indices) are stored in the deflate stream as they are. Figures: docs/RESULTS.md.
 */
#ifndef ANC_IO_HDF5_CHUNK_H
#define ANC_IO_HDF5_CHUNK_H

#include "core/err.h"
#include <stddef.h>
#include <stdint.h>

typedef struct anc_chunk_packer anc_chunk_packer;

/* For chunks of up to n_bytes; level as libdeflate counts them, 1 to 12. Errors: ANC_EMEMORY. */
anc_status anc_chunk_packer_new(size_t n_bytes, int level, anc_chunk_packer **out, anc_err *err);
void anc_chunk_packer_free(anc_chunk_packer *p); /* NULL is allowed */

/* Packs n_bytes of elements of `width` bytes each; of every element the first `noise` bytes (the lowest, in a
 * little-endian file) are not worth packing. *out [*n_out] belongs to p and lasts until its next call. */
void anc_chunk_pack(anc_chunk_packer *p, const void *data, size_t n_bytes, size_t width, int noise,
                    const void **out, size_t *n_out);

/* HDF5's Fletcher checksum (its file format specification, "Fletcher32"). */
uint32_t anc_chunk_fletcher32(const void *data, size_t n);

#endif
