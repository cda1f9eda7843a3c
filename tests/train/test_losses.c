/* The training loss with class weights (--class-weights) and mixed pictures (--mixup). */
#include <math.h>

#include "training_test.h"

static rncl_options loss_options(const char *out, const char *name, const char *value)
{
    rncl_options options = small_options(out);
    set(&options, "schedule", "constant");
    set(&options, "steps", "4");
    set(&options, "label-smoothing", "0.1");
    if (name)
        set(&options, name, value);
    return options;
}

/* The losses of all steps of both runs are the same up to rounding. */
static void expect_same_losses(const char *one, const char *other)
{
    char *a = read_text(one), *b = read_text(other), *next_a = a, *next_b = b;
    for (int step = 0; step < 4; step++) {
        next_a = strchr(next_a, '\n') + 1;
        next_b = strchr(next_b, '\n') + 1;
        const double first = atof(strchr(next_a, ',') + 1), second = atof(strchr(next_b, ',') + 1);
        assert_true(fabs(first - second) < 1e-4 * first);
    }
    free(a);
    free(b);
}

/* Were micro-batches divided by their own weights, their gradients would add up to twice the batch's. */
static void equal_class_weights_change_nothing_in_micro_batches_either(void **state)
{
    (void)state;
    static const char *const micro[] = {"8", "4"};
    for (size_t i = 0; i < COUNT(micro); i++) {
        char plain[32], weighted[32], a[64], b[64];
        snprintf(plain, sizeof plain, "plain-%s", micro[i]);
        snprintf(weighted, sizeof weighted, "weighted-%s", micro[i]);
        rncl_options options = loss_options(plain, "micro-batch", micro[i]);
        expect_ok(train(&options));
        options = loss_options(weighted, "micro-batch", micro[i]);
        set(&options, "class-weights", "3,3,3,3,3,3,3,3,3,3");
        expect_ok(train(&options));
        snprintf(a, sizeof a, "%s/steps.csv", plain);
        snprintf(b, sizeof b, "%s/steps.csv", weighted);
        expect_same_losses(a, b);
        snprintf(a, sizeof a, "%s/metrics.csv", plain);
        snprintf(b, sizeof b, "%s/metrics.csv", weighted);
        assert_true(fabs(last_metric(a, 4) - last_metric(b, 4)) < 1e-3);
    }
}

/* With nearly all weight on one class, the network learns to predict that class. */
static void a_class_of_great_weight_wins(void **state)
{
    (void)state;
    rncl_options options = loss_options("heavy", "class-weights", "1e6,1,1,1,1,1,1,1,1,1");
    set(&options, "label-smoothing", "0");
    set(&options, "steps", "12");
    expect_ok(train(&options));
    assert_true(last_metric("heavy/metrics.csv", 4) < 1);
    assert_true(fabs(last_metric("heavy/metrics.csv", 7) - 10) < 1);
}

static void balanced_weights_of_balanced_classes_change_nothing(void **state)
{
    (void)state;
    rncl_options options = loss_options("even", NULL, NULL);
    expect_ok(train(&options));
    options = loss_options("balanced", "class-weights", "balanced");
    expect_ok(train(&options));
    expect_same_losses("even/steps.csv", "balanced/steps.csv");
}

static void a_mixed_and_weighted_run_stopped_and_resumed_is_bit_identical(void **state)
{
    (void)state;
    rncl_options options = loss_options("whole", "mixup", "0.4");
    set(&options, "class-weights", "1,2,3,4,5,6,7,8,9,10");
    expect_ok(train(&options));
    options = loss_options("stopped", "mixup", "0.4");
    set(&options, "class-weights", "1,2,3,4,5,6,7,8,9,10");
    rncl_train_result result;
    accident stop = {.step = 1};
    assert_int_equal(train_with(&options, &stop, &result), RNCL_ERR_INTERRUPTED);
    options = resume_options("stopped");
    expect_ok(train(&options));
    expect_same_run("whole", "stopped");
}

static void mixing_changes_the_losses(void **state)
{
    (void)state;
    rncl_options options = loss_options("mixed", "mixup", "1");
    expect_ok(train(&options));
    options = loss_options("unmixed", "mixup", "0");
    expect_ok(train(&options));
    assert_true(fabs(last_metric("mixed/steps.csv", 1) - last_metric("unmixed/steps.csv", 1)) > 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_class_weights_change_nothing_in_micro_batches_either),
        cmocka_unit_test(a_class_of_great_weight_wins),
        cmocka_unit_test(balanced_weights_of_balanced_classes_change_nothing),
        cmocka_unit_test(a_mixed_and_weighted_run_stopped_and_resumed_is_bit_identical),
        cmocka_unit_test(mixing_changes_the_losses),
    };
    return cmocka_run_group_tests_name("losses", tests, make_folder, remove_folder);
}
