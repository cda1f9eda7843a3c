/* The tensors of a model file, and their place in the vectors. */
#include "model_contents.h"

#include <stdio.h>
#include <stdlib.h>

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
