/* Devices that compute wrongly: the self-test notices kernels that write one wrong value a launch, spot
 * checks those that begin with it in the middle of a run. */
#include <stdbool.h>

#include "program.h"

#define SMALL "--image 16 --batch-size 8 --workers 1 --out run"
#define CIFAR "train --arch cifar-resnet --depth 8 " SMALL
#define RESNET "train --arch resnet --depth 18 --classes 10 " SMALL

#define FROZEN CIFAR " --freeze layer2"

/* An argument that each kernel of a training step writes to, and a command that runs it. `late`: a launch
 * some steps after the start. */
static const struct {
    const char *kernel;
    int argument, late;
    const char *command;
} kernels[] = {
    {"avgpool_forward", 3, 10, CIFAR},
    {"avgpool_backward", 3, 10, CIFAR},
    {"batchnorm_statistics", 2, 60, CIFAR " --algorithm im2col_gemm"},
    {"batchnorm_moments", 3, 60, CIFAR},
    {"batchnorm_moments", 4, 60, CIFAR},
    {"batchnorm_moments", 5, 60, CIFAR},
    {"batchnorm_running", 3, 20, FROZEN},
    {"batchnorm_apply", 6, 60, CIFAR},
    {"batchnorm_gradient_sums", 7, 60, CIFAR},
    {"batchnorm_gradient_moments", 2, 60, CIFAR},
    {"batchnorm_gradient_moments", 3, 60, CIFAR},
    {"batchnorm_gradient_moments", 4, 60, CIFAR},
    {"batchnorm_gradient", 8, 60, CIFAR},
    {"batchnorm_residual_pad", 3, 60, CIFAR},
    {"linear_bias", 2, 10, CIFAR},
    {"linear_bias_gradient", 2, 10, CIFAR},
    {"sgd_update", 7, 10, CIFAR},
    {"sgd_update", 8, 10, CIFAR},
    {"softmax_loss", 9, 10, CIFAR},
    {"softmax_loss", 10, 10, CIFAR},
    {"softmax_loss", 11, 10, CIFAR},
    {"softmax_loss", 11, 40, CIFAR " --micro-batch 2 --mixup 0.2 --label-smoothing 0.1"},
    {"ema_update", 4, 10, CIFAR " --ema 0.9"},
    {"mixup_mix", 3, 10, CIFAR " --mixup 0.2"},
    {"conv_direct_forward", 4, 60, CIFAR " --algorithm direct"},
    {"conv_direct_forward", 5, 60, CIFAR " --algorithm direct"},
    {"conv_direct_pack", 2, 60, CIFAR " --algorithm direct"},
    {"conv_direct_dfilter", 3, 60, CIFAR " --algorithm direct"},
    {"conv_pointwise_dfilter", 3, 10, RESNET " --algorithm direct"},
    {"conv_reduce", 3, 60, CIFAR " --algorithm direct"},
    {"conv_winograd", 5, 60, CIFAR " --algorithm winograd"},
    {"conv_winograd", 7, 60, CIFAR " --algorithm winograd"},
    {"conv_winograd_dfilter", 3, 60, CIFAR " --algorithm winograd"},
    {"conv_winograd_pack", 2, 60, CIFAR " --algorithm winograd"},
    {"conv_batched", 3, 60, CIFAR " --algorithm batched"},
    {"conv_batched", 4, 60, CIFAR " --algorithm batched"},
    {"conv_batched_dfilter", 3, 60, CIFAR " --algorithm batched"},
    {"conv_tiled", 6, 60, CIFAR " --algorithm tiled"},
    {"conv_tiled", 8, 60, CIFAR " --algorithm tiled"},
    {"conv_turn_filter", 2, 60, CIFAR " --algorithm tiled"},
    {"conv_staged_inputs", 3, 60, CIFAR " --algorithm staged_winograd"},
    {"conv_staged_filters", 3, 60, CIFAR " --algorithm staged_winograd"},
    {"conv_staged_outputs", 4, 60, CIFAR " --algorithm staged_winograd"},
    {"conv_staged_dy", 3, 60, CIFAR " --algorithm staged_winograd"},
    {"conv_staged_dfilter", 4, 60, CIFAR " --algorithm staged_winograd"},
    {"maxpool_forward", 3, 10, RESNET},
    {"maxpool_backward", 4, 10, RESNET},
};

static const int kernel_count = sizeof kernels / sizeof *kernels;
static int stride = 4; /* the program's argument: every how many are tried, in either way others */
static int tried, missed;

/* Runs a command with one float of what the kernel writes wrong, from launch `first` on. */
static bool spoil(int kernel, int first, int index, const char *arguments)
{
    char faults[512];
    snprintf(faults, sizeof faults, "LD_PRELOAD=%s RNCL_FAULT_FIRED=fired RNCL_FAULT_SPOIL=%s:%d+:%d:%d",
             FAULT_LAYER, kernels[kernel].kernel, first, kernels[kernel].argument, index);
    tried++;
    shell("rm -rf fired run");
    run_in(faults, "%s %s", kernels[kernel].command, arguments);
    const bool fired = system("cd \"$RNCL_TEST_FOLDER\" && test -e fired") == 0;
    if (fired && result.exit_status == 7 && strstr(result.errors, "\nrncl: ") &&
        strstr(result.errors, "computes wrongly: "))
        return true;
    missed++;
    print_error("%s: %s, status %d: %s", kernels[kernel].kernel, fired ? "spoiled" : "never run",
                result.exit_status, result.errors);
    return false;
}

static void a_kernel_that_writes_a_wrong_value_is_noticed_before_the_first_step(void **state)
{
    (void)state;
    int noticed = 0, count = 0;
    for (int i = 0; i < kernel_count; i += stride, count++)
        noticed += spoil(i, 1, 0, "--steps 1"); /* later values may be padding */
    print_message("noticed %d of %d kernels\n", noticed, count);
    assert_int_equal(noticed, count);
}

/* Every second step is looked at, and ResNet-18 has about a hundred passes to look at. The first of a result
 * is in each slice. */
static void a_kernel_that_turns_wrong_in_mid_run_is_noticed_within_a_round(void **state)
{
    (void)state;
    int noticed = 0, count = 0;
    for (int i = stride / 2; i < kernel_count; i += stride) {
        count++;
        noticed +=
            spoil(i, kernels[i].late, 0, "--self-test off --spot-checks 100 --steps 300 --eval-every 1000") &&
            strstr(result.errors, "looking again");
    }
    print_message("noticed %d of %d kernels\n", noticed, count);
    assert_int_equal(noticed, count);
    /* What was saved before can be gone on with. */
    run("train --resume run --steps 2 --spot-checks 100");
    expect_status(0);
    shell("rm -r run");
}

/* The sixth channel is in no slice for certain, but in each with a probability: in two dozen rounds it is
 * missed once in 50,000 times. */
static void a_wrong_value_elsewhere_is_noticed_in_time(void **state)
{
    (void)state;
    int moments = 0;
    while (strcmp(kernels[moments].kernel, "batchnorm_moments") != 0)
        moments++;
    assert_true(spoil(moments, 60, 5, "--self-test off --spot-checks 100 --steps 2000 --eval-every 1000"));
    assert_non_null(strstr(result.errors, "looking again"));
    shell("rm -r run");
}

/* The first 40 passes of a network with all kinds of layers. */
static void a_device_that_computes_rightly_raises_no_alarm(void **state)
{
    (void)state;
    run(RESNET " --self-test off --spot-checks 100 --steps 80 --eval-every 1000");
    expect_status(0);
    assert_null(strstr(result.errors, "computes wrongly"));
    shell("rm -r run");
}

static void spot_checks_change_no_bit(void **state)
{
    (void)state;
    run(CIFAR " --self-test off --spot-checks 0 --steps 20");
    expect_status(0);
    shell("mv run without");
    run(CIFAR " --self-test off --spot-checks 100 --steps 20");
    expect_status(0);
    shell("cmp run/model.safetensors without/model.safetensors && cmp run/steps.csv without/steps.csv");
    shell("rm -r run without");
}

static void what_has_passed_is_not_tested_again(void **state)
{
    (void)state;
    run(CIFAR " --steps 1 --self-test off");
    expect_status(0);
    assert_null(strstr(result.errors, "self-test"));
    shell("rm -r run");
    run(CIFAR " --steps 1");
    expect_status(0);
    assert_non_null(strstr(result.errors, "self-test "));
    shell("rm -r run");
    run(CIFAR " --steps 1");
    expect_status(0);
    assert_null(strstr(result.errors, "self-test"));
    /* Another algorithm has not. */
    shell("rm -r run");
    run(CIFAR " --steps 1 --algorithm direct");
    expect_status(0);
    assert_non_null(strstr(result.errors, "self-test "));
    /* Nor have the inference passes of eval. */
    run("eval --model run/model.safetensors");
    expect_status(0);
    assert_non_null(strstr(result.errors, "self-test "));
}

/* What rncl remembers is to be this program's own; what PoCL has compiled may stay where it is. */
static int own_cache(void **state)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char path[512];
    if (create_folder(state))
        return -1;
    snprintf(path, sizeof path, "%s%s/pocl/kcache",
             cache  ? cache
             : home ? home
                    : "/tmp",
             cache ? "" : "/.cache");
    setenv("POCL_CACHE_DIR", path, 0);
    snprintf(path, sizeof path, "%s/cache", program_folder);
    setenv("XDG_CACHE_HOME", path, 1);
    setenv("RNCL_TEST_FOLDER", program_folder, 1);
    return 0;
}

int main(int argc, char **argv)
{
    stride = argc > 1 ? atoi(argv[1]) : stride;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_that_writes_a_wrong_value_is_noticed_before_the_first_step),
        cmocka_unit_test(a_kernel_that_turns_wrong_in_mid_run_is_noticed_within_a_round),
        cmocka_unit_test(a_wrong_value_elsewhere_is_noticed_in_time),
        cmocka_unit_test(a_device_that_computes_rightly_raises_no_alarm),
        cmocka_unit_test(spot_checks_change_no_bit),
        cmocka_unit_test(what_has_passed_is_not_tested_again),
    };
    const int failed = cmocka_run_group_tests_name("wrong results", tests, own_cache, remove_folder);
    /* A row of the table that scripts/torture prints. */
    printf("%-12s %8d of %6d cases %13d bad\n", "wrong", tried, tried, missed);
    return failed;
}
