/* Reads safetensors files, which may be damaged or hostile. */
#include "safetensors_checksum.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "util.h"

/* The deepest networks have headers of a megabyte; parsed, they take up to thirty times as much memory. */
enum { MAX_HEADER_BYTES = 10000000 };

static bool read_size(const json_t *value, size_t *size)
{
    return json_typeof(value) == JSON_INTEGER && !__builtin_add_overflow(json_integer_value(value), 0, size);
}

static rncl_status read_dtype(const char *path, const json_t *entry, rncl_file_tensor *tensor)
{
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    if (dtype && rncl_dtype_find(dtype, &tensor->dtype))
        return RNCL_OK;
    return RNCL_FAIL(
        RNCL_ERR_MODEL,
        "%s: %s has the data type %s; rncl reads F64, F32, F16, BF16 and integers: convert the file", path,
        tensor->name, dtype && rncl_text_is_plain(dtype) ? dtype : "?");
}

static rncl_status read_shape(const char *path, const json_t *entry, rncl_file_tensor *tensor)
{
    const json_t *shape = json_object_get(entry, "shape");
    size_t rank = json_array_size(shape);
    if (!json_is_array(shape) || rank > RNCL_TENSOR_RANK)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: %s does not have a shape of at most %d dimensions", path,
                         tensor->name, RNCL_TENSOR_RANK);
    tensor->rank = (int)rank;
    for (size_t i = 0; i < rank; i++)
        if (!read_size(json_array_get(shape, i), &tensor->dims[i]))
            return RNCL_FAIL(RNCL_ERR_MODEL, "%s: dimension %zu of %s is not a size", path, i + 1,
                             tensor->name);
    size_t size_bytes;
    if (!rncl_file_tensor_bytes(tensor, &size_bytes))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: the shape of %s is too large", path, tensor->name);
    rncl_file_tensor_pack(tensor);
    return RNCL_OK;
}

/* Of a tensor whose shape has been checked. */
static size_t bytes_of(const rncl_file_tensor *tensor)
{
    size_t size_bytes = 0;
    (void)rncl_file_tensor_bytes(tensor, &size_bytes);
    return size_bytes;
}

/* `data` is what follows the header. */
static rncl_status read_data(const char *path, const json_t *entry, rncl_contents data,
                             rncl_file_tensor *tensor)
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
    if (end - begin != bytes_of(tensor))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: %s has %zu bytes, its shape asks for %zu", path, tensor->name,
                         end - begin, bytes_of(tensor));
    tensor->data = data.data + begin;
    return RNCL_OK;
}

static rncl_status read_tensor(const char *path, const char *name, const json_t *entry, rncl_contents data,
                               rncl_file_tensor *tensor)
{
    if (!rncl_text_is_plain(name))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: a tensor's name has control characters in it", path);
    tensor->name = name;
    RNCL_TRY(read_dtype(path, entry, tensor));
    RNCL_TRY(read_shape(path, entry, tensor));
    return read_data(path, entry, data, tensor);
}

static rncl_status read_metadata(const char *path, rncl_tensor_file *file)
{
    json_t *metadata = json_object_get(file->header, "__metadata__");
    if (!metadata || json_typeof(metadata) == JSON_NULL) /* serde's None, to the format's own library */
        return RNCL_OK;
    bool strings = json_typeof(metadata) == JSON_OBJECT;
    for (void *at = json_object_iter(metadata); at; at = json_object_iter_next(metadata, at))
        strings = strings && json_typeof(json_object_iter_value(at)) == JSON_STRING;
    if (!strings)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: its __metadata__ does not consist of strings", path);
    file->metadata = metadata;
    return RNCL_OK;
}

/* What comes instead of a file that was not there, or only in name. */
static rncl_status refuse_text(const char *path, rncl_contents bytes)
{
    static const char pointer[] = "version https://git-lfs";
    if (bytes.size_bytes >= sizeof pointer && !memcmp(bytes.data, pointer, sizeof pointer - 1))
        return RNCL_FAIL(RNCL_ERR_MODEL,
                         "%s: a pointer of Git LFS, not the file itself; fetch it: git lfs pull", path);
    if (bytes.size_bytes > RNCL_SAFETENSORS_LENGTH && bytes.data[0] == '<' &&
        bytes.data[RNCL_SAFETENSORS_LENGTH] != '{')
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: a web page or other text, not weights; download the file anew",
                         path);
    return RNCL_OK;
}

/* Eight letters where the length of the header should be. */
static bool begins_as_text(rncl_contents bytes)
{
    for (size_t i = 0; i < RNCL_SAFETENSORS_LENGTH; i++) {
        const unsigned char letter = bytes.data[i];
        if ((letter < ' ' || letter > '~') && letter != '\t' && letter != '\r' && letter != '\n')
            return false;
    }
    return true;
}

/* Files that lie beside weights and are taken for them. */
static rncl_status refuse_length(const char *path, rncl_contents bytes, uint64_t length)
{
    static const char checkpoint[] = "RNCLCKPT"; /* the beginning of last.ckpt */
    if (!memcmp(bytes.data, checkpoint, RNCL_SAFETENSORS_LENGTH))
        return RNCL_FAIL(RNCL_ERR_MODEL,
                         "%s: a checkpoint, for --resume; the weights are in best.safetensors beside it",
                         path);
    if (begins_as_text(bytes))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: text, not weights; give the .safetensors or .pth file", path);
    return RNCL_FAIL(
        RNCL_ERR_MODEL,
        "%s: neither a safetensors nor a .pth file, or cut short: its header would have %llu bytes", path,
        (unsigned long long)length);
}

/* Splits the file: the parsed header into `file`, what follows it into `data`. */
static rncl_status read_header(const char *path, rncl_contents bytes, rncl_tensor_file *file,
                               rncl_contents *data)
{
    uint64_t length;
    RNCL_TRY(refuse_text(path, bytes));
    if (bytes.size_bytes < RNCL_SAFETENSORS_LENGTH)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: too short for a safetensors file", path);
    memcpy(&length, bytes.data, RNCL_SAFETENSORS_LENGTH);
    if (length > MAX_HEADER_BYTES || length > bytes.size_bytes - RNCL_SAFETENSORS_LENGTH)
        return refuse_length(path, bytes, length);
    const char *text = (const char *)bytes.data + RNCL_SAFETENSORS_LENGTH;
    json_error_t error;
    if (rncl_json_parse(text, (size_t)length, JSON_REJECT_DUPLICATES, &file->header, &error) ==
        RNCL_ERR_MEMORY)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its header", path);
    if (!file->header || json_typeof(file->header) != JSON_OBJECT)
        return RNCL_FAIL(RNCL_ERR_MODEL,
                         "%s: not a safetensors file: the header is not a JSON object without duplicates",
                         path);
    *data = (rncl_contents){bytes.data + RNCL_SAFETENSORS_LENGTH + length,
                            bytes.size_bytes - RNCL_SAFETENSORS_LENGTH - (size_t)length};
    return RNCL_OK;
}

static rncl_status read_tensors(const char *path, rncl_tensor_file *file, rncl_contents data)
{
    file->tensors = calloc(json_object_size(file->header) + 1, sizeof *file->tensors);
    if (!file->tensors)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its list of tensors", path);
    for (void *at = json_object_iter(file->header); at; at = json_object_iter_next(file->header, at)) {
        const char *name = json_object_iter_key(at);
        if (strcmp(name, "__metadata__") == 0)
            continue;
        RNCL_TRY(read_tensor(path, name, json_object_iter_value(at), data, &file->tensors[file->count++]));
    }
    return RNCL_OK;
}

/* By place in the file; empty tensors before what begins where they stand. */
static int compare_places(const void *a, const void *b)
{
    const rncl_file_tensor *left = a, *right = b;
    if (left->data != right->data)
        return left->data < right->data ? -1 : 1;
    const size_t left_bytes = bytes_of(left), right_bytes = bytes_of(right);
    return left_bytes < right_bytes ? -1 : left_bytes > right_bytes;
}

/* Every byte belongs to exactly one tensor. */
static rncl_status check_cover(const char *path, rncl_tensor_file *file, rncl_contents data)
{
    const unsigned char *position = data.data;
    if (file->count)
        qsort(file->tensors, file->count, sizeof *file->tensors, compare_places);
    for (size_t i = 0; i < file->count; i++) {
        const rncl_file_tensor *tensor = &file->tensors[i];
        if (tensor->data != position)
            return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: the data of %s %s", path, tensor->name,
                             tensor->data < position ? "overlaps another tensor's" : "comes after a gap");
        position += bytes_of(tensor);
    }
    if (position != data.data + data.size_bytes)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: damaged: %zu bytes at its end belong to no tensor", path,
                         (size_t)(data.data + data.size_bytes - position));
    return RNCL_OK;
}

static rncl_status compare(const char *path, const rncl_tensor_file *file, const char *key, const char *found,
                           const char *what)
{
    const char *promised = rncl_tensor_file_metadata(file, key);
    if (!promised || strcmp(promised, found) == 0)
        return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_MODEL,
                     "%s: damaged, or changed after rncl wrote it: its %s not have the checksum that its "
                     "metadata promise; copy the file again, or take another",
                     path, what);
}

static rncl_status verify(const char *path, const rncl_tensor_file *file)
{
    char found[RNCL_SAFETENSORS_TEXT];
    if (rncl_tensor_file_metadata(file, rncl_safetensors_header_key)) {
        RNCL_TRY(rncl_safetensors_header(path, file->header, found));
        RNCL_TRY(compare(path, file, rncl_safetensors_header_key, found, "header does"));
    }
    rncl_safetensors_text(rncl_safetensors_add(0, file->data.data, file->data.size_bytes), found);
    return compare(path, file, rncl_safetensors_key, found, "tensors do");
}

static rncl_status read_file(const char *path, rncl_contents bytes, rncl_tensor_file *file)
{
    rncl_contents data;
    RNCL_TRY(read_header(path, bytes, file, &data));
    RNCL_TRY(read_metadata(path, file));
    RNCL_TRY(read_tensors(path, file, data));
    file->data = data;
    file->has_checksum = rncl_tensor_file_metadata(file, rncl_safetensors_key) != NULL;
    return check_cover(path, file, data);
}

const rncl_tensor_format rncl_format_safetensors = {NULL, read_file, verify};
