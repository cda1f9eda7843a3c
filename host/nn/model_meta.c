/* What the metadata of model files say, in both directions. */
#include "model_meta.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arch.h"
#include "json_text.h"
#include "tensor_file.h"
#include "utf8.h"
#include "util.h"

/* Options that are words in the file: their names, NULL behind the last. */
typedef const char *word_list(int value);

static const char *arch_word(int value)
{
    return rncl_arch_name((rncl_arch)value);
}

static const char *shortcut_word(int value)
{
    return rncl_shortcut_name((rncl_shortcut)value);
}

static const char *bottleneck_word(int value)
{
    static const char *const words[] = {"v1.5", "v1", NULL};
    return words[value];
}

enum { LARGEST_POOL = 3 };

static const char *stem_pool_word(int value) /* counts down from LARGEST_POOL */
{
    static const char *const words[] = {"3x3", "2x2", NULL};
    return words[value];
}

/* Options that are numbers in the file. */
static const struct number {
    const char *key;
    size_t field;
} numbers[] = {
    {"rncl.depth", offsetof(rncl_network_options, depth)},
    {"rncl.classes", offsetof(rncl_network_options, classes)},
    {"rncl.image", offsetof(rncl_network_options, image)},
    {"rncl.channels", offsetof(rncl_network_options, channels)},
};

/* Writing. Whatever fails here fails for want of memory; json_object_set_new notices a NULL. */

static int set_text(json_t *metadata, const char *key, const char *text)
{
    return json_object_set_new(metadata, key, json_string(text));
}

static int set_number(json_t *metadata, const char *key, int value)
{
    return json_object_set_new(metadata, key, json_sprintf("%d", value));
}

/* "0.485000014,0.456,0.406": nine digits bring a float back. JSON's numbers do not depend on the locale. */
static int set_floats(json_t *metadata, const char *key, const float *values, int count)
{
    json_t *array = json_array();
    int failed = array ? 0 : -1;
    for (int i = 0; i < count && !failed; i++)
        failed = json_array_append_new(array, json_real((double)values[i]));
    char *text = failed ? NULL : rncl_json_format(array, JSON_COMPACT | JSON_REAL_PRECISION(9));
    failed = -1;
    if (text)
        failed = json_object_set_new(metadata, key, json_stringn(text + 1, strlen(text) - 2));
    free(text);
    json_decref(array);
    return failed;
}

/* A label as JSON. Names need not be UTF-8, and no training should be lost for that. */
static json_t *label_json(const char *label)
{
    char *utf8 = rncl_utf8_text(label);
    json_t *json = utf8 ? json_string(utf8) : NULL;
    free(utf8);
    return json;
}

static int set_labels(json_t *metadata, const rncl_model_meta *meta)
{
    json_t *array = json_array();
    int failed = 0;
    for (int i = 0; i < meta->label_count && !failed; i++)
        failed = json_array_append_new(array, label_json(meta->labels[i]));
    char *text = failed ? NULL : rncl_json_format(array, JSON_COMPACT);
    failed = set_text(metadata, "rncl.labels", text);
    free(text);
    json_decref(array);
    return failed;
}

static rncl_status check_meta(const char *path, const rncl_network_options *options,
                              const rncl_model_meta *meta, rncl_status code)
{
    for (int i = 0; i < options->channels; i++)
        if (!isfinite(meta->mean[i]) || !isfinite(meta->std[i]) || meta->std[i] <= 0)
            return RNCL_FAIL(code, "%s: mean %g and std %g of channel %d cannot normalise an image", path,
                             (double)meta->mean[i], (double)meta->std[i], i + 1);
    if (meta->label_count > options->classes)
        return RNCL_FAIL(code, "%s: %d labels for %d classes", path, meta->label_count, options->classes);
    return RNCL_OK;
}

rncl_status rncl_model_meta_json(const char *path, const rncl_network_options *options,
                                 const rncl_model_meta *meta, json_t **out)
{
    *out = NULL;
    RNCL_TRY(check_meta(path, options, meta, RNCL_ERR_USAGE));
    json_t *metadata = json_object();
    int failed = set_text(metadata, "format", "pt");
    failed |= set_text(metadata, "rncl.arch", rncl_arch_name(options->arch));
    failed |= set_text(metadata, "rncl.shortcut", rncl_shortcut_name(options->shortcut));
    failed |= set_text(metadata, "rncl.bottleneck", bottleneck_word(options->bottleneck_v1));
    failed |= set_text(metadata, "rncl.stem_pool", stem_pool_word(LARGEST_POOL - options->stem_pool));
    for (size_t i = 0; i < COUNT(numbers); i++) {
        int value;
        memcpy(&value, (const char *)options + numbers[i].field, sizeof value);
        failed |= set_number(metadata, numbers[i].key, value);
    }
    failed |= set_floats(metadata, "rncl.mean", meta->mean, options->channels);
    failed |= set_floats(metadata, "rncl.std", meta->std, options->channels);
    failed |= set_labels(metadata, meta);
    if (failed) {
        json_decref(metadata);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its metadata", path);
    }
    *out = metadata;
    return RNCL_OK;
}

/* Reading. A key that is not there leaves its value as it is. */

typedef struct meta_source {
    const char *path;
    const rncl_tensor_file *file;
} meta_source;

static rncl_status bad_value(const meta_source *source, const char *key)
{
    return RNCL_FAIL(RNCL_ERR_MODEL, "%s: its %s is nothing that this rncl knows", source->path, key);
}

static rncl_status read_word(const meta_source *source, const char *key, word_list *words, int *value)
{
    const char *text = rncl_tensor_file_metadata(source->file, key);
    if (!text)
        return RNCL_OK;
    for (int i = 0; words(i); i++) {
        if (strcmp(words(i), text) == 0) {
            *value = i;
            return RNCL_OK;
        }
    }
    return bad_value(source, key);
}

static rncl_status read_number(const meta_source *source, const char *key, int *value)
{
    const char *text = rncl_tensor_file_metadata(source->file, key);
    if (!text)
        return RNCL_OK;
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (end == text || *end || errno || number < 1 || number > INT_MAX)
        return bad_value(source, key);
    *value = (int)number;
    return RNCL_OK;
}

static rncl_status no_memory(const meta_source *source)
{
    return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its metadata", source->path);
}

/* NULL if the text is no JSON; RNCL_ERR_MEMORY. */
static rncl_status parse(const meta_source *source, const char *text, json_t **out)
{
    json_error_t error;
    return rncl_json_parse(text, strlen(text), 0, out, &error) == RNCL_ERR_MEMORY ? no_memory(source)
                                                                                  : RNCL_OK;
}

static rncl_status read_floats(const meta_source *source, const char *key, float *values, int count)
{
    const char *text = rncl_tensor_file_metadata(source->file, key);
    if (!text)
        return RNCL_OK;
    char *bracketed = rncl_text_format("[%s]", text);
    json_t *array = NULL;
    const rncl_status st = bracketed ? parse(source, bracketed, &array) : no_memory(source);
    bool good = json_array_size(array) == (size_t)count;
    for (int i = 0; good && i < count; i++) {
        const json_t *number = json_array_get(array, (size_t)i);
        good = json_is_number(number);
        values[i] = (float)json_number_value(number);
    }
    json_decref(array);
    free(bracketed);
    return st ? st : good ? RNCL_OK : bad_value(source, key);
}

static rncl_status copy_labels(const meta_source *source, const json_t *array, rncl_model_meta *meta)
{
    size_t count = json_array_size(array);
    if (!json_is_array(array) || count > INT_MAX)
        return bad_value(source, "rncl.labels");
    if (count == 0)
        return RNCL_OK;
    meta->labels = calloc(count, sizeof *meta->labels);
    if (!meta->labels)
        return no_memory(source);
    for (size_t i = 0; i < count; i++) {
        const char *label = json_string_value(json_array_get(array, i));
        if (!label)
            return bad_value(source, "rncl.labels");
        meta->labels[i] = strdup(label);
        if (!meta->labels[i])
            return no_memory(source);
        meta->label_count++;
    }
    return RNCL_OK;
}

static rncl_status read_labels(const meta_source *source, rncl_model_meta *meta)
{
    const char *text = rncl_tensor_file_metadata(source->file, "rncl.labels");
    if (!text)
        return RNCL_OK;
    json_t *array;
    RNCL_TRY(parse(source, text, &array));
    const rncl_status st = copy_labels(source, array, meta);
    json_decref(array);
    return st;
}

static rncl_status read_options(const meta_source *source, rncl_network_options *options)
{
    int arch = 0, shortcut = RNCL_SHORTCUT_DEFAULT, bottleneck = 0, stem_pool = 0;
    RNCL_TRY(read_word(source, "rncl.arch", arch_word, &arch));
    RNCL_TRY(read_word(source, "rncl.shortcut", shortcut_word, &shortcut));
    RNCL_TRY(read_word(source, "rncl.bottleneck", bottleneck_word, &bottleneck));
    RNCL_TRY(read_word(source, "rncl.stem_pool", stem_pool_word, &stem_pool));
    rncl_network_options read = {.arch = (rncl_arch)arch,
                                 .shortcut = (rncl_shortcut)shortcut,
                                 .bottleneck_v1 = bottleneck,
                                 .stem_pool = LARGEST_POOL - stem_pool};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        int value = 0;
        RNCL_TRY(read_number(source, numbers[i].key, &value));
        memcpy((char *)&read + numbers[i].field, &value, sizeof value);
    }
    if (rncl_arch_complete(&read, options))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: its metadata describe no network: %s", source->path,
                         rncl_status_message());
    return RNCL_OK;
}

static rncl_status read_all(const meta_source *source, rncl_network_options *options, rncl_model_meta *meta)
{
    meta->has_network = true;
    RNCL_TRY(read_options(source, options));
    RNCL_TRY(read_floats(source, "rncl.mean", meta->mean, options->channels));
    RNCL_TRY(read_floats(source, "rncl.std", meta->std, options->channels));
    RNCL_TRY(read_labels(source, meta));
    return check_meta(source->path, options, meta, RNCL_ERR_MODEL);
}

/* What the last layer of a file without metadata tells. */
static int count_classes(const rncl_tensor_file *file)
{
    const rncl_file_tensor *bias = rncl_tensor_file_find(file, "fc.bias");
    return bias && bias->rank == 1 && bias->dims[0] <= INT_MAX ? (int)bias->dims[0] : 0;
}

rncl_status rncl_model_read_meta(const char *path, rncl_network_options *options, rncl_model_meta *meta)
{
    *options = (rncl_network_options){0};
    *meta = (rncl_model_meta){.std = {1, 1, 1, 1}};
    rncl_tensor_file file;
    RNCL_TRY(rncl_tensor_file_open(path, &file));
    meta_source source = {path, &file};
    rncl_status st = RNCL_OK;
    if (rncl_tensor_file_metadata(&file, "rncl.arch"))
        st = read_all(&source, options, meta);
    else
        options->classes = count_classes(&file);
    rncl_tensor_file_close(&file);
    if (st)
        rncl_model_meta_fini(meta);
    return st;
}

void rncl_model_meta_fini(rncl_model_meta *meta)
{
    for (int i = 0; i < meta->label_count; i++)
        free(meta->labels[i]);
    free(meta->labels);
    *meta = (rncl_model_meta){0};
}
