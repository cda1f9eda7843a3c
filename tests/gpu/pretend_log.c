/* The log of the pretending layer. */
#include "pretend_log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PROGRAMS = 4096, MOST_ARGUMENTS = 1 << 15, MOST_BUFFERS = 1 << 14, ARGUMENT_BYTES = 128 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Appends a line to the log, if one is wanted. Lines are whole, however the process ends. */
static void __attribute__((format(printf, 1, 2))) log_line(const char *format, ...)
{
    static FILE *file;
    const char *path = getenv("RNCL_PRETEND_LOG");
    if (!file && path && (file = fopen(path, "ae")))
        setvbuf(file, NULL, _IOLBF, BUFSIZ);
    if (!file)
        return;
    va_list values;
    va_start(values, format);
    vfprintf(file, format, values);
    va_end(values);
}

/* ---- programs ---- */

static cl_program programs[MOST_PROGRAMS];
static size_t program_count;

static long number_of(cl_program program)
{
    for (size_t i = program_count; i > 0; i--)
        if (programs[i - 1] == program)
            return (long)i - 1;
    return -1;
}

/* FNV-1a, to name a source. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
    return hash;
}

void pretend_log_build(cl_program program, const char *source, const char *options)
{
    const uint64_t hash = hash_of(source);
    const char *folder = getenv("RNCL_PRETEND_SOURCES");
    char path[4096];
    FILE *file = NULL;
    if (folder && *source) {
        snprintf(path, sizeof path, "%s/%016llx.cl", folder, (unsigned long long)hash);
        file = fopen(path, "we");
    }
    if (file) {
        fputs(source, file);
        fclose(file);
    }
    pthread_mutex_lock(&lock);
    const size_t number = program_count;
    if (program_count < MOST_PROGRAMS)
        programs[program_count++] = program;
    log_line("build %zu %016llx %s\n", number, (unsigned long long)hash, options);
    pthread_mutex_unlock(&lock);
}

/* ---- buffers and arguments ---- */

/* Buffers, with the sizes that were asked for. Those that are released stay: their handles come again, later
 * in the list. */
static struct {
    cl_mem handle;
    size_t size;
} buffers[MOST_BUFFERS];
static size_t buffer_count;

cl_mem pretend_log_buffer(cl_mem handle, size_t size)
{
    pthread_mutex_lock(&lock);
    if (handle && buffer_count < MOST_BUFFERS) {
        buffers[buffer_count].handle = handle;
        buffers[buffer_count++].size = size;
    }
    pthread_mutex_unlock(&lock);
    return handle;
}

/* Arguments of kernels, so that launches can be told with them; hashed by kernel and index. */
static struct argument {
    cl_kernel kernel;
    cl_uint index;
    size_t size;
    unsigned char value[ARGUMENT_BYTES];
} arguments[MOST_ARGUMENTS];

/* Where an argument is, or could be put; NULL if the table is full. */
static struct argument *find_argument(cl_kernel kernel, cl_uint index)
{
    const size_t start = (size_t)(uintptr_t)kernel / sizeof(void *) * 2654435761u + index;
    for (size_t i = 0; i < MOST_ARGUMENTS; i++) {
        struct argument *argument = &arguments[(start + i) % MOST_ARGUMENTS];
        if (!argument->kernel || (argument->kernel == kernel && argument->index == index))
            return argument;
    }
    return NULL;
}

void pretend_log_argument(cl_kernel kernel, cl_uint index, size_t size, const void *value)
{
    if (!getenv("RNCL_PRETEND_LAUNCHES") || !value || size > ARGUMENT_BYTES)
        return;
    pthread_mutex_lock(&lock);
    struct argument *argument = find_argument(kernel, index);
    if (argument) {
        *argument = (struct argument){.kernel = kernel, .index = index, .size = size};
        memcpy(argument->value, value, size);
    }
    pthread_mutex_unlock(&lock);
}

/* The size that a buffer was asked for in; 0 if the value is none. */
static size_t buffer_size(const struct argument *argument)
{
    cl_mem buffer;
    if (argument->size != sizeof buffer)
        return 0;
    memcpy(&buffer, argument->value, sizeof buffer);
    for (size_t i = buffer_count; i > 0; i--)
        if (buffers[i - 1].handle == buffer)
            return buffers[i - 1].size;
    return 0;
}

/* " b4096" or " 1,2,3". */
static void append_argument(char *text, size_t room, const struct argument *argument)
{
    size_t length = strlen(text);
    const size_t size = buffer_size(argument);
    if (size) {
        snprintf(text + length, room - length, " b%zu", size);
        return;
    }
    for (size_t at = 0; at + sizeof(cl_int) <= argument->size && length < room; at += sizeof(cl_int)) {
        cl_int word;
        memcpy(&word, argument->value + at, sizeof word);
        length += (size_t)snprintf(text + length, room - length, "%c%d", at ? ',' : ' ', word);
    }
}

void pretend_log_launch(cl_kernel kernel, const size_t global[3], const size_t local[3])
{
    char name[128] = "", text[4096] = "";
    cl_program program = NULL;
    cl_uint count = 0;
    if (!getenv("RNCL_PRETEND_LAUNCHES"))
        return;
    clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    clGetKernelInfo(kernel, CL_KERNEL_PROGRAM, sizeof program, &program, NULL);
    clGetKernelInfo(kernel, CL_KERNEL_NUM_ARGS, sizeof count, &count, NULL);
    pthread_mutex_lock(&lock);
    for (cl_uint index = 0; index < count; index++) {
        const struct argument *argument = find_argument(kernel, index);
        if (argument && argument->kernel)
            append_argument(text, sizeof text, argument);
    }
    log_line("launch %s %ld %zu,%zu,%zu %zu,%zu,%zu%s\n", name, number_of(program), global[0], global[1],
             global[2], local[0], local[1], local[2], text);
    pthread_mutex_unlock(&lock);
}
