/* Writing of safetensors files (https://github.com/huggingface/safetensors): a 64-bit length, a JSON header
 * of that length, then the tensors' bytes without gaps; all little-endian. tensor_file.h reads them. */
#ifndef RNCL_NN_SAFETENSORS_H
#define RNCL_NN_SAFETENSORS_H

#include "tensor_file.h"

enum { RNCL_SAFETENSORS_LENGTH = 8 }; /* bytes of the length before the header */

/* CRC-32 of the tensors' bytes in the order of the file; starts with 0. */
typedef uint32_t rncl_safetensors_checksum;

rncl_safetensors_checksum rncl_safetensors_add(rncl_safetensors_checksum checksum, const void *bytes,
                                               size_t count);
/* Puts it into the metadata, under rncl.crc32. RNCL_ERR_MEMORY; `path` is for the message. */
rncl_status rncl_safetensors_seal(const char *path, json_t *metadata, rncl_safetensors_checksum checksum);

/* Starts a file with its header. The caller then writes the bytes of each tensor (name, dtype, rank and dims
 * are used) in this order to the stream, and commits. The same arguments give the same bytes. A checksum of
 * the header is put into the metadata, under rncl.header. RNCL_ERR_IO, RNCL_ERR_MEMORY. */
rncl_status rncl_safetensors_create(const char *path, json_t *metadata, const rncl_file_tensor *tensors,
                                    size_t count, rncl_atomic_file *out);

#endif
