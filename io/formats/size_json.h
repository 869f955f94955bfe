/* io/formats/size_json.h: image sizes as a JSON object: {"273271,c9db000d5146c15": [height, width], ...} */
#ifndef ANC_IO_FORMATS_SIZE_JSON_H
#define ANC_IO_FORMATS_SIZE_JSON_H

#include "io/formats/size_table.h"

/* Adds them to t, in order. Errors: ANC_EDATA (naming the member), ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_size_json_read(anc_stream *in, anc_size_table *t, anc_err *err);

#endif
