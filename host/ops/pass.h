/* A pass of an operation at one shape: the unit of planning, running, checking and tuning. A row is one
 * algorithm for such passes; an operation's table lists its rows. */
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
        rncl_int n; /* every shape begins with it: the batch, or the floats of a vector */
#define X(stem) rncl_##stem##_shape stem;
        RNCL_OP_LIST(X)
#undef X
    };
} rncl_op_desc;

/* Numbers of the buffers in RNCL_OP_BUFFERS. */
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

/* Slots that hold int32. The others hold float, except those of elements (rncl_pass_elements), and `saved`
 * and `packed`, whose layout is the row's. */
#define RNCL_INTEGER_SLOTS (RNCL_SLOT_BIT(labels) | RNCL_SLOT_BIT(ranks) | RNCL_SLOT_BIT(overflows))

/* Device memory of one call, by name or by slot. Buffers that the operation does not have or should not
 * write are NULL. dresidual may be dy itself. */
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

/* Numbers of one call. Each operation's file says which it reads. */
typedef struct rncl_op_scalars {
    unsigned flags;                   /* RNCL_OP_… */
    int first;                        /* softmax: first row of the batch; SGD: first float of the vector */
    int count;                        /* SGD: floats to update; 0: all from `first` on */
    float lr, momentum, weight_decay; /* SGD */
    float share;                      /* EMA: weight of the new value */
    float mix;                        /* mixup, softmax: weight of the other picture and its label */
    float smoothing;                  /* softmax: label smoothing */
    float scale;                      /* softmax: factor of the logits' gradient; unscale: of gradients */
} rncl_op_scalars;

enum {
    RNCL_OP_FORWARD, /* the first pass of every operation; the others are backward ones */
    RNCL_OP_BACKWARD,
    RNCL_OP_PASSES = 3, /* that an operation has at most */
};

/* The bit of a pass in rncl_op_choice. */
#define RNCL_PASS_BIT(pass) (1u << (unsigned)(pass))

/* Access to tuning results: planning looks up each pass in it. */
typedef struct rncl_tuned {
    /* The setting for one pass, or NULL if it was not tuned. Valid until the next call. */
    const rncl_setting *(*lookup)(void *state, const rncl_op_desc *desc, int pass);
    void *state;
} rncl_tuned;

/* Batch normalisation over more than one device: what each has computed of its own pictures is joined with
 * what others have, who call the same functions in the same order. Both wait. join_statistics NULL: there are
 * no others. */
typedef struct rncl_moments_join {
    /* Replaces [1 + 2 c]: a number of rows, their means of c channels, and their sums of squared deviations
     * from these, by those of all rows. */
    rncl_status (*join_statistics)(void *user, size_t c, double *statistics);
    /* Replaces [1 + count]: a number of rows, and means over them, by those of all rows. */
    rncl_status (*join_means)(void *user, size_t count, double *means);
    void *user;
} rncl_moments_join;

/* Choices about one operation that follow from the graph, the options and tuning. */
typedef struct rncl_op_choice {
    const char *algorithm; /* name of a row; NULL: the tuned one, or the device's default. Operations with
                              a row without a name ignore those that they do not have */
    rncl_tuned tuned;      /* lookup NULL: presets throughout */
    bool exact_only;       /* only rows whose `exact` is set, where there is a choice */
    unsigned left_out;     /* passes that will not be called, by their bits */
    bool floats;           /* its tensors are float at every precision */
    bool no_dx;            /* the input's gradient is not needed (the first convolution) */
    bool frozen;       /* parameters do not change and have no gradients; batch normalisation uses its running
                          statistics in training too, and does not update them */
    unsigned epilogue; /* RNCL_EPILOGUE_…: an evaluation's convolution does the batch normalisation that
                          follows it, and that one only prepares the coefficients; 0: each does its own */
    int statistics_parts; /* batch normalisation: parts in which the operation before has written statistics
                             of x; 0: it has not */
    bool gradient_sums;   /* convolution: x is the result of a batch normalisation with ReLU, and the input
                             gradient, with what it is added to, is all of that one's dy: it may leave the sums
                             for its gradient */
    bool residual_before; /* with gradient_sums: a residual is added before that ReLU, so that the signs of x
                             do not follow from before_x */
    int signs_width;      /* with gradient_sums: values a byte of the signs of x, which `before_saved` has; 0:
                             it has none */
    int gradient_parts;   /* batch normalisation: parts in which the convolution behind has left these; 0: it
                             has not */
    bool given_dz; /* with gradient_parts: dy is what has passed the ReLU, and dresidual, if the residual
                      is added, is dy itself */
    rncl_moments_join join; /* batch normalisation in training, unless it is frozen */
} rncl_op_choice;

/* A pass as its operation's table declares it. */
typedef struct rncl_pass_type {
    const char *name;
    bool for_dx, for_parameters; /* computes only dx, or only parameter gradients: left out where these are
                                    not needed */
} rncl_pass_type;

typedef struct rncl_op_type rncl_op_type; /* op.h */
typedef struct rncl_row rncl_row;

typedef struct rncl_pass {
    rncl_context *context; /* the caller fills in this, desc, index and choice */
    rncl_op_desc desc;
    int index; /* which of the operation's passes */
    rncl_op_choice choice;

    const rncl_row *row;
    rncl_knobs knobs;
    int values[RNCL_KNOBS]; /* of the knobs, in the order of `knobs` */
    bool tuned;             /* row and values come from choice.tuned */

    size_t workspace_bytes; /* this and the next four are set by the row's plan */
    size_t packed_floats;   /* size of the weights in the row's layout; 0: it reads them unpacked */
    size_t signs_bytes;   /* size of the signs of y in `saved`, which backward reads in place of y; 0: none */
    int statistics_parts; /* forward: parts in which it can write statistics of y's channels; 0: it cannot */
    int gradient_parts;   /* input gradient: parts in which it writes gradient_sums; 0: it does not */
    bool leaves_dz; /* with gradient_parts: dx, with what it is added to, is 0 where x is not positive */
    size_t packed_offset; /* offset in `packed`, in floats; set by the operation */
    void *data;           /* private data of the row */
} rncl_pass;

enum { RNCL_ROW_PROGRAMS = 4, RNCL_OPTIONS_SIZE = 256 };

/* One algorithm for passes of an operation; a file ends in its row. Rows of the same name belong to one
 * algorithm that treats some passes or shapes differently. */
struct rncl_row {
    const char *name; /* "" where the operation has only one row */
    /* All programs that it builds (kernels/NAME.cl). When their source changes, tuning results are
     * dropped. */
    const char *programs[RNCL_ROW_PROGRAMS];
    /* It computes sums of products and nothing else, so that its results on small integers are exact. */
    bool exact;
    /* Not for devices that are tuned: the tuner does not try it. */
    bool untuned;
    /* Its forward pass has an epilogue: the batch normalisation that follows it. */
    bool epilogue;
    /* Its passes pack the same weights in the same way, which is then done once. */
    bool packs_alike;
    /* Its programs can be built for elements of 2 bytes (kernels/common.clh). */
    bool narrow;
    /* The largest relative error to which it rounds its operands. NULL: it computes in float32. */
    double (*rounding)(const rncl_pass *pass);
    /* Whether it can do this pass at this shape on this device. No side effects. NULL: always. */
    bool (*supports)(const rncl_pass *pass);
    /* Whether it should be the default where it is supported. NULL: always. */
    bool (*pays)(const rncl_pass *pass);
    /* Adds its knobs. NULL: it has none. */
    void (*knobs)(const rncl_pass *pass, rncl_knobs *knobs);
    /* Whether the knob values are a valid combination; presets always are. NULL: all do. */
    bool (*allows)(const rncl_pass *pass);
    /* Computes sizes from the knob values; no device calls. */
    rncl_status (*plan)(rncl_pass *pass);
    /* Compiles its kernels, by rncl_pass_kernel. */
    rncl_status (*build)(rncl_pass *pass);
    /* Cuts the workspace, which stays the same for all calls, into sub-buffers. NULL: it has none. */
    rncl_status (*bind)(rncl_pass *pass, cl_mem workspace);
    /* Packs the weights, or whatever else follows from parameters alone. NULL if packed_floats is always 0
     * and it knows no epilogue. */
    rncl_status (*prepare)(rncl_pass *pass, const rncl_op_buffers *buffers);
    /* Enqueue and return; never allocate, never wait, except where moments are joined. */
    rncl_status (*enqueue)(rncl_pass *pass, const rncl_op_buffers *buffers, const rncl_op_scalars *scalars);
    void (*destroy)(rncl_pass *pass); /* frees `data`; takes half-built passes */
    /* Bytes that a call in training moves to and from device memory: each tensor once for each launch that
     * reads or writes it. NULL: not counted. */
    uint64_t (*bytes)(const rncl_pass *pass);
    /* The pass of another operation that this one contains, and that is tuned in its place. NULL: none. */
    const rncl_pass *(*part)(const rncl_pass *pass);
};

const rncl_op_type *rncl_pass_type_of(const rncl_pass *pass);

/* Number of rows of the pass's operation. */
size_t rncl_pass_rows(const rncl_pass *pass);

/* Selects a row by its index, with its presets. False if it cannot do this pass at this shape. */
bool rncl_pass_take_row(rncl_pass *pass, size_t row);

/* Selects the row and presets that planning uses without tuning. False if no row can do the pass. */
bool rncl_pass_take_default(rncl_pass *pass);

/* Selects the row and values of a setting. False if the setting does not fit this pass. */
bool rncl_pass_take(rncl_pass *pass, const rncl_setting *setting);

/* Draws random values for the selected row that are a valid combination. False, with invalid values, if
 * none was found. */
bool rncl_pass_draw(rncl_pass *pass, rncl_random *random);

/* Whether the values are a valid combination. */
bool rncl_pass_allows(const rncl_pass *pass);

rncl_setting rncl_pass_setting(const rncl_pass *pass);

/* Whether a row of that name can do the pass. *exact: that row's `exact`. */
bool rncl_pass_supports(const rncl_pass *pass, const char *algorithm, bool *exact);

/* Chooses row and values (choice.algorithm, else the tuned setting, else the default with its presets) and
 * lets the row plan. RNCL_ERR_SHAPE if no row can do it. Release with fini in any case. */
rncl_status rncl_pass_plan(rncl_pass *pass);
void rncl_pass_fini(rncl_pass *pass);

/* The pass that is tuned: this one, or the one that it contains. */
const rncl_pass *rncl_pass_to_tune(const rncl_pass *pass);

/* Whether it, or the pass that it contains, has knobs. */
bool rncl_pass_is_tunable(const rncl_pass *pass);

/* The slots that hold elements of 2 bytes; none at precisions that store floats. */
unsigned rncl_pass_elements(const rncl_pass *pass);

/* Bytes of an element of the pass's tensors. */
size_t rncl_pass_element_bytes(const rncl_pass *pass);

/* For a row's `build`: compiles kernel `name` of one of the row's programs, for the pass's elements. */
rncl_status rncl_pass_kernel(const rncl_pass *pass, const char *program, const char *options,
                             const char *name, rncl_kernel *out);

/* Writes the -D options of `count` knobs from `first` on, of those that have a macro, followed by
 * `format`, printf style. */
void rncl_pass_options(const rncl_pass *pass, int first, int count, char options[RNCL_OPTIONS_SIZE],
                       const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The row's rounding, or that of the pass that this one contains; 0 for float32. */
double rncl_pass_rounding(const rncl_pass *pass);

/* Whether the pass adds to its result instead of replacing it. */
bool rncl_pass_accumulates(const rncl_pass *pass, const rncl_op_scalars *scalars);

/* Hash of the expanded sources, without comments, of all programs of an operation's algorithm. 0 if it has
 * no such algorithm. */
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
