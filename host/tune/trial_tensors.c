/* Memory of a trial. */
#include "trial_tensors.h"

#include <stdlib.h>

static void measure_needs(const rncl_op_needs *needs, size_t sizes[RNCL_TRIAL_SLOT_COUNT])
{
    sizes[RNCL_TRIAL_x] = sizes[RNCL_TRIAL_dx] = rncl_shape_bytes(needs->x);
    sizes[RNCL_TRIAL_y] = sizes[RNCL_TRIAL_dy] = rncl_shape_bytes(needs->y);
    sizes[RNCL_TRIAL_residual] = sizes[RNCL_TRIAL_dresidual] = rncl_shape_bytes(needs->residual);
    sizes[RNCL_TRIAL_weight] = sizes[RNCL_TRIAL_dweight] = needs->weight * sizeof(float);
    sizes[RNCL_TRIAL_bias] = sizes[RNCL_TRIAL_dbias] = needs->bias * sizeof(float);
    sizes[RNCL_TRIAL_running_mean] = sizes[RNCL_TRIAL_running_variance] = needs->running * sizeof(float);
    sizes[RNCL_TRIAL_saved] = needs->saved_bytes;
}

static rncl_status measure(rncl_context *context, const rncl_trial_operation *operation,
                           const rncl_op_desc *desc, size_t sizes[RNCL_TRIAL_SLOT_COUNT])
{
    rncl_op *op;
    for (rncl_trial_slot slot = 0; operation->step && slot < RNCL_TRIAL_SLOT_COUNT; slot++) {
        const rncl_trial_layout layout = operation->layout(desc, slot);
        sizes[slot] = rncl_trial_layout_count(&layout) * sizeof(float);
    }
    if (operation->step)
        return RNCL_OK;
    RNCL_TRY(rncl_op_create(context, desc, NULL, &op));
    measure_needs(&op->needs, sizes);
    rncl_op_destroy(op);
    return RNCL_OK;
}

rncl_status rncl_trial_tensors_init(rncl_context *context, const rncl_trial_operation *operation,
                                    const rncl_op_desc *desc, unsigned slots, rncl_trial_tensors *out)
{
    size_t sizes[RNCL_TRIAL_SLOT_COUNT] = {0};
    *out = (rncl_trial_tensors){.context = context};
    RNCL_TRY(measure(context, operation, desc, sizes));
    FOR_SLOTS(slots, slot)
    {
        rncl_trial_tensor *t = &out->slots[slot];
        if (!sizes[slot])
            continue;
        t->size_bytes = sizes[slot];
        RNCL_TRY(rncl_buffer_create(context, t->size_bytes, &t->buffer));
        t->values = malloc(t->size_bytes);
        if (!t->values)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "a tensor of %zu bytes", t->size_bytes);
    }
    return RNCL_OK;
}

void rncl_trial_tensors_fini(rncl_trial_tensors *tensors)
{
    FOR_SLOTS(~0u, slot)
    {
        rncl_buffer_release(tensors->slots[slot].buffer);
        free(tensors->slots[slot].values);
    }
    *tensors = (rncl_trial_tensors){0};
}

rncl_status rncl_trial_upload(rncl_trial_tensors *tensors, rncl_trial_slot slot)
{
    const rncl_trial_tensor *t = &tensors->slots[slot];
    return t->size_bytes ? rncl_buffer_write(tensors->context, t->buffer, 0, t->size_bytes, t->values)
                         : RNCL_OK;
}

rncl_status rncl_trial_download(rncl_trial_tensors *tensors, rncl_trial_slot slot)
{
    const rncl_trial_tensor *t = &tensors->slots[slot];
    return t->size_bytes ? rncl_buffer_read(tensors->context, t->buffer, 0, t->size_bytes, t->values)
                         : RNCL_OK;
}
