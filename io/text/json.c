/* io/text/json.c: see json.h */
#include "io/text/json.h"
#include <stdio.h>
#include <string.h>

anc_json_words anc_json_said(yajl_handle parser)
{
    anc_json_words words;
    unsigned char *said = yajl_get_error(parser, 0, NULL, 0);
    snprintf(words.text, sizeof words.text, "%s", said ? (const char *)said : "malformed JSON");
    words.text[strcspn(words.text, "\n")] = '\0';
    if (said) yajl_free_error(parser, said);
    return words;
}

bool anc_json_valid(const char *text)
{
    static const yajl_callbacks nothing;
    yajl_handle parser = yajl_alloc(&nothing, NULL, NULL);
    bool valid = parser && yajl_parse(parser, (const unsigned char *)text, strlen(text)) == yajl_status_ok &&
                 yajl_complete_parse(parser) == yajl_status_ok;
    if (parser) yajl_free(parser);
    return valid;
}
