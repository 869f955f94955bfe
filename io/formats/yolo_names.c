/* io/formats/yolo_names.c: names of YOLO's classes, see yolo.h
 *
 * libyaml gives events; aliases are not followed, so a file cannot grow by reading it.
 */
#include "io/file/files.h"
#include "io/formats/yolo.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static anc_status add_name(anc_listing *l, int64_t id, const char *name, const char *file, int64_t line,
                           anc_err *err)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 32 || n > ANC_MAX_NAME_BYTES)
            return anc_fail(err, ANC_EDATA, "%s:%" PRId64 ": '%.60s' is no name of a class", file, line,
                            name);
    return anc_listing_category(l, id, name, name, err);
}

static anc_status lines(anc_stream *in, anc_listing *l, anc_err *err)
{
    char *line;
    size_t n;
    while (!anc_stream_line(in, &line, &n, err) && line) {
        while (n && (line[n - 1] == ' ' || line[n - 1] == '\t')) line[--n] = '\0';
        if (n && add_name(l, l->n_categories, line, in->name, in->line, err)) break;
    }
    return err->code;
}

static int feed(void *context, unsigned char *buffer, size_t capacity, size_t *n_read)
{
    struct {
        anc_stream *in;
        anc_err *err;
        const unsigned char *at;
        size_t n;
    } *from = context;
    const void *bytes;
    if (!from->n) {
        if (anc_stream_bytes(from->in, &bytes, &from->n, from->err)) return 0;
        from->at = bytes;
    }
    *n_read = from->n < capacity ? from->n : capacity;
    memcpy(buffer, from->at, *n_read);
    from->at += *n_read;
    from->n -= *n_read;
    return 1;
}

/* Where the events stand: the names begin after the scalar "names" at the first level. */
typedef struct {
    int depth;
    bool key;          /* the next scalar of a mapping is a key */
    bool next, inside; /* the value that comes is that of names; we are in it */
    bool mapping;      /* names is a mapping of numbers */
    int64_t number;
} place;

static anc_status scalar(place *p, const char *text, int64_t line, const char *file, anc_listing *l,
                         anc_err *err)
{
    if (p->depth == 1) {
        p->next = p->key && !strcmp(text, "names");
        p->key = !p->key;
        return ANC_OK;
    }
    if (!p->inside || p->depth != 2) return ANC_OK;
    if (!p->mapping) return add_name(l, l->n_categories, text, file, line, err);
    if (!p->key) {
        p->key = true;
        return add_name(l, p->number, text, file, line, err);
    }
    char *end;
    p->number = strtol(text, &end, 10);
    p->key = false;
    if (!*text || *end || p->number < 0 || p->number > INT32_MAX)
        return anc_fail(err, ANC_EDATA, "%s:%" PRId64 ": '%.60s' is no number of a class", file, line, text);
    return ANC_OK;
}

static anc_status take(place *p, const yaml_event_t *e, const char *file, anc_listing *l, anc_err *err)
{
    int64_t line = (int64_t)e->start_mark.line + 1;
    switch (e->type) {
    case YAML_SCALAR_EVENT: return scalar(p, (const char *)e->data.scalar.value, line, file, l, err);
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        p->inside = p->inside || (p->depth == 1 && p->next);
        p->depth++;
        p->mapping = e->type == YAML_MAPPING_START_EVENT;
        p->key = true;
        if (p->inside && p->depth > 2)
            return anc_fail(err, ANC_EDATA, "%s:%" PRId64 ": 'names' must be a list or numbers with names",
                            file, line);
        return ANC_OK;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        p->depth--;
        if (p->depth == 1) p->inside = p->next = false;
        p->key = true;
        return ANC_OK;
    case YAML_ALIAS_EVENT:
        if (p->depth == 1) p->key = true;
        return p->inside || p->next
                   ? anc_fail(err, ANC_EDATA, "%s:%" PRId64 ": write the names out", file, line)
                   : ANC_OK;
    default: return ANC_OK;
    }
}

static anc_status events(anc_stream *in, anc_listing *l, anc_err *err)
{
    struct {
        anc_stream *in;
        anc_err *err;
        const unsigned char *at;
        size_t n;
    } from = { in, err, NULL, 0 };
    yaml_parser_t parser;
    place p = { .key = true };
    bool ended = false;
    if (!yaml_parser_initialize(&parser)) return anc_fail(err, ANC_EMEMORY, "%s: no memory", in->name);
    yaml_parser_set_input(&parser, feed, &from);
    while (!ended && !err->code) {
        yaml_event_t e;
        if (!yaml_parser_parse(&parser, &e)) {
            if (!err->code)
                anc_fail(err, ANC_EDATA, "%s:%zu: %s", in->name, parser.problem_mark.line + 1,
                         parser.problem ? parser.problem : "malformed YAML");
            break;
        }
        ended = e.type == YAML_STREAM_END_EVENT;
        take(&p, &e, in->name, l, err);
        yaml_event_delete(&e);
    }
    yaml_parser_delete(&parser);
    return err->code;
}

anc_status anc_yolo_names(anc_stream *in, anc_listing *l, anc_err *err)
{
    bool yaml = anc_ends_with(in->name, ".yaml") || anc_ends_with(in->name, ".yml");
    if (yaml ? events(in, l, err) : lines(in, l, err)) return err->code;
    if (!l->n_categories)
        return anc_fail(err, ANC_EDATA, "%s: no names of classes in it%s", in->name,
                        yaml ? " (member 'names')" : "");
    return ANC_OK;
}
