/* Reporting a failure: RNCL_FAIL records the message where the failure is found and yields the code;
 * RNCL_TRY hands a failure to the caller as it is. */
#ifndef RNCL_BASE_STATUS_H
#define RNCL_BASE_STATUS_H

#include "rncl/status.h"

#define RNCL_FAIL(code, ...) (rncl_status_fail(__VA_ARGS__), (code))

#define RNCL_TRY(expression)                                                                                 \
    do {                                                                                                     \
        rncl_status try_status = (expression);                                                               \
        if (try_status)                                                                                      \
            return try_status;                                                                               \
    } while (0)

/* For parameters of the public interface that must not be NULL. */
#define RNCL_NEED(pointer)                                                                                   \
    do {                                                                                                     \
        if (!(pointer))                                                                                      \
            return RNCL_FAIL(RNCL_ERR_USAGE, "%s: %s is NULL", __func__, #pointer);                          \
    } while (0)

/* Records the message for this thread. A message is one line, without a full stop. */
void rncl_status_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
