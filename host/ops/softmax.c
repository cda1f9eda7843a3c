/* Softmax cross-entropy (kernels/softmax.cl): the end of every forward pass and the start of every
 * backward one. Reads the logits x [n][k] and the labels; class_weights may be NULL (all 1). Writes
 * losses, ranks and, unless it is NULL, dx = scalars.scale times the gradient of the loss. Labels, losses
 * and ranks are buffers of a whole batch, in which this call's n rows start at scalars.first. Also reads
 * scalars.smoothing and scalars.mix: the loss is (1 - mix) times that of the row's label, plus mix times
 * that of the label at the other end of this call's rows. Rows with the label RNCL_NO_LABEL are skipped,
 * except where labels are mixed. */
#include "elementwise.h"
#include "util.h"

enum { PRESET_LOCAL = 8 };

static rncl_status softmax_shape(const rncl_op_desc *desc, const rncl_op_choice *choice, rncl_op_needs *needs)
{
    const rncl_softmax_shape *s = &desc->softmax;
    (void)choice, (void)needs;
    return s->n > 0 && s->k > 0 ? RNCL_OK
                                : RNCL_FAIL(RNCL_ERR_SHAPE, "softmax of %d rows of %d classes", s->n, s->k);
}

/* Only launch knobs: a work-item computes whole rows, so that sums over classes keep their order. */
static void softmax_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    rncl_elementwise_add_knobs(pass, 1, PRESET_LOCAL, knobs);
}

static rncl_status softmax_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const rncl_softmax_shape *s = &pass->desc.softmax;
    return rncl_elementwise_launch(
        pass, (size_t)s->n, RNCL_STRUCT(*s), RNCL_INT(scalars->first), RNCL_INT(rncl_elementwise_per(pass)),
        RNCL_BUFFER(b->x), RNCL_BUFFER(b->labels), RNCL_BUFFER(b->class_weights),
        RNCL_FLOAT(scalars->smoothing), RNCL_FLOAT(scalars->mix), RNCL_FLOAT(scalars->scale),
        RNCL_BUFFER(b->losses), RNCL_BUFFER(b->ranks), RNCL_BUFFER(b->dx));
}

static const rncl_row row = {
    .name = "",
    .programs = {"softmax"},
    .knobs = softmax_knobs,
    .plan = rncl_elementwise_plan,
    .build = rncl_elementwise_build,
    .enqueue = softmax_enqueue,
    .destroy = rncl_elementwise_destroy,
};

const rncl_op_type rncl_op_softmax = {
    .name = "softmax",
    .passes = {{.name = "loss"}},
    RNCL_OP_ROWS(&row),
    .shape = softmax_shape,
};
