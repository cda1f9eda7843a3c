#include "fold.h"

#include <math.h>

bool rncl_fold_possible(const rncl_graph *graph, size_t conv)
{
    const rncl_node *node = &graph->nodes[conv];
    if (node->op.kind != RNCL_OP_conv || node->bias >= 0 || conv + 1 == graph->node_count)
        return false;
    int readers = 0;
    for (size_t i = conv + 1; i < graph->node_count; i++)
        readers += (graph->nodes[i].input == node->output) + (graph->nodes[i].residual == node->output);
    return readers == 1 && node[1].op.kind == RNCL_OP_batchnorm && node[1].input == node->output;
}

void rncl_fold(const rncl_exported *model, size_t conv, float *filter, float *bias)
{
    const rncl_graph *graph = model->graph;
    const rncl_node *node = &graph->nodes[conv], *norm = node + 1;
    const rncl_param *param = &graph->params[node->weight];
    const rncl_running *running = &graph->running[norm->running];
    const float *weight = model->params + graph->params[norm->weight].offset;
    const float *beta = model->params + graph->params[norm->bias].offset;
    const float *mean = model->state + running->mean_offset;
    const float *variance = model->state + running->variance_offset;
    rncl_model_tensor_get(graph, (size_t)node->weight, model->params, model->state, filter);
    const size_t channels = (size_t)param->dims[0], each = param->count / channels;
    for (size_t k = 0; k < channels; k++) {
        const double factor = (double)weight[k] / sqrt((double)variance[k] + (double)RNCL_BATCHNORM_EPSILON);
        for (size_t i = 0; i < each; i++)
            filter[k * each + i] = (float)(factor * (double)filter[k * each + i]);
        bias[k] = (float)((double)beta[k] - factor * (double)mean[k]);
    }
}
