/* Where the library's remarks go: to whoever asked for them. The library itself never prints. */
#ifndef RNCL_BASE_LOG_H
#define RNCL_BASE_LOG_H

#include <stdbool.h>

typedef enum rncl_log_level {
    RNCL_LOG_WARNING, /* something the user should act on */
    RNCL_LOG_NOTE,    /* what was decided on the user's behalf */
    RNCL_LOG_DETAIL,  /* for people who work on rncl */
    RNCL_LOG_PROGRESS /* how far something slow is; each replaces the one before, and most need not be shown
                       */
} rncl_log_level;

/* A NULL log, or one without `write`, drops everything. Lines come without a newline. */
typedef struct rncl_log {
    void (*write)(void *user, rncl_log_level level, const char *line);
    void *user;
} rncl_log;

void rncl_log_line(const rncl_log *log, rncl_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
