/* Rows whose kernels have a single work-item (kernels/single/): the default on accelerators, whose compilers
 * make a circuit of a program. All their kernels are in one program without options, and they have no knobs.
 */
#ifndef RNCL_OPS_SINGLE_H
#define RNCL_OPS_SINGLE_H

#include "op.h"

#define RNCL_SINGLE "single" /* name of the algorithm */
#define RNCL_SINGLE_PROGRAM "single/program"

/* Not GPUs, and no device whose work-items may not loop for long. */
bool rncl_single_supports(const rncl_pass *pass);

rncl_status rncl_single_plan(rncl_pass *pass);

/* Builds the kernel single_OPERATION_PASS. */
rncl_status rncl_single_build(rncl_pass *pass);

void rncl_single_destroy(rncl_pass *pass);

/* What these rows have in common. */
#define RNCL_SINGLE_ROW                                                                                      \
    .name = RNCL_SINGLE, .programs = {RNCL_SINGLE_PROGRAM}, .untuned = true,                                 \
    .supports = rncl_single_supports, .plan = rncl_single_plan, .destroy = rncl_single_destroy

/* One work-item. */
#define RNCL_SINGLE_RANGE ((rncl_range){.local = {1, 1, 1}})

/* Launches the pass's kernel. */
#define rncl_single_launch(pass, ...)                                                                        \
    rncl_launch((pass)->context, (pass)->data, RNCL_SINGLE_RANGE, __VA_ARGS__)

#endif
