/* Transforms the filter for conv/winograd.cl, once a step.
 *
 * A work-group is one work-item. Work-item (i, j) transforms VW input channels from i * VW on and the j-th
 * block of KB output channels; FIXED: (0, j) all input channels.
 *
 * pack    see rncl_pack_shape; r = s = 3
 * filter  [3][3][c][k]
 * packed  from packed_offset (floats) on the transformed filter, laid out as in conv/winograd_filters.clh */
#define STORE_FILTER VSTORE_NONTEMPORAL
#include "conv/winograd_filters.clh"

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_winograd_pack(const rncl_pack_shape pack, __global const float *restrict filter,
                   __global float *restrict packed, const int packed_offset)
{
    __local float ALIGNED taps[TAPS_FLOATS];
    const int block = get_global_id(1);
    __global float *to = packed + packed_offset + block * FILTERS * FILTER_STEP(pack.in);
#if FIXED
    transform_block(pack, filter, block, to, taps);
#else
    transform_filters(pack, filter, get_global_id(0) * VW, block, to, taps);
#endif
}
