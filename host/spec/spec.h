/* What the harnesses know of an operation, said once: how its tensors lie in memory, how a result follows
 * from them on the host in double precision, how large its rounding errors may be, and which shapes are worth
 * trying. `rncl check` compares whole results with it, the tuner slices of them (slice.h). One file an
 * operation, ending in its table. */
#ifndef RNCL_SPEC_SPEC_H
#define RNCL_SPEC_SPEC_H

#include "op.h"
#include "random.h"

/* One pass of one operation with all that its result depends on beside the tensors. */
typedef struct rncl_spec_case {
    rncl_op_desc desc;
    int pass;
    bool frozen;   /* as in rncl_op_choice */
    bool weighted; /* softmax: there are class weights */
    bool diverged; /* softmax: logits of every third row are not finite */
    rncl_op_scalars scalars;
} rncl_spec_case;

/* A member of a shape, as it stands in text: its name and its value, which is a number or a word. */
typedef struct rncl_spec_field {
    const char *name;
    size_t offset;            /* in the shape */
    bool form;                /* not a size: kernels of another one have little in common */
    bool zero;                /* may be 0 */
    bool optional;            /* left out where it is 0 */
    const char *const *words; /* the values' names, NULL at the end; NULL: numbers */
} rncl_spec_field;

#define RNCL_SPEC_FIELD(shape, member, ...)                                                                  \
    {                                                                                                        \
        .name = #member, .offset = offsetof(rncl_##shape##_shape, member), __VA_ARGS__                       \
    }

/* The tensors of a pass, as sets of slots. Those that the shape at hand does not have are left out. */
typedef struct rncl_spec_pass {
    unsigned reads;   /* inputs: normal numbers, after `adjust` */
    unsigned made;    /* read as well, written by the forward pass before this one */
    unsigned results; /* written; in place where they are read as well */
} rncl_spec_pass;

/* What an axis of a tensor counts. Along all but the first kind, part of a result can be computed alone. */
typedef enum rncl_spec_axis {
    RNCL_AXIS_WHOLE, /* never cut */
    RNCL_AXIS_IMAGES,
    RNCL_AXIS_CHANNELS,
    RNCL_AXIS_OUTPUTS,
    RNCL_AXES
} rncl_spec_axis;

/* How a tensor of 32-bit values lies in memory, the last axis running fastest. */
typedef struct rncl_spec_layout {
    size_t size[3];
    rncl_spec_axis axis[3];
} rncl_spec_layout;

static inline size_t rncl_spec_layout_count(const rncl_spec_layout *layout)
{
    return layout->size[0] * layout->size[1] * layout->size[2];
}

/* How a value of a result comes about when inputs are normal numbers. Rounding errors grow with the root of
 * `terms` relative to the value, and in the worst case with `mass`. */
typedef struct rncl_spec_sum {
    double terms;   /* values that it is the sum of; 0 counts as 1 */
    double typical; /* its size, unless chance makes it smaller; 0: no such size is known */
    double mass;    /* the sum of the sizes of its terms; 0: it is a copy and must be exact */
} rncl_spec_sum;

typedef struct rncl_spec_slice rncl_spec_slice; /* slice.h */

enum { RNCL_SPEC_FIELDS = 12 };

typedef struct rncl_spec {
    rncl_spec_field fields[RNCL_SPEC_FIELDS]; /* those that have a name */
    /* Fills in the shape's other members; false if there is no such shape. NULL: it has none. */
    bool (*complete)(rncl_op_desc *desc);
    rncl_spec_pass passes[RNCL_OP_PASSES];
    bool separate;           /* passes are not forward and backward of each other */
    rncl_op_scalars scalars; /* those of a training step */

    /* Of every slot that the passes name, except `saved`; no values where the case does not have it. */
    rncl_spec_layout (*layout)(const rncl_spec_case *c, rncl_slot slot);
    /* Results from what is read, all dense. */
    void (*reference)(const rncl_spec_case *c, double *const tensors[RNCL_SLOTS]);
    rncl_spec_sum (*sum)(const rncl_spec_case *c, rncl_slot slot);
    /* Makes a fit input of a normal number; `index` is its place in the tensor. NULL: all numbers are fit. */
    double (*adjust)(const rncl_spec_case *c, rncl_slot slot, size_t index, double value);
    /* Takes the ReLU out of the shape; false if there is none. Near its kink rounding decides whether a
     * gradient passes, so that dy has to be zero there. NULL: there never is one. */
    bool (*smooth)(rncl_op_desc *desc);
    /* Cuts slice->part along the axes by which this pass can be cut. */
    void (*cut)(rncl_spec_slice *slice);

    const rncl_spec_case *shapes; /* small versions of what networks use */
    size_t shape_count;
    /* Any shape and scalars. */
    void (*draw)(rncl_random *random, rncl_spec_case *c);
    /* Multiply-adds, or values where there are none. */
    double (*work)(const rncl_spec_case *c);
} rncl_spec;

const rncl_spec *rncl_spec_of(rncl_op_kind kind);

/* A pass as a training step runs it. */
rncl_spec_case rncl_spec_training_case(const rncl_op_desc *desc, int pass);

/* Nearer to a ReLU's kink than this, no gradient may come in. */
#define RNCL_SPEC_KINK 1e-4

/* A field's value. */
int rncl_spec_field_value(const rncl_op_desc *desc, const rncl_spec_field *field);
void rncl_spec_field_set(rncl_op_desc *desc, const rncl_spec_field *field, int value);

#define RNCL_FOR_FIELDS(kind, field)                                                                         \
    for (const rncl_spec_field *field = rncl_spec_of(kind)->fields; field->name; field++)

/* " n16 h56 w56 c64 relu1 residual_add" */
enum { RNCL_SPEC_TEXT = 144 };
void rncl_spec_describe(const rncl_op_desc *desc, char text[RNCL_SPEC_TEXT]);

#endif
