/* rncl tune, on any device ($RNCL_TEST_DEVICE). */
#include "program.h"

#define NETWORK "--arch cifar-resnet --depth 8 --image 8 --batch-size 2"

static char environment[256];

static int start(void **state)
{
    const char *device = getenv("RNCL_TEST_DEVICE");
    snprintf(environment, sizeof environment, "XDG_DATA_HOME=data RNCL_TUNING_DIR=none RNCL_DEVICE=%s",
             device && *device ? device : "auto");
    return create_folder(state);
}

/* All tuning results in this folder; NULL if there is no file. */
static json_t *load_results(void)
{
    shell("cat data/rncl/tuning/*.json >results.json 2>/dev/null || true");
    char text[1 << 16];
    read_text("results.json", text, sizeof text);
    if (!*text)
        return NULL;
    json_t *document = json_loads(text, 0, NULL);
    assert_non_null(document);
    return document;
}

/* Runs a tuner for so many milliseconds and kills it together with its workers. */
static void tune_and_kill(int milliseconds)
{
    shell("(%s timeout -s KILL %d.%03d %s tune " NETWORK " --budget 5 > /dev/null 2>&1) || true", environment,
          milliseconds / 1000, milliseconds % 1000, RNCL_BINARY);
    json_decref(load_results());
}

/* A slow machine finishes nothing in this time, and goes on. */
static void tune_something(const char *options)
{
    for (size_t tuned = 0, i; tuned == 0;) {
        run_in(environment, "tune " NETWORK " %s --json", options);
        expect_status(0);
        json_t *document = expect_json(), *problem;
        json_array_foreach(json_object_get(document, "problems"), i, problem) tuned +=
            json_is_true(json_object_get(problem, "tuned"));
        json_decref(document);
    }
}

static void tuning_that_is_killed_again_and_again_goes_on_where_it_was(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        tune_and_kill(50 + (i * 7919) % 600);
    tune_something("--budget 8");
    json_t *results = load_results();
    assert_non_null(results);
    assert_true(json_array_size(json_object_get(results, "results")) > 0);
    json_decref(results);
}

static void what_was_tuned_is_used_and_said(void **state)
{
    (void)state;
    run_in(environment, "bench " NETWORK " --steps 1 --json");
    expect_status(0);
    json_t *document = expect_json();
    assert_string_not_equal(json_string_value(json_object_get(document, "tuning")), "miss");
    json_decref(document);
    run_in("XDG_DATA_HOME=nothing RNCL_TUNING_DIR=none", "bench " NETWORK " --steps 1 --json");
    document = expect_json();
    assert_string_equal(json_string_value(json_object_get(document, "tuning")), "miss");
    json_decref(document);
}

static void two_runs_with_one_tuning_file_give_the_same_bytes(void **state)
{
    (void)state;
    static const char *const folders[] = {"one", "two"};
    for (int i = 0; i < 2; i++) {
        run_in(environment, "train " NETWORK " --steps 3 --out %s", folders[i]);
        expect_status(0);
        assert_non_null(strstr(result.errors, "your settings cover "));
    }
    shell("cmp one/model.safetensors two/model.safetensors && cmp one/steps.csv two/steps.csv");
}

static void without_winograd_there_is_none(void **state)
{
    (void)state;
    run_in(environment, "bench " NETWORK " --steps 1 --winograd off");
    expect_status(0);
    assert_null(strstr(result.output, "winograd"));
}

/* On devices that store floats alone, fp32's. */
static void a_precision_has_results_of_its_own(void **state)
{
    (void)state;
    shell("rm -rf data");
    tune_something("--precision bf16 --budget 4");
    run_in(environment, "bench " NETWORK " --precision bf16 --steps 1 --json");
    expect_status(0);
    const int stored = strstr(result.errors, "precision bf16: tensors between layers are stored") != NULL;
    json_t *document = expect_json();
    assert_string_not_equal(json_string_value(json_object_get(document, "tuning")), "miss");
    json_decref(document);
    run_in(environment, "bench " NETWORK " --steps 1 --json");
    document = expect_json();
    assert_int_equal(!strcmp(json_string_value(json_object_get(document, "tuning")), "miss"), stored);
    json_decref(document);
}

static void a_budget_that_is_no_time_is_refused(void **state)
{
    (void)state;
    run("tune --budget 0");
    expect_failure(2, "budget");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tuning_that_is_killed_again_and_again_goes_on_where_it_was),
        cmocka_unit_test(what_was_tuned_is_used_and_said),
        cmocka_unit_test(two_runs_with_one_tuning_file_give_the_same_bytes),
        cmocka_unit_test(without_winograd_there_is_none),
        cmocka_unit_test(a_precision_has_results_of_its_own),
        cmocka_unit_test(a_budget_that_is_no_time_is_refused),
    };
    return cmocka_run_group_tests(tests, start, remove_folder);
}
