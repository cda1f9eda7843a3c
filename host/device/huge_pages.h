/* Huge pages for buffers in the host's memory. */
#ifndef RNCL_DEVICE_HUGE_PAGES_H
#define RNCL_DEVICE_HUGE_PAGES_H

#include "context.h"

/* Asks for huge pages before the buffer's first use, which saves address translations in kernels that
 * stream through large tensors. Only a hint: nothing fails if the system does not grant it. */
void rncl_huge_pages_advise(rncl_context *context, cl_mem buffer, size_t size_bytes);

#endif
