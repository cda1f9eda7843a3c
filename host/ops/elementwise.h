/* Elementwise passes: each work-item computes one or a few vectors of the result
 * (kernels/elementwise.clh). Knobs, plan and build of their rows. Program and kernel are named after
 * operation and pass: kernels/avgpool.cl, avgpool_backward. */
#ifndef RNCL_OPS_ELEMENTWISE_H
#define RNCL_OPS_ELEMENTWISE_H

#include <limits.h>

#include "op.h"

/* Values a vector: as many as suit the device (on GPUs 16 bytes of the pass's elements) and divide
 * `channels`.
 */
int rncl_elementwise_width(const rncl_pass *pass, int channels);

/* One work-item for each `width` of `values`, rounded up to whole work-groups. */
rncl_range rncl_elementwise_range(const rncl_context *context, size_t values, int width);

/* The knob `name`: any vector width that divides `channels`; the preset is rncl_elementwise_width. */
void rncl_elementwise_add_width(const rncl_pass *pass, rncl_knob_name name, int channels, rncl_knobs *knobs);

/* The knobs "vw", which divides `channels`, "local" (work-items a group) and "per" (vectors a work-item). */
void rncl_elementwise_add_knobs(const rncl_pass *pass, int channels, int local, rncl_knobs *knobs);

/* The usual preset of "local": work-items a group. */
int rncl_elementwise_local(const rncl_context *context);

/* Whether n floats, rounded up to whole work-groups, fit into a kernel's int. */
static inline bool rncl_vector_length_fits(int n)
{
    return n > 0 && n <= INT_MAX - (1 << 20);
}

rncl_status rncl_elementwise_plan(rncl_pass *pass);
rncl_status rncl_elementwise_build(rncl_pass *pass);
void rncl_elementwise_destroy(rncl_pass *pass);

/* How many knobs those are. */
enum { RNCL_ELEMENTWISE_KNOBS = 3 };

/* Work-items a group. */
int rncl_elementwise_group(const rncl_pass *pass);

/* Vectors a work-item, an argument of every elementwise kernel. */
int rncl_elementwise_per(const rncl_pass *pass);

/* Launches the pass's kernel over `values` values of its result. */
#define rncl_elementwise_launch(pass, values, ...)                                                           \
    rncl_launch((pass)->context, (pass)->data, rncl_elementwise_frame(pass, values), __VA_ARGS__)
rncl_range rncl_elementwise_frame(const rncl_pass *pass, size_t values);

#endif
