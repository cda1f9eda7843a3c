/* Formats a remark and hands it on. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

void rncl_log_line(const rncl_log *log, rncl_log_level level, const char *format, ...)
{
    if (!log || !log->write)
        return;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log->write(log->user, level, line);
}
