/* An ONNX model under construction, and its file. The only file that knows protobuf-c is onnx_file.c. */
#ifndef RNCL_EXPORT_ONNX_FILE_H
#define RNCL_EXPORT_ONNX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

typedef struct rncl_onnx_file rncl_onnx_file;

enum { RNCL_ONNX_INPUTS = 5, RNCL_ONNX_ATTRIBUTES = 3, RNCL_ONNX_RANK = 4 };

/* The operator sets that files may ask for. The operators that rncl uses mean the same in all of them. */
enum { RNCL_ONNX_OLDEST_OPSET = 17, RNCL_ONNX_NEWEST_OPSET = 22 };

typedef struct rncl_onnx_attribute {
    const char *name; /* NULL: there is none */
    int count;        /* of `ints`; 0: `number` */
    int64_t ints[RNCL_ONNX_RANK];
    bool single; /* ints[0] is an integer and no list of one */
    float number;
} rncl_onnx_attribute;

/* A node with one output; its own name is that of the output. Names are copied. */
typedef struct rncl_onnx_node {
    const char *type;                     /* "Conv" */
    const char *inputs[RNCL_ONNX_INPUTS]; /* NULL behind the last one */
    const char *output;
    rncl_onnx_attribute attributes[RNCL_ONNX_ATTRIBUTES];
} rncl_onnx_node;

typedef struct rncl_onnx_shape {
    int rank;
    int64_t dims[RNCL_ONNX_RANK]; /* of inputs and outputs, -1: any number, which is called N */
} rncl_onnx_shape;

/* What is added is kept in the order of the calls. A failure, which can only be a lack of memory, is kept too
 * and returned by rncl_onnx_file_write. */
rncl_status rncl_onnx_file_create(const char *graph_name, int opset, rncl_onnx_file **out);
void rncl_onnx_file_destroy(rncl_onnx_file *file); /* takes NULL */

void rncl_onnx_file_node(rncl_onnx_file *file, const rncl_onnx_node *node);
/* Constants; the values are copied. */
void rncl_onnx_file_floats(rncl_onnx_file *file, const char *name, rncl_onnx_shape shape,
                           const float *values);
void rncl_onnx_file_ints(rncl_onnx_file *file, const char *name, int count, const int64_t *values);
/* float32 tensors that the model takes and gives. */
void rncl_onnx_file_input(rncl_onnx_file *file, const char *name, rncl_onnx_shape shape, const char *meaning);
void rncl_onnx_file_output(rncl_onnx_file *file, const char *name, rncl_onnx_shape shape,
                           const char *meaning);
void rncl_onnx_file_metadata(rncl_onnx_file *file, const char *key, const char *value);

/* Writes the whole file or leaves the old one. The same calls give the same bytes. RNCL_ERR_IO;
 * RNCL_ERR_USAGE for more than the format can hold. */
rncl_status rncl_onnx_file_write(const rncl_onnx_file *file, const char *path);

#endif
