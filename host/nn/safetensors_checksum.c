/* Checksums of tensors and headers. */
#include "safetensors_checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "json_text.h"

rncl_safetensors_checksum rncl_safetensors_add(rncl_safetensors_checksum checksum, const void *bytes,
                                               size_t count)
{
    return (rncl_safetensors_checksum)crc32_z(checksum, bytes, count);
}

const char rncl_safetensors_key[] = "rncl.crc32", rncl_safetensors_header_key[] = "rncl.header";

void rncl_safetensors_text(rncl_safetensors_checksum checksum, char text[RNCL_SAFETENSORS_TEXT])
{
    snprintf(text, RNCL_SAFETENSORS_TEXT, "%08x", (unsigned)checksum);
}

/* A shallow copy; NULL when out of memory, where Jansson's own copy lacks members. */
static json_t *copy(json_t *object)
{
    json_t *copied = json_copy(object);
    if (json_object_size(copied) == json_object_size(object))
        return copied;
    json_decref(copied);
    return NULL;
}

rncl_status rncl_safetensors_header(const char *path, json_t *header, char text[RNCL_SAFETENSORS_TEXT])
{
    json_t *rest = copy(header), *metadata = copy(json_object_get(header, "__metadata__"));
    (void)json_object_del(metadata, rncl_safetensors_header_key);
    const bool complete = json_object_set_new(rest, "__metadata__", metadata) == 0;
    char *canonical = complete ? rncl_json_format(rest, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(rest);
    if (!canonical)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for the checksum of its header", path);
    rncl_safetensors_text(rncl_safetensors_add(0, canonical, strlen(canonical)), text);
    free(canonical);
    return RNCL_OK;
}
