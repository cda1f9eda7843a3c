/* Which batch normalisations are done by convolutions. */
#include "epilogues.h"

static unsigned flags_of(const rncl_batchnorm_shape *s)
{
    return RNCL_EPILOGUE_NORMALISE | (s->residual == RNCL_RESIDUAL_ADD ? RNCL_EPILOGUE_ADD : 0u) |
           (s->relu ? RNCL_EPILOGUE_RELU : 0u);
}

unsigned rncl_epilogue_of(const rncl_network_plan *plan, size_t i)
{
    return plan->partner[i] < 0 ? 0 : flags_of(&plan->graph->nodes[i].op.batchnorm);
}

/* What a node adds is there if it is the image, or if a node before has been planned to make it. */
static bool is_there(const rncl_network_plan *plan, int tensor)
{
    return tensor == 0 || plan->producer[tensor] >= 0;
}

/* -1: none. */
static int normalisation_behind(const rncl_network_plan *plan, size_t i)
{
    const rncl_graph *graph = plan->graph;
    const int result = graph->nodes[i].output;
    if (graph->nodes[i].op.kind != RNCL_OP_conv || rncl_graph_readers(graph, result) != 1)
        return -1;
    size_t reader = i + 1;
    while (reader < graph->node_count && graph->nodes[reader].input != result)
        reader++;
    if (reader == graph->node_count || graph->nodes[reader].op.kind != RNCL_OP_batchnorm)
        return -1;
    const rncl_node *node = &graph->nodes[reader];
    const rncl_int residual = node->op.batchnorm.residual;
    const bool fits =
        residual == RNCL_RESIDUAL_NONE || (residual == RNCL_RESIDUAL_ADD && is_there(plan, node->residual));
    return fits ? (int)reader : -1;
}

rncl_status rncl_epilogue_plan(rncl_context *context, rncl_network_plan *plan, size_t i)
{
    const int behind = normalisation_behind(plan, i);
    if (behind < 0 || !plan->ops[i]->passes[RNCL_OP_FORWARD].row->epilogue)
        return RNCL_OK;
    const rncl_op_desc desc = plan->ops[i]->desc;
    rncl_op_choice choice = plan->ops[i]->choice;
    choice.epilogue = flags_of(&plan->graph->nodes[behind].op.batchnorm);
    rncl_op_destroy(plan->ops[i]);
    RNCL_TRY(rncl_op_create(context, &desc, &choice, &plan->ops[i]));
    plan->partner[i] = behind;
    plan->partner[behind] = (int)i;
    return RNCL_OK;
}

const rncl_node *rncl_epilogue_end(const rncl_network_plan *plan, size_t i)
{
    const int partner = plan->partner[i];
    if (partner < 0)
        return &plan->graph->nodes[i];
    return partner > (int)i ? &plan->graph->nodes[partner] : NULL;
}
