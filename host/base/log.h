/* How the library writes remarks to the log of include/rncl/log.h. */
#ifndef RNCL_BASE_LOG_H
#define RNCL_BASE_LOG_H

#include "rncl/log.h"

/* Formats a line and hands it to `log`; NULL, or a log without `write`, drops it. */
void rncl_log_line(const rncl_log *log, rncl_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
