/* Places buffers in the arena by size and lifetime, before anything is allocated. */
#ifndef RNCL_TENSOR_MEMORY_PLAN_H
#define RNCL_TENSOR_MEMORY_PLAN_H

#include <stddef.h>

#include "status.h"

/* A buffer that must hold its contents from time `first` to time `last`, both included. */
typedef struct rncl_memory_request {
    size_t size_bytes;
    int first, last;
    /* Filled in by planning: */
    size_t block; /* which of the arena's blocks */
    size_t offset_bytes;
} rncl_memory_request;

enum { RNCL_MEMORY_MAX_BLOCKS = 64 };

/* The arena: as few blocks as the device's limit on one allocation allows. */
typedef struct rncl_memory_plan {
    size_t block_bytes[RNCL_MEMORY_MAX_BLOCKS];
    size_t block_count;
    size_t total_bytes;
} rncl_memory_plan;

/* Places all requests, largest first, each at the lowest offset where it overlaps no request with an
 * overlapping lifetime. Offsets are multiples of `alignment`. RNCL_ERR_DEVICE_MEMORY if one request is
 * larger than max_block_bytes or the arena would need more than RNCL_MEMORY_MAX_BLOCKS. A request of size
 * 0 gets no place. */
rncl_status rncl_memory_plan_make(rncl_memory_request *requests, size_t count, size_t alignment,
                                  size_t max_block_bytes, rncl_memory_plan *out);

#endif
