/* Sums of a batch normalisation's gradient, which the input gradient of the convolution behind it leaves. */
#ifndef RNCL_CHECK_GRADIENT_SUMS_H
#define RNCL_CHECK_GRADIENT_SUMS_H

#include <stddef.h>

/* Tensors as in kernels/conv/mma.cl and direct_forward.cl; dx holds what it should. */
typedef struct check_gradient_sums {
    size_t rows, c, parts;
    int signs_width; /* as in rncl_op_choice */
    const double *dx, *x;
    const double *relu_y; /* NULL: whether the ReLU was open follows from the others */
    const float *saved, *weight, *bias;
    const float *sums;
} check_gradient_sums;

/* Bytes of `saved`: the moments, and behind them the signs, in whole floats. */
size_t check_saved_bytes(size_t rows, size_t c, int signs_width);

/* The error of the sums, relative to those of the absolute values of their terms, L2. RNCL_CHECK_BROKEN where
 * it is not a number. */
double check_gradient_sums_error(const check_gradient_sums *g);

#endif
