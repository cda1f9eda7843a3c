/* test_training_on GPU [bf16]: trains with the presets of a pretended GPU, every launch run by PoCL, and
 * compares with the CPU's presets in fp32. The network is small; RNCL_TEST_TRAINING has options of `rncl
 * train` for another (docs/gpu/kernels.md). Losses of different kernels drift apart, since a ReLU turns a
 * rounding error into a change: the learning rate is small enough that twenty steps do not show it. */
#include "program.h"

#include <math.h>
#include <stdbool.h>

#define NETWORK "--depth 8 --image 8 --batch-size 4 --lr 0.001 --steps 20"

enum { MOST_STEPS = 1000 };

/* Of the CPU's loss. Tensors of bfloat16 have 8 bits; the CPU's change its losses by up to 2e-3. */
static const double tolerance = 1e-4, tolerance_of_elements = 5e-3;

static char gpu_environment[1024];
static bool elements; /* of bfloat16 */

static void train(const char *environment, const char *out)
{
    const char *network = getenv("RNCL_TEST_TRAINING");
    run_in(environment, "train --arch cifar-resnet %s --precision %s --out %s",
           network && *network ? network : NETWORK, elements && *environment ? "bf16" : "fp32", out);
    expect_status(0);
}

/* Reads the losses of a run; returns their number. */
static int read_losses(const char *run, double losses[MOST_STEPS])
{
    char path[128], line[256];
    int count = 0;
    snprintf(path, sizeof path, "%s/%s/steps.csv", program_folder, run);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (count < MOST_STEPS && fgets(line, sizeof line, file))
        count += sscanf(line, "%*d,%lf", &losses[count]) == 1;
    fclose(file);
    return count;
}

static void losses_are_those_of_the_cpu(void **state)
{
    (void)state;
    double cpu[MOST_STEPS] = {0}, gpu[MOST_STEPS] = {0}, worst = 0;
    int wrong = 0;
    train("", "cpu");
    train(gpu_environment, "first");
    const int count = read_losses("cpu", cpu);
    assert_true(count > 0);
    assert_int_equal(read_losses("first", gpu), count);
    for (int i = 0; i < count; i++) {
        const double difference = fabs(cpu[i] - gpu[i]) / fabs(cpu[i]);
        worst = fmax(worst, difference);
        wrong += !(difference <= (elements ? tolerance_of_elements : tolerance)); /* NaN is */
    }
    print_message("# %d steps, losses differ by at most %.2g of the CPU's, the last of which is %.4g\n",
                  count, worst, cpu[count - 1]);
    assert_int_equal(wrong, 0);
    assert_true(!elements || worst > tolerance); /* they have been rounded */
}

static void the_same_options_give_the_same_bits(void **state)
{
    (void)state;
    train(gpu_environment, "second");
    shell("cmp first/steps.csv second/steps.csv && cmp first/model.safetensors second/model.safetensors");
}

/* The presets of this GPU and not the CPU's have run, and the self-test with them. */
static void its_own_presets_have_run(void **state)
{
    (void)state;
    shell("grep -q '^build .*-DTM=' log && ! grep -q -e '-DSTAGE=' log");
    shell("%s grep -q '^build .*-DBF16' log", elements ? "" : "!");
    shell("ls cache/rncl | grep -q '[.]tested$'");
}

int main(int count, char **arguments)
{
    elements = count == 3 && !strcmp(arguments[2], "bf16");
    if (count != 2 && !elements) {
        fprintf(stderr, "usage: test_training_on GPU [bf16]\n");
        return 2;
    }
    /* Without rncl's cache, so that programs are built and tested; PoCL's own, which XDG_CACHE_HOME would
     * move, may serve. */
    snprintf(gpu_environment, sizeof gpu_environment,
             "LD_PRELOAD=%s RNCL_PRETEND=%s RNCL_PRETEND_LOG=log XDG_CACHE_HOME=$PWD/cache " POCL_CACHE,
             PRETEND_GPU, arguments[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_those_of_the_cpu),
        cmocka_unit_test(its_own_presets_have_run),
        cmocka_unit_test(the_same_options_give_the_same_bits),
    };
    return cmocka_run_group_tests_name(arguments[1], tests, create_folder, remove_folder);
}
