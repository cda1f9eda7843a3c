/* Exponential moving averages (kernels/ema.cl) of vectors of n floats. Pass "update": average +=
 * scalars.share (weight - average). Pass "exchange": weight and average change places. */
#include "elementwise.h"
#include "single.h"
#include "util.h"

static rncl_status ema_shape(const rncl_op_desc *desc, const rncl_op_choice *choice, rncl_op_needs *needs)
{
    (void)needs, (void)choice;
    return rncl_vector_length_fits(desc->ema.n)
               ? RNCL_OK
               : RNCL_FAIL(RNCL_ERR_SHAPE, "average of %d parameters", desc->ema.n);
}

static void ema_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    rncl_elementwise_add_knobs(pass, pass->desc.ema.n, rncl_elementwise_local(pass->context), knobs);
}

static rncl_status ema_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const int n = pass->desc.ema.n, per = rncl_elementwise_per(pass);
    if (pass->index == RNCL_EMA_EXCHANGE)
        return rncl_elementwise_launch(pass, (size_t)n, RNCL_INT(n), RNCL_INT(per), RNCL_BUFFER(b->weight),
                                       RNCL_BUFFER(b->average));
    return rncl_elementwise_launch(pass, (size_t)n, RNCL_INT(n), RNCL_INT(per), RNCL_FLOAT(scalars->share),
                                   RNCL_BUFFER(b->weight), RNCL_BUFFER(b->average));
}

static const rncl_row row = {
    .name = "",
    .programs = {"ema"},
    .knobs = ema_knobs,
    .plan = rncl_elementwise_plan,
    .build = rncl_elementwise_build,
    .enqueue = ema_enqueue,
    .destroy = rncl_elementwise_destroy,
};

static rncl_status single_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const int n = pass->desc.ema.n;
    if (pass->index == RNCL_EMA_EXCHANGE)
        return rncl_single_launch(pass, RNCL_INT(n), RNCL_BUFFER(b->weight), RNCL_BUFFER(b->average));
    return rncl_single_launch(pass, RNCL_INT(n), RNCL_FLOAT(scalars->share), RNCL_BUFFER(b->weight),
                              RNCL_BUFFER(b->average));
}

static const rncl_row single = {
    RNCL_SINGLE_ROW,
    .build = rncl_single_build,
    .enqueue = single_enqueue,
};

const rncl_op_type rncl_op_ema = {
    .name = "ema",
    .passes = {[RNCL_EMA_UPDATE] = {.name = "update"}, [RNCL_EMA_EXCHANGE] = {.name = "exchange"}},
    RNCL_OP_ROWS(&row, &single),
    .first_row = {[RNCL_CLASS_ACCELERATOR] = 1},
    .shape = ema_shape,
};
