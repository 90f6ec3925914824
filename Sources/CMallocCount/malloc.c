/* Stands in front of the C library's allocator: the dynamic linker finds these names in the
   executable first, for the Swift runtime and for OpenSSL too. */
#include "CMallocCount.h"
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

static uint64_t calls;

static void count(void) { __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED); }

uint64_t wax_allocation_count(void) { return __atomic_load_n(&calls, __ATOMIC_RELAXED); }

void *malloc(size_t size) {
    count();
    return __libc_malloc(size);
}

void *calloc(size_t many, size_t size) {
    count();
    return __libc_calloc(many, size);
}

void *realloc(void *old, size_t size) {
    count();
    return __libc_realloc(old, size);
}
