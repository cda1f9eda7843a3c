/* Checking and tuning a device through the library. */
#include "api_test.h"

static int make_folder_without_tuning(void **unused)
{
    if (make_folder(unused))
        return -1;
    setenv("XDG_DATA_HOME", folder, 1);
    setenv("RNCL_TUNING_DIR", folder, 1);
    return 0;
}

static void count(void *user, const rncl_check_result *result)
{
    int *results = user;
    assert_true(result->ok);
    assert_string_not_equal(result->name, "");
    ++*results;
}

static void kernels_are_checked(void **unused)
{
    (void)unused;
    rncl_session *session = small_session(NULL);
    rncl_check_summary summary;
    int results = 0;
    set(session, "operation", "avgpool");
    set(session, "shapes", "2");
    expect_ok(rncl_session_check(session, count, &results, &summary));
    assert_true(results > 0);
    assert_int_equal(summary.passed, results);
    assert_int_equal(summary.failed, 0);
    expect_ok(rncl_session_check(session, NULL, NULL, NULL));
    set(session, "operation", "avgpol");
    expect_failure(rncl_session_check(session, NULL, NULL, NULL), RNCL_ERR_USAGE, "avgpol");
    rncl_session_destroy(session);
}

static void a_network_is_tuned_in_child_processes(void **unused)
{
    (void)unused;
    rncl_session *session = small_session(NULL);
    rncl_tune_result result;
    set(session, "budget", "10"); /* trials of presets come first, and are slow on a busy machine */
    expect_ok(rncl_session_tune(session, &result));
    assert_true(result.passes > 5);
    assert_in_range(result.tuned, 1, result.passes);
    assert_true(result.preset_ms > 0);
    assert_true(result.tuned_ms <= result.preset_ms);
    assert_memory_equal(result.store, folder, strlen(folder));
    assert_int_equal(access(result.store, R_OK), 0);
    rncl_session_destroy(session);
}

static void tuning_before_training_is_not_ignored(void **unused)
{
    (void)unused;
    rncl_session *session = small_session("tuned");
    set(session, "tune", "auto");
    set(session, "tune-program", "/nonexistent/rncl");
    expect_failure(rncl_session_train(session, NULL, NULL), RNCL_ERR_IO, "/nonexistent/rncl");
    rncl_session_destroy(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_are_checked),
        cmocka_unit_test(a_network_is_tuned_in_child_processes),
        cmocka_unit_test(tuning_before_training_is_not_ignored),
    };
    return cmocka_run_group_tests(tests, make_folder_without_tuning, remove_folder);
}
