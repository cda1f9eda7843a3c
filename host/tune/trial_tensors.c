/* Memory of a trial's tensors. */
#include "trial_tensors.h"

#include <stdlib.h>

static rncl_status measure(rncl_context *context, const rncl_spec_case *c, size_t sizes[RNCL_SLOTS],
                           unsigned *elements)
{
    rncl_op *op;
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++) {
        const rncl_spec_layout layout = rncl_spec_of(c->desc.kind)->layout(c, slot);
        sizes[slot] = rncl_spec_layout_count(&layout) * sizeof(float);
    }
    RNCL_TRY(rncl_op_create(context, &c->desc, NULL, &op));
    sizes[RNCL_SLOT_saved] = op->needs.saved_bytes;
    *elements = rncl_pass_elements(&op->passes[c->pass]);
    rncl_op_destroy(op);
    return RNCL_OK;
}

static bool has_elements(const rncl_trial_tensors *tensors, rncl_slot slot)
{
    return tensors->elements & 1u << slot;
}

static size_t element_bytes(const rncl_trial_tensor *t)
{
    return t->size_bytes / sizeof(float) * sizeof(uint16_t);
}

rncl_status rncl_trial_tensors_init(rncl_context *context, const rncl_spec_case *c, unsigned slots,
                                    rncl_trial_tensors *out)
{
    size_t sizes[RNCL_SLOTS];
    *out = (rncl_trial_tensors){.context = context};
    RNCL_TRY(measure(context, c, sizes, &out->elements));
    RNCL_FOR_SLOTS (slots, slot) {
        rncl_trial_tensor *t = &out->slots[slot];
        if (!sizes[slot])
            continue;
        t->size_bytes = sizes[slot];
        RNCL_TRY(rncl_buffer_create(context, has_elements(out, slot) ? element_bytes(t) : t->size_bytes,
                                    &t->buffer));
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

static rncl_status upload_elements(rncl_context *context, const rncl_trial_tensor *t)
{
    const size_t count = t->size_bytes / sizeof(float);
    const rncl_element type = rncl_precision_element(context->precision);
    float *values = t->values;
    uint16_t *elements = malloc(element_bytes(t));
    if (!elements)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a tensor of %zu bytes", element_bytes(t));
    for (size_t i = 0; i < count; i++) {
        elements[i] = rncl_element_of(type, values[i]);
        values[i] = rncl_element_to_float(type, elements[i]);
    }
    const rncl_status st = rncl_buffer_write(context, t->buffer, 0, element_bytes(t), elements);
    free(elements);
    return st;
}

static rncl_status download_elements(rncl_context *context, const rncl_trial_tensor *t)
{
    const size_t count = t->size_bytes / sizeof(float);
    const rncl_element type = rncl_precision_element(context->precision);
    float *values = t->values;
    uint16_t *elements = malloc(element_bytes(t));
    if (!elements)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a tensor of %zu bytes", element_bytes(t));
    const rncl_status st = rncl_buffer_read(context, t->buffer, 0, element_bytes(t), elements);
    for (size_t i = 0; i < count && !st; i++)
        values[i] = rncl_element_to_float(type, elements[i]);
    free(elements);
    return st;
}

rncl_status rncl_trial_upload(rncl_trial_tensors *tensors, rncl_slot slot)
{
    const rncl_trial_tensor *t = &tensors->slots[slot];
    if (!t->size_bytes)
        return RNCL_OK;
    return has_elements(tensors, slot)
               ? upload_elements(tensors->context, t)
               : rncl_buffer_write(tensors->context, t->buffer, 0, t->size_bytes, t->values);
}

rncl_status rncl_trial_download(rncl_trial_tensors *tensors, rncl_slot slot)
{
    const rncl_trial_tensor *t = &tensors->slots[slot];
    if (!t->size_bytes)
        return RNCL_OK;
    return has_elements(tensors, slot)
               ? download_elements(tensors->context, t)
               : rncl_buffer_read(tensors->context, t->buffer, 0, t->size_bytes, t->values);
}
