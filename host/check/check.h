/* The harness for operations: compares every operation and every convolution algorithm on the device with
 * the host reference, forward and backward, at fixed and at random shapes. `rncl check` and the tests use
 * it. Results and their summary are in rncl/rncl.h. The tolerance is 0 where the result must be exact,
 * else 1e-6 sqrt(K), where K is the length of the reduction, and 8 times the rounding of the row's operands.
 */
#ifndef RNCL_CHECK_CHECK_H
#define RNCL_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context.h"
#include "rncl/rncl.h"
#include "status.h"

/* The error of a fault that is not a difference of values; the result's name then says what went wrong. */
#define RNCL_CHECK_BROKEN 1e30

/* Multiply-adds of a shape that the host's reference computes quickly. */
#define RNCL_CHECK_WORK ((size_t)4000000)

typedef struct rncl_check_options {
    uint64_t seed;
    int shapes;            /* random shapes an operation */
    size_t work;           /* most multiply-adds of a shape; larger fixed shapes are skipped */
    const char *filter;    /* NULL: all; else only the operation of this name */
    const char *algorithm; /* NULL: all; else only the algorithm of this name, of operations that have it */
    bool stop_at_first;    /* the first wrong result ends the check */
    void (*report)(void *user, const rncl_check_result *result); /* may be NULL */
    void *user;
} rncl_check_options;

/* RNCL_ERR_WRONG_RESULT, after all trials unless `stop_at_first`, if a result was wrong; the message names
 * the first one. An operation that cannot be built or run ends the check with that failure. RNCL_ERR_USAGE
 * for a filter that names no operation, and for an algorithm that none of the operations has or this device
 * cannot run. */
rncl_status rncl_check_run(rncl_context *context, const rncl_check_options *options,
                           rncl_check_summary *summary);

#endif
