/* What a device can do at most, measured: what other figures are shares of. */
#ifndef RNCL_CLI_BENCH_PEAK_H
#define RNCL_CLI_BENCH_PEAK_H

#include "context.h"

typedef struct rncl_peak {
    double gflops; /* multiply-adds in registers, two operations each */
    /* Products of float32 numbers, or of what the context's precision makes of them, on the matrix unit that
     * convolutions use; of three products that make one, one counts. 0: there is none. */
    double matrix_gflops;
    double bandwidth_gbs; /* reading a buffer that no cache holds, GB (1e9 bytes) a second */
} rncl_peak;

/* The faster of the two ways to multiply. */
static inline double rncl_peak_products(const rncl_peak *peak)
{
    return peak->matrix_gflops > peak->gflops ? peak->matrix_gflops : peak->gflops;
}

/* Takes about a quarter of a second and 256 MiB of device memory, or what it can have at once. */
rncl_status rncl_peak_measure(rncl_context *context, rncl_peak *peak);

#endif
