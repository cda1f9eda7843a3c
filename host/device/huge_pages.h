/* Large pages behind buffers in the host's own memory. */
#ifndef RNCL_DEVICE_HUGE_PAGES_H
#define RNCL_DEVICE_HUGE_PAGES_H

#include "context.h"

/* Asks for them, before the buffer is used first: kernels that stream through tensors of megabytes wait less
 * for addresses to be translated. A wish: nothing fails where it is not granted. */
void rncl_huge_pages_advise(rncl_context *context, cl_mem buffer, size_t size_bytes);

#endif
