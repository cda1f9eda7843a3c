/* Convolution: of the forward pass and the input gradient a few images and channels, of the filter gradient a
 * few filters over the whole batch. */
#include "conv.h"
#include "reference.h"
#include "trial_operation.h"
#include "util.h"

static rncl_trial_layout conv_layout(const rncl_op_desc *desc, rncl_trial_slot slot)
{
    const rncl_conv_shape *s = &desc->conv;
    const size_t images = (size_t)s->n, c = (size_t)s->c, k = (size_t)s->k;
    const rncl_trial_layout x = {{images, (size_t)s->h * (size_t)s->w, c},
                                 {RNCL_TRIAL_IMAGES, RNCL_TRIAL_WHOLE, RNCL_TRIAL_CHANNELS}};
    const rncl_trial_layout y = {{images, (size_t)s->p * (size_t)s->q, k},
                                 {RNCL_TRIAL_IMAGES, RNCL_TRIAL_WHOLE, RNCL_TRIAL_OUTPUTS}};
    const rncl_trial_layout filter = {{(size_t)s->r * (size_t)s->s, c, k},
                                      {RNCL_TRIAL_WHOLE, RNCL_TRIAL_CHANNELS, RNCL_TRIAL_OUTPUTS}};
    if (slot == RNCL_TRIAL_x || slot == RNCL_TRIAL_dx)
        return x;
    return slot == RNCL_TRIAL_y || slot == RNCL_TRIAL_dy ? y : filter;
}

static void conv_cut(rncl_trial_slice *slice, int pass)
{
    rncl_conv_shape *s = &slice->desc.conv;
    if (pass != RNCL_CONV_BACKWARD_FILTER)
        rncl_trial_pick(slice, RNCL_TRIAL_IMAGES, &s->n);
    if (pass != RNCL_CONV_FORWARD)
        rncl_trial_pick(slice, RNCL_TRIAL_CHANNELS, &s->c);
    if (pass != RNCL_CONV_BACKWARD_DATA)
        rncl_trial_pick(slice, RNCL_TRIAL_OUTPUTS, &s->k);
}

static void conv_reference(const rncl_op_desc *desc, int pass, double *const tensors[RNCL_TRIAL_SLOT_COUNT])
{
    const rncl_conv_shape *s = &desc->conv;
    const double *x = tensors[RNCL_TRIAL_x], *filter = tensors[RNCL_TRIAL_weight],
                 *dy = tensors[RNCL_TRIAL_dy];
    if (pass == RNCL_CONV_FORWARD)
        rncl_reference_conv_forward(s, x, filter, tensors[RNCL_TRIAL_y]);
    else if (pass == RNCL_CONV_BACKWARD_DATA)
        rncl_reference_conv_backward_data(s, filter, dy, tensors[RNCL_TRIAL_dx]);
    else
        rncl_reference_conv_backward_filter(s, x, dy, tensors[RNCL_TRIAL_dweight]);
}

static double conv_length(const rncl_op_desc *desc, rncl_trial_slot slot)
{
    const rncl_conv_shape *s = &desc->conv;
    if (slot == RNCL_TRIAL_y)
        return (double)s->r * s->s * s->c;
    if (slot == RNCL_TRIAL_dx)
        return (double)rncl_ceil_div(s->r, s->stride) * rncl_ceil_div(s->s, s->stride) * s->k;
    return (double)s->n * s->p * s->q;
}

const rncl_trial_operation rncl_trial_conv = {
    .passes =
        {
            [RNCL_CONV_FORWARD] = {.drawn = RNCL_TRIAL_BIT(x) | RNCL_TRIAL_BIT(weight),
                                   .results = RNCL_TRIAL_BIT(y)},
            [RNCL_CONV_BACKWARD_DATA] = {.drawn = RNCL_TRIAL_BIT(weight) | RNCL_TRIAL_BIT(dy),
                                         .results = RNCL_TRIAL_BIT(dx)},
            [RNCL_CONV_BACKWARD_FILTER] = {.drawn = RNCL_TRIAL_BIT(x) | RNCL_TRIAL_BIT(dy),
                                           .results = RNCL_TRIAL_BIT(dweight)},
        },
    .layout = conv_layout,
    .cut = conv_cut,
    .reference = conv_reference,
    .length = conv_length,
};
