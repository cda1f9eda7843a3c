/* Shapes and constants that the host and the kernels share, in 32-bit integers. Everything is NHWC; filters
 * are [R][S][C][K]. Included by C and by OpenCL C. */
#ifndef RNCL_KERNEL_ABI_H
#define RNCL_KERNEL_ABI_H

#ifdef __OPENCL_VERSION__
typedef int rncl_int;
#else
#include <stdint.h>
typedef int32_t rncl_int;
#endif

/* Convolution: x [n][h][w][c] * filter [r][s][c][k] -> y [n][p][q][k], p = (h + 2 pad - r) / stride + 1. */
typedef struct rncl_conv_shape {
    rncl_int n, h, w, c, k, r, s, stride, pad, p, q;
} rncl_conv_shape;

/* Shape of the direct and tiled kernels: a convolution that stores its output pixels with a stride, as each
 * phase of a strided input gradient needs it. Reads x [n][h][w][c] and computes p x q pixels of k channels
 * for each image. Pixel (i, j) is stored at (i * out_stride + out_row, j * out_stride + out_column) of an
 * out_h x out_w image. The direct kernels hand out work in tiles of tile_rows rows of pixels. */
typedef struct rncl_direct_shape {
    rncl_int n, h, w, c, r, s, stride, pad_top, pad_left;
    rncl_int p, q, k, out_h, out_w, out_stride, out_row, out_column, tile_rows;
} rncl_direct_shape;

/* Shape of the kernel for matrix units: one product of matrices (kernels/conv/mma.cl). Its left matrix is
 * looked up in an image [n][h][w][c] under r x s taps at p x q pixels of each image; k are its columns.
 * Tap (i, j) of an input gradient is tap filter_first + i * filter_row + j * filter_column of the filter.
 * Pixels are stored as in rncl_direct_shape. A launch computes `batch` products of this shape, whose images,
 * right matrices and results lie one after the other; the latter two begin at right_at and result_at, in
 * floats, multiples of 4. */
typedef struct rncl_mma_shape {
    rncl_int n, h, w, c, r, s, stride, pad_top, pad_left, p, q, k;
    rncl_int filter_first, filter_row, filter_column;
    rncl_int out_h, out_w, out_stride, out_row, out_column;
    rncl_int batch, right_at, result_at;
} rncl_mma_shape;

/* Matrix units (kernels/conv/mma_unit.clh). */
#define RNCL_UNIT_NVIDIA_TF32 1
#define RNCL_UNIT_NVIDIA_BF16 2
#define RNCL_UNIT_AMD_WMMA_BF16 3
#define RNCL_UNIT_AMD_MFMA_F32 4
#define RNCL_UNIT_AMD_MFMA_BF16 5
#define RNCL_UNIT_INTEL_BF16_8 6
#define RNCL_UNIT_INTEL_BF16_16 7
#define RNCL_UNIT_INTEL_TF32_16 8
#define RNCL_UNIT_X86_BF16 9
#define RNCL_UNIT_ARM_BF16 10

/* What conv/tiled.cl adds to the place of a value in the depth to come to its place in the next tile, so that
 * it needs no divisions. Filter gradient: pixels of the image, and images of the batch; else taps of the
 * filter, and channels. */
typedef struct rncl_tile_step {
    rncl_int row, column, count;
} rncl_tile_step;

/* What the Winograd kernels compute: a 3x3 convolution with stride 1 or 2; pad may be negative. Work is
 * handed out in blocks of `tiles` tiles. */
typedef struct rncl_winograd_shape {
    rncl_int n, h, w, c, p, q, k, pad, tiles;
} rncl_winograd_shape;

/* How a filter is packed into the layout [out / KB][r][s][in][KB]: tap (i, j) of the packed filter is tap
 * (row_first + i * row_step, column_first + j * column_step) of the filter; strides are in floats. */
typedef struct rncl_pack_shape {
    rncl_int out, in, r, s, row_first, row_step, column_first, column_step;
    rncl_int row_stride, column_stride, in_stride, out_stride, packed_offset;
} rncl_pack_shape;

/* What a convolution does with its sums in an evaluation before it stores them: the batch normalisation that
 * follows it (always), its addition of a tensor of y's shape, and its ReLU. */
#define RNCL_EPILOGUE_NORMALISE 1
#define RNCL_EPILOGUE_ADD 2
#define RNCL_EPILOGUE_RELU 4

/* What is added to the normalised values before the ReLU. */
#define RNCL_RESIDUAL_NONE 0
#define RNCL_RESIDUAL_ADD 1 /* a tensor of the same shape: the identity (A, B) or a projection (B, C) */
#define RNCL_RESIDUAL_PAD                                                                                    \
    2 /* shortcut A where sizes change: every stride-th pixel, zeros for the new channels */

/* Batch normalisation of x [n][h][w][c], fused with what follows it: y = act(bn(x) + residual).
 * The residual is [n][residual_h][residual_w][residual_c]; with RNCL_RESIDUAL_PAD y's pixel (i, j) takes its
 * pixel (i * residual_stride, j * residual_stride), and its channels from residual_c on are zero. */
typedef struct rncl_batchnorm_shape {
    rncl_int n, h, w, c;
    rncl_int relu;     /* 1: act = ReLU, 0: act = identity */
    rncl_int residual; /* RNCL_RESIDUAL_… */
    rncl_int residual_h, residual_w, residual_c, residual_stride;
} rncl_batchnorm_shape;

/* Max pooling with a square window: x [n][h][w][c] -> y [n][p][q][c]; padding is never the maximum. */
typedef struct rncl_maxpool_shape {
    rncl_int n, h, w, c, size, stride, pad, p, q;
} rncl_maxpool_shape;

/* Global average pooling: x [n][h][w][c] -> y [n][1][1][c]. */
typedef struct rncl_avgpool_shape {
    rncl_int n, h, w, c;
} rncl_avgpool_shape;

/* Fully connected: x [n][c] * weight [c][k] + bias [k] -> y [n][k]. */
typedef struct rncl_linear_shape {
    rncl_int n, c, k;
} rncl_linear_shape;

/* Softmax cross-entropy over logits [n][k]; rows with the label RNCL_NO_LABEL are skipped. A row with a logit
 * that is not finite has the rank RNCL_RANK_NOT_FINITE, which is behind every class. */
#define RNCL_NO_LABEL (-1)
#define RNCL_RANK_NOT_FINITE 0x7fffffff
typedef struct rncl_softmax_shape {
    rncl_int n, k;
} rncl_softmax_shape;

/* SGD and moving averages, over vectors of n floats. */
typedef struct rncl_sgd_shape {
    rncl_int n;
} rncl_sgd_shape;

typedef struct rncl_ema_shape {
    rncl_int n;
} rncl_ema_shape;

/* Gradients of a scaled loss, a vector of n floats. */
typedef struct rncl_unscale_shape {
    rncl_int n;
} rncl_unscale_shape;

/* Work-items that divide such gradients, each of which counts those that are not finite. */
#define RNCL_UNSCALE_PARTS 65536

/* Mixup of pictures [n][floats]. */
typedef struct rncl_mixup_shape {
    rncl_int n, floats;
} rncl_mixup_shape;

/* Floats of padding between arrays that are read in parallel. Without it they would lie a power of two
 * apart and evict each other from the cache. */
#define RNCL_CACHE_GAP 16

/* Statistics begin at a multiple of so many floats (statistics.clh): the widest vector. */
#define RNCL_STATISTICS_ALIGNMENT 16

#define RNCL_BATCHNORM_EPSILON 1e-5f
#define RNCL_BATCHNORM_MOMENTUM 0.1f

#endif
