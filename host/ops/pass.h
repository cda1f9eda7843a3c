/* The pass is the unit: one description of one pass of one operation at one shape serves planning, running,
 * checking and tuning. A row is one way to do such a pass; an operation's table lists its rows. */
#ifndef RNCL_OPS_PASS_H
#define RNCL_OPS_PASS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context.h"
#include "knobs.h"
#include "launch.h"
#include "op_list.h"
#include "random.h"
#include "rncl/kernel_abi.h"
#include "status.h"

typedef enum rncl_op_kind {
#define X(stem) RNCL_OP_##stem,
    RNCL_OP_LIST(X)
#undef X
        RNCL_OP_COUNT
} rncl_op_kind;

/* One operation at one shape, as plain data. */
typedef struct rncl_op_desc {
    rncl_op_kind kind;
    union {
        rncl_int n; /* the batch (of vectors, the floats), which all shapes begin with */
#define X(stem) rncl_##stem##_shape stem;
        RNCL_OP_LIST(X)
#undef X
    };
} rncl_op_desc;

/* The buffers of RNCL_OP_BUFFERS by number. */
typedef enum rncl_slot {
#define X(name) RNCL_SLOT_##name,
    RNCL_OP_BUFFERS(X)
#undef X
        RNCL_SLOTS
} rncl_slot;

/* A set of slots. */
#define RNCL_SLOT_BIT(name) (1u << (unsigned)RNCL_SLOT_##name)
#define RNCL_FOR_SLOTS(set, slot)                                                                            \
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++)                                                      \
        if ((set)&1u << slot)

/* They hold int32; the others, `saved` and `packed` aside, float. */
#define RNCL_INTEGER_SLOTS (RNCL_SLOT_BIT(labels) | RNCL_SLOT_BIT(ranks))

/* Device memory of one call, by name or by slot. What the operation does not have, or is not to write, is
 * NULL. dresidual may be dy itself. */
typedef union rncl_op_buffers {
    struct {
#define X(name) cl_mem name;
        RNCL_OP_BUFFERS(X)
#undef X
    };
    cl_mem slots[RNCL_SLOTS];
} rncl_op_buffers;

typedef enum rncl_op_flags {
    RNCL_OP_TRAINING = 1,         /* forward: batch statistics, and keep what backward needs */
    RNCL_OP_ACCUMULATE_DX = 2,    /* backward: dx += instead of dx = */
    RNCL_OP_ACCUMULATE_PARAMS = 4 /* backward: dweight, dbias += (gradient accumulation) */
} rncl_op_flags;

/* Numbers of one call. Each operation reads those that its file names. */
typedef struct rncl_op_scalars {
    unsigned flags;                   /* RNCL_OP_… */
    int first;                        /* softmax: row of the batch; SGD: float of the vector */
    int count;                        /* SGD: floats to update; 0: all from `first` on */
    float lr, momentum, weight_decay; /* SGD */
    float share;                      /* EMA: of the new value */
    float mix;                        /* mixup and softmax: share of the other picture, of its label */
    float smoothing;                  /* softmax: of the labels */
    float scale;                      /* softmax: of the logits' gradient */
} rncl_op_scalars;

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
    /* The setting for one pass, or NULL: nothing is known about it. */
    const rncl_setting *(*lookup)(void *state, const rncl_op_desc *desc, int pass);
    void *state;
} rncl_tuned;

/* What the graph and the device decide about one operation. */
typedef struct rncl_op_choice {
    const char *algorithm; /* name of a row; NULL: the tuned one, or the device's default. Operations whose
                              table does not have the name ignore it */
    rncl_tuned tuned;      /* lookup NULL: presets throughout */
    bool exact_only;   /* only rows that compute sums of products and nothing else, where there is a choice */
    unsigned left_out; /* passes that will not be called, by their bits */
    bool no_dx;        /* nobody wants the input's gradient (the first convolution) */
    bool frozen;       /* parameters stay as they are: no gradients of them; batch normalisation takes its
                          running statistics in training too, and leaves them */
    int statistics_parts; /* batch normalisation: the operation before leaves statistics of x in so many
                             parts; 0: it does not */
} rncl_op_choice;

/* A pass as its operation's table declares it. */
typedef struct rncl_pass_type {
    const char *name;
    bool for_dx, for_parameters; /* its only purpose: it is left out where nobody wants that */
} rncl_pass_type;

typedef struct rncl_op_type rncl_op_type; /* op.h */
typedef struct rncl_row rncl_row;

typedef struct rncl_pass {
    rncl_context *context; /* this, desc, index and choice are the caller's to fill */
    rncl_op_desc desc;
    int index; /* of the operation's passes */
    rncl_op_choice choice;

    const rncl_row *row;
    rncl_knobs knobs;
    int values[RNCL_KNOBS]; /* of the knobs, in their order */
    bool tuned;             /* row and values come from choice.tuned */

    size_t workspace_bytes; /* this and the next two are set by the row's plan */
    size_t packed_floats;   /* of the weights in the row's own layout; 0: takes them as they are */
    int statistics_parts;   /* forward: of y's channels, that it can leave on the way; 0: it cannot */
    size_t packed_offset;   /* floats to this pass's part of `packed`; set by the operation */
    void *data;             /* the row's own */
} rncl_pass;

enum { RNCL_ROW_PROGRAMS = 4, RNCL_OPTIONS_SIZE = 256 };

/* One way to do passes of an operation. One file each, ending in its row. Rows of one name are one algorithm
 * whose passes, or shapes, are done differently. */
struct rncl_row {
    const char *name; /* "" where the operation has one way only */
    /* The programs that it builds (kernels/NAME.cl). Tuning results are dropped when their source changes. */
    const char *programs[RNCL_ROW_PROGRAMS];
    /* Its results on small integers are exact: it computes sums of products and nothing else. */
    bool exact;
    /* Whether it can do this pass at this shape on this device; no side effects. NULL: always. */
    bool (*supports)(const rncl_pass *pass);
    /* Whether defaults should take it where it is supported. NULL: always. */
    bool (*pays)(const rncl_pass *pass);
    /* What there is to choose. NULL: nothing. */
    void (*knobs)(const rncl_pass *pass, rncl_knobs *knobs);
    /* Whether the pass's values go together; presets do. NULL: all do. */
    bool (*allows)(const rncl_pass *pass);
    /* Fixes sizes, following the pass's values; no device calls. */
    rncl_status (*plan)(rncl_pass *pass);
    /* Compiles, by rncl_pass_kernel. */
    rncl_status (*build)(rncl_pass *pass);
    /* Cuts the workspace, which stays the same for all calls. NULL: there is nothing to cut. */
    rncl_status (*bind)(rncl_pass *pass, cl_mem workspace);
    /* Packs the weights. NULL if packed_floats is always 0. */
    rncl_status (*prepare)(rncl_pass *pass, const rncl_op_buffers *buffers);
    /* Enqueue and return; never allocate, never wait. */
    rncl_status (*enqueue)(rncl_pass *pass, const rncl_op_buffers *buffers, const rncl_op_scalars *scalars);
    void (*destroy)(rncl_pass *pass); /* frees `data`; takes half-built passes */
    /* The pass of another operation that this one consists of, and that is tuned in its place. NULL: none. */
    const rncl_pass *(*part)(const rncl_pass *pass);
};

const rncl_op_type *rncl_pass_type_of(const rncl_pass *pass);

/* Rows that there are to choose from. */
size_t rncl_pass_rows(const rncl_pass *pass);

/* Takes a row, by its index, with its presets. False if it cannot do this pass at this shape. */
bool rncl_pass_take_row(rncl_pass *pass, size_t row);

/* Takes what planning takes untuned. False if nothing can do it. */
bool rncl_pass_take_default(rncl_pass *pass);

/* Takes what a setting says. False if that is not possible: it was made for something else. */
bool rncl_pass_take(rncl_pass *pass, const rncl_setting *setting);

/* Takes any values of the row at hand that go together. False, and the values are of no use, if chance finds
 * none. */
bool rncl_pass_draw(rncl_pass *pass, rncl_random *random);

/* Whether the values go together. */
bool rncl_pass_allows(const rncl_pass *pass);

rncl_setting rncl_pass_setting(const rncl_pass *pass);

/* Whether some row of that name can do the pass, and whether the one that would is exact. */
bool rncl_pass_supports(const rncl_pass *pass, const char *algorithm, bool *exact);

/* Chooses row and values (choice.algorithm, else what was tuned, else the default with its presets) and lets
 * the row plan. RNCL_ERR_SHAPE if no row can do it. Release with fini in any case. */
rncl_status rncl_pass_plan(rncl_pass *pass);
void rncl_pass_fini(rncl_pass *pass);

/* The pass that tuning is about: this one, or the one that it consists of. */
const rncl_pass *rncl_pass_to_tune(const rncl_pass *pass);

/* Whether there is anything to choose about it. */
bool rncl_pass_is_tunable(const rncl_pass *pass);

/* For a row's build: compiles kernel `name` of one of the row's programs. */
rncl_status rncl_pass_kernel(const rncl_pass *pass, const char *program, const char *options,
                             const char *name, rncl_kernel *out);

/* The -D options of `count` knobs from `first` on, those that have one, and then `format`, printf style. */
void rncl_pass_options(const rncl_pass *pass, int first, int count, char options[RNCL_OPTIONS_SIZE],
                       const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Whether the pass adds to its result instead of replacing it. */
bool rncl_pass_accumulates(const rncl_pass *pass, const rncl_op_scalars *scalars);

/* Hash of the expanded sources, comments aside, of all programs of an operation's algorithm. 0 if there is
 * no algorithm of that name. */
rncl_status rncl_algorithm_hash(rncl_op_kind kind, const char *algorithm, uint64_t *hash);

/* Output size of a window: (size + 2 pad - window) / stride + 1, or 0 if the window does not fit or the size
 * is too large for an int; stride > 0. Sizes may come from a file. */
static inline int rncl_window_output(int size, int window, int stride, int pad)
{
    const int64_t room = (int64_t)size + 2 * (int64_t)pad - window;
    const int64_t output = room < 0 ? 0 : room / stride + 1;
    return output > INT_MAX ? 0 : (int)output;
}

#endif
