/* Mixup of pictures (kernels/mixup.cl; Zhang et al. 2018), x [n][floats] in place: x[i] = (1 - scalars.mix)
 * x[i] + scalars.mix x[n - 1 - i]. */
#include "elementwise.h"
#include "single.h"
#include "util.h"

static rncl_status mixup_shape(const rncl_op_desc *desc, const rncl_op_choice *choice, rncl_op_needs *needs)
{
    const rncl_mixup_shape *s = &desc->mixup;
    (void)choice, (void)needs;
    return s->n > 0 && s->floats > 0
               ? RNCL_OK
               : RNCL_FAIL(RNCL_ERR_SHAPE, "mixup of %d pictures of %d values", s->n, s->floats);
}

static void mixup_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    rncl_elementwise_add_knobs(pass, pass->desc.mixup.floats, rncl_elementwise_local(pass->context), knobs);
}

static rncl_status mixup_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const rncl_mixup_shape *s = &pass->desc.mixup;
    const size_t values = (size_t)s->n / 2 * (size_t)s->floats;
    if (values == 0)
        return RNCL_OK;
    return rncl_elementwise_launch(pass, values, RNCL_STRUCT(*s), RNCL_INT(rncl_elementwise_per(pass)),
                                   RNCL_FLOAT(scalars->mix), RNCL_BUFFER(b->x));
}

static const rncl_row row = {
    .name = "",
    .programs = {"mixup"},
    .narrow = true,
    .knobs = mixup_knobs,
    .plan = rncl_elementwise_plan,
    .build = rncl_elementwise_build,
    .enqueue = mixup_enqueue,
    .destroy = rncl_elementwise_destroy,
};

static rncl_status single_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    return rncl_single_launch(pass, RNCL_STRUCT(pass->desc.mixup), RNCL_FLOAT(scalars->mix),
                              RNCL_BUFFER(b->x));
}

static const rncl_row single = {
    RNCL_SINGLE_ROW,
    .build = rncl_single_build,
    .enqueue = single_enqueue,
};

const rncl_op_type rncl_op_mixup = {
    .name = "mixup",
    .passes = {{.name = "mix"}},
    .elements = RNCL_SLOT_BIT(x),
    RNCL_OP_ROWS(&row, &single),
    .first_row = {[RNCL_CLASS_ACCELERATOR] = 1},
    .shape = mixup_shape,
};
