/* Layers that are not to be trained. */
#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "util.h"

/* Whether the layer has that name, or is part of what has it: layer1 has layer1.0.conv1, not layer10. */
static bool is_part_of(const char *layer, const char *name, size_t length)
{
    return strncmp(layer, name, length) == 0 && (layer[length] == '\0' || layer[length] == '.');
}

/* "conv1, bn1, layer1 … fc": the first words of the layers' names, once each, cut off where they do not fit.
 */
static void list_layers(const rncl_graph *graph, char *text, size_t size)
{
    const char *last = "";
    size_t length = 0;
    for (size_t i = 0; i < graph->node_count && length < size; i++) {
        const rncl_node *node = &graph->nodes[i];
        const size_t word = strcspn(node->name, ".");
        if (node->weight < 0 || (strncmp(last, node->name, word) == 0 && strcspn(last, ".") == word))
            continue;
        length += (size_t)snprintf(text + length, size - length, "%s%.*s", *last ? ", " : "", (int)word,
                                   node->name);
        last = node->name;
    }
}

static rncl_status no_such_layer(const rncl_graph *graph, const char *name, size_t length)
{
    char layers[256] = "";
    list_layers(graph, layers, sizeof layers);
    return RNCL_FAIL(RNCL_ERR_USAGE,
                     "--freeze: no layer %.*s; there are %s, and their parts such as layer1.0",
                     (int)MIN(length, 60), name, layers);
}

static rncl_status freeze_one(rncl_graph *graph, const char *name, size_t length)
{
    bool found = false;
    for (size_t i = 0; i < graph->node_count; i++) {
        rncl_node *node = &graph->nodes[i];
        if (node->weight < 0 || !is_part_of(node->name, name, length))
            continue;
        node->frozen = found = true;
    }
    return found ? RNCL_OK : no_such_layer(graph, name, length);
}

rncl_status rncl_graph_freeze(rncl_graph *graph, const char *names)
{
    for (const char *next = names; *next;) {
        const size_t length = strcspn(next, ",");
        RNCL_TRY(freeze_one(graph, next, length));
        next += length + (next[length] == ',');
        next += strspn(next, " ");
    }
    for (size_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].weight >= 0 && !graph->nodes[i].frozen)
            return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_USAGE, "--freeze %.200s: nothing is left to train", names);
}
