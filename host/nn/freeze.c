/* Layers that are not to be trained. */
#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "util.h"

enum { MOST_NAMES = 16 };

/* Whether the layer has that name, or is part of what has it: layer1 has layer1.0.conv1, not layer10. */
static bool is_part_of(const char *layer, const char *name, size_t length)
{
    return strncmp(layer, name, length) == 0 && (layer[length] == '\0' || layer[length] == '.');
}

/* The layers' first words, once each: conv1, bn1, layer1 … fc. */
static size_t list_names(const rncl_graph *graph, char names[MOST_NAMES][64])
{
    size_t count = 0;
    for (size_t i = 0; i < graph->node_count && count < MOST_NAMES; i++) {
        const rncl_node *node = &graph->nodes[i];
        const size_t length = strcspn(node->name, ".");
        if (node->weight < 0 ||
            (count > 0 && is_part_of(node->name, names[count - 1], strlen(names[count - 1]))))
            continue;
        memcpy(names[count], node->name, length);
        names[count++][length] = '\0';
    }
    return count;
}

static rncl_status no_such_layer(const rncl_graph *graph, const char *name, size_t length)
{
    char names[MOST_NAMES][64], list[256] = "";
    const size_t count = list_names(graph, names);
    for (size_t i = 0, end = 0; i < count && end < sizeof list; i++)
        end += (size_t)snprintf(list + end, sizeof list - end, "%s%s", i ? ", " : "", names[i]);
    return RNCL_FAIL(RNCL_ERR_USAGE,
                     "--freeze: no layer %.*s; there are %s, and their parts such as layer1.0",
                     (int)MIN(length, 60), name, list);
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
    }
    for (size_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].weight >= 0 && !graph->nodes[i].frozen)
            return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_USAGE, "--freeze %.200s: nothing is left to train", names);
}
