/* A run folder belongs to one process. */
#include "run_folder.h"

#include <signal.h>
#include <sys/wait.h>

#include "train_test.h"

static rncl_options options_with(const char *name, const char *text)
{
    rncl_options options;
    rncl_options_init(&options);
    expect_ok(rncl_options_set(&options, rncl_option_find(name, ~0u), text, RNCL_FROM_COMMAND_LINE));
    return options;
}

static void make_run(const char *folder_name)
{
    char path[64];
    expect_ok(rncl_directory_create(folder_name));
    snprintf(path, sizeof path, "%s/config.ini", folder_name);
    write_text(path, "depth = 8\narch = cifar-resnet\n");
    snprintf(path, sizeof path, "%s/last.ckpt", folder_name);
    write_text(path, "");
}

static void a_second_process_is_refused_while_the_first_lives(void **state)
{
    (void)state;
    static const char *const names[] = {"out", "resume"};
    make_run("resumed");
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *name = names[i], *target = i ? "resumed" : "new";
        rncl_run_lock first = RNCL_RUN_LOCK_NONE, second = RNCL_RUN_LOCK_NONE;
        rncl_options one = options_with(name, target), other = options_with(name, target);
        expect_ok(rncl_run_folder_choose(&one, NULL, &first));
        expect_failure(rncl_run_folder_choose(&other, NULL, &second), RNCL_ERR_USAGE, "another process");
        rncl_run_folder_unlock(&second);
        rncl_run_folder_unlock(&first);
        other = options_with(name, target);
        expect_ok(rncl_run_folder_choose(&other, NULL, &second));
        rncl_run_folder_unlock(&second);
    }
}

static void a_lock_ends_with_its_process(void **state)
{
    (void)state;
    make_run("killed");
    rncl_run_lock lock = RNCL_RUN_LOCK_NONE;
    rncl_options options = options_with("resume", "killed");
    const pid_t child = fork();
    if (child == 0) {
        if (rncl_run_folder_choose(&options, NULL, &lock) == RNCL_OK)
            raise(SIGKILL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    expect_ok(rncl_run_folder_choose(&options, NULL, &lock));
    rncl_run_folder_unlock(&lock);
}

/* It is gone, and its lock with it, when its memory is. */
static void a_process_that_dies_is_waited_for(void **state)
{
    (void)state;
    make_run("ending");
    rncl_run_lock lock = RNCL_RUN_LOCK_NONE;
    rncl_options options = options_with("resume", "ending");
    int locked[2];
    char byte;
    assert_int_equal(pipe(locked), 0);
    const pid_t child = fork();
    if (child == 0) {
        static char memory[1 << 28];
        memset(memory, 1, sizeof memory);
        if (rncl_run_folder_choose(&options, NULL, &lock) == RNCL_OK && write(locked[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(locked[0], &byte, 1), 1);
    assert_int_equal(kill(child, SIGKILL), 0);
    expect_ok(rncl_run_folder_choose(&options, NULL, &lock));
    rncl_run_folder_unlock(&lock);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(locked[0]);
    close(locked[1]);
}

static void a_folder_that_stays_empty_goes_again(void **state)
{
    (void)state;
    rncl_run_lock lock = RNCL_RUN_LOCK_NONE;
    rncl_options options = options_with("out", "brief");
    expect_ok(rncl_run_folder_choose(&options, NULL, &lock));
    assert_true(rncl_directory_exists("brief"));
    rncl_run_folder_unlock(&lock);
    assert_false(rncl_directory_exists("brief"));
    expect_ok(rncl_directory_create("mine"));
    options = options_with("out", "mine");
    expect_ok(rncl_run_folder_choose(&options, NULL, &lock));
    rncl_run_folder_unlock(&lock);
    assert_true(rncl_directory_exists("mine"));
}

static void a_folder_named_after_the_time_is_locked_too(void **state)
{
    (void)state;
    rncl_run_lock lock = RNCL_RUN_LOCK_NONE, second = RNCL_RUN_LOCK_NONE;
    rncl_options options;
    rncl_options_init(&options);
    expect_ok(rncl_run_folder_choose(&options, NULL, &lock));
    assert_string_equal(options.out, "");
    expect_ok(rncl_run_folder_create(&options, NULL, &lock));
    make_run(options.out);
    rncl_options other = options_with("resume", options.out);
    expect_failure(rncl_run_folder_choose(&other, NULL, &second), RNCL_ERR_USAGE, "another process");
    rncl_run_folder_unlock(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_process_is_refused_while_the_first_lives),
        cmocka_unit_test(a_lock_ends_with_its_process),
        cmocka_unit_test(a_process_that_dies_is_waited_for),
        cmocka_unit_test(a_folder_that_stays_empty_goes_again),
        cmocka_unit_test(a_folder_named_after_the_time_is_locked_too),
    };
    return cmocka_run_group_tests_name("run folder", tests, make_folder, remove_folder);
}
