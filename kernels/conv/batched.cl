/* Convolution of small images, whose register block is over the images of the batch: the taps that reach an
 * output pixel are then the same for the whole block, and padding is not multiplied. The filter is read once
 * as it is stored, and is not packed. Also the input gradient: there x is dy, y is dx.
 *
 * A work-group is one work-item. Work-item (i, j) computes the i-th of get_global_size(0) equal shares of the
 * images, which have at least BN each, for the j-th KB = KV * VW output channels. For each tap it copies
 * DEPTH of the channels that are summed over into local memory, and multiplies by them every output pixel
 * that the tap reaches, BN images at a time.
 *
 * shape       of the forward pass
 * x           [n][h][w][c]; dy [n][p][q][k]
 * filter      [r][s][c][k]
 * y           [n][p][q][k]; dx [n][h][w][c]
 * statistics  of y as in statistics.clh, a part for each share of the images; NULL: not wanted
 * accumulate  0: y is set, 1: added to
 * coefficients, residual   see conv/epilogue.clh; NULL without an epilogue
 * image_step  floats from image to image of x. Where it follows from the shape, compilers compute every
 *             image's address anew in the inner loop
 *
 * In local memory:
 *   taps      [DEPTH][KB]: of one tap
 *   sums      [output pixels][groups][BN][KB]: of groups of BN images. The last group ends with the share's
 *             last image. Where the first two overlap, the second one's results count. */

/* Images of the register block, from 1 on. */
#ifndef BN
#define BN 1
#endif
/* Input channels that are copied at a time, from 1 on; TRANSPOSED: a multiple of VW. */
#ifndef DEPTH
#define DEPTH VW
#endif
/* 1: the input gradient. VW then divides c and k. 0: forward. */
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif
/* Floats of local memory for `sums`: at least as many as it needs. */
#ifndef SUMS
#define SUMS 1024
#endif
#define BLOCK_ROWS BN

#include "conv/batched.clh"
#include "conv/epilogue.clh"
#include "conv/register_block.clh"
#include "statistics.clh"

/* The tensors of this pass, `in` and `out`. */
#if TRANSPOSED
#define IN_ROWS shape.p
#define IN_COLUMNS shape.q
#define IN_CHANNELS shape.k
#define OUT_ROWS shape.h
#define OUT_COLUMNS shape.w
#define OUT_CHANNELS shape.c
#else
#define IN_ROWS shape.h
#define IN_COLUMNS shape.w
#define IN_CHANNELS shape.c
#define OUT_ROWS shape.p
#define OUT_COLUMNS shape.q
#define OUT_CHANNELS shape.k
#endif

/* The input pixel, along one side, that output pixel `at` reads under tap `tap`; -1: none. */
static int input_of(int at, int tap, rncl_conv_shape shape, int size)
{
#if TRANSPOSED
    const int scaled = at + shape.pad - tap;
    const int input = scaled >= 0 && scaled % shape.stride == 0 ? scaled / shape.stride : -1;
    return input < size ? input : -1;
#else
    return pixel_under(at, tap, shape, size);
#endif
}

/* Where KB output channels of an input channel of a tap begin in the filter; TRANSPOSED: where the input
 * channels of the first output channel do, and those of the others k floats further on each. */
static __global const float *filter_at(__global const float *filter, rncl_conv_shape shape, int tap, int in,
                                       int block)
{
#if TRANSPOSED
    return filter + ((size_t)tap * shape.c + (size_t)block * KB) * shape.k + in;
#else
    return filter + ((size_t)tap * shape.c + in) * shape.k + (size_t)block * KB;
#endif
}

/* Steps of a sum after which more is prefetched: divides DEPTH. */
#define STRETCH 8

/* Prefetches the part of what copy_taps will copy from `next` on that belongs to STRETCH steps, those from
 * `first` on. */
static void prefetch_taps(__global const float *next, int first, int k)
{
#if TRANSPOSED
    for (int i = first * KB; i < (first + STRETCH) * KB; i += LINE_FLOATS)
        PREFETCH_L2(next + (size_t)(i / DEPTH) * k + i % DEPTH);
#else
    for (int i = first; i < first + STRETCH; i++)
        UNROLL_FOR_STEP (v, KB, LINE_FLOATS)
            PREFETCH_L2(next + (size_t)i * k + v);
#endif
}

#if TRANSPOSED && VW >= 4
/* Four floats from each of VW / 4 rows that are `step` floats apart. */
#define QUAD(p) (*(__global const float4 *)(p))
#if VW == 16
#define QUADS(p, step) ((vfloat)(QUAD(p), QUAD((p) + (step)), QUAD((p) + 2 * (step)), QUAD((p) + 3 * (step))))
typedef ulong8 vpairs;
#define AS_PAIRS as_ulong8
#elif VW == 8
#define QUADS(p, step) ((vfloat)(QUAD(p), QUAD((p) + (step))))
typedef ulong4 vpairs;
#define AS_PAIRS as_ulong4
#else
#define QUADS(p, step) QUAD(p)
typedef ulong2 vpairs;
#define AS_PAIRS as_ulong2
#endif
#define AS_VECTOR PASTE(as_float, VW)

/* Transposes four columns of VW rows, which are k floats apart, into rows that are KB floats apart: the 4x4
 * squares of which the vectors consist, all at once. */
static void transpose_columns(__local float *to, __global const float *from, size_t k)
{
    vfloat quads[4], mixed[4];
    UNROLL_FOR (i, 4)
        quads[i] = QUADS(from + i * k, 4 * k);
    UNROLL_FOR_STEP (i, 4, 2) {
        mixed[i].even = quads[i].even;
        mixed[i].odd = quads[i + 1].even;
        mixed[i + 1].even = quads[i].odd;
        mixed[i + 1].odd = quads[i + 1].odd;
    }
    UNROLL_FOR (i, 2) {
        const vpairs first = AS_PAIRS(mixed[i]), second = AS_PAIRS(mixed[i + 2]);
        vpairs low, high;
        low.even = first.even;
        low.odd = second.even;
        high.even = first.odd;
        high.odd = second.odd;
        VSTORE(AS_VECTOR(low), to + i * KB);
        VSTORE(AS_VECTOR(high), to + (i + 2) * KB);
    }
}
#elif TRANSPOSED
static void transpose_columns(__local float *to, __global const float *from, size_t k)
{
    UNROLL_FOR (column, VW)
        UNROLL_FOR (row, VW)
            to[column * KB + row] = from[row * k + column];
}
#endif

/* taps [count][KB] = those at `from`, see filter_at. */
static void copy_taps(__local float *taps, __global const float *from, int count, int k)
{
#if TRANSPOSED
    for (int i = 0; i < count; i += VW)
        UNROLL_FOR_STEP (v, KB, VW)
            UNROLL_FOR_STEP (column, VW, 4)
                transpose_columns(taps + (i + column) * KB + v, from + (size_t)v * k + i + column, k);
#else
    for (int i = 0; i < count; i++)
        UNROLL_FOR_STEP (v, KB, VW)
            VSTORE(VLOAD(from + (size_t)i * k + v), taps + i * KB + v);
#endif
}

/* Adds products of `count` channels to sums [BN][KB]. in: those channels of the first image, the others'
 * `step` floats further on each. Prefetches what follows from `next` on meanwhile,
 * unless that is NULL. */
static void multiply(__local float *sums, __global const float *in, size_t step, __local const float *taps,
                     int count, __global const float *next, int k)
{
    vfloat sum[BN][KV];
    UNROLL_FOR (i, BN)
        UNROLL_FOR (v, KV)
            sum[i][v] = VLOAD(sums + i * KB + v * VW);
    for (int first = 0; first < count; first += STRETCH) {
        const size_t end = min(first + STRETCH, count);
        if (next)
            prefetch_taps(next, first, k);
        size_t j = first;
        do {
            ADD_OUTER_PRODUCT(sum, taps + j * KB, i, (in + i * step)[j]);
        } while (++j < end);
    }
    UNROLL_FOR (i, BN)
        UNROLL_FOR (v, KV)
            VSTORE(sum[i][v], sums + i * KB + v * VW);
}

/* The first image of a group, counted from the share's first. */
static int first_image(int group, int groups, int images)
{
    return max(images - (groups - group) * BN, 0);
}

/* Stores KB channels of one pixel of the first `rows` images of a group. All pointers are to the first of
 * these channels; pixels of images lie `step` floats apart. */
static void store_group(__local const float *sums, int rows, size_t step, __global float *to,
                        __global const float *coefficients, __global const float *residual, int channels,
                        vfloat *means, vfloat *deviations, int before, int accumulate)
{
    const pixel_block block = {.height = BN, .width = 1, .row_step = KV, .column_step = 0};
    vfloat sum[BN][KV];
    UNROLL_FOR (i, BN)
        UNROLL_FOR (v, KV)
            sum[i][v] = VLOAD(sums + i * KB + v * VW);
    UNROLL_FOR (i, BN)
        if (i < rows)
            UNROLL_FOR (v, KV) {
                __global float *at = to + i * step + v * VW;
                vfloat value = accumulate ? VLOAD(at) + sum[i][v] : sum[i][v];
                finish(&value, coefficients + v * VW, channels, residual + i * step + v * VW);
                VSTORE(value, at);
            }
    if (means)
        UNROLL_FOR (v, KV)
            gather_statistics(block, &sum[0][v], rows, 1, means + v, deviations + v, before);
}

/* Stores KB channels of all pixels of a share of the images, and computes their statistics, unless `means` is
 * NULL. The pointers are to the first of these channels. */
static void store_outputs(rncl_conv_shape shape, __local const float *sums, int images, __global float *y,
                          __global const float *coefficients, __global const float *residual, vfloat *means,
                          vfloat *deviations, int accumulate)
{
    const int pixels = OUT_ROWS * OUT_COLUMNS, groups = (images + BN - 1) / BN;
    const size_t step = (size_t)pixels * OUT_CHANNELS;
    if (means)
        UNROLL_FOR (v, KV)
            means[v] = deviations[v] = (vfloat)(0.0f);
    int before = 0;
    for (int pixel = 0; pixel < pixels; pixel++)
        for (int group = 0; group < groups; group++) {
            const int image = first_image(group, groups, images);
            const int rows = group + 1 < groups ? first_image(group + 1, groups, images) - image : BN;
            const size_t at = image * step + (size_t)pixel * OUT_CHANNELS;
            store_group(sums + (pixel * groups + group) * BN * KB, rows, step, y + at, coefficients,
                        residual + at, OUT_CHANNELS, means, deviations, before, accumulate);
            before += rows;
        }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_batched(const rncl_conv_shape shape, __global const float *restrict x,
             __global const float *restrict filter, __global float *restrict y,
             __global float *restrict statistics, const int accumulate,
             __global const float *restrict coefficients, __global const float *restrict residual,
             const int image_step)
{
    const int first = (int)((long)shape.n * get_global_id(0) / get_global_size(0));
    const int images = (int)((long)shape.n * (get_global_id(0) + 1) / get_global_size(0)) - first;
    const int groups = (images + BN - 1) / BN, block = get_global_id(1);
    const int pixels = OUT_ROWS * OUT_COLUMNS;
    const size_t out_at = (size_t)first * pixels * OUT_CHANNELS + block * KB;
    __global const float *in = x + (size_t)first * image_step;
    __local float ALIGNED taps[DEPTH * KB], ALIGNED sums[SUMS];

    for (int i = 0; i < pixels * groups * BN * KB; i += VW)
        VSTORE((vfloat)(0.0f), sums + i);
    for (int tap = 0; tap < shape.r * shape.s; tap++)
        for (int depth = 0; depth < IN_CHANNELS; depth += DEPTH) {
            const int count = min(DEPTH, IN_CHANNELS - depth), is_last = depth + count == IN_CHANNELS;
            const int next_tap = is_last ? tap + 1 : tap;
            __global const float *next =
                next_tap < shape.r * shape.s
                    ? filter_at(filter, shape, next_tap, is_last ? 0 : depth + count, block)
                    : filter_at(filter, shape, 0, 0, block + 1);
            int is_copied = 0;
            for (int pixel = 0; pixel < pixels; pixel++) {
                const int row = input_of(pixel / OUT_COLUMNS, tap / shape.s, shape, IN_ROWS);
                const int column = input_of(pixel % OUT_COLUMNS, tap % shape.s, shape, IN_COLUMNS);
                if (row < 0 || column < 0)
                    continue;
                if (!is_copied)
                    copy_taps(taps, filter_at(filter, shape, tap, depth, block), count, shape.k);
                is_copied = 1;
                for (int group = 0; group < groups; group++) {
                    multiply(sums + (pixel * groups + group) * BN * KB,
                             in + (size_t)first_image(group, groups, images) * image_step +
                                 ((size_t)row * IN_COLUMNS + column) * IN_CHANNELS + depth,
                             image_step, taps, count, next, shape.k);
                    next = 0;
                }
            }
        }

    vfloat means[KV], deviations[KV];
    store_outputs(shape, sums, images, y + out_at, coefficients + block * KB, residual + out_at,
                  statistics ? means : 0, deviations, accumulate);
    if (!statistics)
        return;
    __global float *part = statistics + statistics_at(get_global_size(0), get_global_id(0), OUT_CHANNELS);
    UNROLL_FOR (v, KV) {
        VSTORE(means[v], part + block * KB + v * VW);
        VSTORE(deviations[v], part + OUT_CHANNELS + block * KB + v * VW);
    }
    if (block == 0)
        statistics[get_global_id(0)] = (float)(images * pixels);
}
