/* One run as a rectangle of text. */
#ifndef RNCL_CLI_WATCH_PANEL_H
#define RNCL_CLI_WATCH_PANEL_H

#include "followed_run.h"

typedef struct rncl_watch_style {
    bool colour, ascii;
} rncl_watch_style;

typedef struct rncl_watch_panel rncl_watch_panel;

/* The run as it is now, in `width` columns and `height` rows, both at least 1: its state, curves where there
 * is room for them, and what happened last. RNCL_ERR_MEMORY. */
rncl_status rncl_watch_panel_create(const rncl_followed_run *run, rncl_watch_style style, size_t width,
                                    size_t height, rncl_watch_panel **out);
void rncl_watch_panel_destroy(rncl_watch_panel *panel); /* takes NULL */

/* Writes a row without a line break: `width` columns if `padded`, else as many as it needs. */
void rncl_watch_panel_row(const rncl_watch_panel *panel, size_t row, bool padded, FILE *stream);

/* "training", "finished", … */
const char *rncl_watch_phase(const rncl_followed_run *run);

/* The last `count` things that happened in the run, oldest first, in texts[0] and on; their number. */
enum { RNCL_WATCH_EVENT_LENGTH = 128 };
size_t rncl_watch_events(const rncl_followed_run *run, size_t count, char (*texts)[RNCL_WATCH_EVENT_LENGTH]);

#endif
