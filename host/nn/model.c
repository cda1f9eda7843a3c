/* Saving and loading: one list of what a graph's file holds serves both. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_meta.h"
#include "safetensors.h"
#include "util.h"

typedef enum source {
    FROM_BATCHES, /* the number of batches seen */
    FROM_PARAMS,
    FROM_STATE,
} source;

/* Where a tensor of the file lies in the vectors: out x in x taps there, taps x in x out here. */
typedef struct entry {
    char name[96];
    source source;
    size_t offset, out, in, taps;
} entry;

typedef struct contents {
    entry *entries;
    rncl_safetensor *tensors; /* the same as the file has them */
    size_t count;
    size_t largest; /* floats */
} contents;

static void contents_fini(contents *list)
{
    free(list->entries);
    free(list->tensors);
}

static void append(contents *list, const entry *added, const char *name, const char *suffix,
                   rncl_safetensor tensor)
{
    entry *kept = &list->entries[list->count];
    *kept = *added;
    snprintf(kept->name, sizeof kept->name, "%s%s", name, suffix);
    tensor.name = kept->name;
    tensor.size_bytes = kept->out * kept->in * kept->taps * sizeof(float);
    list->tensors[list->count++] = tensor;
    list->largest = MAX(list->largest, kept->out * kept->in * kept->taps);
}

static void append_param(contents *list, const rncl_param *param)
{
    entry added = {.source = FROM_PARAMS, .offset = param->offset, .out = 1, .in = 1, .taps = 1};
    rncl_safetensor tensor = {.dtype = RNCL_DTYPE_F32, .rank = param->rank};
    size_t *const factors[] = {&added.out, &added.in, &added.taps, &added.taps};
    for (int i = 0; i < param->rank; i++) {
        tensor.dims[i] = (size_t)param->dims[i];
        *factors[i] *= tensor.dims[i];
    }
    append(list, &added, param->name, "", tensor);
}

static void append_running(contents *list, const rncl_running *running)
{
    entry added = {.source = FROM_STATE, .out = (size_t)running->channels, .in = 1, .taps = 1};
    rncl_safetensor tensor = {.dtype = RNCL_DTYPE_F32, .rank = 1, .dims = {added.out}};
    added.offset = running->mean_offset;
    append(list, &added, running->name, ".running_mean", tensor);
    added.offset = running->variance_offset;
    append(list, &added, running->name, ".running_var", tensor);
}

/* The 64-bit numbers come first, so that they are aligned in the file. */
static rncl_status contents_init(const rncl_graph *graph, contents *list)
{
    size_t capacity = graph->param_count + 3 * graph->running_count;
    *list = (contents){.entries = calloc(capacity, sizeof *list->entries),
                       .tensors = calloc(capacity, sizeof *list->tensors)};
    if (!list->entries || !list->tensors) {
        contents_fini(list);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for a list of %zu tensors", capacity);
    }
    const entry batches = {.source = FROM_BATCHES};
    for (size_t i = 0; i < graph->running_count; i++)
        append(list, &batches, graph->running[i].name, ".num_batches_tracked",
               (rncl_safetensor){.dtype = RNCL_DTYPE_I64});
    for (size_t i = 0; i < graph->param_count; i++)
        append_param(list, &graph->params[i]);
    for (size_t i = 0; i < graph->running_count; i++)
        append_running(list, &graph->running[i]);
    return RNCL_OK;
}

static void to_file_layout(const entry *e, const float *device, float *file)
{
    for (size_t o = 0; o < e->out; o++)
        for (size_t i = 0; i < e->in; i++)
            for (size_t t = 0; t < e->taps; t++)
                file[(o * e->in + i) * e->taps + t] = device[(t * e->in + i) * e->out + o];
}

static void to_device_layout(const entry *e, const float *file, float *device)
{
    for (size_t o = 0; o < e->out; o++)
        for (size_t i = 0; i < e->in; i++)
            for (size_t t = 0; t < e->taps; t++)
                device[(t * e->in + i) * e->out + o] = file[(o * e->in + i) * e->taps + t];
}

typedef struct model_values {
    const float *params, *state;
    int64_t batches_tracked;
} model_values;

/* Failures of the stream show when the file is committed. */
static void write_tensors(const contents *list, const model_values *values, float *scratch, FILE *stream)
{
    for (size_t i = 0; i < list->count; i++) {
        const entry *e = &list->entries[i];
        if (e->source == FROM_BATCHES) {
            fwrite(&values->batches_tracked, sizeof values->batches_tracked, 1, stream);
            continue;
        }
        const float *vector = e->source == FROM_PARAMS ? values->params : values->state;
        to_file_layout(e, vector + e->offset, scratch);
        fwrite(scratch, 1, list->tensors[i].size_bytes, stream);
    }
}

static rncl_status save(const char *path, const contents *list, json_t *metadata, const model_values *values)
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
    contents list;
    rncl_status st = contents_init(graph, &list);
    if (!st) {
        st = save(path, &list, metadata, &(model_values){params, state, batches_tracked});
        contents_fini(&list);
    }
    json_decref(metadata);
    return st;
}

static rncl_status check_tensor(const char *path, const rncl_safetensor *found, const rncl_safetensor *wanted)
{
    if (found->dtype == wanted->dtype && found->rank == wanted->rank &&
        memcmp(found->dims, wanted->dims, sizeof found->dims) == 0)
        return RNCL_OK;
    char found_shape[128], wanted_shape[128];
    rncl_safetensor_shape_text(found, found_shape, sizeof found_shape);
    rncl_safetensor_shape_text(wanted, wanted_shape, sizeof wanted_shape);
    return RNCL_FAIL(RNCL_ERR_MODEL,
                     "%s: %s is %s %s, the network wants %s %s; check --arch, --depth, --classes", path,
                     wanted->name, rncl_dtype_name(found->dtype), found_shape, rncl_dtype_name(wanted->dtype),
                     wanted_shape);
}

/* Whether the file's tensor is one of the last layer's, and right but for the number of classes. */
static bool has_other_classes(const rncl_graph *graph, const rncl_safetensor *found,
                              const rncl_safetensor *wanted)
{
    const rncl_node *head = &graph->nodes[graph->node_count - 1];
    if (strcmp(wanted->name, graph->params[head->weight].name) != 0 &&
        strcmp(wanted->name, graph->params[head->bias].name) != 0)
        return false;
    return found->dtype == wanted->dtype && found->rank == wanted->rank &&
           found->dims[0] != wanted->dims[0] &&
           memcmp(found->dims + 1, wanted->dims + 1, sizeof found->dims - sizeof found->dims[0]) == 0;
}

/* Which tensor of the file is which of the list: `sources` has NULL where the list's values stay, which is a
 * missing number of batches, or the last layer if `classes_differ` is given and they do. */
typedef struct matching {
    const rncl_safetensor **sources;
    bool *known; /* of the file's tensors */
    bool *classes_differ;
} matching;

static rncl_status match_one(const char *path, const rncl_graph *graph, const contents *list, size_t index,
                             const rncl_safetensors *file, matching *m)
{
    const rncl_safetensor *wanted = &list->tensors[index];
    const rncl_safetensor *found = rncl_safetensors_find(file, wanted->name);
    if (!found && list->entries[index].source == FROM_BATCHES)
        return RNCL_OK;
    if (!found)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: %s is missing; check --arch, --depth and --shortcut", path,
                         wanted->name);
    m->known[found - file->tensors] = true;
    if (m->classes_differ && has_other_classes(graph, found, wanted)) {
        *m->classes_differ = true;
        return RNCL_OK;
    }
    RNCL_TRY(check_tensor(path, found, wanted));
    m->sources[index] = found;
    return RNCL_OK;
}

/* Finds every tensor of the list in the file, and nothing else there. */
static rncl_status match(const char *path, const rncl_graph *graph, const contents *list,
                         const rncl_safetensors *file, matching *m)
{
    for (size_t i = 0; i < list->count; i++)
        RNCL_TRY(match_one(path, graph, list, i, file, m));
    for (size_t i = 0; i < file->count; i++)
        if (!m->known[i])
            return RNCL_FAIL(RNCL_ERR_MODEL,
                             "%s: the network has no %s; check --arch, --depth and --shortcut", path,
                             file->tensors[i].name);
    return RNCL_OK;
}

/* Batch normalisations may differ in the batches they have seen; the most is what counts. */
static int64_t most_batches(const contents *list, const rncl_safetensor *const *sources)
{
    int64_t most = 0;
    for (size_t i = 0; i < list->count; i++) {
        int64_t batches;
        if (list->entries[i].source != FROM_BATCHES || !sources[i])
            continue;
        memcpy(&batches, sources[i]->data, sizeof batches);
        most = MAX(most, batches);
    }
    return most;
}

static void read_tensors(const contents *list, const rncl_safetensor *const *sources, float *scratch,
                         float *params, float *state)
{
    for (size_t i = 0; i < list->count; i++) {
        const entry *e = &list->entries[i];
        if (e->source == FROM_BATCHES || !sources[i])
            continue;
        memcpy(scratch, sources[i]->data, sources[i]->size_bytes); /* aligns it */
        to_device_layout(e, scratch, (e->source == FROM_PARAMS ? params : state) + e->offset);
    }
}

/* Where the caller has nothing to keep, padding becomes zero. */
static void clear_vectors(const rncl_graph *graph, float *params, float *state)
{
    memset(params, 0, graph->param_floats * sizeof *params);
    memset(state, 0, graph->state_floats * sizeof *state);
}

static rncl_status load(const char *path, const rncl_graph *graph, float *params, float *state,
                        int64_t *batches_tracked, bool *classes_differ)
{
    rncl_safetensors file;
    RNCL_TRY(rncl_safetensors_open(path, &file));
    matching m = {.classes_differ = classes_differ};
    float *scratch = NULL;
    contents list;
    rncl_status st = contents_init(graph, &list);
    if (st)
        goto close;
    m.sources = calloc(list.count, sizeof *m.sources);
    m.known = calloc(file.count + 1, sizeof *m.known);
    scratch = malloc(list.largest * sizeof *scratch);
    if (!m.sources || !m.known || !scratch) {
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to load it", path);
        goto done;
    }
    st = match(path, graph, &list, &file, &m);
    if (st)
        goto done;
    if (!classes_differ)
        clear_vectors(graph, params, state);
    read_tensors(&list, m.sources, scratch, params, state);
    *batches_tracked = most_batches(&list, m.sources);
done:
    free(scratch);
    free(m.known);
    free(m.sources);
    contents_fini(&list);
close:
    rncl_safetensors_close(&file);
    return st;
}

rncl_status rncl_model_load(const char *path, const rncl_graph *graph, float *params, float *state,
                            int64_t *batches_tracked)
{
    return load(path, graph, params, state, batches_tracked, NULL);
}

rncl_status rncl_model_adopt(const char *path, const rncl_graph *graph, float *params, float *state,
                             int64_t *batches_tracked, bool *fresh)
{
    *fresh = false;
    return load(path, graph, params, state, batches_tracked, fresh);
}

/* ---- single tensors ---- */

/* One row of a file's contents, as contents_init would append it. */
typedef struct single {
    entry entry;
    rncl_safetensor tensor;
} single;

static single single_at(const rncl_graph *graph, size_t index)
{
    entry entries[2];
    rncl_safetensor tensors[2];
    contents list = {.entries = entries, .tensors = tensors};
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
    to_file_layout(&found.entry, (found.entry.source == FROM_PARAMS ? params : state) + found.entry.offset,
                   values);
}

void rncl_model_tensor_set(const rncl_graph *graph, size_t index, const float *values, float *params,
                           float *state)
{
    const single found = single_at(graph, index);
    to_device_layout(&found.entry, values,
                     (found.entry.source == FROM_PARAMS ? params : state) + found.entry.offset);
}
