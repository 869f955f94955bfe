/* tests/unit/test_image_size.c: sizes of pictures from their headers */
#include "io/dataset/dataset.h"
#include "io/formats/image_size.h"
#include "io/file/png.h"
#include "tests/check.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>
/* after stdio.h, which it needs but does not include */
#include <jpeglib.h>

/* A gray JPEG with `extra` bytes of application data in front of its size; malloc'ed. */
static unsigned char *jpeg(int width, int height, size_t extra, unsigned long *n)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL, *row = calloc(1, (size_t)width), *filler = calloc(1, 60000);
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    *n = 0;
    jpeg_mem_dest(&c, &bytes, n);
    c.image_width = (JDIMENSION)width;
    c.image_height = (JDIMENSION)height;
    c.input_components = 1;
    c.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&c);
    jpeg_start_compress(&c, TRUE);
    for (size_t left = extra, k; left; left -= k) {
        k = left < 60000 ? left : 60000;
        jpeg_write_marker(&c, JPEG_APP0 + 2, filler, (unsigned)k);
    }
    for (int y = 0; y < height; y++) jpeg_write_scanlines(&c, &row, 1);
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    free(row);
    free(filler);
    return bytes;
}

static void expect_size(const char *path, int32_t width, int32_t height)
{
    int32_t w = 0, h = 0;
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(anc_image_size_of(path, &h, &w, &err), ANC_OK);
    if (err.code) puts(err.text);
    CU_ASSERT_EQUAL(err.code, ANC_OK);
    CU_ASSERT(w == width && h == height);
}

static void a_jpegs_size_is_found_behind_any_application_data(void)
{
    static const size_t extra[] = { 0, 100, 16000, 20000, 300000, 3000000 };
    for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) {
        unsigned long n;
        unsigned char *bytes = jpeg(37 + (int)i, 19, extra[i], &n);
        expect_size(check_file("a.jpg", bytes, n), 37 + (int)i, 19);
        free(bytes);
    }
}

static void png_webp_and_bmp_say_their_sizes(void)
{
    anc_err err = { 0 };
    uint8_t *rgb = calloc(1, 3 * 61 * 43), *webp = NULL;
    const char *path = check_path("a.png");
    CU_ASSERT_EQUAL(anc_png_write(path, rgb, 61, 43, &err), ANC_OK);
    expect_size(path, 61, 43);
    size_t n = WebPEncodeRGB(rgb, 61, 43, 61 * 3, 50, &webp);
    expect_size(check_file("a.webp", webp, n), 61, 43);
    WebPFree(webp);
    n = WebPEncodeLosslessRGB(rgb, 43, 61, 43 * 3, &webp);
    expect_size(check_file("named.jpg", webp, n), 43, 61); /* the content decides */
    WebPFree(webp);
    free(rgb);
    unsigned char bmp[54] = { 'B', 'M', [14] = 40, [18] = 0x2c, [19] = 1, [22] = 0xf0, [26] = 1, [28] = 24 };
    expect_size(check_file("a.bmp", bmp, sizeof bmp), 300, 240);
    memset(bmp + 22, 0xff, 4); /* rows from the top: a negative height */
    bmp[22] = 0x10;
    expect_size(check_file("a.bmp", bmp, sizeof bmp), 300, 240);
    unsigned char old[26] = { 'B', 'M', [14] = 12, [18] = 7, [20] = 9, [21] = 1 };
    expect_size(check_file("a.bmp", old, sizeof old), 7, 265);
}

static void expect_error(const char *path, anc_status code, const char *words)
{
    int32_t w, h;
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(anc_image_size_of(path, &h, &w, &err), code);
    CU_ASSERT(!strncmp(err.text, path, strlen(path)) && strstr(err.text, words) != NULL);
    if (!strstr(err.text, words)) puts(err.text);
}

static void other_files_are_refused_by_name(void)
{
    unsigned long n;
    unsigned char *bytes = jpeg(37, 19, 0, &n);
    expect_error(check_file("cut.jpg", bytes, 100), ANC_EDATA, "the JPEG header is cut short");
    free(bytes);
    expect_error(check_file("x.jpg", "\xff\xd8\xff\xff\xff\xff", 6), ANC_EDATA, "JPEG");
    expect_error(check_file("x.jpg", "GIF89a............................", 34), ANC_EDATA,
                 "not a JPEG, PNG, WebP or BMP");
    expect_error(check_file("x.jpg", "", 0), ANC_EDATA, "the picture is empty");
    expect_error(check_path("none.jpg"), ANC_ESYSTEM, "cannot open");
    expect_error(check_dir(), ANC_ESYSTEM, "not a regular file");
    unsigned char png[33] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    expect_error(check_file("x.png", png, sizeof png), ANC_EDATA, "the PNG header's checksum is wrong");
    expect_error(check_file("x.png", png, 20), ANC_EDATA, "the PNG header is cut short");
    unsigned char bmp[54] = { 'B', 'M', [14] = 40, [18] = 1, [21] = 0x7f, [22] = 1 };
    expect_error(check_file("x.bmp", bmp, sizeof bmp), ANC_EDATA, "each must be 1 to 1000000");
}

/* Every length and many damaged bytes of a header: an answer or an error, never a fault, never a side out of
 * range. */
static void damaged_headers_do_no_harm(void)
{
    check_rng random = { 7 };
    unsigned long n;
    unsigned char *bytes = jpeg(64, 48, 50, &n);
    for (int round = 0; round < 3000; round++) {
        size_t length = round < 400 ? (size_t)round : (size_t)check_int(&random, 1, (int)n);
        if (length > n) length = n;
        unsigned char *copy = check_guarded(length ? length : 1);
        memcpy(copy, bytes, length);
        for (int k = 0; round >= 400 && k < 4; k++)
            copy[check_int(&random, 0, (int)length - 1)] = (unsigned char)check_u64(&random);
        int32_t w = 1, h = 1;
        bool short_of;
        anc_err err = { 0 };
        anc_status status = anc_image_size(copy, length, &h, &w, &short_of, &err);
        CU_ASSERT(status == ANC_EDATA ||
                  (status == ANC_OK && w >= 1 && h >= 1 && w <= ANC_MAX_SIDE && h <= ANC_MAX_SIDE));
        check_guarded_free(copy, length ? length : 1);
    }
    free(bytes);
}

CHECK_SUITE("image_size", CHECK(a_jpegs_size_is_found_behind_any_application_data),
            CHECK(png_webp_and_bmp_say_their_sizes), CHECK(other_files_are_refused_by_name),
            CHECK(damaged_headers_do_no_harm));
