/* Launches kernels with typed arguments. They are passed in order, counted and checked; none is numbered
 * by hand. */
#ifndef RNCL_DEVICE_LAUNCH_H
#define RNCL_DEVICE_LAUNCH_H

#include "context.h"

enum { RNCL_KERNEL_MAX_ARGS = 32 };

/* How long a kernel's work-groups take (launch_parts.c). */
typedef struct rncl_launch_pace {
    double group_ns; /* as many at a time as run at once */
    size_t groups;   /* of the launch in which it was measured; 0: it was not */
} rncl_launch_pace;

typedef struct rncl_kernel {
    cl_kernel handle;
    char name[48];
    unsigned arg_count;
    bool arg_is_buffer[RNCL_KERNEL_MAX_ARGS]; /* valid if kinds_known */
    bool kinds_known;                         /* the driver reports argument kinds */
    rncl_launch_pace *pace;                   /* NULL: launches are not limited */
} rncl_kernel;

/* Builds stem.cl with the options and creates its kernel `name`; in a context that only lists programs a
 * kernel without a handle. */
rncl_status rncl_kernel_create(rncl_context *context, const char *stem, const char *options, const char *name,
                               rncl_kernel *out);
/* Fails if the device cannot run `items` work-items of the kernel in a work-group, which only the built
 * kernel tells: registers and local memory decide. The context's largest work-group then becomes what the
 * kernel allows, so that whatever is planned next takes smaller ones. */
rncl_status rncl_kernel_require(rncl_context *context, const rncl_kernel *kernel, size_t items);

void rncl_kernel_fini(rncl_kernel *kernel); /* takes a zeroed one */

typedef struct rncl_arg {
    bool is_buffer;
    size_t size;
    const void *value;
} rncl_arg;

/* `mem` must be an lvalue (a field or a variable of type cl_mem; its value may be NULL). */
#define RNCL_BUFFER(mem) ((rncl_arg){true, sizeof(cl_mem), &(mem)})
#define RNCL_INT(number) ((rncl_arg){false, sizeof(cl_int), &(cl_int){number}})
#define RNCL_FLOAT(number) ((rncl_arg){false, sizeof(cl_float), &(cl_float){number}})
#define RNCL_STRUCT(object) ((rncl_arg){false, sizeof(object), &(object)})

/* Work-items in each dimension (0 counts as 1), and in a work-group (a 0 leaves all three to the driver). */
typedef struct rncl_range {
    size_t global[3], local[3];
} rncl_range;

/* Enqueues the kernel, whose arguments are set, from the global offset (NULL: from 0). */
rncl_status rncl_launch_range(rncl_context *context, const rncl_kernel *kernel, const rncl_range *range,
                              const size_t offset[3]);

/* Enqueues; returns at once, except where the context limits launches and the kernel has yet to be measured.
 */
rncl_status rncl_launch_args(rncl_context *context, const rncl_kernel *kernel, rncl_range range,
                             const rncl_arg *args, size_t arg_count);

#define rncl_launch(context, kernel, range, ...)                                                             \
    rncl_launch_args(context, kernel, range, (const rncl_arg[]){__VA_ARGS__},                                \
                     sizeof((const rncl_arg[]){__VA_ARGS__}) / sizeof(rncl_arg))

#endif
