/* Batch normalisation (Ioffe and Szegedy 2015) fused with the addition of a residual and ReLU, over x [rows][c], rows = n h w.
 *
 * forward, training:   batchnorm_statistics -> batchnorm_moments -> batchnorm_apply
 * forward, inference:  batchnorm_running -> batchnorm_apply
 * backward:            batchnorm_gradient_sums -> batchnorm_gradient_moments -> batchnorm_gradient
 *                      (and batchnorm_residual_pad for the gradient of a zero-padded residual)
 *
 * The kernels over x share one frame: work-group g owns the g-th of get_num_groups(1) equal stretches of rows; its
 * work-items take vectors of VW channels in turn, so neighbours read neighbours. A CPU wants work-groups of one work-item
 * there, a GPU as many as there are channel vectors.
 *
 * moments [2][c]: mean and 1 / sqrt(variance + epsilon). parts [groups][2][c]. RELU and RESIDUAL are those of the shape. */
#include "common.clh"

#ifndef RELU
#define RELU 1
#endif
#ifndef RESIDUAL
#define RESIDUAL RNCL_RESIDUAL_NONE
#endif

/* Values that are gone through twice while they are in the first-level cache. */
#define BLOCK_FLOATS 4096

static int block_rows(int c)
{
    return max(4, BLOCK_FLOATS / c);
}

static int first_row(int rows, int group)
{
    return (int)((long)rows * group / get_num_groups(1));
}

/* Mean and sum of squared deviations of each stretch of rows. Small blocks in two passes, joined by Chan's formula
 * (Chan et al. 1979): E[x^2] - E[x]^2 would cancel. */
__kernel void batchnorm_statistics(const rncl_batchnorm_shape shape, __global const float *restrict x,
                                   __global float *restrict parts)
{
    const int c = shape.c, rows = shape.n * shape.h * shape.w, group = get_group_id(1);
    const int begin = first_row(rows, group), end = first_row(rows, group + 1);
    __global float *means = parts + (size_t)group * 2 * c, *deviations = means + c;
    for (int block = begin, size; block < end; block += size) {
        size = min(block_rows(c), end - block);
        const float before = (float)(block - begin), share = (float)size / (before + (float)size);
        for (int v = get_local_id(0) * VW; v < c; v += get_local_size(0) * VW) {
            __global const float *from = x + (size_t)block * c + v;
            vfloat sum = (vfloat)(0.0f), deviation = (vfloat)(0.0f);
            for (int i = 0; i < size; i++)
                sum += VLOAD(from + (size_t)i * c);
            const vfloat mean = sum / (float)size;
            for (int i = 0; i < size; i++) {
                const vfloat d = VLOAD(from + (size_t)i * c) - mean;
                deviation = fma(d, d, deviation);
            }
            if (block == begin) {
                VSTORE(mean, means + v);
                VSTORE(deviation, deviations + v);
            } else {
                const vfloat old = VLOAD(means + v), delta = mean - old;
                VSTORE(fma(delta, (vfloat)(share), old), means + v);
                VSTORE(VLOAD(deviations + v) + fma(delta * delta, (vfloat)(before * share), deviation), deviations + v);
            }
        }
    }
}

/* Work-item c: joins the parts in their order and moves the running statistics on. */
__kernel void batchnorm_moments(const rncl_batchnorm_shape shape, const int groups, __global const float *restrict parts,
                                __global float *restrict moments, __global float *restrict running_mean,
                                __global float *restrict running_variance)
{
    const int c = get_global_id(0), rows = shape.n * shape.h * shape.w;
    if (c >= shape.c)
        return;
    float mean = parts[c], deviation = parts[shape.c + c];
    for (int group = 1; group < groups; group++) {
        const int begin = (int)((long)rows * group / groups), end = (int)((long)rows * (group + 1) / groups);
        const float size = (float)(end - begin), before = (float)begin, share = size / (before + size);
        const float delta = parts[(size_t)group * 2 * shape.c + c] - mean;
        mean = fma(delta, share, mean);
        deviation += parts[((size_t)group * 2 + 1) * shape.c + c] + delta * delta * before * share;
    }
    moments[c] = mean;
    moments[shape.c + c] = 1.0f / sqrt(deviation / (float)rows + RNCL_BATCHNORM_EPSILON);
    const float unbiased = deviation / (float)max(rows - 1, 1);
    running_mean[c] += RNCL_BATCHNORM_MOMENTUM * (mean - running_mean[c]);
    running_variance[c] += RNCL_BATCHNORM_MOMENTUM * (unbiased - running_variance[c]);
}

/* Work-item c: moments of inference. */
__kernel void batchnorm_running(const rncl_batchnorm_shape shape, __global const float *restrict running_mean,
                                __global const float *restrict running_variance, __global float *restrict moments)
{
    const int c = get_global_id(0);
    if (c >= shape.c)
        return;
    moments[c] = running_mean[c];
    moments[shape.c + c] = 1.0f / sqrt(running_variance[c] + RNCL_BATCHNORM_EPSILON);
}

/* The residual at channel v of a row. */
static vfloat residual_at(rncl_batchnorm_shape shape, __global const float *residual, int row, int v)
{
#if RESIDUAL == RNCL_RESIDUAL_ADD
    return VLOAD(residual + (size_t)row * shape.c + v);
#elif RESIDUAL == RNCL_RESIDUAL_PAD
    if (v >= shape.residual_c)
        return (vfloat)(0.0f);
    const int j = row % shape.w, i = row / shape.w % shape.h, n = row / shape.w / shape.h;
    const size_t pixel = ((size_t)n * shape.residual_h + i * shape.residual_stride) * shape.residual_w +
                         j * shape.residual_stride;
    return VLOAD(residual + pixel * shape.residual_c + v);
#else
    return (vfloat)(0.0f);
#endif
}

__kernel void batchnorm_apply(const rncl_batchnorm_shape shape, __global const float *restrict x,
                              __global const float *residual, __global const float *restrict moments,
                              __global const float *restrict weight, __global const float *restrict bias,
                              __global float *restrict y)
{
    const int c = shape.c, rows = shape.n * shape.h * shape.w, group = get_group_id(1);
    const int end = first_row(rows, group + 1);
    for (int row = first_row(rows, group); row < end; row++)
        for (int v = get_local_id(0) * VW; v < c; v += get_local_size(0) * VW) {
            const vfloat scale = VLOAD(weight + v) * VLOAD(moments + c + v);
            vfloat value = fma(VLOAD(x + (size_t)row * c + v) - VLOAD(moments + v), scale, VLOAD(bias + v));
            if (RESIDUAL != RNCL_RESIDUAL_NONE)
                value += residual_at(shape, residual, row, v);
            if (RELU)
                value = select(value, (vfloat)(0.0f), value < (vfloat)(0.0f)); /* unlike fmax, keeps NaN */
            VSTORE(value, y + (size_t)row * c + v);
        }
}

/* The gradient before the ReLU. Without a residual the sign of y is found again from x, which saves reading y. */
static vfloat gradient_at(__global const float *dy, __global const float *y, vfloat centred, vfloat scale, vfloat bias,
                          size_t at)
{
    const vfloat gradient = VLOAD(dy + at);
    if (!RELU)
        return gradient;
    const vfloat value = RESIDUAL == RNCL_RESIDUAL_NONE ? fma(centred, scale, bias) : VLOAD(y + at);
    return select((vfloat)(0.0f), gradient, value > (vfloat)(0.0f));
}

/* Sums of dz and of dz * xhat over each stretch of rows, block by block so that long sums stay exact enough. */
__kernel void batchnorm_gradient_sums(const rncl_batchnorm_shape shape, __global const float *restrict x,
                                      __global const float *restrict y, __global const float *restrict dy,
                                      __global const float *restrict moments, __global const float *restrict weight,
                                      __global const float *restrict bias, __global float *restrict parts)
{
    const int c = shape.c, rows = shape.n * shape.h * shape.w, group = get_group_id(1);
    const int begin = first_row(rows, group), end = first_row(rows, group + 1);
    __global float *sums = parts + (size_t)group * 2 * c, *products = sums + c;
    for (int block = begin, size; block < end; block += size) {
        size = min(block_rows(c), end - block);
        for (int v = get_local_id(0) * VW; v < c; v += get_local_size(0) * VW) {
            const vfloat mean = VLOAD(moments + v), inverse = VLOAD(moments + c + v);
            const vfloat scale = VLOAD(weight + v) * inverse, shift = VLOAD(bias + v);
            vfloat sum = (vfloat)(0.0f), product = (vfloat)(0.0f);
            for (int i = 0; i < size; i++) {
                const size_t at = (size_t)(block + i) * c + v;
                const vfloat centred = VLOAD(x + at) - mean;
                const vfloat dz = gradient_at(dy, y, centred, scale, shift, at);
                sum += dz;
                product = fma(dz, centred, product);
            }
            product *= inverse;
            VSTORE(block == begin ? sum : VLOAD(sums + v) + sum, sums + v);
            VSTORE(block == begin ? product : VLOAD(products + v) + product, products + v);
        }
    }
}

/* Work-item c: adds the parts in their order; dbias and dweight, and the means that dx needs, in the first part's place. */
__kernel void batchnorm_gradient_moments(const rncl_batchnorm_shape shape, const int groups, __global float *parts,
                                         __global float *restrict dweight, __global float *restrict dbias,
                                         const int accumulate)
{
    const int c = get_global_id(0), rows = shape.n * shape.h * shape.w;
    if (c >= shape.c)
        return;
    float sum = 0.0f, product = 0.0f;
    for (int group = 0; group < groups; group++) {
        sum += parts[(size_t)group * 2 * shape.c + c];
        product += parts[((size_t)group * 2 + 1) * shape.c + c];
    }
    dbias[c] = accumulate ? dbias[c] + sum : sum;
    dweight[c] = accumulate ? dweight[c] + product : product;
    parts[c] = sum / (float)rows;
    parts[shape.c + c] = product / (float)rows;
}

/* dx = weight / sigma (dz - mean(dz) - xhat mean(dz xhat)); dresidual = dz, which may be dy itself. */
__kernel void batchnorm_gradient(const rncl_batchnorm_shape shape, __global const float *restrict x,
                                 __global const float *restrict y, __global const float *dy,
                                 __global const float *restrict moments, __global const float *restrict weight,
                                 __global const float *restrict bias, __global const float *restrict parts,
                                 __global float *restrict dx, __global float *dresidual, const int frozen, const int accumulate)
{
    const int c = shape.c, rows = shape.n * shape.h * shape.w, group = get_group_id(1);
    const int end = first_row(rows, group + 1);
    for (int row = first_row(rows, group); row < end; row++)
        for (int v = get_local_id(0) * VW; v < c; v += get_local_size(0) * VW) {
            const size_t at = (size_t)row * c + v;
            const vfloat inverse = VLOAD(moments + c + v), scale = VLOAD(weight + v) * inverse;
            const vfloat centred = VLOAD(x + at) - VLOAD(moments + v);
            const vfloat dz = gradient_at(dy, y, centred, scale, VLOAD(bias + v), at);
            vfloat through_x = dz;
            if (!frozen) /* batch statistics depend on x too */
                through_x = dz - VLOAD(parts + v) - centred * (VLOAD(parts + c + v) * inverse);
            const vfloat value = scale * through_x;
            VSTORE(accumulate ? VLOAD(dx + at) + value : value, dx + at);
            if (RESIDUAL == RNCL_RESIDUAL_ADD)
                VSTORE(dz, dresidual + at);
        }
}

/* Work-item i: VW values of the gradient of a zero-padded residual: dz where a pixel was taken, zero elsewhere. */
__kernel void batchnorm_residual_pad(const rncl_batchnorm_shape shape, __global const float *restrict y,
                                     __global const float *restrict dy, __global float *restrict dresidual)
{
    const size_t i = (size_t)get_global_id(0) * VW;
    if (i >= (size_t)shape.n * shape.residual_h * shape.residual_w * shape.residual_c)
        return;
    const int v = i % shape.residual_c;
    const int pixel = i / shape.residual_c;
    const int column = pixel % shape.residual_w, row = pixel / shape.residual_w % shape.residual_h;
    const int n = pixel / shape.residual_w / shape.residual_h;
    vfloat dz = (vfloat)(0.0f);
    if (row % shape.residual_stride == 0 && column % shape.residual_stride == 0) {
        const size_t at = (((size_t)n * shape.h + row / shape.residual_stride) * shape.w + column / shape.residual_stride) *
                              shape.c + v;
        const vfloat gradient = VLOAD(dy + at);
        dz = RELU ? select((vfloat)(0.0f), gradient, VLOAD(y + at) > (vfloat)(0.0f)) : gradient;
    }
    VSTORE(dz, dresidual + i);
}
