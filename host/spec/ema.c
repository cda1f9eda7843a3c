/* Exponential moving averages: update and exchange. */
#include "draw.h"
#include "reference.h"
#include "util.h"
#include "vector.h"

static void ema_reference(const rncl_spec_case *c, double *const t[RNCL_SLOTS])
{
    const size_t n = (size_t)c->desc.ema.n;
    double *weight = t[RNCL_SLOT_weight], *average = t[RNCL_SLOT_average];
    if (c->pass == RNCL_EMA_UPDATE) {
        rncl_reference_ema(n, (double)c->scalars.share, weight, average);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const double old = average[i];
        average[i] = weight[i];
        weight[i] = old;
    }
}

static rncl_spec_sum ema_sum(const rncl_spec_case *c, rncl_slot slot)
{
    return c->pass == RNCL_EMA_UPDATE ? rncl_vector_sum(c, slot) : (rncl_spec_sum){0};
}

static const rncl_spec_case shapes[] = {
    {.desc = {.kind = RNCL_OP_ema, .ema = {4096}}, .scalars = {.share = 0.001f}},
    {.desc = {.kind = RNCL_OP_ema, .ema = {4097}}, .scalars = {.share = 0.1f}},
    {.desc = {.kind = RNCL_OP_ema, .ema = {64}}, .scalars = {.share = 1.0f}},
};

static void ema_draw(rncl_random *random, rncl_spec_case *c)
{
    c->desc = (rncl_op_desc){.kind = RNCL_OP_ema, .ema = {rncl_vector_draw(random)}};
    c->scalars =
        (rncl_op_scalars){.share = rncl_draw_once_in(random, 4) ? 1.0f : rncl_random_uniform(random)};
}

#define BOTH (RNCL_SLOT_BIT(weight) | RNCL_SLOT_BIT(average))

const rncl_spec rncl_spec_ema = {
    .fields = {RNCL_SPEC_FIELD(ema, n)},
    .passes =
        {
            [RNCL_EMA_UPDATE] = {.reads = BOTH, .results = RNCL_SLOT_BIT(average)},
            [RNCL_EMA_EXCHANGE] = {.reads = BOTH, .results = BOTH},
        },
    .separate = true,
    .scalars = {.share = 0.001f},
    .layout = rncl_vector_layout,
    .reference = ema_reference,
    .sum = ema_sum,
    .cut = rncl_vector_cut,
    .shapes = shapes,
    .shape_count = COUNT(shapes),
    .draw = ema_draw,
    .work = rncl_vector_work,
};
