/* What the two rows for convolutions of small images share (kernels/conv/batched*.cl). */
#ifndef RNCL_OPS_CONV_BATCHED_H
#define RNCL_OPS_CONV_BATCHED_H

#include "direct_block.h"

/* The pass's shape. The pixels of a product are as many images of one pixel. */
rncl_conv_shape batched_shape_of(const rncl_pass *pass);

/* Floats a vector: the widest that suits the device and divides both numbers of channels. */
int batched_vector(const rncl_pass *pass);

/* Whether there are whole vectors of channels, and images so small that their filters cost more than their
 * pixels. Not in the last layer, a product of single pixels. */
bool batched_is_worthwhile(const rncl_pass *pass);

#endif
