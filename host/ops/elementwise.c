/* Knobs, plan and launch of elementwise passes. */
#include "elementwise.h"

#include <stdio.h>
#include <stdlib.h>

#include "util.h"

/* GPU_BYTES: the largest load of a work-item. */
enum { WIDEST = 16, GPU_BYTES = 16, LARGEST_GROUP = 256, SMALL_GROUP = 64, MOST_PER_ITEM = 32 };

#define KNOBS(X)                                                                                             \
    X(VW, "vw", "VW")                                                                                        \
    X(LOCAL, "local", NULL)                                                                                  \
    X(PER, "per", NULL)
RNCL_DECLARE_KNOBS(KNOBS)
_Static_assert((int)KNOB_COUNT == (int)RNCL_ELEMENTWISE_KNOBS, "what rows add begins behind these");

/* Xe-HPC's sub-groups of 32 have registers for vectors of four floats: those of eight, which a load of
 * elements becomes, spill. */
static int gpu_width(const rncl_pass *pass)
{
    const bool few_registers = pass->context->gpu.family == RNCL_GPU_XE_HPC;
    return GPU_BYTES / (int)(few_registers ? sizeof(float) : rncl_pass_element_bytes(pass));
}

int rncl_elementwise_width(const rncl_pass *pass, int channels)
{
    int width =
        pass->context->device_class == RNCL_CLASS_GPU ? gpu_width(pass) : pass->context->traits.vector_floats;
    while (channels % width)
        width /= 2;
    return width;
}

static rncl_range range_of(size_t vectors, size_t local, size_t per)
{
    const size_t groups = (vectors + local * per - 1) / (local * per);
    return (rncl_range){.global = {groups * local}, .local = {local, 1, 1}};
}

int rncl_elementwise_local(const rncl_context *context)
{
    const size_t local = context->device_class == RNCL_CLASS_GPU ? LARGEST_GROUP : SMALL_GROUP;
    return (int)MIN(context->info.max_work_group_size, local);
}

rncl_range rncl_elementwise_range(const rncl_context *context, size_t values, int width)
{
    return range_of(values / (size_t)width, (size_t)rncl_elementwise_local(context), 1);
}

void rncl_elementwise_add_width(const rncl_pass *pass, rncl_knob_name name, int channels, rncl_knobs *knobs)
{
    int most = pass->context->device_class == RNCL_CLASS_SCALAR ? 1 : WIDEST;
    while (channels % most)
        most /= 2;
    rncl_knobs_add_doubling(knobs, name, rncl_elementwise_width(pass, channels), 1, most);
}

void rncl_elementwise_add_knobs(const rncl_pass *pass, int channels, int local, rncl_knobs *knobs)
{
    const int largest = (int)MIN(pass->context->info.max_work_group_size, (size_t)LARGEST_GROUP);
    rncl_elementwise_add_width(pass, knob_names[VW], channels, knobs);
    rncl_knobs_add_doubling(knobs, knob_names[LOCAL], MIN(local, largest), 1, largest);
    rncl_knobs_add_doubling(knobs, knob_names[PER], 1, 1, MOST_PER_ITEM);
    rncl_knobs_last_is_of_batch(knobs);
}

rncl_status rncl_elementwise_plan(rncl_pass *pass)
{
    pass->data = calloc(1, sizeof(rncl_kernel));
    return pass->data ? RNCL_OK
                      : RNCL_FAIL(RNCL_ERR_MEMORY, "plan of operation %s", rncl_pass_type_of(pass)->name);
}

rncl_status rncl_elementwise_build(rncl_pass *pass)
{
    const rncl_op_type *type = rncl_pass_type_of(pass);
    char options[RNCL_OPTIONS_SIZE], name[64];
    rncl_pass_options(pass, 0, KNOB_COUNT, options, "%s", "");
    snprintf(name, sizeof name, "%s_%s", type->name, type->passes[pass->index].name);
    RNCL_TRY(rncl_pass_kernel(pass, type->name, options, name, pass->data));
    return rncl_kernel_require(pass->context, pass->data, (size_t)pass->values[LOCAL]);
}

void rncl_elementwise_destroy(rncl_pass *pass)
{
    rncl_kernel_fini(pass->data);
    free(pass->data);
}

int rncl_elementwise_group(const rncl_pass *pass)
{
    return pass->values[LOCAL];
}

int rncl_elementwise_per(const rncl_pass *pass)
{
    return pass->values[PER];
}

rncl_range rncl_elementwise_frame(const rncl_pass *pass, size_t values)
{
    return range_of(values / (size_t)pass->values[VW], (size_t)pass->values[LOCAL],
                    (size_t)pass->values[PER]);
}
