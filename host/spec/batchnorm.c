/* Batch normalisation with residual and ReLU. Slices are a few channels over the whole batch. */
#include <math.h>

#include "draw.h"
#include "reference.h"
#include "slice.h"
#include "util.h"

static const char *const residual_words[] = {
    [RNCL_RESIDUAL_NONE] = "none",
    [RNCL_RESIDUAL_ADD] = "add",
    [RNCL_RESIDUAL_PAD] = "pad",
    NULL,
};

static rncl_spec_layout batchnorm_layout(const rncl_spec_case *c, rncl_slot slot)
{
    const rncl_batchnorm_shape *s = &c->desc.batchnorm;
    const size_t images = (size_t)s->n, channels = (size_t)s->c;
    const rncl_spec_layout whole = {{images, (size_t)s->h * (size_t)s->w, channels},
                                    {RNCL_AXIS_IMAGES, RNCL_AXIS_WHOLE, RNCL_AXIS_CHANNELS}};
    const rncl_spec_layout padded = {
        {images, (size_t)s->residual_h * (size_t)s->residual_w, (size_t)s->residual_c},
        {RNCL_AXIS_IMAGES, RNCL_AXIS_WHOLE, RNCL_AXIS_CHANNELS}};
    const rncl_spec_layout vector = {{1, 1, channels},
                                     {RNCL_AXIS_WHOLE, RNCL_AXIS_WHOLE, RNCL_AXIS_CHANNELS}};
    const rncl_spec_layout residuals[] = {[RNCL_RESIDUAL_NONE] = {{0}, {RNCL_AXIS_WHOLE}},
                                          [RNCL_RESIDUAL_ADD] = whole,
                                          [RNCL_RESIDUAL_PAD] = padded};
    const rncl_spec_layout coefficients = {{3, 1, channels},
                                           {RNCL_AXIS_WHOLE, RNCL_AXIS_WHOLE, RNCL_AXIS_CHANNELS}};
    const bool is_parameter = slot == RNCL_SLOT_weight || slot == RNCL_SLOT_bias ||
                              slot == RNCL_SLOT_running_mean || slot == RNCL_SLOT_running_variance;
    if (c->epilogue ? slot != RNCL_SLOT_coefficients && !is_parameter : slot == RNCL_SLOT_coefficients)
        return (rncl_spec_layout){{0}, {RNCL_AXIS_WHOLE}};
    switch (slot) {
    case RNCL_SLOT_coefficients:
        return coefficients;
    case RNCL_SLOT_x:
    case RNCL_SLOT_y:
    case RNCL_SLOT_dx:
    case RNCL_SLOT_dy:
        return whole;
    case RNCL_SLOT_residual:
    case RNCL_SLOT_dresidual:
        return residuals[s->residual];
    default:
        return vector;
    }
}

/* A padded residual has only the first residual_c channels: counts those that were picked. */
static void batchnorm_cut(rncl_spec_slice *slice)
{
    rncl_batchnorm_shape *s = &slice->part.desc.batchnorm;
    const int residual_c = s->residual_c;
    rncl_slice_pick(slice, RNCL_AXIS_CHANNELS, &s->c);
    if (s->residual != RNCL_RESIDUAL_PAD)
        return;
    s->residual_c = 0;
    for (int i = 0; i < s->c; i++)
        s->residual_c += slice->picks[RNCL_AXIS_CHANNELS].index[i] < residual_c;
}

/* What a convolution's epilogue reads. */
static void compute_coefficients(const rncl_spec_case *c, double *const t[RNCL_SLOTS])
{
    const size_t channels = (size_t)c->desc.batchnorm.c;
    double *mean = t[RNCL_SLOT_coefficients], *factor = mean + channels, *bias = factor + channels;
    for (size_t i = 0; i < channels; i++) {
        mean[i] = t[RNCL_SLOT_running_mean][i];
        factor[i] =
            t[RNCL_SLOT_weight][i] / sqrt(t[RNCL_SLOT_running_variance][i] + (double)RNCL_BATCHNORM_EPSILON);
        bias[i] = t[RNCL_SLOT_bias][i];
    }
}

static void batchnorm_reference(const rncl_spec_case *c, double *const t[RNCL_SLOTS])
{
    if (c->epilogue) {
        compute_coefficients(c, t);
        return;
    }
    const int training = c->scalars.flags & RNCL_OP_TRAINING && !c->frozen;
    const rncl_reference_batchnorm tensors = {
        .x = t[RNCL_SLOT_x],
        .residual = t[RNCL_SLOT_residual],
        .weight = t[RNCL_SLOT_weight],
        .bias = t[RNCL_SLOT_bias],
        .running_mean = t[RNCL_SLOT_running_mean],
        .running_variance = t[RNCL_SLOT_running_variance],
        .y = t[RNCL_SLOT_y],
        .dy = t[RNCL_SLOT_dy],
        .dx = t[RNCL_SLOT_dx],
        .dresidual = t[RNCL_SLOT_dresidual],
        .dweight = t[RNCL_SLOT_dweight],
        .dbias = t[RNCL_SLOT_dbias],
    };
    if (c->pass == RNCL_OP_FORWARD)
        rncl_reference_batchnorm_forward(&c->desc.batchnorm, &tensors, training);
    else
        rncl_reference_batchnorm_backward(&c->desc.batchnorm, &tensors, training);
}

/* Normalised values are of size 1, and depend on means over the whole channel. dresidual is dy or 0, a
 * copy. */
static rncl_spec_sum batchnorm_sum(const rncl_spec_case *c, rncl_slot slot)
{
    enum { FEW_UNITS = 10 };
    const rncl_batchnorm_shape *s = &c->desc.batchnorm;
    const double rows = (double)s->n * s->h * s->w;
    switch (slot) {
    case RNCL_SLOT_dweight:
    case RNCL_SLOT_dbias:
        return (rncl_spec_sum){.terms = rows, .typical = sqrt(rows), .mass = MAX(rows, FEW_UNITS)};
    case RNCL_SLOT_dresidual:
        return (rncl_spec_sum){0};
    default:
        return (rncl_spec_sum){
            .terms = c->scalars.flags & RNCL_OP_TRAINING ? rows : 1, .typical = 1, .mass = FEW_UNITS};
    }
}

/* Gives channels different means and spreads, and puts rows alternately on both sides of the mean.
 * Otherwise the few rows of a small shape may be so close together that normalising them leaves no digits.
 * Variances are positive. */
static double batchnorm_adjust(const rncl_spec_case *c, rncl_slot slot, size_t index, double value)
{
    if (slot == RNCL_SLOT_running_variance)
        return 0.1 + value * value;
    if (slot != RNCL_SLOT_x)
        return value;
    const size_t channels = (size_t)c->desc.batchnorm.c, row = index / channels, channel = index % channels;
    const double mean = 0.5 * (double)(channel % 5) - 1.0, spread = 1.0 + 0.5 * (double)(channel % 3);
    const double distance = 0.5 + fabs(value);
    return mean + spread * (row % 2 ? distance : -distance);
}

/* Of the sums of dy and of dy times the normalised x, whose squares are 1 on average: the largest value that
 * the absolute values of a channel's terms may add up to, by the inequality of Cauchy and Schwarz. */
static double batchnorm_unit(const rncl_spec_case *c, double *const t[RNCL_SLOTS], rncl_slot slot)
{
    const size_t channels = (size_t)c->desc.batchnorm.c;
    const rncl_spec_layout layout = batchnorm_layout(c, RNCL_SLOT_dy);
    const size_t rows = layout.size[0] * layout.size[1];
    double largest = 0;
    if (slot != RNCL_SLOT_dweight && slot != RNCL_SLOT_dbias)
        return 0;
    for (size_t channel = 0; channel < channels; channel++) {
        double squares = 0;
        for (size_t row = 0; row < rows; row++)
            squares += pow(t[RNCL_SLOT_dy][row * channels + channel], 2);
        largest = fmax(largest, squares);
    }
    return sqrt((double)rows * largest);
}

static bool batchnorm_smooth(rncl_op_desc *desc)
{
    const bool relu = desc->batchnorm.relu;
    desc->batchnorm.relu = 0;
    return relu;
}

/* Batch, height, width, channels, ReLU, residual and its height, width, channels and stride. */
#define SHAPE(...)                                                                                           \
    {                                                                                                        \
        .desc = {.kind = RNCL_OP_batchnorm, .batchnorm = {__VA_ARGS__} }                                     \
    }

static const rncl_spec_case shapes[] = {
    SHAPE(2, 16, 16, 64, 1, RNCL_RESIDUAL_NONE, 0, 0, 0, 0),
    SHAPE(4, 8, 8, 32, 0, RNCL_RESIDUAL_NONE, 0, 0, 0, 0),   /* after a projection */
    SHAPE(4, 8, 8, 64, 1, RNCL_RESIDUAL_ADD, 0, 0, 0, 0),    /* the end of a block */
    SHAPE(2, 8, 8, 32, 1, RNCL_RESIDUAL_PAD, 16, 16, 16, 2), /* shortcut A where the image halves */
    SHAPE(2, 7, 7, 256, 1, RNCL_RESIDUAL_ADD, 0, 0, 0, 0),
};

static void draw_residual(rncl_random *random, rncl_batchnorm_shape *s)
{
    s->residual = RNCL_DRAW_PICK(random, RNCL_RESIDUAL_NONE, RNCL_RESIDUAL_ADD, RNCL_RESIDUAL_PAD);
    if (s->residual != RNCL_RESIDUAL_PAD)
        return;
    s->residual_stride = rncl_draw_between(random, 1, 3);
    s->residual_h = (s->h - 1) * s->residual_stride + rncl_draw_between(random, 1, s->residual_stride);
    s->residual_w = (s->w - 1) * s->residual_stride + rncl_draw_between(random, 1, s->residual_stride);
    s->residual_c =
        rncl_draw_once_in(random, 2) ? rncl_ceil_div(s->c, 2) : rncl_draw_between(random, 1, s->c);
}

static void batchnorm_draw(rncl_random *random, rncl_spec_case *c)
{
    rncl_batchnorm_shape s = {
        .n = rncl_draw_between(random, 1, 8),
        .h = rncl_draw_extent(random),
        .w = rncl_draw_extent(random),
        .c = rncl_draw_channels(random),
        .relu = rncl_draw_between(random, 0, 1),
    };
    /* With two rows every gradient is zero except for epsilon, so that only rounding errors would be
     * compared. */
    if (s.n * s.h * s.w == 2)
        s.n = 3;
    draw_residual(random, &s);
    c->desc = (rncl_op_desc){.kind = RNCL_OP_batchnorm, .batchnorm = s};
}

static double batchnorm_work(const rncl_spec_case *c)
{
    const rncl_batchnorm_shape *s = &c->desc.batchnorm;
    const double residual = (double)s->n * s->residual_h * s->residual_w * s->residual_c;
    return MAX((double)s->n * s->h * s->w * s->c, residual);
}

#define INPUTS (RNCL_SLOT_BIT(x) | RNCL_SLOT_BIT(residual) | RNCL_SLOT_BIT(weight) | RNCL_SLOT_BIT(bias))
#define RUNNING (RNCL_SLOT_BIT(running_mean) | RNCL_SLOT_BIT(running_variance))

const rncl_spec rncl_spec_batchnorm = {
    .fields = {RNCL_SPEC_FIELD(batchnorm, n),
               RNCL_SPEC_FIELD(batchnorm, h),
               RNCL_SPEC_FIELD(batchnorm, w),
               RNCL_SPEC_FIELD(batchnorm, c),
               RNCL_SPEC_FIELD(batchnorm, relu, .zero = true),
               {.name = "residual_",
                .offset = offsetof(rncl_batchnorm_shape, residual),
                .form = true,
                .words = residual_words},
               RNCL_SPEC_FIELD(batchnorm, residual_h, .optional = true),
               RNCL_SPEC_FIELD(batchnorm, residual_w, .optional = true),
               RNCL_SPEC_FIELD(batchnorm, residual_c, .optional = true),
               RNCL_SPEC_FIELD(batchnorm, residual_stride, .optional = true)},
    .passes =
        {
            [RNCL_OP_FORWARD] = {.reads = INPUTS | RUNNING,
                                 .results = RNCL_SLOT_BIT(y) | RNCL_SLOT_BIT(coefficients) | RUNNING},
            [RNCL_OP_BACKWARD] = {.reads = INPUTS | RNCL_SLOT_BIT(dy),
                                  .made = RNCL_SLOT_BIT(y) | RNCL_SLOT_BIT(saved),
                                  .results = RNCL_SLOT_BIT(dx) | RNCL_SLOT_BIT(dresidual) |
                                             RNCL_SLOT_BIT(dweight) | RNCL_SLOT_BIT(dbias)},
        },
    .layout = batchnorm_layout,
    .reference = batchnorm_reference,
    .sum = batchnorm_sum,
    .adjust = batchnorm_adjust,
    .smooth = batchnorm_smooth,
    .unit = batchnorm_unit,
    .cut = batchnorm_cut,
    .shapes = shapes,
    .shape_count = COUNT(shapes),
    .draw = batchnorm_draw,
    .work = batchnorm_work,
};
