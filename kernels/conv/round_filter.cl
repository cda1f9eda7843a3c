/* Rounds a filter to elements, for conv/mma.cl with BF16.
 *
 * Work-item i rounds VW values from i * VW on; any work-group size.
 *
 * count          values of the filter, a multiple of VW
 * filter         [count]
 * packed         from packed_offset (elements) on, [count] */
#include "common.clh"

__kernel void conv_round_filter(const int count, __global const float *restrict filter,
                                __global element *restrict packed, const int packed_offset)
{
    const int i = get_global_id(0) * VW;
    if (i < count)
        ESTORE(VLOAD(filter + i), packed + packed_offset + i);
}
