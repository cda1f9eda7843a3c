/* What trials have to know of an operation: its tensors, and how part of a result is computed on the host in
 * double precision. One file each, ending in its table. */
#ifndef RNCL_TUNE_TRIAL_OPERATION_H
#define RNCL_TUNE_TRIAL_OPERATION_H

#include "op.h"

/* The tensors of rncl_op_buffers that are handed to an operation, by their names there. */
#define RNCL_TRIAL_OP_SLOTS(X)                                                                               \
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
    X(saved)

/* And those of others. */
#define RNCL_TRIAL_SLOTS(X)                                                                                  \
    RNCL_TRIAL_OP_SLOTS(X)                                                                                   \
    X(labels)                                                                                                \
    X(velocity)

typedef enum rncl_trial_slot {
#define X(name) RNCL_TRIAL_##name,
    RNCL_TRIAL_SLOTS(X)
#undef X
        RNCL_TRIAL_SLOT_COUNT
} rncl_trial_slot;

#define RNCL_TRIAL_BIT(name) (1u << (unsigned)RNCL_TRIAL_##name)

/* The tensors of a pass, by their bits. What the shape at hand has not is left out. */
typedef struct rncl_trial_pass {
    unsigned drawn;   /* normal numbers */
    unsigned made;    /* by the forward pass before this one */
    unsigned results; /* written, in place where they are drawn, and looked at. Of `saved` every bit must be
                         as the presets' pass writes it */
} rncl_trial_pass;

typedef enum rncl_trial_axis {
    RNCL_TRIAL_WHOLE, /* never cut */
    RNCL_TRIAL_IMAGES,
    RNCL_TRIAL_CHANNELS,
    RNCL_TRIAL_OUTPUTS,
    RNCL_TRIAL_AXES
} rncl_trial_axis;

/* How a tensor lies in memory, the last axis running fastest. */
typedef struct rncl_trial_layout {
    size_t size[3];
    rncl_trial_axis axis[3];
} rncl_trial_layout;

enum { RNCL_TRIAL_PICKS = 3 };

/* A smaller problem of the same pass whose tensors are parts of the whole one's, and whose result is part of
 * the whole result. */
typedef struct rncl_trial_slice {
    rncl_op_desc desc;
    struct {
        int count; /* 0: all of the axis */
        int index[RNCL_TRIAL_PICKS];
    } picks[RNCL_TRIAL_AXES]; /* in ascending order */
} rncl_trial_slice;

/* What is no rncl_op, as one. */
typedef struct rncl_trial_step {
    rncl_status (*create)(rncl_context *context, const rncl_op_desc *desc, const rncl_tuned *tuned,
                          void **subject);
    rncl_status (*enqueue)(void *subject, const rncl_op_desc *desc,
                           const cl_mem buffers[RNCL_TRIAL_SLOT_COUNT]);
    void (*destroy)(void *subject);
} rncl_trial_step;

typedef struct rncl_trial_operation {
    const rncl_trial_step *step; /* NULL: it is an rncl_op */
    rncl_trial_pass passes[RNCL_OP_PASSES];
    rncl_trial_layout (*layout)(const rncl_op_desc *desc, rncl_trial_slot slot);
    /* Cuts slice->desc, which is that of the problem, along the axes by which the pass can be cut. */
    void (*cut)(rncl_trial_slice *slice, int pass);
    /* Results from what is drawn, both dense. */
    void (*reference)(const rncl_op_desc *desc, int pass, double *const tensors[RNCL_TRIAL_SLOT_COUNT]);
    /* Products of two normal numbers that a value of the result is the sum of; 0: it must be exact. */
    double (*length)(const rncl_op_desc *desc, rncl_trial_slot slot);
    /* Changes what was drawn; NULL: it is fine. */
    void (*adjust)(const rncl_op_desc *desc, rncl_trial_slot slot, float *values);
    /* Takes the ReLU out of the shape. Near its kink rounding decides whether a gradient passes, so that dy
     * has to be zero there. False if there is none; NULL: there never is. */
    bool (*smooth)(rncl_op_desc *desc);
} rncl_trial_operation;

extern const rncl_trial_operation rncl_trial_conv;
extern const rncl_trial_operation rncl_trial_batchnorm;
extern const rncl_trial_operation rncl_trial_maxpool;
extern const rncl_trial_operation rncl_trial_avgpool;
extern const rncl_trial_operation rncl_trial_softmax;
extern const rncl_trial_operation rncl_trial_sgd;

size_t rncl_trial_layout_count(const rncl_trial_layout *layout);

/* For cut: a few indices, the first and the last among them, of an axis of *size, which becomes their number.
 */
void rncl_trial_pick(rncl_trial_slice *slice, rncl_trial_axis axis, rncl_int *size);

#endif
