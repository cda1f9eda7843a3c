/* CLBlast's parameters as knobs: values worth trying, presets for each class of device, and CLBlast's own
 * constraints. */
#ifndef RNCL_OPS_GEMM_KNOBS_H
#define RNCL_OPS_GEMM_KNOBS_H

#include "gemm.h"
#include "knobs.h"

/* A knob for each rncl_gemm_parameter, in that order and by its name. */
void rncl_gemm_add_knobs(const rncl_context *context, rncl_knobs *knobs);

/* Whether the device has work-items and local memory enough for the presets. */
bool rncl_gemm_supports(const rncl_context *context);

/* Whether CLBlast's kernel for a product of these sizes works with these values, and those of the kernels
 * that it does not use stand at their presets. */
bool rncl_gemm_allows(const rncl_context *context, const rncl_gemm *sizes, const int *values);

/* The values as CLBlast wants them: what a kernel has no use for is given a value all the same. */
void rncl_gemm_parameters(const int *values, int parameters[RNCL_GEMM_PARAMETERS]);

#endif
