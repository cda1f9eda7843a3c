/* Max pooling: a few images and channels. */
#include "reference.h"
#include "trial_operation.h"
#include "util.h"

static rncl_trial_layout maxpool_layout(const rncl_op_desc *desc, rncl_trial_slot slot)
{
    const rncl_maxpool_shape *s = &desc->maxpool;
    const bool input = slot == RNCL_TRIAL_x || slot == RNCL_TRIAL_dx;
    const size_t pixels = input ? (size_t)s->h * (size_t)s->w : (size_t)s->p * (size_t)s->q;
    return (rncl_trial_layout){{(size_t)s->n, pixels, (size_t)s->c},
                               {RNCL_TRIAL_IMAGES, RNCL_TRIAL_WHOLE, RNCL_TRIAL_CHANNELS}};
}

static void maxpool_cut(rncl_trial_slice *slice, int pass)
{
    (void)pass;
    rncl_trial_pick(slice, RNCL_TRIAL_IMAGES, &slice->desc.maxpool.n);
    rncl_trial_pick(slice, RNCL_TRIAL_CHANNELS, &slice->desc.maxpool.c);
}

static void maxpool_reference(const rncl_op_desc *desc, int pass,
                              double *const tensors[RNCL_TRIAL_SLOT_COUNT])
{
    const double *x = tensors[RNCL_TRIAL_x];
    if (pass == RNCL_OP_FORWARD)
        rncl_reference_maxpool_forward(&desc->maxpool, x, tensors[RNCL_TRIAL_y]);
    else
        rncl_reference_maxpool_backward(&desc->maxpool, x, tensors[RNCL_TRIAL_dy], tensors[RNCL_TRIAL_dx]);
}

/* A pixel adds up the windows over it. */
static double maxpool_length(const rncl_op_desc *desc, rncl_trial_slot slot)
{
    const int windows = rncl_ceil_div(desc->maxpool.size, desc->maxpool.stride);
    return slot == RNCL_TRIAL_dx ? windows * windows : 0;
}

const rncl_trial_operation rncl_trial_maxpool = {
    .passes =
        {
            [RNCL_OP_FORWARD] = {.drawn = RNCL_TRIAL_BIT(x),
                                 .results = RNCL_TRIAL_BIT(y) | RNCL_TRIAL_BIT(saved)},
            [RNCL_OP_BACKWARD] = {.drawn = RNCL_TRIAL_BIT(x) | RNCL_TRIAL_BIT(dy),
                                  .made = RNCL_TRIAL_BIT(y) | RNCL_TRIAL_BIT(saved),
                                  .results = RNCL_TRIAL_BIT(dx)},
        },
    .layout = maxpool_layout,
    .cut = maxpool_cut,
    .reference = maxpool_reference,
    .length = maxpool_length,
};
