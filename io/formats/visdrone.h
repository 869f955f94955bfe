/* io/formats/visdrone.h: the reader of VisDrone-DET's folders of annotations: a text file for each picture, an object
 * a line
 *
 *   left,top,width,height,score,category,truncation,occlusion      (a comma may follow)
 *
 * Categories are numbers: 0 ignored regions, 1 pedestrian ... 10 motor, 11 others. Ignore regions are the
 * rows that the benchmark leaves out of its evaluation: categories 0 and 11, and any with a score of 0. The
 * pictures are those in the folder images beside the annotations. Source: readme.txt of the VisDrone2018-DET
 * toolkit; Zhu et al. 2018 (arXiv:1804.07437).
 */
#ifndef ANC_IO_FORMATS_VISDRONE_H
#define ANC_IO_FORMATS_VISDRONE_H

#include "io/formats/reader.h"

extern const anc_reader anc_visdrone_reader;

#endif
