/* Direct convolution, y = x * filter; also the input gradient, on flipped and transposed filters.
 * packed: filter as [k / KB][r][s][c][KB], KB = KV * VW output channels, the order in which it is streamed.
 *
 * In local memory the S taps of a row and their C channels are one contiguous stretch of S * C values, which
 * the reduction runs along. STAGE is 0 where nothing needs padding; x is then read in place.
 *
 * Tunable: BH x BW output pixels in the register block. */
#include "conv/direct.clh"
#include "statistics.clh"

#ifndef BH
#define BH 1
#endif
#ifndef BW
#define BW 4
#endif

/* Rows and pixels of a row that a tile reads: whole register blocks, also where those reach over the edge. */
#define STAGED_ROWS ((shape.tile_rows - 1) * shape.stride + shape.r)
#define STAGED_PIXELS (((shape.q + BW - 1) / BW * BW - 1) * shape.stride + shape.s)

static void fill_zero(__local float *to, int count)
{
    int i = 0;
    for (; i + VW <= count; i += VW)
        VSTORE((vfloat)(0.0f), to + i);
    for (; i < count; i++)
        to[i] = 0.0f;
}

static void copy(__local float *to, __global const float *from, int count)
{
    int i = 0;
    for (; i + VW <= count; i += VW)
        VSTORE(VLOAD(from + i), to + i);
    for (; i < count; i++)
        to[i] = from[i];
}

/* Brings the rows that output rows from `row` on need, zeros around them. */
static void stage_rows(__local float *staged, __global const float *image, int row, rncl_direct_shape shape)
{
    const int pitch = STAGED_PIXELS * shape.c;
    const int first = clamp(shape.pad_left, 0, STAGED_PIXELS);
    const int last = clamp(shape.w + shape.pad_left, first, STAGED_PIXELS);
    for (int t = 0; t < STAGED_ROWS; t++) {
        const int y = row * shape.stride - shape.pad_top + t;
        __local float *to = staged + t * pitch;
        if (y < 0 || y >= shape.h) {
            fill_zero(to, pitch);
            continue;
        }
        fill_zero(to, first * shape.c);
        copy(to + first * shape.c, image + ((size_t)y * shape.w + first - shape.pad_left) * shape.c,
             (last - first) * shape.c);
        fill_zero(to + last * shape.c, (STAGED_PIXELS - last) * shape.c);
    }
}

#if STAGE > 0
#define INPUT __local const float *
#define INPUT_PITCH (STAGED_PIXELS * shape.c)
#else
#define INPUT __global const float *
#define INPUT_PITCH (shape.w * shape.c)
#endif

/* Adds what of a register block lies inside, `rows` x `columns` pixels, to the statistics of `before` pixels.
 */
static void gather_statistics(const vfloat sum[BH * BW][KV], int rows, int columns, vfloat *means,
                              vfloat *deviations, int before)
{
    const float count = (float)(rows * columns);
    UNROLL_FOR (v, KV) {
        vfloat mean = (vfloat)(0.0f), deviation = (vfloat)(0.0f);
        UNROLL_FOR (i, BH * BW)
            if (i / BW < rows && i % BW < columns)
                mean += sum[i][v];
        mean /= count;
        UNROLL_FOR (i, BH * BW)
            if (i / BW < rows && i % BW < columns)
                deviation = fma(sum[i][v] - mean, sum[i][v] - mean, deviation);
        join_statistics(means + v, deviations + v, (float)before, &mean, &deviation, count);
    }
}

/* Where pixel (p, q) of the result is; with the input gradient of a stride only every out_stride-th pixel is
 * written. */
static __global float *output_pixel(rncl_direct_shape shape, __global float *image, int p, int q)
{
    return image + ((size_t)(p * shape.out_stride + shape.out_row) * shape.out_w + q * shape.out_stride +
                    shape.out_column) *
                       shape.k;
}

/* Work-item (t, g): tile t = image * tiles a image + tile, the g-th of get_global_size(1) shares of the
 * output channels. statistics: of y, each tile a part; NULL: not wanted. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_direct_forward(const rncl_direct_shape shape, __global const float *restrict x,
                    __global const float *restrict packed, const int packed_offset,
                    __global float *restrict y, __global float *restrict statistics, const int accumulate)
{
    const int tiles = (shape.p + shape.tile_rows - 1) / shape.tile_rows;
    const int image = get_global_id(0) / tiles;
    const int tile_row = (get_global_id(0) - image * tiles) * shape.tile_rows;
    const int blocks = shape.k / KB;
    const int first_block = blocks * get_global_id(1) / get_global_size(1);
    const int last_block = blocks * (get_global_id(1) + 1) / get_global_size(1);
    __global const float *pixels = x + (size_t)image * shape.h * shape.w * shape.c;
    __global float *out = y + (size_t)image * shape.out_h * shape.out_w * shape.k;
#if STAGE > 0
    __local float staged[STAGE];
    stage_rows(staged, pixels, tile_row, shape);
    INPUT input = staged;
#else
    INPUT input = pixels + (size_t)tile_row * shape.stride * shape.w * shape.c;
#endif
    const int tile_end = min(tile_row + shape.tile_rows, shape.p);
    if (statistics && get_global_id(1) == 0)
        statistics[get_global_id(0)] = (float)((tile_end - tile_row) * shape.q);

    for (int block = first_block; block < last_block; block++) {
        __global const float *filter =
            packed + packed_offset + (size_t)block * shape.r * shape.s * shape.c * KB;
        vfloat means[KV], deviations[KV];
        UNROLL_FOR (v, KV)
            means[v] = deviations[v] = (vfloat)(0.0f);
        for (int row = tile_row; row < tile_end; row += BH)
            for (int column = 0; column < shape.q; column += BW) {
                vfloat sum[BH * BW][KV];
                UNROLL_FOR (i, BH * BW)
                    UNROLL_FOR (v, KV)
                        sum[i][v] = (vfloat)(0.0f);

                UNROLL_FOR (i, BH * BW)
                    UNROLL_FOR_STEP (v, KB, LINE_FLOATS)
                        PREFETCH_TO_WRITE(output_pixel(shape, out, row + i / BW, column + i % BW) +
                                          block * KB + v);

                for (int r = 0; r < shape.r; r++) {
                    INPUT in = input + ((row - tile_row) * shape.stride + r) * INPUT_PITCH +
                               column * shape.stride * shape.c;
                    __global const float *taps = filter + (size_t)r * shape.s * shape.c * KB;
                    for (int j = 0; j < shape.s * shape.c; j++) {
                        /* What the next register block reads. */
                        if (STAGE == 0 && block == first_block && j % LINE_FLOATS == 0) {
                            UNROLL_FOR (i, BH * BW)
                                PREFETCH(in + (i / BW) * shape.stride * INPUT_PITCH +
                                         (i % BW + BW) * shape.stride * shape.c + j);
                        }
                        vfloat tap[KV];
                        UNROLL_FOR (v, KV)
                            tap[v] = VLOAD(taps + j * KB + v * VW);
                        UNROLL_FOR (i, BH * BW) {
                            const vfloat value = (vfloat)(in[(i / BW) * shape.stride * INPUT_PITCH +
                                                             (i % BW) * shape.stride * shape.c + j]);
                            UNROLL_FOR (v, KV)
                                sum[i][v] = fma(value, tap[v], sum[i][v]);
                        }
                    }
                }

                UNROLL_FOR (i, BH * BW) {
                    const int p = row + i / BW, q = column + i % BW;
                    if (p < tile_end && q < shape.q) {
                        __global float *to = output_pixel(shape, out, p, q) + block * KB;
                        UNROLL_FOR (v, KV)
                            VSTORE(accumulate ? VLOAD(to + v * VW) + sum[i][v] : sum[i][v], to + v * VW);
                    }
                }
                if (statistics) {
                    const int rows = min(BH, tile_end - row), columns = min(BW, shape.q - column);
                    gather_statistics(sum, rows, columns, means, deviations,
                                      (row - tile_row) * shape.q + rows * column);
                }
            }
        if (statistics) {
            __global float *to =
                statistics + statistics_at(get_global_size(0), get_global_id(0), shape.k) + block * KB;
            UNROLL_FOR (v, KV) {
                VSTORE(means[v], to + v * VW);
                VSTORE(deviations[v], to + shape.k + v * VW);
            }
        }
    }
}
