/* First fit by decreasing size. */
#include "memory_plan.h"

#include <stdbool.h>
#include <stdlib.h>

#include "util.h"

static bool alive_together(const rncl_memory_request *a, const rncl_memory_request *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Larger first, then earlier: a total order, so that the plan does not depend on the sorting algorithm. */
static int compare(const void *left, const void *right)
{
    const rncl_memory_request *a = *(rncl_memory_request *const *)left,
                              *b = *(rncl_memory_request *const *)right;
    if (a->size_bytes != b->size_bytes)
        return a->size_bytes > b->size_bytes ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* The lowest offset in `block` at which `request` overlaps none of the placed ones. */
static size_t lowest_offset(const rncl_memory_request *request, rncl_memory_request *const *placed,
                            size_t count, size_t block, size_t alignment)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < count; i++) {
            const rncl_memory_request *other = placed[i];
            if (other->block == block && alive_together(request, other) &&
                offset < other->offset_bytes + other->size_bytes &&
                other->offset_bytes < offset + request->size_bytes) {
                offset = rncl_round_up(other->offset_bytes + other->size_bytes, alignment);
                moved = true;
            }
        }
    }
    return offset;
}

static rncl_status place(rncl_memory_request *request, rncl_memory_request *const *placed, size_t count,
                         size_t alignment, size_t max_block_bytes, rncl_memory_plan *plan)
{
    for (size_t block = 0; block < RNCL_MEMORY_MAX_BLOCKS; block++) {
        size_t offset = lowest_offset(request, placed, count, block, alignment);
        if (request->size_bytes > max_block_bytes || offset > max_block_bytes - request->size_bytes)
            continue;
        request->block = block;
        request->offset_bytes = offset;
        plan->block_count = MAX(plan->block_count, block + 1);
        plan->block_bytes[block] = MAX(plan->block_bytes[block], offset + request->size_bytes);
        return RNCL_OK;
    }
    return RNCL_FAIL(RNCL_ERR_DEVICE_MEMORY,
                     "a buffer of %zu MiB does not fit: the device allocates %zu MiB at once",
                     request->size_bytes >> 20, max_block_bytes >> 20);
}

rncl_status rncl_memory_plan_make(rncl_memory_request *requests, size_t count, size_t alignment,
                                  size_t max_block_bytes, rncl_memory_plan *out)
{
    *out = (rncl_memory_plan){0};
    rncl_memory_request **order = calloc(count ? count : 1, sizeof(rncl_memory_request *));
    if (!order)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of %zu buffers", count);
    for (size_t i = 0; i < count; i++)
        order[i] = &requests[i];
    qsort(order, count, sizeof(rncl_memory_request *), compare);
    rncl_status st = RNCL_OK;
    for (size_t i = 0; i < count && !st && order[i]->size_bytes; i++)
        st = place(order[i], order, i, alignment, max_block_bytes, out);
    for (size_t block = 0; block < out->block_count; block++)
        out->total_bytes += out->block_bytes[block];
    free(order);
    return st;
}
