/* A network as a PyTorch module in Python. */
#ifndef RNCL_EXPORT_PYTORCH_H
#define RNCL_EXPORT_PYTORCH_H

#include "exported.h"

/* Writes a file that needs PyTorch and nothing else: class Network with the layers' names of rncl's model
 * files, load(path), which reads such a file, and the constants IMAGE, MEAN, STD and LABELS. The weights are
 * not in it; params and state may be NULL. RNCL_ERR_IO, RNCL_ERR_MEMORY. */
rncl_status rncl_pytorch_export(const rncl_exported *model, const char *path);

#endif
