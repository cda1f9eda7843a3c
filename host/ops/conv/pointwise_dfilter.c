/* The filter gradient of 1x1 convolutions (kernels/conv/pointwise_dfilter.cl), on devices that want explicit
 * vectors and work-groups of one work-item. */
#include <stdlib.h>

#include "direct_block.h"
#include "partial_sums.h"
#include "util.h"

typedef struct pointwise_data {
    int shares; /* of the output channels */
    partial_sums sums;
    rncl_kernel dfilter;
} pointwise_data;

#define KNOBS(X)                                                                                             \
    X(KV, "kv", "KV")             /* vectors of output channels in a register block */                       \
    X(CB, "cb", "CB")             /* input channels in a register block */                                   \
    X(PIXELS, "pixels", "PIXELS") /* pixels that are staged at a time, */                                    \
    X(CHUNK, "chunk", "CHUNK")    /* of so many input channels */
RNCL_DECLARE_KNOBS(KNOBS)

static int vector_of(const rncl_pass *pass)
{
    int vw = direct_vector(pass->context, pass->desc.conv.c);
    while (pass->desc.conv.k % vw)
        vw /= 2;
    return vw;
}

/* Pixels in a value of the copies in local memory. */
static int depth_of(const rncl_pass *pass)
{
    return direct_has_pairs(pass, vector_of(pass)) ? 2 : 1;
}

static bool pointwise_supports(const rncl_pass *pass)
{
    return conv_is_dfilter(pass) && conv_is_pointwise(&pass->desc.conv) && pass->context->traits.long_loops;
}

/* Floats of local memory, as in the kernel: PIXELS pixels, or half as many pairs, of CHUNK input channels and
 * of a block of output channels. */
static size_t staged_floats(int pixels, int chunk, int cb, int kb)
{
    return (size_t)(chunk / cb) * (size_t)(pixels * cb + RNCL_CACHE_GAP) + (size_t)(pixels * kb);
}

/* Many input channels, so that copying dy costs little compared with using it; few pixels, so that a block
 * of output channels stays in the first-level cache. */
static void pointwise_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    static const int vectors[] = {1, 2, 3, 4}, inputs[] = {1, 2, 4, 8, 16};
    static const int pixel_counts[] = {32, 64, 96, 128, 192, 256, 512}, chunks[] = {16, 32, 64, 128, 256};
    const int vw = vector_of(pass), kv = direct_vectors(pass->desc.conv.k, vw);
    const int cb = MIN(vw, pass->context->traits.block_inputs);
    const int depth = depth_of(pass);
    int pixels = 128, chunk = 256;
    while (chunk > vw && staged_floats(pixels, chunk, cb, kv * vw) > direct_stage_limit(pass->context))
        chunk /= 2;
    while (pixels > 1 && staged_floats(pixels, chunk, cb, kv * vw) > direct_stage_limit(pass->context))
        pixels /= 2;
    rncl_knobs_add(knobs, knob_names[KV], kv, vectors, COUNT(vectors));
    rncl_knobs_add(knobs, knob_names[CB], cb, inputs, COUNT(inputs));
    rncl_knobs_add(knobs, knob_names[PIXELS], pixels * depth, pixel_counts, COUNT(pixel_counts));
    rncl_knobs_add(knobs, knob_names[CHUNK], chunk, chunks, COUNT(chunks));
}

static bool pointwise_allows(const rncl_pass *pass)
{
    const int *v = pass->values;
    int vw = vector_of(pass);
    return pass->desc.conv.k % (v[KV] * vw) == 0 && vw % v[CB] == 0 && v[CHUNK] % vw == 0 &&
           v[KV] * v[CB] <= pass->context->traits.most_accumulators &&
           staged_floats(v[PIXELS] / depth_of(pass), v[CHUNK], v[CB], v[KV] * vw) <=
               direct_stage_limit(pass->context);
}

static rncl_status pointwise_plan(rncl_pass *pass)
{
    pointwise_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a pointwise filter gradient");
    const rncl_conv_shape *c = &pass->desc.conv;
    const int units = (int)pass->context->info.compute_units, vw = vector_of(pass);
    data->sums.vw = vw;
    data->sums.floats = conv_filter_floats(c);
    data->shares = partial_sums_are_large(data->sums.floats) ? MIN(c->k / (pass->values[KV] * vw), units) : 1;
    data->sums.parts = MIN(rncl_ceil_div(units, data->shares), c->n * c->p * c->q);
    pass->workspace_bytes = partial_sums_bytes(&data->sums);
    return RNCL_OK;
}

static rncl_status pointwise_build(rncl_pass *pass)
{
    pointwise_data *data = pass->data;
    char options[RNCL_OPTIONS_SIZE];
    rncl_pass_options(pass, 0, KNOB_COUNT, options, "-DVW=%d", vector_of(pass));
    if (depth_of(pass) == 2)
        direct_add_pairs_option(pass, options);
    RNCL_TRY(
        rncl_pass_kernel(pass, "conv/pointwise_dfilter", options, "conv_pointwise_dfilter", &data->dfilter));
    return partial_sums_build(pass, &data->sums);
}

static rncl_status pointwise_enqueue(rncl_pass *pass, const rncl_op_buffers *b,
                                     const rncl_op_scalars *scalars)
{
    const pointwise_data *data = pass->data;
    const partial_sums *sums = &data->sums;
    const bool accumulate = rncl_pass_accumulates(pass, scalars);
    const rncl_range range = {.global = {(size_t)sums->parts, (size_t)data->shares}, .local = {1, 1, 1}};
    RNCL_TRY(rncl_launch(pass->context, &data->dfilter, range, RNCL_STRUCT(pass->desc.conv),
                         RNCL_BUFFER(b->x), RNCL_BUFFER(b->dy),
                         RNCL_BUFFER(*partial_sums_target(sums, &b->dweight, &b->workspace)),
                         RNCL_INT(partial_sums_accumulate(sums, accumulate))));
    return partial_sums_reduce(pass, sums, &b->workspace, &b->dweight, accumulate);
}

static void pointwise_destroy(rncl_pass *pass)
{
    pointwise_data *data = pass->data;
    rncl_kernel_fini(&data->dfilter);
    partial_sums_fini(&data->sums);
    free(data);
}

const rncl_row rncl_conv_pointwise_dfilter = {
    .name = "direct",
    .programs = {"conv/pointwise_dfilter", "conv/reduce"},
    .exact = true,
    .narrow = true,
    .supports = pointwise_supports,
    .knobs = pointwise_knobs,
    .allows = pointwise_allows,
    .plan = pointwise_plan,
    .build = pointwise_build,
    .enqueue = pointwise_enqueue,
    .destroy = pointwise_destroy,
};
