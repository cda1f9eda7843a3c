/* Memory of the host from which a device reads, and to which it writes. Where both share one memory, kernels
 * read it in place; a GPU with memory of its own copies from pages that stay where they are (pinned), while
 * the host goes on. Elsewhere, and where the driver refuses, it is ordinary memory. */
#ifndef RNCL_DEVICE_HOST_MEMORY_H
#define RNCL_DEVICE_HOST_MEMORY_H

#include "context.h"

/* For data that kernels read, which may be lent to them. NULL: out of memory. Aligned to a page where it can
 * be lent. Release with rncl_host_memory_destroy while the context is there. */
void *rncl_host_memory_create(rncl_context *context, size_t size_bytes);

/* For results that are copied from the device. As above, and never lent. */
void *rncl_host_memory_create_results(rncl_context *context, size_t size_bytes);

void rncl_host_memory_destroy(rncl_context *context, void *memory); /* takes NULL */

/* Lends the whole block that begins at `memory` to the commands that are enqueued from now on; the host may
 * not touch it. *buffer is NULL, and nothing is lent, if it has to be copied. */
rncl_status rncl_host_memory_lend(rncl_context *context, const void *memory, cl_mem *buffer);

/* Enqueues taking the block back: it is the host's when commands that are enqueued afterwards have run. */
rncl_status rncl_host_memory_take_back(rncl_context *context, const void *memory);

#endif
