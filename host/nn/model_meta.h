/* The metadata of a model file as JSON. */
#ifndef RNCL_NN_MODEL_META_H
#define RNCL_NN_MODEL_META_H

#include <jansson.h>

#include "model.h"

/* A new object of strings; the caller decrefs. `path` is for messages. */
rncl_status rncl_model_meta_json(const char *path, const rncl_network_options *options,
                                 const rncl_model_meta *meta, json_t **out);

#endif
