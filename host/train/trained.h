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

/* The network for inference, with the weights of options->model; hands out logits if `logits`. `options` are
 * complete, and `graph` is built from them. */
rncl_status rncl_trained_create(rncl_context *context, const rncl_options *options, const rncl_graph *graph,
                                bool logits, rncl_network **out);

#endif
