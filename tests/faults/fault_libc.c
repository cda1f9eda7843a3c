/* Wrappers of libc functions that can fail. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault_plan.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/* Exported by glibc. Needed since dlsym, which finds the other functions, allocates itself. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

#define EXPORT __attribute__((visibility("default")))

/* FUNCTION(type, name, value of a failure, parameters, arguments) */
#define FUNCTION(type, name, failure, parameters, arguments)                                                 \
    EXPORT type name parameters                                                                              \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        const fault f = FAULT_MEET(&point);                                                                  \
        if (f.kind) {                                                                                        \
            errno = f.code;                                                                                  \
            return failure;                                                                                  \
        }                                                                                                    \
        return ((type(*) parameters)fault_real(&point))arguments;                                            \
    }

/* ---- memory ---- */

#define ALLOCATION(name, real, parameters, arguments)                                                        \
    EXPORT void *name parameters                                                                             \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        if (FAULT_MEET(&point).kind) {                                                                       \
            errno = ENOMEM;                                                                                  \
            return NULL;                                                                                     \
        }                                                                                                    \
        return real arguments;                                                                               \
    }

ALLOCATION(malloc, __libc_malloc, (size_t size), (size))
ALLOCATION(calloc, __libc_calloc, (size_t count, size_t size), (count, size))
ALLOCATION(realloc, __libc_realloc, (void *old, size_t size), (old, size))
FUNCTION(char *, strdup, NULL, (const char *text), (text))
FUNCTION(char *, strndup, NULL, (const char *text, size_t size), (text, size))
FUNCTION(FILE *, open_memstream, NULL, (char **text, size_t *size), (text, size))
FUNCTION(void *, mmap, MAP_FAILED, (void *at, size_t size, int protection, int flags, int file, off_t offset),
         (at, size, protection, flags, file, offset))

/* ---- files ---- */

#define OPEN(name)                                                                                           \
    EXPORT int name(const char *path, int flags, ...)                                                        \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        va_list arguments;                                                                                   \
        va_start(arguments, flags);                                                                          \
        const mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;                                 \
        va_end(arguments);                                                                                   \
        const fault f = FAULT_MEET(&point);                                                                  \
        if (f.kind) {                                                                                        \
            errno = f.code;                                                                                  \
            return -1;                                                                                       \
        }                                                                                                    \
        return ((int (*)(const char *, int, ...))fault_real(&point))(path, flags, mode);                     \
    }

OPEN(open)
OPEN(open64)

/* Transfers half of the bytes, or fails. */
#define TRANSFER(name, data)                                                                                 \
    EXPORT ssize_t name(int file, data, size_t size)                                                         \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        const fault f = FAULT_MEET(&point);                                                                  \
        if (f.kind == FAULT_CODE) {                                                                          \
            errno = f.code;                                                                                  \
            return f.code ? -1 : 0;                                                                          \
        }                                                                                                    \
        if (f.kind == FAULT_SHORT)                                                                           \
            size = size > 1 ? size / 2 : size;                                                               \
        return ((ssize_t(*)(int, const void *, size_t))fault_real(&point))(file, bytes, size);               \
    }

TRANSFER(read, void *bytes)
TRANSFER(write, const void *bytes)

/* Sets the stream's error flag, as a failed call would; glibc keeps it in the stream's flags. */
static void mark_failed(FILE *stream)
{
    enum { ERROR_SEEN = 0x20 };
    stream->_flags |= ERROR_SEEN;
}

#define STREAM(type, name, failure, parameters, arguments)                                                   \
    EXPORT type name parameters                                                                              \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        const fault f = FAULT_MEET(&point);                                                                  \
        if (f.kind) {                                                                                        \
            mark_failed(stream);                                                                             \
            errno = f.code;                                                                                  \
            return failure;                                                                                  \
        }                                                                                                    \
        return ((type(*) parameters)fault_real(&point))arguments;                                            \
    }

STREAM(size_t, fwrite, 0, (const void *data, size_t size, size_t count, FILE *stream),
       (data, size, count, stream))
STREAM(size_t, fread, 0, (void *data, size_t size, size_t count, FILE *stream), (data, size, count, stream))
STREAM(int, fflush, EOF, (FILE * stream), (stream))
FUNCTION(FILE *, fopen, NULL, (const char *path, const char *mode), (path, mode))
FUNCTION(FILE *, fdopen, NULL, (int file, const char *mode), (file, mode))

/* Both functions release their argument even when they fail. */
#define ENDING(name, type, failure)                                                                          \
    EXPORT int name(type object)                                                                             \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        const fault f = FAULT_MEET(&point);                                                                  \
        const int ended = ((int (*)(type))fault_real(&point))(object);                                       \
        if (f.kind)                                                                                          \
            errno = f.code;                                                                                  \
        return f.kind ? failure : ended;                                                                     \
    }

ENDING(fclose, FILE *, EOF)
ENDING(close, int, -1)

FUNCTION(int, fsync, -1, (int file), (file))
FUNCTION(int, rename, -1, (const char *from, const char *to), (from, to))
FUNCTION(int, mkdir, -1, (const char *path, mode_t mode), (path, mode))
FUNCTION(int, stat, -1, (const char *path, struct stat *info), (path, info))
FUNCTION(int, fstat, -1, (int file, struct stat *info), (file, info))
FUNCTION(int, flock, -1, (int file, int operation), (file, operation))
FUNCTION(ssize_t, getrandom, -1, (void *bytes, size_t size, unsigned flags), (bytes, size, flags))
FUNCTION(DIR *, opendir, NULL, (const char *path), (path))
FUNCTION(struct dirent *, readdir, NULL, (DIR * directory), (directory))
FUNCTION(int, pipe2, -1, (int ends[2], int flags), (ends, flags))
FUNCTION(int, pthread_create, f.code,
         (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument),
         (thread, attributes, run, argument))
