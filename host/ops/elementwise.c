/* Vector width and ranges. */
#include "elementwise.h"

#include "util.h"

int rncl_elementwise_width(const rncl_context *context, int channels)
{
    int width = context->device_class == RNCL_CLASS_GPU ? 1 : (int)MIN(context->info.vector_width, 16u);
    while (channels % width)
        width /= 2;
    return width;
}

rncl_range rncl_elementwise_range(const rncl_context *context, size_t values, int width)
{
    size_t local = MIN(context->info.max_work_group_size, (size_t)64);
    return (rncl_range){.global = {rncl_round_up(values / (size_t)width, local)}, .local = {local, 1, 1}};
}
