/* rncl's operations as ONNX's. */
#ifndef RNCL_EXPORT_ONNX_NODES_H
#define RNCL_EXPORT_ONNX_NODES_H

#include "exported.h"
#include "onnx_file.h"

/* Appends all nodes of the network and their constants. They read the tensor `input` and write `output`;
 * every other tensor is called as the layer that writes it. RNCL_ERR_MEMORY. */
rncl_status rncl_onnx_nodes_add(const rncl_exported *model, bool fold, const char *input, const char *output,
                                rncl_onnx_file *file);

#endif
