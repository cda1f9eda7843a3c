/* The networks: their nodes, how these are connected, and the depths that exist. */
#include "nn_test.h"

#include <stdlib.h>

#include <stdio.h>

#include "torchvision.h"
#include "util.h"

/* Every way to vary a network that changes its wiring. */
static const rncl_network_options variants[] = {
    {.depth = 18},
    {.depth = 18, .image = 28, .channels = 1, .classes = 10},
    {.depth = 18, .image = 1},
    {.depth = 18, .image = 33, .shortcut = RNCL_SHORTCUT_A},
    {.depth = 34, .image = 75, .stem_pool = 2, .shortcut = RNCL_SHORTCUT_C},
    {.depth = 50, .image = 97},
    {.depth = 50, .image = 31, .shortcut = RNCL_SHORTCUT_A, .bottleneck_v1 = true},
    {.arch = RNCL_ARCH_PLAIN, .depth = 18, .image = 57},
    {.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 8, .image = 29},
    {.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 20, .shortcut = RNCL_SHORTCUT_B},
    {.arch = RNCL_ARCH_CIFAR_PLAIN, .depth = 14, .channels = 4},
};

static void node_costs_count_parameters_multiply_adds_and_written_values(void **unused)
{
    (void)unused;
    rncl_graph *graph = build((rncl_network_options){.depth = 18});
    rncl_graph_cost conv = rncl_graph_node_cost(graph, 0);
    assert_int_equal(conv.parameters, 64 * 3 * 7 * 7);
    assert_int_equal(conv.macs, 112 * 112 * 64 * 3 * 7 * 7);
    assert_int_equal(conv.activations, 112 * 112 * 64);
    rncl_graph_cost norm = rncl_graph_node_cost(graph, 1);
    assert_int_equal(norm.parameters, 128);
    assert_int_equal(norm.macs, 0);
    assert_int_equal(norm.activations, 112 * 112 * 64);
    rncl_graph_cost linear = rncl_graph_node_cost(graph, graph->node_count - 1);
    assert_int_equal(linear.parameters, 513000);
    assert_int_equal(linear.macs, 512000);
    assert_int_equal(linear.activations, 1000);
    rncl_graph_destroy(graph);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return rncl_hash(hash, text, strlen(text));
}

static uint64_t hash_params(const rncl_graph *graph)
{
    uint64_t hash = RNCL_HASH_START;
    for (size_t i = 0; i < graph->param_count; i++) {
        const rncl_param *param = &graph->params[i];
        hash = hash_text(hash, param->name);
        for (int d = 0; d < param->rank; d++) {
            char dim[32];
            snprintf(dim, sizeof dim, "%c%d", d ? ',' : ':', param->dims[d]);
            hash = hash_text(hash, dim);
        }
        hash = hash_text(hash, "\n");
    }
    return hash;
}

static void names_shapes_and_order_are_those_of_torchvision(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT(torchvision); i++) {
        rncl_graph *graph = build((rncl_network_options){.depth = torchvision[i].depth});
        assert_int_equal(hash_params(graph), torchvision[i].params);
        uint64_t norms = RNCL_HASH_START;
        for (size_t n = 0; n < graph->running_count; n++)
            norms = hash_text(hash_text(norms, graph->running[n].name), ".\n");
        assert_int_equal(norms, torchvision[i].norms);
        rncl_graph_destroy(graph);
    }
}

static void expect_alignment(const rncl_graph *graph, size_t unit)
{
    size_t end = 0;
    for (size_t i = 0; i < graph->param_count; i++) {
        const rncl_param *param = &graph->params[i];
        assert_int_equal(param->offset % unit, 0);
        assert_true(param->offset >= end);
        end = param->offset + param->count;
    }
    assert_true(graph->param_floats >= end);
    end = 0;
    for (size_t i = 0; i < graph->running_count; i++) {
        const rncl_running *running = &graph->running[i];
        assert_int_equal(running->mean_offset % unit, 0);
        assert_int_equal(running->variance_offset % unit, 0);
        assert_true(running->mean_offset >= end);
        assert_true(running->variance_offset >= running->mean_offset + (size_t)running->channels);
        end = running->variance_offset + (size_t)running->channels;
    }
    assert_true(graph->state_floats >= end);
}

static void parameters_and_states_are_aligned_and_do_not_overlap(void **unused)
{
    (void)unused;
    rncl_graph *graph = build((rncl_network_options){.depth = 50, .classes = 7});
    const size_t usual = graph->param_floats;
    expect_alignment(graph, RNCL_PARAM_ALIGNMENT);
    rncl_graph_align(graph, 128);
    assert_int_equal(graph->param_floats, usual);
    expect_alignment(graph, RNCL_PARAM_ALIGNMENT);
    rncl_graph_align(graph, 4096);
    expect_alignment(graph, 4096 / sizeof(float));
    rncl_graph_destroy(graph);
}

/* Shapes that a node reads and writes, according to its operation's shape. */
typedef struct shapes {
    rncl_shape x, y;
    size_t weight, bias, running;
} shapes;

static shapes shapes_of(const rncl_op_desc *op)
{
    const rncl_conv_shape *conv = &op->conv;
    const rncl_batchnorm_shape *norm = &op->batchnorm;
    const rncl_maxpool_shape *pool = &op->maxpool;
    const rncl_avgpool_shape *mean = &op->avgpool;
    const rncl_linear_shape *linear = &op->linear;
    switch (op->kind) {
    case RNCL_OP_conv:
        assert_int_equal(conv->p, rncl_window_output(conv->h, conv->r, conv->stride, conv->pad));
        assert_int_equal(conv->q, rncl_window_output(conv->w, conv->s, conv->stride, conv->pad));
        return (shapes){.x = {conv->n, conv->h, conv->w, conv->c},
                        .y = {conv->n, conv->p, conv->q, conv->k},
                        .weight = (size_t)(conv->k * conv->r * conv->s * conv->c)};
    case RNCL_OP_batchnorm:
        return (shapes){.x = {norm->n, norm->h, norm->w, norm->c},
                        .y = {norm->n, norm->h, norm->w, norm->c},
                        .weight = (size_t)norm->c,
                        .bias = (size_t)norm->c,
                        .running = (size_t)norm->c};
    case RNCL_OP_maxpool:
        assert_int_equal(pool->p, rncl_window_output(pool->h, pool->size, pool->stride, pool->pad));
        assert_int_equal(pool->q, rncl_window_output(pool->w, pool->size, pool->stride, pool->pad));
        return (shapes){.x = {pool->n, pool->h, pool->w, pool->c}, .y = {pool->n, pool->p, pool->q, pool->c}};
    case RNCL_OP_avgpool:
        return (shapes){.x = {mean->n, mean->h, mean->w, mean->c}, .y = {mean->n, 1, 1, mean->c}};
    case RNCL_OP_linear:
        return (shapes){.x = {linear->n, 1, 1, linear->c},
                        .y = {linear->n, 1, 1, linear->k},
                        .weight = (size_t)(linear->c * linear->k),
                        .bias = (size_t)linear->k};
    default:
        fail_msg("unknown operation");
        return (shapes){0};
    }
}

static void assert_shape_equal(rncl_shape a, rncl_shape b)
{
    assert_memory_equal(&a, &b, sizeof a);
}

static size_t count_of(const rncl_graph *graph, int param)
{
    return param < 0 ? 0 : graph->params[param].count;
}

static void every_node_reads_what_earlier_nodes_wrote_at_the_shape_it_wants(void **unused)
{
    (void)unused;
    for (size_t v = 0; v < COUNT(variants); v++) {
        rncl_graph *graph = build(variants[v]);
        const rncl_network_options *options = &graph->options;
        assert_shape_equal(graph->tensors[0],
                           (rncl_shape){1, options->image, options->image, options->channels});
        assert_int_equal(graph->tensor_count, graph->node_count + 1);
        for (size_t i = 0; i < graph->node_count; i++) {
            const rncl_node *node = &graph->nodes[i];
            shapes wanted = shapes_of(&node->op);
            assert_int_equal(node->output, i + 1); /* each node's output is the next tensor */
            assert_in_range(node->input, 0, i);
            assert_true(node->residual <= (int)i);
            assert_shape_equal(graph->tensors[node->input], wanted.x);
            assert_shape_equal(graph->tensors[node->output], wanted.y);
            assert_int_equal(count_of(graph, node->weight), wanted.weight);
            assert_int_equal(count_of(graph, node->bias), wanted.bias);
            assert_int_equal(node->running < 0 ? 0 : graph->running[node->running].channels, wanted.running);
        }
        assert_shape_equal(graph->tensors[graph->node_count], (rncl_shape){1, 1, 1, options->classes});
        rncl_graph_destroy(graph);
    }
}

static void residuals_fit_the_output_as_their_kind_says(void **unused)
{
    (void)unused;
    for (size_t v = 0; v < COUNT(variants); v++) {
        rncl_graph *graph = build(variants[v]);
        for (size_t i = 0; i < graph->node_count; i++) {
            const rncl_node *node = &graph->nodes[i];
            const rncl_batchnorm_shape *norm = &node->op.batchnorm;
            if (node->op.kind != RNCL_OP_batchnorm || node->residual < 0) {
                assert_int_equal(node->residual, -1);
                assert_true(node->op.kind != RNCL_OP_batchnorm || norm->residual == RNCL_RESIDUAL_NONE);
                continue;
            }
            const rncl_shape given = graph->tensors[node->residual];
            const rncl_shape padded = {1, norm->residual_h, norm->residual_w, norm->residual_c};
            assert_int_equal(norm->relu, 1);
            if (norm->residual == RNCL_RESIDUAL_ADD) {
                assert_shape_equal(graph->tensors[node->output], given);
                continue;
            }
            assert_int_equal(norm->residual, RNCL_RESIDUAL_PAD);
            assert_shape_equal(given, padded);
            assert_int_equal(norm->h, (norm->residual_h - 1) / norm->residual_stride + 1);
            assert_int_equal(norm->w, (norm->residual_w - 1) / norm->residual_stride + 1);
            assert_true(norm->residual_c < norm->c);
        }
        rncl_graph_destroy(graph);
    }
}

static void identity_shortcuts_are_the_tensor_that_the_block_reads(void **unused)
{
    (void)unused;
    rncl_graph *graph = build((rncl_network_options){.depth = 18});
    const rncl_node *last = node_named(graph, "layer1.0.bn2");
    assert_int_equal(last->residual, node_named(graph, "maxpool")->output);
    assert_int_equal(last->residual, node_named(graph, "layer1.0.conv1")->input);
    assert_int_equal(last->op.batchnorm.residual, RNCL_RESIDUAL_ADD);
    assert_int_equal(node_named(graph, "layer1.1.bn2")->residual, last->output);
    rncl_graph_destroy(graph);
}

static void projections_replace_the_shortcut_where_sizes_change(void **unused)
{
    (void)unused;
    rncl_graph *graph = build((rncl_network_options){.depth = 50});
    const rncl_node *conv = node_named(graph, "layer2.0.downsample.0");
    const rncl_node *norm = node_named(graph, "layer2.0.downsample.1");
    assert_int_equal(conv->input, node_named(graph, "layer2.0.conv1")->input);
    assert_int_equal(conv->op.conv.stride, 2);
    assert_int_equal(conv->op.conv.r, 1);
    assert_int_equal(norm->input, conv->output);
    assert_int_equal(norm->op.batchnorm.relu, 0);
    assert_int_equal(norm->residual, -1);
    assert_int_equal(node_named(graph, "layer2.0.bn3")->residual, norm->output);
    assert_int_equal(node_named(graph, "layer1.0.downsample.0")->op.conv.stride, 1);
    rncl_graph_destroy(graph);
}

static size_t count_nodes(rncl_network_options options, const char *part)
{
    rncl_graph *graph = build(options);
    size_t count = 0;
    for (size_t i = 0; i < graph->node_count; i++)
        count += strstr(graph->nodes[i].name, part) != NULL;
    rncl_graph_destroy(graph);
    return count;
}

static void shortcuts_decide_how_many_projections_there_are(void **unused)
{
    (void)unused;
    static const struct {
        rncl_network_options options;
        size_t projections;
    } cases[] = {
        {{.depth = 18, .shortcut = RNCL_SHORTCUT_A}, 0},
        {{.depth = 18, .shortcut = RNCL_SHORTCUT_B}, 3},
        {{.depth = 18, .shortcut = RNCL_SHORTCUT_C}, 8},
        {{.depth = 50, .shortcut = RNCL_SHORTCUT_A}, 0},
        {{.depth = 50}, 4},
        {{.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 20}, 0},
        {{.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 20, .shortcut = RNCL_SHORTCUT_B}, 2},
        {{.arch = RNCL_ARCH_PLAIN, .depth = 34}, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(count_nodes(cases[i].options, "downsample.0"), cases[i].projections);
}

static void shortcut_a_pads_with_the_stride_of_the_block(void **unused)
{
    (void)unused;
    rncl_graph *graph = build((rncl_network_options){.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 20});
    const rncl_batchnorm_shape *norm = &node_named(graph, "layer2.0.bn2")->op.batchnorm;
    assert_int_equal(norm->residual, RNCL_RESIDUAL_PAD);
    assert_int_equal(norm->residual_stride, 2);
    assert_int_equal(norm->residual_h, 32);
    assert_int_equal(norm->residual_c, 16);
    rncl_graph_destroy(graph);
    graph = build((rncl_network_options){.depth = 50, .shortcut = RNCL_SHORTCUT_A});
    norm = &node_named(graph, "layer1.0.bn3")->op.batchnorm;
    assert_int_equal(norm->residual, RNCL_RESIDUAL_PAD); /* 64 to 256 channels at one size */
    assert_int_equal(norm->residual_stride, 1);
    rncl_graph_destroy(graph);
}

static void plain_networks_add_nothing(void **unused)
{
    (void)unused;
    rncl_graph *graph = build((rncl_network_options){.arch = RNCL_ARCH_PLAIN, .depth = 34});
    for (size_t i = 0; i < graph->node_count; i++)
        assert_int_equal(graph->nodes[i].residual, -1);
    rncl_graph_destroy(graph);
}

static void bottleneck_version_moves_the_stride(void **unused)
{
    (void)unused;
    for (int v1 = 0; v1 <= 1; v1++) {
        rncl_graph *graph = build((rncl_network_options){.depth = 50, .bottleneck_v1 = v1});
        assert_int_equal(node_named(graph, "layer3.0.conv1")->op.conv.stride, v1 ? 2 : 1);
        assert_int_equal(node_named(graph, "layer3.0.conv2")->op.conv.stride, v1 ? 1 : 2);
        rncl_graph_destroy(graph);
    }
}

static void stem_pool_is_3x3_with_padding_or_2x2_without(void **unused)
{
    (void)unused;
    rncl_graph *graph = build((rncl_network_options){.depth = 18});
    const rncl_maxpool_shape *pool = &node_named(graph, "maxpool")->op.maxpool;
    assert_int_equal(pool->size, 3);
    assert_int_equal(pool->stride, 2);
    assert_int_equal(pool->pad, 1);
    rncl_graph_destroy(graph);
    graph = build((rncl_network_options){.depth = 18, .stem_pool = 2});
    pool = &node_named(graph, "maxpool")->op.maxpool;
    assert_int_equal(pool->size, 2);
    assert_int_equal(pool->stride, 2);
    assert_int_equal(pool->pad, 0);
    rncl_graph_destroy(graph);
}

static void defaults_depend_on_the_architecture(void **unused)
{
    (void)unused;
    rncl_graph *graph = build((rncl_network_options){.depth = 34});
    assert_int_equal(graph->options.shortcut, RNCL_SHORTCUT_B);
    assert_int_equal(graph->options.image, 224);
    assert_int_equal(graph->options.classes, 1000);
    assert_int_equal(graph->options.stem_pool, 3);
    rncl_graph_destroy(graph);
    graph = build((rncl_network_options){.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 110});
    assert_int_equal(graph->options.shortcut, RNCL_SHORTCUT_A);
    assert_int_equal(graph->options.image, 32);
    assert_int_equal(graph->options.classes, 10);
    rncl_graph_destroy(graph);
}

/* The list in help and errors is text; the families have their own tables. */
static void depths_that_help_names_are_the_depths_that_build(void **unused)
{
    (void)unused;
#define DEPTHS(constant, table, word, depths, remark) depths,
    static const char *const texts[] = {RNCL_FAMILIES(DEPTHS)};
#undef DEPTHS
    for (size_t i = 0; i < COUNT(texts); i++) {
        const char *next = strncmp(texts[i], "6n+2", 4) == 0 ? texts[i] + 4 : texts[i];
        int count = 0;
        for (next += strcspn(next, "0123456789"); *next; next += strcspn(next, "0123456789")) {
            rncl_graph_destroy(build((rncl_network_options){.arch = (rncl_arch)i, .depth = atoi(next)}));
            next += strspn(next, "0123456789");
            count++;
        }
        assert_true(count > 0);
    }
}

static void refused_options_name_what_there_is(void **unused)
{
    (void)unused;
    static const struct {
        rncl_network_options options;
        rncl_status status;
        const char *message;
    } cases[] = {
        {{.depth = 35}, RNCL_ERR_USAGE, "--depth 35: resnet has 18, 34, 50, 101, 152; the nearest is 34"},
        {{.depth = 0}, RNCL_ERR_USAGE, "nearest is 18"},
        {{.depth = INT32_MIN}, RNCL_ERR_USAGE, "nearest is 18"},
        {{.arch = RNCL_ARCH_PLAIN, .depth = 50}, RNCL_ERR_USAGE, "plain has 18, 34; the nearest is 34"},
        {{.arch = RNCL_ARCH_VGG, .depth = 16}, RNCL_ERR_USAGE, "vgg has 19"},
        {{.arch = RNCL_ARCH_VGG, .depth = 19, .image = 65536}, RNCL_ERR_SHAPE, "smaller images"},
        {{.arch = RNCL_ARCH_VGG, .depth = 19, .image = 31}, RNCL_ERR_SHAPE, "larger images"},
        {{.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 21}, RNCL_ERR_USAGE, "6n+2"},
        {{.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 54}, RNCL_ERR_USAGE, "nearest is 56"},
        {{.arch = RNCL_ARCH_CIFAR_PLAIN, .depth = 2}, RNCL_ERR_USAGE, "nearest is 8"},
        {{.arch = RNCL_ARCH_CIFAR_PLAIN, .depth = INT32_MAX}, RNCL_ERR_USAGE, "nearest is 6002"},
        {{.arch = RNCL_ARCH_PLAIN, .depth = 18, .shortcut = RNCL_SHORTCUT_B}, RNCL_ERR_USAGE, "no shortcuts"},
        {{.arch = (rncl_arch)9, .depth = 18}, RNCL_ERR_USAGE, "architecture 9"},
        {{.depth = 18, .shortcut = (rncl_shortcut)9}, RNCL_ERR_USAGE, "shortcut 9"},
        {{.depth = 18, .stem_pool = 4}, RNCL_ERR_USAGE, "3x3 or 2x2"},
        {{.depth = 18, .classes = -1}, RNCL_ERR_USAGE, "--classes"},
        {{.depth = 18, .image = -224}, RNCL_ERR_SHAPE, "--image"},
        {{.depth = 18, .channels = 5}, RNCL_ERR_SHAPE, "channels"},
        {{.depth = 18, .image = 2, .stem_pool = 2}, RNCL_ERR_SHAPE, "--image 2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rncl_graph *graph = (rncl_graph *)&cases; /* not NULL */
        assert_int_equal(rncl_graph_build(&cases[i].options, &graph), cases[i].status);
        assert_null(graph);
        assert_message_has(cases[i].message);
    }
}

static void vgg_has_torchvisions_names_and_is_not_run(void **unused)
{
    (void)unused;
    rncl_graph *graph = build((rncl_network_options){.arch = RNCL_ARCH_VGG, .depth = 19});
    assert_int_equal(graph->param_count, 2 * (16 + 3));
    assert_string_equal(graph->params[0].name, "features.0.weight");
    assert_string_equal(graph->params[2 * 15 + 1].name, "features.34.bias");
    assert_string_equal(graph->params[2 * 16].name, "classifier.0.weight");
    assert_int_equal(graph->params[2 * 16].dims[1], 7 * 7 * 512);
    rncl_graph_destroy(graph);
    assert_int_equal(rncl_arch_check_runs(RNCL_ARCH_VGG), RNCL_ERR_USAGE);
    assert_message_has("rncl info");
    assert_int_equal(rncl_arch_check_runs(RNCL_ARCH_CIFAR_PLAIN), RNCL_OK);
}

static void names_end_where_the_list_ends(void **unused)
{
    (void)unused;
    assert_string_equal(rncl_arch_name(RNCL_ARCH_CIFAR_RESNET), "cifar-resnet");
    assert_string_equal(rncl_shortcut_name(RNCL_SHORTCUT_A), "A");
    assert_null(rncl_arch_name((rncl_arch)(RNCL_ARCH_VGG + 1)));
    assert_null(rncl_shortcut_name((rncl_shortcut)(RNCL_SHORTCUT_C + 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node_costs_count_parameters_multiply_adds_and_written_values),
        cmocka_unit_test(names_shapes_and_order_are_those_of_torchvision),
        cmocka_unit_test(parameters_and_states_are_aligned_and_do_not_overlap),
        cmocka_unit_test(every_node_reads_what_earlier_nodes_wrote_at_the_shape_it_wants),
        cmocka_unit_test(residuals_fit_the_output_as_their_kind_says),
        cmocka_unit_test(identity_shortcuts_are_the_tensor_that_the_block_reads),
        cmocka_unit_test(projections_replace_the_shortcut_where_sizes_change),
        cmocka_unit_test(shortcuts_decide_how_many_projections_there_are),
        cmocka_unit_test(shortcut_a_pads_with_the_stride_of_the_block),
        cmocka_unit_test(plain_networks_add_nothing),
        cmocka_unit_test(bottleneck_version_moves_the_stride),
        cmocka_unit_test(stem_pool_is_3x3_with_padding_or_2x2_without),
        cmocka_unit_test(defaults_depend_on_the_architecture),
        cmocka_unit_test(depths_that_help_names_are_the_depths_that_build),
        cmocka_unit_test(refused_options_name_what_there_is),
        cmocka_unit_test(vgg_has_torchvisions_names_and_is_not_run),
        cmocka_unit_test(names_end_where_the_list_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
