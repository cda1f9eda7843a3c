/* A device that is in use: its context, its one in-order queue, and what has been built for it. */
#ifndef RNCL_DEVICE_CONTEXT_H
#define RNCL_DEVICE_CONTEXT_H

#include <CL/cl.h>

#include "device.h"
#include "log.h"
#include "matrix_unit.h"
#include "status.h"
#include "traits.h"

struct rncl_program_cache;   /* program.c's */
struct rncl_kernel_binaries; /* kernel_binaries.c's */
struct rncl_host_block;      /* host_memory.c's */
struct rncl_profile;         /* profile.h */

typedef struct rncl_context {
    rncl_device_info info;
    rncl_device_class device_class;
    rncl_device_traits traits;
    rncl_gpu gpu;
    cl_device_id device;
    char build_options[64]; /* options that every program on this device needs */
    cl_context context;
    cl_command_queue queue;
    rncl_log log;
    struct rncl_program_cache *programs;
    struct rncl_kernel_binaries *binaries; /* where programs come from; NULL: they are compiled */
    uint64_t launch_limit_ns;              /* most time of a launch (launch_parts.h); 0: any */
    bool lists_programs; /* programs are planned and not built; kernels have no handle and cannot run */
    struct rncl_host_block *host_blocks;
    struct rncl_profile *profile; /* NULL: launches are not timed */
    rncl_precision precision;     /* of convolutions, as rncl_precision_request has set it */
    rncl_matrix_state matrix;     /* matrix_unit.h's */
    void *library;                /* CLBlast's state for this context, and its destructor */
    void (*release_library)(void *library);
} rncl_context;

/* The log is copied. */
rncl_status rncl_context_create(const rncl_device *device, const rncl_log *log, rncl_context **out);
void rncl_context_destroy(rncl_context *context);

/* Replaces the queue by one that takes the time of each command, which slows some drivers down. Waits first.
 */
rncl_status rncl_context_enable_timing(rncl_context *context);

/* Waits until all enqueued commands are done. */
rncl_status rncl_context_finish(rncl_context *context);

/* A buffer in device memory, uninitialised. Release with rncl_buffer_release. */
rncl_status rncl_buffer_create(rncl_context *context, size_t size_bytes, cl_mem *out);
/* A sub-buffer of `parent`; the offset is a multiple of the device's address alignment. */
rncl_status rncl_buffer_slice(cl_mem parent, size_t offset_bytes, size_t size_bytes, cl_mem *out);
void rncl_buffer_release(cl_mem buffer); /* takes NULL */

/* Blocking copies. */
rncl_status rncl_buffer_write(rncl_context *context, cl_mem buffer, size_t offset_bytes, size_t size_bytes,
                              const void *data);
rncl_status rncl_buffer_read(rncl_context *context, cl_mem buffer, size_t offset_bytes, size_t size_bytes,
                             void *data);
/* Enqueues a fill with zeros. */
rncl_status rncl_buffer_clear(rncl_context *context, cl_mem buffer, size_t size_bytes);

#endif
