/* Model files: rncl writes safetensors with PyTorch's shapes under torchvision's names, and what it must know
 * to run them in the metadata; it reads those, and weights that other programs wrote. */
#ifndef RNCL_NN_MODEL_H
#define RNCL_NN_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "graph.h"
#include "log.h"
#include "status.h"

/* What a model file says besides its tensors. */
typedef struct rncl_model_meta {
    bool has_network;      /* when read: the file says which network it is; otherwise nothing else is known */
    float mean[4], std[4]; /* of the pixel values, scaled to 0..1; one for each channel of the image */
    char **labels;         /* label_count texts in UTF-8; NULL if there are none */
    int label_count;       /* at most options.classes; classes behind them have no label */
} rncl_model_meta;

/* Writes the whole file or leaves the old one. `params` and `state` are the graph's vectors as the device has
 * them; `batches_tracked` is the number of training batches that the running statistics have seen. The same
 * arguments give the same bytes. RNCL_ERR_IO if writing fails, RNCL_ERR_USAGE for a meta that makes no sense.
 */
rncl_status rncl_model_save(const char *path, const rncl_graph *graph, const rncl_model_meta *meta,
                            const float *params, const float *state, int64_t batches_tracked);

/* How weights are taken from a file, in any format that tensor_file.h reads. */
typedef struct rncl_model_source {
    const char *path;
    const rncl_log *log; /* hears of names that lost a prefix, and of what else was adapted; may be NULL */
    bool adapt_stem;     /* a first convolution for other numbers of input channels is converted */
    /* To start from: where the file has another number of classes, or no last layer, that layer keeps the
     * values in `params`; NaN and infinity are refused, naming the tensor. */
    bool training;
} rncl_model_source;

/* Reads into the graph's vectors (padding becomes zero, unless training). F64, F16 and BF16 are converted.
 * The file must have exactly the graph's tensors; only num_batches_tracked may be missing, as old PyTorch did
 * not write it, and counts as 0. On failure (RNCL_ERR_MODEL) nothing is changed. */
rncl_status rncl_model_load(const rncl_model_source *source, const rncl_graph *graph, float *params,
                            float *state, int64_t *batches_tracked);

/* Reads the metadata; `options` become complete. A file without rncl's gives RNCL_OK, has_network = false and
 * options that are zero but for the classes of a last layer called fc. RNCL_ERR_MODEL for metadata that
 * contradict themselves. The caller calls rncl_model_meta_fini after RNCL_OK. */
rncl_status rncl_model_read_meta(const char *path, rncl_network_options *options, rncl_model_meta *meta);
void rncl_model_meta_fini(rncl_model_meta *meta); /* frees the labels; harmless on a zeroed one */

/* A float tensor of a model file: parameters in the graph's order, then running statistics. */
typedef struct rncl_model_tensor {
    char name[96]; /* "layer1.0.conv1.weight", "bn1.running_mean" */
    int rank;
    size_t dims[4]; /* as in the file */
    size_t count;   /* floats */
} rncl_model_tensor;

size_t rncl_model_tensor_count(const rncl_graph *graph);
void rncl_model_tensor_at(const rncl_graph *graph, size_t index, rncl_model_tensor *out);
/* RNCL_ERR_USAGE for a name that no tensor has, naming the nearest one. */
rncl_status rncl_model_tensor_find(const rncl_graph *graph, const char *name, size_t *index);

/* Copies a tensor between the graph's vectors and `values`, which has the layout of the file. */
void rncl_model_tensor_get(const rncl_graph *graph, size_t index, const float *params, const float *state,
                           float *values);
void rncl_model_tensor_set(const rncl_graph *graph, size_t index, const float *values, float *params,
                           float *state);

#endif
