/* io/formats/name_list.h: a text file of image names, such as VOC's ImageSets/Main/train.txt: only these images are
 * wanted
 *
 * One name on each line; VOC's class lists have a number behind it, which is not looked at (but -1, 0 and 1
 * only), so that a name may hold blanks. Endings (.jpg) and folders in front do not matter:
 * "./images/train/7.jpg", "train/7" and "7" all name an image whose key is "train/7".
 */
#ifndef ANC_IO_FORMATS_NAME_LIST_H
#define ANC_IO_FORMATS_NAME_LIST_H

#include "io/text/stream.h"

typedef struct anc_name_list anc_name_list;

/* Errors: ANC_EDATA (no names), ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_name_list_open(const char *path, anc_name_list **out, anc_err *err);
anc_status anc_name_list_read(anc_stream *in, anc_name_list **out, anc_err *err);
void anc_name_list_close(anc_name_list *l); /* NULL is allowed */

/* Whether an image with this key is on the list; its line then counts as used. */
bool anc_name_list_has(anc_name_list *l, const char *key);

/* ANC_EDATA with file and line when a name was never asked for: there is no such image. */
anc_status anc_name_list_all_used(const anc_name_list *l, anc_err *err);

#endif
