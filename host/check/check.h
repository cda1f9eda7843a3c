/* The one harness for operations: every operation and every convolution algorithm on the device against the
 * host reference, forward and backward, at fixed and at random shapes. `rncl check` and the tests are its
 * users. Results and their summary are in rncl/rncl.h; the tolerance is 0 where the result must be exact,
 * else 1e-6 sqrt(K), K = length of the reduction. */
#ifndef RNCL_CHECK_CHECK_H
#define RNCL_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context.h"
#include "rncl/rncl.h"
#include "status.h"

/* The error where no number tells it; the name then says what went wrong. */
#define RNCL_CHECK_BROKEN 1e30

/* Work of a shape that the host's reference computes in a moment. */
#define RNCL_CHECK_WORK ((size_t)4000000)

typedef struct rncl_check_options {
    uint64_t seed;
    int shapes;         /* random shapes an operation */
    size_t work;        /* multiply-adds at most a shape; larger fixed shapes are left out */
    const char *filter; /* NULL: all; else only the operation of this name */
    void (*report)(void *user, const rncl_check_result *result); /* may be NULL */
    void *user;
} rncl_check_options;

/* RNCL_ERR_WRONG_RESULT if a result was wrong (the message names the first one), after all have been tried.
 * An operation that cannot be built or run ends the check with that failure. RNCL_ERR_USAGE for a filter that
 * names no operation. */
rncl_status rncl_check_run(rncl_context *context, const rncl_check_options *options,
                           rncl_check_summary *summary);

#endif
