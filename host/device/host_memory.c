/* A list of blocks in the context; each has a buffer that is mapped for as long as the host may touch it. */
#include "host_memory.h"

#include <stdlib.h>

#include "cl_error.h"
#include "util.h"

/* A page, and more than any driver asks for to do without a copy. */
enum { ALIGNMENT = 4096 };

typedef struct rncl_host_block {
    struct rncl_host_block *next;
    void *memory; /* the buffer's, or (own) given to it */
    cl_mem buffer;
    size_t size_bytes;
    bool own, mapped;
} rncl_host_block;

static rncl_host_block *find(const rncl_context *context, const void *memory)
{
    rncl_host_block *block = context->host_blocks;
    while (block && block->memory != memory)
        block = block->next;
    return block;
}

static void *map(const rncl_context *context, const rncl_host_block *block, cl_bool wait, cl_int *error)
{
    return clEnqueueMapBuffer(context->queue, block->buffer, wait, CL_MAP_READ | CL_MAP_WRITE, 0,
                              block->size_bytes, 0, NULL, NULL, error);
}

/* Makes and maps the block's buffer; false if the driver does not, or not there. */
static bool make_buffer(const rncl_context *context, rncl_host_block *block)
{
    cl_int error;
    block->buffer = clCreateBuffer(
        context->context, CL_MEM_READ_WRITE | (block->own ? CL_MEM_USE_HOST_PTR : CL_MEM_ALLOC_HOST_PTR),
        block->size_bytes, block->memory, &error);
    if (error)
        return false;
    void *mapped = map(context, block, CL_TRUE, &error);
    block->mapped = !error;
    if (error || (block->own && mapped != block->memory))
        return false;
    block->memory = mapped;
    return true;
}

static void free_block(const rncl_context *context, rncl_host_block *block)
{
    if (block->mapped) {
        clEnqueueUnmapMemObject(context->queue, block->buffer, block->memory, 0, NULL, NULL);
        clFinish(context->queue);
    }
    if (block->buffer)
        clReleaseMemObject(block->buffer);
    if (block->own)
        free(block->memory);
    free(block);
}

/* NULL: ordinary memory has to do. */
static void *create_block(rncl_context *context, size_t size_bytes, bool own)
{
    rncl_host_block *block = calloc(1, sizeof *block);
    if (!block)
        return NULL;
    block->own = own;
    block->size_bytes = rncl_round_up(size_bytes, ALIGNMENT);
    if ((own && !(block->memory = aligned_alloc(ALIGNMENT, block->size_bytes))) ||
        !make_buffer(context, block)) {
        free_block(context, block);
        return NULL;
    }
    block->next = context->host_blocks;
    context->host_blocks = block;
    return block->memory;
}

static bool is_separate_gpu(const rncl_context *context)
{
    return context->device_class == RNCL_CLASS_GPU && !context->info.unified_memory;
}

static bool shares_memory(const rncl_context *context)
{
    return (context->device_class == RNCL_CLASS_GPU || context->device_class == RNCL_CLASS_CPU_VECTOR) &&
           context->info.unified_memory;
}

void *rncl_host_memory_create(rncl_context *context, size_t size_bytes)
{
    void *memory = shares_memory(context) ? create_block(context, size_bytes, true) : NULL;
    return memory ? memory : rncl_host_memory_create_results(context, size_bytes);
}

void *rncl_host_memory_create_results(rncl_context *context, size_t size_bytes)
{
    void *memory = is_separate_gpu(context) ? create_block(context, size_bytes, false) : NULL;
    return memory ? memory : malloc(size_bytes);
}

void rncl_host_memory_destroy(rncl_context *context, void *memory)
{
    rncl_host_block *block = memory ? find(context, memory) : NULL;
    if (!block) {
        free(memory);
        return;
    }
    rncl_host_block **link = &context->host_blocks;
    while (*link != block)
        link = &(*link)->next;
    *link = block->next;
    free_block(context, block);
}

rncl_status rncl_host_memory_lend(rncl_context *context, const void *memory, cl_mem *buffer)
{
    rncl_host_block *block = find(context, memory);
    *buffer = NULL;
    if (!block || !block->own || !block->mapped)
        return RNCL_OK;
    const cl_int error = clEnqueueUnmapMemObject(context->queue, block->buffer, block->memory, 0, NULL, NULL);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueUnmapMemObject", "memory of the host"));
    block->mapped = false;
    *buffer = block->buffer;
    return RNCL_OK;
}

rncl_status rncl_host_memory_take_back(rncl_context *context, const void *memory)
{
    rncl_host_block *block = find(context, memory);
    cl_int error;
    map(context, block, CL_FALSE, &error);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueMapBuffer", "memory of the host"));
    block->mapped = true;
    return RNCL_OK;
}
