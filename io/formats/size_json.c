/* io/formats/size_json.c: see size_json.h */
#include "io/formats/size_json.h"
#include "io/dataset/dataset.h"
#include "io/text/json.h"
#include "io/text/number.h"
#include <string.h>
#include <yajl/yajl_parse.h>

typedef struct {
    const char *name; /* of the file */
    anc_size_table *table;
    anc_err *err;
    anc_number_reader numbers;
    int depth; /* 1: in the object, 2: in a list */
    char path[ANC_MAX_NAME_BYTES + 1];
    int64_t side[2]; /* height, width */
    int n;           /* sides of this list */
} reader;

static int wrong(reader *r)
{
    const char *where = r->depth ? r->path : "";
    anc_fail(r->err, ANC_EDATA,
             "%s: member '%.200s': sizes as JSON are an object of paths, each with [height, width]", r->name,
             where);
    return 0;
}

static int on_other(void *context) { return wrong(context); }
static int on_boolean(void *context, int value) { return (void)value, wrong(context); }
static int on_string(void *context, const unsigned char *text, size_t n)
{
    return (void)text, (void)n, wrong(context);
}

static int on_number(void *context, const char *text, size_t n)
{
    reader *r = context;
    if (r->depth != 2 || r->n == 2 || !anc_number_whole(&r->numbers, text, n, &r->side[r->n]))
        return wrong(r);
    r->n++;
    return 1;
}

static int on_start_map(void *context)
{
    reader *r = context;
    return r->depth++ ? wrong(r) : 1;
}

static int on_key(void *context, const unsigned char *key, size_t n)
{
    reader *r = context;
    size_t kept = n < sizeof r->path ? n : sizeof r->path - 1;
    memcpy(r->path, key, kept);
    r->path[kept] = '\0';
    r->n = 0;
    return kept < n || memchr(key, 0, n) ? wrong(r) : 1;
}

static int on_start_array(void *context)
{
    reader *r = context;
    return r->depth == 1 ? ++r->depth : wrong(r);
}

static int on_end_array(void *context)
{
    reader *r = context;
    r->depth--;
    if (r->n != 2) return wrong(r);
    if (!anc_size_table_add(r->table, r->path, r->side[1], r->side[0], r->err)) return 1;
    anc_within(r->err, "%s", r->name);
    return 0;
}

static const yajl_callbacks callbacks = { .yajl_null = on_other,
                                          .yajl_boolean = on_boolean,
                                          .yajl_number = on_number,
                                          .yajl_string = on_string,
                                          .yajl_start_map = on_start_map,
                                          .yajl_map_key = on_key,
                                          .yajl_start_array = on_start_array,
                                          .yajl_end_array = on_end_array };

anc_status anc_size_json_read(anc_stream *in, anc_size_table *t, anc_err *err)
{
    reader r = { .name = in->name, .table = t, .err = err };
    yajl_handle parser = anc_number_open(&r.numbers) ? yajl_alloc(&callbacks, NULL, &r) : NULL;
    const void *bytes;
    size_t n = 1;
    bool first = true;
    if (!parser) anc_fail(err, ANC_EMEMORY, "%s: no memory to read JSON", in->name);
    while (parser && n && !anc_stream_bytes(in, &bytes, &n, err)) {
        size_t mark = first && n >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0;
        yajl_status status = n ? yajl_parse(parser, (const unsigned char *)bytes + mark, n - mark)
                               : yajl_complete_parse(parser);
        if (status == yajl_status_error)
            anc_fail(err, ANC_EDATA, "%s: behind member '%.200s': %s", in->name, r.path,
                     anc_json_said(parser).text);
        if (status != yajl_status_ok) break;
        first = false;
    }
    if (parser) yajl_free(parser);
    anc_number_close(&r.numbers);
    return err->code;
}
