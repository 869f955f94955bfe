/* io/formats/voc.h: PASCAL VOC: one XML file for each image
 *
 * Everingham et al. 2010, "The PASCAL Visual Object Classes (VOC) Challenge"; the VOC2012 development kit.
 * docs/FORMATS.md says what is read and what is a diagnostic.
 */
#ifndef ANC_IO_FORMATS_VOC_H
#define ANC_IO_FORMATS_VOC_H

#include "io/formats/reader.h"

extern const anc_reader anc_voc_reader;

/* Its members fits and list: a folder with Annotations/ (and JPEGImages/), any folder with .xml files, or one
 * file. */
bool anc_voc_fits(const anc_probe *p);
anc_status anc_voc_list(const anc_reader_options *o, const char *path, anc_listing *l, anc_err *err);

#endif
