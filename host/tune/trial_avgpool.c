/* Global average pooling: a few images and channels. */
#include "reference.h"
#include "trial_operation.h"

static rncl_trial_layout avgpool_layout(const rncl_op_desc *desc, rncl_trial_slot slot)
{
    const rncl_avgpool_shape *s = &desc->avgpool;
    const bool input = slot == RNCL_TRIAL_x || slot == RNCL_TRIAL_dx;
    return (rncl_trial_layout){{(size_t)s->n, input ? (size_t)s->h * (size_t)s->w : 1, (size_t)s->c},
                               {RNCL_TRIAL_IMAGES, RNCL_TRIAL_WHOLE, RNCL_TRIAL_CHANNELS}};
}

static void avgpool_cut(rncl_trial_slice *slice, int pass)
{
    (void)pass;
    rncl_trial_pick(slice, RNCL_TRIAL_IMAGES, &slice->desc.avgpool.n);
    rncl_trial_pick(slice, RNCL_TRIAL_CHANNELS, &slice->desc.avgpool.c);
}

static void avgpool_reference(const rncl_op_desc *desc, int pass,
                              double *const tensors[RNCL_TRIAL_SLOT_COUNT])
{
    if (pass == RNCL_OP_FORWARD)
        rncl_reference_avgpool_forward(&desc->avgpool, tensors[RNCL_TRIAL_x], tensors[RNCL_TRIAL_y]);
    else
        rncl_reference_avgpool_backward(&desc->avgpool, tensors[RNCL_TRIAL_dy], tensors[RNCL_TRIAL_dx]);
}

/* Means are no larger than what they are of. */
static double avgpool_length(const rncl_op_desc *desc, rncl_trial_slot slot)
{
    (void)desc, (void)slot;
    return 1;
}

const rncl_trial_operation rncl_trial_avgpool = {
    .passes =
        {
            [RNCL_OP_FORWARD] = {.drawn = RNCL_TRIAL_BIT(x), .results = RNCL_TRIAL_BIT(y)},
            [RNCL_OP_BACKWARD] = {.drawn = RNCL_TRIAL_BIT(dy), .results = RNCL_TRIAL_BIT(dx)},
        },
    .layout = avgpool_layout,
    .cut = avgpool_cut,
    .reference = avgpool_reference,
    .length = avgpool_length,
};
