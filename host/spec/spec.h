/* The specification of an operation for check and tune: layouts of its tensors, the reference in double
 * precision, the size of rounding errors, and shapes to try. `rncl check` compares whole results, the
 * tuner slices of them (slice.h). Each operation has one file, which ends in its table. */
#ifndef RNCL_SPEC_SPEC_H
#define RNCL_SPEC_SPEC_H

#include "op.h"
#include "random.h"

/* One pass of one operation, with everything except the tensors that its result depends on. */
typedef struct rncl_spec_case {
    rncl_op_desc desc;
    int pass;
    bool frozen; /* this and the next as in rncl_op_choice */
    unsigned epilogue;
    bool weighted; /* softmax: with class weights */
    bool diverged; /* softmax: logits of every third row are not finite */
    rncl_op_scalars scalars;
    double rounding;   /* largest relative error to which products' operands, or elements, are rounded; 0:
                          float32 */
    unsigned elements; /* slots that hold 2 bytes a value on the device */
} rncl_spec_case;

/* A member of a shape as text: its name and its value, a number or a word. */
typedef struct rncl_spec_field {
    const char *name;
    size_t offset; /* in the shape */
    bool form;     /* not a size: kernels for other values differ, so that settings are not shared */
    bool zero;     /* may be 0 */
    bool optional; /* omitted if it is 0 */
    const char *const *words; /* the values' names, NULL at the end; NULL: numbers */
} rncl_spec_field;

#define RNCL_SPEC_FIELD(shape, member, ...)                                                                  \
    {                                                                                                        \
        .name = #member, .offset = offsetof(rncl_##shape##_shape, member), __VA_ARGS__                       \
    }

/* The tensors of a pass, as sets of slots. Slots that a shape does not have are skipped. */
typedef struct rncl_spec_pass {
    unsigned reads;   /* inputs: normal numbers, after `adjust` */
    unsigned made;    /* also read; written by the forward pass before this one */
    unsigned results; /* written; updated in place if they are also in `reads` */
} rncl_spec_pass;

/* What an axis of a tensor counts. Slices can be cut along all kinds except the first. */
typedef enum rncl_spec_axis {
    RNCL_AXIS_WHOLE, /* never cut */
    RNCL_AXIS_IMAGES,
    RNCL_AXIS_BATCH, /* pictures of a whole batch, of which the pass sees some (RNCL_AXIS_IMAGES) */
    RNCL_AXIS_CHANNELS,
    RNCL_AXIS_OUTPUTS,
    RNCL_AXES
} rncl_spec_axis;

/* Layout of a tensor of 32-bit values; the last axis is contiguous. */
typedef struct rncl_spec_layout {
    size_t size[3];
    rncl_spec_axis axis[3];
} rncl_spec_layout;

static inline size_t rncl_spec_layout_count(const rncl_spec_layout *layout)
{
    return layout->size[0] * layout->size[1] * layout->size[2];
}

static inline bool rncl_spec_layout_equal(const rncl_spec_layout *a, const rncl_spec_layout *b)
{
    for (int d = 0; d < 3; d++)
        if (a->size[d] != b->size[d] || a->axis[d] != b->axis[d])
            return false;
    return true;
}

/* Size of a result's values and rounding errors when inputs are normal numbers. The relative error grows
 * with the square root of `terms`, the absolute error in the worst case with `mass`. */
typedef struct rncl_spec_sum {
    double terms;   /* number of terms in its sum; 0 counts as 1 */
    double typical; /* its typical size; 0: unknown */
    double mass;    /* sum of the absolute values of its terms; 0: it is a copy and must be exact */
} rncl_spec_sum;

typedef struct rncl_spec_slice rncl_spec_slice; /* slice.h */

enum { RNCL_SPEC_FIELDS = 12 };

typedef struct rncl_spec {
    rncl_spec_field fields[RNCL_SPEC_FIELDS]; /* those that have a name */
    /* Computes the shape's other members from the fields; false if there is no such shape. NULL: there are
     * none. */
    bool (*complete)(rncl_op_desc *desc);
    rncl_spec_pass passes[RNCL_OP_PASSES];
    bool separate;           /* passes are not forward and backward of each other */
    rncl_op_scalars scalars; /* scalars of a training step */

    /* Layout of each slot that the passes name, except `saved`; 0 values if the case does not have it. */
    rncl_spec_layout (*layout)(const rncl_spec_case *c, rncl_slot slot);
    /* Computes the results from the inputs; all tensors are dense. */
    void (*reference)(const rncl_spec_case *c, double *const tensors[RNCL_SLOTS]);
    rncl_spec_sum (*sum)(const rncl_spec_case *c, rncl_slot slot);
    /* Turns a normal number into a valid input value; `index` is its index in the tensor. NULL: all
     * numbers are valid. */
    double (*adjust)(const rncl_spec_case *c, rncl_slot slot, size_t index, double value);
    /* Removes the ReLU from the shape; false if there is none. Near its kink rounding decides whether a
     * gradient passes, so that dy must be zero there. NULL: the operation has no ReLU. */
    bool (*smooth)(rncl_op_desc *desc);
    /* The size of values whose sums or differences are results of this slot, so that rounding errors are of
     * it, however small the results are. NULL: 0. */
    double (*unit)(const rncl_spec_case *c, double *const tensors[RNCL_SLOTS], rncl_slot slot);
    /* Cuts slice->part along the axes by which this pass can be cut. NULL: by none; spot checks leave the
     * operation out. */
    void (*cut)(rncl_spec_slice *slice);

    const rncl_spec_case *shapes; /* small versions of what networks use */
    size_t shape_count;
    /* Draws a random shape and scalars. */
    void (*draw)(rncl_random *random, rncl_spec_case *c);
    /* Multiply-adds, or number of values if there are none. */
    double (*work)(const rncl_spec_case *c);
} rncl_spec;

const rncl_spec *rncl_spec_of(rncl_op_kind kind);

/* The case of a pass in a training step. */
rncl_spec_case rncl_spec_training_case(const rncl_op_desc *desc, int pass);

/* Where |y| before the ReLU is smaller than this, dy must be zero. */
#define RNCL_SPEC_KINK 1e-4

/* Reads and writes a field's value. */
int rncl_spec_field_value(const rncl_op_desc *desc, const rncl_spec_field *field);
void rncl_spec_field_set(rncl_op_desc *desc, const rncl_spec_field *field, int value);

#define RNCL_FOR_FIELDS(kind, field)                                                                         \
    for (const rncl_spec_field *field = rncl_spec_of(kind)->fields; field->name; field++)

/* " n16 h56 w56 c64 relu1 residual_add" */
enum { RNCL_SPEC_TEXT = 144 };
void rncl_spec_describe(const rncl_op_desc *desc, char text[RNCL_SPEC_TEXT]);

#endif
