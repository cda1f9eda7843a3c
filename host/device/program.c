/* The table of built programs: compiles source text, or loads a binary from the disk. */
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binary_cache.h"
#include "cl_error.h"
#include "kernel_binaries.h"
#include "program_source.h"
#include "util.h"

typedef struct built_program {
    char *name;           /* stem and the caller's options */
    char *stem, *options; /* all options */
    char *kernels;        /* as in rncl_program_record */
    cl_program program;
} built_program;

struct rncl_program_cache {
    built_program *programs;
    size_t count, capacity;
    size_t last; /* the program that rncl_program_build has returned last */
    rncl_program_statistics statistics;
};

rncl_status rncl_program_cache_create(struct rncl_program_cache **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "table of programs");
}

static void built_program_fini(built_program *built)
{
    if (built->program)
        clReleaseProgram(built->program);
    free(built->name);
    free(built->stem);
    free(built->options);
    free(built->kernels);
}

void rncl_program_cache_destroy(struct rncl_program_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->count; i++)
        built_program_fini(&cache->programs[i]);
    free(cache->programs);
    free(cache);
}

rncl_program_statistics rncl_program_cache_statistics(const rncl_context *context)
{
    return context->programs->statistics;
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
        return RNCL_FAIL(RNCL_ERR_BUILD,
                         "%s.cl: %s has no compiler and no binary of it was found; make them "
                         "by `rncl kernels` and name their folder in --kernel-binaries",
                         stem, context->info.name);
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

/* From the disk, else from source. */
static rncl_status load_or_compile(rncl_context *context, const char *stem, const char *options,
                                   cl_program *out)
{
    char *source;
    RNCL_TRY(rncl_program_source(stem, &source));
    char *key = rncl_binary_cache_key(&context->info, options, source);
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
    free(source);
    return st;
}

static rncl_status program_make(rncl_context *context, const char *stem, const char *options, cl_program *out)
{
    *out = NULL;
    if (context->binaries) {
        RNCL_TRY(rncl_kernel_binaries_load(context, stem, options, out));
        context->programs->statistics.from_disk++;
        return RNCL_OK;
    }
    return context->lists_programs ? RNCL_OK : load_or_compile(context, stem, options, out);
}

static rncl_status make_room(struct rncl_program_cache *cache)
{
    if (cache->count < cache->capacity)
        return RNCL_OK;
    const size_t capacity = MAX((size_t)32, 2 * cache->capacity);
    built_program *grown = realloc(cache->programs, capacity * sizeof *grown);
    if (!grown)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "table of programs");
    cache->programs = grown;
    cache->capacity = capacity;
    return RNCL_OK;
}

/* Both kinds of options, without spaces at the ends. */
static char *join_options(const char *options, const char *of_device)
{
    char *all = rncl_text_format("%s %s", options + strspn(options, " "), of_device);
    for (size_t length = all ? strlen(all) : 0; length && all[length - 1] == ' '; length--)
        all[length - 1] = '\0';
    return all;
}

rncl_status rncl_program_build(rncl_context *context, const char *stem, const char *options, cl_program *out)
{
    *out = NULL;
    struct rncl_program_cache *cache = context->programs;
    built_program built = {.name = rncl_text_format("%s %s", stem, options)};
    if (!built.name)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "program %s", stem);
    for (size_t i = 0; i < cache->count; i++)
        if (!strcmp(cache->programs[i].name, built.name)) {
            free(built.name);
            cache->last = i;
            *out = cache->programs[i].program;
            return RNCL_OK;
        }
    const uint64_t start_ns = rncl_time_ns();
    built.stem = strdup(stem);
    built.options = join_options(options, context->build_options);
    built.kernels = strdup("");
    rncl_status st = make_room(cache);
    if (!built.stem || !built.options || !built.kernels)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "program %s", stem);
    if (!st)
        st = program_make(context, stem, built.options, &built.program);
    cache->statistics.time_ns += rncl_time_ns() - start_ns;
    if (st) {
        built_program_fini(&built);
        return st;
    }
    *out = built.program;
    cache->last = cache->count;
    cache->programs[cache->count++] = built;
    return RNCL_OK;
}

bool rncl_program_at(const rncl_context *context, size_t index, rncl_program_record *out)
{
    const struct rncl_program_cache *cache = context->programs;
    if (index >= cache->count)
        return false;
    const built_program *built = &cache->programs[index];
    *out = (rncl_program_record){built->stem, built->options, built->kernels, built->program};
    return true;
}

/* Whether the word is one of those in the text, which has a space before each. */
static bool has_word(const char *text, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = text; (at = strchr(at, ' ')); at++)
        if (strcspn(at + 1, " ") == length && !strncmp(at + 1, word, length))
            return true;
    return false;
}

rncl_status rncl_program_note_kernel(rncl_context *context, const char *name)
{
    built_program *built = &context->programs->programs[context->programs->last];
    if (has_word(built->kernels, name))
        return RNCL_OK;
    char *more = rncl_text_format("%s %s", built->kernels, name);
    if (!more)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "kernel %s", name);
    free(built->kernels);
    built->kernels = more;
    return RNCL_OK;
}
