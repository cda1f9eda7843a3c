/* Writing: the header with its checksums. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "safetensors_checksum.h"
#include "util.h"

/* NULL when out of memory. */
static json_t *tensor_entry(const rncl_file_tensor *tensor, size_t begin, size_t end)
{
    json_t *shape = json_array();
    for (int i = 0; i < tensor->rank; i++) {
        if (json_array_append_new(shape, json_integer((json_int_t)tensor->dims[i]))) {
            json_decref(shape);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", rncl_dtype_name(tensor->dtype), "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)end);
}

/* NULL when out of memory. New reference. */
static json_t *make_header(const char *path, json_t *metadata, const rncl_file_tensor *tensors, size_t count)
{
    json_t *header = json_object();
    bool complete = json_object_set(header, "__metadata__", metadata) == 0;
    size_t position = 0;
    for (size_t i = 0; complete && i < count; i++) {
        size_t size_bytes = 0;
        complete = rncl_file_tensor_bytes(&tensors[i], &size_bytes) &&
                   !json_object_set_new(header, tensors[i].name,
                                        tensor_entry(&tensors[i], position, position + size_bytes));
        position += size_bytes;
    }
    char checksum[RNCL_SAFETENSORS_TEXT];
    complete = complete && !rncl_safetensors_header(path, header, checksum) &&
               !json_object_set_new(metadata, rncl_safetensors_header_key, json_string(checksum));
    if (complete)
        return header;
    json_decref(header);
    return NULL;
}

/* The header's text, padded with spaces so that the data begin at a multiple of 8 bytes; NULL when out of
 * memory. */
static char *header_text(const char *path, json_t *metadata, const rncl_file_tensor *tensors, size_t count)
{
    char *padded = NULL;
    json_t *header = make_header(path, metadata, tensors, count);
    char *text = header ? rncl_json_format(header, JSON_COMPACT) : NULL;
    if (text)
        padded = rncl_text_format("%-*s", (int)rncl_round_up(strlen(text), RNCL_SAFETENSORS_LENGTH), text);
    free(text);
    json_decref(header);
    return padded;
}

rncl_status rncl_safetensors_seal(const char *path, json_t *metadata, rncl_safetensors_checksum checksum)
{
    char text[RNCL_SAFETENSORS_TEXT];
    rncl_safetensors_text(checksum, text);
    if (json_object_set_new(metadata, rncl_safetensors_key, json_string(text)))
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its metadata", path);
    return RNCL_OK;
}

rncl_status rncl_safetensors_create(const char *path, json_t *metadata, const rncl_file_tensor *tensors,
                                    size_t count, rncl_atomic_file *out)
{
    *out = (rncl_atomic_file){0};
    char *header = header_text(path, metadata, tensors, count);
    if (!header)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its header", path);
    rncl_status st = rncl_atomic_file_create(path, out);
    if (!st) {
        uint64_t length = strlen(header);
        fwrite(&length, 1, RNCL_SAFETENSORS_LENGTH, out->stream);
        fwrite(header, 1, length, out->stream);
    }
    free(header);
    return st;
}
