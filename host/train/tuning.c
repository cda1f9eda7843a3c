/* Workers, progress and the problems of a network around rncl_tune. */
#include "tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installation.h"
#include "number.h"
#include "op_uses.h"
#include "planning.h"
#include "setting_json.h"
#include "util.h"

/* For one candidate, with its compiling. */
enum { TIMEOUT_MS = 60000 };

static rncl_status ask_worker(void *user, const rncl_worker_request *request, rncl_worker_outcome *outcome,
                              uint64_t *times_ns, char why[128])
{
    return rncl_worker_ask(user, request, outcome, times_ns, why);
}

static void show_progress(void *user, const rncl_tune_task *task, size_t done, size_t count,
                          double seconds_left)
{
    const rncl_log *log = user;
    char key[RNCL_PROBLEM_KEY], setting[RNCL_SETTING_TEXT];
    rncl_problem_key(&task->problem, key);
    if (!task->entry.time_ns) {
        rncl_log_line(log, RNCL_LOG_NOTE, "%3zu/%zu  %s: not reached", done, count, key);
        return;
    }
    rncl_setting_text(&task->entry.setting, setting);
    rncl_log_line(log, RNCL_LOG_NOTE, "%3zu/%zu  %s: %.2f -> %.2f ms by %s  (%d:%02d left)", done, count, key,
                  1e-6 * (double)task->entry.preset_ns, 1e-6 * (double)task->entry.time_ns, setting,
                  (int)seconds_left / 60, (int)seconds_left % 60);
}

static rncl_status list_tasks(rncl_context *context, const rncl_options *options, rncl_tuning *out)
{
    rncl_graph *graph;
    rncl_op_use *uses = NULL;
    RNCL_TRY(rncl_graph_build(&options->network, &graph));
    rncl_graph_align(graph, context->info.address_alignment);
    rncl_network_setup setup = {
        .graph = graph,
        .batch_size = options->batch_size,
        .micro_batch = options->micro_batch,
        .training = true,
        .averaged = options->ema > 0,
        .mixup = options->mixup > 0,
    };
    rncl_planning_apply(options, NULL, &setup);
    rncl_status st = rncl_op_uses(context, &setup, &uses, &out->count);
    out->tasks = st ? NULL : calloc(out->count, sizeof *out->tasks);
    if (!st && !out->tasks)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "%zu problems", out->count);
    for (size_t i = 0; !st && i < out->count; i++)
        out->tasks[i] =
            (rncl_tune_task){.problem = {.desc = uses[i].desc, .pass = uses[i].pass}, .count = uses[i].count};
    free(uses);
    rncl_graph_destroy(graph);
    return st;
}

/* The program for child processes, allocated. */
static rncl_status find_program(const rncl_options *options, char **program)
{
    static const char *const folders[] = {".", RNCL_BIN_FROM_LIB, RNCL_BIN_INSTALLED, NULL};
    const char *chosen = options->tune_program[0] ? options->tune_program : getenv("RNCL_PROGRAM");
    if (!chosen || !*chosen)
        RNCL_TRY(rncl_installation_find(folders, "rncl", program));
    else if (!(*program = strdup(chosen)))
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", chosen);
    if (!*program)
        return RNCL_FAIL(
            RNCL_ERR_FAILURE,
            "tuning runs its trials in the program rncl, which is not beside the library; name it "
            "with option tune-program or in RNCL_PROGRAM");
    return RNCL_OK;
}

static rncl_status tune_in(rncl_context *context, const rncl_options *options, double budget_seconds,
                           const char *program, rncl_tuning *out)
{
    char device[16], longest[16];
    const uint64_t limit_ms = context->launch_limit_ns / 1000000;
    snprintf(device, sizeof device, "%d", context->info.number);
    snprintf(longest, sizeof longest, "%d", limit_ms ? (int)limit_ms : RNCL_LONGEST_LAUNCH_MS);
    const char *const arguments[] = {program,
                                     "tune-worker",
                                     "--device",
                                     device,
                                     "--precision",
                                     rncl_precision_name(context->precision),
                                     "--max-launch-ms",
                                     longest,
                                     NULL};
    rncl_worker worker;
    rncl_store *store;
    RNCL_TRY(rncl_store_open(&context->info, context->precision, &context->log, &store));
    rncl_worker_init(&worker, arguments, TIMEOUT_MS);
    const rncl_tune_options tune = {
        .context = context,
        .store = store,
        .timer = {.ask = ask_worker, .user = &worker},
        .budget_seconds = budget_seconds,
        .retune = options->retune,
        .log = &context->log,
        .progress = show_progress,
        .user = &context->log,
    };
    rncl_status st = list_tasks(context, options, out);
    if (!st)
        st = rncl_tune(&tune, out->tasks, out->count);
    snprintf(out->store, sizeof out->store, "%s", rncl_store_path(store));
    if (!st)
        rncl_log_line(&context->log, RNCL_LOG_NOTE, "results are in %s", rncl_store_path(store));
    rncl_worker_fini(&worker);
    rncl_store_close(store);
    return st;
}

rncl_status rncl_tuning_run(rncl_context *context, const rncl_options *options, double budget_seconds,
                            rncl_tuning *out)
{
    *out = (rncl_tuning){0};
    char *program;
    RNCL_TRY(find_program(options, &program));
    rncl_status st = tune_in(context, options, budget_seconds, program, out);
    free(program);
    if (st)
        rncl_tuning_fini(out);
    return st;
}

void rncl_tuning_fini(rncl_tuning *tuning)
{
    free(tuning->tasks);
    *tuning = (rncl_tuning){0};
}

rncl_tune_result rncl_tuning_result(const rncl_tuning *tuning)
{
    rncl_tune_result result = {.passes = (int)tuning->count};
    memcpy(result.store, tuning->store, sizeof result.store);
    for (size_t i = 0; i < tuning->count; i++) {
        const rncl_tune_task *task = &tuning->tasks[i];
        const bool tuned = task->entry.time_ns > 0;
        const uint64_t preset_ns = tuned ? task->entry.preset_ns : task->preset_ns;
        result.tuned += tuned;
        result.preset_ms += 1e-6 * task->count * (double)preset_ns;
        result.tuned_ms += 1e-6 * task->count * (double)(tuned ? task->entry.time_ns : preset_ns);
    }
    return result;
}
