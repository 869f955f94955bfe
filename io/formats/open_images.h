/* io/formats/open_images.h: the reader of Open Images' box CSV (V4 to V7: train-annotations-bbox.csv and its kin)
 *
 * Columns are found by the headings of the first line, in any order: ImageID, LabelName, XMin, XMax, YMin,
 * YMax must be there; IsGroupOf (1: a crowd region), IsOccluded, IsTruncated, IsDepiction, IsInside may be;
 * others are passed over. Corners are shares of the image's width and height, whose sizes the format does not
 * tell: they come from the options' sizes or the pictures' headers. The images are those that have rows, each
 * called ImageID.jpg. Source: storage.googleapis.com/openimages/web/download_v7.html, "Data formats", boxes.
 */
#ifndef ANC_IO_FORMATS_OPEN_IMAGES_H
#define ANC_IO_FORMATS_OPEN_IMAGES_H

#include "io/formats/reader.h"

extern const anc_reader anc_open_images_reader;

#endif
