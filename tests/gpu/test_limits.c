/* test_limits DEVICE [WORK_GROUP]: a pretended device, whose limits are enforced, plans a small network,
 * trains three steps of it, and comes to the losses that the CPU comes to without limits. */
#include "program.h"

#include <math.h>

#define NETWORK "train --arch cifar-resnet --depth 8 --image 8 --batch-size 4 --lr 0.001 --steps 3"

enum { STEPS = 3 };

static const double tolerance = 1e-4;

static char environment[1024];

static void read_losses(const char *run, double losses[STEPS])
{
    char path[128], line[256];
    int count = 0;
    snprintf(path, sizeof path, "%s/%s/steps.csv", program_folder, run);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (count < STEPS && fgets(line, sizeof line, file))
        count += sscanf(line, "%*d,%lf", &losses[count]) == 1;
    fclose(file);
    assert_int_equal(count, STEPS);
}

static void three_steps_keep_to_the_limits_and_to_the_losses(void **state)
{
    (void)state;
    double without[STEPS] = {0}, within[STEPS] = {0};
    run_in("", NETWORK " --out without");
    expect_status(0);
    run_in(environment, NETWORK " --out within");
    expect_status(0);
    shell("test -f within/model.safetensors");
    read_losses("without", without);
    read_losses("within", within);
    for (int i = 0; i < STEPS; i++)
        assert_true(fabs(without[i] - within[i]) <= tolerance); /* NaN is not */
}

int main(int count, char **arguments)
{
    if (count < 2 || count > 3) {
        fprintf(stderr, "usage: test_limits DEVICE [WORK_GROUP]\n");
        return 2;
    }
    snprintf(environment, sizeof environment, NOTHING_KEPT " LD_PRELOAD=%s RNCL_PRETEND=%s %s%s", PRETEND_GPU,
             arguments[1], count == 3 ? "RNCL_PRETEND_WORK_GROUP=" : "", count == 3 ? arguments[2] : "");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_steps_keep_to_the_limits_and_to_the_losses),
    };
    return cmocka_run_group_tests_name(arguments[1], tests, create_folder, remove_folder);
}
