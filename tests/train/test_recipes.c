/* The recipes in configs/: each says where it is from, and is accepted without a change. */
#include <glob.h>
#include <math.h>

#include "options.h"
#include "schedule.h"
#include "train_test.h"

typedef void recipe_test(const char *path, const rncl_options *options);

static rncl_options read_recipe(const char *path)
{
    rncl_options options;
    rncl_options_init(&options);
    expect_ok(rncl_options_read(&options, path, RNCL_FOR_TRAIN));
    return options;
}

static void for_each_recipe(recipe_test *test)
{
    glob_t found;
    assert_int_equal(glob(RNCL_CONFIGS "/*.ini", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const rncl_options options = read_recipe(found.gl_pathv[i]);
        test(found.gl_pathv[i], &options);
    }
    globfree(&found);
}

static void begins_with_a_comment(const char *path, const rncl_options *options)
{
    (void)options;
    char *text = read_text(path);
    assert_int_equal(strncmp(text, "; ", 2), 0);
    free(text);
}

static void every_recipe_begins_by_saying_what_it_is(void **state)
{
    (void)state;
    for_each_recipe(begins_with_a_comment);
}

/* A recipe must have only options of train: those of other commands would be ignored silently. */
static void names_only_what_training_takes(const char *path, const rncl_options *options)
{
    (void)options;
    char *text = read_text(path), *rest = text, *line;
    while ((line = strsep(&rest, "\n"))) {
        char name[64];
        if (sscanf(line, "%63[a-z-] =", name) == 1 && !rncl_option_find(name, RNCL_FOR_TRAIN))
            fail_msg("%s: rncl train has no %s", path, name);
    }
    free(text);
}

static void every_recipe_names_only_options_of_training(void **state)
{
    (void)state;
    for_each_recipe(names_only_what_training_takes);
}

static void makes_sense(const char *path, const rncl_options *options)
{
    rncl_graph *graph;
    rncl_schedule schedule;
    if (rncl_graph_build(&options->network, &graph) || rncl_schedule_init(options, 64000, &schedule))
        fail_msg("%s: %s", path, rncl_status_message());
    expect_ok(rncl_arch_check_runs(options->network.arch));
    rncl_graph_destroy(graph);
}

static void every_recipe_has_a_network_and_a_schedule(void **state)
{
    (void)state;
    for_each_recipe(makes_sense);
}

static void the_rates_on_cifar_are_those_of_section_4_2(void **state)
{
    (void)state;
    static const struct {
        int64_t step;
        double rate;
    } rates[] = {{0, 0.01},     {399, 0.01},    {400, 0.1},    {31999, 0.1},
                 {32000, 0.01}, {48000, 0.001}, {63999, 0.001}};
    const rncl_options options = read_recipe(RNCL_CONFIGS "/cifar10-resnet110.ini");
    const rncl_plateau plateau = rncl_plateau_start();
    rncl_schedule schedule;
    expect_ok(rncl_schedule_init(&options, options.steps, &schedule));
    for (size_t i = 0; i < COUNT(rates); i++) {
        const double rate = (double)rncl_schedule_lr(&schedule, &plateau, rates[i].step);
        assert_true(fabs(rate - rates[i].rate) < 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recipe_begins_by_saying_what_it_is),
        cmocka_unit_test(every_recipe_names_only_options_of_training),
        cmocka_unit_test(every_recipe_has_a_network_and_a_schedule),
        cmocka_unit_test(the_rates_on_cifar_are_those_of_section_4_2),
    };
    return cmocka_run_group_tests_name("recipes", tests, NULL, NULL);
}
