/* The input gradient as convolutions with stride 1: with stride s, the pixels of dx whose position is the
 * same modulo s form one phase, and each of the s^2 phases is a convolution of dy with some of the turned
 * filter's taps. No product is with a zero between the pixels of dy. */
#ifndef RNCL_OPS_CONV_PHASES_H
#define RNCL_OPS_CONV_PHASES_H

#include "conv.h"

/* One phase. A phase that no tap reaches has shape.r = 0: its dx is zero. */
typedef struct conv_phase {
    rncl_direct_shape shape; /* without tile_rows */
    rncl_pack_shape pack;    /* where its taps lie in the filter; packed_offset is the caller's */
} conv_phase;

/* The phase of the pixels (row + i * stride, column + j * stride) of dx; row and column are less than the
 * stride. False if dx has no such pixels. */
bool conv_phase_of(const rncl_conv_shape *c, int row, int column, conv_phase *out);

/* Floats of the taps that are packed. */
size_t conv_packed_floats(const rncl_pack_shape *p);

#endif
