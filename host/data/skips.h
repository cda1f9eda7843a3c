/* The pictures of a set that could not be read and are passed over: told once each, counted at the end. */
#ifndef RNCL_DATA_SKIPS_H
#define RNCL_DATA_SKIPS_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"
#include "status.h"

typedef struct rncl_skips rncl_skips;

/* For a set of `count` pictures. `log` may be NULL, and otherwise outlives the list. */
rncl_status rncl_skips_create(uint32_t count, const rncl_log *log, rncl_skips **out);

/* Says how many there were in all. Takes NULL. */
void rncl_skips_destroy(rncl_skips *skips);

/* Thread-safe. A picture counts once; `message` says what is wrong with it. */
void rncl_skips_add(rncl_skips *skips, uint32_t index, const char *message);
bool rncl_skips_has(rncl_skips *skips, uint32_t index);

/* Warns of those that were added since the last time. On the log's own thread, since a log is not
 * thread-safe. */
void rncl_skips_report(rncl_skips *skips);

#endif
