/* rncl info */
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "console.h"
#include "graph.h"
#include "table.h"

static json_t *describe_layer(const rncl_graph *graph, size_t index)
{
    const rncl_node *node = &graph->nodes[index];
    const rncl_shape *output = &graph->tensors[node->output];
    const rncl_graph_cost cost = rncl_graph_node_cost(graph, index);
    return json_pack("{s:s, s:s, s:[i,i,i], s:I, s:I}", "name", node->name, "op",
                     rncl_op_type_of(node->op.kind)->name, "output", output->h, output->w, output->c,
                     "parameters", (json_int_t)cost.parameters, "macs", (json_int_t)cost.macs);
}

static rncl_status print_json(const rncl_graph *graph)
{
    const rncl_graph_cost total = rncl_graph_total(graph);
    json_t *layers = json_array();
    for (size_t i = 0; i < graph->node_count; i++)
        if (json_array_append_new(layers, describe_layer(graph, i)) != 0) {
            json_decref(layers);
            return RNCL_FAIL(RNCL_ERR_MEMORY, "JSON document");
        }
    return rncl_json_print(json_pack("{s:I, s:I, s:I, s:o}", "parameters", (json_int_t)total.parameters,
                                     "macs", (json_int_t)total.macs, "activations",
                                     (json_int_t)total.activations, "layers", layers));
}

/* The paper's comparison (He et al. 2015, section 3.3): ResNet-34 against the 19.6 G of VGG-19, which is for
 * ImageNet's pictures. */
static rncl_status print_share(const rncl_network_options *network, uint64_t macs)
{
    const rncl_network_options options = {.arch = RNCL_ARCH_VGG, .depth = 19};
    const int image = rncl_arch_image(options.arch);
    if (network->arch == options.arch || network->image != image || rncl_arch_image(network->arch) != image)
        return RNCL_OK;
    rncl_graph *vgg;
    RNCL_TRY(rncl_graph_build(&options, &vgg));
    const double of = (double)rncl_graph_total(vgg).macs;
    rncl_graph_destroy(vgg);
    printf("That is %.1f %% of the %.1f G of VGG-19.\n", 100 * (double)macs / of, of / 1e9);
    return RNCL_OK;
}

static rncl_status print_table(const rncl_graph *graph)
{
    const rncl_graph_cost total = rncl_graph_total(graph);
    rncl_table *table;
    RNCL_TRY(rncl_table_create("layer\top\toutput\tparameters\tmultiply-adds", "lllrr", &table));
    rncl_status st = RNCL_OK;
    for (size_t i = 0; i < graph->node_count && !st; i++) {
        const rncl_node *node = &graph->nodes[i];
        const rncl_shape *output = &graph->tensors[node->output];
        const rncl_graph_cost cost = rncl_graph_node_cost(graph, i);
        st = rncl_table_add(table, "%s\t%s\t%dx%dx%d\t%zu\t%" PRIu64, node->name,
                            rncl_op_type_of(node->op.kind)->name, output->h, output->w, output->c,
                            cost.parameters, cost.macs);
    }
    if (!st)
        st = rncl_table_add(table, "total\t\t\t%zu\t%" PRIu64, total.parameters, total.macs);
    if (!st) {
        rncl_table_print(table, stdout);
        printf("\nFor each image of %dx%dx%d: %.2f G multiply-adds, %.1f MiB of activations in one forward "
               "pass.\n",
               graph->tensors[0].h, graph->tensors[0].w, graph->tensors[0].c, (double)total.macs / 1e9,
               (double)total.activations * sizeof(float) / (1 << 20));
        st = print_share(&graph->options, total.macs);
    }
    rncl_table_destroy(table);
    return st;
}

rncl_status rncl_info_run(rncl_options *options)
{
    rncl_graph *graph;
    RNCL_TRY(rncl_graph_build(&options->network, &graph));
    rncl_status st = options->json ? print_json(graph) : print_table(graph);
    rncl_graph_destroy(graph);
    return st;
}
