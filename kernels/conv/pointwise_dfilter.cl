/* The filter gradient of 1x1 convolutions as a product of matrices,
 *   dfilter [c][k] = x^T [c][pixels] * dy [pixels][k].
 * With a stride only every stride-th pixel of x takes part.
 *
 * A work-group is one work-item. Work-item (g, h) sums over the g-th of get_global_size(0) equal shares of
 * the pixels, for the h-th of get_global_size(1) shares of the output channels. It copies PIXELS pixels of
 * CHUNK input channels into local memory as panels (Goto and van de Geijn 2008), then for each block of KB =
 * KV * VW output channels the same pixels of dy, and multiplies the panels by the block.
 *
 * shape       see rncl_conv_shape; r = s = 1, no padding
 * x           [n][h][w][c]
 * dy          [n][p][q][k]
 * sums        [get_global_size(0)][c][k], a sum for each share of the pixels, which conv/reduce.cl adds.
 *             With one share it is dfilter itself
 * accumulate  0: sums are set, 1: added to
 *
 * In local memory, inputs [CHUNK / CB][PIXELS][CB] with a gap after each panel, and gradients [PIXELS][KB]:
 *
 *   | panel 0: channels 0 … CB - 1          |     | panel 1: channels CB … 2 CB - 1
 *   | pixel 0 | pixel 1 | … | pixel PIXELS-1| gap | pixel 0 | …
 *     CB        CB floats
 *
 * PAIRS: two pixels of a channel are one word (conv/pairs.clh) in both, [CHUNK / CB][PIXELS / 2][CB] and
 * [PIXELS / 2][KB]; where their number is odd, a zero is the last one's other half.
 *
 * The register block then reads contiguous memory. In x and dy pixels lie a power of two apart, and caches
 * hold few lines that do. */

/* Input channels of a panel and of the register block: a power of two that divides VW. */
#ifndef CB
#define CB 1
#endif
/* Pixels that are copied at a time, from 1 on; PAIRS: an even number. */
#ifndef PIXELS
#define PIXELS 32
#endif
/* Input channels that are copied at a time: a multiple of VW, which divides c and k. */
#ifndef CHUNK
#define CHUNK VW
#endif
#define BLOCK_ROWS CB

#include "conv/register_block.clh"

/* Prefetch distance of the copy of x, in pixels: about the latency of memory. */
#define PREFETCH_PIXELS 24

/* A multiply prefetches every so many pixels. With pairs there are half as many products for each, of which
 * the prefetches would be a large share. */
#define PARTS (PAIRS ? 4 : 1)

/* Pixels in a value of the copies. */
#define DEPTH (PAIRS ? 2 : 1)

/* Values from panel to panel. */
#define PANEL (PIXELS / DEPTH * CB + RNCL_CACHE_GAP)

/* Elements in a cache line, and lines of KB channels of dy. */
#define DY_LINES ((KB + LINE_ELEMENTS - 1) / LINE_ELEMENTS)

/* Copies CB elements; PAIRS: words. */
#if CB == 1 && PAIRS
#define COPY_INPUTS(from, to) (*(to) = *(from))
#elif CB == 1
#define COPY_INPUTS(from, to) (*(to) = ELEMENT(*(from)))
#else
#if defined(FP16)
#define INPUTS(from) PASTE(vload_half, CB)(0, (__global const half *)(from))
#elif defined(BF16) && !PAIRS
#define INPUTS(from) PASTE(as_float, CB)(PASTE(convert_uint, CB)(PASTE(vload, CB)(0, (from))) << 16)
#else
#define INPUTS(from) PASTE(vload, CB)(0, (from))
#endif
#define COPY_INPUTS(from, to) PASTE(vstore, CB)(INPUTS(from), 0, (to))
#endif

/* An output pixel. */
typedef struct place {
    int n, p, q;
} place;

static void go_on(place *at, rncl_conv_shape shape)
{
    if (++at->q == shape.q) {
        at->q = 0;
        if (++at->p == shape.p) {
            at->p = 0;
            at->n++;
        }
    }
}

/* The channels of the pixel of x that belongs to it. */
static __global const element *channels_of(const place *at, __global const element *x, rncl_conv_shape shape)
{
    return x + (((size_t)at->n * shape.h + at->p * shape.stride) * shape.w + at->q * shape.stride) * shape.c;
}

/* Copies `channels` channels from x on of `pixels` pixels from number `first` on into panels. */
static void stage_inputs(__local float *to, __global const element *x, rncl_conv_shape shape, int first,
                         int pixels, int channels)
{
    place at = {.n = first / shape.q / shape.p, .p = first / shape.q % shape.p, .q = first % shape.q};
    for (int i = 0; i < pixels; i += DEPTH) {
        __global const element *from = channels_of(&at, x, shape);
        go_on(&at, shape);
#if PAIRS
        __global const element *second = channels_of(&at, x, shape);
        const int has_second = i + 1 < pixels;
        go_on(&at, shape);
#endif
        for (int c = 0; c < channels; c += VW) {
            PREFETCH(from + c + PREFETCH_PIXELS * shape.stride * shape.c);
#if PAIRS
            float ALIGNED inputs[VW];
            vfloat words;
            PREFETCH(second + c + PREFETCH_PIXELS * shape.stride * shape.c);
            load_words(&words, from + c, 1, second + c, has_second);
            VSTORE(words, inputs);
#else
            __global const element *inputs = from + c;
#endif
            UNROLL_FOR_STEP (j, VW, CB)
                COPY_INPUTS(inputs + j, to + (c + j) / CB * PANEL + i / DEPTH * CB);
        }
    }
}

/* to [pixels / DEPTH][KB] = KB channels of dy [pixels][k]. */
static void stage_dy(__local float *to, __global const element *dy, int pixels, int k)
{
    for (int i = 0; i < pixels; i += DEPTH)
        UNROLL_FOR_STEP (v, KB, VW) {
            __global const element *from = dy + (size_t)i * k + v;
#if PAIRS
            vfloat words;
            load_words(&words, from, 1, from + k, i + 1 < pixels);
            VSTORE(words, to + i / DEPTH * KB + v);
#else
            VSTORE(ELOAD(from), to + i * KB + v);
#endif
        }
}

/* What will be copied next. Each multiply prefetches one cache line of every PARTS-th pixel of it into the
 * second-level cache; the counts say how many such parts are left. */
typedef struct next_copy {
    __global const element *x, *dy; /* of the first pixel */
    int x_parts, dy_parts;
} next_copy;

/* One cache line of every PARTS-th pixel: the first one's, and elements from one to the next. */
typedef struct pixel_lines {
    __global const element *first;
    int step;
} pixel_lines;

/* Part number `part` of pixels that have `channels` channels. */
static pixel_lines part_of(__global const element *pixels, int channels, int part)
{
    return (pixel_lines){pixels + part / PARTS * LINE_ELEMENTS + part % PARTS * channels, PARTS * channels};
}

/* Parts of dy first, since they are needed sooner. With nothing left, a line that is cached already. */
static pixel_lines take_lines(next_copy *next, rncl_conv_shape shape)
{
    if (next->dy_parts > 0)
        return part_of(next->dy, shape.k, --next->dy_parts);
    if (next->x_parts > 0)
        return part_of(next->x, shape.c, --next->x_parts);
    return (pixel_lines){next->dy, 0};
}

/* CB x KB values at `to`, in rows k floats apart, set to panel^T dy or added to. Prefetches `next` meanwhile.
 */
static void multiply(int pixels, __local const float *panel, __local const float *dy, __global float *to,
                     int k, int add, pixel_lines next)
{
    vfloat sum[CB][KV];
    UNROLL_FOR (i, CB)
        UNROLL_FOR (v, KV)
            PREFETCH_FOR_WRITE(to + (size_t)i * k + v * VW);
    clear_block(sum);
#if PAIRS
    FOR_WORDS(j, (pixels + 1) / 2, {
        if (j % (PARTS / 2) == 0)
            PREFETCH_L2(next.first + j / (PARTS / 2) * next.step);
        ADD_OUTER_PRODUCT(sum, dy, i, panel[i]);
        panel += CB;
        dy += KB;
    });
#else
    __local const float *end = dy + pixels * KB;
    do {
        PREFETCH_L2(next.first);
        next.first += next.step;
        ADD_OUTER_PRODUCT(sum, dy, i, panel[i]);
        panel += CB;
    } while ((dy += KB) < end);
#endif
    UNROLL_FOR (i, CB)
        UNROLL_FOR (v, KV) {
            __global float *at = to + (size_t)i * k + v * VW;
            VSTORE(add ? VLOAD(at) + sum[i][v] : sum[i][v], at);
        }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_pointwise_dfilter(const rncl_conv_shape shape, __global const element *restrict x,
                       __global const element *restrict dy, __global float *restrict sums,
                       const int accumulate)
{
    const int all = shape.n * shape.p * shape.q, blocks = shape.k / KB;
    const int begin = (int)((long)all * get_global_id(0) / get_global_size(0));
    const int end = (int)((long)all * (get_global_id(0) + 1) / get_global_size(0));
    const int first_block = blocks * get_global_id(1) / get_global_size(1);
    const int last_block = blocks * (get_global_id(1) + 1) / get_global_size(1);
    __global float *dfilter = sums + (size_t)get_global_id(0) * shape.c * shape.k;
    __local float ALIGNED inputs[CHUNK / CB * PANEL], ALIGNED gradients[KB * (PIXELS / DEPTH)];

    for (int first = begin; first < end; first += PIXELS) {
        const int pixels = min(PIXELS, end - first), add = accumulate || first > begin;
        for (int chunk = 0; chunk < shape.c; chunk += CHUNK) {
            const int channels = min(CHUNK, shape.c - chunk), is_last = chunk + channels == shape.c;
            const int next_first = is_last ? first + PIXELS : first, next_chunk = is_last ? 0 : chunk + CHUNK;
            next_copy next = {.x = x + (size_t)next_first * shape.c + next_chunk};
            /* With a stride the next pixels are not contiguous. */
            if (shape.stride == 1)
                next.x_parts = min(CHUNK, shape.c - next_chunk) / LINE_ELEMENTS * PARTS;
            stage_inputs(inputs, x + chunk, shape, first, pixels, channels);
            for (int block = first_block; block < last_block; block++) {
                __global const element *block_dy = dy + (size_t)first * shape.k + block * KB;
                stage_dy(gradients, block_dy, pixels, shape.k);
                next.dy = block + 1 < last_block ? block_dy + KB
                                                 : dy + (size_t)next_first * shape.k + first_block * KB;
                next.dy_parts = DY_LINES * PARTS;
                for (int c = 0; c < channels; c += CB)
                    multiply(pixels, inputs + c / CB * PANEL, gradients,
                             dfilter + (size_t)(chunk + c) * shape.k + block * KB, shape.k, add,
                             take_lines(&next, shape));
            }
        }
    }
}
