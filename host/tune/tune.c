/* The order of problems, and their shares of the budget. */
#include "tune.h"

#include <stdlib.h>

#include "setting_json.h"
#include "util.h"

typedef struct tuning {
    const rncl_tune_options *options;
    rncl_tune_task *tasks;
    size_t count;
    uint64_t end_ns;
} tuning;

static double weight(const rncl_tune_task *task)
{
    return (double)task->preset_ns * task->count;
}

static int by_weight(const void *a, const void *b)
{
    const double left = weight(a), right = weight(b);
    return (left < right) - (left > right);
}

static double seconds_left(const tuning *t)
{
    uint64_t now = rncl_time_ns();
    return now < t->end_ns ? 1e-9 * (double)(t->end_ns - now) : 0;
}

static void report(const tuning *t, size_t index)
{
    if (t->options->progress)
        t->options->progress(t->options->user, &t->tasks[index], index + 1, t->count, seconds_left(t));
}

/* Times the presets once. A problem whose presets cannot be run gets weight 0. */
static rncl_status time_presets(const tuning *t, rncl_tune_task *task)
{
    const rncl_tuned_entry *known = rncl_store_find(t->options->store, &task->problem);
    rncl_setting presets;
    rncl_worker_outcome outcome;
    char why[128], key[RNCL_PROBLEM_KEY], tried[RNCL_SETTING_TEXT];
    if (known && known->finished) {
        task->entry = *known;
        task->preset_ns = known->preset_ns;
        return RNCL_OK;
    }
    RNCL_TRY(rncl_search_presets(t->options->context, &task->problem, &presets));
    const rncl_worker_request request = {.problem = task->problem, .settings = &presets, .count = 1};
    RNCL_TRY(t->options->timer.ask(t->options->timer.user, &request, &outcome, &task->preset_ns, why));
    if (outcome == RNCL_WORKER_DONE)
        return RNCL_OK;
    task->preset_ns = 0;
    rncl_problem_key(&task->problem, key);
    rncl_setting_text(&presets, tried);
    rncl_log_line(t->options->log, RNCL_LOG_WARNING, "%s is not tuned, since its presets (%s) failed: %s",
                  key, tried, why);
    return RNCL_OK;
}

static rncl_status search(const tuning *t, rncl_search *s, size_t index)
{
    rncl_tune_task *task = &t->tasks[index];
    double rest = 0;
    for (size_t i = index; i < t->count; i++)
        if (!t->tasks[i].entry.finished)
            rest += weight(&t->tasks[i]);
    double slice = seconds_left(t) * weight(task) / MAX(rest, 1.0);
    s->problem = task->problem;
    s->deadline_ns = rncl_time_ns() + (uint64_t)(1e9 * slice);
    s->random = rncl_random_stream(0, RNCL_RANDOM_TEST, 2, (uint32_t)index);
    RNCL_TRY(rncl_search_run(s, &task->entry));
    return rncl_store_put(t->options->store, &task->entry);
}

static rncl_status search_all(const tuning *t, rncl_search *s)
{
    for (size_t i = 0; i < t->count; i++) {
        if (!t->tasks[i].entry.finished && t->tasks[i].preset_ns && seconds_left(t) > 0)
            RNCL_TRY(search(t, s, i));
        report(t, i);
    }
    return RNCL_OK;
}

rncl_status rncl_tune(const rncl_tune_options *options, rncl_tune_task *tasks, size_t count)
{
    const tuning t = {.options = options,
                      .tasks = tasks,
                      .count = count,
                      .end_ns = rncl_time_ns() + (uint64_t)(1e9 * options->budget_seconds)};
    RNCL_TRY(rncl_store_forget(options->store, options->retune));
    for (size_t i = 0; i < count; i++)
        RNCL_TRY(time_presets(&t, &tasks[i]));
    qsort(tasks, count, sizeof *tasks, by_weight);
    rncl_search *s = calloc(1, sizeof *s);
    if (!s)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "search");
    s->context = options->context;
    s->store = options->store;
    s->timer = options->timer;
    rncl_status st = search_all(&t, s);
    free(s);
    return st;
}
