/* The shape of an activation: a batch of images, channels innermost. */
#ifndef RNCL_TENSOR_SHAPE_H
#define RNCL_TENSOR_SHAPE_H

#include <stddef.h>

typedef struct rncl_shape {
    int n, h, w, c;
} rncl_shape;

static inline size_t rncl_shape_count(rncl_shape shape)
{
    return (size_t)shape.n * (size_t)shape.h * (size_t)shape.w * (size_t)shape.c;
}

static inline size_t rncl_shape_bytes(rncl_shape shape)
{
    return rncl_shape_count(shape) * sizeof(float);
}

#endif
