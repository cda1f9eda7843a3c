/* rncl tune, and the command that its workers run. */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "console.h"
#include "setting_json.h"
#include "table.h"
#include "tuning.h"
#include "worker.h"

static rncl_status print_json(const rncl_tuning *network)
{
    const rncl_tune_result total = rncl_tuning_result(network);
    json_t *problems = json_array();
    for (size_t i = 0; i < network->count; i++) {
        const rncl_tune_task *task = &network->tasks[i];
        char key[RNCL_PROBLEM_KEY];
        rncl_problem_key(&task->problem, key);
        json_array_append_new(
            problems, json_pack("{s:s, s:i, s:b, s:o, s:o, s:o}", "problem", key, "count", task->count,
                                "tuned", task->entry.time_ns > 0, "preset_ms",
                                rncl_json_number(1e-6 * (double)(task->entry.time_ns ? task->entry.preset_ns
                                                                                     : task->preset_ns)),
                                "ms", rncl_json_number(1e-6 * (double)task->entry.time_ns), "setting",
                                rncl_setting_to_json(&task->entry.setting)));
    }
    return rncl_json_print(json_pack("{s:o, s:o, s:o, s:o}", "preset_ms", rncl_json_number(total.preset_ms),
                                     "ms", rncl_json_number(total.tuned_ms), "gain",
                                     rncl_json_number(total.preset_ms / total.tuned_ms), "problems",
                                     problems));
}

static rncl_status add_row(rncl_table *table, const rncl_tune_task *task)
{
    const rncl_tuned_entry *entry = &task->entry;
    char key[RNCL_PROBLEM_KEY], setting[RNCL_SETTING_TEXT];
    rncl_problem_key(&task->problem, key);
    if (!entry->time_ns)
        return rncl_table_add(table, "%d\t%.2f\t\t\t\t%s: not reached", task->count,
                              1e-6 * (double)task->preset_ns, key);
    rncl_setting_text(&entry->setting, setting);
    char rate[32] = "";
    if (rncl_problem_flops(&task->problem) > 0)
        snprintf(rate, sizeof rate, "%.0f", rncl_problem_flops(&task->problem) / (double)entry->time_ns);
    return rncl_table_add(table, "%d\t%.2f\t%.2f\t%.2f\t%s\t%s: %s", task->count,
                          1e-6 * (double)entry->preset_ns, 1e-6 * (double)entry->time_ns,
                          (double)entry->preset_ns / (double)entry->time_ns, rate, key, setting);
}

static rncl_status print_text(const rncl_tuning *network)
{
    rncl_table *table;
    RNCL_TRY(
        rncl_table_create("in a step\tpreset ms\tms\tgain\tGFLOP/s\tproblem: setting", "rrrrrl", &table));
    rncl_status st = RNCL_OK;
    for (size_t i = 0; i < network->count && !st; i++)
        st = add_row(table, &network->tasks[i]);
    if (!st)
        rncl_table_print(table, stdout);
    rncl_table_destroy(table);
    const rncl_tune_result total = rncl_tuning_result(network);
    printf("\nWhat is tuned of a step: %.1f ms untuned, %.1f ms tuned, a gain of %.2f.\n", total.preset_ms,
           total.tuned_ms, total.preset_ms / total.tuned_ms);
    return st;
}

void rncl_command_tunes(rncl_options *options)
{
    if (!options->tune_program[0])
        snprintf(options->tune_program, sizeof options->tune_program, "/proc/self/exe");
}

rncl_status rncl_tune_run(rncl_options *options)
{
    rncl_console console;
    rncl_console_init(&console, options);
    rncl_context *context;
    RNCL_TRY(rncl_console_open_device(&console, options, &context));
    rncl_tuning network;
    rncl_command_tunes(options);
    rncl_status st = rncl_tuning_run(context, options, (double)options->budget, &network);
    rncl_meter_clear(&console.meter);
    if (!st)
        st = options->json ? print_json(&network) : print_text(&network);
    rncl_tuning_fini(&network);
    rncl_context_destroy(context);
    return st;
}

rncl_status rncl_tune_worker_run(rncl_options *options)
{
    rncl_console console;
    rncl_console_init(&console, options);
    rncl_context *context;
    RNCL_TRY(rncl_console_open_device(&console, options, &context));
    rncl_status st = rncl_worker_serve(context, NULL);
    rncl_context_destroy(context);
    return st;
}
