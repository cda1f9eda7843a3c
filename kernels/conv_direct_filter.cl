/* Direct convolution: dfilter from x and dy, as private sums over equal shares of the batch. */
#include "conv_direct.clh"

/* Work-item (g, t): the g-th share of the output channels, the t-th share of the tiles. `sums` holds one dfilter for each t.
 * It starts from what is there if `accumulate`, else from zero. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv_direct_filter(const rncl_direct_shape shape, __global const float *restrict x,
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
#if STAGE > 0
    __local float staged[STAGE];
#endif
    for (int tile = first_tile; tile < last_tile; tile++) {
        const int image = tile / image_tiles;
        const int tile_row = (tile - image * image_tiles) * shape.tile_rows;
        const int tile_end = min(tile_row + shape.tile_rows, shape.p);
        __global const float *pixels = x + (size_t)image * shape.h * shape.w * shape.c;
        __global const float *gradient = dy + ((size_t)image * shape.p + tile_row) * shape.q * shape.k;
#if STAGE > 0
        stage_rows(staged, pixels, tile_row, shape);
        INPUT input = staged;
#else
        INPUT input = pixels + (size_t)tile_row * shape.stride * shape.w * shape.c;
#endif
        const int from_zero = tile == first_tile && !accumulate;
        for (int block = first_block; block < last_block; block++)
            for (int r = 0; r < shape.r; r++)
                for (int j = 0; j < shape.s * shape.c; j += CB) {
                    __global float *to = dfilter + ((size_t)r * shape.s * shape.c + j) * shape.k + block * KB;
                    vfloat sum[CB][KV];
                    #pragma unroll
                    for (int i = 0; i < CB; i++)
                        #pragma unroll
                        for (int v = 0; v < KV; v++)
                            sum[i][v] = from_zero ? (vfloat)(0.0f) : VLOAD(to + i * shape.k + v * VW);
                    for (int row = tile_row; row < tile_end; row++) {
                        INPUT in = input + ((row - tile_row) * shape.stride + r) * INPUT_PITCH + j;
                        __global const float *g = gradient + (size_t)(row - tile_row) * shape.q * shape.k + block * KB;
                        for (int q = 0; q < shape.q; q++) {
                            vfloat dvalue[KV];
                            #pragma unroll
                            for (int v = 0; v < KV; v++)
                                dvalue[v] = VLOAD(g + q * shape.k + v * VW);
                            #pragma unroll
                            for (int i = 0; i < CB; i++) {
                                const vfloat value = (vfloat)(in[q * shape.stride * shape.c + i]);
                                #pragma unroll
                                for (int v = 0; v < KV; v++)
                                    sum[i][v] = fma(value, dvalue[v], sum[i][v]);
                            }
                        }
                    }
                    #pragma unroll
                    for (int i = 0; i < CB; i++)
                        #pragma unroll
                        for (int v = 0; v < KV; v++)
                            VSTORE(sum[i][v], to + i * shape.k + v * VW);
                }
    }
}
