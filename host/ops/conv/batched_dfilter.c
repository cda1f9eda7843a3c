/* The filter gradient of convolutions of small images (kernels/conv/batched_dfilter.cl). */
#include <stdlib.h>

#include "batched.h"
#include "launch.h"
#include "util.h"

typedef struct dfilter_data {
    rncl_conv_shape shape;
    int shares; /* of the output channels */
    rncl_kernel kernel;
} dfilter_data;

#define KNOBS(X)                                                                                             \
    X(KV, "kv", "KV")          /* vectors of output channels in a register block */                          \
    X(CB, "cb", "CB")          /* input channels in a register block */                                      \
    X(CHUNK, "chunk", "CHUNK") /* input channels of a work-item */                                           \
    X(GROUP, "group", NULL)    /* images that are copied at a time */
RNCL_DECLARE_KNOBS(KNOBS)

static size_t input_floats(const rncl_pass *pass, const int *v)
{
    const rncl_conv_shape s = batched_shape_of(pass);
    return (size_t)(s.h * s.w) * (size_t)(v[GROUP] * v[CHUNK]);
}

static size_t gradient_floats(const rncl_pass *pass, const int *v)
{
    const rncl_conv_shape s = batched_shape_of(pass);
    return (size_t)(s.p * s.q) * (size_t)(v[GROUP] * v[KV] * batched_vector(pass));
}

static bool fits(const rncl_pass *pass, const int *v)
{
    return input_floats(pass, v) + gradient_floats(pass, v) <= direct_stage_limit(pass->context);
}

/* Fills in the presets. False if not even one image fits. */
static bool find_presets(const rncl_pass *pass, int *v)
{
    const rncl_conv_shape s = batched_shape_of(pass);
    const int vw = batched_vector(pass);
    v[KV] = direct_vectors(s.k, vw);
    v[CB] = MIN(vw, pass->context->traits.block_inputs);
    v[CHUNK] = MIN(s.c, 128 / vw * vw);
    v[GROUP] = s.n;
    while (v[CHUNK] > 2 * vw && v[CHUNK] % 2 == 0 && !fits(pass, v))
        v[CHUNK] = v[CHUNK] / 2 / vw * vw;
    while (v[GROUP] > 1 && !fits(pass, v))
        v[GROUP] = rncl_ceil_div(v[GROUP], 2);
    return fits(pass, v);
}

static bool dfilter_supports(const rncl_pass *pass)
{
    int presets[KNOB_COUNT];
    return conv_is_dfilter(pass) && pass->context->traits.long_loops && find_presets(pass, presets);
}

/* For products the panels of conv/pointwise_dfilter.cl are as good. */
static bool dfilter_pays(const rncl_pass *pass)
{
    return batched_is_worthwhile(pass) && !conv_is_product(&pass->desc.conv);
}

static void dfilter_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    static const int vectors[] = {1, 2, 3, 4}, inputs[] = {1, 2, 4, 8, 16};
    static const int chunks[] = {16, 32, 64, 128, 256}, groups[] = {4, 8, 16, 32, 64};
    int presets[KNOB_COUNT] = {0};
    find_presets(pass, presets);
    rncl_knobs_add(knobs, knob_names[KV], presets[KV], vectors, COUNT(vectors));
    rncl_knobs_add(knobs, knob_names[CB], presets[CB], inputs, COUNT(inputs));
    rncl_knobs_add(knobs, knob_names[CHUNK], presets[CHUNK], chunks, COUNT(chunks));
    rncl_knobs_add(knobs, knob_names[GROUP], presets[GROUP], groups, COUNT(groups));
    rncl_knobs_last_is_of_batch(knobs);
}

static bool dfilter_allows(const rncl_pass *pass)
{
    const int *v = pass->values;
    const int vw = batched_vector(pass);
    return pass->desc.conv.k % (v[KV] * vw) == 0 && vw % v[CB] == 0 && v[CHUNK] % vw == 0 &&
           v[KV] * v[CB] <= pass->context->traits.most_accumulators && v[GROUP] <= batched_shape_of(pass).n &&
           fits(pass, v);
}

static rncl_status dfilter_plan(rncl_pass *pass)
{
    dfilter_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a batched filter gradient");
    const int *v = pass->values;
    data->shape = batched_shape_of(pass);
    data->shares = MIN(
        data->shape.k / (v[KV] * batched_vector(pass)),
        rncl_ceil_div(4 * (int)pass->context->info.compute_units, rncl_ceil_div(data->shape.c, v[CHUNK])));
    return RNCL_OK;
}

static rncl_status dfilter_build(rncl_pass *pass)
{
    dfilter_data *data = pass->data;
    char options[RNCL_OPTIONS_SIZE];
    const int *v = pass->values, inputs = (int)input_floats(pass, v),
              gradients = MIN(direct_stage_size(pass->context, gradient_floats(pass, v)),
                              (int)direct_stage_limit(pass->context) - inputs);
    rncl_pass_options(pass, 0, KNOB_COUNT, options, "-DVW=%d -DINPUTS=%d -DGRADIENTS=%d",
                      batched_vector(pass), inputs, gradients);
    return rncl_pass_kernel(pass, "conv/batched_dfilter", options, "conv_batched_dfilter", &data->kernel);
}

static rncl_status dfilter_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const dfilter_data *data = pass->data;
    const size_t chunks = (size_t)rncl_ceil_div(data->shape.c, pass->values[CHUNK]);
    const rncl_range range = {.global = {chunks, (size_t)data->shares}, .local = {1, 1, 1}};
    return rncl_launch(pass->context, &data->kernel, range, RNCL_STRUCT(data->shape), RNCL_BUFFER(b->x),
                       RNCL_BUFFER(b->dy), RNCL_BUFFER(b->dweight),
                       RNCL_INT(rncl_pass_accumulates(pass, scalars)), RNCL_INT(pass->values[GROUP]));
}

static void dfilter_destroy(rncl_pass *pass)
{
    dfilter_data *data = pass->data;
    rncl_kernel_fini(&data->kernel);
    free(data);
}

const rncl_row rncl_conv_batched_dfilter = {
    .name = "batched",
    .programs = {"conv/batched_dfilter"},
    .exact = true,
    .supports = dfilter_supports,
    .pays = dfilter_pays,
    .knobs = dfilter_knobs,
    .allows = dfilter_allows,
    .plan = dfilter_plan,
    .build = dfilter_build,
    .enqueue = dfilter_enqueue,
    .destroy = dfilter_destroy,
};
