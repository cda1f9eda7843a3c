/* One operation at one shape, run on guarded buffers and held against the reference. What each operation adds
 * is the table check_operation; all the rigour is in trial.c. */
#ifndef RNCL_CHECK_TRIAL_H
#define RNCL_CHECK_TRIAL_H

#include "check.h"
#include "op.h"
#include "random.h"
#include "tensor.h"

/* Every tensor that some operation has: those of rncl_op_buffers, and those of softmax, SGD, averages and
 * mixup. */
#define CHECK_OP_SLOTS(X)                                                                                    \
    X(x)                                                                                                     \
    X(residual)                                                                                              \
    X(y)                                                                                                     \
    X(dy)                                                                                                    \
    X(dx)                                                                                                    \
    X(dresidual)                                                                                             \
    X(weight)                                                                                                \
    X(bias)                                                                                                  \
    X(dweight)                                                                                               \
    X(dbias)                                                                                                 \
    X(running_mean)                                                                                          \
    X(running_variance)                                                                                      \
    X(saved)                                                                                                 \
    X(packed)                                                                                                \
    X(statistics)                                                                                            \
    X(workspace)
#define CHECK_OTHER_SLOTS(X)                                                                                 \
    X(labels)                                                                                                \
    X(losses)                                                                                                \
    X(ranks)                                                                                                 \
    X(velocity)                                                                                              \
    X(average)                                                                                               \
    X(weights)

typedef enum check_slot {
#define X(name) CHECK_##name,
    CHECK_OP_SLOTS(X) CHECK_OTHER_SLOTS(X)
#undef X
        CHECK_SLOT_COUNT
} check_slot;

/* What differs between the trials of one shape. */
typedef struct check_variant {
    const char *name;
    bool integers;  /* small integers, on which the result must be exact; else normal numbers */
    bool inference; /* forward with running statistics, no backward */
    bool in_place;  /* dresidual is dy, and dx is x, where they may be */
    bool no_dx;     /* nobody wants dx */
    bool frozen;    /* parameters and running statistics stay as they are */
    bool exchange;  /* of averages: change places instead of updating */
    unsigned flags; /* of backward */
} check_variant;

typedef struct check_sgd_shape {
    size_t count, first; /* of the vector; what is updated */
    float lr, momentum, weight_decay;
} check_sgd_shape;

typedef struct check_ema_shape {
    size_t count;
    float share;
} check_ema_shape;

typedef struct check_mixup_shape {
    int n;
    size_t floats;
    float mix;
} check_mixup_shape;

typedef struct check_softmax_shape {
    rncl_softmax_shape shape;
    int first;
    float smoothing, scale;
    float mix;
    bool weighted;
} check_softmax_shape;

typedef union check_shape {
    rncl_op_desc op;
    check_softmax_shape softmax;
    check_sgd_shape sgd;
    check_ema_shape ema;
    check_mixup_shape mixup;
} check_shape;

typedef struct check_trial {
    rncl_context *context;
    const struct check_operation *operation;
    check_shape shape;
    const check_variant *variant;
    const char *algorithm;                 /* NULL where there is no choice */
    rncl_tuned tuned;                      /* what the operation is told in planning; lookup NULL: nothing */
    rncl_setting settings[RNCL_OP_PASSES]; /* what it may be told: of each pass */
    rncl_random random;
    int phases;
    check_tensor tensors[CHECK_SLOT_COUNT];
    void *subject; /* the rncl_op, rncl_softmax, rncl_sgd, rncl_ema or rncl_mixup */
} check_trial;

/* What the harness has to know of an operation; one file each, ending in its table. */
typedef struct check_operation {
    const char *name;
    const check_shape *fixed; /* small versions of what networks use */
    size_t fixed_count;
    const check_variant *variants; /* fixed shapes run all, random ones two neighbours in turn */
    size_t variant_count;
    const char *(*algorithm)(size_t index);     /* NULL at the end of its algorithms; NULL: no choice */
    bool (*supports)(const check_trial *trial); /* whether the algorithm can do the shape; NULL: always */
    void (*draw)(rncl_random *random, check_shape *shape);
    double (*work)(const check_shape *shape); /* multiply-adds */
    void (*describe)(const check_shape *shape, char *text, size_t size);
    /* Makes the subject, says how many phases there are, declares the tensors and what to expect of the
     * outputs. */
    rncl_status (*create)(check_trial *trial);
    void (*fill)(check_trial *trial);      /* special inputs, after the random ones are in; NULL: none */
    void (*reference)(check_trial *trial); /* outputs from inputs, all as `reference` */
    rncl_status (*launch)(check_trial *trial, check_phase phase);
    void (*destroy)(check_trial *trial); /* takes a trial whose create failed */
} check_operation;

/* For create: a tensor of no bytes stays absent. */
void check_declare(check_trial *trial, check_slot slot, check_role role, check_phase phase,
                   size_t size_bytes);

/* For create: each value is a reduction over `length` values and is `typical` in size, which its error is
 * then relative to if chance (few values) makes it much smaller; 0: never. Harmless where the tensor is
 * absent. */
void check_expect(check_trial *trial, check_slot slot, double length, double typical);

/* For create: the tensor's values are not sums of products, so that they are rounded on integers too. */
void check_allow_rounding(check_trial *trial, check_slot slot);

/* Runs it all; hands each result to `report`. The trial's fields down to `random` are the caller's to fill.
 */
rncl_status check_trial_run(check_trial *trial, void (*report)(void *user, const rncl_check_result *result),
                            void *user);

#endif
