/* Direct convolution's filter gradient, dfilter = sum over all output pixels of x under each tap times dy.
 *
 * A work-group is one work-item. Work-item (g, t) sums over the t-th of get_global_size(1) equal shares of
 * the tiles (conv/direct.clh), for the g-th of get_global_size(0) shares of the output channels. For each
 * tile it copies the part of x under it into local memory, CHUNK channels at a time, and multiplies that by
 * dy in place.
 *
 * shape       see rncl_direct_shape; a dense output: out_h = p, out_w = q
 * x           [n][h][w][c]
 * dy          [n][p][q][k]
 * sums        [get_global_size(1)][r][s][c][k], a sum for each share of the tiles; conv/reduce.cl adds them.
 *             With one share it is dfilter itself
 * accumulate  0: sums are set, 1: added to
 *
 * The copy in local memory, `staged` [CHUNK / VC][ROWS_OF_X][PIXELS_OF_X][VC], with the padding:
 *
 *   | group 0 of VC channels                              | group 1
 *   | row 0                           | row 1             | row 0
 *   | pixel 0 | pixel 1 | pixel 2 | … | pixel 0 | …       | pixel 0 | …
 *     VC        VC        VC floats
 *     \___________________________/ a stretch: the s taps of a row, s * VC contiguous values
 *
 * PAIRS: the value of a pixel is the word (conv/pairs.clh) of it and of the one that the next output pixel
 * reads, and dy is copied as words of two output pixels behind `staged`, [tile_rows][(q + 1) / 2][KB]; where
 * q is odd, a zero is the last one's other half. IMAGE_PAIRS: words are of the same pixel of two images, of
 * which the last may be missing, and a tile is rows of both; the words of dy are [tile_rows][q][KB].
 *
 * In x itself the pixels of many channels lie a power of two apart, and caches hold few lines that do. The
 * rows of the register block are CB values of a stretch, its columns are KB output channels. */

/* Values of a stretch in the register block, from 1 on: divides VC, or s * VC where VC is c. */
#ifndef CB
#define CB 1
#endif
/* Channels of a group: VW if that divides c, else c. */
#ifndef VC
#define VC 1
#endif
/* Channels that are copied at a time: a multiple of VC, at most c. */
#ifndef CHUNK
#define CHUNK VC
#endif
/* 0 or 1; 1 only if VC is VW. */
#ifndef IMAGE_PAIRS
#define IMAGE_PAIRS 0
#endif
#define BLOCK_ROWS CB

#include "conv/direct.clh"
#include "conv/register_block.clh"

/* The part of x that a tile of dy needs. */
#define ROWS_OF_X ((shape.tile_rows - 1) * shape.stride + shape.r)
#define PIXELS_OF_X ((shape.q - 1) * shape.stride + shape.s)

/* Prefetch distance for x, in pixels. */
#define PREFETCH_PIXELS 8

/* Images of a tile, and output pixels from one word to the next. */
#define TILE_IMAGES (IMAGE_PAIRS ? 2 : 1)
#define WORD_PIXELS (IMAGE_PAIRS ? 1 : 2)

#if PAIRS
#define ROW_WORDS ((shape.q + WORD_PIXELS - 1) / WORD_PIXELS)
#elif VC == VW && VW > 1
#define COPY_GROUP(from, to) VSTORE(ELOAD(from), to)
#define ZERO_GROUP(to) VSTORE((vfloat)(0.0f), to)
#else
#define COPY_GROUP(from, to)                                                                                 \
    do {                                                                                                     \
        for (int c_ = 0; c_ < VC; c_++)                                                                      \
            (to)[c_] = ELEMENT((from)[c_]);                                                                  \
    } while (0)
#define ZERO_GROUP(to)                                                                                       \
    do {                                                                                                     \
        for (int c_ = 0; c_ < VC; c_++)                                                                      \
            (to)[c_] = 0.0f;                                                                                 \
    } while (0)
#endif

#if PAIRS
/* Whether the image has the pixel. */
static int is_inside(int y, int x, rncl_direct_shape shape)
{
    return y >= 0 && y < shape.h && x >= 0 && x < shape.w;
}

/* As without pairs, see below. images: from this one on. */
static void stage_groups(__local float *staged, __global const element *image, int images, int row,
                         int groups, rncl_direct_shape shape)
{
#if VC == VW
    const int group_floats = ROWS_OF_X * PIXELS_OF_X * VC;
    const size_t to_second = (size_t)(IMAGE_PAIRS ? shape.h * shape.w : shape.stride) * shape.c;
    for (int t = 0; t < ROWS_OF_X; t++)
        for (int i = 0; i < PIXELS_OF_X; i++) {
            const int y = row * shape.stride - shape.pad_top + t, x = i - shape.pad_left;
            const int has_first = is_inside(y, x, shape);
            const int has_second =
                IMAGE_PAIRS ? has_first && images > 1
                            : i + shape.stride < PIXELS_OF_X && is_inside(y, x + shape.stride, shape);
            __global const element *pixel = image + ((size_t)y * shape.w + x) * shape.c;
            for (int g = 0; g < groups; g++) {
                vfloat words;
                PREFETCH(pixel + PREFETCH_PIXELS * shape.c + g * VC);
                PREFETCH(pixel + PREFETCH_PIXELS * shape.c + to_second + g * VC);
                load_words(&words, pixel + g * VC, has_first, pixel + to_second + g * VC, has_second);
                VSTORE(words, staged + (t * PIXELS_OF_X + i) * VC + g * group_floats);
            }
        }
#else
    /* One group of all channels: rows are contiguous. */
    const int length = PIXELS_OF_X * VC, before = min(shape.pad_left * VC, length);
    for (int t = 0; t < ROWS_OF_X; t++) {
        const int y = row * shape.stride - shape.pad_top + t;
        const int count = y < 0 || y >= shape.h ? 0 : min(shape.w * VC, length - before);
        stage_words(staged + t * length, image + (size_t)y * shape.w * VC, before, count, length,
                    shape.stride * VC);
    }
#endif
}

/* Copies KB channels of `rows` rows of dy, of so many images. */
static void stage_dy(__local float *gradients, __global const element *dy, int images, int rows,
                     rncl_direct_shape shape)
{
    const size_t to_second = (size_t)(IMAGE_PAIRS ? shape.p * shape.q : 1) * shape.k;
    for (int row = 0; row < rows; row++)
        for (int q = 0; q < shape.q; q += WORD_PIXELS)
            UNROLL_FOR_STEP (v, KB, VW) {
                __global const element *from = dy + ((size_t)row * shape.q + q) * shape.k + v;
                vfloat words;
                load_words(&words, from, 1, from + to_second, IMAGE_PAIRS ? images > 1 : q + 1 < shape.q);
                VSTORE(words, gradients + (row * ROW_WORDS + q / WORD_PIXELS) * KB + v);
            }
}
#else
/* Copies `groups` groups of channels from `image` on, of the rows that output rows from `row` on read. */
static void stage_groups(__local float *staged, __global const element *image, int images, int row,
                         int groups, rncl_direct_shape shape)
{
    (void)images;
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

#endif

/* The gradients that are multiplied. */
#if PAIRS
#define GRADIENT __local const float *
#else
#define GRADIENT __global const element *
#endif

/* CB x KB values of dfilter, summed over `rows` rows of dy. stretch: from the first of the CB values on, for
 * the first output pixel; dy: KB channels from that pixel on; to: rows k floats apart; next: what follows to.
 */
static void multiply(rncl_direct_shape shape, int rows, __local const float *stretch, GRADIENT dy,
                     __global float *to, __global const float *next, int from_zero)
{
    vfloat sum[CB][KV];
    if (from_zero)
        clear_block(sum);
    else
        load_block(sum, to, shape.k);
    UNROLL_FOR (i, CB)
        UNROLL_FOR_STEP (v, KB, LINE_FLOATS)
            PREFETCH_FOR_WRITE(next + (size_t)i * shape.k + v);
    for (int row = 0; row < rows; row++) {
        __local const float *in = stretch + row * shape.stride * PIXELS_OF_X * VC;
#if PAIRS
        GRADIENT dy_row = dy + row * ROW_WORDS * KB;
        FOR_WORDS(q, ROW_WORDS, {
            ADD_OUTER_PRODUCT(sum, dy_row, i, in[i]);
            in += WORD_PIXELS * shape.stride * VC;
            dy_row += KB;
        });
#else
        GRADIENT dy_row = dy + (size_t)row * shape.q * shape.k;
        for (int q = 0; q < shape.q; q++)
            ADD_OUTER_PRODUCT_OF(ELOAD, sum, dy_row + q * shape.k, i, in[q * shape.stride * VC + i]);
#endif
    }
    store_block(sum, to, shape.k);
}

/* The row of dfilter, [r][s][c] of them, to which value j of a stretch belongs. group: its first channel. */
static size_t filter_row(rncl_direct_shape shape, int r, int j, int group)
{
    return (size_t)(r * shape.s + j / VC) * shape.c + group + j % VC;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_direct_dfilter(const rncl_direct_shape shape, __global const element *restrict x,
                    __global const element *restrict dy, __global float *restrict sums, const int accumulate)
{
    const int image_tiles = (shape.p + shape.tile_rows - 1) / shape.tile_rows;
    const int tiles = image_tiles * ((shape.n + TILE_IMAGES - 1) / TILE_IMAGES);
    const int first_tile = (int)((long)tiles * get_global_id(1) / get_global_size(1));
    const int last_tile = (int)((long)tiles * (get_global_id(1) + 1) / get_global_size(1));
    const int blocks = shape.k / KB;
    const int first_block = blocks * get_global_id(0) / get_global_size(0);
    const int last_block = blocks * (get_global_id(0) + 1) / get_global_size(0);
    __global float *dfilter = sums + (size_t)get_global_id(1) * shape.r * shape.s * shape.c * shape.k;
    __local float ALIGNED staged[STAGE];
    for (int tile = first_tile; tile < last_tile; tile++) {
        const int image = tile / image_tiles * TILE_IMAGES, images = min(TILE_IMAGES, shape.n - image);
        const int tile_row = tile % image_tiles * shape.tile_rows;
        const int rows = min(shape.tile_rows, shape.p - tile_row);
        const int from_zero = tile == first_tile && !accumulate;
        __global const element *pixels = x + (size_t)image * shape.h * shape.w * shape.c;
        __global const element *tile_dy = dy + ((size_t)image * shape.p + tile_row) * shape.q * shape.k;
        for (int chunk = 0; chunk < shape.c; chunk += CHUNK) {
            const int groups = min(CHUNK, shape.c - chunk) / VC;
            stage_groups(staged, pixels + chunk, images, tile_row, groups, shape);
            for (int block = first_block; block < last_block; block++) {
#if PAIRS
                __local float *block_dy = staged + CHUNK * ROWS_OF_X * PIXELS_OF_X;
                stage_dy(block_dy, tile_dy + block * KB, images, rows, shape);
#else
                GRADIENT block_dy = tile_dy + block * KB;
#endif
                for (int g = 0; g < groups; g++)
                    for (int r = 0; r < shape.r; r++)
                        for (int j = 0; j < shape.s * VC; j += CB) {
                            __global float *to = dfilter + filter_row(shape, r, j, chunk + g * VC) * shape.k;
                            const size_t next = filter_row(shape, r, j + CB, chunk + g * VC) * shape.k;
                            multiply(shape, rows, staged + (g * ROWS_OF_X + r) * PIXELS_OF_X * VC + j,
                                     block_dy, to + block * KB, dfilter + next + block * KB, from_zero);
                        }
            }
        }
    }
}
