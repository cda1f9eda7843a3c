/* What people see in terminals: training's progress and rncl watch, on any device ($RNCL_TEST_DEVICE). */
#include <sys/file.h>

#include "terminal.h"

#define SMALL "--arch cifar-resnet --depth 8 --image 16 --batch-size 8 --workers 1 --self-test off"

static const int widths[] = {40, 80, 120};

static terminal t; /* too large for the stack */

static void progress_fits_into_terminals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        start(&t, widths[i], 50, "exec %s train " SMALL " --steps 20 --eval-every 0.01 --out w%d",
              RNCL_BINARY, widths[i]);
        assert_int_equal(finish(&t), 0);
        assert_int_equal(t.wraps, 0);
        assert_true(t.colours > 0);
        assert_true(t.redraws > 0);
        assert_true(row_with(&t, "validation top-1") >= 0);
        assert_false(t.second_screen || t.cursor_hidden);
    }
}

static void no_color_means_no_colours(void **state)
{
    (void)state;
    start(&t, 80, 50, "NO_COLOR=1 exec %s train " SMALL " --steps 10 --out plain", RNCL_BINARY);
    assert_int_equal(finish(&t), 0);
    assert_int_equal(t.wraps, 0);
    assert_int_equal(t.colours, 0);
    assert_true(t.sequences > 0); /* the live line is drawn anew all the same */
}

static void pipes_and_dumb_terminals_get_plain_lines(void **state)
{
    (void)state;
    run_in("TERM=xterm", "train " SMALL " --steps 10 --out piped");
    expect_status(0);
    assert_null(strpbrk(result.errors, "\033\r"));
    assert_null(strpbrk(result.output, "\033\r"));
    run_in("TERM=xterm", "watch piped");
    expect_status(0);
    assert_null(strpbrk(result.output, "\033\r"));
    start(&t, 80, 50, "TERM=dumb exec %s train " SMALL " --steps 10 --out dumb", RNCL_BINARY);
    assert_int_equal(finish(&t), 0);
    assert_int_equal(t.sequences, 0);
}

/* Reads until the program has begun to draw so many times more. */
static void wait_for_redraws(int count)
{
    const int before = t.redraws;
    while (t.redraws < before + count)
        assert_true(show(&t, 1000));
}

static void stop_child(void)
{
    int status;
    kill(t.child, SIGSTOP);
    assert_int_equal(waitpid(t.child, &status, WUNTRACED), t.child);
    assert_true(WIFSTOPPED(status));
    struct pollfd ready = {.fd = t.descriptor, .events = POLLIN};
    while (poll(&ready, 1, 0) > 0)
        assert_true(show(&t, 0));
}

static void progress_follows_the_width(void **state)
{
    (void)state;
    start(&t, 120, 50, "exec %s train " SMALL " --steps 1000000 --eval-every 100000 --out endless",
          RNCL_BINARY);
    wait_for(&t, "loss");
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        stop_child();
        set_size(&t, widths[i], 50);
        kill(t.child, SIGCONT);
        wait_for_redraws(2); /* one line may have been on its way */
        t.wraps = 0;
        wait_for_redraws(3);
        assert_int_equal(t.wraps, 0);
        assert_true(row_with(&t, "step") >= 0 || widths[i] < 120); /* the wider, the more it says */
    }
    kill(t.child, SIGINT);
    assert_int_equal(finish(&t), 130);
}

/* A copy of a run that looks as if a process trained in it, since the test holds its lock. */
static int begin_fake_run(const char *name)
{
    char path[128];
    shell("cp -r piped %s && sed -i 's/^steps = .*/steps = 1000/' %s/config.ini", name, name);
    snprintf(path, sizeof path, "%s/%s", program_folder, name);
    const int lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(lock >= 0);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    return lock;
}

static void watching_shows_what_comes_and_ends_with_the_run(void **state)
{
    (void)state;
    const int lock = begin_fake_run("watched");
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        start(&t, widths[i], 30, "exec %s watch watched", RNCL_BINARY);
        wait_for(&t, "watched  training");
        wait_for(&t, "error %");
        assert_true(t.second_screen && t.cursor_hidden);
        shell("echo '%d,1.5,0.1' >>watched/steps.csv", 11 + (int)i);
        char step[16];
        snprintf(step, sizeof step, "%d", 11 + (int)i); /* at the end of the axis */
        wait_for(&t, step);
        assert_int_equal(write(t.descriptor, "q", 1), 1);
        assert_int_equal(finish(&t), 0);
        assert_int_equal(t.wraps, 0);
        assert_false(t.second_screen || t.cursor_hidden);
        assert_true(row_with(&t, "watched  training") >= 0); /* stays in the terminal */
    }
    start(&t, 80, 30, "exec %s watch watched", RNCL_BINARY);
    wait_for(&t, "watched  training");
    close(lock);
    assert_int_equal(finish(&t), 0);
    assert_true(row_with(&t, "ended before its last step") >= 0);
}

static void watching_ends_by_an_interrupt_and_follows_the_size(void **state)
{
    (void)state;
    const int lock = begin_fake_run("sized"), other = begin_fake_run("beside");
    start(&t, 160, 30, "NO_COLOR=1 exec %s watch sized beside", RNCL_BINARY);
    wait_for(&t, "beside  training");
    assert_int_equal(row_with(&t, "sized  training"), row_with(&t, "beside  training"));
    stop_child();
    set_size(&t, 60, 40);
    kill(t.child, SIGCONT);
    while (row_with(&t, "beside  training") <= row_with(&t, "sized  training"))
        assert_true(show(&t, 1000));
    t.wraps = 0; /* a frame of the old size may have been on its way */
    shell("echo '11,1.5,0.1' >>sized/steps.csv");
    wait_for(&t, "step 11/1000");
    assert_int_equal(t.wraps, 0);
    assert_int_equal(t.colours, 0);
    assert_int_equal(write(t.descriptor, "\003", 1), 1); /* ^C */
    assert_int_equal(finish(&t), 0);
    assert_false(t.second_screen || t.cursor_hidden);
    close(lock);
    close(other);
}

static void a_run_that_is_not_there_or_was_deleted_is_one_line(void **state)
{
    (void)state;
    run("watch missing");
    expect_failure(4, "missing: no such folder");
    shell("mkdir empty");
    run("watch empty");
    expect_failure(4, "empty: no run");
    run("watch");
    expect_failure(2, "run folders");
    const int lock = begin_fake_run("deleted");
    start(&t, 80, 30, "exec %s watch deleted", RNCL_BINARY);
    wait_for(&t, "deleted  training");
    shell("rm -r deleted");
    assert_int_equal(finish(&t), 4);
    assert_true(row_with(&t, "rncl: deleted: the run has been deleted") >= 0);
    assert_false(t.second_screen || t.cursor_hidden);
    close(lock);
}

static void terminals_without_unicode_get_ascii(void **state)
{
    (void)state;
    start(&t, 80, 30, "LC_ALL=C exec %s watch piped", RNCL_BINARY);
    assert_int_equal(finish(&t), 0);
    for (int row = 0; row < t.rows; row++)
        assert_null(strchr(t.screen[row], '?'));
    assert_true(row_with(&t, "piped  finished") >= 0);
}

static int choose_device(void **state)
{
    const char *device = getenv("RNCL_TEST_DEVICE");
    if (device)
        setenv("RNCL_DEVICE", device, 1);
    unsetenv("NO_COLOR");
    return create_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_fits_into_terminals),
        cmocka_unit_test(no_color_means_no_colours),
        cmocka_unit_test(pipes_and_dumb_terminals_get_plain_lines),
        cmocka_unit_test(progress_follows_the_width),
        cmocka_unit_test(watching_shows_what_comes_and_ends_with_the_run),
        cmocka_unit_test(watching_ends_by_an_interrupt_and_follows_the_size),
        cmocka_unit_test(a_run_that_is_not_there_or_was_deleted_is_one_line),
        cmocka_unit_test(terminals_without_unicode_get_ascii),
    };
    return cmocka_run_group_tests_name("cli terminal", tests, choose_device, remove_folder);
}
