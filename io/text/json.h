/* io/text/json.h: what all readers of JSON say of broken syntax */
#ifndef ANC_IO_TEXT_JSON_H
#define ANC_IO_TEXT_JSON_H

#include <stdbool.h>
#include <yajl/yajl_parse.h>

typedef struct {
    char text[160];
} anc_json_words;

/* yajl's own words for what it stopped at: one line, without its end. */
anc_json_words anc_json_said(yajl_handle parser);

/* Whether text is one JSON value, and nothing else. */
bool anc_json_valid(const char *text);

#endif
