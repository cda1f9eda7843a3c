/* Gradients that are summed with others', in buckets, while backward goes on. On any device
 * ($RNCL_TEST_DEVICE). */
#include <unistd.h>

#include "network.h"
#include "training_test.h"

enum { BATCH = 4, MOST_BUCKETS = 64, SOME_FLOATS = 3000 };

static rncl_context *context;
static rncl_graph *graph;

/* What the calls of `sum` have been given. */
static struct {
    size_t first[MOST_BUCKETS], count[MOST_BUCKETS];
    int calls;
} seen;

static rncl_status sum(void *user, size_t first, size_t count, float *gradients)
{
    (void)user;
    assert_true(seen.calls < MOST_BUCKETS);
    seen.first[seen.calls] = first;
    seen.count[seen.calls++] = count;
    for (size_t i = 0; i < count; i++)
        gradients[i] *= 2;
    return RNCL_OK;
}

static void build_graph(const char *frozen)
{
    const rncl_network_options options = {
        .arch = RNCL_ARCH_CIFAR_RESNET, .depth = 8, .shortcut = RNCL_SHORTCUT_B, .image = 8, .classes = 10};
    expect_ok(rncl_graph_build(&options, &graph));
    expect_ok(rncl_graph_freeze(graph, frozen));
}

static rncl_network *create(int micro_batch, rncl_network_others others)
{
    const rncl_network_setup setup = {
        .graph = graph, .batch_size = BATCH, .micro_batch = micro_batch, .training = true, .others = others};
    rncl_network *network;
    float *params = calloc(graph->param_floats, sizeof *params);
    float *state = calloc(graph->state_floats, sizeof *state);
    assert_true(params && state);
    rncl_graph_initialise(graph, 3, params, state);
    expect_ok(rncl_network_create(context, &setup, &network));
    expect_ok(rncl_network_write(network, &(rncl_network_vectors){.params = params, .state = state}));
    free(params);
    free(state);
    return network;
}

static void step(rncl_network *network)
{
    static const int32_t labels[BATCH] = {0, 1, 2, 3};
    static float images[BATCH * 8 * 8 * 3];
    rncl_batch_result result;
    for (size_t i = 0; i < COUNT(images); i++)
        images[i] = (float)(i % 17) / 8 - 1;
    seen.calls = 0;
    expect_ok(rncl_network_train(network, images, labels, &(rncl_update_rule){.lr = 0.1f, .momentum = 0.9f}));
    expect_ok(rncl_network_collect(network, &result));
}

/* The first node in the order of execution whose weights are in a bucket. */
static size_t first_node(size_t first, size_t count)
{
    for (size_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].weight >= 0 && graph->params[graph->nodes[i].weight].offset >= first &&
            graph->params[graph->nodes[i].weight].offset < first + count)
            return i;
    fail_msg("a bucket without weights");
    return 0;
}

static void what_is_trained_is_summed_once_in_the_order_of_backward(void **state)
{
    (void)state;
    for (int frozen = 0; frozen < 2; frozen++) {
        build_graph(frozen ? "layer2" : "");
        rncl_network *network =
            create(BATCH / 2, (rncl_network_others){.sum = sum, .bucket_floats = SOME_FLOATS});
        unsigned char *summed = calloc(graph->param_floats, 1);
        assert_non_null(summed);
        step(network);
        assert_true(seen.calls > 3);
        for (int i = 0; i < seen.calls; i++) {
            assert_true(i == 0 || first_node(seen.first[i], seen.count[i]) <
                                      first_node(seen.first[i - 1], seen.count[i - 1]));
            for (size_t k = 0; k < seen.count[i]; k++)
                summed[seen.first[i] + k]++;
        }
        for (size_t i = 0; i < graph->node_count; i++) {
            const rncl_node *node = &graph->nodes[i];
            const int of[] = {node->weight, node->bias};
            for (size_t p = 0; p < COUNT(of); p++)
                for (size_t k = 0; of[p] >= 0 && k < graph->params[of[p]].count; k++)
                    assert_int_equal(summed[graph->params[of[p]].offset + k], !node->frozen);
        }
        free(summed);
        rncl_network_destroy(network);
        rncl_graph_destroy(graph);
    }
}

static void buckets_of_any_size_train_to_the_same_bits(void **state)
{
    (void)state;
    static const size_t sizes[] = {1 << 24, SOME_FLOATS, 1};
    float *params[COUNT(sizes)];
    build_graph("");
    for (size_t i = 0; i < COUNT(sizes); i++) {
        rncl_network *network = create(BATCH, (rncl_network_others){.sum = sum, .bucket_floats = sizes[i]});
        params[i] = calloc(graph->param_floats, sizeof(float));
        assert_non_null(params[i]);
        for (int steps = 0; steps < 3; steps++)
            step(network);
        assert_true(i > 0 || seen.calls == 1);
        expect_ok(rncl_network_read(network, &(rncl_network_vectors){.params = params[i]}));
        rncl_network_destroy(network);
        assert_memory_equal(params[i], params[0], graph->param_floats * sizeof(float));
    }
    for (size_t i = 0; i < COUNT(sizes); i++)
        free(params[i]);
    rncl_graph_destroy(graph);
}

/* ---- while backward goes on ---- */

static cl_event gate; /* NULL: backward runs freely */

/* The first layer waits for the gate. */
static rncl_status hold(void *user, const rncl_pass_at *at)
{
    (void)user;
    if (!gate || at->done || at->pass == RNCL_OP_FORWARD || strcmp(at->name, graph->nodes[0].name) != 0)
        return RNCL_OK;
    assert_int_equal(clEnqueueBarrierWithWaitList(context->queue, 1, &gate, NULL), CL_SUCCESS);
    return RNCL_OK;
}

static rncl_status sum_and_open(void *user, size_t first, size_t count, float *gradients)
{
    if (gate && seen.calls == 0)
        assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
    return sum(user, first, count, gradients);
}

/* Otherwise it would wait for ever. The first batch is one that is waited for after each pass. */
static void a_bucket_is_summed_before_backward_has_reached_the_first_layer(void **state)
{
    (void)state;
    cl_int error;
    build_graph("");
    rncl_network *network =
        create(BATCH, (rncl_network_others){.sum = sum_and_open, .bucket_floats = SOME_FLOATS});
    rncl_network_observe(network, (rncl_pass_observer){.look = hold});
    step(network);
    gate = clCreateUserEvent(context->context, &error);
    assert_int_equal(error, CL_SUCCESS);
    alarm(300);
    step(network);
    alarm(0);
    clReleaseEvent(gate);
    gate = NULL;
    rncl_network_destroy(network);
    rncl_graph_destroy(graph);
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
        cmocka_unit_test(what_is_trained_is_summed_once_in_the_order_of_backward),
        cmocka_unit_test(buckets_of_any_size_train_to_the_same_bits),
        cmocka_unit_test(a_bucket_is_summed_before_backward_has_reached_the_first_layer),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
