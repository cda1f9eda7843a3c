/* Vector width and ranges. */
#include "elementwise.h"

#include <stdio.h>

#include "util.h"

enum { WIDEST = 16, PRESET_GROUP = 64, LARGEST_GROUP = 256, MOST_PER_ITEM = 32 };

/* The order of the knobs. */
enum { VW, LOCAL, PER };

int rncl_elementwise_width(const rncl_context *context, int channels)
{
    int width = context->device_class == RNCL_CLASS_GPU ? 1 : (int)MIN(context->info.vector_width, 16u);
    while (channels % width)
        width /= 2;
    return width;
}

rncl_range rncl_elementwise_range(const rncl_context *context, size_t values, int width)
{
    const size_t most = context->info.max_work_group_size;
    const rncl_elementwise preset = {.vw = width, .local = (int)MIN(most, (size_t)PRESET_GROUP), .per = 1};
    return rncl_elementwise_frame(&preset, values);
}

void rncl_elementwise_add_width(const rncl_context *context, int channels, rncl_knobs *knobs)
{
    int most = context->device_class == RNCL_CLASS_SCALAR ? 1 : WIDEST;
    while (channels % most)
        most /= 2;
    rncl_knobs_add_doubling(knobs, "vw", rncl_elementwise_width(context, channels), 1, most);
}

void rncl_elementwise_add_frame(const rncl_context *context, int local, rncl_knobs *knobs)
{
    const int largest = (int)MIN(context->info.max_work_group_size, (size_t)LARGEST_GROUP);
    rncl_knobs_add_doubling(knobs, "local", MIN(local, largest), 1, largest);
    rncl_knobs_add_doubling(knobs, "per", 1, 1, MOST_PER_ITEM);
}

void rncl_elementwise_add_knobs(const rncl_context *context, int channels, rncl_knobs *knobs)
{
    rncl_elementwise_add_width(context, channels, knobs);
    rncl_elementwise_add_frame(context, PRESET_GROUP, knobs);
}

rncl_elementwise rncl_elementwise_of(const int *values)
{
    return (rncl_elementwise){.vw = values[VW], .local = values[LOCAL], .per = values[PER]};
}

rncl_elementwise rncl_elementwise_plan(rncl_op *op, int pass)
{
    int values[RNCL_KNOBS];
    rncl_tunable_plan(op, pass, values);
    return rncl_elementwise_of(values);
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
