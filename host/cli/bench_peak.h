/* What a device can do at most, measured: what other figures are shares of. */
#ifndef RNCL_CLI_BENCH_PEAK_H
#define RNCL_CLI_BENCH_PEAK_H

#include "context.h"

typedef struct rncl_peak {
    double gflops;        /* multiply-adds in registers, two operations each */
    double bandwidth_gbs; /* reading a buffer that no cache holds, GB (1e9 bytes) a second */
} rncl_peak;

/* Takes about a quarter of a second and 256 MiB of device memory, or what it can have at once. */
rncl_status rncl_peak_measure(rncl_context *context, rncl_peak *peak);

#endif
