/* The filter gradient of convolutions of small images: dfilter = sum over all output pixels of x under each
 * tap times dy. For each tap only the pixels that it reaches are multiplied, those of all images one after
 * the other.
 *
 * A work-group is one work-item. Work-item (i, j) computes all taps of the i-th CHUNK input channels, for the
 * j-th of get_global_size(1) equal shares of the output channels: for groups of `group` images at a time it
 * copies x, and then dy for KB = KV * VW output channels after the other.
 *
 * shape       see rncl_conv_shape
 * x           [n][h][w][c]
 * dy          [n][p][q][k]
 * dfilter     [r][s][c][k]
 * accumulate  0: dfilter is set, 1: added to
 * group       images that are copied at a time, at least 1
 *
 * In local memory:
 *   inputs      [CHUNK / CB][h * w][group][CB]
 *   gradients   [p * q][group][KB] */

/* Input channels in the register block, from 1 on: divides VW. */
#ifndef CB
#define CB 1
#endif
/* Input channels of a work-item: a multiple of VW, which divides c and k. */
#ifndef CHUNK
#define CHUNK VW
#endif
/* Floats of local memory: at least as many as the copies need. */
#ifndef INPUTS
#define INPUTS 1024
#endif
#ifndef GRADIENTS
#define GRADIENTS 1024
#endif
#define BLOCK_ROWS CB

#include "conv/batched.clh"
#include "conv/register_block.clh"

/* Copies CB floats. */
#if CB == 1
#define COPY_INPUTS(from, to) (*(to) = *(from))
#else
#define COPY_INPUTS(from, to) PASTE(vstore, CB)(PASTE(vload, CB)(0, (from)), 0, (to))
#endif

/* Copies `images` images. x: the first one's first channel of the chunk. */
static void copy_inputs(__local float *inputs, __global const float *x, rncl_conv_shape shape, int images,
                        int channels, int group)
{
    const int pixels = shape.h * shape.w;
    for (int image = 0; image < images; image++)
        for (int pixel = 0; pixel < pixels; pixel++)
            for (int c = 0; c < channels; c += CB)
                COPY_INPUTS(x + ((size_t)image * pixels + pixel) * shape.c + c,
                            inputs + ((c / CB * pixels + pixel) * group + image) * CB);
}

/* dy: the first image's first channel of the block. */
static void copy_gradients(__local float *gradients, __global const float *dy, rncl_conv_shape shape,
                           int images, int group)
{
    const int pixels = shape.p * shape.q;
    for (int image = 0; image < images; image++)
        for (int pixel = 0; pixel < pixels; pixel++)
            UNROLL_FOR_STEP (v, KB, VW)
                VSTORE(VLOAD(dy + ((size_t)image * pixels + pixel) * shape.k + v),
                       gradients + (pixel * group + image) * KB + v);
}

/* CB x KB values of a tap at `to`, in rows k floats apart, set or added to. inputs: CB channels of all pixels
 * of x. */
static void multiply(rncl_conv_shape shape, int tap, int images, int group, __local const float *inputs,
                     __local const float *gradients, __global float *to, int add)
{
    vfloat sum[CB][KV];
    clear_block(sum);
    for (int p = 0; p < shape.p; p++)
        for (int q = 0; q < shape.q; q++) {
            const int row = pixel_under(p, tap / shape.s, shape, shape.h);
            const int column = pixel_under(q, tap % shape.s, shape, shape.w);
            if (row < 0 || column < 0)
                continue;
            __local const float *in = inputs + (row * shape.w + column) * group * CB;
            __local const float *dy = gradients + (p * shape.q + q) * group * KB, *end = dy + images * KB;
            do {
                ADD_OUTER_PRODUCT(sum, dy, i, in[i]);
                in += CB;
            } while ((dy += KB) < end);
        }
    UNROLL_FOR (i, CB)
        UNROLL_FOR (v, KV) {
            __global float *at = to + (size_t)i * shape.k + v * VW;
            if (add)
                VSTORE(VLOAD(at) + sum[i][v], at);
            else
                VSTORE_NONTEMPORAL(sum[i][v], at);
        }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_batched_dfilter(const rncl_conv_shape shape, __global const float *restrict x,
                     __global const float *restrict dy, __global float *restrict dfilter,
                     const int accumulate, const int group)
{
    const int blocks = shape.k / KB, first_channel = get_global_id(0) * CHUNK;
    const int channels = min(CHUNK, shape.c - first_channel);
    const int first_block = blocks * get_global_id(1) / get_global_size(1);
    const int last_block = blocks * (get_global_id(1) + 1) / get_global_size(1);
    const int panel = shape.h * shape.w * group * CB;
    __local float ALIGNED inputs[INPUTS], ALIGNED gradients[GRADIENTS];
    for (int first = 0; first < shape.n; first += group) {
        const int images = min(group, shape.n - first);
        copy_inputs(inputs, x + (size_t)first * shape.h * shape.w * shape.c + first_channel, shape, images,
                    channels, group);
        for (int block = first_block; block < last_block; block++) {
            copy_gradients(gradients, dy + (size_t)first * shape.p * shape.q * shape.k + block * KB, shape,
                           images, group);
            for (int c = 0; c < channels; c += CB)
                for (int tap = 0; tap < shape.r * shape.s; tap++)
                    multiply(shape, tap, images, group, inputs + c / CB * panel, gradients,
                             dfilter + ((size_t)tap * shape.c + first_channel + c) * shape.k + block * KB,
                             accumulate || first > 0);
        }
    }
}
