/* Vector width and ranges of kernels that have one work-item for each vector of their result. */
#ifndef RNCL_OPS_ELEMENTWISE_H
#define RNCL_OPS_ELEMENTWISE_H

#include "launch.h"

/* Floats a vector: the widest that the device likes (1 on GPUs, which run scalar lanes) and that divides
 * `channels`. */
int rncl_elementwise_width(const rncl_context *context, int channels);

/* One work-item for each `width` of `values`, rounded up to whole work-groups. */
rncl_range rncl_elementwise_range(const rncl_context *context, size_t values, int width);

#endif
