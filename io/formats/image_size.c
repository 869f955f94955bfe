/* io/formats/image_size.c: see image_size.h */
#include "io/formats/image_size.h"
#include "io/dataset/dataset.h"
#include "io/file/files.h"
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <webp/decode.h>
#include <zlib.h>
/* after stdio.h, which it needs but does not include */
#include <jpeglib.h>

enum { FIRST_BYTES = 16 << 10, MOST_BYTES = 64 << 20 };

typedef struct {
    int64_t height, width;
    bool short_of;
} found;

static uint32_t big32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int32_t little32(const unsigned char *p)
{
    return (int32_t)((uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0]);
}

/* The signature, then always the chunk IHDR: length, type, width, height, 5 bytes, CRC of type and data. */
static const char *png_size(const unsigned char *p, size_t n, found *f)
{
    f->short_of = n < 33;
    if (f->short_of) return "the PNG header is cut short";
    if (big32(p + 8) != 13 || memcmp(p + 12, "IHDR", 4)) return "a PNG without its header chunk";
    if (crc32(crc32(0, NULL, 0), p + 12, 17) != big32(p + 29)) return "the PNG header's checksum is wrong";
    f->width = big32(p + 16);
    f->height = big32(p + 20);
    return NULL;
}

/* A file header of 14 bytes, then an information header that begins with its own length. */
static const char *bmp_size(const unsigned char *p, size_t n, found *f)
{
    f->short_of = n < 26;
    if (f->short_of) return "the BMP header is cut short";
    int32_t length = little32(p + 14);
    if (length == 12) {
        f->width = p[18] | p[19] << 8;
        f->height = p[20] | p[21] << 8;
        return NULL;
    }
    if (length < 40) return "a BMP header of an unknown kind";
    f->width = little32(p + 18);
    f->height = little32(p + 22);
    if (f->height < 0) f->height = -f->height; /* rows from the top */
    return NULL;
}

static const char *webp_size(const unsigned char *p, size_t n, found *f)
{
    int w = 0, h = 0;
    f->short_of = n < 64;
    if (!WebPGetInfo(p, n, &w, &h)) return "a damaged WebP header";
    f->width = w;
    f->height = h;
    f->short_of = false;
    return NULL;
}

/* libjpeg ends by error_exit, and asks for more by fill_input_buffer. */
typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf out;
    bool ran_out;
} jpeg_errors;

static void jpeg_leave(j_common_ptr c) { longjmp(((jpeg_errors *)c->err)->out, 1); }
static void jpeg_be_silent(j_common_ptr c, int level) { (void)c, (void)level; }
static void jpeg_start(j_decompress_ptr c) { (void)c; }
static boolean jpeg_fill(j_decompress_ptr c)
{
    ((jpeg_errors *)c->err)->ran_out = true;
    return FALSE; /* suspends: jpeg_read_header returns */
}
static void jpeg_skip(j_decompress_ptr c, long n)
{
    if (n <= 0) return;
    if ((size_t)n > c->src->bytes_in_buffer) {
        ((jpeg_errors *)c->err)->ran_out = true;
        jpeg_leave((j_common_ptr)c);
    }
    c->src->next_input_byte += n;
    c->src->bytes_in_buffer -= (size_t)n;
}

static const char *jpeg_size(const unsigned char *p, size_t n, found *f)
{
    struct jpeg_decompress_struct c = { 0 };
    jpeg_errors errors = { 0 };
    struct jpeg_source_mgr source = { .next_input_byte = p,
                                      .bytes_in_buffer = n,
                                      .init_source = jpeg_start,
                                      .fill_input_buffer = jpeg_fill,
                                      .skip_input_data = jpeg_skip,
                                      .resync_to_restart = jpeg_resync_to_restart,
                                      .term_source = jpeg_start };
    c.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = jpeg_leave;
    errors.base.emit_message = jpeg_be_silent;
    if (!setjmp(errors.out)) {
        jpeg_create_decompress(&c);
        c.src = &source;
        if (jpeg_read_header(&c, TRUE) == JPEG_HEADER_OK) {
            f->width = c.image_width;
            f->height = c.image_height;
        }
    }
    jpeg_destroy_decompress(&c);
    f->short_of = errors.ran_out && !f->width;
    return f->width ? NULL : errors.ran_out ? "the JPEG header is cut short" : "a damaged JPEG header";
}

static const char *size_of(const unsigned char *p, size_t n, found *f)
{
    if (n >= 3 && p[0] == 0xff && p[1] == 0xd8 && p[2] == 0xff) return jpeg_size(p, n, f);
    if (n >= 8 && !memcmp(p, "\x89PNG\r\n\x1a\n", 8)) return png_size(p, n, f);
    if (n >= 12 && !memcmp(p, "RIFF", 4) && !memcmp(p + 8, "WEBP", 4)) return webp_size(p, n, f);
    if (n >= 2 && p[0] == 'B' && p[1] == 'M') return bmp_size(p, n, f);
    f->short_of = n < 12;
    return n ? "not a JPEG, PNG, WebP or BMP picture: give its size with --sizes FILE"
             : "the picture is empty";
}

anc_status anc_image_size(const void *bytes, size_t n, int32_t *height, int32_t *width, bool *short_of,
                          anc_err *err)
{
    found f = { 0 };
    const char *fault = size_of(bytes, n, &f);
    *short_of = f.short_of;
    if (fault) return anc_fail(err, ANC_EDATA, "%s", fault);
    if (f.width < 1 || f.height < 1 || f.width > ANC_MAX_SIDE || f.height > ANC_MAX_SIDE)
        return anc_fail(err, ANC_EDATA, "the picture's header says %lld x %lld pixels; each must be 1 to %d",
                        (long long)f.width, (long long)f.height, ANC_MAX_SIDE);
    *height = (int32_t)f.height;
    *width = (int32_t)f.width;
    return ANC_OK;
}

/* Reads on to `wanted` bytes or the end. */
static anc_status read_to(int fd, unsigned char **block, size_t *n, size_t wanted, anc_err *err)
{
    unsigned char *grown = realloc(*block, wanted);
    if (!grown) return anc_fail(err, ANC_EMEMORY, "no memory to read it");
    *block = grown;
    while (*n < wanted) {
        ssize_t got = read(fd, grown + *n, wanted - *n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return anc_fail(err, ANC_ESYSTEM, "cannot read: %s", strerror(errno));
        if (!got) break;
        *n += (size_t)got;
    }
    return ANC_OK;
}

anc_status anc_image_size_of(const char *path, int32_t *height, int32_t *width, anc_err *err)
{
    int fd = anc_open_file(path, err);
    if (fd < 0) return err->code;
    unsigned char *block = NULL;
    size_t n = 0;
    bool short_of = true;
    anc_status status = ANC_OK;
    for (size_t wanted = FIRST_BYTES; short_of && wanted <= MOST_BYTES; wanted *= 4) {
        *err = (anc_err){ 0 }; /* that of a first part that was too short */
        status = read_to(fd, &block, &n, wanted, err);
        short_of = false;
        if (!status) status = anc_image_size(block, n, height, width, &short_of, err);
        if (n < wanted) break; /* that was all of it */
    }
    free(block);
    close(fd);
    return status ? anc_within(err, "%s", path) : ANC_OK;
}
