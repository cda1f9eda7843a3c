/* Which layers the names of --freeze select. */
#include "nn_test.h"

#include "util.h"

static const rncl_network_options small = {.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 14};

static size_t count_frozen(const rncl_graph *graph)
{
    size_t count = 0;
    for (size_t i = 0; i < graph->node_count; i++)
        count += graph->nodes[i].frozen;
    return count;
}

static void names_freeze_layers_and_all_their_parts(void **unused)
{
    (void)unused;
    static const struct {
        const char *names;
        size_t frozen;
    } cases[] = {
        {"", 0},         {"conv1", 1},     {"conv1,bn1", 2},    {"conv1, bn1", 2},      {"layer1", 8},
        {"layer1.0", 4}, {"layer1.0,", 4}, {"layer1.1.bn2", 1}, {"layer1,layer1.0", 8}, {"fc,layer3", 9},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rncl_graph *graph = build(small);
        assert_int_equal(rncl_graph_freeze(graph, cases[i].names), RNCL_OK);
        assert_int_equal(count_frozen(graph), cases[i].frozen);
        rncl_graph_destroy(graph);
    }
}

static void a_name_that_is_only_the_beginning_of_one_freezes_nothing(void **unused)
{
    (void)unused;
    static const char *const names[] = {"layer", "layer1.", "layer1.1.conv", "conv1,layer4", ",", "maxpool"};
    for (size_t i = 0; i < COUNT(names); i++) {
        rncl_graph *graph = build(small);
        assert_int_equal(rncl_graph_freeze(graph, names[i]), RNCL_ERR_USAGE);
        assert_message_has("there are conv1, bn1, layer1, layer2, layer3, fc");
        rncl_graph_destroy(graph);
    }
}

static void something_must_be_left_to_train(void **unused)
{
    (void)unused;
    rncl_graph *graph = build(small);
    assert_int_equal(rncl_graph_freeze(graph, "conv1,bn1,layer1,layer2,layer3,fc"), RNCL_ERR_USAGE);
    assert_message_has("nothing is left");
    rncl_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_freeze_layers_and_all_their_parts),
        cmocka_unit_test(a_name_that_is_only_the_beginning_of_one_freezes_nothing),
        cmocka_unit_test(something_must_be_left_to_train),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
