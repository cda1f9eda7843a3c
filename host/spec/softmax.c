/* Softmax cross-entropy: slices are a few rows. */
#include <math.h>

#include "draw.h"
#include "reference.h"
#include "slice.h"
#include "util.h"

/* Labels, losses and ranks cover a whole batch, of which this call's rows are the last. */
static rncl_spec_layout softmax_layout(const rncl_spec_case *c, rncl_slot slot)
{
    const rncl_softmax_shape *s = &c->desc.softmax;
    const size_t rows = (size_t)s->n, first = (size_t)c->scalars.first, classes = (size_t)s->k;
    switch (slot) {
    case RNCL_SLOT_x:
    case RNCL_SLOT_dx:
        return (rncl_spec_layout){{rows, 1, classes}, {RNCL_AXIS_IMAGES, RNCL_AXIS_WHOLE, RNCL_AXIS_WHOLE}};
    case RNCL_SLOT_class_weights:
        return (rncl_spec_layout){{c->weighted, 1, classes},
                                  {RNCL_AXIS_WHOLE, RNCL_AXIS_WHOLE, RNCL_AXIS_WHOLE}};
    default:
        return (rncl_spec_layout){{first + rows, 1, 1}, {RNCL_AXIS_BATCH, RNCL_AXIS_WHOLE, RNCL_AXIS_WHOLE}};
    }
}

/* With mixed labels rows depend on each other and cannot be cut. */
static void softmax_cut(rncl_spec_slice *slice)
{
    rncl_op_scalars *scalars = &slice->part.scalars;
    if (scalars->mix != 0)
        return;
    rncl_slice_pick(slice, RNCL_AXIS_IMAGES, &slice->part.desc.softmax.n);
    rncl_slice_shift(slice, RNCL_AXIS_IMAGES, RNCL_AXIS_BATCH, scalars->first);
    scalars->first = 0;
}

/* Calls the reference row by row to get each row's loss. */
static void softmax_reference(const rncl_spec_case *c, double *const t[RNCL_SLOTS])
{
    const rncl_softmax_shape *s = &c->desc.softmax, row_shape = {.n = 1, .k = s->k};
    const double mix = (double)c->scalars.mix;
    for (int row = 0; row < s->n; row++) {
        const int at = c->scalars.first + row, other_end = c->scalars.first + s->n - 1 - row;
        const size_t offset = (size_t)row * (size_t)s->k;
        const double *logits = t[RNCL_SLOT_x] + offset;
        const int32_t label = (int32_t)t[RNCL_SLOT_labels][at],
                      partner = (int32_t)t[RNCL_SLOT_labels][other_end];
        const rncl_reference_targets targets = {.labels = &label,
                                                .partners = &partner,
                                                .mix = mix,
                                                .weights = c->weighted ? t[RNCL_SLOT_class_weights] : NULL,
                                                .label_smoothing = (double)c->scalars.smoothing};
        rncl_reference_loss loss;
        rncl_reference_softmax(&row_shape, logits, &targets, (double)c->scalars.scale, &loss,
                               t[RNCL_SLOT_dx] + offset);
        t[RNCL_SLOT_losses][at] = loss.loss;
        t[RNCL_SLOT_ranks][at] =
            loss.counted ? rncl_reference_rank(logits, s->k, mix > 0.5 ? partner : label) : -1;
    }
}

/* Losses of normal logits are a few times the logarithm of the number of classes. */
static rncl_spec_sum softmax_sum(const rncl_spec_case *c, rncl_slot slot)
{
    const double classes = c->desc.softmax.k;
    if (slot == RNCL_SLOT_losses)
        return (rncl_spec_sum){.terms = classes, .typical = 1, .mass = 10};
    return slot == RNCL_SLOT_dx ? (rncl_spec_sum){.terms = classes, .mass = 1} : (rncl_spec_sum){0};
}

/* Losses are log(sum) of a sum that is 1 and more, and gradients are differences of probabilities, both times
 * the class's weight. */
static double softmax_unit(const rncl_spec_case *c, double *const t[RNCL_SLOTS], rncl_slot slot)
{
    double weight = c->weighted ? 0 : 1;
    for (int i = 0; c->weighted && i < c->desc.softmax.k; i++)
        weight = MAX(weight, t[RNCL_SLOT_class_weights][i]);
    return slot == RNCL_SLOT_dx ? (double)c->scalars.scale * weight : weight;
}

/* The first, the middle or the last logit of every third row. */
static double spoil_logit(const rncl_spec_case *c, size_t index, double value)
{
    static const double not_finite[] = {NAN, INFINITY, -INFINITY};
    const size_t classes = (size_t)c->desc.softmax.k, row = index / classes,
                 kind = row / 3 % COUNT(not_finite);
    return row % 3 == 1 && index % classes == (classes - 1) * kind / 2 ? not_finite[kind] : value;
}

/* One label in eight is missing, unless they are mixed. Class weights are positive. */
static double softmax_adjust(const rncl_spec_case *c, rncl_slot slot, size_t index, double value)
{
    const uint32_t any = (uint32_t)((value < 0 ? -value : value) * 100003);
    if (slot == RNCL_SLOT_class_weights)
        return 0.1 + (value < 0 ? -value : value);
    if (slot == RNCL_SLOT_ranks)
        return (double)(any % 100);
    if (slot == RNCL_SLOT_x && c->diverged)
        return spoil_logit(c, index, value);
    if (slot != RNCL_SLOT_labels)
        return value;
    return c->scalars.mix == 0 && any % 8 == 0 ? RNCL_NO_LABEL
                                               : (double)(any / 8 % (uint32_t)c->desc.softmax.k);
}

static const rncl_spec_case shapes[] = {
    {.desc = {.kind = RNCL_OP_softmax, .softmax = {.n = 16, .k = 10}}, .scalars = {.scale = 1.0f}},
    {.desc = {.kind = RNCL_OP_softmax, .softmax = {.n = 8, .k = 100}},
     .scalars = {.first = 8, .smoothing = 0.1f, .scale = 1.0f / 16}},
    {.desc = {.kind = RNCL_OP_softmax, .softmax = {.n = 4, .k = 1000}},
     .scalars = {.smoothing = 0.1f, .scale = 1.0f / 256}},
    {.desc = {.kind = RNCL_OP_softmax, .softmax = {.n = 16, .k = 10}},
     .scalars = {.scale = 1.0f / 16, .mix = 0.3f}},
    {.desc = {.kind = RNCL_OP_softmax, .softmax = {.n = 9, .k = 10}},
     .scalars = {.scale = 1.0f / 9},
     .weighted = true},
    {.desc = {.kind = RNCL_OP_softmax, .softmax = {.n = 8, .k = 100}},
     .scalars = {.first = 8, .smoothing = 0.1f, .scale = 1.0f / 16, .mix = 0.7f},
     .weighted = true},
    {.desc = {.kind = RNCL_OP_softmax, .softmax = {.n = 16, .k = 10}},
     .scalars = {.scale = 1.0f / 16},
     .diverged = true},
    {.desc = {.kind = RNCL_OP_softmax, .softmax = {.n = 9, .k = 1000}},
     .scalars = {.first = 4, .smoothing = 0.1f, .scale = 1.0f / 16, .mix = 0.3f},
     .weighted = true,
     .diverged = true},
};

static void softmax_draw(rncl_random *random, rncl_spec_case *c)
{
    c->desc = (rncl_op_desc){
        .kind = RNCL_OP_softmax,
        .softmax = {.n = rncl_draw_between(random, 1, 40),
                    .k = rncl_draw_once_in(random, 3) ? rncl_draw_between(random, 1, 300)
                                                      : rncl_draw_between(random, 1, 20)},
    };
    c->scalars = (rncl_op_scalars){
        .first = rncl_draw_once_in(random, 2) ? 0 : rncl_draw_between(random, 1, 30),
        .smoothing = rncl_draw_once_in(random, 2) ? 0.0f : 0.5f * rncl_random_uniform(random),
        .scale = 1.0f / (float)rncl_draw_between(random, 1, 256),
        .mix = rncl_draw_once_in(random, 2) ? 0.0f : rncl_random_uniform(random),
    };
    c->weighted = rncl_draw_once_in(random, 2);
    c->diverged = rncl_draw_once_in(random, 4);
}

static double softmax_work(const rncl_spec_case *c)
{
    return (double)c->desc.softmax.n * c->desc.softmax.k;
}

const rncl_spec rncl_spec_softmax = {
    .fields = {RNCL_SPEC_FIELD(softmax, n), RNCL_SPEC_FIELD(softmax, k)},
    .passes = {{.reads = RNCL_SLOT_BIT(x) | RNCL_SLOT_BIT(labels) | RNCL_SLOT_BIT(class_weights) |
                         RNCL_SLOT_BIT(losses) | RNCL_SLOT_BIT(ranks),
                .results = RNCL_SLOT_BIT(losses) | RNCL_SLOT_BIT(ranks) | RNCL_SLOT_BIT(dx)}},
    .scalars = {.smoothing = 0.1f, .scale = 1.0f},
    .layout = softmax_layout,
    .reference = softmax_reference,
    .sum = softmax_sum,
    .adjust = softmax_adjust,
    .unit = softmax_unit,
    .cut = softmax_cut,
    .shapes = shapes,
    .shape_count = COUNT(shapes),
    .draw = softmax_draw,
    .work = softmax_work,
};
