/* Max pooling (kernels/maxpool.cl). `saved` holds the position of each window's maximum, one byte each. */
#include "elementwise.h"
#include "single.h"
#include "util.h"

enum { LARGEST_WINDOW = 16 }; /* positions in a larger window do not fit into a byte */

static size_t output_count(const rncl_maxpool_shape *s)
{
    return (size_t)s->n * (size_t)s->p * (size_t)s->q * (size_t)s->c;
}

static rncl_status maxpool_shape(const rncl_op_desc *desc, const rncl_op_choice *choice, rncl_op_needs *needs)
{
    const rncl_maxpool_shape *s = &desc->maxpool;
    (void)choice;
    if (s->n <= 0 || s->c <= 0 || s->size <= 0 || s->size > LARGEST_WINDOW || s->stride <= 0 || s->pad < 0 ||
        2 * s->pad > s->size || s->p <= 0 || s->q <= 0 ||
        s->p != rncl_window_output(s->h, s->size, s->stride, s->pad) ||
        s->q != rncl_window_output(s->w, s->size, s->stride, s->pad))
        return RNCL_FAIL(RNCL_ERR_SHAPE, "max pooling of %dx%dx%dx%d by %d, stride %d, pad %d", s->n, s->h,
                         s->w, s->c, s->size, s->stride, s->pad);
    needs->saved_bytes = output_count(s);
    return RNCL_OK;
}

static void maxpool_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    rncl_elementwise_add_knobs(pass, pass->desc.maxpool.c, rncl_elementwise_local(pass->context), knobs);
}

static size_t input_count(const rncl_maxpool_shape *s)
{
    return (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c;
}

/* Forward and backward move the same tensors; the taps are bytes. */
static uint64_t maxpool_bytes(const rncl_pass *pass)
{
    const rncl_maxpool_shape *s = &pass->desc.maxpool;
    return rncl_pass_element_bytes(pass) * (input_count(s) + output_count(s)) + output_count(s);
}

static rncl_status maxpool_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const rncl_maxpool_shape *s = &pass->desc.maxpool;
    const int per = rncl_elementwise_per(pass);
    if (pass->index == RNCL_OP_FORWARD)
        return rncl_elementwise_launch(pass, output_count(s), RNCL_STRUCT(*s), RNCL_INT(per),
                                       RNCL_BUFFER(b->x), RNCL_BUFFER(b->y), RNCL_BUFFER(b->saved));
    return rncl_elementwise_launch(pass, input_count(s), RNCL_STRUCT(*s), RNCL_INT(per), RNCL_BUFFER(b->dy),
                                   RNCL_BUFFER(b->saved), RNCL_BUFFER(b->dx),
                                   RNCL_INT(rncl_pass_accumulates(pass, scalars)));
}

static const rncl_row row = {
    .name = "",
    .programs = {"maxpool"},
    .exact = true,
    .narrow = true,
    .knobs = maxpool_knobs,
    .plan = rncl_elementwise_plan,
    .build = rncl_elementwise_build,
    .enqueue = maxpool_enqueue,
    .destroy = rncl_elementwise_destroy,
    .bytes = maxpool_bytes,
};

static rncl_status single_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const rncl_maxpool_shape *s = &pass->desc.maxpool;
    if (pass->index == RNCL_OP_FORWARD)
        return rncl_single_launch(pass, RNCL_STRUCT(*s), RNCL_BUFFER(b->x), RNCL_BUFFER(b->y),
                                  RNCL_BUFFER(b->saved));
    return rncl_single_launch(pass, RNCL_STRUCT(*s), RNCL_BUFFER(b->dy), RNCL_BUFFER(b->saved),
                              RNCL_BUFFER(b->dx), RNCL_INT(rncl_pass_accumulates(pass, scalars)));
}

static const rncl_row single = {
    RNCL_SINGLE_ROW,
    .exact = true,
    .build = rncl_single_build,
    .enqueue = single_enqueue,
};

const rncl_op_type rncl_op_maxpool = {
    .name = "maxpool",
    .passes = {{.name = "forward"}, {.name = "backward", .for_dx = true}},
    .elements = RNCL_SLOT_BIT(x) | RNCL_SLOT_BIT(y) | RNCL_SLOT_BIT(dy) | RNCL_SLOT_BIT(dx),
    RNCL_OP_ROWS(&row, &single),
    .first_row = {[RNCL_CLASS_ACCELERATOR] = 1},
    .shape = maxpool_shape,
};
