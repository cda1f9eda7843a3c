/* Looks for the first pass that writes something that is not finite: every pass is waited for, and its
 * results are read back. */
#include <stdio.h>
#include <stdlib.h>

#include "network_state.h"
#include "util.h"

void rncl_network_seek(rncl_network *net, char where[RNCL_SEEK_TEXT])
{
    net->seek = where;
    if (where)
        where[0] = '\0';
}

static rncl_status look_at(rncl_network *net, cl_mem buffer, size_t floats, const char *what)
{
    if (!buffer || !floats || net->seek[0])
        return RNCL_OK;
    float *values = malloc(floats * sizeof *values);
    if (!values)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu values to look at", floats);
    const rncl_status st = rncl_buffer_read(net->context, buffer, 0, floats * sizeof *values, values);
    if (!st && !rncl_all_finite(values, floats))
        snprintf(net->seek, RNCL_SEEK_TEXT, "%s", what);
    free(values);
    return st;
}

static size_t floats_of(const rncl_network *net, int tensor)
{
    return rncl_shape_count(net->plan.graph->tensors[tensor]) * (size_t)net->plan.micro_batch;
}

static size_t param_floats(const rncl_network *net, int param)
{
    return param < 0 ? 0 : net->plan.graph->params[param].count;
}

rncl_status rncl_network_look_forward(rncl_network *net, size_t i)
{
    const rncl_node *node = &net->plan.graph->nodes[i];
    return net->seek ? look_at(net, net->nodes[i].buffers.y, floats_of(net, node->output),
                               net->nodes[i].forward_label)
                     : RNCL_OK;
}

rncl_status rncl_network_look_backward(rncl_network *net, size_t i)
{
    const rncl_node *node = &net->plan.graph->nodes[i];
    const rncl_op_buffers *b = &net->nodes[i].buffers;
    const char *label = net->nodes[i].backward_label;
    if (!net->seek)
        return RNCL_OK;
    RNCL_TRY(look_at(net, b->dx, floats_of(net, node->input), label));
    RNCL_TRY(look_at(net, b->dresidual, node->residual < 0 ? 0 : floats_of(net, node->residual), label));
    RNCL_TRY(look_at(net, node->frozen ? NULL : b->dweight, param_floats(net, node->weight), label));
    return look_at(net, node->frozen ? NULL : b->dbias, param_floats(net, node->bias), label);
}

rncl_status rncl_network_look_loss(rncl_network *net, cl_mem losses, int first)
{
    const size_t end = (size_t)(first + net->plan.micro_batch);
    if (!net->seek)
        return RNCL_OK;
    RNCL_TRY(look_at(net, losses, end, "the loss"));
    return look_at(net, net->dlogits,
                   floats_of(net, net->plan.graph->nodes[net->plan.graph->node_count - 1].output),
                   "the gradient of the loss");
}
