/* io/source/join.h: several data sets as one
 *
 * For data that come in pieces: VOC 2007 and 2012, a file for each split or part.
 *  - A category is its name. Ids stay if no id has two names and no name has other ids elsewhere; otherwise
 *    all categories are numbered anew from 1, in the bytewise order of their names.
 *  - Images keep their ids if no two sets share one; otherwise all are numbered anew from 1, set after set,
 *    which needs a file name for each.
 *  - Annotation ids stay if no two sets share one; otherwise all become 0, which means none.
 *  - A picture's name stands in one set only: it is what tells pictures apart.
 */
#ifndef ANC_IO_SOURCE_JOIN_H
#define ANC_IO_SOURCE_JOIN_H

#include "io/dataset/dataset.h"
#include <stdbool.h>

/* Whose ids could not stay. */
typedef struct {
    bool images, categories, annotations;
} anc_join_changes;

/* set [n] are whole data sets with names and categories, n >= 1; name [n] is what errors call them. out is an
 * empty data set, and stays so on errors; its report is the sum of the sets'. Errors: ANC_EDATA (a picture in
 * two sets, categories that cannot be told apart or are not listed), ANC_EMEMORY. */
anc_status anc_join(const anc_dataset *set, const char *const *name, int n, anc_dataset *out,
                    anc_join_changes *changes, anc_err *err);

#endif
