/* Wrappers of the allocator. */
#include <errno.h>
#include <stdlib.h>

#include "fault_leaks.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/* Exported by glibc. Needed since dlsym, which finds the other functions, allocates itself. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

#define EXPORT __attribute__((visibility("default")))

#define CALLER __builtin_return_address(0)

#define ALLOCATION(name, real, parameters, arguments)                                                        \
    EXPORT void *name parameters                                                                             \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        if (FAULT_MEET(&point).kind) {                                                                       \
            errno = ENOMEM;                                                                                  \
            return NULL;                                                                                     \
        }                                                                                                    \
        void *block = real arguments;                                                                        \
        fault_take(&point, CALLER, (uintptr_t)block);                                                        \
        return block;                                                                                        \
    }

ALLOCATION(malloc, __libc_malloc, (size_t size), (size))
ALLOCATION(calloc, __libc_calloc, (size_t count, size_t size), (count, size))

ALLOCATION(aligned_alloc, __libc_memalign, (size_t alignment, size_t size), (alignment, size))

EXPORT void *realloc(void *old, size_t size)
{
    static fault_point point = {"realloc", NULL};
    if (FAULT_MEET(&point).kind) {
        errno = ENOMEM;
        return NULL;
    }
    /* Before the call: after it the old block may be somebody else's already. */
    fault_give_back((uintptr_t)old);
    void *block = __libc_realloc(old, size);
    fault_take(&point, CALLER, (uintptr_t)(block ? block : old));
    return block;
}

EXPORT void free(void *block)
{
    fault_give_back((uintptr_t)block);
    __libc_free(block);
}
