/* test_launch_parts DEVICE on|off: training on a pretended device, with launches in one piece and in parts.
 * The second argument says whether launches on the device are limited unasked. */
#include "program.h"

#include <stdbool.h>

#define NETWORK                                                                                              \
    "train --arch cifar-resnet --depth 8 --image 8 --batch-size 4 --lr 0.001 --steps 2 --self-test off"

static const char *device;
static bool limited;

/* Trains in the folder NAME; builds and launches are listed in NAME.log. */
static void train(const char *more, const char *options, const char *name)
{
    char environment[1024];
    snprintf(environment, sizeof environment,
             "LD_PRELOAD=%s RNCL_PRETEND=%s RNCL_PRETEND_LAUNCHES=1 RNCL_PRETEND_LOG=%s.log " NOTHING_KEPT
             " %s",
             PRETEND_GPU, device, name, more);
    run_in(environment, NETWORK " %s --out %s", options, name);
    expect_status(0);
}

/* The first launch of a kernel is always made in parts, however short it is. */
static void launches_in_parts_give_the_same_bits(void **state)
{
    (void)state;
    train("", "--max-launch-ms 60000", "whole");
    train("", "--max-launch-ms 1", "parts");
    shell("cmp whole/steps.csv parts/steps.csv && cmp whole/model.safetensors parts/model.safetensors");
    shell("! grep -q LAUNCH_PARTS whole.log && grep -q LAUNCH_PARTS parts.log");
    shell("test $(grep -c ^launch parts.log) -gt $(grep -c ^launch whole.log)");
}

static void gpus_in_processors_are_limited_unasked(void **state)
{
    (void)state;
    train("RNCL_PRETEND_IDLE=1", "--spot-checks 0", "unasked");
    shell("%s grep -q LAUNCH_PARTS unasked.log", limited ? "" : "!");
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "usage: test_launch_parts DEVICE on|off\n");
        return 2;
    }
    device = arguments[1];
    limited = !strcmp(arguments[2], "on");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(launches_in_parts_give_the_same_bits),
        cmocka_unit_test(gpus_in_processors_are_limited_unasked),
    };
    return cmocka_run_group_tests_name(device, tests, create_folder, remove_folder);
}
