/* Convolution as a product of matrices in tiles, for GPUs:
 *
 *   result [rows][columns] = sum over depth of left [rows][depth] * right [depth][columns]
 *
 *   DFILTER              rows       columns  depth   left                     right
 *   0 forward            n p q      k        r s c   x at pixel and tap       filter
 *   0 input gradient     the same for dy and the turned filter of each phase of dx (conv/turn_filter.cl)
 *   1 filter gradient    r s c      k        n p q   x at pixel and tap       dy
 *
 * The left matrix (im2col, Chellapilla et al. 2006) is never stored: tiles of it are read from the image. A
 * value of it belongs to an output pixel and a tap. One of them goes with the row and is looked up once, the
 * other goes with the depth and is carried on from tile to tile by additions, so that no loop has a division:
 *
 *   address = place of the row + place of the depth, both [image][row][column][channel] of x
 *
 * Work-group (i, z) computes tile i of TM rows x TN columns, columns first, of convolution z % batch, over
 * the (z / batch)-th of get_num_groups(1) / batch equal shares of the depth. Its work-items lie in TM / RM
 * rows of TN / RN. Each computes RM x RN values in blocks of 4 x 4, here those of one work-item with RM = RN
 * = 8:
 *
 *                 TN columns
 *        |  ####          ####     |   the blocks of neighbouring work-items lie beside each other, so that
 *   TM   |  ####          ####     |   they read neighbouring vectors of 4 floats from the tiles
 *   rows |                         |
 *        |  ####          ####     |
 *        |  ####          ####     |
 *
 * With LOCAL, tiles of both matrices, [TK][TM + PAD] and [TK][TN + PAD], are in local memory and have two
 * buffers: the next tile is loaded into registers before this one is multiplied, and stored after it.
 * Without, for devices whose local memory is slow, each work-item reads its own RM rows and RN columns into
 * registers.
 *
 * Images, results that are images, and dy are elements (common.clh), all else is float. Elements become
 * floats on their way into a tile.
 *
 * shape           see rncl_direct_shape; x [n][h][w][c], result [n][out_h][out_w][k], filter [r][s][c][k],
 *                 filter gradient: dy [n][p][q][k], result [r][s][c][k]
 * step            see rncl_tile_step
 * batch           convolutions of this shape; their tensors are contiguous, one after the other
 * images          x, or dy for the input gradient
 * right           from right_offset (values) on, filters, or dy for the filter gradient
 * results         from result_offset (values) on, [shares][batch] results; with several shares of the depth,
 *                 partial sums that conv/reduce.cl adds
 * statistics      of a forward pass without shares, a part for each tile of rows (statistics.clh); or NULL
 * accumulate      0: results are set, 1: added to */
#include "statistics.clh"

/* The pass as in the table above: 0 or 1. */
#ifndef DFILTER
#define DFILTER 0
#endif
/* 1: tiles are in local memory; 0: in registers. */
#ifndef LOCAL
#define LOCAL 1
#endif
/* All of the following are powers of two. */
/* Rows of a work-group: a multiple of RM. */
#ifndef TM
#define TM 32
#endif
/* Columns of a work-group: a multiple of RN. */
#ifndef TN
#define TN 32
#endif
/* Depth of a tile. With LOCAL from 4 up to the number of work-items; else LEFT, and 1 for the filter
 * gradient.
 */
#ifndef TK
#define TK 8
#endif
/* Rows of a work-item, from 4 on. */
#ifndef RM
#define RM 4
#endif
/* Columns of a work-item, from 4 on. */
#ifndef RN
#define RN 4
#endif
/* Values of a load from the images, 1, 4 or, of 2 bytes, 8; divides c. */
#ifndef LEFT
#define LEFT 1
#endif
/* Values of a load from the right matrix, 1, 4 or, of 2 bytes, 8; divides k. From 4 on a store has 4.
 * Tensors begin at multiples of 16 bytes where LEFT or RIGHT is not 1. */
#ifndef RIGHT
#define RIGHT 1
#endif
/* With elements of 2 bytes: 0 or 1, whether results are partial sums, which are floats. */
#ifndef PARTIAL
#define PARTIAL 0
#endif
/* How many times the loop over a tile's depth is unrolled; divides TK. */
#ifndef UNROLL
#define UNROLL 4
#endif
/* Work-items of a sub-group on Intel's GPUs, where a kernel can require it; 0: as the compiler likes. It may
 * otherwise take so many that the sums do not fit into registers. */
#ifndef SUB_GROUP
#define SUB_GROUP 0
#endif

#define PRAGMA(text) _Pragma(#text)
#if UNROLL == TK /* Intel's compiler ignores numbers */
#define UNROLL_DEPTH PRAGMA(unroll)
#else
#define UNROLL_TIMES(times) PRAGMA(unroll times)
#define UNROLL_DEPTH UNROLL_TIMES(UNROLL)
#endif

#if SUB_GROUP
#define REQUIRED_SUB_GROUP __attribute__((intel_reqd_sub_group_size(SUB_GROUP)))
#else
#define REQUIRED_SUB_GROUP
#endif

#define GROUP_ITEMS ((TM / RM) * (TN / RN))

/* What a tile is: TILE_ROWS x TK and TK x TILE_COLUMNS values that LOADERS work-items load. With a padding of
 * four floats the transposing stores hit different banks of local memory. */
#if LOCAL
#define TILE_SPACE __local
#define TILE_ROWS TM
#define TILE_COLUMNS TN
#define LOADERS GROUP_ITEMS
#define PAD 4
#define LOAD_QUAD(p) (*(TILE_SPACE const float4 *)(p))
#define STORE_QUAD(value, p) (*(TILE_SPACE float4 *)(p) = (value))
#else
#define TILE_SPACE __private
#define TILE_ROWS RM
#define TILE_COLUMNS RN
#define LOADERS 1
#define PAD 0
#define LOAD_QUAD(p) vload4(0, (p))
#define STORE_QUAD(value, p) vstore4((value), 0, (p))
#endif
#define LEFT_PITCH (TILE_ROWS + PAD)
#define RIGHT_PITCH (TILE_COLUMNS + PAD)

/* Vectors of LEFT and RIGHT values as they are in memory. Pointers to float4 promise an alignment that vload4
 * does not. A uint holds two elements of 2 bytes, the first one in its lower half. */
#if LEFT == 1
typedef element left_vector;
#elif !NARROW
typedef float4 left_vector;
#elif LEFT == 4
typedef uint2 left_vector;
#else
typedef uint4 left_vector;
#endif
#if NARROW && DFILTER
typedef element right_value;
#define RIGHT_FLOAT(value) ELEMENT(value)
#else
typedef float right_value;
#define RIGHT_FLOAT(value) (value)
#endif
#if RIGHT == 1
typedef right_value right_vector;
#elif !(NARROW && DFILTER)
typedef float4 right_vector;
#elif RIGHT == 4
typedef uint2 right_vector;
#else
typedef uint4 right_vector;
#endif

/* The i-th four values of a vector, as floats. */
static float4 __attribute__((overloadable)) quad_of(float4 vector, int i)
{
    return vector;
}
#if NARROW
static float4 __attribute__((overloadable)) quad_of(uint2 pairs, int i)
{
#ifdef FP16
    return vload_half4(0, (const half *)&pairs);
#else
    const uint4 bits = {pairs.x << 16, pairs.x & 0xffff0000u, pairs.y << 16, pairs.y & 0xffff0000u};
    return as_float4(bits);
#endif
}
static float4 __attribute__((overloadable)) quad_of(uint4 pairs, int i)
{
    return quad_of(i ? pairs.hi : pairs.lo, 0);
}
#endif

/* A value of the result, and four of them. */
#if NARROW && !DFILTER && !PARTIAL
#define ROUNDS_RESULT 1
typedef element result_value;
typedef uint2 result_quad;
#define RESULT_FLOAT(value) ELEMENT(value)
#define STORE_RESULT(value, p) ESTORE(value, p)
#ifdef FP16
static uint2 result_quad_of(float4 quad)
{
    uint2 pairs;
    vstore_half4_rte(quad, 0, (half *)&pairs);
    return pairs;
}
#else
static uint pair_of(float first, float second)
{
    uint low = as_uint(first), high = as_uint(second);
    round_upper_half(&low);
    round_upper_half(&high);
    return low >> 16 | (high & 0xffff0000u);
}
static uint2 result_quad_of(float4 quad)
{
    return (uint2)(pair_of(quad.x, quad.y), pair_of(quad.z, quad.w));
}
#endif
#else
#define ROUNDS_RESULT 0
typedef float result_value;
typedef float4 result_quad;
#define RESULT_FLOAT(value) (value)
#define STORE_RESULT(value, p) (*(p) = (value))
#define result_quad_of(quad) (quad)
#endif

#define SMALLER(a, b) ((a) < (b) ? (a) : (b))
#define QUOTIENT_UP(a, b) (((a) + (b)-1) / (b))

/* Who loads what. All loads of a work-item are at one depth of the tile. Along rows or columns, RUN
 * work-items read neighbouring vectors, 128 bytes; the next RUN read those of the next depth. */
#define RUN(vectors) SMALLER(SMALLER(8, (vectors)), LOADERS < TK ? 1 : LOADERS / TK)
#define DEPTH_OF(item, vectors) (LOCAL ? (item) / RUN(vectors) % TK : 0)
#define VECTOR_OF(item, vectors) ((item) % RUN(vectors) + (item) / (RUN(vectors) * TK) * RUN(vectors))
#define VECTOR_STEP (LOCAL ? LOADERS / TK : 1)

#define RIGHT_VECTORS (TILE_COLUMNS / RIGHT)
#define RIGHT_LOADS QUOTIENT_UP(RIGHT_VECTORS, VECTOR_STEP)
#define RIGHT_DEPTHS (LOCAL ? 1 : TK) /* that a work-item loads */

/* Images are contiguous along the channels: for the filter gradient along the rows of the left matrix,
 * otherwise along its depth, of which a tile then has DEPTH_VECTORS vectors. */
#define LEFT_VECTORS (TILE_ROWS / LEFT)
#define DEPTH_VECTORS (TK / LEFT)
#if DFILTER
#define LEFT_DEPTH_OF(item) DEPTH_OF(item, LEFT_VECTORS)
#define LEFT_ROW_OF(item) (VECTOR_OF(item, LEFT_VECTORS) * LEFT)
#define LEFT_STEP (VECTOR_STEP * LEFT)
#else
#define LEFT_DEPTH_OF(item) ((item) % DEPTH_VECTORS * LEFT)
#define LEFT_ROW_OF(item) ((item) / DEPTH_VECTORS)
#define LEFT_STEP (LOCAL ? LOADERS / DEPTH_VECTORS : 1)
#endif
#define LEFT_LOADS QUOTIENT_UP(TILE_ROWS, LEFT_STEP)

#if DFILTER
#define ROWS (shape.r * shape.s * shape.c)
#define DEPTH (shape.n * shape.p * shape.q)
#define RESULT_SIZE ((size_t)ROWS * shape.k)
#define RIGHT_SIZE ((size_t)DEPTH * shape.k)
#else
#define ROWS (shape.n * shape.p * shape.q)
#define DEPTH (shape.r * shape.s * shape.c)
#define RESULT_SIZE ((size_t)shape.n * shape.out_h * shape.out_w * shape.k)
#define RIGHT_SIZE ((size_t)DEPTH * shape.k)
#endif

/* A row of the image that no sum brings into it. */
#define OUTSIDE (-(1 << 28))

/* Output pixel `index` of all. */
typedef struct pixel {
    int image, row, column;
} pixel;

static pixel pixel_of(rncl_direct_shape shape, int index)
{
    const int row = index / shape.q;
    const pixel p = {row / shape.p, row % shape.p, index - row * shape.q};
    return p;
}

/* The part of a place in the image that goes with a row of the left matrix: offset in floats, row and column
 * of the image. */
typedef struct row_place {
    int offset, row, column;
} row_place;

/* Of row `index`; offsets are from image first_image on, which leaves them small. */
static row_place place_of_row(rncl_direct_shape shape, int index, int first_image)
{
    row_place place;
#if DFILTER
    const int tap = index / shape.c, channel = index - tap * shape.c;
    place.row = tap / shape.s - shape.pad_top;
    place.column = tap % shape.s - shape.pad_left;
    place.offset = (place.row * shape.w + place.column) * shape.c + channel;
#else
    const pixel at = pixel_of(shape, index);
    place.row = at.row * shape.stride - shape.pad_top;
    place.column = at.column * shape.stride - shape.pad_left;
    place.offset = (((at.image - first_image) * shape.h + place.row) * shape.w + place.column) * shape.c;
#endif
    if (index >= ROWS)
        place.row = OUTSIDE;
    return place;
}

/* The part that goes with the depth: row and column of the image, or of the filter's taps, and what is
 * counted beside them: the image of the batch, or the channel. */
typedef struct depth_place {
    int row, column, count;
} depth_place;

static depth_place place_of_depth(rncl_direct_shape shape, int depth)
{
    depth_place place;
#if DFILTER
    const pixel at = pixel_of(shape, depth);
    place.row = at.row * shape.stride;
    place.column = at.column * shape.stride;
    place.count = at.image;
#else
    const int tap = depth / shape.c;
    place.row = tap / shape.s;
    place.column = tap - place.row * shape.s;
    place.count = depth - tap * shape.c;
#endif
    return place;
}

/* Carries it on by a tile. */
static void advance(rncl_direct_shape shape, rncl_tile_step step, depth_place *place)
{
    place->row += step.row;
    place->column += step.column;
    place->count += step.count;
#if DFILTER
    const int next_row = place->column >= shape.q * shape.stride;
    place->column -= next_row ? shape.q * shape.stride : 0;
    place->row += next_row ? shape.stride : 0;
    const int next_image = place->row >= shape.p * shape.stride;
    place->row -= next_image ? shape.p * shape.stride : 0;
    place->count += next_image;
#else
    const int next_tap = place->count >= shape.c;
    place->count -= next_tap ? shape.c : 0;
    place->column += next_tap;
    const int next_row = place->column >= shape.s;
    place->column -= next_row ? shape.s : 0;
    place->row += next_row;
#endif
}

/* Where a work-item loads from the right matrix: its first vector, at this offset, is in this column. */
typedef struct right_place {
    int offset, column;
} right_place;

static void fetch_left(rncl_direct_shape shape, left_vector next[LEFT_LOADS],
                       const row_place rows[LEFT_LOADS], const depth_place *depth,
                       __global const element *images)
{
#if DFILTER
    const bool exists = depth->count < shape.n;
    const int offset = ((depth->count * shape.h + depth->row) * shape.w + depth->column) * shape.c;
#else
    const bool exists = depth->row < shape.r;
    const int offset = (depth->row * shape.w + depth->column) * shape.c + depth->count;
#endif
    UNROLL_FOR (i, LEFT_LOADS) {
        const bool inside = exists && (uint)(rows[i].row + depth->row) < (uint)shape.h &&
                            (uint)(rows[i].column + depth->column) < (uint)shape.w;
        next[i] =
            inside ? *(__global const left_vector *)(images + (offset + rows[i].offset)) : (left_vector)(0);
    }
}

static void fetch_right(rncl_direct_shape shape, right_vector next[RIGHT_DEPTHS * RIGHT_LOADS],
                        const right_place *place, __global const right_value *right)
{
    UNROLL_FOR (depth, RIGHT_DEPTHS)
        UNROLL_FOR (i, RIGHT_LOADS) {
            const int column = i * VECTOR_STEP * RIGHT, offset = place->offset + depth * shape.k + column;
            const bool inside = place->column + column < shape.k && offset < DEPTH * shape.k;
            next[depth * RIGHT_LOADS + i] =
                inside ? *(__global const right_vector *)(right + offset) : (right_vector)(0);
        }
}

/* Stores what was fetched in a tile; row, depth: of the work-item's first vector. Where there are fewer
 * vectors than work-items, some have none. */
static void put_left(TILE_SPACE float *tile, const left_vector next[LEFT_LOADS], int row, int depth)
{
    UNROLL_FOR (i, LEFT_LOADS) {
        TILE_SPACE float *to = tile + depth * LEFT_PITCH + row + i * LEFT_STEP;
        if (LEFT_LOADS * LEFT_STEP > TILE_ROWS && row + i * LEFT_STEP >= TILE_ROWS)
            continue;
#if LEFT == 1
        *to = ELEMENT(next[i]);
#else
        UNROLL_FOR_STEP (first, LEFT, 4) {
            const float4 quad = quad_of(next[i], first / 4);
#if DFILTER
            STORE_QUAD(quad, to + first);
#else
            to[first * LEFT_PITCH] = quad.x;
            to[(first + 1) * LEFT_PITCH] = quad.y;
            to[(first + 2) * LEFT_PITCH] = quad.z;
            to[(first + 3) * LEFT_PITCH] = quad.w;
#endif
        }
#endif
    }
}

static void put_right(TILE_SPACE float *tile, const right_vector next[RIGHT_DEPTHS * RIGHT_LOADS], int column,
                      int first_depth)
{
    UNROLL_FOR (depth, RIGHT_DEPTHS)
        UNROLL_FOR (i, RIGHT_LOADS) {
            const int at = column + i * VECTOR_STEP * RIGHT;
            TILE_SPACE float *to = tile + (first_depth + depth) * RIGHT_PITCH + at;
            if (RIGHT_LOADS * VECTOR_STEP > RIGHT_VECTORS && at >= TILE_COLUMNS)
                continue;
#if RIGHT == 1
            *to = RIGHT_FLOAT(next[depth * RIGHT_LOADS + i]);
#else
            UNROLL_FOR_STEP (first, RIGHT, 4)
                STORE_QUAD(quad_of(next[depth * RIGHT_LOADS + i], first / 4), to + first);
#endif
        }
}

/* A work-item's sums: RM rows of RN / 4 vectors. Blocks of four rows or columns are BLOCK_ROWS or
 * BLOCK_COLUMNS apart in a tile. */
#define QUADS (RN / 4)
#define BLOCK_ROWS (TILE_ROWS / (RM / 4))
#define BLOCK_COLUMNS (TILE_COLUMNS / QUADS)
#define ROW_OF(i) ((i) / 4 * BLOCK_ROWS + (i) % 4)

/* Adds the product of two tiles to the sums. left, right: from the work-item's first row and column on. */
static void multiply_tiles(float4 sum[RM][QUADS], TILE_SPACE const float *left, TILE_SPACE const float *right)
{
    UNROLL_DEPTH
    for (int depth = 0; depth < TK; depth++) {
        float4 factors[RM / 4], values[QUADS];
        UNROLL_FOR (i, RM / 4)
            factors[i] = LOAD_QUAD(left + depth * LEFT_PITCH + i * BLOCK_ROWS);
        UNROLL_FOR (j, QUADS)
            values[j] = LOAD_QUAD(right + depth * RIGHT_PITCH + j * BLOCK_COLUMNS);
        UNROLL_FOR (i, RM / 4)
            UNROLL_FOR (j, QUADS) {
                sum[4 * i + 0][j] = FMA((float4)(factors[i].x), values[j], sum[4 * i + 0][j]);
                sum[4 * i + 1][j] = FMA((float4)(factors[i].y), values[j], sum[4 * i + 1][j]);
                sum[4 * i + 2][j] = FMA((float4)(factors[i].z), values[j], sum[4 * i + 2][j]);
                sum[4 * i + 3][j] = FMA((float4)(factors[i].w), values[j], sum[4 * i + 3][j]);
            }
    }
}

/* Where the row `index` of the result begins. */
static __global result_value *result_row(rncl_direct_shape shape, __global result_value *result, int index)
{
#if !DFILTER
    if (shape.out_stride > 1) {
        const pixel at = pixel_of(shape, index);
        return result +
               (((size_t)at.image * shape.out_h + at.row * shape.out_stride + shape.out_row) * shape.out_w +
                at.column * shape.out_stride + shape.out_column) *
                   shape.k;
    }
#endif
    return result + (size_t)index * shape.k;
}

/* Intel's compiler does not unroll a loop that adds to elements and rounds, and keeps the sums in memory
 * then: adding is a loop of its own there. */
#define ADDS_FIRST (ROUNDS_RESULT && SUB_GROUP)

#if ADDS_FIRST
static void add_results(rncl_direct_shape shape, float4 sum[RM][QUADS], __global result_value *result,
                        int first_row, int first_column)
{
    UNROLL_FOR (i, RM) {
        if (first_row + ROW_OF(i) >= ROWS)
            continue;
        __global result_value *from = result_row(shape, result, first_row + ROW_OF(i)) + first_column;
        UNROLL_FOR (j, QUADS) {
            const int column = first_column + j * BLOCK_COLUMNS;
            __global result_value *values = from + j * BLOCK_COLUMNS;
#if RIGHT != 1
            if (column < shape.k)
                sum[i][j] += quad_of(*(__global result_quad *)values, 0);
#else
            sum[i][j].x += column < shape.k ? RESULT_FLOAT(values[0]) : 0.0f;
            sum[i][j].y += column + 1 < shape.k ? RESULT_FLOAT(values[1]) : 0.0f;
            sum[i][j].z += column + 2 < shape.k ? RESULT_FLOAT(values[2]) : 0.0f;
            sum[i][j].w += column + 3 < shape.k ? RESULT_FLOAT(values[3]) : 0.0f;
#endif
        }
    }
}
#endif

/* Stores a work-item's sums, of which the first is at (first_row, first_column). */
static void store_results(rncl_direct_shape shape, float4 sum[RM][QUADS], __global result_value *result,
                          int first_row, int first_column, int accumulate)
{
    UNROLL_FOR (i, RM) {
        if (first_row + ROW_OF(i) >= ROWS)
            continue;
        __global result_value *to = result_row(shape, result, first_row + ROW_OF(i)) + first_column;
        UNROLL_FOR (j, QUADS) {
            const int column = first_column + j * BLOCK_COLUMNS;
#if RIGHT != 1
            __global result_quad *quad = (__global result_quad *)(to + j * BLOCK_COLUMNS);
            if (column < shape.k)
                *quad = result_quad_of(accumulate ? quad_of(*quad, 0) + sum[i][j] : sum[i][j]);
#else
            float lanes[4];
            vstore4(sum[i][j], 0, lanes);
            UNROLL_FOR (lane, 4) {
                __global result_value *value = to + j * BLOCK_COLUMNS + lane;
                if (column + lane < shape.k)
                    STORE_RESULT(accumulate ? RESULT_FLOAT(*value) + lanes[lane] : lanes[lane], value);
            }
#endif
        }
    }
}

/* Local memory: two buffers of two tiles; afterwards for the statistics, a row of TN values for each row of
 * work-items. */
#define TILE_FLOATS (2 * TK * (LEFT_PITCH + RIGHT_PITCH))
#define GATHERED_FLOATS (TM / RM * TN)
#define LOCAL_FLOATS (TILE_FLOATS > GATHERED_FLOATS ? TILE_FLOATS : GATHERED_FLOATS)

#if LOCAL && !DFILTER

/* Adds up a value of each column over the group's work-items, in the order of their rows. `own`: those of the
 * work-item, whose first column in the tile is `column`. The total of column i is in gathered[i] afterwards.
 * It is no function, since PoCL 3.1 loses the barriers of one that is called twice. */
#define GATHER_COLUMNS(gathered, own, item, column)                                                          \
    do {                                                                                                     \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                        \
        UNROLL_FOR (j, QUADS)                                                                                \
            STORE_QUAD((own)[j], (gathered) + (item) / (TN / RN) * TN + (column) + j * BLOCK_COLUMNS);       \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                        \
        for (int i = (item); i < TN; i += GROUP_ITEMS) {                                                     \
            float total = 0.0f;                                                                              \
            UNROLL_FOR (j, TM / RM)                                                                          \
                total += (gathered)[j * TN + i];                                                             \
            (gathered)[i] = total;                                                                           \
        }                                                                                                    \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                        \
    } while (0)

/* Writes mean and deviations of the tile's columns, in two passes over the sums. */
static void store_statistics(rncl_direct_shape shape, const float4 sum[RM][QUADS], __local float *gathered,
                             __global float *statistics, int row_tile, int first_column, int item, int row,
                             int column)
{
    const int row_tiles = (ROWS + TM - 1) / TM, count = min(TM, ROWS - row_tile * TM);
    __global float *part = statistics + statistics_at(row_tiles, row_tile, shape.k) + first_column;
    float4 own[QUADS], mean[QUADS];
    UNROLL_FOR (j, QUADS) {
        own[j] = (float4)(0.0f);
        UNROLL_FOR (i, RM)
            if (row + ROW_OF(i) < count)
                own[j] += sum[i][j];
    }
    GATHER_COLUMNS(gathered, own, item, column);
    UNROLL_FOR (j, QUADS)
        mean[j] = LOAD_QUAD(gathered + column + j * BLOCK_COLUMNS) / (float)count;
    for (int i = item; i < TN; i += GROUP_ITEMS)
        if (first_column + i < shape.k)
            part[i] = gathered[i] / (float)count;
    UNROLL_FOR (j, QUADS) {
        own[j] = (float4)(0.0f);
        UNROLL_FOR (i, RM)
            if (row + ROW_OF(i) < count) {
                const float4 d = sum[i][j] - mean[j];
                own[j] = FMA(d, d, own[j]);
            }
    }
    GATHER_COLUMNS(gathered, own, item, column);
    for (int i = item; i < TN; i += GROUP_ITEMS)
        if (first_column + i < shape.k)
            part[shape.k + i] = gathered[i];
    if (first_column == 0 && item == 0)
        statistics[row_tile] = (float)count;
}
#endif

__kernel __attribute__((reqd_work_group_size(GROUP_ITEMS, 1, 1))) REQUIRED_SUB_GROUP void
conv_tiled(const rncl_direct_shape shape, const rncl_tile_step step, const int batch,
           __global const element *restrict images, __global const right_value *restrict right,
           const int right_offset, __global result_value *restrict results, const int result_offset,
           __global float *restrict statistics, const int accumulate)
{
    const int column_tiles = (shape.k + TN - 1) / TN;
    const int row_tile = get_group_id(0) / column_tiles, column_tile = get_group_id(0) % column_tiles;
    const int convolution = get_group_id(1) % batch, share = get_group_id(1) / batch,
              shares = get_num_groups(1) / batch;
    const int tiles = (DEPTH + TK - 1) / TK;
    const int begin = (int)((long)tiles * share / shares), end = (int)((long)tiles * (share + 1) / shares);
    const int group_item = get_local_id(0), across = group_item % (TN / RN), down = group_item / (TN / RN);
    /* Of the tile; and of the work-item's first values in it. */
    const int first_row = row_tile * TM + (LOCAL ? 0 : down * RM),
              first_column = column_tile * TN + (LOCAL ? 0 : across * RN);
    const int item = LOCAL ? group_item : 0, row = LOCAL ? down * 4 : 0, column = LOCAL ? across * 4 : 0;
    const int first_image = DFILTER ? 0 : first_row / (shape.p * shape.q);

    const int left_depth = LEFT_DEPTH_OF(item), left_row = LEFT_ROW_OF(item);
    const int right_depth = DEPTH_OF(item, RIGHT_VECTORS),
              right_column = VECTOR_OF(item, RIGHT_VECTORS) * RIGHT;
    row_place rows[LEFT_LOADS];
    UNROLL_FOR (i, LEFT_LOADS)
        rows[i] = place_of_row(shape, first_row + left_row + i * LEFT_STEP, first_image);
    depth_place at = place_of_depth(shape, begin * TK + left_depth);
    right_place right_at = {(begin * TK + right_depth) * shape.k + first_column + right_column,
                            first_column + right_column};
    images += ((size_t)convolution * shape.n + first_image) * shape.h * shape.w * shape.c;
    right += right_offset + convolution * RIGHT_SIZE;

    float4 sum[RM][QUADS];
    UNROLL_FOR (i, RM)
        UNROLL_FOR (j, QUADS)
            sum[i][j] = (float4)(0.0f);
    left_vector next_left[LEFT_LOADS];
    right_vector next_right[RIGHT_DEPTHS * RIGHT_LOADS];
#define FETCH_TILE()                                                                                         \
    do {                                                                                                     \
        fetch_left(shape, next_left, rows, &at, images);                                                     \
        fetch_right(shape, next_right, &right_at, right);                                                    \
        advance(shape, step, &at);                                                                           \
        right_at.offset += TK * shape.k;                                                                     \
    } while (0)
#if LOCAL
    __local float memory[LOCAL_FLOATS] __attribute__((aligned(16)));
#define LEFT_TILE(buffer) (memory + (buffer)*TK * LEFT_PITCH)
#define RIGHT_TILE(buffer) (memory + 2 * TK * LEFT_PITCH + (buffer)*TK * RIGHT_PITCH)
#define PUT_TILE(buffer)                                                                                     \
    do {                                                                                                     \
        put_left(LEFT_TILE(buffer), next_left, left_row, left_depth);                                        \
        put_right(RIGHT_TILE(buffer), next_right, right_column, right_depth);                                \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                        \
    } while (0)
    if (begin < end) {
        FETCH_TILE();
        PUT_TILE(0);
    }
    for (int tile = begin; tile < end; tile++) {
        const int buffer = (tile - begin) & 1;
        if (tile + 1 < end)
            FETCH_TILE();
        multiply_tiles(sum, LEFT_TILE(buffer) + row, RIGHT_TILE(buffer) + column);
        if (tile + 1 < end)
            PUT_TILE(buffer ^ 1);
    }
#else
    for (int tile = begin; tile < end; tile++) {
        float left_tile[TK * LEFT_PITCH], right_tile[TK * RIGHT_PITCH];
        FETCH_TILE();
        put_left(left_tile, next_left, 0, 0);
        put_right(right_tile, next_right, 0, 0);
        multiply_tiles(sum, left_tile, right_tile);
    }
#endif
    results += result_offset + get_group_id(1) * RESULT_SIZE;
#if ADDS_FIRST
    if (accumulate)
        add_results(shape, sum, results, first_row + row, first_column + column);
    store_results(shape, sum, results, first_row + row, first_column + column, 0);
#else
    store_results(shape, sum, results, first_row + row, first_column + column, accumulate);
#endif
#if LOCAL && !DFILTER
    if (statistics)
        store_statistics(shape, sum, memory, statistics, row_tile, first_column, item, row, column);
#endif
}
