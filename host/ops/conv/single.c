/* Convolution by a single work-item (kernels/single/conv.clh): the default on accelerators. All passes are
 * one kernel. */
#include <limits.h>

#include "conv.h"
#include "single.h"

/* Rows and depth of the product are ints in the kernel, which go up to a tile behind their end. */
static bool single_supports(const rncl_pass *pass)
{
    enum { MOST = INT_MAX - 64 };
    const rncl_conv_shape *s = &pass->desc.conv;
    return rncl_single_supports(pass) && (double)s->n * s->h * s->w < MOST &&
           (double)s->n * s->p * s->q < MOST && (double)conv_filter_floats(s) < MOST;
}

static rncl_status single_build(rncl_pass *pass)
{
    return rncl_pass_kernel(pass, RNCL_SINGLE_PROGRAM, "", "single_conv", pass->data);
}

static rncl_status single_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const bool filter = conv_is_dfilter(pass);
    const cl_mem *images = filter ? &b->x : conv_input(pass, b), *matrix = filter ? &b->dy : &b->weight;
    const cl_mem *result = filter ? &b->dweight : conv_output(pass, b);
    return rncl_single_launch(pass, RNCL_STRUCT(pass->desc.conv), RNCL_INT(pass->index), RNCL_BUFFER(*images),
                              RNCL_BUFFER(*matrix), RNCL_BUFFER(*result),
                              RNCL_INT(rncl_pass_accumulates(pass, scalars)));
}

const rncl_row rncl_conv_single = {
    .name = RNCL_SINGLE,
    .programs = {RNCL_SINGLE_PROGRAM},
    .exact = true,
    .untuned = true,
    .supports = single_supports,
    .plan = rncl_single_plan,
    .build = single_build,
    .enqueue = single_enqueue,
    .destroy = rncl_single_destroy,
};
