/* Reading (of files that may be damaged or hostile) and writing of safetensors. */
#include "safetensors.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are copied as they are in the file");

/* The deepest networks have headers of a megabyte; parsed, they take up to thirty times as much memory. */
enum { LENGTH_BYTES = 8, MAX_HEADER_BYTES = 10000000 };

static const struct {
    const char *name;
    size_t size_bytes;
} dtypes[] = {
    [RNCL_DTYPE_F32] = {"F32", 4},
    [RNCL_DTYPE_I64] = {"I64", 8},
};

const char *rncl_dtype_name(rncl_dtype dtype)
{
    return dtypes[dtype].name;
}

void rncl_safetensor_shape_text(const rncl_safetensor *tensor, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "[");
    for (int i = 0; i < tensor->rank && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%zu", i ? ", " : "", tensor->dims[i]);
    if (length < size)
        snprintf(text + length, size - length, "]");
}

/* Bytes of a tensor from its dtype and shape; false if there are more than memory has addresses. */
static bool tensor_bytes(const rncl_safetensor *tensor, size_t *size_bytes)
{
    *size_bytes = dtypes[tensor->dtype].size_bytes;
    for (int i = 0; i < tensor->rank; i++)
        if (!rncl_size_multiply(*size_bytes, tensor->dims[i], size_bytes))
            return false;
    return true;
}

/* Whether a text from a file can stand in a message: no line breaks, no terminal commands. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static bool read_size(const json_t *value, size_t *size)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uintmax_t)number > SIZE_MAX)
        return false;
    *size = (size_t)number;
    return true;
}

static rncl_status read_dtype(const char *path, const json_t *entry, rncl_safetensor *tensor)
{
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    for (size_t i = 0; dtype && i < COUNT(dtypes); i++) {
        if (strcmp(dtype, dtypes[i].name) == 0) {
            tensor->dtype = (rncl_dtype)i;
            return RNCL_OK;
        }
    }
    return RNCL_FAIL(RNCL_ERR_MODEL, "%s: %s has the data type %s; rncl reads F32 and I64: convert the file",
                     path, tensor->name, dtype && is_plain(dtype) ? dtype : "?");
}

static rncl_status read_shape(const char *path, const json_t *entry, rncl_safetensor *tensor)
{
    const json_t *shape = json_object_get(entry, "shape");
    size_t rank = json_array_size(shape);
    if (!json_is_array(shape) || rank > RNCL_SAFETENSORS_RANK)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: %s does not have a shape of at most %d dimensions", path,
                         tensor->name, RNCL_SAFETENSORS_RANK);
    tensor->rank = (int)rank;
    for (size_t i = 0; i < rank; i++)
        if (!read_size(json_array_get(shape, i), &tensor->dims[i]))
            return RNCL_FAIL(RNCL_ERR_MODEL, "%s: dimension %zu of %s is not a size", path, i + 1,
                             tensor->name);
    if (!tensor_bytes(tensor, &tensor->size_bytes))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: the shape of %s is too large", path, tensor->name);
    return RNCL_OK;
}

/* `data` is what follows the header. */
static rncl_status read_data(const char *path, const json_t *entry, rncl_contents data,
                             rncl_safetensor *tensor)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    size_t begin, end;
    if (json_array_size(offsets) != 2 || !read_size(json_array_get(offsets, 0), &begin) ||
        !read_size(json_array_get(offsets, 1), &end) || begin > end)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: %s does not have a beginning and an end of its data", path,
                         tensor->name);
    if (end > data.size_bytes)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: cut short: %s ends at byte %zu of %zu; copy the file again",
                         path, tensor->name, end, data.size_bytes);
    if (end - begin != tensor->size_bytes)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: %s has %zu bytes, its shape asks for %zu", path, tensor->name,
                         end - begin, tensor->size_bytes);
    tensor->data = data.data + begin;
    return RNCL_OK;
}

static rncl_status read_tensor(const char *path, const char *name, const json_t *entry, rncl_contents data,
                               rncl_safetensor *tensor)
{
    if (!is_plain(name))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: a tensor's name has control characters in it", path);
    tensor->name = name;
    RNCL_TRY(read_dtype(path, entry, tensor));
    RNCL_TRY(read_shape(path, entry, tensor));
    return read_data(path, entry, data, tensor);
}

static rncl_status read_metadata(const char *path, rncl_safetensors *file)
{
    json_t *metadata = json_object_get(file->header, "__metadata__");
    if (!metadata)
        return RNCL_OK;
    const char *key;
    json_t *value;
    bool strings = json_is_object(metadata);
    json_object_foreach(metadata, key, value) strings = strings && json_is_string(value);
    if (!strings)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: its __metadata__ does not consist of strings", path);
    file->metadata = metadata;
    return RNCL_OK;
}

/* Splits the file: the parsed header into `file`, what follows it into `data`. */
static rncl_status read_header(const char *path, rncl_safetensors *file, rncl_contents *data)
{
    uint64_t length;
    if (file->file.size_bytes < LENGTH_BYTES)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: too short for a safetensors file", path);
    memcpy(&length, file->file.data, LENGTH_BYTES);
    if (length > MAX_HEADER_BYTES || length > file->file.size_bytes - LENGTH_BYTES)
        return RNCL_FAIL(RNCL_ERR_MODEL,
                         "%s: not a safetensors file, or cut short: its header would have %llu bytes", path,
                         (unsigned long long)length);
    const char *text = (const char *)file->file.data + LENGTH_BYTES;
    json_error_t error;
    file->header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (!file->header || !json_is_object(file->header))
        return RNCL_FAIL(RNCL_ERR_MODEL,
                         "%s: not a safetensors file: the header is not a JSON object without duplicates",
                         path);
    *data = (rncl_contents){file->file.data + LENGTH_BYTES + length,
                            file->file.size_bytes - LENGTH_BYTES - (size_t)length};
    return RNCL_OK;
}

static rncl_status read_tensors(const char *path, rncl_safetensors *file, rncl_contents data)
{
    file->tensors = calloc(json_object_size(file->header) + 1, sizeof *file->tensors);
    if (!file->tensors)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its list of tensors", path);
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        RNCL_TRY(read_tensor(path, name, entry, data, &file->tensors[file->count++]));
    }
    return RNCL_OK;
}

/* By place in the file; empty tensors before what begins where they stand. */
static int compare_places(const void *a, const void *b)
{
    const rncl_safetensor *left = a, *right = b;
    if (left->data != right->data)
        return left->data < right->data ? -1 : 1;
    return left->size_bytes < right->size_bytes ? -1 : left->size_bytes > right->size_bytes;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const rncl_safetensor *)a)->name, ((const rncl_safetensor *)b)->name);
}

/* Every byte belongs to exactly one tensor. */
static rncl_status check_cover(const char *path, rncl_safetensors *file, rncl_contents data)
{
    const unsigned char *position = data.data;
    qsort(file->tensors, file->count, sizeof *file->tensors, compare_places);
    for (size_t i = 0; i < file->count; i++) {
        const rncl_safetensor *tensor = &file->tensors[i];
        if (tensor->data != position)
            return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: the data of %s %s", path, tensor->name,
                             tensor->data < position ? "overlaps another tensor's" : "comes after a gap");
        position += tensor->size_bytes;
    }
    if (position != data.data + data.size_bytes)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: %zu bytes at its end belong to no tensor", path,
                         (size_t)(data.data + data.size_bytes - position));
    return RNCL_OK;
}

rncl_status rncl_safetensors_open(const char *path, rncl_safetensors *out)
{
    *out = (rncl_safetensors){0};
    const rncl_status missing = rncl_file_read(path, &out->file);
    if (missing)
        return RNCL_FAIL(missing == RNCL_ERR_MEMORY ? missing : RNCL_ERR_MODEL, "%s", rncl_status_message());
    rncl_contents data;
    rncl_status st = read_header(path, out, &data);
    if (!st)
        st = read_metadata(path, out);
    if (!st)
        st = read_tensors(path, out, data);
    if (!st)
        st = check_cover(path, out, data);
    if (st) {
        rncl_safetensors_close(out);
        return st;
    }
    qsort(out->tensors, out->count, sizeof *out->tensors, compare_names);
    return RNCL_OK;
}

void rncl_safetensors_close(rncl_safetensors *file)
{
    free(file->tensors);
    json_decref(file->header);
    rncl_contents_free(&file->file);
    *file = (rncl_safetensors){0};
}

const rncl_safetensor *rncl_safetensors_find(const rncl_safetensors *file, const char *name)
{
    rncl_safetensor key = {.name = name};
    return bsearch(&key, file->tensors, file->count, sizeof key, compare_names);
}

const char *rncl_safetensors_metadata(const rncl_safetensors *file, const char *key)
{
    return json_string_value(json_object_get(file->metadata, key));
}

static json_t *tensor_entry(const rncl_safetensor *tensor, size_t begin, size_t end)
{
    json_t *shape = json_array();
    for (int i = 0; i < tensor->rank; i++)
        json_array_append_new(shape, json_integer((json_int_t)tensor->dims[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtypes[tensor->dtype].name, "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)end);
}

/* The header's text, padded with spaces so that the data begin at a multiple of 8 bytes; NULL when out of
 * memory. */
static char *header_text(json_t *metadata, const rncl_safetensor *tensors, size_t count)
{
    char *padded = NULL;
    json_t *header = json_object();
    bool complete = json_object_set(header, "__metadata__", metadata) == 0;
    size_t position = 0;
    for (size_t i = 0; complete && i < count; i++) {
        size_t size_bytes;
        complete = tensor_bytes(&tensors[i], &size_bytes);
        complete =
            complete && !json_object_set_new(header, tensors[i].name,
                                             tensor_entry(&tensors[i], position, position + size_bytes));
        position += size_bytes;
    }
    char *text = complete ? json_dumps(header, JSON_COMPACT) : NULL;
    if (text)
        padded = rncl_text_format("%-*s", (int)rncl_round_up(strlen(text), LENGTH_BYTES), text);
    free(text);
    json_decref(header);
    return padded;
}

rncl_status rncl_safetensors_create(const char *path, json_t *metadata, const rncl_safetensor *tensors,
                                    size_t count, rncl_atomic_file *out)
{
    *out = (rncl_atomic_file){0};
    char *header = header_text(metadata, tensors, count);
    if (!header)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its header", path);
    rncl_status st = rncl_atomic_file_create(path, out);
    if (!st) {
        uint64_t length = strlen(header);
        fwrite(&length, 1, LENGTH_BYTES, out->stream);
        fwrite(header, 1, length, out->stream);
    }
    free(header);
    return st;
}
