/* tests/unit/test_part.c: parts of a source: gathered, packed, put together; and the streams that they are read
 * from */
#include "io/formats/parsed.h"
#include "io/text/stream.h"
#include "tests/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void gather(anc_parsed *p, int first, int n)
{
    static const char *const names[] = { "cat", "dog", "a cow" };
    anc_err err = { 0 };
    for (int i = first; i < first + n; i++) {
        char key[32], file[32];
        int64_t row;
        sprintf(key, "k%03d", i);
        sprintf(file, "f%d.xml", i);
        p->file = file;
        p->line = i + 1;
        const anc_parsed_image image = { key, i % 2 ? "x.jpg" : "", i % 3 * 10, i % 3 * 20, i % 2 };
        CU_ASSERT_EQUAL(anc_parsed_add_image(p, &image, &row, &err), ANC_OK);
        for (int b = 0; b < i % 4; b++) {
            anc_parsed_box box = {
                .xyxy = { b, i, b + 1, i + (b != 2) }, .id = b, .crowd = b == 1, .flags = (uint8_t)(i % 3)
            };
            if (i % 5)
                CU_ASSERT_EQUAL(anc_parsed_category(p, names[i % 3], &box.category, &err), ANC_OK)
            else
                CU_ASSERT_EQUAL(anc_parsed_category_number(p, i, &box.category, &err), ANC_OK);
            CU_ASSERT_EQUAL(anc_parsed_add_box(p, row, &box, &err), ANC_OK);
        }
    }
    p->file = NULL;
    p->line = 0;
}

static void equal(const anc_parsed *a, const anc_parsed *b)
{
    CU_ASSERT(a->n_images == b->n_images && a->n_boxes == b->n_boxes && a->n_categories == b->n_categories);
    CU_ASSERT(a->annotations == b->annotations &&
              !memcmp(&a->diagnostics, &b->diagnostics, sizeof a->diagnostics));
    if (a->n_images != b->n_images || a->n_boxes != b->n_boxes || a->n_categories != b->n_categories) return;
    for (int64_t i = 0; i < a->n_images; i++) {
        CU_ASSERT_STRING_EQUAL(a->text + a->image[i].key, b->text + b->image[i].key);
        CU_ASSERT_STRING_EQUAL(a->text + a->image[i].name, b->text + b->image[i].name);
        CU_ASSERT(a->image[i].height == b->image[i].height && a->image[i].width == b->image[i].width &&
                  a->image[i].relative == b->image[i].relative);
    }
    for (int64_t k = 0; k < a->n_boxes; k++) {
        const anc_parsed_box_row *x = &a->box[k], *y = &b->box[k];
        CU_ASSERT(!memcmp(x->xyxy, y->xyxy, sizeof x->xyxy) && x->id == y->id && x->image == y->image &&
                  x->category == y->category && x->crowd == y->crowd && x->flags == y->flags);
    }
    for (int64_t c = 0; c < a->n_categories; c++) {
        CU_ASSERT(a->category[c].numbered == b->category[c].numbered &&
                  a->category[c].number == b->category[c].number);
        CU_ASSERT_STRING_EQUAL(a->text + a->category[c].key, b->text + b->category[c].key);
        CU_ASSERT_STRING_EQUAL(a->text + a->category[c].place, b->text + b->category[c].place);
    }
}

static void parts_put_together_are_the_whole_wherever_it_is_cut(void)
{
    enum { N = 60 };
    anc_parsed whole = { 0 };
    gather(&whole, 0, N);
    CU_ASSERT(whole.diagnostics.of[ANC_DIAG_EMPTY_BOX].n > 3);
    for (int step = 1; step <= N; step += 7) {
        anc_parsed all = { 0 };
        anc_err err = { 0 };
        for (int first = 0; first < N; first += step) {
            anc_parsed part = { 0 }, unpacked = { 0 };
            void *bytes;
            size_t n;
            gather(&part, first, first + step < N ? step : N - first);
            CU_ASSERT_EQUAL_FATAL(anc_parsed_pack(&part, &bytes, &n, &err), ANC_OK);
            CU_ASSERT_EQUAL_FATAL(anc_parsed_unpack(bytes, n, &unpacked, &err), ANC_OK);
            equal(&part, &unpacked);
            CU_ASSERT_EQUAL(anc_parsed_append(&all, &unpacked, &err), ANC_OK);
            free(bytes);
            anc_parsed_clear(&part);
            anc_parsed_clear(&unpacked);
        }
        equal(&all, &whole);
        anc_parsed_clear(&all);
    }
    anc_parsed_clear(&whole);
}

static void a_damaged_block_is_refused(void)
{
    anc_parsed part = { 0 }, back = { 0 };
    anc_err err = { 0 };
    void *bytes;
    size_t n;
    gather(&part, 0, 20);
    CU_ASSERT_EQUAL_FATAL(anc_parsed_pack(&part, &bytes, &n, &err), ANC_OK);
    for (size_t cut = 0; cut < n; cut += 1 + cut / 64) {
        CU_ASSERT_EQUAL(anc_parsed_unpack(bytes, cut, &back, &err), ANC_EDATA);
        CU_ASSERT(!back.image && !back.n_images);
    }
    memset((char *)bytes + n - 1, 'x', 1); /* the last string does not end */
    CU_ASSERT_EQUAL(anc_parsed_unpack(bytes, n, &back, &err), ANC_EDATA);
    free(bytes);
    anc_parsed_clear(&part);
}

static void images_are_found_by_key(void)
{
    anc_parsed p = { 0 };
    CU_ASSERT_EQUAL(anc_parsed_find(&p, "k001"), -1);
    gather(&p, 0, 300);
    for (int i = 0; i < 300; i++) {
        char key[32];
        sprintf(key, "k%03d", i);
        CU_ASSERT_EQUAL(anc_parsed_find(&p, key), i);
    }
    gather(&p, 300, 300);
    CU_ASSERT_EQUAL(anc_parsed_find(&p, "k599"), 599);
    CU_ASSERT_EQUAL(anc_parsed_find(&p, "k600"), -1);
    anc_parsed_clear(&p);
}

static void what_cannot_be_is_refused_with_its_place(void)
{
    anc_parsed p = { .file = "a.txt", .line = 7 };
    anc_err err = { 0 };
    int64_t row;
    const anc_parsed_image wide = { "k", "", 10, 2000000, false }, half = { "k", "", 10, 0, false },
                           bad_name = { "k\n", "", 0, 0, false }, good = { "k", "", 0, 0, false };
    CU_ASSERT_EQUAL(anc_parsed_add_image(&p, &wide, &row, &err), ANC_EDATA);
    CU_ASSERT(strstr(err.text, "a.txt:7: the image is 2000000 pixels wide and 10 high") != NULL);
    CU_ASSERT_EQUAL(anc_parsed_add_image(&p, &half, &row, &err), ANC_EDATA);
    CU_ASSERT_EQUAL(anc_parsed_add_image(&p, &bad_name, &row, &err), ANC_EDATA);
    CU_ASSERT(strstr(err.text, "control character") != NULL);
    CU_ASSERT_EQUAL(anc_parsed_add_image(&p, &good, &row, &err), ANC_OK);
    const anc_parsed_box far = { .xyxy = { 0, 0, 1e10, 1 } }, nan = { .xyxy = { 0, NAN, 1, 1 } };
    CU_ASSERT_EQUAL(anc_parsed_add_box(&p, row, &far, &err), ANC_EDATA);
    CU_ASSERT_EQUAL(anc_parsed_add_box(&p, row, &nan, &err), ANC_EDATA);
    CU_ASSERT(!strncmp(err.text, "a.txt:7: box (0, nan", 20));
    CU_ASSERT_EQUAL(p.n_boxes, 0);
    anc_parsed_clear(&p);
}

/* All lines of a stream as "[line]" one after the other. */
static const char *lines_of(anc_stream *in)
{
    static char all[4096];
    char *line;
    size_t n, at = 0;
    anc_err err = { 0 };
    all[0] = '\0';
    while (!anc_stream_line(in, &line, &n, &err) && line) {
        CU_ASSERT_EQUAL(n, strlen(line));
        at += (size_t)snprintf(all + at, sizeof all - at, "%lld[%.20s]", (long long)in->line, line);
    }
    if (err.code) snprintf(all + at, sizeof all - at, "!%s", err.text);
    anc_stream_end(in);
    return all;
}

static void lines_end_with_lf_cr_or_both(void)
{
    static const struct {
        const char *text, *want;
    } cases[] = { { "", "" },
                  { "a", "1[a]" },
                  { "a\n", "1[a]" },
                  { "\n", "1[]" },
                  { "a\r\nb\rc\n\nd\r\r\n", "1[a]2[b]3[c]4[]5[d]6[]" },
                  { "\xef\xbb\xbf"
                    "a\n\xef\xbb\xbf",
                    "1[a]2[\xef\xbb\xbf]" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        anc_stream s;
        anc_stream_memory(&s, cases[i].text, strlen(cases[i].text), "x");
        CU_ASSERT_STRING_EQUAL(lines_of(&s), cases[i].want);
    }
    anc_stream s;
    anc_stream_memory(&s, "ab\nc\0d\n", 7, "x");
    CU_ASSERT(strstr(lines_of(&s), "1[ab]!x:2: a NUL byte") != NULL);
}

/* Line ends that fall on the end of a block, through a pipe whose reads are short. */
static void lines_across_blocks_are_whole(void)
{
    enum { BLOCK = 256 << 10 };
    for (int shift = -2; shift <= 2; shift++) {
        size_t n = BLOCK + 100;
        char *text = malloc(n);
        memset(text, 'a', n);
        memcpy(text + BLOCK + shift, "\r\n", 2);
        FILE *f = fopen(check_path("long.txt"), "wb");
        fwrite(text, 1, n, f);
        fclose(f);
        f = fopen(check_path("long.txt"), "rb");
        anc_stream s;
        char *line;
        size_t length;
        anc_err err = { 0 };
        anc_stream_fd(&s, fileno(f), "long.txt");
        CU_ASSERT(!anc_stream_line(&s, &line, &length, &err) && length == (size_t)(BLOCK + shift));
        CU_ASSERT(!anc_stream_line(&s, &line, &length, &err) && length == (size_t)(98 - shift));
        CU_ASSERT(!anc_stream_line(&s, &line, &length, &err) && !line);
        anc_stream_end(&s);
        fclose(f);
        free(text);
    }
}

static bool yes(void *context) { return ++*(int *)context > 1; }

static void a_stream_ends_when_asked(void)
{
    FILE *f = fopen(check_path("many.txt"), "wb");
    for (int i = 0; i < 300000; i++) fputs("line\n", f);
    fclose(f);
    f = fopen(check_path("many.txt"), "rb");
    int times = 0;
    anc_stream s;
    char *line;
    size_t n;
    anc_err err = { 0 };
    anc_stream_fd(&s, fileno(f), "many.txt");
    s.asked = yes;
    s.context = &times;
    while (!anc_stream_line(&s, &line, &n, &err) && line) {}
    CU_ASSERT_EQUAL(err.code, ANC_ESTOPPED);
    CU_ASSERT(s.line > 1 && s.line < 300000);
    anc_stream_end(&s);
    fclose(f);
}

CHECK_SUITE("part", CHECK(parts_put_together_are_the_whole_wherever_it_is_cut),
            CHECK(a_damaged_block_is_refused), CHECK(images_are_found_by_key),
            CHECK(what_cannot_be_is_refused_with_its_place), CHECK(lines_end_with_lf_cr_or_both),
            CHECK(lines_across_blocks_are_whole), CHECK(a_stream_ends_when_asked));
