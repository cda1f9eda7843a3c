/* The contract of an operation, and the only interface to it for the rest of rncl. An operation is up to
 * three passes (pass.h), each planned, tuned and run by itself. */
#ifndef RNCL_OPS_OP_H
#define RNCL_OPS_OP_H

#include "pass.h"

/* The memory that an operation needs from its caller. */
typedef struct rncl_op_needs {
    size_t saved_bytes, packed_bytes;
    size_t coefficients_bytes; /* batch normalisation in an epilogue: what prepare writes for it */
    size_t workspace_bytes;    /* scratch: other operations may use it between calls */
    int statistics_parts;      /* parts in which forward can write statistics of y's channels; 0: it cannot */
    int gradient_parts;        /* parts in which backward writes gradient_sums; 0: it does not */
    bool leaves_dz;            /* with gradient_parts: dx, with what it is added to, has passed the ReLU */
    bool backward_reads_x, backward_reads_y;
    bool dx_may_be_x; /* backward may write dx over x, unless it adds to dx */
} rncl_op_needs;

/* The table that each operation's file ends in. */
struct rncl_op_type {
    const char *name;
    rncl_pass_type passes[RNCL_OP_PASSES]; /* those that have a name */
    unsigned elements; /* slots of activations and their gradients, which may be stored in 2 bytes */
    const rncl_row *const *rows; /* the algorithms, in the order in which the default is sought */
    size_t row_count;
    size_t
        first_row[RNCL_CLASSES]; /* index at which the search for the default begins, for each device class */
    /* Checks the sizes (RNCL_ERR_SHAPE) and fills in those needs that do not follow from the passes. */
    rncl_status (*shape)(const rncl_op_desc *desc, const rncl_op_choice *choice, rncl_op_needs *needs);
    /* Multiply-adds of one image, as He et al. 2015 count them; NULL: none. */
    uint64_t (*macs)(const rncl_op_desc *desc);
};

/* Fills in `rows` and `row_count`. */
#define RNCL_OP_ROWS(...)                                                                                    \
    .rows = (const rncl_row *const[]){__VA_ARGS__},                                                          \
    .row_count = sizeof((const rncl_row *const[]){__VA_ARGS__}) / sizeof(const rncl_row *)

/* Names of passes of operations that have others than forward and backward. */
enum { RNCL_CONV_FORWARD, RNCL_CONV_BACKWARD_DATA, RNCL_CONV_BACKWARD_FILTER };
enum { RNCL_EMA_UPDATE, RNCL_EMA_EXCHANGE };

/* Fields are read-only for callers. */
typedef struct rncl_op {
    const rncl_op_type *type;
    rncl_op_desc desc;
    rncl_op_choice choice;
    rncl_op_needs needs;
    rncl_pass passes[RNCL_OP_PASSES]; /* those that rncl_op_wants */
} rncl_op;

/* Plans an operation: afterwards its needs are known; nothing is compiled. `choice` NULL: all defaults.
 * RNCL_ERR_SHAPE for sizes that make no sense or that no row supports, RNCL_ERR_USAGE for an algorithm
 * that does not exist. The context must outlive the operation. */
rncl_status rncl_op_create(rncl_context *context, const rncl_op_desc *desc, const rncl_op_choice *choice,
                           rncl_op **out);
void rncl_op_destroy(rncl_op *op);

/* Compiles the kernels of all wanted passes. */
rncl_status rncl_op_build(rncl_op *op);

/* Hands over the workspace that all calls will have (needs.workspace_bytes; NULL if that is 0). Before the
 * first call, and again whenever it is another buffer. */
rncl_status rncl_op_bind(rncl_op *op, cl_mem workspace);

/* All of the following enqueue and return: they never allocate and never wait. */

/* To be called whenever the parameters have changed, before forward or backward: packs weights, and writes
 * the coefficients of a batch normalisation in an epilogue. */
rncl_status rncl_op_prepare(rncl_op *op, const rncl_op_buffers *buffers);
/* The first pass. */
rncl_status rncl_op_forward(rncl_op *op, const rncl_op_buffers *buffers, const rncl_op_scalars *scalars);
/* The other wanted passes; without dx (NULL) those for it are left out. */
rncl_status rncl_op_backward(rncl_op *op, const rncl_op_buffers *buffers, const rncl_op_scalars *scalars);
/* Whether that runs the pass, one behind the first. */
bool rncl_op_runs_backward(const rncl_op *op, int pass, const rncl_op_buffers *buffers);
/* One wanted pass. */
rncl_status rncl_op_enqueue(rncl_op *op, int pass, const rncl_op_buffers *buffers,
                            const rncl_op_scalars *scalars);

/* Whether the operation has the pass and it will be called. */
bool rncl_op_wants(const rncl_op *op, int pass);

const rncl_op_type *rncl_op_type_of(rncl_op_kind kind);
bool rncl_op_desc_equal(const rncl_op_desc *a, const rncl_op_desc *b);

/* Floats before the first part in statistics of so many parts (kernels/statistics.clh). */
static inline size_t rncl_op_statistics_begin(int parts)
{
    const size_t unit = RNCL_STATISTICS_ALIGNMENT;
    return ((size_t)parts + unit - 1) / unit * unit;
}

/* Of statistics of c channels in so many parts. */
static inline size_t rncl_op_statistics_bytes(int parts, int c)
{
    return (rncl_op_statistics_begin(parts) + (size_t)parts * 2 * (size_t)c) * sizeof(float);
}

#endif
