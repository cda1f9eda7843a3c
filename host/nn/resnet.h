/* The residual networks of He et al. 2015, and the same without shortcuts. */
#ifndef RNCL_NN_RESNET_H
#define RNCL_NN_RESNET_H

#include "arch.h"
#include "builder.h"

/* Appends the whole network; options of the builder's graph must be complete. */
void rncl_resnet_build(rncl_builder *builder, const rncl_layout *layout);

#endif
