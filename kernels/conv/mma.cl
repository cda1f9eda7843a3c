/* Convolution on matrix units: a product of matrices in tiles of local memory, for all three passes:
 *
 *   result [rows][columns] = sum over depth of left [rows][depth] * right [depth][columns]
 *
 *   PASS              rows     columns  depth    left                      right
 *   0 forward         n p q    k        r s c    x at pixel and tap        filter
 *   1 backward_data   n p q    k        r s c    dy at pixel and tap       filter, taps turned, channels
 *                                                                          exchanged
 *   2 backward_filter r s c    k        n p q    x at pixel and tap        dy
 *
 * in the names of rncl_mma_shape. For backward_data its image is dy and its k are x's channels; a stride
 * makes one such product of each phase of dx, which has some of the taps and stores pixels with that stride.
 *
 * Work-group (i, j, z) computes the i-th tile of TN columns and the j-th tile of TM rows of product z %
 * batch, over the z / batch-th of nearly equal shares of the depth. Its sub-groups divide the tile:
 *
 *          TN = SC * FC * UNIT_N columns
 *        |  0  |  1  |  2  |  3  |        each of SR x SC sub-groups of LANES work-items computes FR x FC
 *   TM   |-----------------------|        fragments of UNIT_M x UNIT_N values (mma_unit.clh)
 *        |  4  |  5  |  6  |  7  |
 *
 * The depth goes through local memory TK words at a time, in two buffers: while one is multiplied, the next
 * is loaded. A word holds PACK values of the depth, rounded as the unit wants them. With BF16 both matrices
 * are of elements (common.clh), for which conv/round_filter.cl has rounded the filter, and results that are
 * images are as well.
 *
 * shape       see rncl_mma_shape; tensors have fewer than 2^31 values
 * left_from   [batch][n][h][w][c]
 * right_from  [batch] of filter [r][s][c][k], for backward_data [r][s][k][c]; for backward_filter of dy
 *             [n][p][q][k]
 * results     [shares][batch] of y [n][p][q][k], dx [n][out_h][out_w][k] or dfilter [r][s][c][k]; several
 *             shares are added by conv/reduce.cl
 * statistics  of a forward pass of one product without shares, a part for each tile of rows (statistics.clh);
 *             or NULL
 * accumulate  0: results are set, 1: added to
 *
 * With GRADIENT_SUMS, dx, with what it is added to, is the gradient of y = relu(batch normalisation of
 * before_x + residual), and its sums are written too, a part for each tile of rows, from first_part on
 * (batchnorm.clh):
 *
 * before_x      as dx
 * moments       [2][k], of the batch normalisation; with SIGNS_VW the signs of y follow (batchnorm_tiled.cl)
 * weight, bias  [k], of the batch normalisation; not read with SIGNS_VW
 * gradient_sums [parts][2][k] */
#include "statistics.clh"

/* The pass as in the table above: 0, 1 or 2. */
#ifndef PASS
#define PASS 0
#endif
/* Products of a fragment. 3, for units that round to TF32: each number is split into its TF32 and the TF32 of
 * the rest, and the product of the rests is left out, which keeps 21 of 24 bits (Ootomo and Yokota 2022). */
#ifndef PRODUCTS
#define PRODUCTS 1
#endif
/* Rows and columns of sub-groups, from 1 on. */
#ifndef SR
#define SR 2
#endif
#ifndef SC
#define SC 4
#endif
/* Fragments of a sub-group, from 1 on. */
#ifndef FR
#define FR 4
#endif
#ifndef FC
#define FC 4
#endif
/* Words of depth in a tile: a multiple of UNIT_WORDS and of 4. */
#ifndef TK
#define TK 16
#endif
/* Values of a load: 1, or 4 where the channels that it runs along are a multiple of 4; with BF16 1, 2, 4
 * or 8.
 */
#ifndef LEFT_VW
#define LEFT_VW 4
#endif
#ifndef RIGHT_VW
#define RIGHT_VW 4
#endif

/* Values of a store: 1, or 2 where the result's channels are even. */
#ifndef STORE_VW
#define STORE_VW 1
#endif
/* With BF16: 0 or 1, whether results are those of shares, which are floats. */
#ifndef PARTIAL
#define PARTIAL 0
#endif
/* 0 or 1, whether launches compute more than one product. */
#ifndef BATCHED
#define BATCHED 0
#endif
/* Of backward_data: 0 or 1, whether the convolution has a stride, so that rows are pixels of a phase. */
#ifndef STRIDED
#define STRIDED 1
#endif

/* Of backward_data without shares: 0 or 1. */
#ifndef GRADIENT_SUMS
#define GRADIENT_SUMS 0
#endif
/* With GRADIENT_SUMS: values a byte of y's signs, a multiple of STORED. 0: there is no residual, and the
 * signs follow from before_x. */
#ifndef SIGNS_VW
#define SIGNS_VW 0
#endif

/* Whether the tensors' contiguous channels run along the depth. */
#define LEFT_ALONG (PASS != 2)
#define RIGHT_ALONG (PASS == 1)

#define ITEMS (SR * SC * LANES)
#define TM (SR * FR * UNIT_M)
#define TN (SC * FC * UNIT_N)

#include "conv/mma_tile.clh"

/* Reads the words of a fragment. tile: local memory from the fragment's first row or column on; the depth
 * from `word` on. */
static void read_left(const unit_state *unit, __local const uint *tile, int word, uint *words)
{
#if MATRIX_LOADS
#if LEFT_ALONG
#define LEFT_ROW_AT(lane) LEFT_AT((lane) % 16, word + (lane) / 16 * 4)
#else
#define LEFT_ROW_AT(lane) VALUE_AT(0, TM, (lane) / 8 % 2 * 8, 2 * word + (lane) / 16 * 8 + (lane) % 8)
#endif
    LOAD_MATRICES(words, A_WORDS, !LEFT_ALONG, tile, unit->lane, LEFT_ROW_AT);
#elif A_HALVES
    UNROLL_FOR (i, A_WORDS)
        words[i] =
            ((__local const ushort *)tile)[2 * LEFT_AT(A_ROW(unit->lane, i), word) + A_WORD(unit->lane, i)];
#else
    UNROLL_FOR (i, A_WORDS)
        words[i] = tile[LEFT_AT(A_ROW(unit->lane, i), word + A_WORD(unit->lane, i))];
#endif
}

/* Of RIGHTS fragments that lie side by side: ldmatrix reads two. */
#define RIGHTS (MATRIX_LOADS && FC % 2 == 0 ? 2 : 1)
static void read_right(const unit_state *unit, __local const uint *tile, int word, uint *words)
{
#if MATRIX_LOADS
#if RIGHT_ALONG
#define RIGHT_ROW_AT(lane)                                                                                   \
    RIGHT_AT((lane) % 8 + (RIGHTS == 2 ? (lane) / 16 * 8 : 0), word + (lane) / 8 % 2 * 4)
#else
#define RIGHT_ROW_AT(lane) VALUE_AT(0, TN, RIGHTS == 2 ? (lane) / 16 * 8 : 0, 2 * word + (lane) % 16)
#endif
    LOAD_MATRICES(words, RIGHTS * B_WORDS, !RIGHT_ALONG, tile, unit->lane, RIGHT_ROW_AT);
#else
    UNROLL_FOR (i, B_WORDS)
        words[i] = tile[RIGHT_AT(B_COLUMN(unit->lane, i), word + B_WORD(unit->lane, i))];
#endif
}

/* Rounds words to TF32; rests: the TF32 of what is lost. NVIDIA's unit leaves out the lower bits, so that
 * half of the last place rounds; a NaN that this makes a number is still in the word. */
static void split_words(uint *words, uint *rests, int count)
{
#if UNIT_IS_TF32
    UNROLL_FOR (i, count) {
        const float value = as_float(words[i]);
        words[i] = round_to_tf32(value);
#if PRODUCTS == 3
        const float rest = value - as_float(words[i]);
        rests[i] = UNIT == RNCL_UNIT_NVIDIA_TF32 ? as_uint(rest) + 0x1000u : round_to_tf32(rest);
#endif
    }
#endif
}

/* Adds the product of two tiles, which begin with the sub-group's first row and column. */
static void multiply_tiles(const unit_state *unit, float sums[FR][FC][SUMS], __local const uint *left,
                           __local const uint *right)
{
    UNROLL_FOR_STEP (word, TK, UNIT_WORDS) {
        uint a[FR][A_WORDS], b[FC][B_WORDS], a_rest[FR][A_WORDS], b_rest[FC][B_WORDS];
        UNROLL_FOR (i, FR) {
            read_left(unit, left + LEFT_AT(i * UNIT_M, 0), word, a[i]);
            split_words(a[i], a_rest[i], A_WORDS);
        }
        UNROLL_FOR_STEP (j, FC, RIGHTS) {
            read_right(unit, right + RIGHT_AT(j * UNIT_N, 0), word, b[j]);
            split_words(b[j], b_rest[j], B_WORDS);
        }
        UNROLL_FOR (i, FR)
            UNROLL_FOR (j, FC) {
#if PRODUCTS == 3
                multiply(unit, sums[i][j], a_rest[i], b[j]);
                multiply(unit, sums[i][j], a[i], b_rest[j]);
#endif
                multiply(unit, sums[i][j], a[i], b[j]);
            }
    }
}

/* Floats from the beginning of a result to its row. */
static int result_row(rncl_mma_shape shape, int row)
{
#if PASS == 1 && STRIDED
    const int q = row % shape.q, p = row / shape.q % shape.p, n = row / shape.q / shape.p;
    return ((n * shape.out_h + p * shape.out_stride + shape.out_row) * shape.out_w + q * shape.out_stride +
            shape.out_column) *
           shape.k;
#else
    return row * shape.k;
#endif
}

/* A value of the result in memory. */
#define ROUNDS_RESULT (PASS != 2 && !PARTIAL)
#if defined(BF16) && ROUNDS_RESULT
typedef element result_value;
#else
typedef float result_value;
#endif

/* Neighbouring columns whose sums a lane stores at once, and what it stores. */
#define STORED (SUM_COLUMNS == 2 ? STORE_VW : 1)
#if SUM_COLUMNS == 2 && STORE_VW == 2
typedef float2 stored;
#define STORED_SUMS(sums) ((float2)((sums)[0], (sums)[1]))
#define KEEP_STORED(value, sums) ((sums)[0] = (value).x, (sums)[1] = (value).y)
#if defined(BF16) && ROUNDS_RESULT
typedef uint in_memory;
#define FLOATS_OF(word) (as_float2((uint2)((word) << 16, (word)&0xffff0000u)))
#define IN_MEMORY(value) pack_bf16((value).x, (value).y)
#else
typedef float2 in_memory;
#define FLOATS_OF(value) (value)
#define IN_MEMORY(value) (value)
#endif
#else
typedef float stored;
#define STORED_SUMS(sums) ((sums)[0])
#define KEEP_STORED(value, sums) ((sums)[0] = (value))
typedef result_value in_memory;
#if defined(BF16) && ROUNDS_RESULT
#define FLOATS_OF(value) ELEMENT(value)
#define IN_MEMORY(value) ((element)round_to_bf16(value))
#else
#define FLOATS_OF(value) (value)
#define IN_MEMORY(value) (value)
#endif
#endif

/* Intel's compiler does not unroll a loop that finds rows of phases, adds to elements and rounds, and keeps
 * the sums in memory then: adding is a loop of its own there. */
#ifdef BF16
#define ADDS_FIRST (UNIT_IS_INTEL && ROUNDS_RESULT)
#else
#define ADDS_FIRST 0
#endif

#if ADDS_FIRST
static void add_results(rncl_mma_shape shape, const unit_state *unit, float sums[FR][FC][SUMS],
                        __global const result_value *result, int first_row, int first_column)
{
    UNROLL_FOR (i, FR)
        UNROLL_FOR (v, SUMS) {
            const int row = first_row + i * UNIT_M + SUM_ROW(unit->lane, v);
            if (row < row_count(shape)) {
                __global const result_value *line = result + result_row(shape, row);
                UNROLL_FOR (j, FC) {
                    const int column = first_column + j * UNIT_N + SUM_COLUMN(unit->lane, v);
                    sums[i][j][v] += column < shape.k ? FLOATS_OF(line[column]) : 0.0f;
                }
            }
        }
}
#endif

/* Stores the fragments of a sub-group, of which the first begins at (first_row, first_column), and makes sums
 * what is stored, before it is rounded. */
static void store_sums(rncl_mma_shape shape, const unit_state *unit, float sums[FR][FC][SUMS],
                       __global result_value *result, int first_row, int first_column, int accumulate)
{
    UNROLL_FOR (i, FR)
        UNROLL_FOR_STEP (v, SUMS, STORED) {
            const int row = first_row + i * UNIT_M + SUM_ROW(unit->lane, v);
            if (row < row_count(shape)) {
                __global result_value *line = result + result_row(shape, row);
                UNROLL_FOR (j, FC) {
                    const int column = first_column + j * UNIT_N + SUM_COLUMN(unit->lane, v);
                    __global in_memory *to = (__global in_memory *)(line + column);
                    stored value = STORED_SUMS(sums[i][j] + v);
                    if (column < shape.k) {
                        value = accumulate ? FLOATS_OF(*to) + value : value;
                        KEEP_STORED(value, sums[i][j] + v);
                        *to = IN_MEMORY(value);
                    }
                }
            }
        }
}

#if PASS == 0 || GRADIENT_SUMS
/* LANE_ROWS lanes of a sub-group have sums of the same column; a lane has sums of SUM_COLUMNS columns of a
 * fragment. */
#define LANE_ROWS (LANES * SUM_COLUMNS / UNIT_N)
#define GATHERED_WORDS (SR * LANE_ROWS * TN)

/* Adds up a value of each column over the work-group's sub-groups and lanes, in the order of their rows.
 * slot: where the lane's first value goes. The total of column i is in gathered[i] afterwards. It is no
 * function, since PoCL 3.1 loses the barriers of one that is called twice. */
#define GATHER_COLUMNS(gathered, own, slot, item, lane)                                                      \
    do {                                                                                                     \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                        \
        UNROLL_FOR (j, FC)                                                                                   \
            UNROLL_FOR (v, SUM_COLUMNS)                                                                      \
                (gathered)[(slot) + j * UNIT_N + SUM_COLUMN((lane), v)] = (own)[j][v];                       \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                        \
        for (int i = (item); i < TN; i += ITEMS) {                                                           \
            float total = 0.0f;                                                                              \
            UNROLL_FOR (j, SR * LANE_ROWS)                                                                   \
                total += (gathered)[j * TN + i];                                                             \
            (gathered)[i] = total;                                                                           \
        }                                                                                                    \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                        \
    } while (0)

/* Where the first value of a lane goes in GATHER_COLUMNS. row, column: of the sub-group's first sum in the
 * tile. */
static int gather_slot(int lane, int row, int column)
{
    return (row / (FR * UNIT_M) * LANE_ROWS + lane / (UNIT_N / SUM_COLUMNS)) * TN + column;
}
#else
#define GATHERED_WORDS 0
#endif

#if PASS == 0
/* Writes mean and deviations of the tile's columns, in two passes over the sums. row, column: of the
 * sub-group's first sum in the tile. */
static void store_statistics(rncl_mma_shape shape, const float sums[FR][FC][SUMS], __local float *gathered,
                             __global float *statistics, int item, int lane, int row, int column)
{
    const int row_tiles = get_num_groups(1), row_tile = get_group_id(1), first_column = get_group_id(0) * TN;
    const int count = min(TM, row_count(shape) - row_tile * TM);
    const float share = 1.0f / (float)count;
    const int slot = gather_slot(lane, row, column);
    __global float *part = statistics + statistics_at(row_tiles, row_tile, shape.k) + first_column;
    float own[FC][SUM_COLUMNS], mean[FC][SUM_COLUMNS];
    UNROLL_FOR (j, FC) {
        UNROLL_FOR (v, SUM_COLUMNS)
            own[j][v] = 0.0f;
        UNROLL_FOR (i, FR)
            UNROLL_FOR (v, SUMS)
                if (row + i * UNIT_M + SUM_ROW(lane, v) < count)
                    own[j][v % SUM_COLUMNS] += sums[i][j][v];
    }
    GATHER_COLUMNS(gathered, own, slot, item, lane);
    UNROLL_FOR (j, FC)
        UNROLL_FOR (v, SUM_COLUMNS)
            mean[j][v] = gathered[column + j * UNIT_N + SUM_COLUMN(lane, v)] * share;
    for (int i = item; i < TN; i += ITEMS)
        if (first_column + i < shape.k)
            part[i] = gathered[i] * share;
    UNROLL_FOR (j, FC) {
        UNROLL_FOR (v, SUM_COLUMNS)
            own[j][v] = 0.0f;
        UNROLL_FOR (i, FR)
            UNROLL_FOR (v, SUMS) {
                const float d = sums[i][j][v] - mean[j][v % SUM_COLUMNS];
                if (row + i * UNIT_M + SUM_ROW(lane, v) < count)
                    own[j][v % SUM_COLUMNS] = fma(d, d, own[j][v % SUM_COLUMNS]);
            }
    }
    GATHER_COLUMNS(gathered, own, slot, item, lane);
    for (int i = item; i < TN; i += ITEMS)
        if (first_column + i < shape.k)
            part[shape.k + i] = gathered[i];
    if (first_column == 0 && item == 0)
        statistics[row_tile] = (float)count;
}
#endif

#if GRADIENT_SUMS
/* What the gradient of a batch normalisation of `before_x` depends on. */
typedef struct normalisation {
    __global const element *x;
    __global const float *moments, *weight, *bias;
} normalisation;

#if SIGNS_VW
/* The signs of STORED values of y from the value-th on, from the lowest bit on. */
static uint load_signs(rncl_mma_shape shape, const normalisation *before, uint value)
{
    __global const uchar *signs = (__global const uchar *)(before->moments + 2 * shape.k);
    return signs[value / SIGNS_VW] >> value % SIGNS_VW;
}
#define IS_POSITIVE(e) ((signs >> (e)) & 1)
#else
#define IS_POSITIVE(e) (fma(centred, scale[e], bias[e]) > 0.0f)
#endif

/* Writes the sums of dz and of dz * xhat of the tile's columns, where dz is dx where y is positive. part: for
 * the first column. row, column: of the sub-group's first sum in the tile. */
static void store_gradient_sums(rncl_mma_shape shape, const float sums[FR][FC][SUMS],
                                const normalisation *before, __local float *gathered, __global float *part,
                                int item, int lane, int row, int column)
{
    const int row_tile = get_group_id(1), first_column = get_group_id(0) * TN;
    const int count = min(TM, row_count(shape) - row_tile * TM), slot = gather_slot(lane, row, column);
    float sum[FC][SUM_COLUMNS], product[FC][SUM_COLUMNS];
    UNROLL_FOR (j, FC)
        UNROLL_FOR_STEP (c, SUM_COLUMNS, STORED) {
            const int at = first_column + column + j * UNIT_N + SUM_COLUMN(lane, c), valid = at < shape.k;
            float mean[STORED];
            UNROLL_FOR (e, STORED) {
                mean[e] = valid ? before->moments[at + e] : 0.0f;
                sum[j][c + e] = product[j][c + e] = 0.0f;
            }
#if !SIGNS_VW
            float scale[STORED], bias[STORED];
            UNROLL_FOR (e, STORED) {
                scale[e] = valid ? before->moments[shape.k + at + e] * before->weight[at + e] : 0.0f;
                bias[e] = valid ? before->bias[at + e] : 0.0f;
            }
#endif
            UNROLL_FOR (i, FR)
                UNROLL_FOR_STEP (v, SUMS, SUM_COLUMNS) {
                    const int in_tile = row + i * UNIT_M + SUM_ROW(lane, v);
                    if (valid && in_tile < count) {
                        const int value = result_row(shape, row_tile * TM + in_tile) + at;
                        float x[STORED];
                        const stored loaded_x = FLOATS_OF(*(__global const in_memory *)(before->x + value));
                        KEEP_STORED(loaded_x, x);
#if SIGNS_VW
                        const uint signs = load_signs(shape, before, value);
#endif
                        UNROLL_FOR (e, STORED) {
                            const float centred = x[e] - mean[e];
                            const float dz = IS_POSITIVE(e) ? sums[i][j][v + c + e] : 0.0f;
                            sum[j][c + e] += dz;
                            product[j][c + e] = fma(dz, centred, product[j][c + e]);
                        }
                    }
                }
        }
    GATHER_COLUMNS(gathered, sum, slot, item, lane);
    for (int i = item; i < TN; i += ITEMS)
        if (first_column + i < shape.k)
            part[i] = gathered[i];
    GATHER_COLUMNS(gathered, product, slot, item, lane);
    for (int i = item; i < TN; i += ITEMS)
        if (first_column + i < shape.k)
            part[shape.k + i] = gathered[i] * before->moments[shape.k + first_column + i];
}
#endif
#define LEFT_WORDS (2 * LEFT_TILE > GATHERED_WORDS ? 2 * LEFT_TILE : GATHERED_WORDS)

__kernel UNIT_ATTRIBUTE __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
conv_mma(const rncl_mma_shape shape, __global const element *restrict left_from,
         __global const element *restrict right_from, __global result_value *restrict results,
         __global float *restrict statistics, const int accumulate
#if GRADIENT_SUMS
         ,
         __global const element *restrict before_x, __global const float *restrict moments,
         __global const float *restrict weight, __global const float *restrict bias,
         __global float *restrict gradient_sums, const int first_part
#endif
)
{
    __local uint left[LEFT_WORDS] __attribute__((aligned(16)));
    __local uint right[2 * RIGHT_TILE] __attribute__((aligned(16)));
    __local int4 depths[2 * TK * PACK];
#if EMULATED
    __local uint exchange[SR * SC * EXCHANGE_WORDS];
#endif
    const int item = get_local_id(0), group = item / LANES;
    const unit_state unit = {
        .lane = item % LANES,
#if EMULATED
        .exchange = exchange + group * EXCHANGE_WORDS,
#endif
    };
    const int row = group / SC * FR * UNIT_M, column = group % SC * FC * UNIT_N;
    const int first_row = get_group_id(1) * TM, first_column = get_group_id(0) * TN;
    const int tiles = (depth_count(shape) + TK * PACK - 1) / (TK * PACK);
    const int batch = BATCHED ? shape.batch : 1;
    const int z = get_group_id(2), product = z % batch, share = z / batch,
              shares = (int)get_num_groups(2) / batch;
    const int begin = (int)((long)tiles * share / shares), end = (int)((long)tiles * (share + 1) / shares);
    const tile_source source = {left_from + product * left_floats(shape),
                                right_from + shape.right_at + product * right_floats(shape), first_column};
    tile_words next;
    int4 places[LEFT_LOADS];
    float sums[FR][FC][SUMS];

    UNROLL_FOR (i, FR)
        UNROLL_FOR (j, FC)
            UNROLL_FOR (v, SUMS)
                sums[i][j][v] = 0.0f;
    UNROLL_FOR (i, LEFT_LOADS)
        places[i] = row_place(shape, first_row + left_row(item, i));
    list_depths(shape, depths, begin, item);
    list_depths(shape, depths, begin + 1, item);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (begin < end) {
        fetch_tile(shape, &source, places, depths, begin, item, left, right, &next);
        put_tile(&next, begin, item, left, right);
    }
    for (int tile = begin; tile < end; tile++) {
        finish_copies();
        barrier(CLK_LOCAL_MEM_FENCE);
        if (tile + 1 < end)
            fetch_tile(shape, &source, places, depths, tile + 1, item, left, right, &next);
        list_depths(shape, depths, tile + 2, item);
        multiply_tiles(&unit, sums, left + (tile & 1) * LEFT_TILE + LEFT_AT(row, 0),
                       right + (tile & 1) * RIGHT_TILE + RIGHT_AT(column, 0));
        if (tile + 1 < end)
            put_tile(&next, tile + 1, item, left, right);
    }
    results += shape.result_at + z * result_floats(shape);
#if ADDS_FIRST
    if (accumulate)
        add_results(shape, &unit, sums, results, first_row + row, first_column + column);
    store_sums(shape, &unit, sums, results, first_row + row, first_column + column, 0);
#else
    store_sums(shape, &unit, sums, results, first_row + row, first_column + column, accumulate);
#endif
#if PASS == 0
    if (statistics)
        store_statistics(shape, sums, (__local float *)left, statistics, item, unit.lane, row, column);
#endif
#if GRADIENT_SUMS
    const normalisation before = {before_x, moments, weight, bias};
    __global float *part =
        gradient_sums + (size_t)(first_part + get_group_id(1)) * 2 * shape.k + first_column;
    store_gradient_sums(shape, sums, &before, (__local float *)left, part, item, unit.lane, row, column);
#endif
}
