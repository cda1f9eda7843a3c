/* Wrappers of libc functions that can fail, apart from those that allocate memory alone. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault_leaks.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define EXPORT __attribute__((visibility("default")))

#define CALLER __builtin_return_address(0)

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

/* The same for what returns an object that is given back later; NULL is a failure. */
#define OBJECT(type, name, parameters, arguments)                                                            \
    EXPORT type name parameters                                                                              \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        const fault f = FAULT_MEET(&point);                                                                  \
        if (f.kind) {                                                                                        \
            errno = f.code;                                                                                  \
            return NULL;                                                                                     \
        }                                                                                                    \
        type const object = ((type(*) parameters)fault_real(&point))arguments;                               \
        fault_take(&point, CALLER, (uintptr_t)object);                                                       \
        return object;                                                                                       \
    }

/* ---- text, memory files ---- */

OBJECT(char *, strdup, (const char *text), (text))
OBJECT(char *, strndup, (const char *text, size_t size), (text, size))
OBJECT(char *, getcwd, (char *to, size_t size), (to, size))
OBJECT(char *, realpath, (const char *path, char *to), (path, to))
OBJECT(FILE *, open_memstream, (char **text, size_t *size), (text, size))
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
        const int file = ((int (*)(const char *, int, ...))fault_real(&point))(path, flags, mode);           \
        fault_take(&point, CALLER, fault_descriptor(file));                                                  \
        return file;                                                                                         \
    }

OPEN(open)
OPEN(open64)

EXPORT int openat(int folder, const char *path, int flags, ...)
{
    static fault_point point = {"openat", NULL};
    const fault f = FAULT_MEET(&point); /* never with O_CREAT here */
    if (f.kind) {
        errno = f.code;
        return -1;
    }
    const int file = ((int (*)(int, const char *, int, ...))fault_real(&point))(folder, path, flags);
    fault_take(&point, CALLER, fault_descriptor(file));
    return file;
}

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

/* On a failure the stream has been marked and errno set. Nothing can be said on a broken standard error, so
 * that it is left as it is. */
static fault meet_stream(fault_point *point, const void *caller, FILE *stream)
{
    fault f = {FAULT_NONE, 0};
    if (stream != stderr)
        f = fault_meet(point, caller);
    if (f.kind) {
        mark_failed(stream);
        errno = f.code;
    }
    return f;
}

#define STREAM(type, name, failure, parameters, arguments)                                                   \
    EXPORT type name parameters                                                                              \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        if (meet_stream(&point, CALLER, stream).kind)                                                        \
            return failure;                                                                                  \
        return ((type(*) parameters)fault_real(&point))arguments;                                            \
    }

STREAM(size_t, fwrite, 0, (const void *data, size_t size, size_t count, FILE *stream),
       (data, size, count, stream))
STREAM(size_t, fread, 0, (void *data, size_t size, size_t count, FILE *stream), (data, size, count, stream))
STREAM(int, fflush, EOF, (FILE * stream), (stream))
STREAM(char *, fgets, NULL, (char *line, int size, FILE *stream), (line, size, stream))
STREAM(ssize_t, __getdelim, -1, (char **line, size_t *size, int end, FILE *stream), (line, size, end, stream))
STREAM(int, fputs, EOF, (const char *text, FILE *stream), (text, stream))
STREAM(int, fputc, EOF, (int character, FILE *stream), (character, stream))
STREAM(int, putc, EOF, (int character, FILE *stream), (character, stream))
STREAM(int, vfprintf, -1, (FILE * stream, const char *format, va_list list), (stream, format, list))

EXPORT int fprintf(FILE *stream, const char *format, ...)
{
    static fault_point point = {"fprintf", NULL};
    const fault f = meet_stream(&point, CALLER, stream);
    if (f.kind)
        return -1;
    va_list list;
    va_start(list, format);
    const int count = vfprintf(stream, format, list);
    va_end(list);
    return count;
}

EXPORT int printf(const char *format, ...)
{
    static fault_point point = {"printf", NULL};
    if (meet_stream(&point, CALLER, stdout).kind)
        return -1;
    va_list list;
    va_start(list, format);
    const int count = vfprintf(stdout, format, list);
    va_end(list);
    return count;
}

EXPORT int puts(const char *text)
{
    static fault_point point = {"puts", NULL};
    return meet_stream(&point, CALLER, stdout).kind ? EOF : ((int (*)(const char *))fault_real(&point))(text);
}

FUNCTION(char *, mkdtemp, NULL, (char *path), (path))
OBJECT(FILE *, fopen, (const char *path, const char *mode), (path, mode))
OBJECT(DIR *, opendir, (const char *path), (path))

/* The stream takes over the descriptor. */
EXPORT FILE *fdopen(int file, const char *mode)
{
    static fault_point point = {"fdopen", NULL};
    const fault f = FAULT_MEET(&point);
    if (f.kind) {
        errno = f.code;
        return NULL;
    }
    FILE *stream = ((FILE * (*)(int, const char *)) fault_real(&point))(file, mode);
    if (stream) {
        fault_give_back(fault_descriptor(file));
        fault_take(&point, CALLER, (uintptr_t)stream);
    }
    return stream;
}

/* These release their argument even when they fail. */
#define ENDING(name, type, object, key, failure)                                                             \
    EXPORT int name(type object)                                                                             \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        const fault f = FAULT_MEET(&point);                                                                  \
        fault_give_back(key);                                                                                \
        const int ended = ((int (*)(type))fault_real(&point))(object);                                       \
        if (f.kind)                                                                                          \
            errno = f.code;                                                                                  \
        return f.kind ? failure : ended;                                                                     \
    }

ENDING(fclose, FILE *, stream, (uintptr_t)stream, EOF)
ENDING(close, int, file, fault_descriptor(file), -1)
ENDING(closedir, DIR *, directory, (uintptr_t)directory, -1)

FUNCTION(int, fsync, -1, (int file), (file))
FUNCTION(int, rename, -1, (const char *from, const char *to), (from, to))
FUNCTION(int, link, -1, (const char *from, const char *to), (from, to))
FUNCTION(int, unlink, -1, (const char *path), (path))
FUNCTION(int, unlinkat, -1, (int folder, const char *path, int flags), (folder, path, flags))
FUNCTION(int, rmdir, -1, (const char *path), (path))
FUNCTION(int, mkdir, -1, (const char *path, mode_t mode), (path, mode))
FUNCTION(int, access, -1, (const char *path, int mode), (path, mode))
FUNCTION(int, stat, -1, (const char *path, struct stat *info), (path, info))
FUNCTION(int, lstat, -1, (const char *path, struct stat *info), (path, info))
FUNCTION(int, fstat, -1, (int file, struct stat *info), (file, info))
FUNCTION(int, flock, -1, (int file, int operation), (file, operation))
FUNCTION(int, faccessat, -1, (int folder, const char *path, int mode, int flags), (folder, path, mode, flags))
FUNCTION(ssize_t, getrandom, -1, (void *bytes, size_t size, unsigned flags), (bytes, size, flags))
FUNCTION(struct dirent *, readdir, NULL, (DIR * directory), (directory))
FUNCTION(int, scandir, -1,
         (const char *path, struct dirent ***entries, int (*filter)(const struct dirent *),
          int (*compare)(const struct dirent **, const struct dirent **)),
         (path, entries, filter, compare))

/* ---- processes and threads ---- */

FUNCTION(int, pipe2, -1, (int ends[2], int flags), (ends, flags))
FUNCTION(int, socketpair, -1, (int domain, int type, int protocol, int ends[2]),
         (domain, type, protocol, ends))
FUNCTION(ssize_t, send, -1, (int file, const void *bytes, size_t size, int flags), (file, bytes, size, flags))
FUNCTION(pid_t, waitpid, -1, (pid_t child, int *status, int options), (child, status, options))
FUNCTION(int, poll, -1, (struct pollfd * files, nfds_t count, int time_ms), (files, count, time_ms))
FUNCTION(int, posix_spawn, f.code,
         (pid_t * child, const char *path, const posix_spawn_file_actions_t *actions,
          const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]),
         (child, path, actions, attributes, arguments, environment))
FUNCTION(int, pthread_create, f.code,
         (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument),
         (thread, attributes, run, argument))
