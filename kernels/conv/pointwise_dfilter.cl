/* The filter gradient of a 1x1 convolution, a product of matrices: dfilter [c][k] = x^T [c][pixels] dy
 * [pixels][k], where with a stride only some pixels of x are meant.
 *
 * A work-group is one work-item. Work-item (g, h) takes the g-th of get_global_size(0) shares of the pixels
 * and the h-th of get_global_size(1) shares of the output channels. It brings PIXELS pixels of CHUNK input
 * channels at a time into local memory, and of those pixels KB output channels after the others: what a
 * register block reads then lies in a row, where in x and dy pixels lie a power of two apart, of which caches
 * keep few. sums: [get_global_size(0)][c][k].
 *
 * Tunable: VW floats a vector (divides c and k), KV vectors of output channels (KB = KV * VW) and CB input
 * channels (a power of two that divides VW) in the register block; PIXELS and CHUNK (a multiple of VW). */
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

/* Pixels from copying their inputs to asking for them, about the time that memory takes to answer. */
#define INPUTS_AHEAD 24

/* Floats of PIXELS pixels of CB input channels. */
#define PANEL (PIXELS * CB + RNCL_CACHE_GAP)

/* Cache lines of a pixel in the gradients of a block. */
#define GRADIENT_LINES ((KB + LINE_FLOATS - 1) / LINE_FLOATS)

#if CB == 1
#define COPY_INPUTS(from, to) (*(to) = *(from))
#else
#define COPY_INPUTS(from, to) PASTE(vstore, CB)(PASTE(vload, CB)(0, (from)), 0, (to))
#endif

/* to [channels / CB][PIXELS][CB], with a gap after each of channels / CB, = x [pixels][c]. */
static void stage_inputs(__local float *to, __global const float *x, rncl_conv_shape shape, int first,
                         int pixels, int channels)
{
    int q = first % shape.q, p = first / shape.q % shape.p, n = first / shape.q / shape.p;
    for (int i = 0; i < pixels; i++) {
        __global const float *from =
            x + (((size_t)n * shape.h + p * shape.stride) * shape.w + q * shape.stride) * shape.c;
        for (int c = 0; c < channels; c += VW) {
            PREFETCH(from + c + INPUTS_AHEAD * shape.stride * shape.c);
            UNROLL_FOR_STEP (j, VW, CB)
                COPY_INPUTS(from + c + j, to + (c + j) / CB * PANEL + i * CB);
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

/* to [pixels][KB] = dy [pixels][k]. */
static void stage_gradients(__local float *to, __global const float *dy, int pixels, int k)
{
    for (int i = 0; i < pixels; i++)
        UNROLL_FOR_STEP (v, KB, VW)
            VSTORE(VLOAD(dy + (size_t)i * k + v), to + i * KB + v);
}

/* What will be copied next, and how much of it has been asked for: a cache line of every pixel each time. */
typedef struct next_copy {
    __global const float *inputs, *gradients; /* of the first pixel */
    int input_lines, gradient_lines;          /* of a pixel, not asked for yet */
} next_copy;

/* The first of a row of cache lines, floats from pixel to pixel. */
typedef struct wanted_lines {
    __global const float *first;
    int step;
} wanted_lines;

/* Gradients are needed sooner. Where all has been asked for, a line that is there already. */
static wanted_lines take_lines(next_copy *next, rncl_conv_shape shape)
{
    wanted_lines wanted = {next->gradients, 0};
    if (next->gradient_lines > 0) {
        wanted.first += --next->gradient_lines * LINE_FLOATS;
        wanted.step = shape.k;
    } else if (next->input_lines > 0) {
        wanted.first = next->inputs + --next->input_lines * LINE_FLOATS;
        wanted.step = shape.c;
    }
    return wanted;
}

/* CB x KB values at `to`, k apart, added to or replaced. Asks for what is wanted on the way. */
static void multiply(int pixels, __local const float *inputs, __local const float *gradients,
                     __global float *to, int k, int add, wanted_lines wanted)
{
    vfloat sum[CB][KV];
    UNROLL_FOR (i, CB)
        UNROLL_FOR (v, KV) {
            PREFETCH_TO_WRITE(to + (size_t)i * k + v * VW);
            sum[i][v] = (vfloat)(0.0f);
        }
    for (int pixel = 0; pixel < pixels; pixel++) {
        vfloat gradient[KV];
        PREFETCH_FAR(wanted.first + (size_t)pixel * wanted.step);
        UNROLL_FOR (v, KV)
            gradient[v] = VLOAD(gradients + pixel * KB + v * VW);
        UNROLL_FOR (i, CB) {
            const vfloat value = (vfloat)(inputs[pixel * CB + i]);
            UNROLL_FOR (v, KV)
                sum[i][v] = fma(value, gradient[v], sum[i][v]);
        }
    }
    UNROLL_FOR (i, CB)
        UNROLL_FOR (v, KV) {
            __global float *at = to + (size_t)i * k + v * VW;
            VSTORE(add ? VLOAD(at) + sum[i][v] : sum[i][v], at);
        }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_pointwise_dfilter(const rncl_conv_shape shape, __global const float *restrict x,
                       __global const float *restrict dy, __global float *restrict sums, const int accumulate)
{
    const int all = shape.n * shape.p * shape.q, blocks = shape.k / KB;
    const int begin = (int)((long)all * get_global_id(0) / get_global_size(0));
    const int end = (int)((long)all * (get_global_id(0) + 1) / get_global_size(0));
    const int first_block = blocks * get_global_id(1) / get_global_size(1);
    const int last_block = blocks * (get_global_id(1) + 1) / get_global_size(1);
    __global float *dfilter = sums + (size_t)get_global_id(0) * shape.c * shape.k;
    __local float inputs[CHUNK / CB * PANEL], gradients[KB * PIXELS];

    for (int first = begin; first < end; first += PIXELS) {
        const int pixels = min(PIXELS, end - first), add = accumulate || first > begin;
        for (int chunk = 0; chunk < shape.c; chunk += CHUNK) {
            const int channels = min(CHUNK, shape.c - chunk), is_last = chunk + channels == shape.c;
            const int next_first = is_last ? first + PIXELS : first, next_chunk = is_last ? 0 : chunk + CHUNK;
            next_copy next = {.inputs = x + (size_t)next_first * shape.c + next_chunk};
            /* With a stride the next pixels are not in a row. */
            if (shape.stride == 1)
                next.input_lines = min(CHUNK, shape.c - next_chunk) / LINE_FLOATS;
            stage_inputs(inputs, x + chunk, shape, first, pixels, channels);
            for (int block = first_block; block < last_block; block++) {
                __global const float *block_gradients = dy + (size_t)first * shape.k + block * KB;
                stage_gradients(gradients, block_gradients, pixels, shape.k);
                next.gradients = block + 1 < last_block
                                     ? block_gradients + KB
                                     : dy + (size_t)next_first * shape.k + first_block * KB;
                next.gradient_lines = GRADIENT_LINES;
                for (int c = 0; c < channels; c += CB)
                    multiply(pixels, inputs + c / CB * PANEL, gradients,
                             dfilter + (size_t)(chunk + c) * shape.k + block * KB, shape.k, add,
                             take_lines(&next, shape));
            }
        }
    }
}
