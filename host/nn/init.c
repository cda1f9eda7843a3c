/* First values of parameters and running statistics. */
#include "graph.h"

#include <math.h>
#include <string.h>

#include "random.h"

/* Fills one parameter; `weight` is that of its node, whose kind and shape decide. */
typedef void fill(rncl_random *random, const rncl_param *weight, float *values, size_t count);

static void fill_ones(rncl_random *random, const rncl_param *weight, float *values, size_t count)
{
    (void)random, (void)weight;
    for (size_t i = 0; i < count; i++)
        values[i] = 1.0f;
}

/* He et al. 2015b, equation 14, with the fan out. */
static void fill_normal(rncl_random *random, const rncl_param *weight, float *values, size_t count)
{
    const float deviation = sqrtf(2.0f / (float)(weight->dims[0] * weight->dims[2] * weight->dims[3]));
    for (size_t i = 0; i < count; i++)
        values[i] = deviation * rncl_random_normal(random);
}

static void fill_uniform(rncl_random *random, const rncl_param *weight, float *values, size_t count)
{
    const float bound = 1.0f / sqrtf((float)weight->dims[1]);
    for (size_t i = 0; i < count; i++)
        values[i] = bound * (2.0f * rncl_random_uniform(random) - 1.0f);
}

/* By the kind of a node's weight; NULL leaves zeros. */
static const struct {
    fill *weight, *bias;
} fills[] = {
    [RNCL_PARAM_CONV] = {fill_normal, NULL},
    [RNCL_PARAM_LINEAR] = {fill_uniform, fill_uniform},
    [RNCL_PARAM_VECTOR] = {fill_ones, NULL},
};

static void fill_param(const rncl_graph *graph, const rncl_param *weight, fill *fill_values, int index,
                       uint64_t seed, float *params)
{
    if (index < 0 || !fill_values)
        return;
    const rncl_param *param = &graph->params[index];
    rncl_random random = rncl_random_stream(seed, RNCL_RANDOM_INIT, 0, (uint32_t)index);
    fill_values(&random, weight, params + param->offset, param->count);
}

void rncl_graph_initialise(const rncl_graph *graph, uint64_t seed, float *params, float *state)
{
    memset(params, 0, graph->param_floats * sizeof *params);
    memset(state, 0, graph->state_floats * sizeof *state);
    for (size_t i = 0; i < graph->node_count; i++) {
        const rncl_node *node = &graph->nodes[i];
        if (node->weight < 0)
            continue;
        const rncl_param *weight = &graph->params[node->weight];
        fill_param(graph, weight, fills[weight->kind].weight, node->weight, seed, params);
        fill_param(graph, weight, fills[weight->kind].bias, node->bias, seed, params);
    }
    for (size_t i = 0; i < graph->running_count; i++)
        for (int c = 0; c < graph->running[i].channels; c++)
            state[graph->running[i].variance_offset + (size_t)c] = 1.0f;
}

void rncl_graph_zero_residuals(const rncl_graph *graph, float *params)
{
    for (size_t i = 0; i < graph->node_count; i++) {
        const rncl_node *node = &graph->nodes[i];
        if (node->residual < 0)
            continue;
        const rncl_param *weight = &graph->params[node->weight];
        memset(params + weight->offset, 0, weight->count * sizeof *params);
    }
}
