/* The table of built programs: assembles source text and compiles it, or loads a binary from the disk. */
#include "program.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binary_cache.h"
#include "cl_error.h"
#include "file.h"
#include "kernel_sources.h"
#include "util.h"

typedef struct built_program {
    char *name; /* stem and options */
    cl_program program;
} built_program;

struct rncl_program_cache {
    built_program *programs;
    size_t count, capacity;
    rncl_program_statistics statistics;
};

rncl_status rncl_program_cache_create(struct rncl_program_cache **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "table of programs");
}

void rncl_program_cache_destroy(struct rncl_program_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->count; i++) {
        clReleaseProgram(cache->programs[i].program);
        free(cache->programs[i].name);
    }
    free(cache->programs);
    free(cache);
}

rncl_program_statistics rncl_program_cache_statistics(const rncl_context *context)
{
    return context->programs->statistics;
}

/* The text of one kernel file, from $RNCL_KERNELS or from the library; caller frees. kernel_abi.h is
 * always the embedded one, which the host was compiled with; it is not in kernels/. */
static rncl_status source_read(const char *name, char **out)
{
    *out = NULL;
    const char *folder = getenv("RNCL_KERNELS");
    if (folder && strcmp(name, "kernel_abi.h") != 0) {
        char *path = rncl_path_join(folder, name);
        if (!path)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "path of %s", name);
        rncl_contents contents;
        rncl_status st = rncl_file_read(path, &contents);
        free(path);
        if (st)
            return st;
        *out = contents.data ? strndup((const char *)contents.data, contents.size_bytes) : strdup("");
        rncl_contents_free(&contents);
        return *out ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "source of %s", name);
    }
    for (size_t i = 0; i < rncl_kernel_source_count; i++)
        if (!strcmp(rncl_kernel_sources[i].name, name)) {
            *out = strdup(rncl_kernel_sources[i].text);
            return *out ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "source of %s", name);
        }
    return RNCL_FAIL(RNCL_ERR_BUILD, "%s: no such kernel file in the library", name);
}

/* Writes the file to `out`, with each line #include "…" replaced by that file, but for the file `left_out`:
 * OpenCL 1.2 has no include path for sources that are in memory. */
static rncl_status source_expand(const char *name, const char *left_out, FILE *out)
{
    if (!strcmp(name, left_out))
        return RNCL_OK;
    char *text;
    RNCL_TRY(source_read(name, &text));
    rncl_status st = RNCL_OK;
    char *next;
    for (char *line = text; line && *line && !st; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        char included[64];
        if (sscanf(line, "#include \"%63[^\"]\"", included) == 1)
            st = source_expand(included, left_out, out);
        else
            fprintf(out, "%s\n", line);
    }
    free(text);
    return st;
}

static rncl_status source_assemble(const char *stem, const char *left_out, char **out)
{
    *out = NULL;
    char *name = rncl_text_format("%s.cl", stem);
    size_t size;
    FILE *stream = open_memstream(out, &size);
    if (!name || !stream) {
        free(name);
        if (stream)
            fclose(stream);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "source of %s.cl", stem);
    }
    rncl_status st = source_expand(name, left_out, stream);
    /* A stream in memory that could not grow has lost some of the text. */
    const bool lost = ferror(stream) != 0;
    if ((fclose(stream) != 0 || lost || !*out) && !st)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "source of %s.cl", stem);
    free(name);
    if (st) {
        free(*out);
        *out = NULL;
    }
    return st;
}

/* FNV-1a over the code alone: comments and white space are skipped. */
static uint64_t hash_code(const char *text)
{
    uint64_t hash = RNCL_HASH_START;
    while (*text) {
        if (text[0] == '/' && text[1] == '*') {
            const char *end = strstr(text + 2, "*/");
            text = end ? end + 2 : text + strlen(text);
        } else if (text[0] == '/' && text[1] == '/') {
            text += strcspn(text, "\n");
        } else {
            if (!isspace((unsigned char)*text))
                hash = rncl_hash(hash, text, 1);
            text++;
        }
    }
    return hash;
}

rncl_status rncl_program_source_hash(const char *name, uint64_t *hash)
{
    char *source;
    RNCL_TRY(source_assemble(name, "kernel_abi.h", &source));
    *hash = hash_code(source);
    free(source);
    return RNCL_OK;
}

/* The context's log gets the whole build log, the message its first line with an error. */
static rncl_status build_failure(rncl_context *context, cl_program program, const char *stem,
                                 const char *options)
{
    size_t size = 0;
    clGetProgramBuildInfo(program, context->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    char *log = calloc(1, size + 1);
    if (!log)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "build log of %s.cl", stem);
    clGetProgramBuildInfo(program, context->device, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    char first[256] = "";
    rncl_log_line(&context->log, RNCL_LOG_WARNING, "%s.cl does not build with %s:", stem, options);
    char *rest = NULL;
    for (char *line = strtok_r(log, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        rncl_log_line(&context->log, RNCL_LOG_WARNING, "  %s", line);
        if (!first[0] && strstr(line, "error"))
            snprintf(first, sizeof first, ": %s", line);
    }
    free(log);
    return RNCL_FAIL(RNCL_ERR_BUILD, "%s.cl does not build on %s%s", stem, context->info.name, first);
}

static rncl_status compile(rncl_context *context, const char *stem, const char *options, const char *source,
                           cl_program *out)
{
    if (!context->info.compiler)
        return RNCL_FAIL(RNCL_ERR_BUILD, "%s.cl: %s has no compiler and no binary of it was found", stem,
                         context->info.name);
    cl_int error;
    *out = clCreateProgramWithSource(context->context, 1, &source, NULL, &error);
    RNCL_TRY(rncl_cl_status(error, "clCreateProgramWithSource", "%s.cl", stem));
    error = clBuildProgram(*out, 1, &context->device, options, NULL, NULL);
    if (error == CL_SUCCESS)
        return RNCL_OK;
    rncl_status st = error == CL_BUILD_PROGRAM_FAILURE
                         ? build_failure(context, *out, stem, options)
                         : rncl_cl_status(error, "clBuildProgram", "%s.cl", stem);
    clReleaseProgram(*out);
    *out = NULL;
    return st;
}

static rncl_status program_make(rncl_context *context, const char *stem, const char *shape_options,
                                cl_program *out)
{
    *out = NULL;
    char *source;
    RNCL_TRY(source_assemble(stem, "", &source));
    char *options = rncl_text_format("%s %s", shape_options, context->build_options);
    char *key = options ? rncl_binary_cache_key(&context->info, options, source) : NULL;
    rncl_status st = RNCL_OK;
    if (!key) {
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "cache key of %s.cl", stem);
    } else if (rncl_binary_cache_load(context, key, options, out)) {
        context->programs->statistics.from_disk++;
    } else {
        st = compile(context, stem, options, source, out);
        if (!st) {
            context->programs->statistics.compiled++;
            rncl_binary_cache_store(context, key, *out);
        }
    }
    free(key);
    free(options);
    free(source);
    return st;
}

rncl_status rncl_program_build(rncl_context *context, const char *stem, const char *options, cl_program *out)
{
    *out = NULL;
    struct rncl_program_cache *cache = context->programs;
    char *name = rncl_text_format("%s %s", stem, options);
    if (!name)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "program %s", stem);
    for (size_t i = 0; i < cache->count; i++)
        if (!strcmp(cache->programs[i].name, name)) {
            free(name);
            *out = cache->programs[i].program;
            return RNCL_OK;
        }
    rncl_status st = RNCL_OK;
    if (cache->count == cache->capacity) {
        size_t capacity = MAX((size_t)32, 2 * cache->capacity);
        built_program *grown = realloc(cache->programs, capacity * sizeof *grown);
        if (!grown) {
            free(name);
            return RNCL_FAIL(RNCL_ERR_MEMORY, "table of programs");
        }
        cache->programs = grown;
        cache->capacity = capacity;
    }
    uint64_t start_ns = rncl_time_ns();
    st = program_make(context, stem, options, out);
    cache->statistics.time_ns += rncl_time_ns() - start_ns;
    if (st) {
        free(name);
        return st;
    }
    cache->programs[cache->count++] = (built_program){name, *out};
    return RNCL_OK;
}
