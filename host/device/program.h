/* Programs: kernel sources with their options, built once per context and kept on disk as binaries. */
#ifndef RNCL_DEVICE_PROGRAM_H
#define RNCL_DEVICE_PROGRAM_H

#include "context.h"

/* Builds kernels/<stem>.cl ("conv/direct_forward") with `options` ("-DC=64 …"), or returns the program
 * built before. Paths in a kernel's #include lines are relative to kernels/, whichever folder the file is
 * in, as with a compiler's -I. The program belongs to the context. The binary is kept under
 * $XDG_CACHE_HOME/rncl, keyed by device, driver, source and options; a damaged file there is ignored and
 * replaced. $RNCL_KERNELS names a folder like kernels/ whose sources are used instead of the embedded
 * ones. RNCL_ERR_BUILD if it does not compile: the context's log gets the driver's log, the message its
 * first error.
 * Where the context has a folder of kernel binaries, programs come from there and nothing is compiled
 * (kernel_binaries.h). Where it only lists programs, *out is NULL. */
rncl_status rncl_program_build(rncl_context *context, const char *stem, const char *options, cl_program *out);

/* A program of the context's table; what it points to is the context's. */
typedef struct rncl_program_record {
    const char *stem, *options; /* those of the device are among the options */
    const char *kernels;        /* names of those that were created, with a space before each */
    cl_program program;         /* NULL: listed and not built */
} rncl_program_record;

/* The program at `index`, in the order of their first use; false behind the last one. */
bool rncl_program_at(const rncl_context *context, size_t index, rncl_program_record *out);

/* Remembers that kernel `name` of the program built last by rncl_program_build is used. */
rncl_status rncl_program_note_kernel(rncl_context *context, const char *name);

/* The context's own table of programs. */
rncl_status rncl_program_cache_create(struct rncl_program_cache **out);
void rncl_program_cache_destroy(struct rncl_program_cache *cache);

/* Time spent building in this context, and the numbers of programs loaded from disk and compiled. */
typedef struct rncl_program_statistics {
    uint64_t time_ns;
    unsigned from_disk, compiled;
} rncl_program_statistics;

rncl_program_statistics rncl_program_cache_statistics(const rncl_context *context);

#endif
