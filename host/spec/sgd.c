/* Stochastic gradient descent. */
#include "draw.h"
#include "reference.h"
#include "util.h"
#include "vector.h"

static void sgd_reference(const rncl_spec_case *c, double *const t[RNCL_SLOTS])
{
    const rncl_op_scalars *s = &c->scalars;
    const int count = s->count ? s->count : c->desc.sgd.n - s->first;
    rncl_reference_sgd((size_t)count, (double)s->lr, (double)s->momentum, (double)s->weight_decay,
                       t[RNCL_SLOT_dweight] + s->first, t[RNCL_SLOT_velocity] + s->first,
                       t[RNCL_SLOT_weight] + s->first);
}

/* A few values of the part that is updated. */
static void sgd_cut(rncl_spec_slice *slice)
{
    rncl_op_scalars *s = &slice->part.scalars;
    rncl_int *n = &slice->part.desc.sgd.n;
    *n = s->count ? s->count : *n - s->first;
    rncl_vector_cut(slice);
    rncl_slice_shift(slice, RNCL_AXIS_IMAGES, RNCL_AXIS_IMAGES, s->first);
    s->first = s->count = 0;
}

static const rncl_spec_case shapes[] = {
    {.desc = {.kind = RNCL_OP_sgd, .sgd = {4096}},
     .scalars = {.lr = 0.1f, .momentum = 0.9f, .weight_decay = 1e-4f}},
    {.desc = {.kind = RNCL_OP_sgd, .sgd = {4097}},
     .scalars = {.lr = 0.1f, .momentum = 0.9f, .weight_decay = 1e-4f}},
    {.desc = {.kind = RNCL_OP_sgd, .sgd = {64}}, .scalars = {.lr = 1.0f}},
    {.desc = {.kind = RNCL_OP_sgd, .sgd = {1024}},
     .scalars = {.first = 128, .count = 512, .lr = 0.1f, .momentum = 0.9f, .weight_decay = 1e-4f}},
};

static void sgd_draw(rncl_random *random, rncl_spec_case *c)
{
    const int n = rncl_vector_draw(random);
    c->desc = (rncl_op_desc){.kind = RNCL_OP_sgd, .sgd = {n}};
    c->scalars = (rncl_op_scalars){
        .first = rncl_draw_once_in(random, 2) ? 0 : 16 * rncl_draw_between(random, 0, (n - 1) / 16),
        .lr = rncl_random_uniform(random),
        .momentum = rncl_draw_once_in(random, 4) ? 0.0f : rncl_random_uniform(random),
        .weight_decay = rncl_draw_once_in(random, 4) ? 0.0f : 0.1f * rncl_random_uniform(random),
    };
}

#define CHANGED (RNCL_SLOT_BIT(weight) | RNCL_SLOT_BIT(velocity))

const rncl_spec rncl_spec_sgd = {
    .fields = {RNCL_SPEC_FIELD(sgd, n)},
    .passes = {{.reads = CHANGED | RNCL_SLOT_BIT(dweight), .results = CHANGED}},
    .scalars = {.lr = 0.1f, .momentum = 0.9f, .weight_decay = 1e-4f},
    .layout = rncl_vector_layout,
    .reference = sgd_reference,
    .sum = rncl_vector_sum,
    .cut = sgd_cut,
    .shapes = shapes,
    .shape_count = COUNT(shapes),
    .draw = sgd_draw,
    .work = rncl_vector_work,
};
