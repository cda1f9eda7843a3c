/* The contract of an operation, and the only way in which the rest of rncl reaches one. */
#ifndef RNCL_OPS_OP_H
#define RNCL_OPS_OP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context.h"
#include "knobs.h"
#include "op_list.h"
#include "rncl/kernel_abi.h"
#include "shape.h"
#include "status.h"

typedef enum rncl_op_kind {
#define X(stem) RNCL_OP_##stem,
    RNCL_OP_LIST(X) RNCL_STEP_LIST(X)
#undef X
        RNCL_OP_COUNT
} rncl_op_kind;

typedef struct rncl_sgd_shape {
    rncl_int n; /* floats */
} rncl_sgd_shape;

/* One operation at one shape, as plain data. */
typedef struct rncl_op_desc {
    rncl_op_kind kind;
    union {
        rncl_int n; /* the batch (of SGD its floats), which all shapes begin with */
        rncl_conv_shape conv;
        rncl_batchnorm_shape batchnorm;
        rncl_maxpool_shape maxpool;
        rncl_avgpool_shape avgpool;
        rncl_linear_shape linear;
        rncl_softmax_shape softmax;
        rncl_sgd_shape sgd;
    };
} rncl_op_desc;

/* What an operation at its shape needs from whoever owns memory. */
typedef struct rncl_op_needs {
    rncl_shape x, residual, y; /* residual.n == 0: none */
    size_t weight, bias;       /* floats; 0: none */
    size_t running;            /* channels of running statistics; 0: none */
    size_t saved_bytes;        /* written by forward, read by backward */
    size_t packed_bytes;       /* weights in the layout that the kernels want; written by prepare */
    size_t workspace_bytes;    /* free for others between calls */
    int statistics_parts;      /* of y's channels, that forward can leave; 0: it cannot */
    bool backward_reads_x;
    bool backward_reads_y;
    bool dx_may_be_x; /* backward takes one buffer for both, unless it adds to dx */
} rncl_op_needs;

/* Device memory of one call. What the operation does not have is NULL. */
typedef struct rncl_op_buffers {
    cl_mem x, residual, y;
    cl_mem dy, dx,
        dresidual; /* dx NULL: not wanted, where the input is the image. dresidual may be dy itself */
    cl_mem weight, bias, dweight, dbias;
    cl_mem running_mean, running_variance;
    cl_mem saved, packed;
    cl_mem statistics; /* as in kernels/statistics.clh: a convolution's forward leaves those of y unless NULL;
                          batch normalisation reads those of x where its choice says so */
    cl_mem workspace;  /* a buffer of its own, not a slice of one: algorithms cut it further */
} rncl_op_buffers;

typedef enum rncl_op_flags {
    RNCL_OP_TRAINING = 1,         /* forward: batch statistics, and keep what backward needs */
    RNCL_OP_ACCUMULATE_DX = 2,    /* backward: dx += instead of dx = */
    RNCL_OP_ACCUMULATE_PARAMS = 4 /* backward: dweight, dbias += (gradient accumulation) */
} rncl_op_flags;

enum {
    RNCL_OP_FORWARD, /* the first pass of every operation; the others are backward ones */
    RNCL_OP_BACKWARD,
    RNCL_OP_PASSES = 3, /* that an operation has at most */
};

/* The bit of a pass in rncl_op_choice. */
#define RNCL_PASS_BIT(pass) (1u << (unsigned)(pass))

/* What was found to be fastest on this device. Operations ask in planning; whoever keeps the results answers.
 */
typedef struct rncl_tuned {
    /* The setting for one pass (an index of the operation's `passes`), or NULL: nothing is known about it. */
    const rncl_setting *(*lookup)(void *state, const rncl_op_desc *desc, int pass);
    void *state;
} rncl_tuned;

/* What the graph and the device decide about one operation. */
typedef struct rncl_op_choice {
    const char *algorithm; /* convolution's table names them; NULL: the tuned one, or the device's default */
    rncl_tuned tuned;      /* lookup NULL: presets throughout */
    bool exact_only;       /* only algorithms that compute sums of products and nothing else */
    unsigned left_out;     /* passes that will not be called, by their bits */
    bool no_dx;            /* nobody wants the input's gradient (the first convolution) */
    bool frozen;           /* parameters stay as they are: no gradients of them; batch normalisation takes its
                              running statistics in training too, and leaves them */
    int statistics_parts;  /* batch normalisation: the operation before leaves statistics of x in so many
                              parts; 0: it does not */
} rncl_op_choice;

typedef struct rncl_op rncl_op;
typedef struct rncl_tunable rncl_tunable; /* tunable.h */

/* A pass that is planned and tuned by itself. */
typedef struct rncl_op_pass {
    const char *name;
    bool for_dx, for_parameters; /* its only purpose: it is left out where nobody wants that */
} rncl_op_pass;

/* Where a pass can be done in several ways: the table of them. */
typedef struct rncl_op_algorithms {
    size_t count;
    /* Rows may share a name: they do different passes, or shapes. */
    const char *(*name)(size_t row);
    const char *(*kernels)(size_t row);           /* as in rncl_op_type */
    bool (*supports)(const rncl_tunable *t);      /* whether t->row can do this */
    size_t (*default_row)(const rncl_tunable *t); /* what is taken untuned; `count` if nothing can do it */
} rncl_op_algorithms;

/* The table that each operation's file ends in. What is no node has nothing but a name and what can be tuned.
 */
typedef struct rncl_op_type {
    const char *name;
    /* Decides everything that follows from shape, device and choice; no device calls. Fills needs. */
    rncl_status (*plan)(rncl_op *op);
    /* Compiles what the wanted passes need. */
    rncl_status (*build)(rncl_op *op);
    /* Puts changed weights into `packed`; NULL if the kernels take them as they are. */
    rncl_status (*prepare)(rncl_op *op, const rncl_op_buffers *buffers);
    /* Enqueue and return; never allocate, never wait. */
    rncl_status (*forward)(rncl_op *op, const rncl_op_buffers *buffers, unsigned flags);
    rncl_status (*backward)(rncl_op *op, const rncl_op_buffers *buffers, unsigned flags);
    void (*destroy)(rncl_op *op); /* releases `plan_data`; takes half-built ones */

    /* What can be tuned, in planning and without a device call. */
    rncl_op_pass passes[RNCL_OP_PASSES]; /* those that have a name */
    /* What its kernel files begin with, separated by spaces: results of tuning are worth nothing once they
     * change. NULL: those of the algorithm. */
    const char *kernels;
    const rncl_op_algorithms *algorithms; /* NULL: one way, which is named "" */
    /* What there is to choose about a pass; NULL: nothing. */
    void (*knobs)(const rncl_tunable *t, rncl_knobs *knobs);
    /* Whether values go together; presets do. NULL: all do. */
    bool (*allows)(const rncl_tunable *t);
    /* The operation that it consists of, whose passes are tuned in place of its own; NULL: none. */
    const rncl_op *(*part)(const rncl_op *op);
} rncl_op_type;

/* Fields are for the operations' own files and for reading. */
struct rncl_op {
    const rncl_op_type *type;
    rncl_context *context;
    rncl_op_desc desc;
    rncl_op_choice choice;
    rncl_op_needs needs;
    int problems;    /* passes that have something to choose */
    int tuned;       /* those of them that a setting was found for */
    void *plan_data; /* the operation's own */
};

/* Plans an operation: needs are known, nothing is compiled. RNCL_ERR_SHAPE for sizes that make no sense,
 * RNCL_ERR_USAGE for an algorithm that does not support the shape. The context must outlive it. */
rncl_status rncl_op_create(rncl_context *context, const rncl_op_desc *desc, const rncl_op_choice *choice,
                           rncl_op **out);
void rncl_op_destroy(rncl_op *op);

/* Compiles its kernels. */
rncl_status rncl_op_build(rncl_op *op);

/* To be called whenever the weights have changed, before forward or backward; does nothing where nothing is
 * packed. */
rncl_status rncl_op_prepare(rncl_op *op, const rncl_op_buffers *buffers);
rncl_status rncl_op_forward(rncl_op *op, const rncl_op_buffers *buffers, unsigned flags);
rncl_status rncl_op_backward(rncl_op *op, const rncl_op_buffers *buffers, unsigned flags);

const rncl_op_type *rncl_op_type_of(rncl_op_kind kind);

bool rncl_op_desc_equal(const rncl_op_desc *a, const rncl_op_desc *b);

/* Whether the operation has the pass and it will be called. */
bool rncl_op_wants(const rncl_op *op, int pass);

/* Of statistics of c channels in so many parts (kernels/statistics.clh). */
static inline size_t rncl_op_statistics_bytes(int parts, int c)
{
    return (size_t)parts * (1 + 2 * (size_t)c) * sizeof(float);
}

/* Output size of a window: (size + 2 pad - window) / stride + 1, or 0 if the window does not fit or the size
 * is too large for an int; stride > 0. Sizes may come from a file. */
static inline int rncl_window_output(int size, int window, int stride, int pad)
{
    const int64_t room = (int64_t)size + 2 * (int64_t)pad - window;
    const int64_t output = room < 0 ? 0 : room / stride + 1;
    return output > INT_MAX ? 0 : (int)output;
}

#endif
