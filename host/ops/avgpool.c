/* Global average pooling (kernels/avgpool.cl). */
#include "elementwise.h"
#include "single.h"
#include "util.h"

static rncl_status avgpool_shape(const rncl_op_desc *desc, const rncl_op_choice *choice, rncl_op_needs *needs)
{
    const rncl_avgpool_shape *s = &desc->avgpool;
    (void)choice, (void)needs;
    if (s->n <= 0 || s->h <= 0 || s->w <= 0 || s->c <= 0)
        return RNCL_FAIL(RNCL_ERR_SHAPE, "average pooling of %dx%dx%dx%d", s->n, s->h, s->w, s->c);
    return RNCL_OK;
}

static void avgpool_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    rncl_elementwise_add_knobs(pass, pass->desc.avgpool.c, rncl_elementwise_local(pass->context), knobs);
}

static uint64_t avgpool_bytes(const rncl_pass *pass)
{
    const rncl_avgpool_shape *s = &pass->desc.avgpool;
    const uint64_t pixels = (uint64_t)s->h * (uint64_t)s->w;
    return (uint64_t)s->n * (uint64_t)s->c * (rncl_pass_element_bytes(pass) * pixels + sizeof(float));
}

static rncl_status avgpool_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const rncl_avgpool_shape *s = &pass->desc.avgpool;
    const size_t outputs = (size_t)s->n * (size_t)s->c, inputs = outputs * (size_t)s->h * (size_t)s->w;
    const int per = rncl_elementwise_per(pass);
    if (pass->index == RNCL_OP_FORWARD)
        return rncl_elementwise_launch(pass, outputs, RNCL_STRUCT(*s), RNCL_INT(per), RNCL_BUFFER(b->x),
                                       RNCL_BUFFER(b->y));
    return rncl_elementwise_launch(pass, inputs, RNCL_STRUCT(*s), RNCL_INT(per), RNCL_BUFFER(b->dy),
                                   RNCL_BUFFER(b->dx), RNCL_INT(rncl_pass_accumulates(pass, scalars)));
}

static const rncl_row row = {
    .name = "",
    .programs = {"avgpool"},
    .narrow = true,
    .knobs = avgpool_knobs,
    .plan = rncl_elementwise_plan,
    .build = rncl_elementwise_build,
    .enqueue = avgpool_enqueue,
    .destroy = rncl_elementwise_destroy,
    .bytes = avgpool_bytes,
};

static rncl_status single_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const rncl_avgpool_shape *s = &pass->desc.avgpool;
    if (pass->index == RNCL_OP_FORWARD)
        return rncl_single_launch(pass, RNCL_STRUCT(*s), RNCL_BUFFER(b->x), RNCL_BUFFER(b->y));
    return rncl_single_launch(pass, RNCL_STRUCT(*s), RNCL_BUFFER(b->dy), RNCL_BUFFER(b->dx),
                              RNCL_INT(rncl_pass_accumulates(pass, scalars)));
}

static const rncl_row single = {
    RNCL_SINGLE_ROW,
    .build = rncl_single_build,
    .enqueue = single_enqueue,
};

const rncl_op_type rncl_op_avgpool = {
    .name = "avgpool",
    .passes = {{.name = "forward"}, {.name = "backward", .for_dx = true}},
    .elements = RNCL_SLOT_BIT(x) | RNCL_SLOT_BIT(dx),
    RNCL_OP_ROWS(&row, &single),
    .first_row = {[RNCL_CLASS_ACCELERATOR] = 1},
    .shape = avgpool_shape,
};
