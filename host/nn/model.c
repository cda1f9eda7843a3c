/* Saving: metadata, then the tensors in PyTorch's layout. */
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

/* Failures of the stream show when the file is committed. */
static void write_tensors(const rncl_model_contents *list, const model_values *values, float *scratch,
                          FILE *stream)
{
    for (size_t i = 0; i < list->count; i++) {
        const rncl_content *e = &list->entries[i];
        if (e->source == RNCL_CONTENT_BATCHES) {
            fwrite(&values->batches_tracked, sizeof values->batches_tracked, 1, stream);
            continue;
        }
        const float *vector = e->source == RNCL_CONTENT_PARAMS ? values->params : values->state;
        rncl_content_to_file(e, vector + e->offset, scratch);
        fwrite(scratch, sizeof *scratch, e->out * e->in * e->taps, stream);
    }
}

static rncl_status save(const char *path, const rncl_model_contents *list, json_t *metadata,
                        const model_values *values)
{
    float *scratch = malloc(list->largest * sizeof *scratch);
    if (!scratch)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for a tensor of %zu values", path, list->largest);
    rncl_atomic_file file;
    rncl_status st = rncl_safetensors_create(path, metadata, list->tensors, list->count, &file);
    if (!st) {
        write_tensors(list, values, scratch, file.stream);
        st = rncl_atomic_file_commit(&file);
    }
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
