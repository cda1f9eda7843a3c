/* SGD: a few values. */
#include "reference.h"
#include "sgd.h"
#include "trial_operation.h"

static const float lr = 0.1f, momentum = 0.9f, weight_decay = 1e-4f;

static rncl_status create(rncl_context *context, const rncl_op_desc *desc, const rncl_tuned *tuned,
                          void **subject)
{
    rncl_sgd *sgd;
    RNCL_TRY(rncl_sgd_create(context, (size_t)desc->sgd.n, tuned, &sgd));
    *subject = sgd;
    return RNCL_OK;
}

static rncl_status enqueue(void *subject, const rncl_op_desc *desc,
                           const cl_mem buffers[RNCL_TRIAL_SLOT_COUNT])
{
    return rncl_sgd_enqueue(subject, &(rncl_sgd_step){
                                         .lr = lr,
                                         .momentum = momentum,
                                         .weight_decay = weight_decay,
                                         .gradient = buffers[RNCL_TRIAL_dweight],
                                         .velocity = buffers[RNCL_TRIAL_velocity],
                                         .weight = buffers[RNCL_TRIAL_weight],
                                         .count = (size_t)desc->sgd.n,
                                     });
}

static void destroy(void *subject)
{
    rncl_sgd_destroy(subject);
}

static const rncl_trial_step step = {.create = create, .enqueue = enqueue, .destroy = destroy};

static rncl_trial_layout sgd_layout(const rncl_op_desc *desc, rncl_trial_slot slot)
{
    const bool has = slot == RNCL_TRIAL_weight || slot == RNCL_TRIAL_dweight || slot == RNCL_TRIAL_velocity;
    return (rncl_trial_layout){{1, 1, has ? (size_t)desc->sgd.n : 0},
                               {RNCL_TRIAL_WHOLE, RNCL_TRIAL_WHOLE, RNCL_TRIAL_IMAGES}};
}

static void sgd_cut(rncl_trial_slice *slice, int pass)
{
    (void)pass;
    rncl_trial_pick(slice, RNCL_TRIAL_IMAGES, &slice->desc.sgd.n);
}

static void sgd_reference(const rncl_op_desc *desc, int pass, double *const tensors[RNCL_TRIAL_SLOT_COUNT])
{
    (void)pass;
    rncl_reference_sgd((size_t)desc->sgd.n, (double)lr, (double)momentum, (double)weight_decay,
                       tensors[RNCL_TRIAL_dweight], tensors[RNCL_TRIAL_velocity], tensors[RNCL_TRIAL_weight]);
}

static double sgd_length(const rncl_op_desc *desc, rncl_trial_slot slot)
{
    (void)desc, (void)slot;
    return 1;
}

const rncl_trial_operation rncl_trial_sgd = {
    .step = &step,
    .passes = {{.drawn = RNCL_TRIAL_BIT(weight) | RNCL_TRIAL_BIT(dweight) | RNCL_TRIAL_BIT(velocity),
                .results = RNCL_TRIAL_BIT(weight) | RNCL_TRIAL_BIT(velocity)}},
    .layout = sgd_layout,
    .cut = sgd_cut,
    .reference = sgd_reference,
    .length = sgd_length,
};
