/* Input gradients leave the sums that the batch normalisation before them needs: those of matrix units, which
 * are emulated, also where its moments are those of two devices; and direct ones, with what passes the ReLU.
 * On any device ($RNCL_TEST_DEVICE). */
#include <math.h>
#include <pthread.h>

#include "builder.h"
#include "network.h"
#include "random.h"
#include "spot_checks.h"
#include "training_test.h"

/* Batch normalisations that are given sums: one inside each of three blocks, the first one and that of the
 * first block's result, which the next block adds. */
enum { IMAGE = 8, CLASSES = 10, BATCH = 8, STEPS = 4, MEMBERS = 2, GIVEN = 3 + 1 + 1 };

static rncl_graph *graph;

/* How convolutions are computed. On matrix units a 3x3 input gradient leaves sums if it does not share out
 * its depth. */
typedef enum way { ON_UNITS_IN_SHARES, ON_UNITS, TILED, DIRECT } way;

static bool is_on_units(way by)
{
    return by == ON_UNITS || by == ON_UNITS_IN_SHARES;
}

static const rncl_setting *look_up(void *state, const rncl_op_desc *desc, int pass)
{
    static const rncl_setting settings[] = {
        [ON_UNITS_IN_SHARES] = {.algorithm = "mma", .count = 1, .knobs = {{"split", 2}}},
        [ON_UNITS] = {.algorithm = "mma", .count = 1, .knobs = {{"split", 1}}},
        [TILED] = {.algorithm = "tiled"},
        [DIRECT] = {.algorithm = "direct"},
    };
    static const rncl_setting on_units = {.algorithm = "mma"};
    const way *by = state;
    if (desc->kind != RNCL_OP_conv)
        return NULL;
    const bool whole = pass == RNCL_CONV_BACKWARD_DATA && desc->conv.r == 3;
    return whole || !is_on_units(*by) ? &settings[*by] : &on_units;
}

/* ---- two networks, each in its thread, that train on halves of a batch ---- */

static pthread_barrier_t all_here;

typedef struct member {
    const void *shown; /* what the others may read until all have met again */
} member;

static member members[MEMBERS];

/* Replaces values by `join` of everybody's, in the order of the members. `into` begins as the first one's. */
static rncl_status meet(member *m, void *values, size_t bytes, size_t count,
                        void (*join)(void *into, const void *more, size_t count))
{
    void *joined = malloc(bytes);
    assert_non_null(joined);
    m->shown = values;
    pthread_barrier_wait(&all_here);
    memcpy(joined, members[0].shown, bytes);
    for (int i = 1; i < MEMBERS; i++)
        join(joined, members[i].shown, count);
    pthread_barrier_wait(&all_here);
    memcpy(values, joined, bytes);
    free(joined);
    return RNCL_OK;
}

static void add_floats(void *into, const void *more, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ((float *)into)[i] += ((const float *)more)[i];
}

static void add_doubles(void *into, const void *more, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ((double *)into)[i] += ((const double *)more)[i];
}

/* Both have as many rows. */
static void join_halves(void *into, const void *more, size_t c)
{
    double *a = into;
    const double *b = more;
    assert_true(a[0] == b[0]);
    for (size_t i = 1; i <= c; i++) {
        a[c + i] += b[c + i] + (a[i] - b[i]) * (a[i] - b[i]) * a[0] / 2;
        a[i] = (a[i] + b[i]) / 2;
    }
    a[0] += b[0];
}

static void average(void *into, const void *more, size_t count)
{
    double *a = into;
    const double *b = more;
    for (size_t i = 1; i <= count; i++)
        a[i] = (a[i] + b[i]) / 2;
    a[0] += b[0];
}

static rncl_status weigh(void *user, double *weight)
{
    return meet(user, weight, sizeof *weight, 1, add_doubles);
}

static rncl_status sum(void *user, size_t first, size_t count, float *gradients)
{
    (void)first;
    return meet(user, gradients, count * sizeof *gradients, count, add_floats);
}

static rncl_status join(void *user, rncl_batch_result *sums)
{
    return meet(user, &sums->loss, sizeof sums->loss, 1, add_doubles);
}

static rncl_status join_statistics(void *user, size_t c, double *statistics)
{
    return meet(user, statistics, (1 + 2 * c) * sizeof *statistics, c, join_halves);
}

static rncl_status join_means(void *user, size_t count, double *means)
{
    return meet(user, means, (1 + count) * sizeof *means, count, average);
}

/* ---- training ---- */

typedef struct trained {
    way by;
    int batch, micro_batch;
    int first;      /* picture of the data */
    member *member; /* NULL: trains alone */
    rncl_pass_observer observer;
    pthread_t thread;
    int given;       /* batch normalisations that were planned for given sums */
    float *gradient; /* of the first step */
    float *params;   /* after all steps */
    double loss[STEPS];
} trained;

static float *new_vector(size_t floats)
{
    float *vector = calloc(floats, sizeof *vector);
    assert_non_null(vector);
    return vector;
}

static rncl_network *create(trained *t, rncl_context *context)
{
    rncl_network_setup setup = {.graph = graph,
                                .batch_size = t->batch,
                                .micro_batch = t->micro_batch,
                                .training = true,
                                .tuned = {.lookup = look_up, .state = &t->by}};
    if (t->member)
        setup.others = (rncl_network_others){.weigh = weigh,
                                             .sum = sum,
                                             .join = join,
                                             .bucket_floats = 1 << 20,
                                             .moments = {join_statistics, join_means, t->member},
                                             .user = t->member};
    rncl_network *network;
    float *state = new_vector(graph->state_floats);
    t->params = new_vector(graph->param_floats);
    t->gradient = new_vector(graph->param_floats);
    rncl_graph_initialise(graph, 3, t->params, state);
    expect_ok(rncl_network_create(context, &setup, &network));
    expect_ok(rncl_network_write(network, &(rncl_network_vectors){.params = t->params, .state = state}));
    free(state);
    const rncl_op *op;
    for (size_t i = 0; (op = rncl_network_op(network, i)); i++)
        t->given += op->choice.gradient_parts > 0;
    rncl_network_observe(network, t->observer);
    return network;
}

/* Batch normalisation saves the signs of blocks' results on GPUs. */
static rncl_context *open_for(const trained *t)
{
    rncl_context *context = open_device();
    if (!is_on_units(t->by))
        return context;
    context->device_class = RNCL_CLASS_GPU;
    context->precision = RNCL_PRECISION_FP32;
    assert_true(rncl_matrix_unit_emulate(context, "nvidia-tf32"));
    return context;
}

static void step(rncl_network *network, int first, rncl_batch_result *result)
{
    enum { FLOATS = IMAGE * IMAGE * 3 };
    float images[BATCH * FLOATS];
    int32_t labels[BATCH];
    rncl_random random = rncl_random_stream(7, RNCL_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < COUNT(images); i++)
        images[i] = rncl_random_normal(&random);
    for (int i = 0; i < BATCH; i++)
        labels[i] = i % CLASSES;
    expect_ok(rncl_network_train(network, images + first * FLOATS, labels + first,
                                 &(rncl_update_rule){.lr = 0.01f, .momentum = 0.9f}));
    expect_ok(rncl_network_collect(network, result));
}

/* After the first step the velocity is the gradient. */
static void *take_steps(void *argument)
{
    trained *t = argument;
    rncl_context *context = open_for(t);
    rncl_network *network = create(t, context);
    for (int i = 0; i < STEPS; i++) {
        rncl_batch_result result;
        step(network, t->first, &result);
        t->loss[i] = result.loss;
        if (i == 0)
            expect_ok(rncl_network_read(network, &(rncl_network_vectors){.velocity = t->gradient}));
    }
    expect_ok(rncl_network_read(network, &(rncl_network_vectors){.params = t->params}));
    rncl_network_destroy(network);
    rncl_context_destroy(context);
    return NULL;
}

static void release(trained *t)
{
    free(t->gradient);
    free(t->params);
}

/* Of each parameter, relative to its largest value in `b`. */
static double difference(const float *a, const float *b)
{
    double worst = 0;
    for (size_t p = 0; p < graph->param_count; p++) {
        double most = 0, largest = 0;
        for (size_t i = graph->params[p].offset; i < graph->params[p].offset + graph->params[p].count; i++) {
            most = fmax(most, isfinite(a[i]) ? fabs((double)a[i] - (double)b[i]) : INFINITY);
            largest = fmax(largest, fabs((double)b[i]));
        }
        worst = fmax(worst, most / fmax(largest, 1e-6));
    }
    return worst;
}

static void expect_same_training(const trained *a, const trained *b)
{
    double of_losses = 0;
    for (int i = 0; i < STEPS; i++)
        of_losses = fmax(of_losses, isfinite(a->loss[i]) ? fabs(a->loss[i] / b->loss[i] - 1) : 1);
    const double of_gradients = difference(a->gradient, b->gradient),
                 of_params = difference(a->params, b->params);
    print_message("# losses %.2g, first gradients %.2g, parameters %.2g apart\n", of_losses, of_gradients,
                  of_params);
    assert_true(of_losses < 1e-5);
    assert_true(of_gradients < 1e-4);
    assert_true(of_params < 1e-4);
}

static void sums_of_input_gradients_train_as_those_of_batch_normalisation(void **state)
{
    (void)state;
    trained with = {.by = ON_UNITS, .batch = BATCH, .micro_batch = BATCH / 2},
            without = {.batch = BATCH, .micro_batch = BATCH / 2};
    take_steps(&with);
    take_steps(&without);
    assert_int_equal(with.given, GIVEN);
    assert_int_equal(without.given, 0);
    expect_same_training(&with, &without);
    release(&with);
    release(&without);
}

static void direct_input_gradients_train_as_others_do(void **state)
{
    (void)state;
    trained with = {.by = DIRECT, .batch = BATCH, .micro_batch = BATCH / 2},
            without = {.by = TILED, .batch = BATCH, .micro_batch = BATCH / 2};
    take_steps(&with);
    take_steps(&without);
    assert_int_equal(with.given, GIVEN);
    assert_int_equal(without.given, 0);
    expect_same_training(&with, &without);
    release(&with);
    release(&without);
}

static void two_devices_with_common_moments_train_as_one_does(void **state)
{
    (void)state;
    trained one = {.batch = BATCH, .micro_batch = BATCH}, half[MEMBERS];
    take_steps(&one);
    assert_int_equal(pthread_barrier_init(&all_here, NULL, MEMBERS), 0);
    for (int i = 0; i < MEMBERS; i++) {
        half[i] = (trained){.by = ON_UNITS,
                            .batch = BATCH / MEMBERS,
                            .micro_batch = BATCH / MEMBERS,
                            .first = i * BATCH / MEMBERS,
                            .member = &members[i]};
        assert_int_equal(pthread_create(&half[i].thread, NULL, take_steps, &half[i]), 0);
    }
    for (int i = 0; i < MEMBERS; i++)
        pthread_join(half[i].thread, NULL);
    pthread_barrier_destroy(&all_here);
    assert_int_equal(one.given, 0);
    for (int i = 0; i < MEMBERS; i++) {
        assert_int_equal(half[i].given, GIVEN);
        expect_same_training(&half[i], &one);
        release(&half[i]);
    }
    release(&one);
}

/* Overwrites the sums with zeros between the two. */
static rncl_status forget_sums(void *user, const rncl_pass_at *at)
{
    (void)user;
    const int parts = at->op->needs.gradient_parts;
    if (!parts || !at->done || at->pass != RNCL_CONV_BACKWARD_DATA)
        return RNCL_OK;
    const size_t floats = 2 * (size_t)parts * (size_t)at->op->desc.conv.c;
    float *zeros = new_vector(floats);
    const rncl_status st = rncl_buffer_write(at->op->passes[at->pass].context, at->buffers->gradient_sums, 0,
                                             floats * sizeof *zeros, zeros);
    free(zeros);
    return st;
}

static void expect_sums_read(way by)
{
    trained t = {.by = by, .batch = BATCH, .micro_batch = BATCH, .observer = {.look = forget_sums}};
    int zero = 0;
    take_steps(&t);
    for (size_t i = 0; i < graph->node_count; i++) {
        const rncl_node *node = &graph->nodes[i];
        if (node->op.kind != RNCL_OP_batchnorm)
            continue;
        const rncl_param *bias = &graph->params[node->bias];
        double most = 0;
        for (size_t k = 0; k < bias->count; k++)
            most = fmax(most, fabs((double)t.gradient[bias->offset + k]));
        zero += most == 0;
    }
    assert_int_equal(zero, GIVEN);
    release(&t);
}

static void batch_normalisation_reads_the_sums_that_it_was_given(void **state)
{
    (void)state;
    expect_sums_read(ON_UNITS);
    expect_sums_read(DIRECT);
}

/* Every pass that a step runs, once. */
static void expect_nothing_found(way by)
{
    trained t = {.by = by, .batch = BATCH / 4, .micro_batch = BATCH / 4};
    rncl_context *context = open_for(&t);
    rncl_network *network = create(&t, context);
    rncl_spot_checks *checks;
    assert_int_equal(t.given, GIVEN);
    expect_ok(rncl_spot_checks_create(network, 1e9, 1, &checks));
    const int64_t passes = (int64_t)rncl_spot_checks_facts_of(checks).passes;
    for (int64_t i = 0; i < passes; i++) {
        rncl_batch_result result;
        expect_ok(rncl_spot_checks_begin(checks, i));
        step(network, 0, &result);
        expect_ok(rncl_spot_checks_end(checks, i));
    }
    assert_int_equal(rncl_spot_checks_facts_of(checks).checks, passes);
    rncl_network_destroy(network);
    rncl_spot_checks_destroy(checks);
    rncl_context_destroy(context);
    release(&t);
}

static void spot_checks_find_nothing(void **state)
{
    (void)state;
    expect_nothing_found(ON_UNITS);
    expect_nothing_found(DIRECT);
}

static int add_layer(rncl_builder *builder, int x, int out, int stride, rncl_norm_tail tail)
{
    const bool projects = !tail.relu;
    rncl_conv_norm layer = {.in = graph->tensors[x].c,
                            .out = out,
                            .window = projects ? 1 : 3,
                            .stride = stride,
                            .pad = projects ? 0 : 1};
    rncl_builder_name(layer.conv, "conv%zu", graph->node_count);
    rncl_builder_name(layer.norm, "bn%zu", graph->node_count);
    rncl_builder_declare(builder, &layer);
    return rncl_builder_conv_norm(builder, &layer, x, tail);
}

/* A basic block; with a stride its shortcut has a convolution. */
static int add_block(rncl_builder *builder, int x, int out, int stride)
{
    const rncl_norm_tail inside = {.relu = true, .residual = -1}, shortcut = {.residual = -1};
    const int residual = stride == 1 ? x : add_layer(builder, x, out, stride, shortcut);
    const int between = add_layer(builder, x, out, stride, inside);
    return add_layer(builder, between, out, 1, (rncl_norm_tail){.relu = true, .residual = residual});
}

static int build_graph(void **state)
{
    (void)state;
    graph = calloc(1, sizeof *graph);
    assert_non_null(graph);
    graph->options = (rncl_network_options){.image = IMAGE, .channels = 3, .classes = CLASSES};
    rncl_builder builder = {.graph = graph};
    int x = rncl_builder_tensor(&builder, (rncl_shape){1, IMAGE, IMAGE, 3});
    x = add_layer(&builder, x, 8, 1, (rncl_norm_tail){.relu = true, .residual = -1});
    x = add_block(&builder, x, 8, 1);
    x = add_block(&builder, x, 8, 1);
    x = add_block(&builder, x, 16, 2);
    rncl_builder_linear(&builder, "fc", rncl_builder_avgpool(&builder, x), CLASSES);
    expect_ok(builder.status);
    return 0;
}

static int destroy_graph(void **state)
{
    (void)state;
    rncl_graph_destroy(graph);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_input_gradients_train_as_those_of_batch_normalisation),
        cmocka_unit_test(direct_input_gradients_train_as_others_do),
        cmocka_unit_test(two_devices_with_common_moments_train_as_one_does),
        cmocka_unit_test(batch_normalisation_reads_the_sums_that_it_was_given),
        cmocka_unit_test(spot_checks_find_nothing),
    };
    return cmocka_run_group_tests(tests, build_graph, destroy_graph);
}
