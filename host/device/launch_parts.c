/* Measures kernels, and launches them in parts. */
#include "launch_parts.h"

#include <stdio.h>
#include <string.h>

#include "cl_error.h"
#include "util.h"

void rncl_context_limit_launches(rncl_context *context, uint64_t limit_ns)
{
    const size_t length = strlen(context->build_options);
    context->launch_limit_ns = limit_ns;
    snprintf(context->build_options + length, sizeof context->build_options - length, " -DLAUNCH_PARTS");
}

bool rncl_context_drives_display(const rncl_context *context)
{
    return context->device_class == RNCL_CLASS_GPU && (context->info.unified_memory || context->gpu.watchdog);
}

/* A launch that is divided. A slice is all work-groups at one place of the dimension. */
typedef struct divided {
    rncl_context *context;
    const rncl_kernel *kernel;
    const rncl_range *whole;
    int dimension;        /* 0 or 1 */
    size_t slices, items; /* in all; work-items of a slice along the dimension */
} divided;

static size_t groups_along(const rncl_range *range, int dimension)
{
    return range->global[dimension] / (range->local[0] ? range->local[dimension] : 1);
}

/* Kernels read the offsets, by launch_parts.clh: in the dimension, the first work-item; in the third, which
 * is never divided, the dimension and its work-items in the whole launch. */
static rncl_status launch_part(const divided *d, size_t first, size_t count)
{
    rncl_range part = *d->whole;
    size_t offset[3] = {0};
    if (count == d->slices)
        return rncl_launch_range(d->context, d->kernel, &part, NULL);
    part.global[d->dimension] = count * d->items;
    offset[d->dimension] = first * d->items;
    offset[2] = 2 * d->slices * d->items + (size_t)d->dimension;
    return rncl_launch_range(d->context, d->kernel, &part, offset);
}

/* Slices that run for at most the limit. */
static size_t slices_within(const divided *d, double slice_ns)
{
    const double count = (double)d->context->launch_limit_ns / MAX(slice_ns, 1.0);
    return count < 1 ? 1 : count < (double)d->slices ? (size_t)count : d->slices;
}

/* The first slice shows nothing, since drivers compile when a kernel first runs. */
static rncl_status measure(const divided *d, double *slice_ns)
{
    size_t count = 1, largest = 0;
    RNCL_TRY(rncl_context_finish(d->context));
    for (size_t first = 0; first < d->slices; first += count) {
        if (largest)
            count = MIN(slices_within(d, *slice_ns), 4 * largest);
        count = MIN(count, d->slices - first);
        const uint64_t start_ns = rncl_time_ns();
        RNCL_TRY(launch_part(d, first, count));
        RNCL_TRY(rncl_context_finish(d->context));
        if (first && count >= largest) {
            *slice_ns = (double)(rncl_time_ns() - start_ns) / (double)count;
            largest = count;
        }
    }
    return RNCL_OK;
}

static rncl_status launch_equal_parts(const divided *d, double slice_ns)
{
    const size_t most = slices_within(d, slice_ns), parts = (d->slices + most - 1) / most;
    for (size_t i = 0; i < parts; i++) {
        const size_t first = d->slices * i / parts, end = d->slices * (i + 1) / parts;
        RNCL_TRY(launch_part(d, first, end - first));
        /* Drivers may hand over what they have collected as one piece of work. */
        if (parts > 1)
            RNCL_TRY(rncl_cl_status(clFlush(d->context->queue), "clFlush", "%s", d->kernel->name));
    }
    return RNCL_OK;
}

rncl_status rncl_launch_in_parts(rncl_context *context, const rncl_kernel *kernel, const rncl_range *range)
{
    const size_t x = groups_along(range, 0), y = groups_along(range, 1), all = x * y * groups_along(range, 2);
    divided d = {context, kernel, range, .dimension = y > x, .slices = MAX(x, y)};
    d.items = range->global[d.dimension] / d.slices;
    rncl_launch_pace *pace = kernel->pace;
    const double groups = (double)all / (double)d.slices;
    if (d.slices > 1 && all > 2 * pace->groups) {
        double slice_ns = 0;
        RNCL_TRY(measure(&d, &slice_ns));
        *pace = (rncl_launch_pace){.group_ns = slice_ns / groups, .groups = all};
        return RNCL_OK;
    }
    return launch_equal_parts(&d, pace->group_ns * groups);
}
