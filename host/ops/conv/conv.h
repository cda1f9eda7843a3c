/* What the rows of convolution share. y = x * weight; backward_data: dx from dy and weight; backward_filter:
 * dweight from x and dy. Tensors are NHWC, filters [R][S][C][K]. */
#ifndef RNCL_OPS_CONV_H
#define RNCL_OPS_CONV_H

#include <stdio.h>
#include <string.h>

#include "op.h"

extern const rncl_row rncl_conv_batched;
extern const rncl_row rncl_conv_batched_dfilter;
extern const rncl_row rncl_conv_winograd;
extern const rncl_row rncl_conv_winograd_dfilter;
extern const rncl_row rncl_conv_pointwise_dfilter;
extern const rncl_row rncl_conv_direct;
extern const rncl_row rncl_conv_direct_dfilter;
extern const rncl_row rncl_conv_mma_winograd;
extern const rncl_row rncl_conv_mma;
extern const rncl_row rncl_conv_staged_winograd;
extern const rncl_row rncl_conv_tiled;
extern const rncl_row rncl_conv_im2col_gemm;
extern const rncl_row rncl_conv_single;

static inline bool conv_is_dfilter(const rncl_pass *pass)
{
    return pass->index == RNCL_CONV_BACKWARD_FILTER;
}

/* The tensors that forward and input gradient read and write: x and y, dy and dx. */
static inline const cl_mem *conv_input(const rncl_pass *pass, const rncl_op_buffers *b)
{
    return pass->index == RNCL_CONV_FORWARD ? &b->x : &b->dy;
}

static inline const cl_mem *conv_output(const rncl_pass *pass, const rncl_op_buffers *b)
{
    return pass->index == RNCL_CONV_FORWARD ? &b->y : &b->dx;
}

/* The buffer for the statistics of y; NULL if this pass does not write any. */
static inline cl_mem conv_statistics(const rncl_pass *pass, const rncl_op_buffers *b)
{
    return pass->index == RNCL_CONV_FORWARD ? b->statistics : NULL;
}

/* Whether x is still there in backward passes: the filter gradient reads it. */
static inline bool conv_keeps_x(const rncl_op_choice *choice)
{
    return !choice->frozen && !(choice->left_out & RNCL_PASS_BIT(RNCL_CONV_BACKWARD_FILTER));
}

/* Whether an input gradient may leave a gradient's sums where it takes the signs of x from before_x or from
 * what is saved of them. */
static inline bool conv_finds_signs(const rncl_pass *pass)
{
    const rncl_op_choice *choice = &pass->choice;
    return pass->index == RNCL_CONV_BACKWARD_DATA && choice->gradient_sums &&
           (choice->signs_width || !choice->residual_before);
}

/* Appends the option for kernels with an epilogue (kernels/conv/epilogue.clh) to a pass's options. */
static inline void conv_add_epilogue_option(const rncl_pass *pass, char options[RNCL_OPTIONS_SIZE])
{
    const size_t length = strlen(options);
    if (pass->choice.epilogue && pass->index == RNCL_CONV_FORWARD)
        snprintf(options + length, RNCL_OPTIONS_SIZE - length, " -DEPILOGUE=%u", pass->choice.epilogue);
}

/* Number of floats in the filter. */
static inline size_t conv_filter_floats(const rncl_conv_shape *s)
{
    return (size_t)s->r * (size_t)s->s * (size_t)s->c * (size_t)s->k;
}

/* A 1x1 convolution without padding: each output pixel is a product of one input pixel. */
static inline bool conv_is_pointwise(const rncl_conv_shape *s)
{
    return s->r == 1 && s->s == 1 && s->pad == 0;
}

/* The same without stride: a product of matrices as they are stored. */
static inline bool conv_is_product(const rncl_conv_shape *s)
{
    return conv_is_pointwise(s) && s->stride == 1;
}

#endif
