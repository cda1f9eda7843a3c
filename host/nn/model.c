/* Saving: metadata with a checksum, then the tensors in PyTorch's layout. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

#include "model_contents.h"
#include "model_meta.h"
#include "safetensors.h"

typedef struct model_values {
    const float *params, *state;
    int64_t batches_tracked;
} model_values;

/* Takes the next bytes of the tensors. */
typedef void byte_sink(void *user, const void *bytes, size_t count);

/* Hands all tensors out in the file's layout and order. */
static void each_tensor(const rncl_model_contents *list, const model_values *values, float *scratch,
                        byte_sink *sink, void *user)
{
    for (size_t i = 0; i < list->count; i++) {
        const rncl_content *e = &list->entries[i];
        if (e->source == RNCL_CONTENT_BATCHES) {
            sink(user, &values->batches_tracked, sizeof values->batches_tracked);
            continue;
        }
        const float *vector = e->source == RNCL_CONTENT_PARAMS ? values->params : values->state;
        rncl_content_to_file(e, vector + e->offset, scratch);
        sink(user, scratch, e->out * e->in * e->taps * sizeof *scratch);
    }
}

static void add_to_checksum(void *user, const void *bytes, size_t count)
{
    rncl_safetensors_checksum *checksum = user;
    *checksum = rncl_safetensors_add(*checksum, bytes, count);
}

/* Failures of the stream show when the file is committed. */
static void write_to_stream(void *user, const void *bytes, size_t count)
{
    fwrite(bytes, 1, count, user);
}

/* The header has the checksum of what follows it: the tensors are gone through twice. */
static rncl_status save_with(float *scratch, const char *path, const rncl_model_contents *list,
                             json_t *metadata, const model_values *values)
{
    rncl_safetensors_checksum checksum = 0;
    each_tensor(list, values, scratch, add_to_checksum, &checksum);
    RNCL_TRY(rncl_safetensors_seal(path, metadata, checksum));
    rncl_atomic_file file;
    RNCL_TRY(rncl_safetensors_create(path, metadata, list->tensors, list->count, &file));
    each_tensor(list, values, scratch, write_to_stream, file.stream);
    return rncl_atomic_file_commit(&file);
}

static rncl_status save(const char *path, const rncl_model_contents *list, json_t *metadata,
                        const model_values *values)
{
    float *scratch = malloc(list->largest * sizeof *scratch);
    if (!scratch)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for a tensor of %zu values", path, list->largest);
    const rncl_status st = save_with(scratch, path, list, metadata, values);
    free(scratch);
    return st;
}

rncl_status rncl_model_save(const char *path, const rncl_graph *graph, const rncl_model_meta *meta,
                            const float *params, const float *state, int64_t batches_tracked)
{
    json_t *metadata;
    RNCL_TRY(rncl_model_meta_json(path, &graph->options, meta, &metadata));
    rncl_model_contents list;
    rncl_status st = rncl_model_contents_init(graph, &list);
    if (!st) {
        st = save(path, &list, metadata, &(model_values){params, state, batches_tracked});
        rncl_model_contents_fini(&list);
    }
    json_decref(metadata);
    return st;
}
