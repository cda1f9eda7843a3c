/* Writing of safetensors files (https://github.com/huggingface/safetensors): a 64-bit length, a JSON header
 * of that length, then the tensors' bytes without gaps; all little-endian. tensor_file.h reads them. */
#ifndef RNCL_NN_SAFETENSORS_H
#define RNCL_NN_SAFETENSORS_H

#include "tensor_file.h"

/* Starts a file with its header. The caller then writes the bytes of each tensor (name, dtype, rank and dims
 * are used) in this order to the stream, and commits. The same arguments give the same bytes. RNCL_ERR_IO. */
rncl_status rncl_safetensors_create(const char *path, json_t *metadata, const rncl_file_tensor *tensors,
                                    size_t count, rncl_atomic_file *out);

#endif
