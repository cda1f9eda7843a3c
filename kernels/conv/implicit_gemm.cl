/* Convolution as a product of matrices in tiles of local memory, for all three passes:
 *
 *   result [rows][columns] = sum over depth of left [rows][depth] * right [depth][columns]
 *
 *   PASS              rows      columns  depth     left                     right
 *   0 forward         n p q     k        r s c     x at pixel and tap       filter
 *   1 backward_data   n h w     c        r s k     dy at pixel and tap      filter, its channels exchanged
 *   2 backward_filter r s c     k        n p q     x at pixel and tap       dy
 *
 * The left matrix (im2col, Chellapilla et al. 2006) is never stored: its values are looked up in the image
 * when a tile is loaded.
 *
 * Work-group (i, j, z) computes the i-th tile of TN columns and the j-th tile of TM rows of convolution
 * z % batch, over the (z / batch)-th of get_num_groups(2) / batch equal shares of the depth. It has
 * TN / RN x TM / RM work-items; work-item (x, y) computes RM x RN values, here with RM = RN = 2:
 *
 *              TN columns
 *        |x               x        |
 *        |                         |      rows y + i * TM / RM, columns x + j * TN / RN:
 *   TM   |                         |      neighbouring work-items use neighbouring values of a tile
 *   rows |x               x        |
 *        |                         |
 *
 * Tiles left [TK][TM] and right [TK][TN] in local memory have two buffers each: while one is multiplied, the
 * next is loaded into registers.
 *
 * shape           see rncl_conv_shape; x [n][h][w][c], dy and y [n][p][q][k], filter [r][s][c][k]
 * batch           convolutions of this shape; their tensors are contiguous, one after the other
 * left_matrices   x, or dy for backward_data
 * right_matrices  from right_offset (floats) on, the filter, or dy for backward_filter
 * results         from result_offset (floats) on, [shares][batch][rows][columns]: y, dx or dfilter; with
 *                 several shares of the depth, partial sums of it that conv/reduce.cl adds
 * accumulate      0: results are set, 1: added to */
#include "common.clh"

/* The pass as in the table above: 0, 1 or 2. */
#ifndef PASS
#define PASS 0
#endif
/* 1 for 1x1 convolutions without stride or padding, whose left matrix is the image itself; else 0. */
#ifndef POINTWISE
#define POINTWISE 0
#endif
/* VW is the floats of a load: 1, 2 or 4; divides TM, TN, TK and the channels that loads run along. */

/* Rows of a tile: a multiple of RM. */
#ifndef TM
#define TM 16
#endif
/* Columns of a tile: a multiple of RN. */
#ifndef TN
#define TN 16
#endif
/* Depth of a tile. TM * TK and TN * TK are multiples of VW times the work-items. */
#ifndef TK
#define TK 8
#endif
/* Rows of a work-item, from 1 on. */
#ifndef RM
#define RM 4
#endif
/* Columns of a work-item, from 1 on. */
#ifndef RN
#define RN 4
#endif

/* Work-items, and loads of each a tile. */
#define ITEMS ((TM / RM) * (TN / RN))
#define LEFT_LOADS (TM * TK / VW / ITEMS)
#define RIGHT_LOADS (TN * TK / VW / ITEMS)

typedef struct pixel {
    int image, row, column;
} pixel;

static pixel pixel_of(int index, int height, int width)
{
    const pixel p = {index / width / height, index / width % height, index % width};
    return p;
}

/* VW channels of x from `c` on, under tap (r, s) of output pixel `at`. */
static vfloat x_under_tap(rncl_conv_shape shape, __global const float *x, pixel at, int r, int s, int c)
{
    const int row = at.row * shape.stride - shape.pad + r, column = at.column * shape.stride - shape.pad + s;
    if (row < 0 || row >= shape.h || column < 0 || column >= shape.w)
        return (vfloat)(0.0f);
    return VLOAD(x + (((size_t)at.image * shape.h + row) * shape.w + column) * shape.c + c);
}

/* VW channels of dy from `k` on, of the output pixel that meets pixel `at` of x under tap (r, s). */
static vfloat dy_under_tap(rncl_conv_shape shape, __global const float *dy, pixel at, int r, int s, int k)
{
    const int row = at.row + shape.pad - r, column = at.column + shape.pad - s;
    const int p = row / shape.stride, q = column / shape.stride;
    if (row < 0 || column < 0 || p * shape.stride != row || q * shape.stride != column || p >= shape.p ||
        q >= shape.q)
        return (vfloat)(0.0f);
    return VLOAD(dy + (((size_t)at.image * shape.p + p) * shape.q + q) * shape.k + k);
}

#define X_SIZE ((size_t)shape.n * shape.h * shape.w * shape.c)
#define Y_SIZE ((size_t)shape.n * shape.p * shape.q * shape.k)
#define FILTER_SIZE ((size_t)shape.r * shape.s * shape.c * shape.k)

#if PASS == 0
#define ROWS (shape.n * shape.p * shape.q)
#define COLUMNS shape.k
#define DEPTH (shape.r * shape.s * shape.c)
#define LEFT_SIZE X_SIZE
#define RIGHT_SIZE FILTER_SIZE
#elif PASS == 1
#define ROWS (shape.n * shape.h * shape.w)
#define COLUMNS shape.c
#define DEPTH (shape.r * shape.s * shape.k)
#define LEFT_SIZE Y_SIZE
#define RIGHT_SIZE FILTER_SIZE
#else
#define ROWS (shape.r * shape.s * shape.c)
#define COLUMNS shape.k
#define DEPTH (shape.n * shape.p * shape.q)
#define LEFT_SIZE X_SIZE
#define RIGHT_SIZE Y_SIZE
#endif

/* Loads run along the channels, which are contiguous. In the left matrix these are the depth, for the filter
 * gradient the rows; in the right matrix the columns, for the input gradient the depth. */
#define LEFT_ALONG_DEPTH (PASS != 2)
#define RIGHT_ALONG_DEPTH (PASS == 1)

static vfloat load_left(rncl_conv_shape shape, __global const float *a, int row, int depth)
{
    if (row >= ROWS || depth >= DEPTH)
        return (vfloat)(0.0f);
#if POINTWISE
    return VLOAD(a + (LEFT_ALONG_DEPTH ? (size_t)row * DEPTH + depth : (size_t)depth * ROWS + row));
#elif PASS == 0
    const int tap = depth / shape.c;
    return x_under_tap(shape, a, pixel_of(row, shape.p, shape.q), tap / shape.s, tap % shape.s,
                       depth - tap * shape.c);
#elif PASS == 1
    const int tap = depth / shape.k;
    return dy_under_tap(shape, a, pixel_of(row, shape.h, shape.w), tap / shape.s, tap % shape.s,
                        depth - tap * shape.k);
#else
    const int tap = row / shape.c;
    return x_under_tap(shape, a, pixel_of(depth, shape.p, shape.q), tap / shape.s, tap % shape.s,
                       row - tap * shape.c);
#endif
}

static vfloat load_right(rncl_conv_shape shape, __global const float *b, int depth, int column)
{
    if (column >= COLUMNS || depth >= DEPTH)
        return (vfloat)(0.0f);
#if PASS == 1
    const int tap = POINTWISE ? 0 : depth / shape.k;
    return VLOAD(b + ((size_t)tap * shape.c + column) * shape.k + (depth - tap * shape.k));
#else
    return VLOAD(b + (size_t)depth * shape.k + column);
#endif
}

/* Where load i of a tile of `width` rows or columns begins: (row or column, depth). */
static int2 place_of(int i, int width, int along_depth)
{
    return along_depth ? (int2)(i / (TK / VW), i % (TK / VW) * VW)
                       : (int2)(i % (width / VW) * VW, i / (width / VW));
}

/* Stores a load in a tile [TK][width]. */
static void put(__local float *tile, int width, int2 place, int along_depth, vfloat value)
{
    float lanes[VW];
    VSTORE(value, lanes);
    UNROLL_FOR (lane, VW)
        tile[(place.y + (along_depth ? lane : 0)) * width + place.x + (along_depth ? 0 : lane)] = lanes[lane];
}

/* Adds the product of two tiles to the work-item's sums. left, right: from its first row and column on. */
static void multiply_tiles(float sum[RM][RN], __local const float *left, __local const float *right)
{
    for (int depth = 0; depth < TK; depth++) {
        float value[RN];
        UNROLL_FOR (j, RN)
            value[j] = right[depth * TN + j * (TN / RN)];
        UNROLL_FOR (i, RM) {
            const float factor = left[depth * TM + i * (TM / RM)];
            UNROLL_FOR (j, RN)
                sum[i][j] = fma(factor, value[j], sum[i][j]);
        }
    }
}

/* Stores the work-item's sums, of which the first is at (first_row, first_column); out: [rows][columns]. */
static void store_results(rncl_conv_shape shape, float sum[RM][RN], __global float *out, int first_row,
                          int first_column, int accumulate)
{
    UNROLL_FOR (i, RM) {
        const int row = first_row + i * (TM / RM);
        UNROLL_FOR (j, RN) {
            const int column = first_column + j * (TN / RN);
            if (row < ROWS && column < COLUMNS) {
                __global float *to = out + (size_t)row * COLUMNS + column;
                *to = accumulate ? *to + sum[i][j] : sum[i][j];
            }
        }
    }
}

__kernel __attribute__((reqd_work_group_size(TN / RN, TM / RM, 1))) void
conv_implicit_gemm(const rncl_conv_shape shape, const int batch, __global const float *restrict left_matrices,
                   __global const float *restrict right_matrices, const int right_offset,
                   __global float *restrict results, const int result_offset, const int accumulate)
{
    __local float left[2][TK * TM], right[2][TK * TN];
    const int lx = get_local_id(0), ly = get_local_id(1), item = ly * (TN / RN) + lx;
    const int first_column = get_group_id(0) * TN, first_row = get_group_id(1) * TM;
    const int tiles = (DEPTH + TK - 1) / TK;
    const int convolution = get_group_id(2) % batch, share = get_group_id(2) / batch,
              shares = get_num_groups(2) / batch;
    const int begin = (int)((long)tiles * share / shares);
    const int end = (int)((long)tiles * (share + 1) / shares);
    __global const float *a = left_matrices + convolution * LEFT_SIZE;
    __global const float *b = right_matrices + right_offset + convolution * RIGHT_SIZE;
    vfloat next_left[LEFT_LOADS], next_right[RIGHT_LOADS];
    float sum[RM][RN];

    UNROLL_FOR (i, RM)
        UNROLL_FOR (j, RN)
            sum[i][j] = 0.0f;
    /* One round more than there are tiles: each loads a tile and multiplies the one before. */
    for (int tile = begin; tile <= end; tile++) {
        UNROLL_FOR (i, LEFT_LOADS) {
            const int2 place = place_of(item + i * ITEMS, TM, LEFT_ALONG_DEPTH);
            next_left[i] =
                tile < end ? load_left(shape, a, first_row + place.x, tile * TK + place.y) : (vfloat)(0.0f);
        }
        UNROLL_FOR (i, RIGHT_LOADS) {
            const int2 place = place_of(item + i * ITEMS, TN, RIGHT_ALONG_DEPTH);
            next_right[i] = tile < end ? load_right(shape, b, tile * TK + place.y, first_column + place.x)
                                       : (vfloat)(0.0f);
        }
        if (tile > begin)
            multiply_tiles(sum, left[(tile - 1) & 1] + ly, right[(tile - 1) & 1] + lx);
        UNROLL_FOR (i, LEFT_LOADS)
            put(left[tile & 1], TM, place_of(item + i * ITEMS, TM, LEFT_ALONG_DEPTH), LEFT_ALONG_DEPTH,
                next_left[i]);
        UNROLL_FOR (i, RIGHT_LOADS)
            put(right[tile & 1], TN, place_of(item + i * ITEMS, TN, RIGHT_ALONG_DEPTH), RIGHT_ALONG_DEPTH,
                next_right[i]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    store_results(shape, sum, results + result_offset + (size_t)get_group_id(2) * ROWS * COLUMNS,
                  first_row + ly, first_column + lx, accumulate);
}
