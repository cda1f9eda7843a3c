/* Convolution as problem -> plan -> enqueue over a table of algorithms. */
#ifndef RNCL_OPS_CONV_H
#define RNCL_OPS_CONV_H

#include "context.h"
#include "op.h"
#include "rncl/kernel_abi.h"
#include "status.h"

typedef enum rncl_conv_pass {
    RNCL_CONV_FORWARD,         /* y = x * filter */
    RNCL_CONV_BACKWARD_DATA,   /* dx from dy and filter */
    RNCL_CONV_BACKWARD_FILTER, /* dfilter from x and dy */
    RNCL_CONV_PASSES
} rncl_conv_pass;

typedef struct rncl_conv_algorithm rncl_conv_algorithm;

/* One pass at one shape by one algorithm. */
typedef struct rncl_conv_plan {
    const rncl_conv_algorithm *algorithm;
    rncl_context *context;
    rncl_conv_shape shape;
    rncl_conv_pass pass;
    int values[RNCL_KNOBS]; /* of the algorithm's knobs, in their order */
    bool tuned;             /* algorithm and values are somebody's setting */
    size_t workspace_bytes; /* scratch of one call */
    size_t packed_floats;   /* its own layout of the filter; 0: takes the filter as it is */
    int statistics_parts;   /* forward: of y's channels, that it can leave on the way; 0: it cannot */
    void *data;             /* the algorithm's own */
} rncl_conv_plan;

/* The buffers of one call; which are read and written follows from the pass. */
typedef struct rncl_conv_buffers {
    cl_mem x, filter, y;  /* forward reads x; backward_data reads dy as y and writes dx as x */
    cl_mem packed;        /* packed filters of all passes */
    size_t packed_offset; /* floats to this pass's part */
    cl_mem workspace;
    cl_mem statistics; /* forward: of y, as in kernels/statistics.clh; NULL: not wanted */
    bool accumulate;   /* add to the result instead of replacing it */
} rncl_conv_buffers;

/* A row of the table of algorithms: one file each, ending in its row. Rows of one name are one algorithm,
 * whose passes are done differently. */
struct rncl_conv_algorithm {
    const char *name;
    /* What its kernel files begin with, separated by spaces: results of tuning are worth nothing once they
     * change. */
    const char *kernels;
    /* Its results on small integers are exact: it computes sums of products and nothing else. */
    bool exact;
    /* Whether it can do this; no side effects. */
    bool (*supports)(const rncl_conv_plan *plan);
    /* Whether defaults should take it where it is supported; NULL: always. */
    bool (*pays)(const rncl_conv_plan *plan);
    /* What there is to choose for this shape on this device; NULL: nothing. */
    void (*knobs)(const rncl_conv_plan *plan, rncl_knobs *knobs);
    /* Whether the plan's values go together; presets do. NULL: all do. */
    bool (*allows)(const rncl_conv_plan *plan);
    /* Fixes sizes, following the plan's values; no device calls. */
    rncl_status (*plan)(rncl_conv_plan *plan);
    /* Compiles. */
    rncl_status (*build)(rncl_conv_plan *plan);
    /* Packs the filter; NULL if packed_floats is always 0. */
    rncl_status (*prepare)(rncl_conv_plan *plan, const rncl_conv_buffers *buffers);
    rncl_status (*enqueue)(rncl_conv_plan *plan, const rncl_conv_buffers *buffers);
    void (*destroy)(rncl_conv_plan *plan); /* frees `data` */
};

extern const rncl_conv_algorithm rncl_conv_winograd;
extern const rncl_conv_algorithm rncl_conv_winograd_filter;
extern const rncl_conv_algorithm rncl_conv_pointwise_filter;
extern const rncl_conv_algorithm rncl_conv_direct;
extern const rncl_conv_algorithm rncl_conv_direct_filter;
extern const rncl_conv_algorithm rncl_conv_staged_winograd;
extern const rncl_conv_algorithm rncl_conv_implicit_gemm;
extern const rncl_conv_algorithm rncl_conv_im2col_gemm;

/* The whole table, in the order in which defaults are looked for. */
extern const rncl_conv_algorithm *const rncl_conv_algorithms[];
extern const size_t rncl_conv_algorithm_count;

/* The row of that name that supports the plan's pass and shape, or NULL. */
const rncl_conv_algorithm *rncl_conv_algorithm_find(const char *name, const rncl_conv_plan *plan);

/* The algorithm that `choice` names, if it supports the pass; else the tuned setting, if there is one and it
 * is still possible; else the default for the device's class with its presets. RNCL_ERR_USAGE if there is no
 * algorithm of that name. Fills the plan but for what build adds. */
rncl_status rncl_conv_plan_create(rncl_context *context, const rncl_conv_shape *shape, rncl_conv_pass pass,
                                  const rncl_op_choice *choice, rncl_conv_plan *out);
void rncl_conv_plan_fini(rncl_conv_plan *plan);

#endif
