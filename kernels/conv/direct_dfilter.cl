/* Direct convolution: dfilter from x and dy, as private sums over equal shares of the batch.
 *
 * A work-item brings the rows of x that a tile of dy needs, with their padding, into local memory, CHUNK
 * channels at a time, as [CHUNK / VC][rows][pixels][VC]: in x, pixels of many channels lie a power of two
 * apart, where caches keep few of them. There, the S taps of a row and VC channels are one contiguous stretch
 * of S * VC values, which the register block runs along.
 *
 * Tunable: VC channels a group (divides c and CHUNK); CB values of a stretch in the register block (divides S
 * * VC; divides VC unless VC is c). */
#include "conv/direct.clh"

#ifndef VC
#define VC 1
#endif
#ifndef CB
#define CB 1
#endif
#ifndef CHUNK
#define CHUNK VC
#endif

#define ROWS_OF_X ((shape.tile_rows - 1) * shape.stride + shape.r)
#define PIXELS_OF_X ((shape.q - 1) * shape.stride + shape.s)

#if VC == VW && VW > 1
#define COPY_GROUP(from, to) VSTORE(VLOAD(from), to)
#define ZERO_GROUP(to) VSTORE((vfloat)(0.0f), to)
#else
#define COPY_GROUP(from, to)                                                                                 \
    do {                                                                                                     \
        for (int c_ = 0; c_ < VC; c_++)                                                                      \
            (to)[c_] = (from)[c_];                                                                           \
    } while (0)
#define ZERO_GROUP(to)                                                                                       \
    do {                                                                                                     \
        for (int c_ = 0; c_ < VC; c_++)                                                                      \
            (to)[c_] = 0.0f;                                                                                 \
    } while (0)
#endif

/* Groups of channels from `image`'s on, of the rows that output rows from `row` on need. */
static void stage_groups(__local float *staged, __global const float *image, int row, int groups,
                         rncl_direct_shape shape)
{
    const int group_floats = ROWS_OF_X * PIXELS_OF_X * VC;
    for (int t = 0; t < ROWS_OF_X; t++) {
        const int y = row * shape.stride - shape.pad_top + t;
        for (int i = 0; i < PIXELS_OF_X; i++) {
            const int x = i - shape.pad_left;
            __local float *to = staged + (t * PIXELS_OF_X + i) * VC;
            if (y < 0 || y >= shape.h || x < 0 || x >= shape.w)
                for (int g = 0; g < groups; g++)
                    ZERO_GROUP(to + g * group_floats);
            else
                for (int g = 0; g < groups; g++)
                    COPY_GROUP(image + ((size_t)y * shape.w + x) * shape.c + g * VC, to + g * group_floats);
        }
    }
}

/* CB values of a stretch times KB output channels, summed over rows of dy. dfilter's values are k apart. */
static void multiply(rncl_direct_shape shape, int rows, __local const float *stretch,
                     __global const float *gradient, __global float *to, int from_zero)
{
    vfloat sum[CB][KV];
    UNROLL_FOR (i, CB)
        UNROLL_FOR (v, KV)
            sum[i][v] = from_zero ? (vfloat)(0.0f) : VLOAD(to + i * shape.k + v * VW);
    for (int row = 0; row < rows; row++) {
        __local const float *in = stretch + row * shape.stride * PIXELS_OF_X * VC;
        __global const float *g = gradient + (size_t)row * shape.q * shape.k;
        for (int q = 0; q < shape.q; q++) {
            vfloat dvalue[KV];
            UNROLL_FOR (v, KV)
                dvalue[v] = VLOAD(g + q * shape.k + v * VW);
            UNROLL_FOR (i, CB) {
                const vfloat value = (vfloat)(in[q * shape.stride * VC + i]);
                UNROLL_FOR (v, KV)
                    sum[i][v] = fma(value, dvalue[v], sum[i][v]);
            }
        }
    }
    UNROLL_FOR (i, CB)
        UNROLL_FOR (v, KV)
            VSTORE(sum[i][v], to + i * shape.k + v * VW);
}

/* Work-item (g, t): the g-th share of the output channels, the t-th share of the tiles. `sums` holds one
 * dfilter for each t. It starts from what is there if `accumulate`, else from zero. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_direct_dfilter(const rncl_direct_shape shape, __global const float *restrict x,
                    __global const float *restrict dy, __global float *restrict sums, const int accumulate)
{
    const int image_tiles = (shape.p + shape.tile_rows - 1) / shape.tile_rows;
    const int tiles = image_tiles * shape.n;
    const int first_tile = (int)((long)tiles * get_global_id(1) / get_global_size(1));
    const int last_tile = (int)((long)tiles * (get_global_id(1) + 1) / get_global_size(1));
    const int blocks = shape.k / KB;
    const int first_block = blocks * get_global_id(0) / get_global_size(0);
    const int last_block = blocks * (get_global_id(0) + 1) / get_global_size(0);
    __global float *dfilter = sums + (size_t)get_global_id(1) * shape.r * shape.s * shape.c * shape.k;
    __local float staged[STAGE];
    for (int tile = first_tile; tile < last_tile; tile++) {
        const int image = tile / image_tiles, tile_row = (tile - image * image_tiles) * shape.tile_rows;
        const int rows = min(shape.tile_rows, shape.p - tile_row);
        const int from_zero = tile == first_tile && !accumulate;
        __global const float *pixels = x + (size_t)image * shape.h * shape.w * shape.c;
        __global const float *gradient = dy + ((size_t)image * shape.p + tile_row) * shape.q * shape.k;
        for (int chunk = 0; chunk < shape.c; chunk += CHUNK) {
            const int groups = min(CHUNK, shape.c - chunk) / VC;
            stage_groups(staged, pixels + chunk, tile_row, groups, shape);
            for (int block = first_block; block < last_block; block++)
                for (int g = 0; g < groups; g++)
                    for (int r = 0; r < shape.r; r++)
                        for (int j = 0; j < shape.s * VC; j += CB)
                            multiply(
                                shape, rows, staged + (g * ROWS_OF_X + r) * PIXELS_OF_X * VC + j,
                                gradient + block * KB,
                                dfilter +
                                    ((size_t)(r * shape.s + j / VC) * shape.c + chunk + g * VC + j % VC) *
                                        shape.k +
                                    block * KB,
                                from_zero);
        }
    }
}
