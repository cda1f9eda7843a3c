/* Programs: kernel sources with their options, built once per context and kept on disk as binaries. */
#ifndef RNCL_DEVICE_PROGRAM_H
#define RNCL_DEVICE_PROGRAM_H

#include "context.h"

/* Builds kernels/<stem>.cl ("conv/direct_forward") with `options` ("-DC=64 …"), or hands out what was built
 * before. Paths in a kernel's #include lines are relative to kernels/, whichever folder the file is in, as
 * with a compiler's -I. The program belongs to the context. The binary is kept under $XDG_CACHE_HOME/rncl,
 * keyed by device, driver, source and options; a damaged or foreign file there is built anew. $RNCL_KERNELS
 * names a folder like kernels/ to read the sources from instead of those in the library. RNCL_ERR_BUILD with
 * the driver's log (whole in the context's log, its first error in the message). */
rncl_status rncl_program_build(rncl_context *context, const char *stem, const char *options, cl_program *out);

/* Hash of the source of kernels/<name>.cl with all that it includes, comments, white space and kernel_abi.h
 * aside: a new operation adds a shape there, and a shape that changes changes the kernels that read it. */
rncl_status rncl_program_source_hash(const char *name, uint64_t *hash);

/* The context's own table of programs. */
rncl_status rncl_program_cache_create(struct rncl_program_cache **out);
void rncl_program_cache_destroy(struct rncl_program_cache *cache);

/* Time spent building in this context, and how many programs came from the disk and from the compiler. */
typedef struct rncl_program_statistics {
    uint64_t time_ns;
    unsigned from_disk, compiled;
} rncl_program_statistics;

rncl_program_statistics rncl_program_cache_statistics(const rncl_context *context);

#endif
