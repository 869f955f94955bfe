/* io/file/seal.h: a checksum over a whole file, behind its last byte
 *
 * HDF5's own checksums leave gaps: padding, the superblock's spare bytes, contiguous data, fixed arrays'
 * unused entries. A seal covers every byte. It is a line of text behind what HDF5 calls the end of the file,
 * so HDF5 and all that is built on it read the file as before:
 *
 *     "\nanchorage-seal crc32 1a2b3c4d\n"
 *
 * with the CRC-32 of zlib and gzip over all bytes before that line. It finds every burst of up to 32 wrong
 * bits for certain. A program that changes the file in place leaves a wrong seal, or none.
 */
#ifndef ANC_IO_FILE_SEAL_H
#define ANC_IO_FILE_SEAL_H

#include "core/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Appends the seal to a file that has none. Errors: ANC_ESYSTEM, without the path. */
anc_status anc_seal_append(const char *path, anc_err *err);

/* The same for a file that may be in use, and stays whole whatever happens: it is refused while another
 * process has it open through HDF5 or changes it, the seal is on the disk when this returns, and one that
 * does not fit is taken back. Killed halfway, the file is as good as before, and not sealed. Gives the
 * checksum. Errors: ANC_EDATA (it is in use), ANC_ESYSTEM; without the path. */
anc_status anc_seal_add(const char *path, uint32_t *crc, anc_err *err);

/* Reads the whole file against its seal. Errors: ANC_EDATA (no seal, or other bytes than were sealed),
 * ANC_ESYSTEM; the text starts with the path. */
anc_status anc_seal_check(const char *path, anc_err *err);

/* The same for a file that need not have a seal: *sealed says whether it has one; then the bytes are those
 * that were sealed. The text names no path. */
anc_status anc_seal_check_any(const char *path, bool *sealed, anc_err *err);
/* What a file's bytes are known by: of a sealed file the checksum of its seal, which is checked; of another
 * the CRC-32 of all of it. Errors as above. */
anc_status anc_seal_crc_of(const char *path, uint32_t *crc, anc_err *err);

/* The same CRC-32, to go on from `start` (0 at first). */
uint32_t anc_seal_crc32(uint32_t start, const void *bytes, size_t n);

#endif
