/* On a CPU, a mapped pointer is the memory that the kernels use. On other devices it would be the driver's
 * copy. */
#include "huge_pages.h"

#include <stdint.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20, PAGE = 4096 };

void rncl_huge_pages_advise(rncl_context *context, cl_mem buffer, size_t size_bytes)
{
#ifdef MADV_HUGEPAGE
    if (context->info.type != RNCL_DEVICE_CPU || context->info.emulator || size_bytes < 2 * HUGE_PAGE)
        return;
    cl_int error;
    char *mapped = clEnqueueMapBuffer(context->queue, buffer, CL_TRUE, CL_MAP_WRITE_INVALIDATE_REGION, 0,
                                      size_bytes, 0, NULL, NULL, &error);
    if (error)
        return;
    const size_t skipped = (PAGE - (uintptr_t)mapped % PAGE) % PAGE;
    madvise(mapped + skipped, size_bytes - skipped, MADV_HUGEPAGE);
    clEnqueueUnmapMemObject(context->queue, buffer, mapped, 0, NULL, NULL);
#else
    (void)context, (void)buffer, (void)size_bytes;
#endif
}
