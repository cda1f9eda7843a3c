/* Classes and traits of devices. */
#include "traits.h"

#include "util.h"

enum { FEWEST_FLOATS = 4, MOST_FLOATS = 16, STREAMED_BYTES = 6 << 20 };

rncl_device_class rncl_device_class_of(const rncl_device_info *info)
{
    if (info->type == RNCL_DEVICE_GPU && !info->emulator)
        return RNCL_CLASS_GPU;
    if (info->type == RNCL_DEVICE_ACCELERATOR && !info->emulator)
        return RNCL_CLASS_ACCELERATOR;
    return info->vector_width >= FEWEST_FLOATS ? RNCL_CLASS_CPU_VECTOR : RNCL_CLASS_SCALAR;
}

/* AVX-512 has 32 vector registers, older CPUs have 16. Devices without vectors have few registers for each
 * work-item. */
rncl_device_traits rncl_device_traits_of(const rncl_device_info *info)
{
    const bool scalar = rncl_device_class_of(info) == RNCL_CLASS_SCALAR,
               wide = info->vector_width >= MOST_FLOATS;
    return (rncl_device_traits){
        .vector_floats = scalar ? 1 : (int)MIN(info->vector_width, (unsigned)MOST_FLOATS),
        .accumulators = scalar ? 4
                        : wide ? 16
                               : 12,
        .most_accumulators = wide ? 28 : 14,
        .block_inputs = wide ? 8 : 4,
        .block_tiles = wide ? 8 : 6,
        .streamed_bytes = STREAMED_BYTES,
        .long_loops = true,
    };
}
