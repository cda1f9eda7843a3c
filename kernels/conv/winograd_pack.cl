/* All filters into Winograd's domain, once for all who use them. */
#define STORE_FILTER VSTORE_FAR
#include "conv/winograd_filters.clh"

/* Work-item (i, j): the i-th vector of input channels, the j-th block of KB output channels. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_winograd_pack(const rncl_pack_shape shape, __global const float *restrict filter,
                   __global float *restrict packed, const int packed_offset)
{
    __local float turned[TURNED_FLOATS];
    const int block = get_global_id(1);
    transform_filters(shape, filter, get_global_id(0) * VW, block,
                      packed + packed_offset + block * FILTERS * FILTER_STEP(shape.in), turned);
}
