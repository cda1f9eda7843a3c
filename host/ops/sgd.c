/* Stochastic gradient descent (kernels/sgd.cl): updates velocity and weight, vectors of n floats, from
 * dweight. Reads scalars.lr, momentum and weight_decay, and scalars.first and count, the part to update:
 * both are multiples of 16, or the part ends with the vector. */
#include <assert.h>

#include "elementwise.h"
#include "single.h"
#include "util.h"

static rncl_status sgd_shape(const rncl_op_desc *desc, const rncl_op_choice *choice, rncl_op_needs *needs)
{
    (void)needs, (void)choice;
    return rncl_vector_length_fits(desc->sgd.n)
               ? RNCL_OK
               : RNCL_FAIL(RNCL_ERR_SHAPE, "SGD over %d parameters", desc->sgd.n);
}

static void sgd_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    rncl_elementwise_add_knobs(pass, pass->desc.sgd.n, rncl_elementwise_local(pass->context), knobs);
}

/* Where the part to update ends. */
static int end_of(const rncl_pass *pass, const rncl_op_scalars *scalars)
{
    const int end = scalars->count ? scalars->first + scalars->count : pass->desc.sgd.n;
    assert(end <= pass->desc.sgd.n);
    return end;
}

static rncl_status sgd_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const int end = end_of(pass, scalars);
    return rncl_elementwise_launch(pass, (size_t)(end - scalars->first), RNCL_INT(scalars->first),
                                   RNCL_INT(end), RNCL_INT(rncl_elementwise_per(pass)),
                                   RNCL_FLOAT(scalars->lr), RNCL_FLOAT(scalars->momentum),
                                   RNCL_FLOAT(scalars->weight_decay), RNCL_BUFFER(b->dweight),
                                   RNCL_BUFFER(b->velocity), RNCL_BUFFER(b->weight));
}

static const rncl_row row = {
    .name = "",
    .programs = {"sgd"},
    .knobs = sgd_knobs,
    .plan = rncl_elementwise_plan,
    .build = rncl_elementwise_build,
    .enqueue = sgd_enqueue,
    .destroy = rncl_elementwise_destroy,
};

static rncl_status single_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    return rncl_single_launch(pass, RNCL_INT(scalars->first), RNCL_INT(end_of(pass, scalars)),
                              RNCL_FLOAT(scalars->lr), RNCL_FLOAT(scalars->momentum),
                              RNCL_FLOAT(scalars->weight_decay), RNCL_BUFFER(b->dweight),
                              RNCL_BUFFER(b->velocity), RNCL_BUFFER(b->weight));
}

static const rncl_row single = {
    RNCL_SINGLE_ROW,
    .build = rncl_single_build,
    .enqueue = single_enqueue,
};

const rncl_op_type rncl_op_sgd = {
    .name = "sgd",
    .passes = {{.name = "update"}},
    RNCL_OP_ROWS(&row, &single),
    .first_row = {[RNCL_CLASS_ACCELERATOR] = 1},
    .shape = sgd_shape,
};
