/* io/file/png.c: see png.h */
#include "io/file/png.h"
#include "io/file/out.h"
#include <png.h>
#include <stdio.h>

typedef struct {
    anc_out *out;
    char reason[200];
} sink;

static void write_bytes(png_structp png, png_bytep bytes, png_size_t n)
{
    anc_out_write(((sink *)png_get_io_ptr(png))->out, bytes, n);
}

static void flush_bytes(png_structp png) { (void)png; }

static void on_error(png_structp png, png_const_charp text)
{
    sink *s = png_get_error_ptr(png);
    snprintf(s->reason, sizeof s->reason, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) { (void)png, (void)text; }

/* Nothing that libpng may jump out of owns memory but png and info, which are the caller's. */
static int encode(png_structp png, png_infop info, const uint8_t *rgb, int32_t width, int32_t height)
{
    if (setjmp(png_jmpbuf(png))) return -1;
    png_set_user_limits(png, INT32_MAX, INT32_MAX);
    png_set_compression_level(png, 1); /* noise gains nothing from more, and it is 4 times as fast as 6 */
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int32_t y = 0; y < height; y++) png_write_row(png, rgb + (int64_t)3 * width * y);
    png_write_end(png, info);
    return 0;
}

anc_status anc_png_write(const char *path, const uint8_t *rgb, int32_t width, int32_t height, anc_err *err)
{
    sink s = { .reason = "" };
    if (anc_out_open(path, &s.out, err)) return err->code;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int bad = !info;
    if (info) {
        png_set_write_fn(png, &s, write_bytes, flush_bytes);
        bad = encode(png, info, rgb, width, height);
    }
    png_destroy_write_struct(&png, &info);
    if (!bad) return anc_out_commit(s.out, err);
    anc_out_abandon(s.out);
    return *s.reason ? anc_fail(err, ANC_ESYSTEM, "%s: libpng: %s", path, s.reason)
                     : anc_fail(err, ANC_EMEMORY, "%s: out of memory", path);
}
