/* io/formats/wider.h: the reader of WIDER FACE's wider_face_{train,val}_bbx_gt.txt
 *
 * For each picture a line with its path, one with the number of faces, and a line of each face: x y w h,
 * then, unless cut off, blur expression illumination invalid occlusion pose. A face with invalid = 1 is an
 * ignore region. Behind a count of 0 stands one line of zeros in the official files, which is no face; it may
 * be left out. Sizes come from the options' sizes or the pictures' headers. The one category is called face.
 * Source: readme.txt of wider_face_split.zip; Yang et al. 2016.
 */
#ifndef ANC_IO_FORMATS_WIDER_H
#define ANC_IO_FORMATS_WIDER_H

#include "io/formats/reader.h"

extern const anc_reader anc_wider_reader;

#endif
