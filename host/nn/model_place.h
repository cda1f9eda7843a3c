/* Where in a file a network is: its names may stand behind a prefix, beside tensors of something else. */
#ifndef RNCL_NN_MODEL_PLACE_H
#define RNCL_NN_MODEL_PLACE_H

#include "graph.h"
#include "tensor_file.h"

/* If the file does not have the graph's first names as they are, but behind one prefix
 * ("encoder.conv1.weight"), takes the prefix off, notes it in `file` and drops all tensors without it;
 * *dropped is their number. Several such prefixes are several networks: RNCL_ERR_MODEL. */
rncl_status rncl_model_place_find(const char *path, const rncl_graph *graph, rncl_tensor_file *file,
                                  size_t *dropped);

#endif
