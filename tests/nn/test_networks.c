/* Exact parameters and multiply-adds of the networks, compared with the paper's figures: docs/networks.md
 * has the same table. */
#include "nn_test.h"

#include <math.h>

#include "util.h"

static const struct network {
    const char *what;
    rncl_network_options options;
    size_t parameters;
    uint64_t macs;
    double paper_parameters, paper_macs; /* as printed: millions, billions; 0: the paper has no figure */
} networks[] = {
#define IMAGENET(d, ...)                                                                                     \
    {                                                                                                        \
        .depth = (d), __VA_ARGS__                                                                            \
    }
#define PLAIN(d)                                                                                             \
    {                                                                                                        \
        .arch = RNCL_ARCH_PLAIN, .depth = (d)                                                                \
    }
#define CIFAR(d, ...)                                                                                        \
    {                                                                                                        \
        .arch = RNCL_ARCH_CIFAR_RESNET, .depth = (d), __VA_ARGS__                                            \
    }
#define CIFAR_PLAIN(d)                                                                                       \
    {                                                                                                        \
        .arch = RNCL_ARCH_CIFAR_PLAIN, .depth = (d)                                                          \
    }
#define A .shortcut = RNCL_SHORTCUT_A
#define B .shortcut = RNCL_SHORTCUT_B
#define C .shortcut = RNCL_SHORTCUT_C
#define V1 .bottleneck_v1 = true
    {"plain 18", PLAIN(18), 11515688, 1794805760, 0, 1.8},
    {"plain 34", PLAIN(34), 21623848, 3644493824, 0, 3.6},
    {"resnet 18 A", IMAGENET(18, A), 11515688, 1794805760, 0, 1.8},
    {"resnet 18", IMAGENET(18, B), 11689512, 1814073344, 0, 1.8},
    {"resnet 18 C", IMAGENET(18, C), 12043816, 1878298624, 0, 0},
    {"resnet 34 A", IMAGENET(34, A), 21623848, 3644493824, 0, 3.6},
    {"resnet 34", IMAGENET(34, B), 21797672, 3663761408, 0, 0},
    {"resnet 34 C", IMAGENET(34, C), 22716840, 3830747136, 0, 0},
    {"resnet 34 with a stem pool of 2x2", IMAGENET(34, .stem_pool = 2), 21797672, 3663761408, 0, 0},
    {"resnet 50 v1", IMAGENET(50, V1), 25557032, 3857973248, 0, 0},
    {"resnet 50 v1.5", IMAGENET(50), 25557032, 4089184256, 0, 0},
    {"resnet 50 v1 A", IMAGENET(50, A, V1), 22780456, 3498311680, 0, 0},
    {"resnet 50 v1 C", IMAGENET(50, C, V1), 40128552, 6324224000, 0, 0},
    {"resnet 101 v1", IMAGENET(101, V1), 44549160, 7570194432, 0, 7.6},
    {"resnet 101 v1.5", IMAGENET(101), 44549160, 7801405440, 0, 0},
    {"resnet 152 v1", IMAGENET(152, V1), 60192808, 11282415616, 0, 11.3},
    {"resnet 152 v1.5", IMAGENET(152), 60192808, 11513626624, 0, 0},
    {"vgg 19", {.arch = RNCL_ARCH_VGG, .depth = 19}, 143667240, 19632062464, 0, 19.6},
    {"cifar-resnet 20", CIFAR(20), 269722, 40551040, 0.27, 0},
    {"cifar-resnet 32", CIFAR(32), 464154, 68862592, 0.46, 0},
    {"cifar-resnet 44", CIFAR(44), 658586, 97174144, 0.66, 0},
    {"cifar-resnet 56", CIFAR(56), 853018, 125485696, 0.85, 0},
    {"cifar-resnet 110", CIFAR(110), 1727962, 252887680, 1.7, 0},
    {"cifar-resnet 1202", CIFAR(1202), 19421274, 2829238912, 19.4, 0},
    {"cifar-resnet 20 B", CIFAR(20, B), 272474, 40813184, 0, 0},
    {"cifar-resnet 20 C", CIFAR(20, C), 283962, 42648192, 0, 0},
    {"cifar-plain 20", CIFAR_PLAIN(20), 269722, 40551040, 0.27, 0},
    {"cifar-plain 32", CIFAR_PLAIN(32), 464154, 68862592, 0.46, 0},
    {"cifar-plain 44", CIFAR_PLAIN(44), 658586, 97174144, 0.66, 0},
    {"cifar-plain 56", CIFAR_PLAIN(56), 853018, 125485696, 0.85, 0},
    {"cifar-plain 110", CIFAR_PLAIN(110), 1727962, 252887680, 1.7, 0},
#undef IMAGENET
#undef PLAIN
#undef CIFAR
#undef CIFAR_PLAIN
#undef A
#undef B
#undef C
#undef V1
};

static rncl_graph_cost cost_of(const struct network *network)
{
    rncl_graph *graph = build(network->options);
    rncl_graph_cost total = rncl_graph_total(graph);
    rncl_graph_destroy(graph);
    return total;
}

static void every_network_costs_what_the_table_says(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT(networks); i++) {
        rncl_graph_cost total = cost_of(&networks[i]);
        if (total.parameters != networks[i].parameters || total.macs != networks[i].macs)
            fail_msg("%s: %zu parameters, %llu multiply-adds", networks[i].what, total.parameters,
                     (unsigned long long)total.macs);
    }
}

/* Expects equality to within half a unit of the last printed digit. */
static void expect_printed(const char *what, double counted, double printed, double digit)
{
    if (printed > 0 && fabs(counted - printed) > 0.501 * digit)
        fail_msg("%s: %g is not what the paper rounds to %g", what, counted, printed);
}

static void the_papers_figures_are_these_rounded(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT(networks); i++) {
        const struct network *n = &networks[i];
        rncl_graph_cost total = cost_of(n);
        expect_printed(n->what, 1e-6 * (double)total.parameters, n->paper_parameters,
                       n->paper_parameters < 1 ? 0.01 : 0.1);
        expect_printed(n->what, 1e-9 * (double)total.macs, n->paper_macs, 0.1);
    }
}

/* Table 1 prints 3.8 for the 50 layers: 3.86, cut off rather than rounded. */
static void the_papers_resnet_50_is_cut_off_to_its_figure(void **unused)
{
    (void)unused;
    rncl_graph *graph = build((rncl_network_options){.depth = 50, .bottleneck_v1 = true});
    assert_float_equal(floor(1e-8 * (double)rncl_graph_total(graph).macs), 38, 0);
    rncl_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_network_costs_what_the_table_says),
        cmocka_unit_test(the_papers_figures_are_these_rounded),
        cmocka_unit_test(the_papers_resnet_50_is_cut_off_to_its_figure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
