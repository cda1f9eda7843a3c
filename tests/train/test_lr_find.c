/* The learning rate range test: what losses suggest, and that it leaves no trace. */
#include <math.h>

#include "lr_find.h"
#include "training_test.h"

enum { STEPS = 60 };

/* Flat, falling by a logistic curve around the step `middle`, and rising behind `least`. */
static rncl_lr_find made_up(double *rates, double *losses, double *smoothed, double middle, double least)
{
    for (int i = 0; i < STEPS; i++) {
        rates[i] = pow(10, -5 + 6.0 * i / (STEPS - 1));
        losses[i] = 2 - 1 / (1 + exp(-(i - middle) / 2)) + (i > least ? 0.3 * (i - least) : 0);
    }
    return (rncl_lr_find){.rates = rates, .losses = losses, .smoothed = smoothed, .count = STEPS};
}

static void the_steepest_fall_is_suggested(void **unused)
{
    (void)unused;
    double rates[STEPS], losses[STEPS], smoothed[STEPS];
    rncl_lr_find found = made_up(rates, losses, smoothed, 30, 45);
    rncl_lr_find_judge(&found);
    assert_in_range(found.steepest, 29, 31);
    assert_in_range(found.least, 43, 46);
    assert_true(found.suggestion == rates[found.steepest]);
}

static void rising_losses_suggest_nothing(void **unused)
{
    (void)unused;
    double rates[STEPS], losses[STEPS], smoothed[STEPS];
    rncl_lr_find found = made_up(rates, losses, smoothed, 1e9, 0);
    rncl_lr_find_judge(&found);
    assert_true(isnan(found.suggestion));
}

/* Numbers from -1 to 1 without a pattern, always the same. */
static double chance(int i)
{
    const double x = sin(12.9898 * (i + 1)) * 43758.5453;
    return 2 * (x - floor(x)) - 1;
}

static void a_fall_within_the_scatter_is_noise(void **unused)
{
    (void)unused;
    static const struct {
        double fall, scatter;
        bool noise;
    } cases[] = {{0, 0.1, true}, {0.1, 0.2, true}, {1, 0.1, false}, {1, 0.3, false}, {1, 0, false}};
    double rates[STEPS], losses[STEPS], smoothed[STEPS];
    for (size_t c = 0; c < COUNT(cases); c++) {
        rncl_lr_find found = made_up(rates, losses, smoothed, 30, 45);
        for (int i = 0; i < STEPS; i++)
            losses[i] = 2 + cases[c].fall * (losses[i] - 2) + cases[c].scatter * chance(i);
        rncl_lr_find_judge(&found);
        assert_int_equal(rncl_lr_find_is_noise(&found), cases[c].noise);
    }
}

static rncl_status find(rncl_options *options, accident *a, rncl_lr_find *found)
{
    const rncl_train_listener listener = {.progress = on_progress, .user = a, .stop = &a->stop};
    rncl_context *context = open_device();
    const rncl_status st = rncl_lr_find_run(context, options, &listener, found);
    rncl_context_destroy(context);
    return st;
}

/* More steps than the training would have had. */
static void rates_rise_and_no_folder_appears(void **unused)
{
    (void)unused;
    rncl_options options = small_options("trial");
    set(&options, "steps", "20");
    accident none = {0};
    rncl_lr_find found;
    expect_ok(find(&options, &none, &found));
    assert_in_range(found.count, 10, 20);
    assert_int_equal(none.reports, found.count);
    assert_true(found.rates[0] > 0.99e-5 && found.rates[0] < 1.01e-5);
    for (size_t i = 1; i < found.count; i++)
        assert_true(found.rates[i] > 1.9 * found.rates[i - 1] && isfinite(found.losses[i]));
    assert_false(rncl_directory_exists("trial"));
    rncl_lr_find_fini(&found);
}

static void fewer_steps_than_make_a_curve_are_refused(void **unused)
{
    (void)unused;
    rncl_options options = small_options("short");
    set(&options, "steps", "9");
    accident none = {0};
    rncl_lr_find found;
    expect_failure(find(&options, &none, &found), RNCL_ERR_USAGE, "--lr-find needs at least 10");
    rncl_lr_find_fini(&found);
}

static void a_run_that_lends_its_weights_stays_as_it_was(void **unused)
{
    (void)unused;
    static const char *const files[] = {"last.ckpt", "steps.csv", "metrics.csv", "config.ini",
                                        "model.safetensors"};
    rncl_options options = small_options("lender");
    set(&options, "steps", "4");
    expect_ok(train(&options));
    assert_int_equal(system("cp -r lender before"), 0);
    options = resume_options("lender");
    set(&options, "steps", "10");
    accident none = {0};
    rncl_lr_find found;
    expect_ok(find(&options, &none, &found));
    rncl_lr_find_fini(&found);
    for (size_t i = 0; i < COUNT(files); i++) {
        char one[64], other[64];
        snprintf(one, sizeof one, "lender/%s", files[i]);
        snprintf(other, sizeof other, "before/%s", files[i]);
        expect_same_file(one, other);
    }
    /* And it can go on: the same as a run that nobody looked at. */
    for (int i = 0; i < 2; i++) {
        options = resume_options(i ? "before" : "lender");
        set(&options, "steps", "8");
        expect_ok(train(&options));
    }
    expect_same_file("lender/steps.csv", "before/steps.csv");
}

static void an_interrupted_search_says_so(void **unused)
{
    (void)unused;
    rncl_options options = small_options("stopped");
    accident stop = {.step = 3};
    rncl_lr_find found;
    expect_failure(find(&options, &stop, &found), RNCL_ERR_INTERRUPTED, "no file was written");
    assert_int_equal(found.count, 3);
    assert_false(rncl_directory_exists("stopped"));
    rncl_lr_find_fini(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_steepest_fall_is_suggested),
        cmocka_unit_test(rising_losses_suggest_nothing),
        cmocka_unit_test(a_fall_within_the_scatter_is_noise),
        cmocka_unit_test(fewer_steps_than_make_a_curve_are_refused),
        cmocka_unit_test(rates_rise_and_no_folder_appears),
        cmocka_unit_test(a_run_that_lends_its_weights_stays_as_it_was),
        cmocka_unit_test(an_interrupted_search_says_so),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
