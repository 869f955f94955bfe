/* tests/unit/test_reading.c: see read_text.h */
#include "tests/unit/test_reading.h"
#include "tests/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static anc_status read_bytes(const anc_reader *r, const anc_reader_options *o, const char *text, size_t n,
                             const char *key, anc_parsed *part, anc_err *err)
{
    char *guarded = check_guarded(n ? n : 1);
    memcpy(guarded, text, n);
    char image[64];
    snprintf(image, sizeof image, "%s.png", key);
    const anc_file file = { (char *)(uintptr_t) "made.txt", (char *)(uintptr_t)key, image };
    anc_stream in;
    void *state = NULL;
    anc_stream_memory(&in, guarded, n, "made.txt");
    part->file = in.name;
    anc_status status = r->start ? r->start(o, &state, err) : ANC_OK;
    if (!status) status = r->read(o, state, &file, &in, part, err);
    if (r->end) r->end(state);
    anc_stream_end(&in);
    part->file = NULL;
    check_guarded_free(guarded, n ? n : 1);
    return status;
}

anc_status read_text(const anc_reader *r, const anc_reader_options *o, const char *text, const char *key,
                     anc_parsed *part, anc_err *err)
{
    static const anc_reader_options none;
    return read_bytes(r, o ? o : &none, text, strlen(text), key, part, err);
}

void refuses(const anc_reader *r, const char *text, const char *start, const char *words)
{
    anc_parsed part = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(read_text(r, NULL, text, "key", &part, &err), ANC_EDATA);
    bool good =
        !strncmp(err.text, start, strlen(start)) && strstr(err.text, words) && !strchr(err.text, '\n');
    CU_ASSERT(good);
    if (!good) printf("\n    '%s' is neither '%s' nor has '%s'\n", err.text, start, words);
    anc_parsed_clear(&part);
}

int box_is(const anc_parsed *p, int64_t k, const char *image, const char *category, double x1, double y1,
           double x2, double y2, int crowd, int flags)
{
    if (k < 0 || k >= p->n_boxes) return 0;
    const anc_parsed_box_row *b = &p->box[k];
    const anc_parsed_category_row *c = &p->category[b->category];
    char number[32];
    snprintf(number, sizeof number, "#%lld", (long long)c->number);
    return !strcmp(p->text + p->image[b->image].key, image) &&
           !strcmp(c->numbered ? number : p->text + c->key, category) && b->xyxy[0] == x1 &&
           b->xyxy[1] == y1 && b->xyxy[2] == x2 && b->xyxy[3] == y2 && b->crowd == crowd && b->flags == flags;
}

bool fits_text(const anc_reader *r, const char *text)
{
    size_t n = strlen(text) + 1;
    char *guarded = check_guarded(n);
    memcpy(guarded, text, n);
    bool fits = r->fits(&(anc_probe){ .path = "made.txt", .head = guarded });
    check_guarded_free(guarded, n);
    return fits;
}

/* What comes out is whole, or refused in words. */
static void outcome(const anc_reader *r, const char *text, size_t n, const char *key)
{
    static const anc_reader_options none;
    anc_parsed part = { 0 };
    anc_err err = { 0 };
    anc_status status = read_bytes(r, &none, text, n, key, &part, &err);
    CU_ASSERT_EQUAL(status, err.code);
    CU_ASSERT(!status || (!strncmp(err.text, "made.txt:", 9) && !strchr(err.text, '\n')));
    CU_ASSERT(part.annotations >= part.n_boxes);
    for (int64_t k = 0; k < part.n_boxes; k++) {
        const anc_parsed_box_row *b = &part.box[k];
        CU_ASSERT(b->image >= 0 && b->image < part.n_images && b->category >= 0 &&
                  b->category < part.n_categories);
        CU_ASSERT(b->xyxy[0] < b->xyxy[2] && b->xyxy[1] < b->xyxy[3] &&
                  fabs(b->xyxy[2]) <= ANC_MAX_COORDINATE);
    }
    anc_parsed_clear(&part);
}

void survives_damage(const anc_reader *r, const char *text, const char *key)
{
    size_t n = strlen(text);
    for (size_t k = 0; k <= n; k++) outcome(r, text, k, key);
    check_rng rng = { 11 };
    char *copy = malloc(n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    for (int k = 0; k < 3000; k++) {
        memcpy(copy, text, n);
        for (int flips = check_int(&rng, 1, 3); flips; flips--)
            copy[check_int(&rng, 0, (int)n - 1)] = check_int(&rng, 0, 1)
                                                       ? (char)check_int(&rng, 0, 255)
                                                       : " ,\t\"\n\r0-.e{}[]:"[check_int(&rng, 0, 15)];
        outcome(r, copy, n, key);
    }
    free(copy);
}
