/* Vector width and ranges. */
#include "elementwise.h"

#include <stdio.h>

#include "util.h"

enum { WIDEST = 16, LARGEST_GROUP = 256, MOST_PER_ITEM = 32 };

/* The order of the knobs. */
enum { VW, LOCAL, PER };

int rncl_elementwise_width(const rncl_context *context, int channels)
{
    int width = context->device_class == RNCL_CLASS_GPU ? 1 : (int)MIN(context->info.vector_width, 16u);
    while (channels % width)
        width /= 2;
    return width;
}

static int preset_group(const rncl_context *context)
{
    return (int)MIN(context->info.max_work_group_size, (size_t)64);
}

rncl_range rncl_elementwise_range(const rncl_context *context, size_t values, int width)
{
    const rncl_elementwise preset = {.vw = width, .local = preset_group(context), .per = 1};
    return rncl_elementwise_frame(&preset, values);
}

void rncl_elementwise_add_width(const rncl_context *context, int channels, rncl_knobs *knobs)
{
    int most = context->device_class == RNCL_CLASS_SCALAR ? 1 : WIDEST;
    while (channels % most)
        most /= 2;
    rncl_knobs_add_doubling(knobs, "vw", rncl_elementwise_width(context, channels), 1, most);
}

void rncl_elementwise_add_knobs(const rncl_context *context, int channels, rncl_knobs *knobs)
{
    const int largest = (int)MIN(context->info.max_work_group_size, (size_t)LARGEST_GROUP);
    rncl_elementwise_add_width(context, channels, knobs);
    rncl_knobs_add_doubling(knobs, "local", preset_group(context), 1, largest);
    rncl_knobs_add_doubling(knobs, "per", 1, 1, MOST_PER_ITEM);
}

rncl_elementwise rncl_elementwise_plan(rncl_op *op, int pass)
{
    int values[RNCL_KNOBS];
    rncl_tunable_plan(op, pass, values);
    return (rncl_elementwise){.vw = values[VW], .local = values[LOCAL], .per = values[PER]};
}

rncl_status rncl_elementwise_build(rncl_op *op, int pass, const rncl_elementwise *e, const char *name,
                                   rncl_kernel *out)
{
    char options[32];
    if (!rncl_op_wants(op, pass))
        return RNCL_OK;
    snprintf(options, sizeof options, "-DVW=%d", e->vw);
    return rncl_kernel_create(op->context, op->type->name, options, name, out);
}

rncl_range rncl_elementwise_frame(const rncl_elementwise *e, size_t values)
{
    const size_t vectors = values / (size_t)e->vw, local = (size_t)e->local, per = (size_t)e->per;
    const size_t groups = (vectors + local * per - 1) / (local * per);
    return (rncl_range){.global = {groups * local}, .local = {local, 1, 1}};
}
