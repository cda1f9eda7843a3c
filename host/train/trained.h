/* A model file as a network on a device, with its normalisation. */
#ifndef RNCL_TRAIN_TRAINED_H
#define RNCL_TRAIN_TRAINED_H

#include "context.h"
#include "model.h"
#include "network.h"
#include "options.h"

/* Takes the network and its normalisation from the metadata of options->model, except what the options give,
 * and the names of its classes from options->labels if that is given.
 * The caller calls rncl_model_meta_fini after RNCL_OK. RNCL_ERR_MODEL. */
rncl_status rncl_trained_describe(rncl_options *options, rncl_model_meta *meta);

/* The same for a model that is used without data: `options` become complete, and classes get ImageNet's names
 * where those are known. A file that does not say how pictures are normalised is taken for one of
 * torchvision's, which `log` hears. The caller destroys the graph, too. RNCL_ERR_MODEL, RNCL_ERR_USAGE. */
rncl_status rncl_trained_open(const rncl_log *log, rncl_options *options, rncl_model_meta *meta,
                              rncl_graph **graph);

/* Reads the weights of options->model: new vectors, which the caller frees, also after a failure. */
typedef struct rncl_trained_weights {
    float *params, *state;
} rncl_trained_weights;

rncl_status rncl_trained_read(const rncl_log *log, const rncl_options *options, const rncl_graph *graph,
                              rncl_trained_weights *out);
void rncl_trained_weights_free(rncl_trained_weights *weights); /* harmless on zeroed ones */

/* The network for inference, with the weights of options->model; hands out logits if `logits`. `options` are
 * complete, and `graph` is built from them. */
rncl_status rncl_trained_create(rncl_context *context, const rncl_options *options, const rncl_graph *graph,
                                bool logits, rncl_network **out);

#endif
