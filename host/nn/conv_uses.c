/* The distinct convolutions of a plan. */
#include "conv_uses.h"

#include <stdlib.h>
#include <string.h>

#include "network_plan.h"

static void add(rncl_conv_use *uses, size_t *count, const rncl_conv_shape *shape, rncl_conv_pass pass)
{
    for (size_t i = 0; i < *count; i++)
        if (uses[i].pass == pass && !memcmp(&uses[i].shape, shape, sizeof *shape)) {
            uses[i].count++;
            return;
        }
    uses[(*count)++] = (rncl_conv_use){.shape = *shape, .pass = pass, .count = 1};
}

rncl_status rncl_conv_uses(rncl_context *context, const rncl_network_setup *setup, rncl_conv_use **uses,
                           size_t *count)
{
    const size_t nodes = setup->graph->node_count;
    rncl_network_plan plan;
    *count = 0;
    *uses = NULL;
    RNCL_TRY(rncl_network_plan_create(context, setup, &plan));
    *uses = calloc(RNCL_CONV_PASSES * nodes, sizeof **uses);
    for (size_t i = 0; *uses && i < nodes; i++) {
        const rncl_op *op = plan.ops[i];
        for (rncl_conv_pass pass = 0; op->type->convolution && pass < RNCL_CONV_PASSES; pass++)
            if (rncl_conv_pass_is_wanted(&op->choice, pass))
                add(*uses, count, op->type->convolution(op), pass);
    }
    rncl_network_plan_fini(&plan);
    return *uses ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "convolutions of %zu nodes", nodes);
}
