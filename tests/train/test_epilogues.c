/* In an evaluation convolutions do the batch normalisation behind them: the same bits as one after the other,
 * in fewer launches and less memory. On any device ($RNCL_TEST_DEVICE). */
#include <math.h>

#include "network.h"
#include "random.h"
#include "training_test.h"

enum { BATCH = 4, CLASSES = 7 };

static rncl_context *context;

static float *random_floats(size_t count, float spread, float offset)
{
    rncl_random random = rncl_random_stream(5, RNCL_RANDOM_TEST, (uint32_t)count, 0);
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = offset + spread * rncl_random_normal(&random);
    return values;
}

/* Variances are positive. */
static float *random_state(const rncl_graph *graph)
{
    float *state = random_floats(graph->state_floats, 0.2f, 0);
    for (size_t i = 0; i < graph->running_count; i++)
        for (size_t k = 0; k < (size_t)graph->running[i].channels; k++) {
            float *variance = &state[graph->running[i].variance_offset + k];
            *variance = 1 + *variance * *variance;
        }
    return state;
}

/* The logits of a network that is made for training or only for evaluations. Returns its memory. */
static size_t infer(const rncl_graph *graph, bool training, const char *algorithm,
                    float logits[BATCH * CLASSES])
{
    const size_t floats = rncl_shape_count(graph->tensors[0]);
    const int32_t labels[BATCH] = {0, 1, 2, 3};
    float *images = random_floats(BATCH * floats, 1, 0), *state = random_state(graph);
    float *params = calloc(graph->param_floats, sizeof *params);
    assert_non_null(params);
    const rncl_network_setup setup = {.graph = graph,
                                      .batch_size = BATCH,
                                      .micro_batch = 2,
                                      .training = training,
                                      .logits = true,
                                      .algorithm = algorithm};
    rncl_network *network;
    rncl_batch_result result;
    float *start = calloc(graph->state_floats, sizeof *start);
    assert_non_null(start);
    rncl_graph_initialise(graph, 3, params, start);
    expect_ok(rncl_network_create(context, &setup, &network));
    expect_ok(rncl_network_write(network, &(rncl_network_vectors){.params = params, .state = state}));
    expect_ok(rncl_network_evaluate(network, images, labels));
    expect_ok(rncl_network_collect(network, &result));
    memcpy(logits, result.logits, BATCH * CLASSES * sizeof *logits);
    const size_t bytes = rncl_network_facts_of(network)->device_bytes;
    rncl_network_destroy(network);
    free(images);
    free(params);
    free(state);
    free(start);
    return bytes;
}

static void expect_same_logits(rncl_network_options options, const char *algorithm)
{
    float apart[BATCH * CLASSES], fused[BATCH * CLASSES];
    rncl_graph *graph;
    options.classes = CLASSES;
    expect_ok(rncl_graph_build(&options, &graph));
    const size_t training_bytes = infer(graph, true, algorithm, apart);
    assert_true(infer(graph, false, algorithm, fused) < training_bytes);
    for (size_t i = 0; i < BATCH * CLASSES; i++)
        if (!isfinite(fused[i]) || memcmp(&fused[i], &apart[i], sizeof fused[i]) != 0)
            fail_msg("logit %zu: %.9g, of normalisations by themselves %.9g", i, (double)fused[i],
                     (double)apart[i]);
    rncl_graph_destroy(graph);
}

static void logits_are_the_same_bits(void **state)
{
    (void)state;
    expect_same_logits((rncl_network_options){.arch = RNCL_ARCH_RESNET, .depth = 18, .image = 64}, NULL);
    expect_same_logits((rncl_network_options){.arch = RNCL_ARCH_RESNET, .depth = 50, .image = 32}, NULL);
    expect_same_logits((rncl_network_options){.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 8, .image = 32}, NULL);
    expect_same_logits((rncl_network_options){.arch = RNCL_ARCH_PLAIN, .depth = 18, .image = 32}, "direct");
}

static void algorithms_without_an_epilogue_go_on(void **state)
{
    (void)state;
    expect_same_logits((rncl_network_options){.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 8, .image = 32},
                       "tiled");
}

static int open_context(void **state)
{
    (void)state;
    context = open_device();
    return 0;
}

static int close_context(void **state)
{
    (void)state;
    rncl_context_destroy(context);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_the_same_bits),
        cmocka_unit_test(algorithms_without_an_epilogue_go_on),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
