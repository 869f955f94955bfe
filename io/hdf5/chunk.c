/* io/hdf5/chunk.c: see chunk.h */
#include "io/hdf5/chunk.h"
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

struct anc_chunk_packer {
    struct libdeflate_compressor *deflate;
    unsigned char *shuffled, *packed;
    size_t capacity, packed_capacity;
};

enum {
    STORED_BLOCK = 65535, /* bytes in one stored block (RFC 1951, 3.2.4) */
    STORED_HEAD = 5,
    ZLIB_HEAD = 2,
    CHECKSUMS = 8 /* adler32, fletcher32 */
};

anc_status anc_chunk_packer_new(size_t n_bytes, int level, anc_chunk_packer **out, anc_err *err)
{
    anc_chunk_packer *p = calloc(1, sizeof *p);
    if (p) {
        p->deflate = libdeflate_alloc_compressor(level);
        p->capacity = n_bytes;
        p->packed_capacity = ZLIB_HEAD + n_bytes + STORED_HEAD * (n_bytes / STORED_BLOCK + 2) + CHECKSUMS;
        if (p->deflate) p->packed_capacity += libdeflate_deflate_compress_bound(p->deflate, n_bytes);
        p->shuffled = malloc(n_bytes);
        p->packed = malloc(p->packed_capacity);
    }
    if (!p || !p->deflate || !p->shuffled || !p->packed) {
        anc_chunk_packer_free(p);
        return anc_fail(err, ANC_EMEMORY, "no memory to pack chunks of %zu bytes", n_bytes);
    }
    *out = p;
    return ANC_OK;
}

void anc_chunk_packer_free(anc_chunk_packer *p)
{
    if (!p) return;
    if (p->deflate) libdeflate_free_compressor(p->deflate);
    free(p->shuffled);
    free(p->packed);
    free(p);
}

/* All first bytes, then all second ones, and so on. */
static void shuffle(const unsigned char *restrict from, unsigned char *restrict to, size_t n, size_t width)
{
    if (width == 4) { /* by far the most bytes */
        for (size_t i = 0; i < n; i++) {
            to[i] = from[4 * i];
            to[n + i] = from[4 * i + 1];
            to[2 * n + i] = from[4 * i + 2];
            to[3 * n + i] = from[4 * i + 3];
        }
        return;
    }
    for (size_t b = 0; b < width; b++)
        for (size_t i = 0; i < n; i++) to[b * n + i] = from[i * width + b];
}

static unsigned char *put_le(unsigned char *to, uint32_t x, int bytes)
{
    for (int i = 0; i < bytes; i++) *to++ = (unsigned char)(x >> 8 * i);
    return to;
}

/* Stored blocks, none of them the last: what follows them begins at a byte. */
static unsigned char *put_stored(unsigned char *to, const unsigned char *from, size_t n)
{
    while (n) {
        uint32_t k = n < STORED_BLOCK ? (uint32_t)n : STORED_BLOCK;
        *to++ = 0; /* not the last, not packed */
        to = put_le(to, k, 2);
        to = put_le(to, ~k, 2);
        memcpy(to, from, k);
        to += k;
        from += k;
        n -= k;
    }
    return to;
}

uint32_t anc_chunk_fletcher32(const void *data, size_t n)
{
    const unsigned char *at = data;
    uint32_t sum1 = 0, sum2 = 0;
    for (size_t words = n / 2; words;) {
        size_t run = words < 360 ? words : 360; /* as many as fit 32 bits unreduced */
        words -= run;
        for (; run; run--, at += 2) {
            sum1 += (uint32_t)at[0] << 8 | at[1];
            sum2 += sum1;
        }
        sum1 = (sum1 & 0xffff) + (sum1 >> 16);
        sum2 = (sum2 & 0xffff) + (sum2 >> 16);
    }
    if (n % 2) {
        sum1 += (uint32_t)*at << 8;
        sum2 += sum1;
        sum1 = (sum1 & 0xffff) + (sum1 >> 16);
        sum2 = (sum2 & 0xffff) + (sum2 >> 16);
    }
    sum1 = (sum1 & 0xffff) + (sum1 >> 16);
    sum2 = (sum2 & 0xffff) + (sum2 >> 16);
    return sum2 << 16 | sum1;
}

void anc_chunk_pack(anc_chunk_packer *p, const void *data, size_t n_bytes, size_t width, int noise,
                    const void **out, size_t *n_out)
{
    size_t n = n_bytes / width, stored = n * (size_t)noise;
    const unsigned char *bytes = data;
    if (width > 1) {
        shuffle(data, p->shuffled, n, width);
        bytes = p->shuffled;
    }
    unsigned char *to = p->packed;
    *to++ = 0x78; /* zlib: deflate with a window of 32 KiB, fastest level, no dictionary (RFC 1950) */
    *to++ = 0x01;
    to = put_stored(to, bytes, stored);
    to += libdeflate_deflate_compress(p->deflate, bytes + stored, n_bytes - stored, to,
                                      p->packed_capacity - (size_t)(to - p->packed) - CHECKSUMS);
    uint32_t adler = libdeflate_adler32(1, bytes, n_bytes);
    for (int i = 3; i >= 0; i--) *to++ = (unsigned char)(adler >> 8 * i); /* big-endian */
    to = put_le(to, anc_chunk_fletcher32(p->packed, (size_t)(to - p->packed)), 4);
    *out = p->packed;
    *n_out = (size_t)(to - p->packed);
}
