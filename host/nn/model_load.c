/* Loading: the tensors of a file are matched with those of the graph, checked, and only then copied. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "model_contents.h"
#include "model_place.h"
#include "model_variants.h"
#include "util.h"

/* A stem for more channels than pictures have is none. */
enum { MOST_STEM_CHANNELS = 64 };

/* Which tensor of the file is which of the graph's: `sources` has NULL where the graph's values stay, which
 * is a missing number of batches, or in training a last layer for other classes. */
typedef struct loading {
    const rncl_model_source *source;
    const rncl_graph *graph;
    rncl_tensor_file file;
    rncl_model_contents wanted;
    const rncl_file_tensor **sources;
    bool *known;           /* of the file's tensors */
    size_t left_out;       /* tensors of the file that are of something else */
    bool fresh_head;       /* the last layer stays */
    size_t stem_channels;  /* of a stem that is to be adapted; 0: it fits */
    float *scratch, *stem; /* a tensor in the file's layout; a stem as the file has it */
} loading;

static rncl_status no_memory(const loading *l)
{
    return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to load it", l->source->path);
}

/* The network is another one: why, if the file tells. */
static rncl_status misfit(const loading *l, const char *what, const char *advice)
{
    const char *variant = rncl_model_variant(&l->file);
    return RNCL_FAIL(RNCL_ERR_MODEL, "%s: %s; %s%s", l->source->path, what,
                     variant ? "rncl does not have this network: " : "check ", variant ? variant : advice);
}

/* ---- shapes ---- */

static bool same_dims(const rncl_file_tensor *found, const rncl_file_tensor *wanted, int but)
{
    if (found->rank != wanted->rank)
        return false;
    for (int i = 0; i < wanted->rank; i++)
        if (i != but && found->dims[i] != wanted->dims[i])
            return false;
    return true;
}

static rncl_status wrong_shape(const loading *l, const rncl_file_tensor *found,
                               const rncl_file_tensor *wanted)
{
    char text[384], found_shape[128], wanted_shape[128];
    rncl_file_tensor_shape_text(found, found_shape, sizeof found_shape);
    rncl_file_tensor_shape_text(wanted, wanted_shape, sizeof wanted_shape);
    snprintf(text, sizeof text, "%s is %s %s, the network wants %s %s", wanted->name,
             rncl_dtype_name(found->dtype), found_shape, rncl_dtype_name(wanted->dtype), wanted_shape);
    return misfit(l, text, "--arch, --depth, --classes");
}

/* One number of any type, as a scalar or as a vector of one: who converts a state dict to halves converts
 * this, too. */
static rncl_status check_batches(const loading *l, const rncl_file_tensor *found,
                                 const rncl_file_tensor *wanted)
{
    for (int i = 0; i < found->rank; i++)
        if (found->dims[i] != 1)
            return wrong_shape(l, found, wanted);
    return rncl_dtype_is_number(found->dtype) ? RNCL_OK : wrong_shape(l, found, wanted);
}

static bool is_head(const loading *l, const char *name)
{
    const rncl_node *head = &l->graph->nodes[l->graph->node_count - 1];
    return strcmp(name, l->graph->params[head->weight].name) == 0 ||
           strcmp(name, l->graph->params[head->bias].name) == 0;
}

static bool is_stem(const loading *l, const char *name)
{
    return strcmp(name, l->graph->params[l->graph->nodes[0].weight].name) == 0;
}

static rncl_status check_stem(loading *l, const rncl_file_tensor *found, const rncl_file_tensor *wanted)
{
    const size_t channels = found->dims[1];
    if (!l->source->adapt_stem)
        return RNCL_FAIL(RNCL_ERR_MODEL,
                         "%s: %s is for pictures of %zu channels, these have %zu; --adapt-stem converts it",
                         l->source->path, wanted->name, channels, wanted->dims[1]);
    if (channels < 1 || channels > MOST_STEM_CHANNELS)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: %s is for pictures of %zu channels, more than can be converted",
                         l->source->path, wanted->name, channels);
    l->stem_channels = channels;
    return RNCL_OK;
}

static rncl_status check_values(loading *l, const rncl_file_tensor *found, const rncl_file_tensor *wanted)
{
    const bool floats = rncl_dtype_is_float(found->dtype);
    if (floats && same_dims(found, wanted, -1))
        return RNCL_OK;
    if (floats && is_stem(l, wanted->name) && same_dims(found, wanted, 1))
        return check_stem(l, found, wanted);
    return wrong_shape(l, found, wanted);
}

/* ---- matching ---- */

static rncl_status missing(loading *l, size_t index)
{
    const char *name = l->wanted.tensors[index].name;
    if (l->wanted.entries[index].source == RNCL_CONTENT_BATCHES)
        return RNCL_OK;
    if (l->source->training && is_head(l, name)) {
        l->fresh_head = true;
        return RNCL_OK;
    }
    char text[128];
    snprintf(text, sizeof text, "%s is missing", name);
    return misfit(l, text, "--arch, --depth and --shortcut");
}

static rncl_status match_one(loading *l, size_t index)
{
    const rncl_file_tensor *wanted = &l->wanted.tensors[index];
    const rncl_file_tensor *found = rncl_tensor_file_find(&l->file, wanted->name);
    if (!found)
        return missing(l, index);
    l->known[found - l->file.tensors] = true;
    if (l->source->training && is_head(l, wanted->name) && rncl_dtype_is_float(found->dtype) &&
        same_dims(found, wanted, 0) && found->dims[0] != wanted->dims[0]) {
        l->fresh_head = true;
        return RNCL_OK;
    }
    RNCL_TRY(l->wanted.entries[index].source == RNCL_CONTENT_BATCHES ? check_batches(l, found, wanted)
                                                                     : check_values(l, found, wanted));
    l->sources[index] = found;
    return RNCL_OK;
}

/* Whether a tensor lies in a layer or block of the network other than its last layer: "layer1" of
 * "layer1.0.conv3.weight". */
static bool is_in_body(const loading *l, const char *name)
{
    const size_t length = strcspn(name, ".");
    for (size_t i = 0; i < l->wanted.count; i++) {
        const char *wanted = l->wanted.tensors[i].name;
        if (strcspn(wanted, ".") == length && !strncmp(wanted, name, length) && !is_head(l, wanted))
            return true;
    }
    return false;
}

/* Finds every tensor of the graph in the file, and nothing else there; in training, beside another last
 * layer. */
static rncl_status match(loading *l)
{
    for (size_t i = 0; i < l->wanted.count; i++)
        RNCL_TRY(match_one(l, i));
    for (size_t i = 0; i < l->file.count; i++) {
        if (l->known[i])
            continue;
        if (l->fresh_head && !is_in_body(l, l->file.tensors[i].name)) {
            l->left_out++;
            continue;
        }
        char text[160];
        snprintf(text, sizeof text, "the network has no %.120s", l->file.tensors[i].name);
        return misfit(l, text, "--arch, --depth and --shortcut");
    }
    for (size_t i = 0; i < l->wanted.count && l->fresh_head; i++) /* never half of it */
        if (is_head(l, l->wanted.tensors[i].name))
            l->sources[i] = NULL;
    return RNCL_OK;
}

/* ---- values ---- */

/* Converts the first convolution to another number of input channels. To one channel: the sum over all, so
 * that a grey picture gives what the same picture gave in all channels. Otherwise channel i is taken from
 * channel i modulo `from`, scaled by from / to (as timm does). */
static void adapt_stem(const loading *l, const rncl_content *e)
{
    const size_t from = l->stem_channels;
    const float scale = e->in == 1 ? 1.0f : (float)from / (float)e->in;
    for (size_t o = 0; o < e->out; o++) {
        for (size_t i = 0; i < e->in; i++) {
            for (size_t t = 0; t < e->taps; t++) {
                float sum = 0;
                for (size_t c = i % from; c < from; c += e->in == 1 ? 1 : from)
                    sum += l->stem[(o * from + c) * e->taps + t];
                l->scratch[(o * e->in + i) * e->taps + t] = scale * sum;
            }
        }
    }
}

/* Leaves the values of a tensor in `scratch`, in the file's layout; their number. */
static size_t take_values(const loading *l, size_t index)
{
    const rncl_content *e = &l->wanted.entries[index];
    if (l->stem_channels && is_stem(l, e->name)) {
        rncl_file_tensor_floats(l->sources[index], l->stem);
        adapt_stem(l, e);
    } else {
        rncl_file_tensor_floats(l->sources[index], l->scratch);
    }
    return e->out * e->in * e->taps;
}

static bool has_values(const loading *l, size_t index)
{
    return l->sources[index] && l->wanted.entries[index].source != RNCL_CONTENT_BATCHES;
}

static rncl_status check_finite(const loading *l)
{
    for (size_t i = 0; i < l->wanted.count; i++) {
        const size_t count = has_values(l, i) ? take_values(l, i) : 0;
        for (size_t k = 0; k < count; k++)
            if (!isfinite(l->scratch[k]))
                return RNCL_FAIL(
                    RNCL_ERR_MODEL,
                    "%s: %s holds %s: its own training diverged, or the file is damaged; take an "
                    "earlier one",
                    l->source->path, l->wanted.tensors[i].name, isnan(l->scratch[k]) ? "NaN" : "infinity");
    }
    return RNCL_OK;
}

static void copy_values(const loading *l, float *params, float *state)
{
    for (size_t i = 0; i < l->wanted.count; i++) {
        const rncl_content *e = &l->wanted.entries[i];
        if (!has_values(l, i))
            continue;
        take_values(l, i);
        rncl_content_to_device(e, l->scratch,
                               (e->source == RNCL_CONTENT_PARAMS ? params : state) + e->offset);
    }
}

/* Batch normalisations may differ in the batches they have seen; the most is what counts. */
static int64_t most_batches(const loading *l)
{
    int64_t most = 0;
    for (size_t i = 0; i < l->wanted.count; i++)
        if (l->wanted.entries[i].source == RNCL_CONTENT_BATCHES && l->sources[i])
            most = MAX(most, rncl_file_tensor_integer(l->sources[i]));
    return most;
}

/* ---- all of it ---- */

static void tell(const loading *l)
{
    const rncl_log *log = l->source->log;
    const char *path = l->source->path;
    const char *variant = rncl_model_variant_of_path(path);
    if (variant)
        rncl_log_line(
            log, RNCL_LOG_WARNING,
            "%s: by its name a %s, which smooths before it samples; rncl does not, and answers otherwise",
            path, variant);
    if (!l->file.has_checksum)
        rncl_log_line(log, RNCL_LOG_NOTE, "%s has no checksum: that it is undamaged was not checked", path);
    if (l->file.prefix)
        rncl_log_line(log, RNCL_LOG_NOTE, "%s: the names of its tensors are read without their prefix %s",
                      path, l->file.prefix);
    if (l->left_out)
        rncl_log_line(log, RNCL_LOG_NOTE, "%s: tensors left out, not of this network: %zu", path,
                      l->left_out);
    if (l->stem_channels)
        rncl_log_line(log, RNCL_LOG_NOTE, "%s: its first convolution is converted from %zu channels to %d",
                      path, l->stem_channels, l->graph->options.channels);
    if (l->fresh_head)
        rncl_log_line(
            log, RNCL_LOG_NOTE,
            "%s has another number of classes than %d, or none: %s starts anew, everything else is kept",
            path, l->graph->options.classes, l->graph->nodes[l->graph->node_count - 1].name);
}

static rncl_status allocate(loading *l)
{
    RNCL_TRY(rncl_model_contents_init(l->graph, &l->wanted));
    const rncl_param *stem = &l->graph->params[l->graph->nodes[0].weight];
    l->sources = calloc(l->wanted.count, sizeof *l->sources);
    l->known = calloc(l->file.count + 1, sizeof *l->known);
    l->scratch = malloc(l->wanted.largest * sizeof *l->scratch);
    l->stem = malloc(stem->count / (size_t)stem->dims[1] * MOST_STEM_CHANNELS * sizeof *l->stem);
    return l->sources && l->known && l->scratch && l->stem ? RNCL_OK : no_memory(l);
}

static rncl_status load(loading *l, float *params, float *state, int64_t *batches_tracked)
{
    RNCL_TRY(rncl_model_place_find(l->source->path, l->graph, &l->file, &l->left_out));
    RNCL_TRY(allocate(l));
    RNCL_TRY(match(l));
    if (l->source->training) {
        RNCL_TRY(check_finite(l));
    } else {
        memset(params, 0, l->graph->param_floats * sizeof *params);
        memset(state, 0, l->graph->state_floats * sizeof *state);
    }
    copy_values(l, params, state);
    *batches_tracked = most_batches(l);
    tell(l);
    return RNCL_OK;
}

rncl_status rncl_model_load(const rncl_model_source *source, const rncl_graph *graph, float *params,
                            float *state, int64_t *batches_tracked)
{
    loading l = {.source = source, .graph = graph};
    RNCL_TRY(rncl_tensor_file_open(source->path, &l.file));
    rncl_status st = rncl_tensor_file_verify(source->path, &l.file);
    if (!st)
        st = load(&l, params, state, batches_tracked);
    free(l.stem);
    free(l.scratch);
    free(l.known);
    free(l.sources);
    rncl_model_contents_fini(&l.wanted);
    rncl_tensor_file_close(&l.file);
    return st;
}
