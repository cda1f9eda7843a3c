/* What the file of a graph holds: one list serves saving and loading. */
#ifndef RNCL_NN_MODEL_CONTENTS_H
#define RNCL_NN_MODEL_CONTENTS_H

#include "graph.h"
#include "tensor_file.h"

typedef enum rncl_content_source {
    RNCL_CONTENT_BATCHES, /* the number of batches seen */
    RNCL_CONTENT_PARAMS,
    RNCL_CONTENT_STATE,
} rncl_content_source;

/* Where a tensor of the file lies in the vectors: out x in x taps in the file, taps x in x out there. */
typedef struct rncl_content {
    char name[96];
    rncl_content_source source;
    size_t offset, out, in, taps;
} rncl_content;

typedef struct rncl_model_contents {
    rncl_content *entries;
    rncl_file_tensor *tensors; /* the same as the file has them */
    size_t count;
    size_t largest; /* floats */
} rncl_model_contents;

rncl_status rncl_model_contents_init(const rncl_graph *graph, rncl_model_contents *out);
void rncl_model_contents_fini(rncl_model_contents *contents); /* harmless on a zeroed one */

/* The one place where filters change between the layouts of files and devices. */
void rncl_content_to_file(const rncl_content *content, const float *device, float *file);
void rncl_content_to_device(const rncl_content *content, const float *file, float *device);

#endif
