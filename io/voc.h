/* io/voc.h: PASCAL VOC: one XML file for each image
 *
 * Everingham et al. 2010, "The PASCAL Visual Object Classes (VOC) Challenge"; the VOC2012 development kit.
 * docs/FORMATS.md says what is read and what is a finding.
 */
#ifndef ANC_IO_VOC_H
#define ANC_IO_VOC_H

#include "io/reader.h"

extern const anc_reader anc_voc_reader;

#endif
