/* io/formats/crowdhuman.h: the reader of CrowdHuman's .odgt files: one JSON object a line
 *
 *   {"ID": "273271,c9db000d5146c15", "gtboxes": [{"tag": "person", "fbox": [x, y, w, h], "vbox": ...,
 *    "hbox": ..., "extra": {"ignore": 1, "occ": 1}, "head_attr": {"ignore": 1}}, ...]}
 *
 * Members come in any order. One of the three boxes is taken: the full body (fbox) unless options->box says
 * vbox, the visible part, or hbox, the head. Ignore regions: a tag other than person (mask), extra.ignore
 * other than 0, and for heads head_attr.ignore other than 0. The picture is called ID.jpg; its size comes
 * from the options' sizes or the picture's header. The one category is person, or head.
 *
 * Source: crowdhuman.org, "annotation format"; Shao et al. 2018 (arXiv:1805.00123).
 */
#ifndef ANC_IO_FORMATS_CROWDHUMAN_H
#define ANC_IO_FORMATS_CROWDHUMAN_H

#include "io/formats/reader.h"

extern const anc_reader anc_crowdhuman_reader;

#endif
