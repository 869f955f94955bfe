/* core/api/api.h: what the parts of the library's interface (include/anchorage.h) share */
#ifndef ANC_CORE_API_API_H
#define ANC_CORE_API_API_H

#include "core/gather.h"
#include "include/anchorage.h"

struct anchorage_config {
    anc_rules rules; /* of the first stage */
    char *ini, *json;
};

struct anchorage_layout {
    anc_rules rules;
    const anc_kernels *kernels;
    int32_t h, w; /* of the view */
    anc_grid grid;
};

/* What the callers of the library may hand in, as the data set's reader has it (io/dataset/dataset.h). */
enum { ANC_API_MAX_SIDE = 1000000 };
#define ANC_API_MAX_COORDINATE 1e9

/* Describes an error to the caller and returns its status. error: NULL when the caller asks for none. */
int anc_api_fail(anchorage_error *error, const anc_err *err);

/* The same for an argument that is wrong by itself. */
int anc_api_refuse(anchorage_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copies a structure that the caller has filled into one of ours, of n bytes. It begins with its size, as the
 * caller was compiled: at least `first` bytes, those of the first release; members that he did not know become
 * 0, and members that we do not know must be. name: for the text. */
int anc_api_take(void *to, size_t n, size_t first, const void *from, const char *name,
                 anchorage_error *error);

/* n and first of a structure whose last member in its first release was `last`. Never to be changed. */
#define ANC_API_SIZES(type, last) sizeof(type), offsetof(type, last) + sizeof(((type *)0)->last)
#define ANC_API_IMAGE             ANC_API_SIZES(anchorage_image, reserved)
#define ANC_API_NMS               ANC_API_SIZES(anchorage_nms_options, reserved)
#define ANC_API_PROPOSALS         ANC_API_SIZES(anchorage_proposal_options, batched)

/* The rules of one stage. */
anc_rules anc_api_rules(const anchorage_config *config, anc_stage stage);

/* n boxes of float64: finite, and none further from the origin than there are pixels; with_area: x1 < x2 and
 * y1 < y2. what: "box", "proposal". Errors: ANC_EDATA. */
anc_status anc_api_check_boxes(const double *xyxy, int32_t n, bool with_area, const char *what, anc_err *err);

#endif
