/** @file
 * Remarks of the library: warnings, decisions taken on the user's behalf. The library never prints; a log
 * callback receives them, and without one they are dropped. */
#ifndef RNCL_LOG_H
#define RNCL_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

/** How much a remark matters, most first. */
typedef enum rncl_log_level {
    RNCL_LOG_WARNING, /**< something the user should act on */
    RNCL_LOG_NOTE,    /**< what was decided on the user's behalf */
    RNCL_LOG_DETAIL,  /**< for people who work on rncl */
    RNCL_LOG_PROGRESS /**< how far something slow is; replaces the one before, most need not be shown */
} rncl_log_level;

/** Receives remarks. `write` is called on the thread that called the library; `line` is UTF-8 without a
 * newline and valid during the call. `write` NULL drops everything. */
typedef struct rncl_log {
    /** Called once a line. */
    void (*write)(void *user, rncl_log_level level, const char *line);
    void *user; /**< handed to `write` as it is */
} rncl_log;

#ifdef __cplusplus
}
#endif

#endif
