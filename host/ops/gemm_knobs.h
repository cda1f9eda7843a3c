/* CLBlast's parameters as knobs: values worth trying, presets for each class of device, and CLBlast's own
 * constraints. */
#ifndef RNCL_OPS_GEMM_KNOBS_H
#define RNCL_OPS_GEMM_KNOBS_H

#include "gemm.h"
#include "knobs.h"

/* A knob for each rncl_gemm_parameter, in that order and by its name. */
void rncl_gemm_add_knobs(const rncl_context *context, rncl_knobs *knobs);

/* Whether the device has enough work-items and local memory for the presets. */
bool rncl_gemm_supports(const rncl_context *context);

/* Whether CLBlast's kernel for a product of these sizes works with these values, and the parameters of the
 * kernels that it does not use are at their presets. */
bool rncl_gemm_allows(const rncl_context *context, const rncl_gemm *sizes, const int *values);

/* The values as CLBlast expects them: parameters that the chosen kernel does not use are filled in too. */
void rncl_gemm_parameters(const int *values, int parameters[RNCL_GEMM_PARAMETERS]);

#endif
