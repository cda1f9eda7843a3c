/* Batch normalisation in training: a few channels over the whole batch. */
#include <math.h>

#include "reference.h"
#include "trial_operation.h"

/* Values of a few units in size that are computed from means of the whole channel. */
static const double normalised_length = 10;

static rncl_trial_layout batchnorm_layout(const rncl_op_desc *desc, rncl_trial_slot slot)
{
    const rncl_batchnorm_shape *s = &desc->batchnorm;
    const size_t images = (size_t)s->n, channels = (size_t)s->c;
    const rncl_trial_layout whole = {{images, (size_t)s->h * (size_t)s->w, channels},
                                     {RNCL_TRIAL_IMAGES, RNCL_TRIAL_WHOLE, RNCL_TRIAL_CHANNELS}};
    const rncl_trial_layout padded = {
        {images, (size_t)s->residual_h * (size_t)s->residual_w, (size_t)s->residual_c},
        {RNCL_TRIAL_IMAGES, RNCL_TRIAL_WHOLE, RNCL_TRIAL_CHANNELS}};
    const rncl_trial_layout vector = {{1, 1, channels},
                                      {RNCL_TRIAL_WHOLE, RNCL_TRIAL_WHOLE, RNCL_TRIAL_CHANNELS}};
    switch (slot) {
    case RNCL_TRIAL_x:
    case RNCL_TRIAL_y:
    case RNCL_TRIAL_dx:
    case RNCL_TRIAL_dy:
        return whole;
    case RNCL_TRIAL_residual:
    case RNCL_TRIAL_dresidual:
        return s->residual == RNCL_RESIDUAL_PAD ? padded : whole;
    default:
        return vector;
    }
}

/* A padded residual has the first channels only. */
static void batchnorm_cut(rncl_trial_slice *slice, int pass)
{
    (void)pass;
    rncl_batchnorm_shape *s = &slice->desc.batchnorm;
    const int residual_c = s->residual_c;
    rncl_trial_pick(slice, RNCL_TRIAL_CHANNELS, &s->c);
    if (s->residual != RNCL_RESIDUAL_PAD)
        return;
    s->residual_c = 0;
    for (int i = 0; i < s->c; i++)
        s->residual_c += slice->picks[RNCL_TRIAL_CHANNELS].index[i] < residual_c;
}

static void batchnorm_reference(const rncl_op_desc *desc, int pass,
                                double *const tensors[RNCL_TRIAL_SLOT_COUNT])
{
    const rncl_reference_batchnorm t = {
        .x = tensors[RNCL_TRIAL_x],
        .residual = tensors[RNCL_TRIAL_residual],
        .weight = tensors[RNCL_TRIAL_weight],
        .bias = tensors[RNCL_TRIAL_bias],
        .y = tensors[RNCL_TRIAL_y],
        .dy = tensors[RNCL_TRIAL_dy],
        .dx = tensors[RNCL_TRIAL_dx],
        .dresidual = tensors[RNCL_TRIAL_dresidual],
        .dweight = tensors[RNCL_TRIAL_dweight],
        .dbias = tensors[RNCL_TRIAL_dbias],
    };
    if (pass == RNCL_OP_FORWARD)
        rncl_reference_batchnorm_forward(&desc->batchnorm, &t, 1);
    else
        rncl_reference_batchnorm_backward(&desc->batchnorm, &t, 1);
}

static double batchnorm_length(const rncl_op_desc *desc, rncl_trial_slot slot)
{
    const rncl_batchnorm_shape *s = &desc->batchnorm;
    const bool is_sum = slot == RNCL_TRIAL_dweight || slot == RNCL_TRIAL_dbias;
    return is_sum ? fmax((double)s->n * s->h * s->w, normalised_length) : normalised_length;
}

/* Rows on either side of zero in turn: the few rows of a small shape must not lie so near each other by
 * chance that normalising them leaves no digits. */
static void batchnorm_adjust(const rncl_op_desc *desc, rncl_trial_slot slot, float *values)
{
    const rncl_batchnorm_shape *s = &desc->batchnorm;
    const size_t channels = (size_t)s->c, rows = (size_t)s->n * (size_t)s->h * (size_t)s->w;
    for (size_t i = 0; slot == RNCL_TRIAL_x && i < rows * channels; i++)
        values[i] =
            (i / channels % 2 ? 0.5f : -0.5f) + (i / channels % 2 ? fabsf(values[i]) : -fabsf(values[i]));
}

static bool batchnorm_smooth(rncl_op_desc *desc)
{
    const bool relu = desc->batchnorm.relu;
    desc->batchnorm.relu = 0;
    return relu;
}

#define DRAWN                                                                                                \
    (RNCL_TRIAL_BIT(x) | RNCL_TRIAL_BIT(residual) | RNCL_TRIAL_BIT(weight) | RNCL_TRIAL_BIT(bias) |          \
     RNCL_TRIAL_BIT(running_mean) | RNCL_TRIAL_BIT(running_variance))

const rncl_trial_operation rncl_trial_batchnorm = {
    .passes =
        {
            [RNCL_OP_FORWARD] = {.drawn = DRAWN, .results = RNCL_TRIAL_BIT(y)},
            [RNCL_OP_BACKWARD] = {.drawn = DRAWN | RNCL_TRIAL_BIT(dy),
                                  .made = RNCL_TRIAL_BIT(y) | RNCL_TRIAL_BIT(saved),
                                  .results = RNCL_TRIAL_BIT(dx) | RNCL_TRIAL_BIT(dresidual) |
                                             RNCL_TRIAL_BIT(dweight) | RNCL_TRIAL_BIT(dbias)},
        },
    .layout = batchnorm_layout,
    .cut = batchnorm_cut,
    .reference = batchnorm_reference,
    .length = batchnorm_length,
    .adjust = batchnorm_adjust,
    .smooth = batchnorm_smooth,
};
