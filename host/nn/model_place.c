/* A prefix counts if the graph's first parameters are all behind it. */
#include "model_place.h"

#include <stdio.h>
#include <string.h>

#include "util.h"

enum { FIRST_PARAMS = 4, NAME_LENGTH = 512 }; /* those of a stem, and the first filter behind it */

static bool has(const rncl_tensor_file *file, const char *prefix, size_t length, const char *name)
{
    char text[NAME_LENGTH];
    snprintf(text, sizeof text, "%.*s%s", (int)length, prefix, name);
    return rncl_tensor_file_find(file, text) != NULL;
}

static bool has_network(const rncl_tensor_file *file, const char *prefix, size_t length,
                        const rncl_graph *graph)
{
    for (size_t i = 0; i < MIN(graph->param_count, (size_t)FIRST_PARAMS); i++)
        if (!has(file, prefix, length, graph->params[i].name))
            return false;
    return true;
}

/* The length of what stands before `name` in `full`, with a dot at its end; 0: nothing, or it is another
 * name. */
static size_t prefix_length(const char *full, const char *name)
{
    const size_t length = strlen(full), end = strlen(name);
    const size_t before = length > end ? length - end : 0;
    return before && before < NAME_LENGTH / 2 && full[before - 1] == '.' && !strcmp(full + before, name)
               ? before
               : 0;
}

/* *prefix: a file's name that begins with the only prefix of a network, and its length; 0: there is none. */
static rncl_status find_prefix(const char *path, const rncl_graph *graph, const rncl_tensor_file *file,
                               const char **prefix, size_t *length)
{
    *length = 0;
    for (size_t i = 0; i < file->count; i++) {
        const char *name = file->tensors[i].name;
        const size_t candidate = prefix_length(name, graph->params[0].name);
        if (!candidate || !has_network(file, name, candidate, graph))
            continue;
        if (*length)
            return RNCL_FAIL(RNCL_ERR_MODEL,
                             "%s: it holds several networks, %.*s and %.*s; save the weights of one of them",
                             path, (int)*length, *prefix, (int)candidate, name);
        *prefix = name;
        *length = candidate;
    }
    return RNCL_OK;
}

/* What several prefixes have taken off together. */
static rncl_status note_prefix(const char *path, const char *prefix, size_t length, rncl_tensor_file *file)
{
    const char *before = file->prefix ? file->prefix : "";
    const size_t size = strlen(before) + length + 1;
    char *all = rncl_tensor_file_allocate(file, size);
    if (!all)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its names", path);
    snprintf(all, size, "%s%.*s", before, (int)length, prefix);
    file->prefix = all;
    return RNCL_OK;
}

rncl_status rncl_model_place_find(const char *path, const rncl_graph *graph, rncl_tensor_file *file,
                                  size_t *dropped)
{
    *dropped = 0;
    if (rncl_tensor_file_find(file, graph->params[0].name))
        return RNCL_OK;
    const char *prefix = NULL;
    size_t length, kept = 0;
    RNCL_TRY(find_prefix(path, graph, file, &prefix, &length));
    if (!length)
        return RNCL_OK;
    RNCL_TRY(note_prefix(path, prefix, length, file));
    for (size_t i = 0; i < file->count; i++) {
        if (strncmp(file->tensors[i].name, prefix, length) != 0)
            continue;
        file->tensors[kept] = file->tensors[i];
        file->tensors[kept++].name += length;
    }
    *dropped = file->count - kept;
    file->count = kept;
    return RNCL_OK;
}
