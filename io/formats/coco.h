/* io/formats/coco.h: COCO detection JSON (instances_*.json and its relatives) as a data set
 *
 * Read as a stream: memory grows with the images and boxes, not with the file. Members come in any order;
 * unknown ones are skipped. What is read, and the rules:
 *
 *   images[]       id, width, height; optional: file_name, or else the end of coco_url (LVIS)
 *   annotations[]  image_id, bbox, and category_id if categories are listed; optional: id, iscrowd, ignore
 *                  marks: isgroupof; difficult, istruncated, isoccluded, isdepiction, isinside (1 or true
 * counts) categories[]   id; optional: name
 *
 *  - bbox is [x, y, w, h]; the box is x, y, x + w, y + h in float64, nothing added or rounded.
 *  - w or h of 0 (after the addition, too): dropped and counted. Negative: an error.
 *  - Numbers too large for float64, edges beyond ANC_MAX_COORDINATE, a bbox of other than 4 numbers: errors.
 *  - iscrowd and ignore: 0, 1, true or false; missing or null is 0; either one marks a crowd region,
 *    and so does isgroupof. The other marks become flags (io/dataset/dataset.h).
 *  - Whole numbers may be written as 640.0; ids have 64 bits.
 *  - Ids: see builder.h. `images` and `annotations` must be there, but may be empty lists.
 *  - UTF-8, with or without a byte order mark. Lists and objects nest at most 64 deep.
 * Captions, results, panoptic and image_info files are refused in words.
 */
#ifndef ANC_IO_FORMATS_COCO_H
#define ANC_IO_FORMATS_COCO_H

#include "io/formats/reader.h"

extern const anc_reader anc_coco_reader;

/* Reads path into an empty data set, which stays empty on errors.
 * Errors: ANC_EDATA (with line and column, counted from 1 in bytes, or image and annotation ids),
 * ANC_ESYSTEM, ANC_EMEMORY; the text starts with the path. */
anc_status anc_coco_read(const char *path, anc_dataset *out, anc_err *err);

/* The same from an open file or pipe of which the first n_head bytes have been read already. name is used in
 * error texts only; fd stays open. diagnostics (may be NULL) get the places;
 * o (may be NULL) can end it early (ANC_ESTOPPED). */
anc_status anc_coco_read_fd(const anc_reader_options *o, int fd, const void *head, size_t n_head,
                            const char *name, anc_dataset *out, anc_diagnostics *diagnostics, anc_err *err);

#endif
