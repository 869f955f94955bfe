/* starve.c: a malloc, to be preloaded, of which every call from number STARVE_AFTER on fails; 0: none does */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);
void *aligned_alloc(size_t align, size_t n);

static long calls, after = -1;

static int starves(void)
{
    if (after < 0) {
        const char *text = getenv("STARVE_AFTER");
        after = text ? strtol(text, NULL, 10) : 0;
    }
    if (!after || ++calls < after) return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n) { return starves() ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return starves() ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { return starves() ? NULL : __libc_realloc(p, n); }
void *aligned_alloc(size_t align, size_t n) { return starves() ? NULL : __libc_memalign(align, n); }
