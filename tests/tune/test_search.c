/* The search with a formula as timer, and with real workers in which faults are planted. This program is
 * also the worker. On any device ($RNCL_TEST_DEVICE). */

#include "random.h"
#include "setting_json.h"
#include "tune.h"
#include "tune_device.h"
#include "tune_test.h"

static const char *program;

static int set_up(void **state)
{
    return make_folder(state) || open_context() != RNCL_OK;
}

static int tear_down(void **state)
{
    rncl_context_destroy(context);
    return remove_folder(state);
}

static int knob(const rncl_setting *setting, const char *name, int otherwise)
{
    for (int i = 0; i < setting->count; i++)
        if (!strcmp(setting->knobs[i].name, name))
            return setting->knobs[i].value;
    return otherwise;
}

/* ---- a formula for a timer ---- */

/* Every algorithm takes 100 µs except direct, which is faster the closer its rows are to 4. */
static uint64_t pretended_time(const rncl_setting *setting)
{
    if (strcmp(setting->algorithm, "direct") != 0)
        return 100000;
    return (uint64_t)(80000 + 1000 * abs(knob(setting, "rows", 12) - 4));
}

static int asked;

static rncl_status pretend(void *user, const rncl_worker_request *request, rncl_worker_outcome *outcome,
                           uint64_t *times_ns, char why[128])
{
    (void)user, (void)why;
    asked++;
    *outcome = RNCL_WORKER_DONE;
    for (size_t i = 0; i < request->count; i++)
        times_ns[i] = pretended_time(&request->settings[i]);
    return RNCL_OK;
}

/* A difference of two per cent, which must not replace the presets. */
static rncl_status hardly_differ(void *user, const rncl_worker_request *request, rncl_worker_outcome *outcome,
                                 uint64_t *times_ns, char why[128])
{
    (void)user, (void)why;
    *outcome = RNCL_WORKER_DONE;
    for (size_t i = 0; i < request->count; i++)
        times_ns[i] = request->settings[i].count ? 98000 : 100000;
    return RNCL_OK;
}

static rncl_store *open_store(void)
{
    rncl_store *store;
    assert_int_equal(rncl_store_open(&context->info, RNCL_PRECISION_FP32, NULL, &store), RNCL_OK);
    return store;
}

static rncl_tune_task tune(rncl_store *store, rncl_timer timer, double budget_seconds)
{
    rncl_tune_task task = {.problem = make_problem(RNCL_CONV_FORWARD, 4), .count = 1};
    const rncl_tune_options options = {
        .context = context, .store = store, .timer = timer, .budget_seconds = budget_seconds};
    assert_int_equal(rncl_tune(&options, &task, 1), RNCL_OK);
    assert_true(task.entry.finished);
    return task;
}

static void the_search_finds_the_fastest_setting(void **state)
{
    (void)state;
    rncl_store *store = open_store();
    const rncl_tune_task task = tune(store, (rncl_timer){.ask = pretend}, 1);
    assert_string_equal(task.entry.setting.algorithm, "direct");
    assert_int_equal(task.entry.time_ns, 80000);
    assert_true(task.entry.preset_ns > 80000);
    rncl_store_close(store);
}

static void what_is_hardly_faster_does_not_replace_the_presets(void **state)
{
    (void)state;
    rncl_store *store = open_store();
    rncl_setting presets;
    const rncl_tune_task task = tune(store, (rncl_timer){.ask = hardly_differ}, 0.3);
    assert_int_equal(rncl_search_presets(context, &task.problem, &presets), RNCL_OK);
    assert_true(rncl_setting_equal(&task.entry.setting, &presets));
    rncl_store_close(store);
}

static void what_is_finished_is_not_searched_again(void **state)
{
    (void)state;
    rncl_store *store = open_store();
    const rncl_tune_task first = tune(store, (rncl_timer){.ask = pretend}, 0.5);
    asked = 0;
    const rncl_tune_task second = tune(store, (rncl_timer){.ask = pretend}, 0.5);
    assert_int_equal(asked, 0);
    assert_true(rncl_setting_equal(&first.entry.setting, &second.entry.setting));
    rncl_store_close(store);
}

/* ---- faults in a real worker ---- */

/* Rows of direct's settings with faults: one gives a wrong value, one kills the process, one never ends. */
enum { WRONG_ROWS = 1, DEADLY_ROWS = 2, ENDLESS_ROWS = 4, GOOD_ROWS = 7 };

static rncl_setting by_rows(int rows)
{
    return (rncl_setting){.algorithm = "direct", .count = 3, .knobs = {{"bh", 1}, {"bw", 4}, {"rows", rows}}};
}

static void plant(void *user, const rncl_setting *setting, float *values, size_t count)
{
    (void)user;
    const rncl_setting same = by_rows(knob(setting, "rows", 0));
    switch (rncl_setting_equal(setting, &same) ? knob(setting, "rows", 0) : 0) {
    case WRONG_ROWS:
        values[count / 2] += 1.0f;
        break;
    case DEADLY_ROWS:
        abort();
        break;
    case ENDLESS_ROWS:
        for (;;)
            pause();
    default:
        break;
    }
}

static int serve(void)
{
    const rncl_trial_hook hook = {.result = plant};
    rncl_status st = open_context();
    if (!st)
        st = rncl_worker_serve(context, &hook);
    rncl_context_destroy(context);
    return rncl_status_exit(st);
}

static rncl_worker_outcome ask(rncl_worker *worker, int rows, char why[128])
{
    const rncl_setting setting = by_rows(rows);
    const rncl_worker_request request = {
        .problem = make_problem(RNCL_CONV_FORWARD, 4), .settings = &setting, .count = 1};
    rncl_worker_outcome outcome;
    uint64_t time_ns = 0;
    assert_int_equal(rncl_worker_ask(worker, &request, &outcome, &time_ns, why), RNCL_OK);
    if (outcome == RNCL_WORKER_DONE)
        assert_true(time_ns > 0);
    return outcome;
}

static void a_worker_outlives_whatever_its_candidates_do(void **state)
{
    (void)state;
    const char *const arguments[] = {program, "worker", NULL};
    rncl_worker worker;
    char why[128];
    rncl_worker_init(&worker, arguments, 60000);
    assert_int_equal(ask(&worker, GOOD_ROWS, why), RNCL_WORKER_DONE);
    assert_int_equal(ask(&worker, WRONG_ROWS, why), RNCL_WORKER_REFUSED);
    assert_non_null(strstr(why, "expected"));
    assert_int_equal(ask(&worker, DEADLY_ROWS, why), RNCL_WORKER_DIED);
    assert_non_null(strstr(why, "signal 6"));
    /* The kernels of good candidates are compiled by now, so that a short limit suffices. */
    worker.timeout_ms = 3000;
    assert_int_equal(ask(&worker, ENDLESS_ROWS, why), RNCL_WORKER_HUNG);
    assert_non_null(strstr(why, "no answer within 3 s"));
    worker.timeout_ms = 60000;
    assert_int_equal(ask(&worker, GOOD_ROWS, why), RNCL_WORKER_DONE);
    rncl_worker_fini(&worker);
}

static rncl_status ask_worker(void *user, const rncl_worker_request *request, rncl_worker_outcome *outcome,
                              uint64_t *times_ns, char why[128])
{
    return rncl_worker_ask(user, request, outcome, times_ns, why);
}

static void bad_candidates_are_remembered_and_never_chosen(void **state)
{
    (void)state;
    const char *const arguments[] = {program, "worker", NULL};
    const int bad[] = {WRONG_ROWS, DEADLY_ROWS, ENDLESS_ROWS};
    rncl_worker worker;
    rncl_worker_init(&worker, arguments, 5000);
    rncl_store *store = open_store();
    /* Stored as the best settings of related problems, so that the search tries them. */
    for (size_t i = 0; i < COUNT(bad); i++) {
        const rncl_tuned_entry neighbour = {.problem = make_problem(RNCL_CONV_FORWARD, 10 + (int)i),
                                            .setting = by_rows(bad[i]),
                                            .time_ns = 1};
        assert_int_equal(rncl_store_put(store, &neighbour), RNCL_OK);
    }
    const rncl_tune_task task = tune(store, (rncl_timer){.ask = ask_worker, .user = &worker}, 20);
    for (size_t i = 0; i < COUNT(bad); i++) {
        const rncl_setting setting = by_rows(bad[i]);
        assert_true(rncl_store_failed(store, &task.problem, &setting));
        assert_false(rncl_setting_equal(&task.entry.setting, &setting));
    }
    rncl_worker_fini(&worker);
    rncl_store_close(store);
}

int main(int argc, char **argv)
{
    program = argv[0];
    if (argc > 1)
        return serve();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_search_finds_the_fastest_setting, forget_results),
        cmocka_unit_test_setup(what_is_hardly_faster_does_not_replace_the_presets, forget_results),
        cmocka_unit_test_setup(what_is_finished_is_not_searched_again, forget_results),
        cmocka_unit_test_setup(a_worker_outlives_whatever_its_candidates_do, forget_results),
        cmocka_unit_test_setup(bad_candidates_are_remembered_and_never_chosen, forget_results),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
