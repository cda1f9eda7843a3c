/* Vector width and ranges of kernels that have one work-item for each vector, or each few, of their result.
 */
#ifndef RNCL_OPS_ELEMENTWISE_H
#define RNCL_OPS_ELEMENTWISE_H

#include "launch.h"
#include "tunable.h"

/* Floats a vector: the widest that the device likes (1 on GPUs, which run scalar lanes) and that divides
 * `channels`. */
int rncl_elementwise_width(const rncl_context *context, int channels);

/* One work-item for each `width` of `values`, rounded up to whole work-groups. */
rncl_range rncl_elementwise_range(const rncl_context *context, size_t values, int width);

/* What is tuned about such a kernel (kernels/elementwise.clh). */
typedef struct rncl_elementwise {
    int vw;    /* floats a vector */
    int local; /* work-items a group */
    int per;   /* vectors a work-item */
} rncl_elementwise;

/* The knob "vw": any width that divides `channels`; the preset is rncl_elementwise_width. */
void rncl_elementwise_add_width(const rncl_context *context, int channels, rncl_knobs *knobs);

/* The knobs "local", with this preset, and "per". */
void rncl_elementwise_add_frame(const rncl_context *context, int local, rncl_knobs *knobs);

/* The knobs "vw", "local" and "per", in this order; the presets make the range above. */
void rncl_elementwise_add_knobs(const rncl_context *context, int channels, rncl_knobs *knobs);

/* What the values of those knobs say. */
rncl_elementwise rncl_elementwise_of(const int *values);

/* In planning: what was tuned for the pass of an operation that has those knobs, or the presets. */
rncl_elementwise rncl_elementwise_plan(rncl_op *op, int pass);

/* Compiles kernel `name` of the operation's file for the pass; does nothing where the pass is not wanted. */
rncl_status rncl_elementwise_build(rncl_op *op, int pass, const rncl_elementwise *e, const char *name,
                                   rncl_kernel *out);

/* Work-items for so many values, rounded up to whole work-groups. */
rncl_range rncl_elementwise_frame(const rncl_elementwise *e, size_t values);

#endif
