/* The distinct operations of a plan. */
#include "op_uses.h"

#include <stdlib.h>

#include "network_plan.h"

static void add(rncl_op_use *uses, size_t *count, const rncl_op_desc *desc, int pass)
{
    for (size_t i = 0; i < *count; i++)
        if (uses[i].pass == pass && rncl_op_desc_equal(&uses[i].desc, desc)) {
            uses[i].count++;
            return;
        }
    uses[(*count)++] = (rncl_op_use){.desc = *desc, .pass = pass, .count = 1};
}

/* What follows the nodes. */
static void add_steps(rncl_op_use *uses, size_t *count, const rncl_network_setup *setup, int micro_batch)
{
    const rncl_graph *graph = setup->graph;
    const rncl_op_desc loss = {.kind = RNCL_OP_softmax,
                               .softmax = {.n = micro_batch, .k = graph->options.classes}};
    const rncl_op_desc update = {.kind = RNCL_OP_sgd, .sgd = {.n = (rncl_int)graph->param_floats}};
    add(uses, count, &loss, 0);
    if (setup->training)
        add(uses, count, &update, 0);
}

rncl_status rncl_op_uses(rncl_context *context, const rncl_network_setup *setup, rncl_op_use **uses,
                         size_t *count)
{
    const size_t nodes = setup->graph->node_count;
    rncl_network_plan plan;
    *count = 0;
    *uses = NULL;
    RNCL_TRY(rncl_network_plan_create(context, setup, &plan));
    *uses = calloc(RNCL_OP_PASSES * nodes + 2, sizeof **uses);
    for (size_t i = 0; *uses && i < nodes; i++) {
        const rncl_op *op = plan.ops[i];
        if (op->type->part)
            op = op->type->part(op);
        for (int pass = 0; pass < RNCL_OP_PASSES; pass++)
            if (rncl_op_wants(op, pass))
                add(*uses, count, &op->desc, pass);
    }
    if (*uses)
        add_steps(*uses, count, setup, plan.micro_batch);
    rncl_network_plan_fini(&plan);
    return *uses ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "operations of %zu nodes", nodes);
}
