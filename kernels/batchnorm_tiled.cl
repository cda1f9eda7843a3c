/* Batch normalisation on GPUs (batchnorm.clh). A work-group is a rectangle of work-items: in dimension 0 they
 * take neighbouring vectors of VW channels, in dimension 1 rows.
 *
 *   x [rows][c]      group (0, 0)   (1, 0)   …        a stretch of rows, of which item (i, j) takes
 *                    group (0, 1)   (1, 1)   …        rows j, j + get_local_size(1), …
 *
 * In statistics, apply, gradient_sums and gradient, group (i, g) handles the g-th of get_num_groups(1) equal
 * stretches of rows, for get_local_size(0) vectors of channels. In moments and gradient_moments,
 * get_num_groups(1) is 1, and dimension 1 takes parts instead of rows.
 *
 * Work-items that have the same channels add up their results in local memory as a tree, so that the order of
 * summation is fixed by the sizes. get_local_size(1) is a power of two.
 *
 * With SIGNS, forward saves the signs of y behind the moments, and backward reads these in place of y:
 *
 *   signs  [rows][c / VW] bytes; bit i: whether value i of the vector is positive
 *
 * With GIVEN_SUMS the convolution behind has left the sums of the gradient, and gradient_sums has not run. */
#include "batchnorm.clh"

/* Work-items of a group, at most. */
#ifndef GROUP
#define GROUP 256
#endif

/* 0 or 1. 1 needs RELU, RNCL_RESIDUAL_ADD and a VW of at most 8, which is the same in both passes. */
#ifndef SIGNS
#define SIGNS 0
#endif

/* 0 or 1. */
#ifndef GIVEN_SUMS
#define GIVEN_SUMS 0
#endif

/* Rows or parts that a work-item loads before it uses the first. */
#define AT_ONCE 4

/* Where a work-item begins, and how it goes on. */
typedef struct place {
    int v;        /* its first channel; c or more: it has none */
    int row, end; /* of its stretch */
    int step;     /* from one of its rows to the next */
} place;

static place place_of(rncl_batchnorm_shape shape)
{
    const int rows = shape.n * shape.h * shape.w, group = get_group_id(1), step = get_local_size(1);
    const place p = {get_global_id(0) * VW, first_row(rows, group) + (int)get_local_id(1),
                     first_row(rows, group + 1), step};
    return p;
}

/* Where this work-item's values are in local arrays, and how far behind those of the work-item `rows` further
 * on in dimension 1 are. */
static int own_slot(void)
{
    return (get_local_id(1) * get_local_size(0) + get_local_id(0)) * VW;
}

static int slots_of(int rows)
{
    return rows * get_local_size(0) * VW;
}

/* Joins the statistics of all work-items with the same channels into those of the first. */
static void join_tree(__local float *means, __local float *deviations, __local float *counts, vfloat *mean,
                      vfloat *deviation, float count)
{
    const int at = own_slot();
    for (int apart = get_local_size(1) / 2; apart > 0; apart /= 2) {
        if ((int)get_local_id(1) >= apart && (int)get_local_id(1) < 2 * apart) {
            VSTORE(*mean, means + at);
            VSTORE(*deviation, deviations + at);
            counts[at / VW] = count;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if ((int)get_local_id(1) < apart) {
            const int other = at + slots_of(apart);
            const float more = counts[other / VW];
            if (more > 0.0f) {
                const vfloat other_mean = VLOAD(means + other), other_deviation = VLOAD(deviations + other);
                join_statistics(mean, deviation, count, &other_mean, &other_deviation, more);
                count += more;
            }
        }
    }
}

/* Adds up two sums of all work-items with the same channels into those of the first. */
static void add_tree(__local float *sums, __local float *products, vfloat *sum, vfloat *product)
{
    const int at = own_slot();
    for (int apart = get_local_size(1) / 2; apart > 0; apart /= 2) {
        if ((int)get_local_id(1) >= apart && (int)get_local_id(1) < 2 * apart) {
            VSTORE(*sum, sums + at);
            VSTORE(*product, products + at);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if ((int)get_local_id(1) < apart) {
            *sum += VLOAD(sums + at + slots_of(apart));
            *product += VLOAD(products + at + slots_of(apart));
        }
    }
}

__kernel void batchnorm_statistics(const rncl_batchnorm_shape shape, __global const element *restrict x,
                                   __global float *restrict statistics)
{
    __local float ALIGNED means[GROUP * VW], ALIGNED deviations[GROUP * VW], counts[GROUP];
    const int c = shape.c, group = get_group_id(1), groups = get_num_groups(1);
    const place p = place_of(shape);
    vfloat mean = (vfloat)(0.0f), deviation = (vfloat)(0.0f);
    int count = 0;
    for (int row = p.row; p.v < c && row < p.end; row += AT_ONCE * p.step) {
        vfloat values[AT_ONCE], block_mean = (vfloat)(0.0f), block_deviation = (vfloat)(0.0f);
        const int size = min(AT_ONCE, (p.end - row + p.step - 1) / p.step);
        UNROLL_FOR (i, AT_ONCE) {
            values[i] = i < size ? ELOAD(x + (size_t)(row + i * p.step) * c + p.v) : (vfloat)(0.0f);
            block_mean += values[i];
        }
        block_mean /= (float)size;
        UNROLL_FOR (i, AT_ONCE) {
            const vfloat d = i < size ? values[i] - block_mean : (vfloat)(0.0f);
            block_deviation = FMA(d, d, block_deviation);
        }
        join_statistics(&mean, &deviation, (float)count, &block_mean, &block_deviation, (float)size);
        count += size;
    }
    join_tree(means, deviations, counts, &mean, &deviation, (float)count);
    if (get_local_id(1) > 0 || p.v >= c)
        return;
    __global float *part = statistics + statistics_at(groups, group, c) + p.v;
    VSTORE(mean, part);
    VSTORE(deviation, part + c);
    if (p.v == 0)
        statistics[group] = (float)(p.end - p.row);
}

/* Joins the parts and updates the running statistics. */
__kernel void batchnorm_moments(const rncl_batchnorm_shape shape, const int parts,
                                __global const float *restrict statistics, __global float *restrict moments,
                                __global float *restrict running_mean,
                                __global float *restrict running_variance)
{
    __local float ALIGNED means[GROUP * VW], ALIGNED deviations[GROUP * VW], counts[GROUP];
    const int c = shape.c, v = get_global_id(0) * VW, step = get_local_size(1);
    vfloat mean = (vfloat)(0.0f), deviation = (vfloat)(0.0f);
    float count = 0.0f;
    for (int part = get_local_id(1); v < c && part < parts; part += AT_ONCE * step) {
        vfloat part_mean[AT_ONCE], part_deviation[AT_ONCE];
        float part_count[AT_ONCE];
        UNROLL_FOR (i, AT_ONCE) {
            const int from = min(part + i * step, parts - 1);
            __global const float *at = statistics + statistics_at(parts, from, c) + v;
            part_mean[i] = VLOAD(at);
            part_deviation[i] = VLOAD(at + c);
            part_count[i] = part + i * step < parts ? statistics[from] : 0.0f;
        }
        UNROLL_FOR (i, AT_ONCE)
            if (part_count[i] > 0.0f) {
                join_statistics(&mean, &deviation, count, part_mean + i, part_deviation + i, part_count[i]);
                count += part_count[i];
            }
    }
    join_tree(means, deviations, counts, &mean, &deviation, count);
    if (get_local_id(1) == 0 && v < c)
        store_moments(shape, v, &mean, &deviation, moments, running_mean, running_variance);
}

/* Saves the signs of a vector of y that begins at value `at`. */
static void store_signs(__global float *moments, int c, size_t at, const vfloat *value)
{
    float ALIGNED lanes[VW];
    uint signs = 0;
    VSTORE(*value, lanes);
    UNROLL_FOR (i, VW)
        signs |= (uint)(lanes[i] > 0.0f) << i;
    ((__global uchar *)(moments + 2 * c))[at / VW] = (uchar)signs;
}

/* dz where y was positive, by its signs. */
static void load_gradient_by_signs(__global const element *dy, __global const float *moments, int c,
                                   size_t at, vfloat *dz)
{
    float ALIGNED lanes[VW];
    const uint signs = ((__global const uchar *)(moments + 2 * c))[at / VW];
    VSTORE(ELOAD(dy + at), lanes);
    UNROLL_FOR (i, VW)
        lanes[i] = signs >> i & 1 ? lanes[i] : 0.0f;
    *dz = VLOAD(lanes);
}

__kernel void batchnorm_apply(const rncl_batchnorm_shape shape, __global const element *restrict x,
                              __global const element *residual, __global float *restrict moments,
                              __global const float *restrict weight, __global const float *restrict bias,
                              __global element *restrict y)
{
    const int c = shape.c;
    const place p = place_of(shape);
    if (p.v >= c)
        return;
    const vfloat mean = VLOAD(moments + p.v), scale = VLOAD(weight + p.v) * VLOAD(moments + c + p.v);
    const vfloat shift = VLOAD(bias + p.v);
    for (int row = p.row; row < p.end; row += p.step) {
        const size_t at = (size_t)row * c + p.v;
        vfloat value = FMA(ELOAD(x + at) - mean, scale, shift);
        add_residual(shape, residual, row, p.v, &value);
        if (RELU)
            value = select(value, (vfloat)(0.0f), value < (vfloat)(0.0f)); /* unlike fmax, keeps NaN */
        ESTORE(value, y + at);
        if (SIGNS)
            store_signs(moments, c, at, &value);
    }
}

/* Sums of dz and of dz * xhat over each stretch of rows. With RNCL_RESIDUAL_ADD it also stores dz in
 * dresidual, where batchnorm_gradient reads it. */
__kernel void batchnorm_gradient_sums(const rncl_batchnorm_shape shape, __global const element *restrict x,
                                      __global const element *restrict y, __global const element *dy,
                                      __global const float *restrict moments,
                                      __global const float *restrict weight,
                                      __global const float *restrict bias, __global float *restrict parts,
                                      __global element *dresidual)
{
    __local float ALIGNED sums[GROUP * VW], ALIGNED products[GROUP * VW];
    const int c = shape.c;
    const place p = place_of(shape);
    vfloat sum = (vfloat)(0.0f), product = (vfloat)(0.0f), inverse = (vfloat)(0.0f);
    if (p.v < c) {
        const vfloat mean = VLOAD(moments + p.v);
        inverse = VLOAD(moments + c + p.v);
        const vfloat scale = VLOAD(weight + p.v) * inverse;
        for (int row = p.row; row < p.end; row += p.step) {
            const size_t at = (size_t)row * c + p.v;
            const vfloat centred = ELOAD(x + at) - mean;
            vfloat dz;
            if (SIGNS)
                load_gradient_by_signs(dy, moments, c, at, &dz);
            else
                load_gradient(dy, y, &centred, &scale, bias + p.v, at, &dz);
            sum += dz;
            product = FMA(dz, centred, product);
            if (RESIDUAL == RNCL_RESIDUAL_ADD)
                ESTORE(dz, dresidual + at);
        }
    }
    add_tree(sums, products, &sum, &product);
    if (get_local_id(1) > 0 || p.v >= c)
        return;
    __global float *part = parts + (size_t)get_group_id(1) * 2 * c + p.v;
    VSTORE(sum, part);
    VSTORE(product * inverse, part + c);
}

/* Adds the parts. Results are dbias and dweight, and in part 0 the means for batchnorm_gradient: no other
 * work-group reads these channels. */
__kernel void batchnorm_gradient_moments(const rncl_batchnorm_shape shape, const int groups,
                                         __global float *parts, __global float *restrict dweight,
                                         __global float *restrict dbias, const int accumulate)
{
    __local float ALIGNED sums[GROUP * VW], ALIGNED products[GROUP * VW];
    const int c = shape.c, v = get_global_id(0) * VW, step = get_local_size(1);
    vfloat sum = (vfloat)(0.0f), product = (vfloat)(0.0f);
    for (int part = get_local_id(1); v < c && part < groups; part += AT_ONCE * step) {
        vfloat part_sum[AT_ONCE], part_product[AT_ONCE];
        UNROLL_FOR (i, AT_ONCE) {
            __global const float *at = parts + (size_t)min(part + i * step, groups - 1) * 2 * c + v;
            part_sum[i] = VLOAD(at);
            part_product[i] = VLOAD(at + c);
        }
        UNROLL_FOR (i, AT_ONCE)
            if (part + i * step < groups) {
                sum += part_sum[i];
                product += part_product[i];
            }
    }
    add_tree(sums, products, &sum, &product);
    if (get_local_id(1) == 0 && v < c)
        store_gradient_moments(shape, v, &sum, &product, parts, dweight, dbias, accumulate);
}

/* dx = weight / sigma * (dz - mean(dz) - xhat * mean(dz * xhat)); without the means if frozen. dx may be x
 * itself, dresidual may be dy itself. If frozen or with GIVEN_SUMS, dresidual = dz is stored here, since
 * gradient_sums may not have run. */
__kernel void batchnorm_gradient(const rncl_batchnorm_shape shape, __global const element *x,
                                 __global const element *restrict y, __global const element *dy,
                                 __global const float *restrict moments,
                                 __global const float *restrict weight, __global const float *restrict bias,
                                 __global const float *restrict parts, __global element *dx,
                                 __global element *dresidual, const int frozen, const int accumulate)
{
    const int c = shape.c;
    const place p = place_of(shape);
    if (p.v >= c)
        return;
    const vfloat mean = VLOAD(moments + p.v), inverse = VLOAD(moments + c + p.v);
    const vfloat scale = VLOAD(weight + p.v) * inverse;
    vfloat mean_dz = (vfloat)(0.0f), slope = (vfloat)(0.0f);
    if (!frozen) { /* batch statistics depend on x too */
        mean_dz = VLOAD(parts + p.v);
        slope = VLOAD(parts + c + p.v) * inverse;
    }
    for (int row = p.row; row < p.end; row += p.step) {
        const size_t at = (size_t)row * c + p.v;
        const vfloat centred = ELOAD(x + at) - mean;
        vfloat dz;
        if (GIVEN_DZ)
            dz = ELOAD(dy + at);
        else if (RESIDUAL == RNCL_RESIDUAL_ADD && !(frozen || GIVEN_SUMS))
            dz = ELOAD(dresidual + at);
        else if (SIGNS)
            load_gradient_by_signs(dy, moments, c, at, &dz);
        else
            load_gradient(dy, y, &centred, &scale, bias + p.v, at, &dz);
        const vfloat value = scale * (dz - mean_dz - centred * slope);
        ESTORE(accumulate ? ELOAD(dx + at) + value : value, dx + at);
        if (RESIDUAL == RNCL_RESIDUAL_ADD && (frozen || GIVEN_SUMS))
            ESTORE(dz, dresidual + at);
    }
}
