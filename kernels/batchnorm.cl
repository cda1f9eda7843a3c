/* Batch normalisation on CPUs (batchnorm.clh). In kernels over x (statistics, apply, gradient_sums, gradient)
 * work-group (0, g) handles the g-th of get_num_groups(1) equal stretches of rows. Its work-items take
 * vectors of VW channels in turn, so that neighbours read neighbours; CPUs use work-groups of one work-item.
 * gradient_sums has work for those of SUMMED_CHANNELS channels at a time. In the other kernels a work-item
 * handles VW channels, and work-groups may have any size. */
#include "batchnorm.clh"

/* Floats of a block of rows, whose statistics are computed in two passes, channel vector by channel vector.
 * The second pass reads them from the first-level cache. Blocks are small, since memory is read best in
 * order. */
#define BLOCK_FLOATS 1024

/* 1: non-temporal stores, for a y that is too large to stay in the caches. 0: ordinary ones. */
#ifndef STREAMS
#define STREAMS 0
#endif

/* The stretch of rows of a work-group, from the last stretch on: the kernel before wrote it last, so that it
 * may still be in the caches. */
static int own_stretch(void)
{
    return get_num_groups(1) - 1 - get_group_id(1);
}

static int block_rows(int c)
{
    return max(4, BLOCK_FLOATS / c);
}

/* Computes the statistics of each stretch of rows, block by block. */
__kernel void batchnorm_statistics(const rncl_batchnorm_shape shape, __global const element *restrict x,
                                   __global float *restrict statistics)
{
    const int c = shape.c, rows = shape.n * shape.h * shape.w, group = get_group_id(1),
              groups = get_num_groups(1);
    const int begin = first_row(rows, group), end = first_row(rows, group + 1);
    __global float *means = statistics + statistics_at(groups, group, c), *deviations = means + c;
    if (get_local_id(0) == 0)
        statistics[group] = (float)(end - begin);
    for (int block = begin, size; block < end; block += size) {
        size = min(block_rows(c), end - block);
        for (int v = get_local_id(0) * VW; v < c; v += get_local_size(0) * VW) {
            __global const element *from = x + (size_t)block * c + v;
            vfloat sum = (vfloat)(0.0f), deviation = (vfloat)(0.0f);
            for (int i = 0; i < size; i++)
                sum += ELOAD(from + (size_t)i * c);
            const vfloat block_mean = sum / (float)size;
            for (int i = 0; i < size; i++) {
                const vfloat d = ELOAD(from + (size_t)i * c) - block_mean;
                deviation = FMA(d, d, deviation);
            }
            vfloat mean = block_mean;
            if (block > begin) {
                mean = VLOAD(means + v);
                vfloat before = VLOAD(deviations + v);
                join_statistics(&mean, &before, (float)(block - begin), &block_mean, &deviation, (float)size);
                deviation = before;
            }
            VSTORE(mean, means + v);
            VSTORE(deviation, deviations + v);
        }
    }
}

/* Joins the parts of VW channels in their order and updates the running statistics. */
__kernel void batchnorm_moments(const rncl_batchnorm_shape shape, const int parts,
                                __global const float *restrict statistics, __global float *restrict moments,
                                __global float *restrict running_mean,
                                __global float *restrict running_variance)
{
    const int c = shape.c, v = get_global_id(0) * VW;
    if (v >= c)
        return;
    float count = statistics[0];
    __global const float *part = statistics + statistics_at(parts, 0, c) + v;
    vfloat mean = VLOAD(part), deviation = VLOAD(part + c);
    for (int i = 1; i < parts; i++) {
        part += 2 * c;
        const vfloat part_mean = VLOAD(part), part_deviation = VLOAD(part + c);
        join_statistics(&mean, &deviation, count, &part_mean, &part_deviation, statistics[i]);
        count += statistics[i];
    }
    store_moments(shape, v, &mean, &deviation, moments, running_mean, running_variance);
}

__kernel void batchnorm_apply(const rncl_batchnorm_shape shape, __global const element *restrict x,
                              __global const element *residual, __global const float *restrict moments,
                              __global const float *restrict weight, __global const float *restrict bias,
                              __global element *restrict y)
{
    const int c = shape.c, rows = shape.n * shape.h * shape.w, group = own_stretch();
    const int end = first_row(rows, group + 1);
    for (int row = first_row(rows, group); row < end; row++)
        for (int v = get_local_id(0) * VW; v < c; v += get_local_size(0) * VW) {
            const vfloat scale = VLOAD(weight + v) * VLOAD(moments + c + v);
            vfloat value = FMA(ELOAD(x + (size_t)row * c + v) - VLOAD(moments + v), scale, VLOAD(bias + v));
            add_residual(shape, residual, row, v, &value);
            if (RELU)
                value = select(value, (vfloat)(0.0f), value < (vfloat)(0.0f)); /* unlike fmax, keeps NaN */
            if (STREAMS)
                ESTORE_NONTEMPORAL(value, y + (size_t)row * c + v);
            else
                ESTORE(value, y + (size_t)row * c + v);
        }
}

/* Blocking of the gradient sums: channels per pass, rows summed in registers, rows summed in local memory.
 * Sums in three levels stay accurate, and memory is read nearly in order. */
#define SUMMED_CHANNELS 512
#define ROWS_AT_ONCE 4
#define ROWS_A_BLOCK 64

/* Prefetches what the gradient sums read 64 lines later. In float32 that makes them slower: the hardware
 * prefetchers are enough. */
#if NARROW
#define PREFETCH_SUMMED(p) PREFETCH((p) + 64 * LINE_ELEMENTS)
#else
#define PREFETCH_SUMMED(p) ((void)(p))
#endif

/* Sums of dz and of dz * xhat over each stretch of rows. With RNCL_RESIDUAL_ADD it also stores dz in
 * dresidual, where batchnorm_gradient reads it. */
__kernel void batchnorm_gradient_sums(const rncl_batchnorm_shape shape, __global const element *restrict x,
                                      __global const element *restrict y, __global const element *dy,
                                      __global const float *restrict moments,
                                      __global const float *restrict weight,
                                      __global const float *restrict bias, __global float *restrict parts,
                                      __global element *dresidual)
{
    const int c = shape.c, rows = shape.n * shape.h * shape.w, group = own_stretch();
    const int begin = first_row(rows, group), end = first_row(rows, group + 1), step = get_local_size(0) * VW;
    __global float *sums = parts + (size_t)group * 2 * c, *products = sums + c;
    /* No work-item uses another's channels of these. */
    __local float ALIGNED block_sums[SUMMED_CHANNELS], ALIGNED block_products[SUMMED_CHANNELS];
    for (int first = 0; first < c; first += SUMMED_CHANNELS)
        for (int block = begin; block < end; block += ROWS_A_BLOCK) {
            const int last = min(c, first + SUMMED_CHANNELS), block_end = min(end, block + ROWS_A_BLOCK);
            for (int row = block; row < block_end; row += ROWS_AT_ONCE)
                for (int v = first + get_local_id(0) * VW; v < last; v += step) {
                    const vfloat mean = VLOAD(moments + v),
                                 scale = VLOAD(weight + v) * VLOAD(moments + c + v);
                    vfloat sum = (vfloat)(0.0f), product = (vfloat)(0.0f);
                    if (row > block) {
                        sum = VLOAD(block_sums + v - first);
                        product = VLOAD(block_products + v - first);
                    }
                    UNROLL_FOR (i, ROWS_AT_ONCE)
                        if (row + i < block_end) {
                            const size_t at = (size_t)(row + i) * c + v;
                            PREFETCH_SUMMED(x + at);
                            if (!RELU) /* else load_gradient does */
                                PREFETCH_SUMMED(dy + at);
                            const vfloat centred = ELOAD(x + at) - mean;
                            vfloat dz;
                            load_gradient(dy, y, &centred, &scale, bias + v, at, &dz);
                            sum += dz;
                            product = FMA(dz, centred, product);
                            if (RESIDUAL == RNCL_RESIDUAL_ADD)
                                ESTORE(dz, dresidual + at);
                        }
                    VSTORE(sum, block_sums + v - first);
                    VSTORE(product, block_products + v - first);
                }
            for (int v = first + get_local_id(0) * VW; v < last; v += step) {
                const vfloat sum = VLOAD(block_sums + v - first);
                const vfloat product = VLOAD(block_products + v - first) * VLOAD(moments + c + v);
                VSTORE(block == begin ? sum : VLOAD(sums + v) + sum, sums + v);
                VSTORE(block == begin ? product : VLOAD(products + v) + product, products + v);
            }
        }
}

/* Adds the parts of VW channels in their order. Results are dbias and dweight, and in part 0 the means for
 * batchnorm_gradient. */
__kernel void batchnorm_gradient_moments(const rncl_batchnorm_shape shape, const int groups,
                                         __global float *parts, __global float *restrict dweight,
                                         __global float *restrict dbias, const int accumulate)
{
    const int c = shape.c, v = get_global_id(0) * VW;
    if (v >= c)
        return;
    vfloat sum = (vfloat)(0.0f), product = (vfloat)(0.0f);
    for (int group = 0; group < groups; group++) {
        sum += VLOAD(parts + (size_t)group * 2 * c + v);
        product += VLOAD(parts + ((size_t)group * 2 + 1) * c + v);
    }
    store_gradient_moments(shape, v, &sum, &product, parts, dweight, dbias, accumulate);
}

/* dx = weight / sigma * (dz - mean(dz) - xhat * mean(dz * xhat)); without the means if frozen. dx may be x
 * itself, dresidual may be dy itself. If frozen, dresidual = dz is stored here, since gradient_sums may not
 * have run. */
__kernel void batchnorm_gradient(const rncl_batchnorm_shape shape, __global const element *x,
                                 __global const element *restrict y, __global const element *dy,
                                 __global const float *restrict moments,
                                 __global const float *restrict weight, __global const float *restrict bias,
                                 __global const float *restrict parts, __global element *dx,
                                 __global element *dresidual, const int frozen, const int accumulate)
{
    const int c = shape.c, rows = shape.n * shape.h * shape.w, group = own_stretch();
    const int end = first_row(rows, group + 1);
    for (int row = first_row(rows, group); row < end; row++)
        for (int v = get_local_id(0) * VW; v < c; v += get_local_size(0) * VW) {
            const size_t at = (size_t)row * c + v;
            const vfloat inverse = VLOAD(moments + c + v), scale = VLOAD(weight + v) * inverse;
            const vfloat centred = ELOAD(x + at) - VLOAD(moments + v);
            vfloat dz;
            if (GIVEN_DZ)
                dz = ELOAD(dy + at);
            else if (RESIDUAL == RNCL_RESIDUAL_ADD && !frozen)
                dz = ELOAD(dresidual + at);
            else
                load_gradient(dy, y, &centred, &scale, bias + v, at, &dz);
            vfloat through_x = dz;
            if (!frozen) /* batch statistics depend on x too */
                through_x = dz - VLOAD(parts + v) - centred * (VLOAD(parts + c + v) * inverse);
            const vfloat value = scale * through_x;
            ESTORE(accumulate ? ELOAD(dx + at) + value : value, dx + at);
            if (RESIDUAL == RNCL_RESIDUAL_ADD && frozen)
                ESTORE(dz, dresidual + at);
        }
}
