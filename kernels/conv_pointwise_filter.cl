/* The filter gradient of a 1x1 convolution, a product of matrices: dfilter [c][k] = x^T [c][pixels] dy [pixels][k], where with
 * a stride only some pixels of x are meant.
 *
 * A work-group is one work-item. Work-item (g, h) takes the g-th of get_global_size(0) shares of the pixels and the h-th of
 * get_global_size(1) shares of the output channels. It brings PIXELS pixels of CHUNK input channels at a time into local memory,
 * where each vector of channels has its pixels in a row: in x they lie a power of two apart, where caches keep few of them.
 * sums: [get_global_size(0)][c][k].
 *
 * Tunable: VW floats a vector (divides c and k), KV vectors of output channels (KB = KV * VW) and CB input channels (divides VW)
 * in the register block. */
#include "common.clh"

#ifndef KV
#define KV 1
#endif
#ifndef CB
#define CB 1
#endif
#ifndef PIXELS
#define PIXELS 32
#endif
#ifndef CHUNK
#define CHUNK VW
#endif
#define KB (KV * VW)

/* Pixels from reading their channels to asking for them, about the time that memory takes to answer. */
#define INPUTS_AHEAD 24
#define GRADIENTS_AHEAD 40

/* to [channels / VW][PIXELS][VW] = x [pixels][c]. */
static void stage_inputs(__local float *to, __global const float *x, rncl_conv_shape shape, int first, int pixels, int channels)
{
    int q = first % shape.q, p = first / shape.q % shape.p, n = first / shape.q / shape.p;
    for (int i = 0; i < pixels; i++) {
        __global const float *from = x + (((size_t)n * shape.h + p * shape.stride) * shape.w + q * shape.stride) * shape.c;
        for (int c = 0; c < channels; c += VW) {
            PREFETCH(from + c + INPUTS_AHEAD * shape.stride * shape.c);
            VSTORE(VLOAD(from + c), to + (c * PIXELS + i * VW));
        }
        if (++q == shape.q) {
            q = 0;
            if (++p == shape.p) {
                p = 0;
                n++;
            }
        }
    }
}

/* CB x KB values at `to`, k apart, added to or replaced. */
static void multiply(int pixels, __local const float *inputs, __global const float *gradients, __global float *to, int k, int add)
{
    vfloat sum[CB][KV];
    #pragma unroll
    for (int i = 0; i < CB; i++)
        #pragma unroll
        for (int v = 0; v < KV; v++)
            sum[i][v] = add ? VLOAD(to + (size_t)i * k + v * VW) : (vfloat)(0.0f);
    for (int pixel = 0; pixel < pixels; pixel++) {
        vfloat gradient[KV];
        #pragma unroll
        for (int v = 0; v < KV; v++) {
            __global const float *at = gradients + (size_t)pixel * k + v * VW;
            PREFETCH(at + GRADIENTS_AHEAD * k);
            gradient[v] = VLOAD(at);
        }
        #pragma unroll
        for (int i = 0; i < CB; i++) {
            const vfloat value = (vfloat)(inputs[pixel * VW + i]);
            #pragma unroll
            for (int v = 0; v < KV; v++)
                sum[i][v] = fma(value, gradient[v], sum[i][v]);
        }
    }
    #pragma unroll
    for (int i = 0; i < CB; i++)
        #pragma unroll
        for (int v = 0; v < KV; v++)
            VSTORE(sum[i][v], to + (size_t)i * k + v * VW);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv_pointwise_filter(const rncl_conv_shape shape, __global const float *restrict x, __global const float *restrict dy,
                           __global float *restrict sums, const int accumulate)
{
    const int all = shape.n * shape.p * shape.q, blocks = shape.k / KB;
    const int begin = (int)((long)all * get_global_id(0) / get_global_size(0));
    const int end = (int)((long)all * (get_global_id(0) + 1) / get_global_size(0));
    const int first_block = blocks * get_global_id(1) / get_global_size(1);
    const int last_block = blocks * (get_global_id(1) + 1) / get_global_size(1);
    __global float *dfilter = sums + (size_t)get_global_id(0) * shape.c * shape.k;
    __local float inputs[CHUNK * PIXELS];

    for (int first = begin; first < end; first += PIXELS) {
        const int pixels = min(PIXELS, end - first), add = accumulate || first > begin;
        for (int chunk = 0; chunk < shape.c; chunk += CHUNK) {
            const int channels = min(CHUNK, shape.c - chunk);
            stage_inputs(inputs, x + chunk, shape, first, pixels, channels);
            for (int block = first_block; block < last_block; block++) {
                for (int c = 0; c < channels; c += CB)
                    multiply(pixels, inputs + (c / VW * PIXELS * VW + c % VW), dy + (size_t)first * shape.k + block * KB,
                             dfilter + (size_t)(chunk + c) * shape.k + block * KB, shape.k, add);
            }
        }
    }
}
