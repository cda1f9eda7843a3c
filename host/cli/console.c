/* Standard error, device and JSON for all commands. */
#include "console.h"

#include <math.h>
#include <stdlib.h>

#include "device.h"
#include "planning.h"
#include "rank_device.h"
#include "utf8.h"

static const char *const prefixes[] = {
    [RNCL_LOG_WARNING] = "warning: ",
    [RNCL_LOG_NOTE] = "",
    [RNCL_LOG_DETAIL] = "",
};

static void write_line(void *user, rncl_log_level level, const char *line)
{
    rncl_console *console = user;
    char text[1100], rank[24] = "";
    if (level == RNCL_LOG_PROGRESS && rncl_ranks_first(console->ranks))
        rncl_meter_status(&console->meter, line);
    if (level == RNCL_LOG_PROGRESS || level > console->loudest)
        return;
    if (!rncl_ranks_first(console->ranks))
        snprintf(rank, sizeof rank, "rank %d: ", console->ranks->index);
    snprintf(text, sizeof text, "%s%s%s", prefixes[level], rank, line);
    rncl_meter_line(&console->meter, text);
}

void rncl_console_init(rncl_console *console, const rncl_options *options)
{
    *console = (rncl_console){.loudest = options->verbose ? RNCL_LOG_DETAIL : RNCL_LOG_NOTE,
                              .log = {.write = write_line, .user = console}};
    rncl_meter_init(&console->meter, stderr);
}

void rncl_console_take_rank(rncl_console *console, const rncl_ranks *ranks)
{
    console->ranks = ranks;
    if (!rncl_ranks_first(ranks))
        console->loudest = RNCL_LOG_WARNING;
}

rncl_status rncl_console_open_device(rncl_console *console, const rncl_options *options, rncl_context **out)
{
    *out = NULL;
    rncl_device_list *list;
    RNCL_TRY(rncl_device_list_create(options->verbose ? &console->log : NULL, &list));
    const rncl_device *device;
    rncl_status st = rncl_rank_device_choose(list, options->device, console->ranks, &device);
    if (!st)
        st = rncl_context_create(device, &console->log, out);
    if (!st)
        st = rncl_context_prepare(*out, options);
    if (st) {
        rncl_context_destroy(*out);
        *out = NULL;
    }
    rncl_device_list_destroy(list);
    return st;
}

json_t *rncl_json_text(const char *text)
{
    char *utf8 = rncl_utf8_text(text);
    json_t *json = utf8 ? json_string(utf8) : NULL;
    free(utf8);
    return json;
}

json_t *rncl_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

rncl_status rncl_json_print(json_t *document)
{
    if (!document)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "JSON document");
    const int failed = json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) != 0;
    json_decref(document);
    if (failed)
        return RNCL_FAIL(RNCL_ERR_IO, "standard output could not be written");
    putchar('\n');
    return RNCL_OK;
}
