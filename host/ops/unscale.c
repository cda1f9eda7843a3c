/* Division of gradients by the loss's scale (kernels/unscale.cl): dweight [n] in place, times scalars.scale.
 * Writes overflows [RNCL_UNSCALE_PARTS]. */
#include "elementwise.h"
#include "util.h"

static rncl_status unscale_shape(const rncl_op_desc *desc, const rncl_op_choice *choice, rncl_op_needs *needs)
{
    (void)needs, (void)choice;
    return rncl_vector_length_fits(desc->unscale.n)
               ? RNCL_OK
               : RNCL_FAIL(RNCL_ERR_SHAPE, "division of %d gradients", desc->unscale.n);
}

static rncl_status unscale_build(rncl_pass *pass)
{
    RNCL_TRY(rncl_pass_kernel(pass, "unscale", "", "unscale_gradients", pass->data));
    return rncl_kernel_require(pass->context, pass->data, (size_t)rncl_elementwise_local(pass->context));
}

static rncl_status unscale_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    return rncl_launch(pass->context, pass->data,
                       rncl_elementwise_range(pass->context, RNCL_UNSCALE_PARTS, 1),
                       RNCL_INT(pass->desc.unscale.n), RNCL_FLOAT(scalars->scale), RNCL_BUFFER(b->dweight),
                       RNCL_BUFFER(b->overflows));
}

static const rncl_row row = {
    .name = "",
    .programs = {"unscale"},
    .plan = rncl_elementwise_plan,
    .build = unscale_build,
    .enqueue = unscale_enqueue,
    .destroy = rncl_elementwise_destroy,
};

const rncl_op_type rncl_op_unscale = {
    .name = "unscale",
    .passes = {{.name = "gradients"}},
    RNCL_OP_ROWS(&row),
    .shape = unscale_shape,
};
