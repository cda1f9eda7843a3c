/* What the commands share: standard error, the chosen device, JSON on standard output. */
#ifndef RNCL_CLI_CONSOLE_H
#define RNCL_CLI_CONSOLE_H

#include <jansson.h>

#include "context.h"
#include "log.h"
#include "meter.h"
#include "options.h"
#include "ranks.h"

/* Remarks and progress on standard error. Lives on a command's stack and must not move: the log points to it.
 */
typedef struct rncl_console {
    rncl_meter meter;
    rncl_log_level loudest;  /* what is said less often than this is left out */
    const rncl_ranks *ranks; /* NULL: alone */
    rncl_log log;
} rncl_console;

/* Warnings and notes are shown; details too with --verbose. */
void rncl_console_init(rncl_console *console, const rncl_options *options);
/* For one of several ranks: of those but the first only warnings are shown. */
void rncl_console_take_rank(rncl_console *console, const rncl_ranks *ranks);

/* Makes the device of --device ready. What is wrong with other platforms is only told with --verbose. */
rncl_status rncl_console_open_device(rncl_console *console, const rncl_options *options, rncl_context **out);

/* A JSON string; bytes that are not UTF-8, as file names may have them, are written as in utf8.h. New
 * reference. */
json_t *rncl_json_text(const char *text);

/* A JSON number; null for what JSON has no number for. New reference. */
json_t *rncl_json_number(double value);

/* Prints the document on standard output, whole, and releases it. `document` NULL: it could not be built,
 * which jansson does only when out of memory. */
rncl_status rncl_json_print(json_t *document);

#endif
