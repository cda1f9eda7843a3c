/* rncl check */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "console.h"
#include "table.h"
#include "util.h"

enum { MOST_GROUPS = 64 };

/* All results of one operation and variant: what stands before the first space of their names. */
typedef struct group {
    char name[64];
    int checks, failed;
    double worst; /* error as a share of the tolerance; of those that have one */
} group;

/* Results as they come in. */
typedef struct collector {
    rncl_console *console;
    bool verbose;
    json_t *checks;
    group groups[MOST_GROUPS];
    size_t group_count;
} collector;

static group *group_of(collector *c, const char *name)
{
    const size_t length = strcspn(name, " ");
    for (size_t i = 0; i < c->group_count; i++)
        if (strlen(c->groups[i].name) == length && !strncmp(c->groups[i].name, name, length))
            return &c->groups[i];
    /* Should there ever be more, the last group takes them all. */
    if (c->group_count < MOST_GROUPS)
        c->group_count++;
    group *g = &c->groups[c->group_count - 1];
    snprintf(g->name, sizeof g->name, "%.*s", (int)length, name);
    return g;
}

static void on_result(void *user, const rncl_check_result *result)
{
    collector *c = user;
    group *g = group_of(c, result->name);
    g->checks++;
    g->failed += !result->ok;
    if (result->tolerance > 0)
        g->worst = MAX(g->worst, result->error / result->tolerance);
    json_array_append_new(c->checks, json_pack("{s:s, s:o, s:o, s:b}", "name", result->name, "error",
                                               rncl_json_number(result->error), "tolerance",
                                               rncl_json_number(result->tolerance), "ok", result->ok));
    char line[384];
    if (result->ok && !c->verbose) {
        snprintf(line, sizeof line, "%zu checks done: %s", json_array_size(c->checks), result->name);
        rncl_meter_status(&c->console->meter, line);
        return;
    }
    snprintf(line, sizeof line, "%s  %s: error %.3g, tolerance %.3g", result->ok ? "ok    " : "FAILED",
             result->name, result->error, result->tolerance);
    rncl_meter_line(&c->console->meter, line);
}

static rncl_status print_table(const collector *c, const rncl_check_summary *summary)
{
    rncl_table *table;
    RNCL_TRY(rncl_table_create("operation\tchecks\tfailed\tworst error", "lrrr", &table));
    rncl_status st = RNCL_OK;
    for (size_t i = 0; i < c->group_count && !st; i++) {
        const group *g = &c->groups[i];
        st = rncl_table_add(table, "%s\t%d\t%d\t%.1f %% of its tolerance", g->name, g->checks, g->failed,
                            100 * g->worst);
    }
    if (!st) {
        rncl_table_print(table, stdout);
        printf("\n%d passed, %d failed\n", summary->passed, summary->failed);
    }
    rncl_table_destroy(table);
    return st;
}

static rncl_status print_json(const collector *c, const rncl_check_summary *summary)
{
    return rncl_json_print(json_pack("{s:i, s:i, s:O}", "passed", summary->passed, "failed", summary->failed,
                                     "checks", c->checks));
}

static rncl_status check(rncl_context *context, const rncl_options *options, collector *c)
{
    const rncl_check_options what = {
        .seed = options->seed,
        .shapes = options->shapes,
        .work = RNCL_CHECK_WORK,
        .filter = options->operation[0] ? options->operation : NULL,
        .algorithm = options->algorithm[0] ? options->algorithm : NULL,
        .report = on_result,
        .user = c,
    };
    rncl_check_summary summary = {0};
    rncl_status st = rncl_check_run(context, &what, &summary);
    rncl_meter_clear(&c->console->meter);
    if (st && st != RNCL_ERR_WRONG_RESULT)
        return st;
    rncl_status printed = options->json ? print_json(c, &summary) : print_table(c, &summary);
    return st ? st : printed;
}

rncl_status rncl_check_command_run(rncl_options *options)
{
    rncl_console console;
    rncl_console_init(&console, options);
    collector c = {.console = &console, .verbose = options->verbose, .checks = json_array()};
    if (!c.checks)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "list of checks");
    rncl_context *context;
    rncl_status st = rncl_console_open_device(&console, options, &context);
    if (!st)
        st = check(context, options, &c);
    rncl_context_destroy(context);
    json_decref(c.checks);
    return st;
}
