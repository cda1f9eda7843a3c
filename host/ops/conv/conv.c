/* The convolution operation: its three passes and its table of rows. */
#include "conv.h"

#include "util.h"

static rncl_status conv_shape(const rncl_op_desc *desc, const rncl_op_choice *choice, rncl_op_needs *needs)
{
    const rncl_conv_shape *s = &desc->conv;
    const bool fits = s->n > 0 && s->h > 0 && s->w > 0 && s->c > 0 && s->k > 0 && s->r > 0 && s->s > 0 &&
                      s->stride > 0 && s->pad >= 0 && s->p > 0 && s->q > 0 &&
                      s->p == rncl_window_output(s->h, s->r, s->stride, s->pad) &&
                      s->q == rncl_window_output(s->w, s->s, s->stride, s->pad);
    if (!fits)
        return RNCL_FAIL(RNCL_ERR_SHAPE, "convolution of %dx%dx%dx%d by %dx%d, stride %d, pad %d", s->n, s->h,
                         s->w, s->c, s->r, s->s, s->stride, s->pad);
    needs->backward_reads_x = conv_keeps_x(choice);
    return RNCL_OK;
}

static uint64_t conv_macs(const rncl_op_desc *desc)
{
    const rncl_conv_shape *s = &desc->conv;
    return (uint64_t)s->p * (uint64_t)s->q * conv_filter_floats(s);
}

/* Row indices at which the search for a default begins. */
enum { FIRST_OF_CPUS = 0, FIRST_OF_GPUS = 7, FIRST_OF_SCALAR_DEVICES = 10, FIRST_OF_ACCELERATORS = 12 };

const rncl_op_type rncl_op_conv = {
    .name = "conv",
    .passes =
        {
            [RNCL_CONV_FORWARD] = {.name = "forward"},
            [RNCL_CONV_BACKWARD_DATA] = {.name = "backward_data", .for_dx = true},
            [RNCL_CONV_BACKWARD_FILTER] = {.name = "backward_filter", .for_parameters = true},
        },
    .elements = RNCL_SLOT_BIT(x) | RNCL_SLOT_BIT(residual) | RNCL_SLOT_BIT(y) | RNCL_SLOT_BIT(dy) |
                RNCL_SLOT_BIT(dx) | RNCL_SLOT_BIT(before_x),
    RNCL_OP_ROWS(&rncl_conv_winograd, &rncl_conv_winograd_dfilter, &rncl_conv_batched,
                 &rncl_conv_batched_dfilter, &rncl_conv_pointwise_dfilter, &rncl_conv_direct,
                 &rncl_conv_direct_dfilter, &rncl_conv_mma_winograd, &rncl_conv_mma,
                 &rncl_conv_staged_winograd, &rncl_conv_tiled, &rncl_conv_im2col_gemm, &rncl_conv_single),
    .first_row = {[RNCL_CLASS_CPU_VECTOR] = FIRST_OF_CPUS,
                  [RNCL_CLASS_GPU] = FIRST_OF_GPUS,
                  [RNCL_CLASS_SCALAR] = FIRST_OF_SCALAR_DEVICES,
                  [RNCL_CLASS_ACCELERATOR] = FIRST_OF_ACCELERATORS},
    .shape = conv_shape,
    .macs = conv_macs,
};
