/* io/formats/kitti.h: the reader of KITTI's label_2 folders: a text file for each picture, an object a line
 *
 *   type truncated occluded alpha left top right bottom, then height width length x y z rotation_y of the
 * object in space (passed over), then in results a score (passed over)
 *
 * The corners are edges in pixels from 0, as the development kit's own areas take them. DontCare is an ignore
 * region; it keeps its category. A file of no lines is an image without boxes. The pictures are those in
 * image_2 beside label_2. Source: readme.txt of the object development kit, Geiger et al. 2012.
 */
#ifndef ANC_IO_FORMATS_KITTI_H
#define ANC_IO_FORMATS_KITTI_H

#include "io/formats/reader.h"

extern const anc_reader anc_kitti_reader;

#endif
