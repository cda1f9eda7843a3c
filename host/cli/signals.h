/* Signals that end a command, for commands that have something to save first. */
#ifndef RNCL_CLI_SIGNALS_H
#define RNCL_CLI_SIGNALS_H

#include <signal.h>

#include "status.h"

/* Opens /dev/null in place of standard descriptors that are closed: the next file that is opened would take
 * their numbers, and what is meant for people would be written into it. To be called before anything else. */
rncl_status rncl_signals_fill_descriptors(void);

/* From here on HUP (unless it is ignored, as under nohup), INT, TERM and XCPU only set *stop. A second INT
 * ends the process at once. Writing to a closed pipe or beyond the limit on file sizes is an error and no
 * signal any more. To be called while the process has one thread: others inherit what is blocked. At most
 * once. */
rncl_status rncl_signals_catch(volatile sig_atomic_t *stop);

#endif
