/* Shared by the tests of host/export: models with the weights of the golden networks. */
#ifndef TESTS_EXPORT_TEST_H
#define TESTS_EXPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "exported.h"
#include "folder.h"
#include "golden/golden_values.h"

typedef struct test_model {
    rncl_graph *graph;
    rncl_model_meta meta;
    float *params, *state, *values; /* values: as many as the largest tensor has */
} test_model;

static char *test_labels[] = {"first", "zweite \"ä\"", "third"};

static inline rncl_exported exported(const test_model *m)
{
    return (rncl_exported){.graph = m->graph, .meta = &m->meta, .params = m->params, .state = m->state};
}

static inline test_model make_model(rncl_network_options options)
{
    test_model m = {.meta = {.mean = {0.5f, 0.25f, 0.75f},
                             .std = {0.25f, 0.5f, 0.125f},
                             .labels = test_labels,
                             .label_count = 3}};
    assert_int_equal(rncl_graph_build(&options, &m.graph), RNCL_OK);
    m.params = calloc(m.graph->param_floats, sizeof *m.params);
    m.state = calloc(m.graph->state_floats, sizeof *m.state);
    m.values = calloc(m.graph->param_floats, sizeof *m.values);
    assert_true(m.params && m.state && m.values);
    for (size_t i = 0; i < rncl_model_tensor_count(m.graph); i++) {
        rncl_model_tensor tensor;
        rncl_model_tensor_at(m.graph, i, &tensor);
        const golden_source source =
            golden_source_of(tensor.name, tensor.rank > 1 ? tensor.count / tensor.dims[0] : 1);
        for (size_t k = 0; k < tensor.count; k++)
            m.values[k] = golden_value(&source, k);
        rncl_model_tensor_set(m.graph, i, m.values, m.params, m.state);
    }
    return m;
}

static inline void release_model(test_model *m)
{
    rncl_graph_destroy(m->graph);
    free(m->params);
    free(m->state);
    free(m->values);
}

#endif
