/* Files of named tensors, whoever wrote them: one table of formats (safetensors, and PyTorch's .pth in its
 * two forms), one list of tensors for all of them. */
#ifndef RNCL_NN_TENSOR_FILE_H
#define RNCL_NN_TENSOR_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"
#include "status.h"

typedef enum rncl_dtype {
    RNCL_DTYPE_F64,
    RNCL_DTYPE_F32,
    RNCL_DTYPE_F16,  /* IEEE 754 binary16 */
    RNCL_DTYPE_BF16, /* the upper half of an F32 */
    RNCL_DTYPE_I64,
    RNCL_DTYPE_I32,
    RNCL_DTYPE_I16,
    RNCL_DTYPE_I8,
    RNCL_DTYPE_U64,
    RNCL_DTYPE_U32,
    RNCL_DTYPE_U16,
    RNCL_DTYPE_U8,
    RNCL_DTYPE_BOOL, /* read, but no network has such a tensor */
} rncl_dtype;

#define RNCL_TENSOR_RANK 8 /* the most dimensions that rncl reads */

typedef struct rncl_file_tensor {
    const char *name; /* the file's, when read, without its prefix */
    rncl_dtype dtype;
    int rank; /* 0: a scalar */
    size_t dims[RNCL_TENSOR_RANK];
    size_t strides[RNCL_TENSOR_RANK]; /* in elements; set when read */
    const unsigned char *data;        /* the first element, at any alignment; NULL when written */
} rncl_file_tensor;

typedef struct rncl_memory_block rncl_memory_block;
typedef struct rncl_tensor_format rncl_tensor_format;

typedef struct rncl_tensor_file {
    const rncl_tensor_format *format;
    rncl_contents file;        /* mapped by rncl_tensor_file_open */
    json_t *header;            /* safetensors; NULL in others */
    const json_t *metadata;    /* object of strings, or NULL */
    rncl_file_tensor *tensors; /* by name */
    size_t count;
    char *prefix;              /* what was taken off the names, such as "module."; NULL: nothing */
    rncl_contents data;        /* safetensors: all tensors' bytes */
    bool has_checksum;         /* what rncl_tensor_file_verify compares, or what was compared in reading */
    rncl_memory_block *blocks; /* names and unpacked data, freed on closing */
} rncl_tensor_file;

/* Maps a file, recognises its format by its first bytes and checks it: after RNCL_OK the elements of every
 * tensor lie inside the file or in memory that was unpacked from it, and names are unique and printable.
 * The prefixes module., _orig_mod., model. and backbone., also several of them, are taken off where all names
 * share them. RNCL_ERR_MODEL for anything else. `path` appears in messages only. */
rncl_status rncl_tensor_file_open(const char *path, rncl_tensor_file *out);
/* The same for bytes in memory, which must outlive the file. */
rncl_status rncl_tensor_file_parse(const char *path, rncl_contents bytes, rncl_tensor_file *out);
/* Whether the tensors' bytes are those that were written, as far as the file has a checksum: reads all of it.
 * RNCL_ERR_MODEL. */
rncl_status rncl_tensor_file_verify(const char *path, const rncl_tensor_file *file);
void rncl_tensor_file_close(rncl_tensor_file *file); /* harmless on a zeroed one */

const rncl_file_tensor *rncl_tensor_file_find(const rncl_tensor_file *file, const char *name);
/* NULL if the file's metadata does not have it. */
const char *rncl_tensor_file_metadata(const rncl_tensor_file *file, const char *key);

bool rncl_dtype_is_float(rncl_dtype dtype);
bool rncl_dtype_is_number(rncl_dtype dtype);   /* an integer or a float */
const char *rncl_dtype_name(rncl_dtype dtype); /* "F32" */
size_t rncl_dtype_bytes(rncl_dtype dtype);
/* By the name that safetensors has for it; false for names that rncl does not know. */
bool rncl_dtype_find(const char *name, rncl_dtype *out);

/* From dtype and shape; false if there are more than memory has addresses. */
bool rncl_file_tensor_bytes(const rncl_file_tensor *tensor, size_t *size_bytes);
/* The strides of a tensor without gaps, last dimension innermost. The shape fits into memory. */
void rncl_file_tensor_pack(rncl_file_tensor *tensor);
/* All elements in the order of the shape, rounded to float. The dtype is a float. */
void rncl_file_tensor_floats(const rncl_file_tensor *tensor, float *values);
/* The first element, without its fraction. The dtype is a number; what is beyond int64 is its end, NaN 0. */
int64_t rncl_file_tensor_integer(const rncl_file_tensor *tensor);
/* "[64, 3, 7, 7]"; cut off where it does not fit. */
void rncl_file_tensor_shape_text(const rncl_file_tensor *tensor, char *text, size_t size);

/* For readers: memory that lives as long as the file; NULL when there is none. */
void *rncl_tensor_file_allocate(rncl_tensor_file *file, size_t size_bytes);

/* A format. Readers fill in `tensors` (in any order, with plain names), `count` and what they need of header,
 * metadata and blocks; what they leave on failure is freed by the caller. */
struct rncl_tensor_format {
    bool (*recognises)(rncl_contents bytes); /* NULL: nothing marks its files */
    rncl_status (*read)(const char *path, rncl_contents bytes, rncl_tensor_file *file);
    /* Compares the checksum; NULL: `read` has done that, or there is none. */
    rncl_status (*verify)(const char *path, const rncl_tensor_file *file);
};

extern const rncl_tensor_format rncl_format_pth_zip, rncl_format_pth_legacy, rncl_format_safetensors;

#endif
