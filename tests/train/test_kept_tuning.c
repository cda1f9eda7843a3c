/* A run computes with the tuning results that it began with, whatever is tuned meanwhile. */
#include "problem.h"
#include "store.h"
#include "training_test.h"

static char said[8192];

static void remember(void *user, rncl_log_level level, const char *line)
{
    (void)user;
    if (level == RNCL_LOG_WARNING)
        snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", line);
}

/* Runs to step `stop`, 0: to the end. What was warned of is in `said`. */
static rncl_status train_to(rncl_options *options, int64_t stop)
{
    rncl_device_list *list;
    const rncl_device *device;
    rncl_context *context;
    accident end = {.step = stop};
    rncl_train_result result;
    const rncl_train_listener listener = {.progress = on_progress, .user = &end, .stop = &end.stop};
    said[0] = '\0';
    expect_ok(rncl_device_list_create(NULL, &list));
    expect_ok(rncl_device_choose(list, getenv("RNCL_TEST_DEVICE"), &device));
    expect_ok(rncl_context_create(device, &(rncl_log){.write = remember}, &context));
    rncl_device_list_destroy(list);
    const rncl_status st = rncl_train(context, options, &listener, NULL, &result);
    rncl_context_destroy(context);
    return st;
}

/* As if `rncl tune` had found that the network's first convolution is fastest by `algorithm`. */
static void tune(const char *algorithm)
{
    rncl_context *context = open_device();
    rncl_store *store;
    rncl_tuned_entry entry = {.time_ns = 1, .preset_ns = 2, .finished = true};
    assert_true(rncl_problem_parse("forward n8 h8 w8 c3 k16 r3 s3 stride1 pad1", &entry.problem));
    snprintf(entry.setting.algorithm, sizeof entry.setting.algorithm, "%s", algorithm);
    expect_ok(rncl_store_open(&context->info, RNCL_PRECISION_FP32, NULL, &store));
    expect_ok(rncl_store_put(store, &entry));
    rncl_store_close(store);
    rncl_context_destroy(context);
}

static void stop_at_three(const char *run)
{
    rncl_options options = small_options(run);
    assert_int_equal(train_to(&options, 3), RNCL_ERR_INTERRUPTED);
}

static int prepare(void **state)
{
    if (make_folder(state))
        return -1;
    setenv("XDG_DATA_HOME", folder, 1);
    tune("im2col_gemm");
    rncl_options options = small_options("whole");
    return train(&options) != RNCL_OK;
}

static void a_run_that_is_resumed_after_tuning_is_bit_identical(void **state)
{
    (void)state;
    stop_at_three("stopped");
    tune("direct");
    rncl_options options = resume_options("stopped");
    expect_ok(train_to(&options, 0));
    assert_null(strstr(said, "tuning.json"));
    expect_same_run("whole", "stopped");
}

/* Otherwise the test above would show nothing. */
static void a_new_run_after_tuning_has_other_bits(void **state)
{
    (void)state;
    tune("direct");
    rncl_options options = small_options("new");
    expect_ok(train(&options));
    assert_int_not_equal(system("cmp -s new/steps.csv whole/steps.csv"), 0);
}

/* Replaces a word in the run's file, resumes and expects a warning. */
static void expect_other_settings(const char *run, const char *edit, const char *warning)
{
    tune("im2col_gemm");
    stop_at_three(run);
    tune("direct");
    char *command = rncl_text_format("sed -i '%s' %s/tuning.json", edit, run);
    assert_int_equal(system(command), 0);
    free(command);
    rncl_options options = resume_options(run);
    expect_ok(train_to(&options, 0));
    if (!strstr(said, warning))
        fail_msg("expected \"%s\" in: %s", warning, said);
    command = rncl_text_format("cmp -s %s/steps.csv whole/steps.csv", run);
    assert_int_not_equal(system(command), 0);
    free(command);
}

static void settings_that_do_not_hold_here_are_said(void **state)
{
    (void)state;
    expect_other_settings("moved", "s/\"device\":\"/&x/", "another device");
    expect_other_settings("newer", "s/\"kernels\":\"../&00/", "other kernels");
    expect_other_settings("damaged", "s/results/result\"/", "tuning.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_is_resumed_after_tuning_is_bit_identical),
        cmocka_unit_test(a_new_run_after_tuning_has_other_bits),
        cmocka_unit_test(settings_that_do_not_hold_here_are_said),
    };
    return cmocka_run_group_tests_name("kept tuning", tests, prepare, remove_folder);
}
