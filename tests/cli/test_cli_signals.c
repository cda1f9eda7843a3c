/* Signals, closed descriptors and limits meet a training, on any device ($RNCL_TEST_DEVICE). */
#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "program.h"

#define SMALL "--arch cifar-resnet --depth 8 --image 16 --batch-size 8 --workers 1 "

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

/* How many steps steps.csv tells of; 0 while there is none. */
static int steps_written(const char *run_folder)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s/steps.csv", program_folder, run_folder);
    FILE *file = fopen(path, "r");
    int lines = 0;
    for (int c; file && (c = fgetc(file)) != EOF;)
        lines += c == '\n';
    if (file)
        fclose(file);
    return lines > 0 ? lines - 1 : 0;
}

/* A training without end, which evaluates never; `prepare` (or NULL) runs in the child. */
static pid_t start_training(const char *run_folder, void (*prepare)(void))
{
    const pid_t child = fork();
    if (child == 0) {
        if (chdir(program_folder) != 0 || !freopen("errors", "w", stderr))
            _exit(127);
        if (prepare)
            prepare();
        execl(RNCL_BINARY, "rncl", "train", "--arch", "cifar-resnet", "--depth", "8", "--image", "16",
              "--batch-size", "8", "--workers", "1", "--steps", "1000000", "--eval-every", "100000", "--out",
              run_folder, (char *)NULL);
        _exit(127);
    }
    assert_true(child > 0);
    return child;
}

static void wait_for_steps(pid_t child, const char *run_folder, int steps)
{
    while (steps_written(run_folder) < steps) {
        char errors[4096];
        int status;
        if (waitpid(child, &status, WNOHANG) != 0) {
            read_text("errors", errors, sizeof errors);
            fail_msg("it ended by itself with status %#x: %s", status, errors);
        }
        sleep_ms(20);
    }
}

/* The training ends with 130, having saved its last step. */
static void expect_saved(pid_t child, const char *run_folder)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 130);
    char errors[4096], expected[64];
    const int steps = steps_written(run_folder);
    read_text("errors", errors, sizeof errors);
    snprintf(expected, sizeof expected, "interrupted after step %d, and saved", steps);
    if (!strstr(errors, expected))
        fail_msg("no \"%s\" in: %s", expected, errors);
}

static void signals_that_end_a_process_save_first(void **state)
{
    (void)state;
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGXCPU};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        const pid_t child = start_training("stopped", NULL);
        wait_for_steps(child, "stopped", 2);
        kill(child, signals[i]);
        expect_saved(child, "stopped");
        const int steps = steps_written("stopped");
        run("train --resume stopped --steps %d", steps + 2);
        expect_status(0);
        assert_int_equal(steps_written("stopped"), steps + 2);
        shell("rm -r stopped");
    }
}

static void an_interrupt_and_an_end_at_the_same_instant_save(void **state)
{
    (void)state;
    const pid_t child = start_training("both", NULL);
    wait_for_steps(child, "both", 2);
    kill(child, SIGINT);
    kill(child, SIGTERM);
    kill(child, SIGINT);
    kill(child, SIGTERM);
    expect_saved(child, "both");
}

static void ignore_hangups(void)
{
    signal(SIGHUP, SIG_IGN);
}

static void a_hangup_under_nohup_is_survived_and_does_not_disarm_others(void **state)
{
    (void)state;
    const pid_t child = start_training("nohup", ignore_hangups);
    wait_for_steps(child, "nohup", 2);
    kill(child, SIGHUP);
    wait_for_steps(child, "nohup", steps_written("nohup") + 3);
    kill(child, SIGTERM);
    expect_saved(child, "nohup");
}

static void a_second_interrupt_ends_a_stuck_run(void **state)
{
    (void)state;
    /* Nobody reads its standard error, and its first remark does not fit in any more. */
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    while (write(ends[1], "full", 4) > 0)
        ;
    const int flags = fcntl(ends[1], F_GETFL);
    const pid_t child = fork();
    if (child == 0) {
        fcntl(ends[1], F_SETFL, flags & ~O_NONBLOCK);
        if (chdir(program_folder) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
            _exit(127);
        execl(RNCL_BINARY, "rncl", "train", "--arch", "cifar-resnet", "--depth", "8", "--image", "16",
              "--steps", "1000000", "--out", "stuck", (char *)NULL);
        _exit(127);
    }
    sleep_ms(2000);
    kill(child, SIGINT);
    sleep_ms(1000);
    int status;
    assert_int_equal(waitpid(child, &status, WNOHANG), 0);
    kill(child, SIGINT);
    for (int i = 0; i < 100 && waitpid(child, &status, WNOHANG) == 0; i++)
        sleep_ms(50);
    close(ends[0]);
    close(ends[1]);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 130);
}

/* Both streams go to the reader. */
static void a_reader_that_goes_away_does_not_end_the_run(void **state)
{
    (void)state;
    shell("{ %s train " SMALL "--steps 30 --eval-every 0.001 --out unread 2>&1; echo $? >status; } "
          "| head -n 1 >/dev/null",
          RNCL_BINARY);
    shell("grep -qx 0 status && test $(wc -l <unread/steps.csv) = 31");
}

static void closed_descriptors_are_not_taken_by_files(void **state)
{
    (void)state;
    shell("%s train " SMALL "--steps 4 --eval-every 0.001 --out closed <&- >&- 2>&-", RNCL_BINARY);
    shell("test $(grep -c '^[0-9.]*,[0-9]*,' closed/metrics.csv) = $(($(wc -l <closed/metrics.csv) - 1))");
    shell("test $(wc -l <closed/metrics.csv) -gt 2");
    /* What was asked for has not arrived. */
    shell("! %s devices >&- 2>/dev/null", RNCL_BINARY);
    shell("%s train " SMALL "--steps 1 --json --out unseen >&- 2>errors; "
          "test $? = 1 && grep -qx 'rncl: standard output could not be written' errors",
          RNCL_BINARY);
    shell("%s train " SMALL "--steps 1 --out full >/dev/full 2>errors; "
          "test $? = 1 && grep -qx 'rncl: standard output could not be written' errors",
          RNCL_BINARY);
}

static void a_limit_on_file_sizes_is_a_failure_that_is_told(void **state)
{
    (void)state;
    shell(
        "(ulimit -f 100; ulimit -c 0; exec %s train " SMALL "--steps 2 --out limited) >/dev/null 2>errors; "
        "test $? = 1 && grep -q '^rncl: .*limited/' errors && test -z \"$(ls limited | grep '\\.......$')\"",
        RNCL_BINARY);
}

static int choose_device(void **state)
{
    const char *device = getenv("RNCL_TEST_DEVICE");
    if (device)
        setenv("RNCL_DEVICE", device, 1);
    return create_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_that_end_a_process_save_first),
        cmocka_unit_test(an_interrupt_and_an_end_at_the_same_instant_save),
        cmocka_unit_test(a_hangup_under_nohup_is_survived_and_does_not_disarm_others),
        cmocka_unit_test(a_second_interrupt_ends_a_stuck_run),
        cmocka_unit_test(a_reader_that_goes_away_does_not_end_the_run),
        cmocka_unit_test(closed_descriptors_are_not_taken_by_files),
        cmocka_unit_test(a_limit_on_file_sizes_is_a_failure_that_is_told),
    };
    return cmocka_run_group_tests_name("cli signals", tests, choose_device, remove_folder);
}
