/* Formats a remark and hands it to the log. */
#include "log.h"

#include <stdarg.h>

#include "number.h"
#include "util.h"

void rncl_log_line(const rncl_log *log, rncl_log_level level, const char *format, ...)
{
    if (!log || !log->write)
        return;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    rncl_number_vformat(line, sizeof line, format, arguments);
    va_end(arguments);
    rncl_text_make_plain(line);
    log->write(log->user, level, line);
}
