/* rncl plot, as users run it, of what is no run. */
#include "program.h"

static void a_runs_filters_and_tuning_are_drawn_in_its_folder(void **unused)
{
    (void)unused;
    run("train --arch cifar-resnet --depth 8 --steps 1 --batch-size 2 --out run --self-test=off");
    expect_status(0);
    run("plot --filters run");
    if (strstr(result.errors, "cairo"))
        skip();
    expect_status(0);
    assert_string_equal(result.output, "run/filters.png\n");
    shell("cp run/best.safetensors model.safetensors && test -s run/filters.png");
    run("plot --filters model.safetensors");
    expect_status(0);
    assert_string_equal(result.output, "filters.png\n");
    shell("cmp filters.png run/filters.png");
    shell("printf '{\"device\":\"d\",\"results\":[{\"problem\":\"forward n1\",\"algorithm\":\"direct\","
          "\"time_ns\":1000000,\"preset_ns\":2000000},{\"problem\":\"no time\"}]}' >run/tuning.json");
    run("plot --tuning run");
    expect_status(0);
    assert_string_equal(result.output, "run/tuning.png\n");
    run("plot --tuning run/tuning.json --out drawn.svg");
    expect_status(0);
    shell("grep -q '<svg' drawn.svg");
}

static void mistakes_are_named(void **unused)
{
    (void)unused;
    run("plot");
    expect_failure(2, "--filters");
    run("plot run --filters run");
    expect_failure(2, "one of these at a time");
    run("plot --filters run --tuning run");
    expect_failure(2, "one of these at a time");
    run("plot --filters missing.safetensors");
    expect_failure(8, "missing.safetensors");
    run("plot --filters run/config.ini");
    expect_failure(8, "run/config.ini");
    run("plot --tuning run/config.ini");
    expect_failure(4, "not a file of `rncl tune`");
    shell("printf '{\"results\":[]}' >none.json");
    run("plot --tuning none.json");
    expect_failure(4, "no tuning results");
    run("plot --tuning missing.json");
    expect_failure(4, "missing.json");
    run("plot --filters run --out filters.gif");
    if (!strstr(result.errors, "cairo"))
        expect_failure(2, ".png, .svg or .pdf");
}

static void options_of_another_picture_are_refused(void **unused)
{
    (void)unused;
    run("plot --filters run --y loss");
    expect_failure(2, "--y is for the curves of runs, not for --filters");
    run("plot --tuning run --x epoch");
    expect_failure(2, "--x is for the curves of runs, not for --tuning");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_runs_filters_and_tuning_are_drawn_in_its_folder),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(options_of_another_picture_are_refused),
    };
    return cmocka_run_group_tests(tests, create_folder, remove_folder);
}
