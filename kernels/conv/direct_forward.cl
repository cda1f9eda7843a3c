/* Direct convolution, y = x * filter. Also the input gradient: there x is dy, y is dx, and the filter is
 * rotated by half a turn with its channels exchanged (conv/direct_pack.cl); with a stride each launch
 * computes the pixels of dx of one phase.
 *
 * A work-group is one work-item. Work-item (t, g) computes tile t, counted through all images, for the g-th
 * of get_global_size(1) equal shares of the output channels. It computes BH x BW pixels of KB = KV * VW
 * output channels at a time in registers.
 *
 * shape       see rncl_direct_shape
 * x           [n][h][w][c]
 * packed      from packed_offset (floats) on: the filter as [k / KB][r][s][c][KB], in reading order:
 *
 *               | output channels 0 … KB - 1                             | KB … 2 KB - 1
 *               | tap (0, 0)              | tap (0, 1)   | … (r-1, s-1)  | tap (0, 0)
 *               | c = 0 | c = 1 | …       | c = 0 | …    |               | c = 0 | …
 *                 KB      KB floats
 *
 * y           [n][out_h][out_w][k]; the launch writes the pixels
 *             (i * out_stride + out_row, j * out_stride + out_column)
 * statistics  of y as in statistics.clh, a part for each tile; NULL: not wanted
 * accumulate  0: y is set, 1: added to
 * coefficients, residual   see conv/epilogue.clh; NULL without an epilogue
 *
 * With GRADIENT_SUMS y, with what it is added to, is the gradient of relu(batch normalisation of before_x +
 * residual). It is stored as what passes the ReLU, and its sums are written, a part for each tile, from
 * first_part on (batchnorm.clh):
 *
 * relu_y        the ReLU's result, as y
 * before_x      as y
 * moments       [2][k], of the batch normalisation
 * gradient_sums [parts][2][k]
 *
 * In local memory, `staged` [STAGED_ROWS][STAGED_PIXELS][c] holds what a tile reads of x, with padding:
 *
 *        STAGED_PIXELS
 *     0 0 0 0 0 0 0 0 0
 *     0 x x x x x x x 0    STAGED_ROWS
 *     0 x x x x x x x 0
 *       \___/ the s taps of a row: s * c contiguous values, along which the sums run
 *
 * PAIRS: words of two neighbouring channels (conv/pairs.clh) are what is read, copied and packed; shape.c
 * counts these. ODD: c counts channels and is odd; `staged` has a word of each value and the next, of which
 * sums read every other one. The filter is packed as [k / KB][r][(s * c + 1) / 2][KB] with a zero behind an
 * odd s * c: a value that is not finite can reach the pixel whose taps end before it. */

/* Rows of output pixels in the register block, from 1 on; tile_rows is a multiple of it. */
#ifndef BH
#define BH 1
#endif
/* Pixels of such a row, from 1 on. */
#ifndef BW
#define BW 4
#endif
/* 1: the words begin at any of an odd number of channels. */
#ifndef ODD
#define ODD 0
#endif
/* 0 or 1. */
#ifndef GRADIENT_SUMS
#define GRADIENT_SUMS 0
#endif
/* STAGE (conv/direct.clh) is 0 where nothing is padded and the filter is 1x1: x is then read in place. */
#define BLOCK_ROWS (BH * BW)

#include "conv/direct.clh"
#include "conv/epilogue.clh"
#include "conv/register_block.clh"
#include "statistics.clh"

/* Rows of x that a tile reads and pixels of a row: for whole register blocks, also where they cross the edge.
 */
#define STAGED_ROWS ((shape.tile_rows - 1) * shape.stride + shape.r)
#define STAGED_PIXELS (((shape.q + BW - 1) / BW * BW - 1) * shape.stride + shape.s)

/* What is read of x: a word or an element. */
#if PAIRS && !ODD
typedef float source;
#define SOURCE(value) (value)
#define SOURCES(p) VLOAD_ANYWHERE(p)
#else
typedef element source;
#define SOURCE(value) ELEMENT(value)
#define SOURCES(p) ELOAD_ANYWHERE(p)
#endif

/* Products of a row of taps, and floats from one to the next. */
#if ODD
#define ROW_PRODUCTS ((shape.s * shape.c + 1) / 2)
#define STEP 2
#else
#define ROW_PRODUCTS (shape.s * shape.c)
#define STEP 1
#endif

/* Where a tile reads x from, and floats from row to row there. */
#if STAGE > 0
#define INPUT __local const float *
#define INPUT_VALUE(value) (value)
#define INPUT_PITCH (STAGED_PIXELS * shape.c)
#else
#define INPUT __global const source *
#define INPUT_VALUE(value) SOURCE(value)
#define INPUT_PITCH (shape.w * shape.c)
#endif

/* Floats from the first input pixel of a register block to that of its output pixel i. */
#define PIXEL_OFFSET(i) ((i) / BW * shape.stride * INPUT_PITCH + (i) % BW * shape.stride * shape.c)

static void fill_zero(__local float *to, int count)
{
    int i = 0;
    for (; i + VW <= count; i += VW)
        VSTORE_ANYWHERE((vfloat)(0.0f), to + i);
    for (; i < count; i++)
        to[i] = 0.0f;
}

static void copy(__local float *to, __global const source *from, int count)
{
    int i = 0;
    for (; i + VW <= count; i += VW)
        VSTORE_ANYWHERE(SOURCES(from + i), to + i);
    for (; i < count; i++)
        to[i] = SOURCE(from[i]);
}

/* Copies the rows of the image that output rows from `row` on read, with zeros around them. */
static void stage_rows(__local float *staged, __global const source *image, int row, rncl_direct_shape shape)
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
#if ODD
        stage_words(to, image + ((size_t)y * shape.w + first - shape.pad_left) * shape.c, first * shape.c,
                    (last - first) * shape.c, pitch, 1);
#else
        fill_zero(to, first * shape.c);
        copy(to + first * shape.c, image + ((size_t)y * shape.w + first - shape.pad_left) * shape.c,
             (last - first) * shape.c);
        fill_zero(to + last * shape.c, (STAGED_PIXELS - last) * shape.c);
#endif
    }
}

/* Where output pixel (p, q) lies in an image of y. */
static size_t output_pixel(rncl_direct_shape shape, int p, int q)
{
    return ((size_t)(p * shape.out_stride + shape.out_row) * shape.out_w + q * shape.out_stride +
            shape.out_column) *
           shape.k;
}

/* What the sums of a gradient depend on, and the tile's part of them: from a block of channels on. */
typedef struct summed {
    __global const element *relu_y, *before_x;
    __global const float *moments;
    __global float *part;
} summed;

/* The pixels of a register block whose first is (row, column). What a gradient's sums depend on is too much
 * to come while one block is computed: the same pixels of the next channels come along, which the tile
 * reaches after its last pixel. */
static void prefetch_outputs(rncl_direct_shape shape, __global element *image, summed gradient, int row,
                             int column)
{
    UNROLL_FOR (i, BLOCK_ROWS)
        UNROLL_FOR_STEP (v, KB, LINE_ELEMENTS) {
            const size_t at = output_pixel(shape, row + i / BW, column + i % BW) + v;
            PREFETCH_FOR_WRITE(image + at);
#if GRADIENT_SUMS
            PREFETCH(gradient.relu_y + at);
            PREFETCH(gradient.before_x + at);
            PREFETCH_L2(image + at + KB);
            PREFETCH_L2(gradient.relu_y + at + KB);
            PREFETCH_L2(gradient.before_x + at + KB);
#endif
        }
}

/* Computes a register block. input: its first pixel of x; filter: its block as packed. Prefetches the pixels
 * of the next block in the row, if wanted. */
static void convolve(vfloat sum[BLOCK_ROWS][KV], rncl_direct_shape shape, INPUT input,
                     __global const float *filter, int prefetch)
{
    clear_block(sum);
    for (int r = 0; r < shape.r; r++) {
        INPUT in = input + r * INPUT_PITCH;
        __global const float *taps = filter + (size_t)r * ROW_PRODUCTS * KB;
#if PAIRS
        const size_t most = prefetch ? LINE_FLOATS : ROW_PRODUCTS;
        for (size_t done = 0; done < (size_t)ROW_PRODUCTS; done += most) {
            INPUT pixel[BLOCK_ROWS];
            UNROLL_FOR (i, BLOCK_ROWS) {
                pixel[i] = in + PIXEL_OFFSET(i) + STEP * done;
                KEEP_ROW(pixel[i]);
                if (prefetch)
                    PREFETCH(pixel[i] + BW * shape.stride * shape.c);
            }
            FOR_WORDS(j, min(most, ROW_PRODUCTS - done), {
                ADD_OUTER_PRODUCT(sum, taps, i, INPUT_VALUE(pixel[i][STEP * j]));
                taps += KB;
            });
        }
#else
        size_t j = 0;
        do {
            if (prefetch && j % LINE_FLOATS == 0)
                UNROLL_FOR (i, BLOCK_ROWS)
                    PREFETCH(in + PIXEL_OFFSET(i) + BW * shape.stride * shape.c + j);
            ADD_OUTER_PRODUCT(sum, taps + j * KB, i, INPUT_VALUE((in + PIXEL_OFFSET(i))[STEP * j]));
        } while (++j < (size_t)ROW_PRODUCTS);
#endif
    }
}

/* Stores the first `rows` x `columns` pixels of a register block whose first is (row, column). residual: an
 * image of the same shape. */
static void store_outputs(const vfloat sum[BLOCK_ROWS][KV], rncl_direct_shape shape, __global element *image,
                          __global const float *coefficients, __global const element *residual, int row,
                          int column, int rows, int columns, int accumulate)
{
    UNROLL_FOR (i, BLOCK_ROWS)
        if (i / BW < rows && i % BW < columns) {
            const size_t at = output_pixel(shape, row + i / BW, column + i % BW);
            UNROLL_FOR (v, KV) {
                __global element *to = image + at + v * VW;
                vfloat value = accumulate ? ELOAD(to) + sum[i][v] : sum[i][v];
                finish(&value, coefficients + v * VW, shape.k, residual + at + v * VW);
                ESTORE(value, to);
            }
        }
}

#if GRADIENT_SUMS
/* Stores what passes the ReLU of the same pixels, and adds it up: dz to `total`, dz * (x - mean) to
 * `products`. */
static void store_gradient(const vfloat sum[BLOCK_ROWS][KV], rncl_direct_shape shape, __global element *image,
                           summed gradient, int row, int column, int rows, int columns, int accumulate,
                           vfloat total[KV], vfloat products[KV])
{
    vfloat block_total[KV], block_products[KV];
    UNROLL_FOR (v, KV)
        block_total[v] = block_products[v] = (vfloat)(0.0f);
    UNROLL_FOR (i, BLOCK_ROWS)
        if (i / BW < rows && i % BW < columns) {
            const size_t first = output_pixel(shape, row + i / BW, column + i % BW);
            UNROLL_FOR (v, KV) {
                const size_t at = first + v * VW;
                const vfloat dy = accumulate ? ELOAD(image + at) + sum[i][v] : sum[i][v];
                const vfloat dz = select((vfloat)(0.0f), dy, ELOAD(gradient.relu_y + at) > (vfloat)(0.0f));
                const vfloat centred = ELOAD(gradient.before_x + at) - VLOAD(gradient.moments + v * VW);
                ESTORE(dz, image + at);
                block_total[v] += dz;
                block_products[v] = FMA(dz, centred, block_products[v]);
            }
        }
    UNROLL_FOR (v, KV) {
        total[v] += block_total[v];
        products[v] += block_products[v];
    }
}
#endif

/* Computes rows `first_row` … end_row - 1 of an image for one block of KB output channels. image: its
 * channels in y; coefficients, residual, gradient: those there; part: those in the tile's statistics, or
 * NULL. */
static void convolve_tile(rncl_direct_shape shape, INPUT input, __global const float *filter,
                          __global element *image, __global const float *coefficients,
                          __global const element *residual, int first_row, int end_row, __global float *part,
                          summed gradient, int accumulate, int prefetch)
{
    const pixel_block block = {.height = BH, .width = BW, .row_step = BW * KV, .column_step = KV};
    vfloat means[KV], deviations[KV], total[KV], products[KV];
    UNROLL_FOR (v, KV)
        means[v] = deviations[v] = total[v] = products[v] = (vfloat)(0.0f);
    for (int row = first_row; row < end_row; row += BH)
        for (int column = 0; column < shape.q; column += BW) {
            const int rows = min(BH, end_row - row), columns = min(BW, shape.q - column);
            vfloat sum[BLOCK_ROWS][KV];
            prefetch_outputs(shape, image, gradient, row, column);
            convolve(sum, shape,
                     input + (row - first_row) * shape.stride * INPUT_PITCH + column * shape.stride * shape.c,
                     filter, prefetch);
#if GRADIENT_SUMS
            store_gradient(sum, shape, image, gradient, row, column, rows, columns, accumulate, total,
                           products);
#else
            store_outputs(sum, shape, image, coefficients, residual, row, column, rows, columns, accumulate);
#endif
            if (part)
                UNROLL_FOR (v, KV)
                    gather_statistics(block, &sum[0][v], rows, columns, means + v, deviations + v,
                                      (row - first_row) * shape.q + rows * column);
        }
    if (part)
        UNROLL_FOR (v, KV) {
            VSTORE(means[v], part + v * VW);
            VSTORE(deviations[v], part + shape.k + v * VW);
        }
#if GRADIENT_SUMS
    UNROLL_FOR (v, KV) {
        VSTORE(total[v], gradient.part + v * VW);
        VSTORE(products[v] * VLOAD(gradient.moments + shape.k + v * VW), gradient.part + shape.k + v * VW);
    }
#endif
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_direct_forward(const rncl_direct_shape shape, __global const source *restrict x,
                    __global const float *restrict packed, const int packed_offset,
                    __global element *restrict y, __global float *restrict statistics, const int accumulate,
                    __global const float *restrict coefficients, __global const element *restrict residual
#if GRADIENT_SUMS
                    ,
                    __global const element *restrict relu_y, __global const element *restrict before_x,
                    __global const float *restrict moments, __global float *restrict gradient_sums,
                    const int first_part
#endif
)
{
    const int image_tiles = (shape.p + shape.tile_rows - 1) / shape.tile_rows;
    const int image = get_global_id(0) / image_tiles;
    const int first_row = (get_global_id(0) - image * image_tiles) * shape.tile_rows;
    const int end_row = min(first_row + shape.tile_rows, shape.p);
    const int blocks = shape.k / KB;
    const int first_block = blocks * get_global_id(1) / get_global_size(1);
    const int last_block = blocks * (get_global_id(1) + 1) / get_global_size(1);
    const size_t out = (size_t)image * shape.out_h * shape.out_w * shape.k;
    __global const source *pixels = x + (size_t)image * shape.h * shape.w * shape.c;
    __global float *part =
        statistics ? statistics + statistics_at(get_global_size(0), get_global_id(0), shape.k) : 0;
#if STAGE > 0
    __local float ALIGNED staged[STAGE];
    stage_rows(staged, pixels, first_row, shape);
    INPUT input = staged;
#else
    INPUT input = pixels + (size_t)first_row * shape.stride * shape.w * shape.c;
#endif
    if (statistics && get_global_id(1) == 0)
        statistics[get_global_id(0)] = (float)((end_row - first_row) * shape.q);
    for (int block = first_block; block < last_block; block++) {
        const int k = block * KB;
#if GRADIENT_SUMS
        const size_t own_part = (size_t)(first_part + get_global_id(0)) * 2 * shape.k;
        const summed gradient = {relu_y + out + k, before_x + out + k, moments + k,
                                 gradient_sums + own_part + k};
#else
        const summed gradient = {0, 0, 0, 0};
#endif
        convolve_tile(shape, input, packed + packed_offset + (size_t)block * shape.r * ROW_PRODUCTS * KB,
                      y + out + k, coefficients + k, residual + out + k, first_row, end_row,
                      part ? part + k : 0, gradient, accumulate, STAGE == 0 && block == first_block);
    }
}
