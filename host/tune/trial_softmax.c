/* Softmax cross-entropy: a few rows, which all have the same label. */
#include <string.h>

#include "reference.h"
#include "softmax.h"
#include "trial_operation.h"

static const float smoothing = 0.1f;

/* Losses of normal logits are a few times the logarithm of the number of classes. */
static const double loss_length = 10;

static int label_of(const rncl_op_desc *desc)
{
    return desc->softmax.k / 2;
}

static rncl_status create(rncl_context *context, const rncl_op_desc *desc, const rncl_tuned *tuned,
                          void **subject)
{
    rncl_softmax *softmax;
    RNCL_TRY(rncl_softmax_create(context, &desc->softmax, tuned, &softmax));
    *subject = softmax;
    return RNCL_OK;
}

static rncl_status enqueue(void *subject, const rncl_op_desc *desc,
                           const cl_mem buffers[RNCL_TRIAL_SLOT_COUNT])
{
    (void)desc;
    return rncl_softmax_enqueue(subject, &(rncl_softmax_buffers){
                                             .logits = buffers[RNCL_TRIAL_x],
                                             .labels = buffers[RNCL_TRIAL_labels],
                                             .losses = buffers[RNCL_TRIAL_y],
                                             .ranks = buffers[RNCL_TRIAL_saved],
                                             .dlogits = buffers[RNCL_TRIAL_dx],
                                             .smoothing = smoothing,
                                             .scale = 1.0f,
                                         });
}

static void destroy(void *subject)
{
    rncl_softmax_destroy(subject);
}

static const rncl_trial_step step = {.create = create, .enqueue = enqueue, .destroy = destroy};

static rncl_trial_layout softmax_layout(const rncl_op_desc *desc, rncl_trial_slot slot)
{
    const bool logits = slot == RNCL_TRIAL_x || slot == RNCL_TRIAL_dx;
    return (rncl_trial_layout){{(size_t)desc->softmax.n, 1, logits ? (size_t)desc->softmax.k : 1},
                               {RNCL_TRIAL_IMAGES, RNCL_TRIAL_WHOLE, RNCL_TRIAL_WHOLE}};
}

static void softmax_cut(rncl_trial_slice *slice, int pass)
{
    (void)pass;
    rncl_trial_pick(slice, RNCL_TRIAL_IMAGES, &slice->desc.softmax.n);
}

static void softmax_reference(const rncl_op_desc *desc, int pass,
                              double *const tensors[RNCL_TRIAL_SLOT_COUNT])
{
    (void)pass;
    const rncl_softmax_shape row = {.n = 1, .k = desc->softmax.k};
    const int32_t label = label_of(desc);
    const rncl_reference_targets targets = {.labels = &label, .label_smoothing = (double)smoothing};
    for (int n = 0; n < desc->softmax.n; n++) {
        const size_t at = (size_t)n * (size_t)row.k;
        rncl_reference_loss loss;
        rncl_reference_softmax(&row, tensors[RNCL_TRIAL_x] + at, &targets, 1.0, &loss,
                               tensors[RNCL_TRIAL_dx] + at);
        tensors[RNCL_TRIAL_y][n] = loss.loss;
    }
}

static double softmax_length(const rncl_op_desc *desc, rncl_trial_slot slot)
{
    (void)desc;
    return slot == RNCL_TRIAL_y ? loss_length : 1;
}

/* Labels are integers. */
static void softmax_adjust(const rncl_op_desc *desc, rncl_trial_slot slot, float *values)
{
    const int32_t label = label_of(desc);
    for (int n = 0; slot == RNCL_TRIAL_labels && n < desc->softmax.n; n++)
        memcpy(&values[n], &label, sizeof label);
}

const rncl_trial_operation rncl_trial_softmax = {
    .step = &step,
    .passes = {{.drawn = RNCL_TRIAL_BIT(x) | RNCL_TRIAL_BIT(labels),
                .results = RNCL_TRIAL_BIT(y) | RNCL_TRIAL_BIT(dx) | RNCL_TRIAL_BIT(saved)}},
    .layout = softmax_layout,
    .cut = softmax_cut,
    .reference = softmax_reference,
    .length = softmax_length,
    .adjust = softmax_adjust,
};
