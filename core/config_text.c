/* core/config_text.c: reads a configuration's text: see config.h */
#include "core/config.h"
#include "core/words.h"
#include <string.h>

typedef struct {
    anc_rules *r;
    const char *preset; /* that the text must agree with, or NULL */
    anc_config_given *given;
    bool any;               /* a key of another section than [preset] was met */
    const char *rest, *end; /* what is still to be read */
    int line;               /* number of the line in hand */
    char section[64];
    char key[64], value[ANC_CONFIG_VALUE]; /* gathered so far; no key: none */
    size_t n_value;
    int key_line;
    anc_err *err;
} reading;

/* A piece of the text. */
typedef struct {
    const char *at;
    size_t n;
} piece;

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f'; }

static piece trimmed(piece p)
{
    while (p.n && blank(*p.at)) p.at++, p.n--;
    while (p.n && blank(p.at[p.n - 1])) p.n--;
    return p;
}

/* Cut where it is too long for any name that we know. */
static void copy(char *to, size_t capacity, piece p)
{
    size_t n = p.n < capacity ? p.n : capacity - 1;
    memcpy(to, p.at, n);
    to[n] = '\0';
}

static anc_status start_from(reading *in)
{
    if (strcmp(in->key, "name"))
        return anc_fail(in->err, ANC_EARGUMENT, "[preset] knows the key name only, not '%s'", in->key);
    if (in->any) return anc_fail(in->err, ANC_EARGUMENT, "[preset] must stand before every other section");
    const anc_rules *preset = anc_choose_preset(in->value, in->err);
    if (!preset) return in->err->code;
    if (in->preset && strcmp(in->preset, in->value))
        return anc_fail(in->err, ANC_EARGUMENT, "starts from preset '%s', but preset '%s' is asked for",
                        in->value, in->preset);
    anc_stage stage = in->r->stage;
    *in->r = *preset;
    in->r->stage = stage;
    return ANC_OK;
}

static anc_status set_key(reading *in)
{
    if (!*in->section)
        return anc_fail(in->err, ANC_EARGUMENT, "'%.40s' stands before the first [section]", in->key);
    if (!strcmp(in->section, "preset")) return start_from(in);
    int k = anc_config_find(in->section, in->key, in->err);
    in->any = true;
    if (k < 0) return in->err->code;
    if (in->given->key[k])
        return anc_fail(in->err, ANC_EARGUMENT, "%s.%s stands twice; keep one", in->section, in->key);
    in->given->key[k] = true;
    return anc_config_set(in->r, k, in->value, in->err);
}

/* Takes the key that was gathered, now that its value is whole. */
static anc_status finish_key(reading *in)
{
    anc_status status = in->key[0] ? set_key(in) : ANC_OK;
    if (status) anc_within(in->err, "line %d", in->key_line);
    in->key[0] = '\0';
    return status;
}

/* Adds a line's part of the value, parted by a blank from what is there. */
static anc_status add_value(reading *in, piece part)
{
    if (in->n_value + (in->n_value > 0) + part.n >= sizeof in->value)
        return anc_fail(in->err, ANC_EARGUMENT, "line %d: the value of %s is longer than %zu characters",
                        in->line, in->key, sizeof in->value - 1);
    if (in->n_value && part.n) in->value[in->n_value++] = ' ';
    memcpy(in->value + in->n_value, part.at, part.n);
    in->n_value += part.n;
    in->value[in->n_value] = '\0';
    return ANC_OK;
}

static anc_status no_line_of_ours(reading *in)
{
    return anc_fail(in->err, ANC_EDATA, "line %d: not `key = value`, nor `[section]`", in->line);
}

static anc_status take_section(reading *in, piece line)
{
    if (finish_key(in)) return in->err->code;
    if (line.n < 2 || line.at[line.n - 1] != ']') return no_line_of_ours(in);
    copy(in->section, sizeof in->section, (piece){ line.at + 1, line.n - 2 });
    return ANC_OK;
}

static anc_status take_key(reading *in, piece line)
{
    if (finish_key(in)) return in->err->code;
    size_t mark = 0;
    while (mark < line.n && line.at[mark] != '=' && line.at[mark] != ':') mark++;
    piece key = trimmed((piece){ line.at, mark });
    if (mark == line.n || !key.n) return no_line_of_ours(in);
    copy(in->key, sizeof in->key, key);
    in->key_line = in->line;
    in->n_value = 0;
    in->value[0] = '\0';
    return add_value(in, trimmed((piece){ line.at + mark + 1, line.n - mark - 1 }));
}

/* The next line without its comment. False: there is none. */
static bool next_line(reading *in, piece *line)
{
    if (in->rest == in->end) return false;
    const char *at = in->rest, *end = at;
    while (end < in->end && *end != '\n' && *end != '\r') end++;
    in->rest = end + (end < in->end);
    if (in->rest < in->end && *end == '\r' && *in->rest == '\n') in->rest++;
    in->line++;
    size_t n = (size_t)(end - at), first = 0;
    while (first < n && blank(at[first])) first++;
    if (first < n && at[first] == '#') n = first;
    for (size_t i = 0; i < n; i++)
        if (at[i] == ';' && (!i || blank(at[i - 1]))) n = i;
    *line = (piece){ at, n };
    return true;
}

static anc_status take_lines(reading *in)
{
    for (piece line; next_line(in, &line);) {
        bool goes_on = line.n && blank(*line.at) && in->key[0];
        line = trimmed(line);
        if (!line.n) continue;
        if (goes_on ? add_value(in, line) : *line.at == '[' ? take_section(in, line) : take_key(in, line))
            return in->err->code;
    }
    return finish_key(in);
}

static anc_status refuse_other_files(const char *text, size_t n, anc_err *err)
{
    if (n > ANC_CONFIG_BYTES)
        return anc_fail(err, ANC_EDATA, "a configuration has at most %d bytes; is this another file?",
                        ANC_CONFIG_BYTES);
    const char *nul = n ? memchr(text, '\0', n) : NULL;
    if (!nul) return ANC_OK;
    int line = 1;
    for (const char *c = text; c < nul; c++) line += *c == '\n';
    return anc_fail(err, ANC_EDATA, "line %d: holds a NUL byte; save it as UTF-8 text", line);
}

anc_status anc_config_text(const char *text, size_t n, const char *preset, anc_rules *r,
                           anc_config_given *given, anc_err *err)
{
    *given = (anc_config_given){ 0 };
    if (refuse_other_files(text, n, err)) return err->code;
    reading in = { .r = r, .preset = preset, .given = given, .rest = text, .end = text + n, .err = err };
    if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) in.rest += 3; /* the mark of UTF-8 */
    if (take_lines(&in)) return err->code;
    return anc_rules_check(r, err);
}
