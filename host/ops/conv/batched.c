/* Convolution of small images with register blocks over the batch (kernels/conv/batched.cl), forward and
 * input gradient, on devices that want explicit vectors and work-groups of one work-item. It packs no
 * filters. */
#include "batched.h"

#include <stdlib.h>

#include "launch.h"
#include "util.h"

typedef struct batched_data {
    rncl_conv_shape shape;
    rncl_kernel kernel;
} batched_data;

#define KNOBS(X)                                                                                             \
    X(KV, "kv", "KV")          /* vectors of output channels in a register block */                          \
    X(BN, "images", "BN")      /* images in a register block */                                              \
    X(DEPTH, "depth", "DEPTH") /* input channels that are copied at a time */                                \
    X(SHARES, "shares", NULL)  /* of the images */
RNCL_DECLARE_KNOBS(KNOBS)

/* It is the default for images of at most MOST_PIXELS output pixels in batches of at least FEWEST_IMAGES, and
 * for products with at most MOST_OF_PRODUCT pixels, for which packing the filter would cost more. */
enum { MOST_PIXELS = 16, FEWEST_IMAGES = 4, MOST_OF_PRODUCT = 128 };

rncl_conv_shape batched_shape_of(const rncl_pass *pass)
{
    rncl_conv_shape s = pass->desc.conv;
    if (conv_is_product(&s)) {
        s.n *= s.h * s.w;
        s.h = s.w = s.p = s.q = 1;
    }
    return s;
}

int batched_vector(const rncl_pass *pass)
{
    int vw = direct_vector(pass->context, pass->desc.conv.c);
    while (pass->desc.conv.k % vw)
        vw /= 2;
    return vw;
}

bool batched_is_worthwhile(const rncl_pass *pass)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    const bool is_small = conv_is_product(c) ? c->h * c->w > 1 && c->n * c->h * c->w <= MOST_OF_PRODUCT
                                             : c->p * c->q <= MOST_PIXELS && c->n >= FEWEST_IMAGES;
    return is_small && batched_vector(pass) == pass->context->traits.vector_floats;
}

static int out_channels(const rncl_pass *pass)
{
    return pass->index == RNCL_CONV_FORWARD ? pass->desc.conv.k : pass->desc.conv.c;
}

/* Floats of `sums`, with the images in so many shares. */
static size_t sums_floats(const rncl_pass *pass, int bn, int kb, int shares)
{
    const rncl_conv_shape s = batched_shape_of(pass);
    const size_t pixels = (size_t)(pass->index == RNCL_CONV_FORWARD ? s.p * s.q : s.h * s.w);
    return pixels * (size_t)rncl_round_up((size_t)rncl_ceil_div(s.n, shares), (size_t)bn) * (size_t)kb;
}

static bool fits(const rncl_pass *pass, const int *v, int vw)
{
    const size_t taps = (size_t)(v[DEPTH] * v[KV] * vw);
    return taps + sums_floats(pass, v[BN], v[KV] * vw, v[SHARES]) <= direct_stage_limit(pass->context);
}

/* The fewest shares whose sums fit into local memory and that give all cores work; 0 if there is no such
 * number. */
static int preset_shares(const rncl_pass *pass, int *v, int vw)
{
    const int n = batched_shape_of(pass).n, most = MAX(n / v[BN], 1);
    const int blocks = out_channels(pass) / (v[KV] * vw), units = (int)pass->context->info.compute_units;
    for (v[SHARES] = MIN(rncl_ceil_div(2 * units, blocks), most); v[SHARES] <= most; v[SHARES]++)
        if (fits(pass, v, vw))
            return v[SHARES];
    return 0;
}

/* Fills in the presets: the register block with the best score, as in direct.c. False if none fits. */
static bool find_presets(const rncl_pass *pass, int *presets)
{
    static const int image_counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14};
    const int n = batched_shape_of(pass).n, vw = batched_vector(pass);
    double best = 0.0;
    for (int kv = 1; kv <= 2 && out_channels(pass) % (kv * vw) == 0; kv *= 2)
        for (size_t i = 0; i < COUNT(image_counts) && image_counts[i] <= n; i++) {
            int v[KNOB_COUNT] = {[KV] = kv, [BN] = image_counts[i], [DEPTH] = 128};
            const double used = (double)n / (rncl_ceil_div(n, v[BN]) * v[BN]);
            const double per_load = (double)v[BN] * kv / (v[BN] + kv);
            const double score = used * per_load / (per_load + 0.5);
            if (v[BN] * kv > pass->context->traits.accumulators || score <= best ||
                !preset_shares(pass, v, vw))
                continue;
            best = score;
            memcpy(presets, v, sizeof v);
        }
    return best > 0.0;
}

static bool batched_supports(const rncl_pass *pass)
{
    int presets[KNOB_COUNT];
    return !conv_is_dfilter(pass) && pass->context->traits.long_loops && find_presets(pass, presets);
}

static void batched_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    static const int vectors[] = {1, 2, 3, 4}, image_counts[] = {1, 2, 4, 6, 7, 8, 12, 14};
    static const int depths[] = {32, 64, 128, 256}, share_counts[] = {1, 2, 4, 8};
    int presets[KNOB_COUNT] = {0};
    find_presets(pass, presets);
    rncl_knobs_add(knobs, knob_names[KV], presets[KV], vectors, COUNT(vectors));
    rncl_knobs_add(knobs, knob_names[BN], presets[BN], image_counts, COUNT(image_counts));
    rncl_knobs_last_is_of_batch(knobs);
    rncl_knobs_add(knobs, knob_names[DEPTH], presets[DEPTH], depths, COUNT(depths));
    rncl_knobs_add(knobs, knob_names[SHARES], presets[SHARES], share_counts, COUNT(share_counts));
    rncl_knobs_last_is_of_batch(knobs);
}

static bool batched_allows(const rncl_pass *pass)
{
    const int *v = pass->values;
    const int vw = batched_vector(pass);
    return out_channels(pass) % (v[KV] * vw) == 0 &&
           v[BN] * v[KV] <= pass->context->traits.most_accumulators &&
           batched_shape_of(pass).n / v[SHARES] >= v[BN] && fits(pass, v, vw);
}

static rncl_status batched_plan(rncl_pass *pass)
{
    batched_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a batched convolution");
    data->shape = batched_shape_of(pass);
    if (pass->index == RNCL_CONV_FORWARD)
        pass->statistics_parts = pass->values[SHARES];
    return RNCL_OK;
}

static rncl_status batched_build(rncl_pass *pass)
{
    batched_data *data = pass->data;
    char options[RNCL_OPTIONS_SIZE];
    const int *v = pass->values, vw = batched_vector(pass), kb = v[KV] * vw;
    const int sums = MIN(direct_stage_size(pass->context, sums_floats(pass, v[BN], kb, v[SHARES])),
                         (int)direct_stage_limit(pass->context) - v[DEPTH] * kb);
    rncl_pass_options(pass, 0, KNOB_COUNT, options, "-DVW=%d -DSUMS=%d -DTRANSPOSED=%d", vw, sums,
                      pass->index == RNCL_CONV_BACKWARD_DATA);
    conv_add_epilogue_option(pass, options);
    return rncl_pass_kernel(pass, "conv/batched", options, "conv_batched", &data->kernel);
}

static rncl_status batched_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const batched_data *data = pass->data;
    const int *v = pass->values;
    const size_t blocks = (size_t)(out_channels(pass) / (v[KV] * batched_vector(pass)));
    const rncl_range range = {.global = {(size_t)v[SHARES], blocks}, .local = {1, 1, 1}};
    const cl_mem statistics = conv_statistics(pass, b);
    const rncl_conv_shape *s = &data->shape;
    const int image_step = pass->index == RNCL_CONV_FORWARD ? s->h * s->w * s->c : s->p * s->q * s->k;
    return rncl_launch(pass->context, &data->kernel, range, RNCL_STRUCT(data->shape),
                       RNCL_BUFFER(*conv_input(pass, b)), RNCL_BUFFER(b->weight),
                       RNCL_BUFFER(*conv_output(pass, b)), RNCL_BUFFER(statistics),
                       RNCL_INT(rncl_pass_accumulates(pass, scalars)), RNCL_BUFFER(b->coefficients),
                       RNCL_BUFFER(b->residual), RNCL_INT(image_step));
}

static void batched_destroy(rncl_pass *pass)
{
    batched_data *data = pass->data;
    rncl_kernel_fini(&data->kernel);
    free(data);
}

const rncl_row rncl_conv_batched = {
    .name = "batched",
    .programs = {"conv/batched"},
    .exact = true,
    .epilogue = true,
    .supports = batched_supports,
    .pays = batched_is_worthwhile,
    .knobs = batched_knobs,
    .allows = batched_allows,
    .plan = batched_plan,
    .build = batched_build,
    .enqueue = batched_enqueue,
    .destroy = batched_destroy,
};
