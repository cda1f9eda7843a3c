/* Joins the loader, which knows no device, to the device's memory. */
#include "batch_memory.h"

#include "host_memory.h"

static void *create(void *context, size_t size_bytes)
{
    return rncl_host_memory_create(context, size_bytes);
}

static void destroy(void *context, void *memory)
{
    rncl_host_memory_destroy(context, memory);
}

rncl_batch_memory rncl_batch_memory_of(rncl_context *context)
{
    return (rncl_batch_memory){.create = create, .destroy = destroy, .user = context};
}
