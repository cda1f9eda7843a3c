/* What the fault layer does, from environment variables. The layer is a library for LD_PRELOAD: functions of
 * libc and OpenCL with the names of those that they stand in for. The OpenCL loader's own layers
 * (OPENCL_LAYERS) would do for OpenCL alone, but cannot tell which line of the program made a call.
 *
 * RNCL_FAULT=FUNCTION[@SITE]:WHICH:WHAT[;...]
 * Calls of FUNCTION (from SITE only, "rncl+0x1a2b": module and offset of the return address) that the program
 * or a library in `modules` makes. WHICH: N, the Nth call only; N+, the Nth and all later ones. WHAT: a
 * number, the OpenCL error or errno that the call fails with; short, it does half of what it was asked;
 * delay=MS, it comes late; kill, the process dies of SIGKILL.
 *
 * RNCL_FAULT_PROGRAM=NAME
 * The program that all this is about, "rncl" if it is not given. Other programs run as ever.
 *
 * RNCL_FAULT_CALLS=FILE
 * Written at the end: a line "FUNCTION SITE CALLS" for each place that has called.
 *
 * RNCL_FAULT_LEFT=FILE
 * Written at the end: a line "FUNCTION SITE" for each block of memory, stream, descriptor and OpenCL object
 * that the program and its libraries (Jansson and popt as well) still hold.
 *
 * RNCL_FAULT_FIRED=FILE
 * Created when a fault happens.
 *
 * RNCL_FAULT_DEVICE=NAME=VALUE[,...]
 * What devices report: compute_units, local_memory, global_memory, max_allocation, max_work_group_size,
 * vector_width, type (CL_DEVICE_TYPE_…), compiler (0: there is none, and building from source fails).
 *
 * RNCL_FAULT_SPOIL=KERNEL:WHICH:ARGUMENT:INDEX
 * After a launch of the kernel the float INDEX of the buffer at ARGUMENT is wrong. */
#ifndef RNCL_TESTS_FAULTS_FAULT_PLAN_H
#define RNCL_TESTS_FAULTS_FAULT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One function: its name and the real one. */
typedef struct fault_point {
    const char *name;
    void *real;
} fault_point;

typedef enum fault_kind { FAULT_NONE, FAULT_CODE, FAULT_SHORT } fault_kind;

typedef struct fault {
    fault_kind kind;
    int code;
} fault;

/* Counts the call and decides its outcome; delays and kills happen inside. `caller` is the return address. */
fault fault_meet(fault_point *point, const void *caller);

/* Whether the address belongs to the program, or to a library whose objects count for RNCL_FAULT_LEFT. */
bool fault_is_watched(const void *caller);

/* "rncl+0x1a2b" */
enum { FAULT_SITE = 64 };
void fault_name_site(const void *address, char text[FAULT_SITE]);

/* The function that this one wraps. */
void *fault_real(fault_point *point);

/* The value that RNCL_FAULT_DEVICE gives `name`; false if it gives none. */
bool fault_device_value(const char *name, uint64_t *value);

/* Whether this launch of a kernel is to be spoiled, and where. */
bool fault_spoils(const char *kernel, unsigned *argument, size_t *index);

#define FAULT_MEET(point) fault_meet(point, __builtin_return_address(0))

#endif
