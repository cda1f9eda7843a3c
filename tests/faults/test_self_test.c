/* The self-test notices kernels that write one wrong value a launch, and remembers what has passed. */
#include <stdbool.h>

#include "program.h"

#define SMALL "--image 16 --batch-size 8 --workers 1 --steps 1 --out run"
#define CIFAR "train --arch cifar-resnet --depth 8 " SMALL
#define RESNET "train --arch resnet --depth 18 --classes 10 " SMALL

/* An argument that the kernel writes to, and a command that runs it. */
static const struct {
    const char *kernel;
    int argument;
    const char *command;
} kernels[] = {
    {"avgpool_forward", 3, CIFAR},
    {"avgpool_backward", 3, CIFAR},
    {"batchnorm_statistics", 2, CIFAR},
    {"batchnorm_moments", 3, CIFAR},
    {"batchnorm_apply", 6, CIFAR},
    {"batchnorm_gradient_sums", 7, CIFAR},
    {"batchnorm_gradient_moments", 2, CIFAR},
    {"batchnorm_gradient", 8, CIFAR},
    {"batchnorm_residual_pad", 3, CIFAR},
    {"linear_bias", 2, CIFAR},
    {"linear_bias_gradient", 2, CIFAR},
    {"sgd_update", 8, CIFAR},
    {"softmax_loss", 11, CIFAR},
    {"ema_update", 4, CIFAR " --ema 0.9"},
    {"mixup_mix", 3, CIFAR " --mixup 0.2"},
    {"conv_direct_forward", 4, CIFAR " --algorithm direct"},
    {"conv_direct_pack", 2, CIFAR " --algorithm direct"},
    {"conv_direct_dfilter", 3, CIFAR " --algorithm direct"},
    {"conv_winograd", 5, CIFAR " --algorithm winograd"},
    {"conv_winograd_dfilter", 3, CIFAR " --algorithm winograd"},
    {"conv_winograd_pack", 2, CIFAR " --algorithm winograd"},
    {"conv_implicit_gemm", 5, CIFAR " --algorithm implicit_gemm"},
    {"conv_staged_inputs", 3, CIFAR " --algorithm staged_winograd"},
    {"conv_staged_outputs", 4, CIFAR " --algorithm staged_winograd"},
    {"conv_staged_dfilter", 4, CIFAR " --algorithm staged_winograd"},
    {"maxpool_forward", 3, RESNET},
    {"maxpool_backward", 4, RESNET},
};

static void a_kernel_that_writes_a_wrong_value_is_noticed(void **state)
{
    (void)state;
    const int count = sizeof kernels / sizeof *kernels;
    int noticed = 0;
    for (int i = 0; i < count; i++) {
        char faults[512];
        snprintf(faults, sizeof faults, "LD_PRELOAD=%s RNCL_FAULT_FIRED=fired RNCL_FAULT_SPOIL=%s:1+:%d:2",
                 FAULT_LAYER, kernels[i].kernel, kernels[i].argument);
        shell("rm -rf fired run");
        run_in(faults, "%s", kernels[i].command);
        const bool fired = system("cd \"$RNCL_TEST_FOLDER\" && test -e fired") == 0;
        if (fired && result.exit_status == 7 && strstr(result.errors, "computes wrongly"))
            noticed++;
        else
            print_error("%s: %s, status %d: %s", kernels[i].kernel, fired ? "spoiled" : "never run",
                        result.exit_status, result.errors);
    }
    print_message("noticed %d of %d kernels\n", noticed, count);
    assert_int_equal(noticed, count);
}

static void what_has_passed_is_not_tested_again(void **state)
{
    (void)state;
    run(CIFAR " --self-test off");
    expect_status(0);
    assert_null(strstr(result.errors, "self-test"));
    shell("rm -r run");
    run(CIFAR);
    expect_status(0);
    assert_non_null(strstr(result.errors, "self-test "));
    shell("rm -r run");
    run(CIFAR);
    expect_status(0);
    assert_null(strstr(result.errors, "self-test"));
    /* Another algorithm has not. */
    shell("rm -r run");
    run(CIFAR " --algorithm direct");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_that_writes_a_wrong_value_is_noticed),
        cmocka_unit_test(what_has_passed_is_not_tested_again),
    };
    return cmocka_run_group_tests_name("self-test", tests, own_cache, remove_folder);
}
