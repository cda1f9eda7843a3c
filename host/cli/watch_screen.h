/* A terminal that is drawn anew as a whole. */
#ifndef RNCL_CLI_WATCH_SCREEN_H
#define RNCL_CLI_WATCH_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "status.h"

typedef enum rncl_screen_event {
    RNCL_SCREEN_TIME_OVER,
    RNCL_SCREEN_QUIT,   /* q, or a signal that ends the process */
    RNCL_SCREEN_REDRAW, /* another size, or back from a stop */
} rncl_screen_event;

/* Takes standard output, a terminal, over: its second screen, no cursor, keys without a line end. At most one
 * screen is open. RNCL_ERR_IO. */
rncl_status rncl_screen_open(void);
void rncl_screen_close(void); /* the terminal as it was; harmless when none is open */

void rncl_screen_size(size_t *columns, size_t *rows);

/* Shows text of at most as many lines as the screen has rows, none of them wider than it. */
void rncl_screen_show(const char *text);

/* Waits for a key or a signal, at most so long. */
rncl_screen_event rncl_screen_wait(int milliseconds);

#endif
