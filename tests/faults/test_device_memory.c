/* Device memory that runs out although the plan has fitted: smaller micro-batches, and status 5 only where
 * one picture does not fit. */
#include "program.h"

#define TRAIN                                                                                                \
    "train --arch cifar-resnet --depth 8 --image 8 --batch-size 8 --workers 1 --self-test off --steps 6 "    \
    "--eval-every 1000 "

static void run_with_fault(const char *fault, const char *arguments)
{
    char faults[512];
    snprintf(faults, sizeof faults, "LD_PRELOAD=%s RNCL_FAULT_FIRED=fired RNCL_FAULT=%s", FAULT_LAYER, fault);
    shell("rm -rf fired out");
    run_in(faults, "%s", arguments);
    shell("test -e fired");
}

/* Says what failed and that micro-batches are smaller now; does what smaller ones do from the start. */
static void expect_smaller(const char *call, const char *folder)
{
    expect_status(0);
    const char *said = strstr(result.errors, "warning: ");
    if (!said || !strstr(said, call) || !strstr(said, "micro-batches of "))
        fail_msg("no warning of %s and micro-batches in: %s", call, result.errors);
    shell("cmp out/model.safetensors %s/model.safetensors && test $(wc -l <out/steps.csv) = 7", folder);
    shell("cmp out/steps.csv %s/steps.csv && grep -qx 'micro-batch = 4' out/config.ini", folder);
}

static int train_with_smaller(void **state)
{
    if (create_folder(state))
        return -1;
    run(TRAIN "--micro-batch 4 --out four");
    return result.exit_status;
}

/* The first buffers are for batches in the host's memory, which can do without. */
static void an_allocation_that_fails_halves_the_micro_batch(void **state)
{
    (void)state;
    run_with_fault("clCreateBuffer:8:-4", TRAIN "--out out");
    expect_smaller("clCreateBuffer", "four");
}

static void a_step_that_fails_goes_on_from_what_was_saved_last(void **state)
{
    (void)state;
    static const struct {
        const char *call, *which;
    } faults[] = {{"clEnqueueNDRangeKernel", ":400:-5"},
                  {"clSetKernelArg", ":4000:-5"},
                  {"clSetKernelArg", ":4000:-4"},
                  {"clWaitForEvents", ":3:-5"}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char fault[128];
        snprintf(fault, sizeof fault, "%s%s", faults[i].call, faults[i].which);
        run_with_fault(fault, TRAIN "--out out");
        expect_smaller(faults[i].call, "four");
    }
}

static void pictures_are_copied_where_memory_cannot_be_shared_to_the_same_bits(void **state)
{
    (void)state;
    static const char *const faults[] = {"clEnqueueMapBuffer:1+:-12", "clCreateBuffer:1:-4"};
    run(TRAIN "--out shared");
    expect_status(0);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        run_with_fault(faults[i], TRAIN "--out out");
        expect_status(0);
        assert_null(strstr(result.errors, "micro-batches of "));
        shell("cmp out/model.safetensors shared/model.safetensors && cmp out/steps.csv shared/steps.csv");
    }
}

/* As if it had been ended there and resumed with smaller micro-batches. */
static void steps_that_were_saved_are_not_taken_again(void **state)
{
    (void)state;
    run(TRAIN "--steps 4 --out parts");
    expect_status(0);
    run("train --resume parts --micro-batch 4 --self-test off --steps 6");
    expect_status(0);
    run_with_fault("clWaitForEvents:5:-5", TRAIN "--checkpoint-every 4 --out out");
    expect_smaller("clWaitForEvents", "parts");
}

static void where_one_picture_does_not_fit_the_run_ends(void **state)
{
    (void)state;
    run_with_fault("clCreateBuffer:2+:-4", TRAIN "--out out");
    expect_status(5);
    assert_non_null(strstr(result.errors, "micro-batches of 1"));
    run_with_fault("clEnqueueNDRangeKernel:400+:-5", TRAIN "--out out");
    expect_status(5);
    run("train --resume out --steps 6");
    expect_status(0);
}

static void a_device_that_is_gone_is_none_that_can_be_used(void **state)
{
    (void)state;
    run_with_fault("clSetKernelArg:4000:-2", TRAIN "--out out");
    expect_status(3);
    assert_non_null(strstr(result.errors, "rncl: clSetKernelArg of argument"));
}

static void an_evaluation_begins_again(void **state)
{
    (void)state;
    run("eval --model four/model.safetensors --self-test off --batch-size 100 --json");
    expect_status(0);
    shell("grep -v images_per_second output >right");
    run_with_fault("clEnqueueNDRangeKernel:60:-5",
                   "eval --model four/model.safetensors --self-test off --batch-size 100 --json");
    expect_status(0);
    assert_non_null(strstr(result.errors, "micro-batches of 50"));
    shell("grep -v images_per_second output | cmp - right");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocation_that_fails_halves_the_micro_batch),
        cmocka_unit_test(pictures_are_copied_where_memory_cannot_be_shared_to_the_same_bits),
        cmocka_unit_test(a_step_that_fails_goes_on_from_what_was_saved_last),
        cmocka_unit_test(steps_that_were_saved_are_not_taken_again),
        cmocka_unit_test(where_one_picture_does_not_fit_the_run_ends),
        cmocka_unit_test(a_device_that_is_gone_is_none_that_can_be_used),
        cmocka_unit_test(an_evaluation_begins_again),
    };
    return cmocka_run_group_tests_name("device memory", tests, train_with_smaller, remove_folder);
}
