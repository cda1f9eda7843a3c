/* The tensors of a model file, and their place in the vectors. */
#include "model_contents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "util.h"

void rncl_model_contents_fini(rncl_model_contents *list)
{
    free(list->entries);
    free(list->tensors);
    *list = (rncl_model_contents){0};
}

static void append(rncl_model_contents *list, const rncl_content *added, const char *name, const char *suffix,
                   rncl_file_tensor tensor)
{
    rncl_content *kept = &list->entries[list->count];
    *kept = *added;
    snprintf(kept->name, sizeof kept->name, "%s%s", name, suffix);
    tensor.name = kept->name;
    list->tensors[list->count++] = tensor;
    list->largest = MAX(list->largest, kept->out * kept->in * kept->taps);
}

static void append_param(rncl_model_contents *list, const rncl_param *param)
{
    rncl_content added = {
        .source = RNCL_CONTENT_PARAMS, .offset = param->offset, .out = 1, .in = 1, .taps = 1};
    rncl_file_tensor tensor = {.dtype = RNCL_DTYPE_F32, .rank = param->rank};
    size_t *const factors[] = {&added.out, &added.in, &added.taps, &added.taps};
    for (int i = 0; i < param->rank; i++) {
        tensor.dims[i] = (size_t)param->dims[i];
        *factors[i] *= tensor.dims[i];
    }
    append(list, &added, param->name, "", tensor);
}

static void append_running(rncl_model_contents *list, const rncl_running *running)
{
    rncl_content added = {.source = RNCL_CONTENT_STATE, .out = (size_t)running->channels, .in = 1, .taps = 1};
    rncl_file_tensor tensor = {.dtype = RNCL_DTYPE_F32, .rank = 1, .dims = {added.out}};
    added.offset = running->mean_offset;
    append(list, &added, running->name, ".running_mean", tensor);
    added.offset = running->variance_offset;
    append(list, &added, running->name, ".running_var", tensor);
}

/* The 64-bit numbers come first, so that they are aligned in the file. */
rncl_status rncl_model_contents_init(const rncl_graph *graph, rncl_model_contents *list)
{
    size_t capacity = graph->param_count + 3 * graph->running_count;
    *list = (rncl_model_contents){.entries = calloc(capacity, sizeof *list->entries),
                                  .tensors = calloc(capacity, sizeof *list->tensors)};
    if (!list->entries || !list->tensors) {
        rncl_model_contents_fini(list);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for a list of %zu tensors", capacity);
    }
    const rncl_content batches = {.source = RNCL_CONTENT_BATCHES};
    for (size_t i = 0; i < graph->running_count; i++)
        append(list, &batches, graph->running[i].name, ".num_batches_tracked",
               (rncl_file_tensor){.dtype = RNCL_DTYPE_I64});
    for (size_t i = 0; i < graph->param_count; i++)
        append_param(list, &graph->params[i]);
    for (size_t i = 0; i < graph->running_count; i++)
        append_running(list, &graph->running[i]);
    return RNCL_OK;
}

/* ---- single tensors ---- */

/* One row of the list, as rncl_model_contents_init would append it. */
typedef struct single {
    rncl_content entry;
    rncl_file_tensor tensor;
} single;

static single single_at(const rncl_graph *graph, size_t index)
{
    rncl_content entries[2];
    rncl_file_tensor tensors[2];
    rncl_model_contents list = {.entries = entries, .tensors = tensors};
    if (index < graph->param_count) {
        append_param(&list, &graph->params[index]);
        return (single){entries[0], tensors[0]};
    }
    index -= graph->param_count;
    append_running(&list, &graph->running[index / 2]);
    return (single){entries[index % 2], tensors[index % 2]};
}

size_t rncl_model_tensor_count(const rncl_graph *graph)
{
    return graph->param_count + 2 * graph->running_count;
}

void rncl_model_tensor_at(const rncl_graph *graph, size_t index, rncl_model_tensor *out)
{
    const single found = single_at(graph, index);
    *out = (rncl_model_tensor){.rank = found.tensor.rank,
                               .count = found.entry.out * found.entry.in * found.entry.taps};
    memcpy(out->name, found.entry.name, sizeof out->name);
    for (int i = 0; i < found.tensor.rank; i++)
        out->dims[i] = found.tensor.dims[i];
}

static rncl_status no_tensor(const rncl_graph *graph, const char *name)
{
    const char **names = calloc(graph->param_count, sizeof *names);
    for (size_t i = 0; names && i < graph->param_count; i++)
        names[i] = graph->params[i].name;
    const char *nearest = names ? rncl_text_nearest(name, names, graph->param_count) : NULL;
    free(names);
    return RNCL_FAIL(RNCL_ERR_USAGE, "the network has no %.95s%s%s%s", name, nearest ? "; did you mean " : "",
                     nearest ? nearest : "", nearest ? "?" : "");
}

rncl_status rncl_model_tensor_find(const rncl_graph *graph, const char *name, size_t *index)
{
    const size_t count = rncl_model_tensor_count(graph);
    for (*index = 0; *index < count; ++*index)
        if (!strcmp(single_at(graph, *index).entry.name, name))
            return RNCL_OK;
    return no_tensor(graph, name);
}

void rncl_model_tensor_get(const rncl_graph *graph, size_t index, const float *params, const float *state,
                           float *values)
{
    const single found = single_at(graph, index);
    rncl_content_to_file(&found.entry,
                         (found.entry.source == RNCL_CONTENT_PARAMS ? params : state) + found.entry.offset,
                         values);
}

void rncl_model_tensor_set(const rncl_graph *graph, size_t index, const float *values, float *params,
                           float *state)
{
    const single found = single_at(graph, index);
    rncl_content_to_device(&found.entry, values,
                           (found.entry.source == RNCL_CONTENT_PARAMS ? params : state) + found.entry.offset);
}

/* ---- layouts ---- */

void rncl_content_to_file(const rncl_content *e, const float *device, float *file)
{
    for (size_t o = 0; o < e->out; o++)
        for (size_t i = 0; i < e->in; i++)
            for (size_t t = 0; t < e->taps; t++)
                file[(o * e->in + i) * e->taps + t] = device[(t * e->in + i) * e->out + o];
}

void rncl_content_to_device(const rncl_content *e, const float *file, float *device)
{
    for (size_t o = 0; o < e->out; o++)
        for (size_t i = 0; i < e->in; i++)
            for (size_t t = 0; t < e->taps; t++)
                device[(t * e->in + i) * e->out + o] = file[(o * e->in + i) * e->taps + t];
}
