/* Codes, texts and the last message of each thread. */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>

#include "number.h"
#include "util.h"

static _Thread_local char last_message[1024];

static const struct {
    const char *text;
    int exit_status;
} statuses[] = {
#define X(code, text, exit_status) [code] = {text, exit_status},
    RNCL_STATUS_LIST(X)
#undef X
};

const char *rncl_status_text(rncl_status status)
{
    return (size_t)status < COUNT(statuses) ? statuses[status].text : "unknown status";
}

int rncl_status_exit(rncl_status status)
{
    return (size_t)status < COUNT(statuses) ? statuses[status].exit_status : 1;
}

const char *rncl_status_message(void)
{
    return last_message;
}

void rncl_status_fail(const char *format, ...)
{
    /* Formatted into a copy first: an argument may be the previous message. */
    char message[sizeof last_message];
    va_list arguments;
    va_start(arguments, format);
    rncl_number_vformat(message, sizeof message, format, arguments);
    va_end(arguments);
    rncl_text_make_plain(message);
    snprintf(last_message, sizeof last_message, "%s", message);
}
