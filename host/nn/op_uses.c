/* The distinct operations of a plan. */
#include "op_uses.h"

#include <stdlib.h>

#include "network_state.h"
#include "util.h"

enum { OTHER_OPERATIONS = 5 };

static void add(rncl_op_use *uses, size_t *count, const rncl_op_desc *desc, int pass)
{
    for (size_t i = 0; i < *count; i++)
        if (uses[i].pass == pass && rncl_op_desc_equal(&uses[i].desc, desc)) {
            uses[i].count++;
            return;
        }
    uses[(*count)++] = (rncl_op_use){.desc = *desc, .pass = pass, .count = 1};
}

/* Each of its passes that is called at a step and can be tuned. */
static void add_op(rncl_op_use *uses, size_t *count, const rncl_op *op, int passes)
{
    for (int pass = 0; pass < passes; pass++)
        if (rncl_op_wants(op, pass) && rncl_pass_is_tunable(&op->passes[pass])) {
            const rncl_pass *tuned = rncl_pass_to_tune(&op->passes[pass]);
            add(uses, count, &tuned->desc, tuned->index);
        }
}

/* The operations around the nodes. */
static rncl_status add_others(rncl_context *context, const rncl_network_setup *setup, int micro_batch,
                              rncl_op_use *uses, size_t *count)
{
    const rncl_graph *graph = setup->graph;
    const struct {
        bool used;
        rncl_op_desc desc;
    } others[] = {
        {true, rncl_network_loss_op(graph, micro_batch)},
        {setup->training, rncl_parameters_op(RNCL_OP_sgd, graph->param_floats)},
        {setup->averaged, rncl_parameters_op(RNCL_OP_ema, graph->param_floats)},
        {setup->averaged, rncl_parameters_op(RNCL_OP_ema, graph->state_floats)},
        {setup->mixup, rncl_network_mixup_op(graph, micro_batch)},
    };
    for (size_t i = 0; i < COUNT(others); i++) {
        rncl_op *op;
        if (!others[i].used)
            continue;
        RNCL_TRY(rncl_op_create(context, &others[i].desc, NULL, &op));
        add_op(uses, count, op, 1);
        rncl_op_destroy(op);
    }
    return RNCL_OK;
}

rncl_status rncl_op_uses(rncl_context *context, const rncl_network_setup *setup, rncl_op_use **uses,
                         size_t *count)
{
    const size_t nodes = setup->graph->node_count;
    rncl_network_plan plan;
    *count = 0;
    *uses = NULL;
    RNCL_TRY(rncl_network_plan_create(context, setup, &plan));
    rncl_status st = RNCL_OK;
    *uses = calloc(RNCL_OP_PASSES * nodes + OTHER_OPERATIONS, sizeof **uses);
    if (!*uses)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "operations of %zu nodes", nodes);
    for (size_t i = 0; !st && i < nodes; i++)
        add_op(*uses, count, plan.ops[i], RNCL_OP_PASSES);
    if (!st)
        st = add_others(context, setup, plan.micro_batch, *uses, count);
    rncl_network_plan_fini(&plan);
    return st;
}
