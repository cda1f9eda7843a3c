/* safetensors files (https://github.com/huggingface/safetensors): a 64-bit length, a JSON header of that
 * length, then the tensors' bytes without gaps; all little-endian. */
#ifndef RNCL_NN_SAFETENSORS_H
#define RNCL_NN_SAFETENSORS_H

#include <jansson.h>
#include <stddef.h>

#include "file.h"
#include "status.h"

typedef enum rncl_dtype {
    RNCL_DTYPE_F32,
    RNCL_DTYPE_I64,
} rncl_dtype;

#define RNCL_SAFETENSORS_RANK 8 /* the most dimensions that rncl reads */

typedef struct rncl_safetensor {
    const char *name; /* the file's, when read */
    rncl_dtype dtype;
    int rank; /* 0: a scalar */
    size_t dims[RNCL_SAFETENSORS_RANK];
    const unsigned char *data; /* at any alignment: memcpy. NULL when written */
    size_t size_bytes;
} rncl_safetensor;

typedef struct rncl_safetensors {
    rncl_contents file;
    json_t *header;
    const json_t *metadata;   /* object of strings, or NULL */
    rncl_safetensor *tensors; /* by name */
    size_t count;
} rncl_safetensors;

/* Maps and checks a file: after RNCL_OK every tensor's bytes are inside it, in the size that dtype and shape
 * ask for, and every byte of it belongs to exactly one tensor. RNCL_ERR_MODEL otherwise. `path` appears in
 * messages only. */
rncl_status rncl_safetensors_open(const char *path, rncl_safetensors *out);
void rncl_safetensors_close(rncl_safetensors *file); /* harmless on a zeroed one */

const rncl_safetensor *rncl_safetensors_find(const rncl_safetensors *file, const char *name);
/* NULL if the file's metadata does not have it. */
const char *rncl_safetensors_metadata(const rncl_safetensors *file, const char *key);

/* Starts a file with its header. The caller then writes the bytes of each tensor (name, dtype, rank and dims
 * are used) in this order to the stream, and commits. The same arguments give the same bytes. RNCL_ERR_IO. */
rncl_status rncl_safetensors_create(const char *path, json_t *metadata, const rncl_safetensor *tensors,
                                    size_t count, rncl_atomic_file *out);

const char *rncl_dtype_name(rncl_dtype dtype); /* "F32" */
/* "[64, 3, 7, 7]"; cut off where it does not fit. */
void rncl_safetensor_shape_text(const rncl_safetensor *tensor, char *text, size_t size);

#endif
