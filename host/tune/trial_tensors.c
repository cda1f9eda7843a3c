/* Memory of a trial's tensors. */
#include "trial_tensors.h"

#include <stdlib.h>

static rncl_status measure(rncl_context *context, const rncl_spec_case *c, size_t sizes[RNCL_SLOTS])
{
    rncl_op *op;
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++) {
        const rncl_spec_layout layout = rncl_spec_of(c->desc.kind)->layout(c, slot);
        sizes[slot] = rncl_spec_layout_count(&layout) * sizeof(float);
    }
    RNCL_TRY(rncl_op_create(context, &c->desc, NULL, &op));
    sizes[RNCL_SLOT_saved] = op->needs.saved_bytes;
    rncl_op_destroy(op);
    return RNCL_OK;
}

rncl_status rncl_trial_tensors_init(rncl_context *context, const rncl_spec_case *c, unsigned slots,
                                    rncl_trial_tensors *out)
{
    size_t sizes[RNCL_SLOTS];
    *out = (rncl_trial_tensors){.context = context};
    RNCL_TRY(measure(context, c, sizes));
    RNCL_FOR_SLOTS (slots, slot) {
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
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++) {
        rncl_buffer_release(tensors->slots[slot].buffer);
        free(tensors->slots[slot].values);
    }
    *tensors = (rncl_trial_tensors){0};
}

rncl_status rncl_trial_upload(rncl_trial_tensors *tensors, rncl_slot slot)
{
    const rncl_trial_tensor *t = &tensors->slots[slot];
    return t->size_bytes ? rncl_buffer_write(tensors->context, t->buffer, 0, t->size_bytes, t->values)
                         : RNCL_OK;
}

rncl_status rncl_trial_download(rncl_trial_tensors *tensors, rncl_slot slot)
{
    const rncl_trial_tensor *t = &tensors->slots[slot];
    return t->size_bytes ? rncl_buffer_read(tensors->context, t->buffer, 0, t->size_bytes, t->values)
                         : RNCL_OK;
}
