/* What was built and launched, as pretend_gpu.h describes the log. Without a log nothing happens. */
#ifndef RNCL_TESTS_GPU_PRETEND_LOG_H
#define RNCL_TESTS_GPU_PRETEND_LOG_H

#include <stddef.h>

#include <CL/cl.h>

/* Before a program is built; `source` is empty if it is built from a binary. */
void pretend_log_build(cl_program program, const char *source, const char *options);

/* After a buffer or sub-buffer was made; `size` is what was asked for. Returns the buffer. */
cl_mem pretend_log_buffer(cl_mem handle, size_t size);

/* As clSetKernelArg has it. */
void pretend_log_argument(cl_kernel kernel, cl_uint index, size_t size, const void *value);

void pretend_log_launch(cl_kernel kernel, const size_t global[3], const size_t local[3]);

#endif
