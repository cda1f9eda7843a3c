/* Averaged weights (--ema) and ending early (--early-stop). */
#include <math.h>

#include "training_test.h"

static rncl_options averaged_options(const char *out, const char *steps, const char *decay)
{
    rncl_options options = small_options(out);
    set(&options, "schedule", "constant");
    set(&options, "steps", steps);
    set(&options, "ema", decay);
    return options;
}

static float *params_of(const char *run, size_t *count)
{
    char path[64];
    int64_t batches;
    snprintf(path, sizeof path, "%s/model.safetensors", run);
    return load_params(path, count, &batches);
}

/* Evaluations of the average after every second step must not change the weights. */
static void the_model_is_the_weighted_mean_of_the_weights_after_each_step(void **state)
{
    (void)state;
    static const char *const runs[] = {"1", "2", "3"};
    static const double shares[] = {0.25 / 1.75, 0.5 / 1.75, 1 / 1.75};
    size_t count = 0;
    float *after[COUNT(runs)];
    for (size_t i = 0; i < COUNT(runs); i++) {
        rncl_options options = averaged_options(runs[i], runs[i], "0");
        expect_ok(train(&options));
        after[i] = params_of(runs[i], &count);
    }
    rncl_options options = averaged_options("mean", "3", "0.5");
    expect_ok(train(&options));
    float *mean = params_of("mean", &count);
    for (size_t i = 0; i < count; i++) {
        double wanted = 0;
        for (size_t run = 0; run < COUNT(runs); run++)
            wanted += shares[run] * (double)after[run][i];
        assert_float_equal(mean[i], wanted, 1e-6);
    }
    expect_same_file("3/steps.csv", "mean/steps.csv");
    for (size_t run = 0; run < COUNT(runs); run++)
        free(after[run]);
    free(mean);
}

static void evaluations_are_of_the_average(void **state)
{
    (void)state;
    rncl_options options = averaged_options("evaluated", "6", "0.9");
    expect_ok(train(&options));
    rncl_options_init(&options);
    set(&options, "model", "evaluated/model.safetensors");
    rncl_context *context = open_device();
    rncl_evaluation result;
    expect_ok(rncl_evaluate(context, &options, &result, NULL));
    rncl_context_destroy(context);
    assert_float_equal(result.loss, last_metric("evaluated/metrics.csv", 6), 1e-5);
}

static void an_averaged_run_stopped_and_resumed_is_bit_identical(void **state)
{
    (void)state;
    rncl_options options = averaged_options("whole", "6", "0.9");
    expect_ok(train(&options));
    options = averaged_options("stopped", "6", "0.9");
    rncl_train_result result;
    accident stop = {.step = 3};
    assert_int_equal(train_with(&options, &stop, &result), RNCL_ERR_INTERRUPTED);
    options = resume_options("stopped");
    expect_ok(train(&options));
    expect_same_run("whole", "stopped");
}

static void an_average_that_was_not_kept_cannot_be_resumed(void **state)
{
    (void)state;
    rncl_options options = averaged_options("plain", "1", "0");
    expect_ok(train(&options));
    options = resume_options("plain");
    set(&options, "ema", "0.9");
    expect_failure(train(&options), RNCL_ERR_MODEL, "--ema");
}

/* Without learning, evaluations change by chance only, through the running statistics. */
static void a_run_that_does_not_improve_ends_early(void **state)
{
    (void)state;
    rncl_options options = small_options("early");
    set(&options, "lr", "1e-30");
    set(&options, "steps", "40");
    set(&options, "early-stop", "2");
    rncl_train_result result;
    accident none = {0};
    expect_ok(train_with(&options, &none, &result));
    assert_true(result.steps < 40);
    const int64_t steps = result.steps, evaluations = none.evaluations;
    options = resume_options("early");
    none = (accident){0};
    expect_ok(train_with(&options, &none, &result));
    assert_int_equal(none.reports, 0);
    options = resume_options("early");
    set(&options, "early-stop", "3");
    expect_ok(train_with(&options, &none, &result));
    assert_true(result.steps > steps);
    assert_true(none.evaluations < evaluations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_is_the_weighted_mean_of_the_weights_after_each_step),
        cmocka_unit_test(evaluations_are_of_the_average),
        cmocka_unit_test(an_averaged_run_stopped_and_resumed_is_bit_identical),
        cmocka_unit_test(an_average_that_was_not_kept_cannot_be_resumed),
        cmocka_unit_test(a_run_that_does_not_improve_ends_early),
    };
    return cmocka_run_group_tests_name("averages", tests, make_folder, remove_folder);
}
