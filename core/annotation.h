/* core/annotation.h: an annotated box, from the reader of a file to the shard */
#ifndef ANC_CORE_ANNOTATION_H
#define ANC_CORE_ANNOTATION_H

#include <stdint.h>

typedef struct {
    double xyxy[4]; /* x1, y1, x2, y2 in original pixels, exclusive edges, finite, x1 < x2, y1 < y2;
                       may lie over the image's edge */
    int64_t id;     /* the annotation's id, 0 when the source has none */
    int32_t category;
    uint8_t crowd; /* 1: a crowd or ignore region, not an object */
    uint8_t flags; /* what the source says of the object; nothing here computes with it */
} anc_annotation;

#endif
