/* Evaluations of a small trained model: crops, reports and splits of the batch. */
#include <math.h>

#include "plot.h"
#include "training_test.h"

static int train_model(void **state)
{
    if (make_folder(state))
        return -1;
    rncl_options options = small_options("run");
    return train(&options) != RNCL_OK;
}

static rncl_options eval_options(void)
{
    rncl_options options;
    rncl_options_init(&options);
    set(&options, "model", "run/model.safetensors");
    set(&options, "batch-size", "64");
    set(&options, "workers", "2");
    return options;
}

static rncl_evaluation evaluate(rncl_options *options)
{
    rncl_evaluation result;
    rncl_context *context = open_device();
    expect_ok(rncl_evaluate(context, options, &result, NULL));
    rncl_context_destroy(context);
    return result;
}

static void counting_on_the_host_finds_what_the_device_finds(void **state)
{
    (void)state;
    rncl_options options = eval_options();
    const rncl_evaluation device = evaluate(&options);
    options = eval_options();
    set(&options, "report", "report");
    const rncl_evaluation host = evaluate(&options);
    assert_int_equal(host.images, device.images);
    assert_true(host.top1 == device.top1);
    assert_true(host.top5 == device.top5);
    assert_true(fabs(host.loss - device.loss) < 1e-5);
}

/* Adds up column `column` of all rows after the heading. */
static double sum_of(const char *path, int column)
{
    char *text = read_text(path);
    double sum = 0;
    for (const char *line = strchr(text, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
        const char *field = line;
        for (int i = 0; i < column; i++)
            field = strchr(field, ',') + 1;
        sum += atof(field);
    }
    free(text);
    return sum;
}

static void a_report_counts_every_picture(void **state)
{
    (void)state;
    rncl_options options = eval_options();
    set(&options, "report", "counted");
    const rncl_evaluation result = evaluate(&options);
    assert_int_equal(count_lines("counted/per_class.csv"), 1 + 10);
    assert_int_equal(count_lines("counted/confusion.csv"), 1 + 10);
    assert_true(sum_of("counted/per_class.csv", 2) == (double)result.images);
    double answers = 0;
    for (int column = 1; column <= 10; column++)
        answers += sum_of("counted/confusion.csv", column);
    assert_true(answers == (double)result.images);
    assert_int_equal(rncl_file_exists("counted/confusion.png"), rncl_plot_available());
}

static void ten_crops_are_one_picture_whatever_the_batch(void **state)
{
    (void)state;
    rncl_options options = eval_options();
    const rncl_evaluation whole = evaluate(&options);
    options = eval_options();
    set(&options, "crops", "10");
    const rncl_evaluation crops = evaluate(&options);
    options = eval_options();
    set(&options, "crops", "10");
    set(&options, "batch-size", "57");
    const rncl_evaluation odd = evaluate(&options);
    assert_int_equal(crops.images, whole.images);
    assert_int_equal(odd.images, whole.images);
    assert_true(fabs(odd.loss - crops.loss) < 1e-5);
    assert_true(crops.loss != whole.loss);
}

static const float not_finite[] = {NAN, INFINITY, -INFINITY};

static void expect_not_finite(rncl_options *options)
{
    rncl_evaluation result;
    rncl_context *context = open_device();
    set(options, "model", "spoilt.safetensors");
    expect_failure(rncl_evaluate(context, options, &result, NULL), RNCL_ERR_DIVERGED, "spoilt.safetensors");
    rncl_context_destroy(context);
    assert_int_equal(result.images, 2000);
    assert_int_equal(result.not_finite, 2000);
    assert_true(result.top1 == 0);
    assert_true(result.top5 == 0);
    assert_true(isnan(result.loss));
}

static void outputs_that_are_not_finite_are_wrong_and_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(not_finite); i++) {
        change_last_bias("run/model.safetensors", "spoilt.safetensors", not_finite[i]);
        rncl_options options = eval_options();
        expect_not_finite(&options);
    }
}

static void outputs_of_ten_crops_that_are_not_finite_are_wrong_too(void **state)
{
    (void)state;
    change_last_bias("run/model.safetensors", "spoilt.safetensors", NAN);
    rncl_options options = eval_options();
    set(&options, "crops", "10");
    expect_not_finite(&options);
}

static void no_report_is_written_of_answers_that_there_are_not(void **state)
{
    (void)state;
    change_last_bias("run/model.safetensors", "spoilt.safetensors", NAN);
    rncl_options options = eval_options();
    set(&options, "report", "spoilt");
    expect_not_finite(&options);
    assert_false(rncl_file_exists("spoilt/per_class.csv"));
}

/* So far apart that the probabilities of nine classes are 0 in any precision. */
static void a_report_tells_the_loss_of_certain_errors(void **state)
{
    (void)state;
    change_last_bias("run/model.safetensors", "certain.safetensors", 5000);
    rncl_options options = eval_options();
    set(&options, "model", "certain.safetensors");
    const rncl_evaluation device = evaluate(&options);
    options = eval_options();
    set(&options, "model", "certain.safetensors");
    set(&options, "report", "certain");
    const rncl_evaluation host = evaluate(&options);
    assert_true(device.loss > 1000);
    assert_true(fabs(host.loss - device.loss) < 1e-3 * device.loss);
    assert_true(host.top1 == device.top1);
    assert_true(host.top5 == device.top5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_on_the_host_finds_what_the_device_finds),
        cmocka_unit_test(a_report_counts_every_picture),
        cmocka_unit_test(ten_crops_are_one_picture_whatever_the_batch),
        cmocka_unit_test(outputs_that_are_not_finite_are_wrong_and_are_told),
        cmocka_unit_test(outputs_of_ten_crops_that_are_not_finite_are_wrong_too),
        cmocka_unit_test(no_report_is_written_of_answers_that_there_are_not),
        cmocka_unit_test(a_report_tells_the_loss_of_certain_errors),
    };
    return cmocka_run_group_tests(tests, train_model, remove_folder);
}
