/* Gradients that are summed with others', in buckets, while backward goes on. On any device
 * ($RNCL_TEST_DEVICE). */
#include <pthread.h>
#include <stdatomic.h>
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

static bool gone; /* somebody else, so that nothing can be joined */

static rncl_status join(void *user, rncl_batch_result *sums)
{
    (void)user;
    sums->loss *= 2;
    return gone ? RNCL_FAIL(RNCL_ERR_IO, "somebody has gone") : RNCL_OK;
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
    const rncl_network_setup setup = {.graph = graph,
                                      .batch_size = BATCH,
                                      .micro_batch = micro_batch,
                                      .training = true,
                                      .averaged = true,
                                      .others = others};
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

static rncl_status begin_step(rncl_network *network)
{
    static const int32_t labels[BATCH] = {0, 1, 2, 3};
    static float images[BATCH * 8 * 8 * 3];
    for (size_t i = 0; i < COUNT(images); i++)
        images[i] = (float)(i % 17) / 8 - 1;
    seen.calls = 0;
    return rncl_network_train(network, images, labels,
                              &(rncl_update_rule){.lr = 0.1f, .momentum = 0.9f, .average_share = 0.5f});
}

static void step(rncl_network *network)
{
    rncl_batch_result result;
    expect_ok(begin_step(network));
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
            create(BATCH / 2, (rncl_network_others){.sum = sum, .join = join, .bucket_floats = SOME_FLOATS});
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
        rncl_network *network =
            create(BATCH, (rncl_network_others){.sum = sum, .join = join, .bucket_floats = sizes[i]});
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

/* ---- when somebody has gone ---- */

typedef struct all_vectors {
    rncl_network_vectors v;
    size_t floats[5];
} all_vectors;

static all_vectors allocate_vectors(void)
{
    const size_t params = graph->param_floats, statistics = graph->state_floats;
    all_vectors all = {.floats = {params, statistics, params, params, statistics}};
    float **const vectors[] = {&all.v.params, &all.v.state, &all.v.velocity, &all.v.average,
                               &all.v.average_state};
    for (size_t i = 0; i < COUNT(vectors); i++)
        assert_non_null(*vectors[i] = calloc(all.floats[i], sizeof(float)));
    return all;
}

/* Frees the second ones. */
static void expect_same(const all_vectors *wanted, all_vectors *got)
{
    const float *const left[] = {wanted->v.params, wanted->v.state, wanted->v.velocity, wanted->v.average,
                                 wanted->v.average_state};
    float *const right[] = {got->v.params, got->v.state, got->v.velocity, got->v.average,
                            got->v.average_state};
    for (size_t i = 0; i < COUNT(left); i++) {
        assert_memory_equal(left[i], right[i], wanted->floats[i] * sizeof(float));
        free(right[i]);
    }
}

static void free_vectors(all_vectors *all)
{
    free(all->v.params);
    free(all->v.state);
    free(all->v.velocity);
    free(all->v.average);
    free(all->v.average_state);
}

/* Whatever the network was doing: in the middle of a step, between two, or measuring its averages. */
static void a_step_that_cannot_be_joined_has_not_been_taken(void **state)
{
    (void)state;
    build_graph("");
    rncl_network *network =
        create(BATCH, (rncl_network_others){.sum = sum, .join = join, .bucket_floats = SOME_FLOATS});
    step(network);
    all_vectors before = allocate_vectors(), now = allocate_vectors();
    expect_ok(rncl_network_read(network, &before.v));
    expect_ok(rncl_network_exchange_averages(network));
    expect_ok(rncl_network_read_before(network, &now.v));
    expect_same(&before, &now);

    gone = true;
    assert_int_equal(begin_step(network), RNCL_ERR_IO);
    gone = false;
    now = allocate_vectors();
    expect_ok(rncl_network_read_before(network, &now.v));
    expect_same(&before, &now);
    free_vectors(&before);
    rncl_network_destroy(network);
    rncl_graph_destroy(graph);
}

static void results_are_everybodys(void **state)
{
    (void)state;
    rncl_batch_result alone, joined;
    build_graph("");
    rncl_network *network = create(BATCH, (rncl_network_others){0});
    expect_ok(begin_step(network));
    expect_ok(rncl_network_collect(network, &alone));
    rncl_network_destroy(network);
    network = create(BATCH, (rncl_network_others){.sum = sum, .join = join, .bucket_floats = SOME_FLOATS});
    expect_ok(begin_step(network));
    expect_ok(rncl_network_collect(network, &joined));
    assert_true(joined.loss == 2 * alone.loss);
    assert_int_equal(joined.count, alone.count);
    rncl_network_destroy(network);
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
        create(BATCH, (rncl_network_others){.sum = sum_and_open, .join = join, .bucket_floats = SOME_FLOATS});
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

/* ---- the end of a step ---- */

static atomic_bool opened;

static void *open_late(void *unused)
{
    (void)unused;
    usleep(200000);
    atomic_store(&opened, true);
    clSetUserEventStatus(gate, CL_COMPLETE);
    return NULL;
}

/* The update's end waits for the gate, as does what an observer may have enqueued before. */
static rncl_status hold_update(void *user, const rncl_pass_at *at)
{
    (void)user;
    if (!gate || !at->done || at->op->desc.kind != RNCL_OP_sgd)
        return RNCL_OK;
    assert_int_equal(clEnqueueBarrierWithWaitList(context->queue, 1, &gate, NULL), CL_SUCCESS);
    return RNCL_OK;
}

/* Who observes passes reads into memory of his own, until the step has been collected. */
static void a_step_that_has_been_collected_has_been_updated(void **state)
{
    (void)state;
    cl_int error;
    pthread_t opener;
    rncl_batch_result result;
    build_graph("");
    rncl_network *network =
        create(BATCH, (rncl_network_others){.sum = sum, .join = join, .bucket_floats = SOME_FLOATS});
    rncl_network_observe(network, (rncl_pass_observer){.look = hold_update});
    step(network);
    gate = clCreateUserEvent(context->context, &error);
    assert_int_equal(error, CL_SUCCESS);
    expect_ok(begin_step(network));
    assert_int_equal(pthread_create(&opener, NULL, open_late, NULL), 0);
    expect_ok(rncl_network_collect(network, &result));
    assert_true(atomic_load(&opened));
    pthread_join(opener, NULL);
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
        cmocka_unit_test(results_are_everybodys),
        cmocka_unit_test(a_step_that_cannot_be_joined_has_not_been_taken),
        cmocka_unit_test(a_bucket_is_summed_before_backward_has_reached_the_first_layer),
        cmocka_unit_test(a_step_that_has_been_collected_has_been_updated),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
