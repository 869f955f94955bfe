/* io/formats/label_folder.h: folders of text files, one for each picture, whose pictures lie in a folder beside them
 *
 * What KITTI and VisDrone have in common.
 */
#ifndef ANC_IO_FORMATS_LABEL_FOLDER_H
#define ANC_IO_FORMATS_LABEL_FOLDER_H

#include "io/formats/reader.h"
#include "io/text/number.h"

typedef struct {
    const char *labels; /* the folder's usual name: "label_2" */
    const char *images; /* of the pictures' folder beside it: "image_2" */
    const char *ending; /* of the pictures: ".png" */
} anc_label_folder;

/* Lists the .txt files of path, in bytewise order: the folder of labels itself, a folder that holds it, or
 * one file. An image's key is its file's name without .txt. The pictures' folder becomes the listing's when
 * it is there. */
anc_status anc_label_folder_list(const anc_label_folder *f, const char *path, anc_listing *l, anc_err *err);

/* The first line of a file's or folder's first text that is not blank; false: there is none, or not all of
 * it. */
bool anc_label_folder_line(const anc_label_folder *f, const anc_probe *p, char *line, size_t capacity);

/* Reads one file: an image of the file's key, and each line that is not blank by take, which may write into
 * it. */
typedef anc_status (*anc_label_line)(const anc_number_reader *numbers, char *line, int64_t image,
                                     anc_parsed *part, anc_err *err);
anc_status anc_label_folder_read(const anc_file *file, anc_stream *in, anc_label_line take, anc_parsed *part,
                                 anc_err *err);

#endif
