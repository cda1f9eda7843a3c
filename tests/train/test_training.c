/* The files of a training, its progress reports, and the options it refuses. */
#include <math.h>

#include "plot.h"
#include "training_test.h"

/* The run that most tests use. */
static const char base[] = "base";

static int train_base(void **state)
{
    if (make_folder(state))
        return -1;
    rncl_options options = small_options(base);
    return train(&options) != RNCL_OK;
}

static int64_t batches_tracked_by(const char *path)
{
    size_t count;
    int64_t batches;
    free(load_params(path, &count, &batches));
    return batches;
}

static void the_run_folder_holds_everything(void **state)
{
    (void)state;
    static const char *const names[] = {"config.ini",        "metrics.csv",      "steps.csv",
                                        "model.safetensors", "best.safetensors", "last.ckpt"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", base, names[i]);
        assert_true(rncl_file_exists(path));
    }
    assert_int_equal(count_lines("base/steps.csv"), 1 + 12);
    assert_int_equal(count_lines("base/metrics.csv"), 1 + 6);
}

static void options_come_back_complete(void **state)
{
    (void)state;
    rncl_options options = small_options(NULL);
    options.network.image = 0;
    set(&options, "steps", "1");
    rncl_train_result result;
    accident stop = {.step = 1};
    train_with(&options, &stop, &result);
    assert_int_equal(options.network.image, 32);
    assert_int_equal(options.network.channels, 3);
    assert_int_equal(options.network.classes, 10);
    assert_true(options.std[0] > 0);
    assert_int_equal(options.micro_batch, 8);
    assert_int_equal(strncmp(options.out, "runs/", 5), 0);
    assert_non_null(strstr(options.out, "-cifar-resnet-8"));
    assert_string_equal(options.out, result.run);
}

static void progress_tells_of_every_step_and_evaluation(void **state)
{
    (void)state;
    rncl_options options = small_options("told");
    rncl_train_result result;
    accident none = {0};
    expect_ok(train_with(&options, &none, &result));
    assert_int_equal(none.reports, 12 + 6);
    assert_int_equal(none.evaluations, 6);
    assert_int_equal(none.last.step, 12);
    assert_int_equal(none.last.steps, 12);
    assert_true(none.last.evaluated);
    assert_true(none.last.first_step_seconds > 0);
    assert_true(none.last.waiting >= 0 && none.last.waiting <= 1);
    assert_true(result.images_per_second > 0);
    assert_float_equal(result.val_top1, last_metric("told/metrics.csv", 7), 1e-6);
}

static void epochs_become_steps(void **state)
{
    (void)state;
    rncl_options options = small_options("epochs");
    set(&options, "steps", "0");
    set(&options, "epochs", "3");
    rncl_train_result result;
    accident stop = {.step = 1};
    assert_int_equal(train_with(&options, &stop, &result), RNCL_ERR_INTERRUPTED);
    assert_int_equal(stop.last.steps, 3 * 20000 / 8);
    assert_float_equal(stop.last.epochs, 3, 1e-9);
}

static void evaluating_the_model_gives_the_last_row(void **state)
{
    (void)state;
    rncl_options options;
    rncl_options_init(&options);
    set(&options, "model", "base/model.safetensors");
    set(&options, "batch-size", "7");
    rncl_context *context = open_device();
    rncl_evaluation result;
    expect_ok(rncl_evaluate(context, &options, &result, NULL));
    rncl_context_destroy(context);
    assert_int_equal(options.network.image, 8);
    assert_int_equal(result.images, 2000);
    assert_float_equal(result.loss, last_metric("base/metrics.csv", 6), 1e-5);
    assert_float_equal(result.top1, last_metric("base/metrics.csv", 7), 0.051);
    assert_float_equal(result.top5, last_metric("base/metrics.csv", 8), 0.051);
}

static void micro_batches_are_counted_and_train_alike(void **state)
{
    (void)state;
    rncl_options options = small_options("micro");
    set(&options, "micro-batch", "4");
    set(&options, "steps", "2");
    expect_ok(train(&options));
    assert_int_equal(batches_tracked_by("base/model.safetensors"), 12);
    assert_int_equal(batches_tracked_by("micro/model.safetensors"), 2 * 2);
    options = small_options("macro");
    set(&options, "steps", "2");
    expect_ok(train(&options));
    const double one = last_metric("macro/steps.csv", 1), two = last_metric("micro/steps.csv", 1);
    assert_true(fabs(one - two) < 0.5 * one);
}

static void init_starts_from_the_given_weights(void **state)
{
    (void)state;
    rncl_options options = small_options("tuned");
    set(&options, "init", "base/model.safetensors");
    set(&options, "lr", "0");
    set(&options, "steps", "1");
    expect_ok(train(&options));
    size_t count;
    int64_t before, after;
    float *given = load_params("base/model.safetensors", &count, &before);
    float *kept = load_params("tuned/model.safetensors", &count, &after);
    assert_memory_equal(given, kept, count * sizeof *given);
    assert_int_equal(after, before + 1);
    free(given);
    free(kept);
}

static void a_diverging_run_fails_and_keeps_what_was_saved(void **state)
{
    (void)state;
    rncl_options options = small_options("wild");
    set(&options, "steps", "3");
    expect_ok(train(&options));
    expect_ok(rncl_directory_create("tame"));
    assert_int_equal(system("cp wild/* tame"), 0);
    options = resume_options("wild");
    set(&options, "lr", "1e9");
    set(&options, "steps", "500");
    set(&options, "eval-every", "1");
    expect_failure(train(&options), RNCL_ERR_DIVERGED, "--lr");
    assert_non_null(strstr(rncl_status_message(), "the first values that were not finite: "));
    expect_same_file("tame/last.ckpt", "wild/last.ckpt");
    expect_same_file("tame/model.safetensors", "wild/model.safetensors");
    const double loss = last_metric("wild/steps.csv", 1);
    assert_true(isnan(loss) || isinf(loss));
}

/* One step is too few for its own loss to show it. */
static void an_evaluation_that_is_not_finite_is_never_the_best(void **state)
{
    (void)state;
    rncl_options options = small_options("sudden");
    set(&options, "steps", "1");
    set(&options, "lr", "1e30");
    rncl_train_result result;
    accident none = {0};
    expect_failure(train_with(&options, &none, &result), RNCL_ERR_DIVERGED, "not finite");
    assert_non_null(strstr(rncl_status_message(), " forward, evaluated after step 1"));
    assert_int_equal(result.steps, 1);
    assert_true(result.best_top1 == -1);
    assert_false(rncl_file_exists("sudden/best.safetensors"));
    assert_int_equal(count_lines("sudden/metrics.csv"), 1);
}

static void weights_that_are_not_finite_are_not_saved(void **state)
{
    (void)state;
    rncl_options options = small_options("mad");
    set(&options, "steps", "500");
    set(&options, "lr", "1e30");
    set(&options, "checkpoint-every", "1");
    assert_int_equal(train(&options), RNCL_ERR_DIVERGED);
    size_t count;
    int64_t batches;
    float *params = load_params("mad/model.safetensors", &count, &batches);
    for (size_t i = 0; i < count; i++)
        assert_true(fabsf(params[i]) < INFINITY);
    free(params);
}

static void a_damaged_checkpoint_is_refused_and_left_alone(void **state)
{
    (void)state;
    assert_int_equal(system("cp -r base hurt && truncate -s -9 hurt/last.ckpt && cp -r hurt kept"), 0);
    rncl_options options = resume_options("hurt");
    set(&options, "steps", "20");
    expect_failure(train(&options), RNCL_ERR_MODEL, "hurt/last.ckpt");
    assert_int_equal(system("diff -r hurt kept"), 0);
}

static void the_checkpoint_of_another_network_is_refused(void **state)
{
    (void)state;
    rncl_options options = resume_options(base);
    set(&options, "depth", "14");
    expect_failure(train(&options), RNCL_ERR_MODEL, "base/last.ckpt");
    options = resume_options(base);
    set(&options, "batch-size", "4");
    expect_failure(train(&options), RNCL_ERR_MODEL, "base/last.ckpt");
}

static void resuming_what_is_not_there_is_refused(void **state)
{
    (void)state;
    rncl_options options = resume_options("nowhere");
    expect_failure(train(&options), RNCL_ERR_MODEL, "nowhere/last.ckpt");
}

static void no_run_is_written_over_another(void **state)
{
    (void)state;
    rncl_options options = small_options(base);
    expect_failure(train(&options), RNCL_ERR_USAGE, "--resume");
}

static void fewer_classes_than_the_data_has_are_refused(void **state)
{
    (void)state;
    rncl_options options = small_options("few");
    set(&options, "classes", "9");
    expect_failure(train(&options), RNCL_ERR_USAGE, "classes");
    assert_false(rncl_directory_exists("few"));
}

static void missing_data_are_told(void **state)
{
    (void)state;
    rncl_options options = small_options("few");
    set(&options, "data", "no/such/pictures");
    expect_failure(train(&options), RNCL_ERR_DATA, "no/such/pictures");
}

/* The run is stopped before an evaluation could draw them. */
static void curves_are_there_after_the_first_step(void **unused)
{
    (void)unused;
    rncl_options options = small_options("early");
    set(&options, "eval-every", "1");
    accident stop = {.step = 1};
    rncl_train_result result;
    expect_failure(train_with(&options, &stop, &result), RNCL_ERR_INTERRUPTED, "interrupted");
    assert_int_equal(stop.evaluations, 0);
    assert_int_equal(rncl_file_exists("early/curves.png"), rncl_plot_available());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_run_folder_holds_everything),
        cmocka_unit_test(options_come_back_complete),
        cmocka_unit_test(progress_tells_of_every_step_and_evaluation),
        cmocka_unit_test(curves_are_there_after_the_first_step),
        cmocka_unit_test(epochs_become_steps),
        cmocka_unit_test(evaluating_the_model_gives_the_last_row),
        cmocka_unit_test(micro_batches_are_counted_and_train_alike),
        cmocka_unit_test(init_starts_from_the_given_weights),
        cmocka_unit_test(a_diverging_run_fails_and_keeps_what_was_saved),
        cmocka_unit_test(an_evaluation_that_is_not_finite_is_never_the_best),
        cmocka_unit_test(weights_that_are_not_finite_are_not_saved),
        cmocka_unit_test(a_damaged_checkpoint_is_refused_and_left_alone),
        cmocka_unit_test(the_checkpoint_of_another_network_is_refused),
        cmocka_unit_test(resuming_what_is_not_there_is_refused),
        cmocka_unit_test(no_run_is_written_over_another),
        cmocka_unit_test(fewer_classes_than_the_data_has_are_refused),
        cmocka_unit_test(missing_data_are_told),
    };
    return cmocka_run_group_tests_name("training", tests, train_base, remove_folder);
}
