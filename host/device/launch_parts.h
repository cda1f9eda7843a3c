/* Launches in parts. A GPU that also drives a display draws nothing while a kernel runs, and some systems end
 * kernels that run for seconds: no launch should then last longer than a limit. */
#ifndef RNCL_DEVICE_LAUNCH_PARTS_H
#define RNCL_DEVICE_LAUNCH_PARTS_H

#include "launch.h"

/* Limits the context's later launches. Kernels that are built afterwards can be launched in parts; none may
 * have been built before. */
void rncl_context_limit_launches(rncl_context *context, uint64_t limit_ns);

/* Whether the GPU probably drives a display: its memory is the host's (it is part of the processor), or
 * NVIDIA's driver says that the system watches how long kernels run. OpenCL tells no more. */
bool rncl_context_drives_display(const rncl_context *context);

/* Launches the kernel, whose arguments are set, in as many parts as the context's limit needs: ranges of
 * work-groups along the first or second dimension, whichever has more. What a work-group computes does not
 * depend on the part that it is in (kernels/launch_parts.clh), so that the results are the same to the bit.
 * One work-group is the smallest part, however long it runs. How long work-groups take is measured at the
 * kernel's first launch, and again at one of more than twice as many: such a launch is made in growing parts,
 * and waits for each. */
rncl_status rncl_launch_in_parts(rncl_context *context, const rncl_kernel *kernel, const rncl_range *range);

#endif
