/* Initial values: their distributions, and that they depend only on the seed. */
#include "nn_test.h"

#include <math.h>
#include <stdlib.h>

#include "util.h"

typedef struct vectors {
    rncl_graph *graph;
    float *params, *state;
} vectors;

static vectors initialised(rncl_network_options options, uint64_t seed)
{
    vectors v = {.graph = build(options)};
    v.params = malloc(v.graph->param_floats * sizeof *v.params);
    v.state = malloc(v.graph->state_floats * sizeof *v.state);
    assert_non_null(v.params);
    assert_non_null(v.state);
    memset(v.params, 0xff, v.graph->param_floats * sizeof *v.params); /* NaN, where nothing is written */
    memset(v.state, 0xff, v.graph->state_floats * sizeof *v.state);
    rncl_graph_initialise(v.graph, seed, v.params, v.state);
    return v;
}

static void release(vectors *v)
{
    free(v->params);
    free(v->state);
    rncl_graph_destroy(v->graph);
}

static const rncl_network_options small = {.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 8, .classes = 100};

static const rncl_param *param_named(const rncl_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->param_count; i++)
        if (strcmp(graph->params[i].name, name) == 0)
            return &graph->params[i];
    fail_msg("no parameter %s", name);
    return NULL;
}

static void moments(const float *values, size_t count, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)values[i];
        squares += (double)values[i] * (double)values[i];
    }
    *mean = sum / (double)count;
    *deviation = sqrt(squares / (double)count - *mean * *mean);
}

static void convolutions_are_normal_with_the_deviation_of_their_fan_out(void **unused)
{
    (void)unused;
    vectors v = initialised((rncl_network_options){.depth = 18}, 1);
    for (size_t i = 0; i < v.graph->param_count; i++) {
        const rncl_param *param = &v.graph->params[i];
        if (param->kind != RNCL_PARAM_CONV)
            continue;
        double mean, deviation, wanted = sqrt(2.0 / (param->dims[0] * param->dims[2] * param->dims[3]));
        moments(v.params + param->offset, param->count, &mean, &deviation);
        double five_sigma = 5 / sqrt((double)param->count);
        assert_true(fabs(mean) < wanted * five_sigma);
        assert_true(fabs(deviation / wanted - 1) < five_sigma);
    }
    release(&v);
}

static void linear_layers_are_uniform_within_one_over_the_root_of_their_inputs(void **unused)
{
    (void)unused;
    static const char *const names[] = {"fc.weight", "fc.bias"};
    vectors v = initialised((rncl_network_options){.depth = 18}, 2);
    double bound = 1 / sqrt(512.0);
    for (size_t n = 0; n < 2; n++) {
        const rncl_param *param = param_named(v.graph, names[n]);
        for (size_t i = 0; i < param->count; i++)
            assert_true(fabs((double)v.params[param->offset + i]) <= bound * 1.000001);
        double mean, deviation, five_sigma = 5 / sqrt((double)param->count);
        moments(v.params + param->offset, param->count, &mean, &deviation);
        assert_true(fabs(mean) < bound * five_sigma);
        assert_true(fabs(deviation / bound * sqrt(3.0) - 1) < five_sigma);
    }
    release(&v);
}

static void batch_norms_start_as_the_identity(void **unused)
{
    (void)unused;
    vectors v = initialised(small, 3);
    const rncl_param *weight = param_named(v.graph, "layer2.0.bn1.weight");
    const rncl_param *bias = param_named(v.graph, "layer2.0.bn1.bias");
    for (size_t i = 0; i < weight->count; i++) {
        assert_float_equal(v.params[weight->offset + i], 1, 0);
        assert_float_equal(v.params[bias->offset + i], 0, 0);
    }
    for (size_t i = 0; i < v.graph->running_count; i++) {
        for (int c = 0; c < v.graph->running[i].channels; c++) {
            assert_float_equal(v.state[v.graph->running[i].mean_offset + (size_t)c], 0, 0);
            assert_float_equal(v.state[v.graph->running[i].variance_offset + (size_t)c], 1, 0);
        }
    }
    release(&v);
}

static void zeroed_residuals_are_the_last_norm_of_each_block(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        float wanted;
    } cases[] = {{"bn1.weight", 1},          {"layer1.0.bn1.weight", 1},          {"layer1.0.bn2.weight", 1},
                 {"layer1.0.bn3.weight", 0}, {"layer1.0.downsample.1.weight", 1}, {"layer4.2.bn3.weight", 0}};
    vectors v = initialised((rncl_network_options){.depth = 50}, 3);
    rncl_graph_zero_residuals(v.graph, v.params);
    for (size_t n = 0; n < COUNT(cases); n++) {
        const rncl_param *param = param_named(v.graph, cases[n].name);
        for (size_t i = 0; i < param->count; i++)
            assert_float_equal(v.params[param->offset + i], cases[n].wanted, 0);
    }
    release(&v);
}

static void padding_is_zero(void **unused)
{
    (void)unused;
    vectors v = initialised(small, 4);
    size_t position = 0, padding = 0;
    for (size_t i = 0; i <= v.graph->param_count; i++) {
        size_t next = i < v.graph->param_count ? v.graph->params[i].offset : v.graph->param_floats;
        for (; position < next; position++, padding++)
            assert_float_equal(v.params[position], 0, 0);
        if (i < v.graph->param_count)
            position += v.graph->params[i].count;
    }
    assert_true(padding > 0);
    for (size_t i = 0; i < v.graph->state_floats; i++)
        assert_true(v.state[i] == 0 || v.state[i] == 1);
    release(&v);
}

static void one_seed_gives_one_network_and_another_seed_another(void **unused)
{
    (void)unused;
    vectors a = initialised(small, 5), b = initialised(small, 5), c = initialised(small, 6);
    size_t bytes = a.graph->param_floats * sizeof *a.params;
    assert_memory_equal(a.params, b.params, bytes);
    assert_memory_not_equal(a.params, c.params, bytes);
    release(&a);
    release(&b);
    release(&c);
}

static void parameters_of_one_shape_differ(void **unused)
{
    (void)unused;
    vectors v = initialised(small, 7);
    const rncl_param *a = param_named(v.graph, "layer1.0.conv1.weight");
    const rncl_param *b = param_named(v.graph, "layer1.0.conv2.weight");
    assert_int_equal(a->count, b->count);
    assert_memory_not_equal(v.params + a->offset, v.params + b->offset, a->count * sizeof *v.params);
    release(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_are_normal_with_the_deviation_of_their_fan_out),
        cmocka_unit_test(linear_layers_are_uniform_within_one_over_the_root_of_their_inputs),
        cmocka_unit_test(batch_norms_start_as_the_identity),
        cmocka_unit_test(zeroed_residuals_are_the_last_norm_of_each_block),
        cmocka_unit_test(padding_is_zero),
        cmocka_unit_test(one_seed_gives_one_network_and_another_seed_another),
        cmocka_unit_test(parameters_of_one_shape_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
