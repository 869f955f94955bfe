/* core/words.h: words that people give for names: which known one is meant */
#ifndef ANC_CORE_WORDS_H
#define ANC_CORE_WORDS_H

#include "core/rules.h"
#include <stddef.h>

/* The nearest of n known words to a misspelt one, or NULL when none is near. */
const char *anc_nearest(const char *word, const char *const *known, size_t n);

/* The preset of that name. NULL and *err: there is none (ANC_EARGUMENT); it names the one that is meant, if a
 * system's short name ("d2"), the start or a part of a name, or one misspelt says so. */
const anc_rules *anc_choose_preset(const char *name, anc_err *err);

#endif
