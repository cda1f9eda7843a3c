/* Tests of the fault layer. */
#include <fcntl.h>

#include "program.h"

#define NETWORK "--arch cifar-resnet --depth 8 --image 8 --batch-size 8"

static void __attribute__((format(printf, 2, 3))) run_with(const char *faults, const char *format, ...)
{
    char environment[1024], arguments_text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(arguments_text, sizeof arguments_text, format, arguments);
    va_end(arguments);
    snprintf(environment, sizeof environment, "LD_PRELOAD=%s RNCL_FAULT_FIRED=fired %s", FAULT_LAYER, faults);
    shell("rm -f fired");
    run_in(environment, "%s", arguments_text);
}

static json_int_t first_device(const char *key)
{
    json_t *document = expect_json();
    const json_t *devices = json_object_get(document, "devices"), *device = json_array_get(devices, 0);
    const json_t *value = json_object_get(device, key);
    const json_int_t number = json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);
    json_decref(document);
    return number;
}

static void devices_report_what_they_are_told_to(void **state)
{
    (void)state;
    run_with("RNCL_FAULT_DEVICE=compute_units=77,local_memory=123,compiler=0", "devices --json");
    expect_status(0);
    assert_int_equal(first_device("compute_units"), 77);
    run_with("RNCL_FAULT_DEVICE=local_memory=123,compiler=0", "devices --json");
    assert_int_equal(first_device("local_memory"), 123);
    assert_int_equal(first_device("compiler"), 0);
}

static void a_call_fails_the_nth_time_with_a_code(void **state)
{
    (void)state;
    run_with("RNCL_FAULT=clGetDeviceInfo:5:-33", "devices");
    expect_failure(1, "clGetDeviceInfo of");
    assert_non_null(strstr(result.errors, "CL_INVALID_DEVICE (-33)"));
    shell("test -e fired");
    run_with("RNCL_FAULT=clGetDeviceInfo:5000:-33", "devices");
    expect_status(0);
    shell("test ! -e fired");
}

static void programs_before_the_program_do_not_hide_it(void **state)
{
    (void)state;
    run_with("RNCL_FAULT=clGetDeviceInfo:5:-33 nice env", "devices");
    expect_failure(1, "clGetDeviceInfo of");
}

static void a_process_dies_in_a_call(void **state)
{
    (void)state;
    /* The shell's exit status for a killed process. */
    run_with("RNCL_FAULT=rename:1:kill", "train " NETWORK " --steps 1 --out killed; echo $? >status");
    shell("grep -q 137 status");
}

static void a_call_comes_late(void **state)
{
    (void)state;
    shell("date +%%s%%N >before");
    run_with("RNCL_FAULT=clGetPlatformIDs:1:delay=700", "devices");
    expect_status(0);
    shell("test $(($(date +%%s%%N) - $(cat before))) -gt 700000000");
}

static void a_kernel_writes_a_wrong_value(void **state)
{
    (void)state;
    run("train " NETWORK " --steps 4 --out right");
    expect_status(0);
    run_with("RNCL_FAULT_SPOIL=sgd_update:1:8:0", "train " NETWORK " --self-test off --steps 4 --out wrong");
    expect_status(0);
    assert_null(strstr(result.errors, "fault layer"));
    shell("test -e fired && ! cmp -s right/model.safetensors wrong/model.safetensors");
}

/* This program leaves a block, a stream and a descriptor if it is told to. */
static int leave_something(void)
{
    static void *volatile kept[2];
    kept[0] = malloc(1);
    kept[1] = fopen("/dev/null", "w");
    free(malloc(2));
    return open("/dev/null", O_RDONLY) < 0 || !kept[0] || !kept[1];
}

static void what_is_left_is_listed(void **state)
{
    (void)state;
    char program[512] = "";
    assert_true(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    shell("env LD_PRELOAD=%s RNCL_FAULT_PROGRAM=test_fault_layer RNCL_FAULT_LEFT=left %s leave", FAULT_LAYER,
          program);
    shell("cut -d ' ' -f 1 left | sort | tr '\\n' ' ' | grep -qx 'fopen malloc open ' && rm left");
    run_with("RNCL_FAULT_LEFT=left RNCL_FAULT=clGetDeviceInfo:5:-33", "devices");
    expect_failure(1, "clGetDeviceInfo of");
    shell("test -e left && test ! -s left");
}

static void tuning_results_that_cannot_be_seen_are_not_left_out_in_silence(void **state)
{
    (void)state;
    static const char *const faults[] = {"stat:1+:13", "realpath:1:13"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char rule[64];
        snprintf(rule, sizeof rule, "RNCL_FAULT=%s", faults[i]);
        run_with(rule, "devices --json");
        expect_status(0);
        assert_non_null(strstr(result.errors, "tuning results are left out"));
    }
}

/* Not what the layer does but what it shows: rncl took a file that it could not see for one that is not
 * there, and wrote a new one. */
static void a_file_that_cannot_be_seen_is_not_replaced(void **state)
{
    (void)state;
    run("train " NETWORK " --steps 4 --out seen");
    expect_status(0);
    for (int which = 1; which < 60; which += 6) {
        char faults[64];
        shell("rm -rf unseen && cp -r seen unseen");
        snprintf(faults, sizeof faults, "RNCL_FAULT=stat:%d+:13", which);
        run_with(faults, "train --resume unseen --steps 5");
        shell("test \"$(head -n 2 unseen/metrics.csv)\" = \"$(head -n 2 seen/metrics.csv)\"");
    }
    run_with("RNCL_FAULT=stat:1+:13", "train " NETWORK " --steps 1 --out seen");
    assert_int_not_equal(result.exit_status, 0);
    shell("test -s seen/last.ckpt && test $(wc -l <seen/steps.csv) = 5");
}

/* The picture had another title, as if config.ini were not there. */
static void a_picture_is_not_drawn_without_what_cannot_be_read(void **state)
{
    (void)state;
    run("train " NETWORK " --steps 1 --out drawn");
    expect_status(0);
    run_with("RNCL_FAULT=open:1:13", "plot drawn --out drawn.svg");
    expect_failure(1, "drawn/config.ini");
    shell("test ! -e drawn.svg");
}

/* They left the rest of the curve out, or called a run ended whose checkpoint they could not read. */
static void a_run_is_not_shown_without_what_cannot_be_read(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *says;
    } cases[] = {{"stat:3:13", "watched/last.ckpt"},
                 {"fopen:1:13", "watched/last.ckpt"},
                 {"fgets:1:5", "watched/metrics.csv"},
                 {"fgets:2:5", "watched/metrics.csv"},
                 {"open:2:24", "watched"}};
    run("train " NETWORK " --steps 1 --out watched");
    expect_status(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char fault[64];
        snprintf(fault, sizeof fault, "RNCL_FAULT=%s", cases[i].fault);
        run_with(fault, "watch watched");
        shell("test -e fired");
        assert_true(result.exit_status == 1 || result.exit_status == 8);
        expect_failure(result.exit_status, cases[i].says);
    }
}

static void a_report_is_not_written_without_a_picture_that_the_disk_refuses(void **state)
{
    (void)state;
    run("train " NETWORK " --steps 1 --out reported");
    expect_status(0);
    run_with("RNCL_FAULT=flock:1:37", "report reported --out page.html"); /* where nothing can be locked */
    expect_status(0);
    shell("grep -q 'finished, 1 of 1 steps' page.html && rm page.html");
    run_with("RNCL_FAULT=fsync:1:28", "report reported --out page.html");
    shell("test -e fired && test ! -e page.html");
    expect_status(1);
}

/* `rncl watch` looks at the lock for an instant. */
static void a_lock_that_is_taken_for_an_instant_refuses_no_run(void **state)
{
    (void)state;
    run_with("RNCL_FAULT=flock:1:11", "train " NETWORK " --steps 1 --out looked_at");
    shell("test -e fired");
    expect_status(0);
    run_with("RNCL_FAULT=flock:1+:11", "train " NETWORK " --steps 1 --out taken");
    expect_failure(2, "another process is training in this folder");
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "leave"))
        return leave_something();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_report_what_they_are_told_to),
        cmocka_unit_test(a_call_fails_the_nth_time_with_a_code),
        cmocka_unit_test(programs_before_the_program_do_not_hide_it),
        cmocka_unit_test(a_process_dies_in_a_call),
        cmocka_unit_test(a_call_comes_late),
        cmocka_unit_test(a_kernel_writes_a_wrong_value),
        cmocka_unit_test(what_is_left_is_listed),
        cmocka_unit_test(tuning_results_that_cannot_be_seen_are_not_left_out_in_silence),
        cmocka_unit_test(a_file_that_cannot_be_seen_is_not_replaced),
        cmocka_unit_test(a_picture_is_not_drawn_without_what_cannot_be_read),
        cmocka_unit_test(a_run_is_not_shown_without_what_cannot_be_read),
        cmocka_unit_test(a_report_is_not_written_without_a_picture_that_the_disk_refuses),
        cmocka_unit_test(a_lock_that_is_taken_for_an_instant_refuses_no_run),
    };
    return cmocka_run_group_tests_name("fault layer", tests, create_folder, remove_folder);
}
