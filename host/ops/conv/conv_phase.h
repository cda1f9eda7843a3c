/* The input gradient of a convolution with a stride, as convolutions of dy without one: the pixels of dx at
 * (row + i * stride, column + j * stride) are a phase, which is reached by some of the filter's taps only. */
#ifndef RNCL_OPS_CONV_PHASE_H
#define RNCL_OPS_CONV_PHASE_H

#include "conv.h"

/* A convolution of dy by r x s taps, of which tap (i, j) is the filter's tap (row_first - i * stride,
 * column_first - j * stride), that gives p x q pixels of dx. Where no tap reaches the phase, r = s = 0 and
 * those pixels are zero; where dx has no such pixels, p or q is 0. */
typedef struct conv_phase {
    int r, s, row_first, column_first, pad_top, pad_left, p, q;
} conv_phase;

/* The phase of pixel (row, column) of dx; both are less than the stride. */
conv_phase conv_phase_of(const rncl_conv_shape *shape, int row, int column);

#endif
