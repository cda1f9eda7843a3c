/* Options: parsing, printing, files, and error messages. */
#include "options.h"

#include <math.h>

#include "train_test.h"

static rncl_status set(rncl_options *options, const char *name, const char *text)
{
    const rncl_option *option = rncl_option_find(name, ~0u);
    assert_non_null(option);
    return rncl_options_set(options, option, text, RNCL_FROM_COMMAND_LINE);
}

static void expect_format(const rncl_options *options, const char *name, const char *wanted)
{
    char text[RNCL_TEXT_LENGTH];
    rncl_option_format(options, rncl_option_find(name, ~0u), text, sizeof text);
    assert_string_equal(text, wanted);
}

/* Expects that every option has the same text in both. */
static void expect_same(const rncl_options *a, const rncl_options *b)
{
    for (size_t i = 0; i < rncl_option_count; i++) {
        char text[RNCL_TEXT_LENGTH];
        rncl_option_format(a, &rncl_option_table[i], text, sizeof text);
        expect_format(b, rncl_option_table[i].name, text);
    }
}

static void defaults_are_those_of_the_command_line(void **state)
{
    (void)state;
    rncl_options options;
    rncl_options_init(&options);
    assert_int_equal(options.network.arch, RNCL_ARCH_RESNET);
    assert_int_equal(options.network.depth, 18);
    assert_int_equal(options.network.stem_pool, 3);
    assert_int_equal(options.batch_size, 256);
    assert_int_equal(options.micro_batch, 0);
    assert_float_equal(options.lr, 0.1f, 0);
    assert_float_equal(options.momentum, 0.9f, 0);
    assert_float_equal(options.weight_decay, 1e-4f, 0);
    assert_int_equal(options.schedule, RNCL_SCHEDULE_PLATEAU);
    assert_int_equal(options.augment, RNCL_AUGMENT_NONE);
    assert_true(options.shuffle);
    assert_string_equal(options.device, "auto");
    for (size_t i = 0; i < rncl_option_count; i++)
        assert_int_equal(rncl_option_source_of(&options, rncl_option_table[i].name), RNCL_FROM_DEFAULT);
}

static void the_environment_names_the_default_device(void **state)
{
    (void)state;
    rncl_options options;
    setenv("RNCL_DEVICE", "pocl", 1);
    rncl_options_init(&options);
    unsetenv("RNCL_DEVICE");
    assert_string_equal(options.device, "pocl");
    expect_ok(set(&options, "device", "2"));
    assert_string_equal(options.device, "2");
}

static void names_are_unique_within_a_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < rncl_option_count; i++)
        for (unsigned command = 1; command; command *= 2)
            if (rncl_option_table[i].commands & command)
                assert_ptr_equal(rncl_option_find(rncl_option_table[i].name, command), &rncl_option_table[i]);
}

static void choices_are_named_as_their_enums_are(void **state)
{
    (void)state;
    const rncl_option *arch = rncl_option_find("arch", RNCL_FOR_TRAIN);
    const rncl_option *shortcut = rncl_option_find("shortcut", RNCL_FOR_TRAIN);
    int i = 0;
    for (; rncl_arch_name((rncl_arch)i); i++)
        assert_string_equal(arch->choices[i], rncl_arch_name((rncl_arch)i));
    assert_null(arch->choices[i]);
    for (i = 0; rncl_shortcut_name((rncl_shortcut)i); i++)
        assert_string_equal(shortcut->choices[i], rncl_shortcut_name((rncl_shortcut)i));
    assert_null(shortcut->choices[i]);
}

static void an_option_belongs_to_its_commands(void **state)
{
    (void)state;
    assert_non_null(rncl_option_find("momentum", RNCL_FOR_TRAIN));
    assert_null(rncl_option_find("momentum", RNCL_FOR_DEVICES | RNCL_FOR_EVAL));
    assert_null(rncl_option_find("momentun", ~0u));
}

static void what_is_printed_can_be_parsed(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"arch", "cifar-plain"},
        {"shortcut", "A"},
        {"bottleneck", "v1"},
        {"bottleneck", "v1.5"},
        {"stem-pool", "2x2"},
        {"image", "96"},
        {"micro-batch", "auto"},
        {"micro-batch", "64"},
        {"workers", "auto"},
        {"lr", "0.1"},
        {"lr", "0.33333334"},
        {"lr", "1e+09"},
        {"schedule", "cosine"},
        {"augment", "cifar"},
        {"shuffle", "off"},
        {"seed", "18446744073709551615"},
        {"mean", "0.5,0.25,0.75"},
        {"mean", "0"},
        {"std", "0.3"},
        {"std", "0.1,0.2,0.3"},
        {"std", "0.1,0.2,0.3,0.4"},
        {"data", "/pictures of mine/№ 1"},
        {"json", "on"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rncl_options options;
        rncl_options_init(&options);
        expect_ok(set(&options, cases[i][0], cases[i][1]));
        expect_format(&options, cases[i][0], cases[i][1]);
    }
}

static void values_reach_their_fields(void **state)
{
    (void)state;
    rncl_options options;
    rncl_options_init(&options);
    expect_ok(set(&options, "bottleneck", "v1"));
    assert_true(options.network.bottleneck_v1);
    expect_ok(set(&options, "stem-pool", "2x2"));
    assert_int_equal(options.network.stem_pool, 2);
    expect_ok(set(&options, "shortcut", "B"));
    assert_int_equal(options.network.shortcut, RNCL_SHORTCUT_B);
    expect_ok(set(&options, "augment", "cifar"));
    assert_int_equal(options.augment, RNCL_AUGMENT_CIFAR);
    expect_ok(set(&options, "mean", "0.5"));
    for (int c = 0; c < 4; c++)
        assert_float_equal(options.mean[c], 0.5f, 0);
    expect_ok(set(&options, "mean", "0.485, 0.456, 0.406")); /* as Python prints it */
    assert_float_equal(options.mean[2], 0.406f, 0);
    expect_ok(set(&options, "std", "0.1,0.2,0.3"));
    assert_float_equal(options.std[2], 0.3f, 0);
    assert_float_equal(options.std[3], 0, 0);
}

static void what_is_no_value_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"lr", "nan"},        {"lr", "inf"},         {"lr", "-0.1"},
        {"lr", "1e99"},       {"lr", "1e400"},       {"lr", ""},
        {"lr", " 0.1"},       {"lr", "0.1x"},        {"lr", "0x1p-3"},
        {"lr", "fast"},       {"epochs", "0"},       {"epochs", "-1"},
        {"epochs", "1.5"},    {"epochs", "1e3"},     {"epochs", "99999999999999999999"},
        {"epochs", "ten"},    {"epochs", ""},        {"epochs", "4294967297"},
        {"seed", "-1"},       {"seed", "1.0"},       {"seed", "18446744073709551616"},
        {"seed", ""},         {"seed", "+1"},        {"micro-batch", "0"},
        {"micro-batch", "-"}, {"micro-batch", "no"}, {"shuffle", "maybe"},
        {"shuffle", ""},      {"mean", ""},          {"mean", "1,"},
        {"mean", "1,,2"},     {"mean", "nan"},       {"mean", "1,2,3,4,5"},
        {"std", "0"},         {"std", "0.1,0"},      {"stem-pool", "4x4"},
        {"augment", "all"},   {"schedule", "Step"},  {"eval-every", "0"},
        {"momentum", "1.1"},  {"time-limit", "-1"},  {"mean", "123,116,103"},
    };
    rncl_options untouched;
    rncl_options_init(&untouched);
    for (size_t i = 0; i < COUNT(cases); i++) {
        rncl_options options;
        rncl_options_init(&options);
        char name[32];
        snprintf(name, sizeof name, "--%s", cases[i][0]);
        expect_failure(set(&options, cases[i][0], cases[i][1]), RNCL_ERR_USAGE, name);
        expect_same(&options, &untouched);
        assert_int_equal(rncl_option_source_of(&options, cases[i][0]), RNCL_FROM_DEFAULT);
    }
}

static void a_text_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char text[RNCL_TEXT_LENGTH + 1];
    memset(text, 'x', sizeof text);
    text[RNCL_TEXT_LENGTH] = '\0';
    rncl_options options;
    rncl_options_init(&options);
    expect_failure(set(&options, "data", text), RNCL_ERR_USAGE, "--data");
    text[RNCL_TEXT_LENGTH - 1] = '\0';
    expect_ok(set(&options, "data", text));
}

static void a_misspelt_choice_is_told_the_nearest(void **state)
{
    (void)state;
    rncl_options options;
    rncl_options_init(&options);
    expect_failure(set(&options, "schedule", "platau"), RNCL_ERR_USAGE, "did you mean plateau?");
    expect_failure(set(&options, "augment", "everything"), RNCL_ERR_USAGE,
                   "choose none, cifar, imagenet or scale");
}

static void the_range_is_told(void **state)
{
    (void)state;
    rncl_options options;
    rncl_options_init(&options);
    expect_failure(set(&options, "momentum", "2"), RNCL_ERR_USAGE, "0 to 1");
}

static void a_weaker_source_is_ignored(void **state)
{
    (void)state;
    rncl_options options;
    rncl_options_init(&options);
    const rncl_option *depth = rncl_option_find("depth", RNCL_FOR_TRAIN);
    expect_ok(rncl_options_set(&options, depth, "34", RNCL_FROM_COMMAND_LINE));
    expect_ok(rncl_options_set(&options, depth, "50", RNCL_FROM_CONFIG));
    assert_int_equal(options.network.depth, 34);
    assert_int_equal(rncl_option_source_of(&options, "depth"), RNCL_FROM_COMMAND_LINE);
    expect_failure(rncl_options_set(&options, depth, "x", RNCL_FROM_CONFIG), RNCL_ERR_USAGE, "--depth");
}

static void written_options_read_back_the_same(void **state)
{
    (void)state;
    rncl_options options, read;
    rncl_options_init(&options);
    static const char *const given[][2] = {
        {"arch", "cifar-resnet"}, {"depth", "20"},       {"bottleneck", "v1"}, {"lr", "0.0123456789"},
        {"seed", "12345678901"},  {"mean", "0.1,0.2,0"}, {"std", "0.3"},       {"data", "/a b/c # d=e"},
        {"shuffle", "off"},       {"stem-pool", "2x2"},
    };
    for (size_t i = 0; i < COUNT(given); i++)
        expect_ok(set(&options, given[i][0], given[i][1]));
    expect_ok(rncl_options_write(&options, "config.ini"));
    rncl_options_init(&read);
    expect_ok(rncl_options_read(&read, "config.ini", RNCL_FOR_TRAIN));
    expect_same(&options, &read);
    assert_int_equal(rncl_option_source_of(&read, "lr"), RNCL_FROM_CONFIG);
}

static void a_value_that_ini_files_cannot_hold_is_not_written(void **state)
{
    (void)state;
    rncl_options options;
    rncl_options_init(&options);
    expect_ok(set(&options, "data", "pictures ;new"));
    expect_failure(rncl_options_write(&options, "bad.ini"), RNCL_ERR_USAGE, "--data");
    assert_false(rncl_file_exists("bad.ini"));
    expect_ok(set(&options, "data", "pictures\\"));
    expect_failure(rncl_options_write(&options, "bad.ini"), RNCL_ERR_USAGE, "--data");
}

/* Fills a text with copies of `pattern` that come to lie at each place of a line. */
static void a_long_value_reads_back_the_same(void **state)
{
    static const char *const patterns[] = {"x", "a folder/", " #;x", "\\", "\xc3\xa4\xe2\x82\xac"};
    (void)state;
    for (size_t i = 0; i < COUNT(patterns); i++)
        for (size_t length = 100; length < RNCL_TEXT_LENGTH; length += i + 1) {
            char text[RNCL_TEXT_LENGTH] = "/";
            for (size_t j = 1; j < length; j++)
                text[j] = patterns[i][j % strlen(patterns[i])];
            text[length - 1] = '/';
            if (strstr(text, " ;"))
                continue;
            rncl_options options, read;
            rncl_options_init(&options);
            expect_ok(set(&options, "data", text));
            expect_ok(rncl_options_write(&options, "long.ini"));
            rncl_options_init(&read);
            expect_ok(rncl_options_read(&read, "long.ini", RNCL_FOR_TRAIN));
            assert_string_equal(read.data, text);
        }
}

static void a_value_that_does_not_go_on_is_refused(void **state)
{
    (void)state;
    rncl_options options;
    rncl_options_init(&options);
    write_text("begun.ini", "data = pictures\\\ndepth = 34\n");
    expect_failure(rncl_options_read(&options, "begun.ini", RNCL_FOR_TRAIN), RNCL_ERR_USAGE,
                   "begun.ini:2: data");
    write_text("begun.ini", "data = pictures\\\n");
    expect_failure(rncl_options_read(&options, "begun.ini", RNCL_FOR_TRAIN), RNCL_ERR_USAGE,
                   "begun.ini: data");
}

static void files_may_have_sections_and_comments(void **state)
{
    (void)state;
    write_text("sections.ini", "; a recipe\n[network]\ndepth = 34\n\n[training]\nlr=0.05 ; slow\n# end\n");
    rncl_options options;
    rncl_options_init(&options);
    expect_ok(rncl_options_read(&options, "sections.ini", RNCL_FOR_TRAIN));
    assert_int_equal(options.network.depth, 34);
    assert_float_equal(options.lr, 0.05f, 0);
}

static void an_unknown_name_in_a_file_is_told_with_its_line(void **state)
{
    (void)state;
    write_text("unknown.ini", "depth = 34\nbatchsize = 4\n");
    rncl_options options;
    rncl_options_init(&options);
    const rncl_status st = rncl_options_read(&options, "unknown.ini", RNCL_FOR_TRAIN);
    expect_failure(st, RNCL_ERR_USAGE, "unknown.ini:2: ");
    expect_failure(st, RNCL_ERR_USAGE, "did you mean batch-size?");
}

static void a_bad_value_in_a_file_is_told_with_its_line(void **state)
{
    (void)state;
    write_text("value.ini", "\n\nlr = fast\n");
    rncl_options options;
    rncl_options_init(&options);
    expect_failure(rncl_options_read(&options, "value.ini", RNCL_FOR_TRAIN), RNCL_ERR_USAGE,
                   "value.ini:3: --lr");
}

static void a_line_that_is_none_is_told(void **state)
{
    (void)state;
    write_text("line.ini", "depth = 34\nnonsense\n");
    rncl_options options;
    rncl_options_init(&options);
    expect_failure(rncl_options_read(&options, "line.ini", RNCL_FOR_TRAIN), RNCL_ERR_USAGE, "line.ini:2: ");
}

static void options_of_other_commands_in_a_file_are_passed_over(void **state)
{
    (void)state;
    write_text("other.ini", "momentum = 0.5\ndepth = 34\n");
    rncl_options options;
    rncl_options_init(&options);
    expect_ok(rncl_options_read(&options, "other.ini", RNCL_FOR_INFO));
    assert_int_equal(options.network.depth, 34);
    assert_float_equal(options.momentum, 0.9f, 0);
}

static void a_file_that_is_not_there_is_told(void **state)
{
    (void)state;
    rncl_options options;
    rncl_options_init(&options);
    expect_failure(rncl_options_read(&options, "missing.ini", RNCL_FOR_TRAIN), RNCL_ERR_IO, "missing.ini");
}

int main(void)
{
    unsetenv("RNCL_DEVICE");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_command_line),
        cmocka_unit_test(the_environment_names_the_default_device),
        cmocka_unit_test(names_are_unique_within_a_command),
        cmocka_unit_test(choices_are_named_as_their_enums_are),
        cmocka_unit_test(an_option_belongs_to_its_commands),
        cmocka_unit_test(what_is_printed_can_be_parsed),
        cmocka_unit_test(values_reach_their_fields),
        cmocka_unit_test(what_is_no_value_is_refused_and_changes_nothing),
        cmocka_unit_test(a_text_that_is_too_long_is_refused),
        cmocka_unit_test(a_misspelt_choice_is_told_the_nearest),
        cmocka_unit_test(the_range_is_told),
        cmocka_unit_test(a_weaker_source_is_ignored),
        cmocka_unit_test(written_options_read_back_the_same),
        cmocka_unit_test(a_value_that_ini_files_cannot_hold_is_not_written),
        cmocka_unit_test(a_long_value_reads_back_the_same),
        cmocka_unit_test(a_value_that_does_not_go_on_is_refused),
        cmocka_unit_test(files_may_have_sections_and_comments),
        cmocka_unit_test(an_unknown_name_in_a_file_is_told_with_its_line),
        cmocka_unit_test(a_bad_value_in_a_file_is_told_with_its_line),
        cmocka_unit_test(a_line_that_is_none_is_told),
        cmocka_unit_test(options_of_other_commands_in_a_file_are_passed_over),
        cmocka_unit_test(a_file_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests_name("options", tests, make_folder, remove_folder);
}
