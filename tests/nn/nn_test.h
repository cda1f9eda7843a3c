/* Shared by the tests of host/nn. */
#ifndef TESTS_NN_TEST_H
#define TESTS_NN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "graph.h"

static inline rncl_graph *build(rncl_network_options options)
{
    rncl_graph *graph;
    rncl_status st = rncl_graph_build(&options, &graph);
    if (st)
        fail_msg("%s", rncl_status_message());
    return graph;
}

static inline const rncl_node *node_named(const rncl_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->node_count; i++)
        if (strcmp(graph->nodes[i].name, name) == 0)
            return &graph->nodes[i];
    fail_msg("no node %s", name);
    return NULL;
}

static inline void assert_message_has(const char *text)
{
    if (!strstr(rncl_status_message(), text))
        fail_msg("\"%s\" is not in \"%s\"", text, rncl_status_message());
}

#endif
