/* A run depends only on its options: however often it is interrupted, its files are the same. */
#include <sys/wait.h>

#include "training_test.h"

/* The run that is never interrupted. */
static const char whole[] = "whole";

static int train_whole(void **state)
{
    if (make_folder(state))
        return -1;
    rncl_options options = small_options(whole);
    return train(&options) != RNCL_OK;
}

/* Otherwise a lost state of the plateau schedule would not be noticed. */
static void the_rate_drops_in_the_course_of_it(void **state)
{
    (void)state;
    char *text = read_text("whole/steps.csv");
    assert_non_null(strstr(text, ",0.01\n"));
    free(text);
}

static void one_seed_gives_the_same_bytes_twice(void **state)
{
    (void)state;
    rncl_options options = small_options("again");
    expect_ok(train(&options));
    expect_same_run(whole, "again");
}

static void another_seed_gives_other_bytes(void **state)
{
    (void)state;
    rncl_options options = small_options("other");
    set(&options, "seed", "2");
    set(&options, "steps", "1");
    expect_ok(train(&options));
    char *one = read_text("other/steps.csv"), *twelve = read_text("whole/steps.csv");
    assert_int_not_equal(strncmp(one, twelve, strlen(one)), 0);
    free(one);
    free(twelve);
}

static void the_number_of_workers_changes_nothing(void **state)
{
    (void)state;
    rncl_options options = small_options("workers");
    set(&options, "workers", "1");
    expect_ok(train(&options));
    expect_same_run(whole, "workers");
}

/* Interrupted before, at and after evaluations, and also during the last step. */
static void a_run_stopped_anywhere_and_resumed_is_bit_identical(void **state)
{
    (void)state;
    static const int64_t steps[] = {1, 3, 4, 8, 11};
    for (size_t i = 0; i < COUNT(steps); i++) {
        char run[32];
        snprintf(run, sizeof run, "stopped-%d", (int)steps[i]);
        rncl_options options = small_options(run);
        rncl_train_result result;
        accident stop = {.step = steps[i]};
        expect_failure(train_with(&options, &stop, &result), RNCL_ERR_INTERRUPTED, "--resume");
        assert_true(result.steps >= steps[i] && result.steps <= steps[i] + 1);
        options = resume_options(run);
        expect_ok(train(&options));
        expect_same_run(whole, run);
    }
}

static void a_run_stopped_again_and_again_is_bit_identical(void **state)
{
    (void)state;
    rncl_options options = small_options("often");
    rncl_train_result result;
    accident stop = {.step = 1};
    rncl_status st = train_with(&options, &stop, &result);
    while (st == RNCL_ERR_INTERRUPTED) {
        options = resume_options("often");
        stop = (accident){.step = 1};
        st = train_with(&options, &stop, &result);
    }
    expect_ok(st);
    expect_same_run(whole, "often");
}

/* Executes this program again, which trains until it is killed: threads and devices do not survive a fork. */
static void train_until_killed(const char *run, const char *step)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "test_resume", run, step, (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static int be_killed(const char *run, const char *step)
{
    rncl_options options = small_options(run);
    set(&options, "checkpoint-every", "3");
    rncl_train_result result;
    accident kill_at = {.step = atoi(step), .kill = true};
    train_with(&options, &kill_at, &result);
    return 1;
}

static void a_run_killed_anywhere_and_resumed_is_bit_identical(void **state)
{
    (void)state;
    static const char *const steps[] = {"1", "4", "8"};
    for (size_t i = 0; i < COUNT(steps); i++) {
        char run[32];
        snprintf(run, sizeof run, "killed-%s", steps[i]);
        train_until_killed(run, steps[i]);
        rncl_options options = resume_options(run);
        expect_ok(train(&options));
        expect_same_run(whole, run);
    }
}

static void a_run_out_of_time_is_evaluated_and_its_resumption_does_not_notice(void **state)
{
    (void)state;
    rncl_options options = small_options("timed");
    set(&options, "time-limit", "0.001");
    rncl_train_result result;
    accident none = {0};
    expect_ok(train_with(&options, &none, &result));
    assert_true(result.steps >= 1 && result.steps < 12);
    assert_int_equal(count_lines("timed/metrics.csv"), 2);
    options = resume_options("timed");
    set(&options, "time-limit", "0");
    expect_ok(train(&options));
    expect_same_file("whole/model.safetensors", "timed/model.safetensors");
    expect_same_file("whole/steps.csv", "timed/steps.csv");
}

static void a_finished_run_can_be_extended(void **state)
{
    (void)state;
    rncl_options options = small_options("longer");
    set(&options, "steps", "5"); /* no evaluation is due at this step */
    expect_ok(train(&options));
    options = resume_options("longer");
    set(&options, "steps", "12");
    expect_ok(train(&options));
    expect_same_file("whole/model.safetensors", "longer/model.safetensors");
    expect_same_file("whole/steps.csv", "longer/steps.csv");
    expect_ok(rncl_options_read(&options, "longer/config.ini", RNCL_FOR_TRAIN));
    assert_int_equal(options.steps, 12);
}

static void resuming_a_finished_run_does_nothing(void **state)
{
    (void)state;
    rncl_options options = small_options("done");
    expect_ok(train(&options));
    options = resume_options("done");
    rncl_train_result result;
    accident none = {0};
    expect_ok(train_with(&options, &none, &result));
    assert_int_equal(none.reports, 0);
    assert_int_equal(result.steps, 12);
    assert_true(result.best_top1 >= result.val_top1 && result.val_top1 > 0);
    expect_same_run(whole, "done");
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return be_killed(argv[1], argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_drops_in_the_course_of_it),
        cmocka_unit_test(one_seed_gives_the_same_bytes_twice),
        cmocka_unit_test(another_seed_gives_other_bytes),
        cmocka_unit_test(the_number_of_workers_changes_nothing),
        cmocka_unit_test(a_run_stopped_anywhere_and_resumed_is_bit_identical),
        cmocka_unit_test(a_run_stopped_again_and_again_is_bit_identical),
        cmocka_unit_test(a_run_killed_anywhere_and_resumed_is_bit_identical),
        cmocka_unit_test(a_run_out_of_time_is_evaluated_and_its_resumption_does_not_notice),
        cmocka_unit_test(a_finished_run_can_be_extended),
        cmocka_unit_test(resuming_a_finished_run_does_nothing),
    };
    return cmocka_run_group_tests_name("resume", tests, train_whole, remove_folder);
}
