/* Coordinate descent over knobs, with random restarts. */
#include "search.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "setting_json.h"
#include "util.h"

/* DROP_FACTOR: candidates that are slower than the best by this factor are timed only once. MOST_LOSSES:
 * an algorithm is skipped after so many problems at which its presets were that slow. */
enum { DROP_FACTOR = 3, MOST_LOSSES = 2, MOST_DRAWS = 100 };

/* Smaller gains are noise: timings of unchanged code differ by as much. */
static const double least_gain = 1.03;

static bool time_is_up(const rncl_search *search)
{
    return rncl_time_ns() >= search->deadline_ns || search->tried_count == RNCL_MOST_TRIED;
}

static const rncl_tried *find_tried(const rncl_search *search, const rncl_setting *setting)
{
    for (size_t i = 0; i < search->tried_count; i++)
        if (rncl_setting_equal(&search->tried[i].setting, setting))
            return &search->tried[i];
    return NULL;
}

/* Times a setting in the worker. A failure is stored, so that the setting is never tried again. */
static rncl_status ask(rncl_search *search, const rncl_setting *setting, uint64_t *time_ns)
{
    char why[128];
    rncl_worker_outcome outcome;
    const rncl_worker_request request = {
        .problem = search->problem,
        .settings = setting,
        .count = 1,
        .drop_ns = search->best.time_ns == UINT64_MAX ? 0 : DROP_FACTOR * search->best.time_ns,
    };
    RNCL_TRY(search->timer.ask(search->timer.user, &request, &outcome, time_ns, why));
    if (outcome == RNCL_WORKER_DONE)
        return RNCL_OK;
    *time_ns = UINT64_MAX;
    return rncl_store_fail(search->store, &search->problem, setting, why);
}

/* *time_ns: UINT64_MAX if it fails, or has failed before. */
static rncl_status try_setting(rncl_search *search, const rncl_setting *setting, uint64_t *time_ns)
{
    const rncl_tried *before = find_tried(search, setting);
    *time_ns = before ? before->time_ns : UINT64_MAX;
    if (before || time_is_up(search) || rncl_store_failed(search->store, &search->problem, setting))
        return RNCL_OK;
    RNCL_TRY(ask(search, setting, time_ns));
    const rncl_tried tried = {.setting = *setting, .time_ns = *time_ns};
    search->tried[search->tried_count++] = tried;
    if (tried.time_ns < search->best.time_ns)
        search->best = tried;
    return RNCL_OK;
}

static rncl_status try_algorithms(rncl_search *search)
{
    rncl_pass t = rncl_problem_pass(search->context, &search->problem);
    int *losses = search->losses[t.desc.kind];
    assert(rncl_pass_rows(&t) <= RNCL_MOST_ROWS);
    for (size_t row = 0; row < rncl_pass_rows(&t); row++) {
        uint64_t time_ns;
        if (losses[row] >= MOST_LOSSES || !rncl_pass_take_row(&t, row) || t.row->untuned)
            continue;
        const rncl_setting presets = rncl_pass_setting(&t);
        RNCL_TRY(try_setting(search, &presets, &time_ns));
        if (time_ns / DROP_FACTOR > search->best.time_ns)
            losses[row]++;
    }
    return RNCL_OK;
}

/* Tries the best settings of related problems. */
static rncl_status try_neighbours(rncl_search *search)
{
    for (size_t i = 0; i < rncl_store_count(search->store); i++) {
        const rncl_tuned_entry entry = *rncl_store_at(search->store, i);
        rncl_pass t = rncl_problem_pass(search->context, &search->problem);
        uint64_t ignored;
        if (entry.time_ns && rncl_problem_related(&entry.problem, &search->problem) &&
            rncl_pass_take(&t, &entry.setting))
            RNCL_TRY(try_setting(search, &entry.setting, &ignored));
    }
    return RNCL_OK;
}

static int compare_ints(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

/* Moves one knob step by step while that helps. *time_ns is the time of the values in `t`, before and
 * after. */
static rncl_status climb(rncl_search *search, rncl_pass *t, int knob, int direction, uint64_t *time_ns)
{
    rncl_knob sorted = t->knobs.knobs[knob];
    qsort(sorted.values, (size_t)sorted.count, sizeof sorted.values[0], compare_ints);
    int at = 0;
    while (sorted.values[at] != t->values[knob])
        at++;
    int best = sorted.values[at];
    for (at += direction; at >= 0 && at < sorted.count && !time_is_up(search); at += direction) {
        uint64_t time;
        t->values[knob] = sorted.values[at];
        if (!rncl_pass_allows(t))
            continue;
        const rncl_setting setting = rncl_pass_setting(t);
        RNCL_TRY(try_setting(search, &setting, &time));
        if (time >= *time_ns)
            break;
        *time_ns = time;
        best = sorted.values[at];
    }
    t->values[knob] = best;
    return RNCL_OK;
}

/* Coordinate descent from the values in `t`, until no knob helps. The last knobs come first, since
 * changing them needs no compiling. */
static rncl_status descend(rncl_search *search, rncl_pass *t, uint64_t time_ns)
{
    uint64_t before;
    do {
        before = time_ns;
        for (int knob = t->knobs.count; knob-- > 0;) {
            RNCL_TRY(climb(search, t, knob, 1, &time_ns));
            RNCL_TRY(climb(search, t, knob, -1, &time_ns));
        }
    } while (time_ns < before && !time_is_up(search));
    return RNCL_OK;
}

static rncl_status descend_from_best(rncl_search *search)
{
    rncl_pass t = rncl_problem_pass(search->context, &search->problem);
    return rncl_pass_take(&t, &search->best.setting) ? descend(search, &t, search->best.time_ns) : RNCL_OK;
}

/* Draws valid values that have not been tried, for the best algorithm. */
static bool draw(rncl_search *search, rncl_pass *t)
{
    for (int attempt = 0; attempt < MOST_DRAWS && rncl_pass_draw(t, &search->random); attempt++) {
        const rncl_setting setting = rncl_pass_setting(t);
        if (!find_tried(search, &setting))
            return true;
    }
    return false;
}

/* Random restarts: a drawn setting that is nearly as fast as the best starts a new descent. */
static rncl_status sample(rncl_search *search)
{
    rncl_pass t = rncl_problem_pass(search->context, &search->problem);
    if (!rncl_pass_take(&t, &search->best.setting))
        return RNCL_OK;
    while (!time_is_up(search) && draw(search, &t)) {
        uint64_t time;
        const rncl_setting setting = rncl_pass_setting(&t);
        RNCL_TRY(try_setting(search, &setting, &time));
        if (time < search->best.time_ns + search->best.time_ns / 10)
            RNCL_TRY(descend(search, &t, time));
    }
    return RNCL_OK;
}

rncl_status rncl_search_presets(rncl_context *context, const rncl_problem *problem, rncl_setting *out)
{
    rncl_pass t = rncl_problem_pass(context, problem);
    char key[RNCL_PROBLEM_KEY];
    rncl_problem_key(problem, key);
    if (!rncl_pass_take_default(&t))
        return RNCL_FAIL(RNCL_ERR_SHAPE, "no algorithm on %s can do %s", context->info.name, key);
    *out = rncl_pass_setting(&t);
    return RNCL_OK;
}

/* Times the presets and the best setting again, in turns. */
static rncl_status decide(rncl_search *search, const rncl_setting *presets, rncl_tuned_entry *entry)
{
    const rncl_setting settings[] = {*presets, search->best.setting};
    const rncl_worker_request request = {
        .problem = search->problem, .settings = settings, .count = COUNT(settings)};
    uint64_t times_ns[COUNT(settings)];
    char why[128];
    rncl_worker_outcome outcome;
    if (rncl_setting_equal(presets, &search->best.setting))
        return RNCL_OK;
    RNCL_TRY(search->timer.ask(search->timer.user, &request, &outcome, times_ns, why));
    if (outcome != RNCL_WORKER_DONE)
        return RNCL_OK;
    entry->preset_ns = entry->time_ns = times_ns[0];
    if ((double)times_ns[0] > least_gain * (double)times_ns[1]) {
        entry->setting = search->best.setting;
        entry->time_ns = times_ns[1];
    }
    return RNCL_OK;
}

static rncl_status fail_presets(const rncl_search *search)
{
    char key[RNCL_PROBLEM_KEY];
    rncl_problem_key(&search->problem, key);
    return RNCL_FAIL(RNCL_ERR_WRONG_RESULT, "%s: its presets failed", key);
}

rncl_status rncl_search_run(rncl_search *search, rncl_tuned_entry *entry)
{
    rncl_setting presets;
    uint64_t preset_ns;
    search->tried_count = 0;
    search->best = (rncl_tried){.time_ns = UINT64_MAX};
    RNCL_TRY(rncl_search_presets(search->context, &search->problem, &presets));
    RNCL_TRY(ask(search, &presets, &preset_ns));
    if (preset_ns == UINT64_MAX)
        return fail_presets(search);
    search->tried[search->tried_count++] = search->best =
        (rncl_tried){.setting = presets, .time_ns = preset_ns};
    *entry = (rncl_tuned_entry){.problem = search->problem,
                                .setting = presets,
                                .time_ns = preset_ns,
                                .preset_ns = preset_ns,
                                .finished = true};
    RNCL_TRY(try_neighbours(search));
    RNCL_TRY(try_algorithms(search));
    RNCL_TRY(descend_from_best(search));
    RNCL_TRY(sample(search));
    return decide(search, &presets, entry);
}
