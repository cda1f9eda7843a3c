/** @file
 * Every way in which rncl can fail. */
#ifndef RNCL_STATUS_H
#define RNCL_STATUS_H

/** The one list of codes, their texts and the exit statuses of the command line: X(code, text, exit status).
 */
#define RNCL_STATUS_LIST(X)                                                                                  \
    X(RNCL_OK, "done", 0)                                                                                    \
    X(RNCL_ERR_FAILURE, "failure", 1)                                                                        \
    X(RNCL_ERR_MEMORY, "out of host memory", 1)                                                              \
    X(RNCL_ERR_IO, "a file could not be read or written", 1)                                                 \
    X(RNCL_ERR_DRIVER, "an OpenCL call failed", 1)                                                           \
    X(RNCL_ERR_BUILD, "a kernel could not be built", 1)                                                      \
    X(RNCL_ERR_USAGE, "wrong usage", 2)                                                                      \
    X(RNCL_ERR_SHAPE, "shapes do not fit together", 2)                                                       \
    X(RNCL_ERR_DEVICE, "no usable OpenCL device", 3)                                                         \
    X(RNCL_ERR_DATA, "bad or missing data", 4)                                                               \
    X(RNCL_ERR_DEVICE_MEMORY, "out of device memory", 5)                                                     \
    X(RNCL_ERR_DIVERGED, "training diverged", 6)                                                             \
    X(RNCL_ERR_WRONG_RESULT, "a kernel's result is wrong on this device", 7)                                 \
    X(RNCL_ERR_MODEL, "a model or checkpoint file could not be read", 8)                                     \
    X(RNCL_ERR_INTERRUPTED, "interrupted", 130)

/** How a call has ended; RNCL_OK is 0. */
typedef enum rncl_status {
#define X(code, text, exit_status) code,
    RNCL_STATUS_LIST(X)
#undef X
} rncl_status;

/** Marks what the shared library exports. */
#define RNCL_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/** The text of a code in RNCL_STATUS_LIST ("out of device memory"). */
RNCL_API const char *rncl_status_text(rncl_status status);

/** The exit status that the command line gives for a code. */
RNCL_API int rncl_status_exit(rncl_status status);

/** The message of the last failure on this thread: what, where and what to do, in one line of UTF-8. Valid
 * until the next call of the library on this thread. */
RNCL_API const char *rncl_status_message(void);

#ifdef __cplusplus
}
#endif

#endif
