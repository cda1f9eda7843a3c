/* Max pooling with a square window; the padding never wins.
 *
 * maxpool_forward   y and taps from x
 * maxpool_backward  dx from dy and taps: each pixel of dx adds up the windows that it won, in a fixed order
 *
 * A work-item computes `per` vectors of VW channels of y or dx, see elementwise.clh. VW divides c.
 *
 * shape       see rncl_maxpool_shape
 * x, dx       [n][h][w][c]
 * y, dy       [n][p][q][c]
 * taps        [n][p][q][c], bytes: the winner of the window, row * size + column. It is the first maximum,
 *             as in PyTorch
 * accumulate  0: dx is set, 1: added to */
#include "elementwise.clh"

/* Vectors of VW integers and bytes. */
#if VW == 1
typedef int vint;
typedef uchar vbyte;
#define VINT(v) ((int)(v))
#define VBYTE(v) ((uchar)(v))
#define BYTES_LOAD(p) (*(p))
#define BYTES_STORE(value, p) (*(p) = (value))
#else
typedef PASTE(int, VW) vint;
typedef PASTE(uchar, VW) vbyte;
#define VINT(v) PASTE(convert_int, VW)(v)
#define VBYTE(v) PASTE(convert_uchar, VW)(v)
#if FOR_CPU
/* PoCL's vstore of bytes stores them one by one. */
typedef vbyte vbyte_in_memory __attribute__((aligned(1)));
#define BYTES_LOAD(p) (*(__global const vbyte_in_memory *)(p))
#define BYTES_STORE(value, p) (*(__global vbyte_in_memory *)(p) = (value))
#else
#define BYTES_LOAD(p) (*(__global const vbyte *)(p))
#define BYTES_STORE(value, p) (*(__global vbyte *)(p) = (value))
#endif
#endif

/* value / stride, value >= 0. A shift for the usual stride: the division would take most of the kernel's
 * time. */
static int divide_by_stride(int value, int stride)
{
    return stride == 2 ? value >> 1 : value / stride;
}

/* Prefetch distance, in pixels. Hardware prefetchers do not follow the rows of a window all at once. */
#define PREFETCH_PIXELS 8

__kernel void maxpool_forward(const rncl_maxpool_shape shape, const int per,
                              __global const element *restrict x, __global element *restrict y,
                              __global uchar *restrict taps)
{
    for (int turn = 0; turn < per; turn++) {
        const size_t i = element_at(turn, per);
        if (i >= (size_t)shape.n * shape.p * shape.q * shape.c)
            return;
        const int pixel = i / shape.c, c = i - (size_t)pixel * shape.c;
        const int q = pixel % shape.q, p = pixel / shape.q % shape.p, n = pixel / shape.q / shape.p;
        const int top = p * shape.stride - shape.pad, left = q * shape.stride - shape.pad;
        const int first_r = max(0, -top), first_s = max(0, -left);
        vfloat best = (vfloat)(-INFINITY);
        vint winner = (vint)(first_r * shape.size + first_s);
        const int end_r = min(shape.size, shape.h - top), end_s = min(shape.size, shape.w - left);
        for (int r = first_r; r < end_r; r++) {
            __global const element *at =
                x + (((size_t)n * shape.h + top + r) * shape.w + left + first_s) * shape.c + c;
            for (int s = first_s; s < end_s; s++, at += shape.c) {
                PREFETCH(at + PREFETCH_PIXELS * shape.c);
                const vfloat value = ELOAD(at);
                const vint wins = isgreater(value, best) | isnan(value);
                best = select(best, value, wins);
                winner = select(winner, (vint)(r * shape.size + s), wins);
            }
        }
        ESTORE(best, y + i);
        BYTES_STORE(VBYTE(winner), taps + i);
    }
}

__kernel void maxpool_backward(const rncl_maxpool_shape shape, const int per,
                               __global const element *restrict dy, __global const uchar *restrict taps,
                               __global element *restrict dx, const int accumulate)
{
    for (int turn = 0; turn < per; turn++) {
        const size_t i = element_at(turn, per);
        if (i >= (size_t)shape.n * shape.h * shape.w * shape.c)
            return;
        const int pixel = i / shape.c, c = i - (size_t)pixel * shape.c;
        const int column = pixel % shape.w, row = pixel / shape.w % shape.h, n = pixel / shape.w / shape.h;
        vfloat sum = accumulate ? ELOAD(dx + i) : (vfloat)(0.0f);
        /* Windows that contain the pixel: p * stride - pad <= row < p * stride - pad + size. */
        const int first_p =
            divide_by_stride(max(0, row + shape.pad - shape.size + shape.stride), shape.stride);
        const int last_p = min(shape.p - 1, divide_by_stride(row + shape.pad, shape.stride));
        const int first_q =
            divide_by_stride(max(0, column + shape.pad - shape.size + shape.stride), shape.stride);
        const int last_q = min(shape.q - 1, divide_by_stride(column + shape.pad, shape.stride));
        for (int p = first_p; p <= last_p; p++)
            for (int q = first_q; q <= last_q; q++) {
                const int tap =
                    (row - p * shape.stride + shape.pad) * shape.size + column - q * shape.stride + shape.pad;
                const size_t at = (((size_t)n * shape.p + p) * shape.q + q) * shape.c + c;
                sum += select((vfloat)(0.0f), ELOAD(dy + at), VINT(BYTES_LOAD(taps + at)) == (vint)(tap));
            }
        ESTORE(sum, dx + i);
    }
}
