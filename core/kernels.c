/* core/kernels.c: the choice of a kernel table */
#include "core/kernels.h"
#include <string.h>

const anc_kernels *const anc_kernels_all[] = {
#ifdef __x86_64__
    &anc_kernels_avx2,
#endif
    &anc_kernels_scalar,
    NULL,
};

const anc_kernels *anc_kernels_find(const char *name)
{
    for (const anc_kernels *const *k = anc_kernels_all; *k; k++)
        if ((!name || !strcmp((*k)->name, name)) && (*k)->usable()) return *k;
    return NULL;
}
