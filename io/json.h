/* io/json.h: what all readers of JSON say of broken syntax */
#ifndef ANC_IO_JSON_H
#define ANC_IO_JSON_H

#include <yajl/yajl_parse.h>

typedef struct {
    char text[160];
} anc_json_words;

/* yajl's own words for what it stopped at: one line, without its end. */
anc_json_words anc_json_said(yajl_handle parser);

#endif
