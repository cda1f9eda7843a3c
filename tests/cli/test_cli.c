/* Usage errors, and the commands that do not train. */
#include <stdbool.h>

#include "program.h"

static void rncl_alone_and_help_list_the_commands(void **state)
{
    (void)state;
    static const char *const ways[] = {" ", "help", "--help", "-h", "help help"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        run("%s", ways[i]);
        expect_status(0);
        assert_string_equal(result.errors, "");
        assert_non_null(strstr(result.output, "\n  train "));
        assert_non_null(strstr(result.output, "\n  check-data "));
    }
}

static void help_explains_a_command(void **state)
{
    (void)state;
    run("help eval");
    expect_status(0);
    assert_int_equal(strncmp(result.output, "usage: rncl eval", 16), 0);
    run("help evla");
    expect_failure(2, "eval");
    run("help eval predict");
    expect_failure(2, "one command");
}

static void an_option_before_the_command_is_wrong_usage(void **state)
{
    (void)state;
    run("--depth 18 info");
    expect_failure(2, "--depth");
}

static void an_unknown_command_names_the_nearest(void **state)
{
    (void)state;
    run("trian");
    expect_failure(2, "train");
}

static void an_unknown_option_points_to_the_help(void **state)
{
    (void)state;
    run("train --frobnicate-everything 3");
    expect_failure(2, "`rncl train --help`");
}

static void a_misspelt_option_names_the_nearest(void **state)
{
    (void)state;
    run("train --epoch 3");
    expect_failure(2, "--epochs");
    run("train --bacth-size=3");
    expect_failure(2, "--batch-size");
}

static void an_option_of_another_program_names_the_one_that_is_meant(void **state)
{
    (void)state;
    static const char *const meant[][2] = {
        {"train --batch 8", "did you mean --batch-size?"},
        {"train --batch_size 8", "did you mean --batch-size?"},
        {"train --learning_rate 0.1", "did you mean --lr?"},
        {"train --pretrained x", "did you mean --init?"},
        {"train --model resnet18", "did you mean --arch?"},
        {"train --data-path x", "did you mean --data?"},
        {"predict --weights x", "did you mean --model?"},
    };
    for (size_t i = 0; i < sizeof meant / sizeof *meant; i++) {
        run("%s", meant[i][0]);
        expect_failure(2, meant[i][1]);
    }
}

/* As `--data "$DATA"` gives it where the variable is not set. */
static void an_empty_value_is_wrong_usage(void **state)
{
    (void)state;
    static const char *const empty[] = {"train --data ''",   "train --init ''",  "train --resume ''",
                                        "train --out ''",    "train --steps=''", "train --config ''",
                                        "train --device ''", "eval --model ''",  "predict --labels '' x.png",
                                        "check-data ''"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        run("%s", empty[i]);
        expect_failure(2, "its value is empty");
    }
}

static void an_option_of_another_command_is_unknown(void **state)
{
    (void)state;
    run("devices --momentum 0.9");
    expect_failure(2, "--momentum");
}

static void an_option_without_its_value_is_wrong_usage(void **state)
{
    (void)state;
    run("info --depth");
    expect_failure(2, "--depth");
}

static void a_value_that_is_no_number_is_wrong_usage(void **state)
{
    (void)state;
    run("train --lr fast");
    expect_failure(2, "fast");
}

static void a_negative_number_reaches_its_option(void **state)
{
    (void)state;
    run("train --batch-size -4");
    expect_failure(2, "-4");
    run("train --lr=-0.1");
    expect_failure(2, "-0.1");
}

static void a_misspelt_choice_names_the_nearest(void **state)
{
    (void)state;
    run("info --arch resnt");
    expect_failure(2, "resnet");
}

static void a_bare_argument_is_wrong_usage(void **state)
{
    (void)state;
    run("devices everything");
    expect_failure(2, "everything");
}

static void a_depth_that_no_resnet_has_is_wrong_usage(void **state)
{
    (void)state;
    run("info --depth 35");
    expect_failure(2, "34");
    run("train --depth 35");
    expect_failure(2, "34");
}

static void a_device_number_that_is_not_there_is_no_device(void **state)
{
    (void)state;
    run("train --device 9");
    expect_failure(3, "--device 9");
    run_in("RNCL_DEVICE=9", "check");
    expect_failure(3, "9");
}

static void without_any_platform_there_is_no_device(void **state)
{
    (void)state;
    run_in("OCL_ICD_VENDORS=/nonexistent", "train --steps 1");
    expect_failure(3, "install");
    run_in("OCL_ICD_VENDORS=/nonexistent", "devices");
    expect_failure(3, "install");
}

static void devices_json_without_any_platform_is_an_empty_list(void **state)
{
    (void)state;
    run_in("OCL_ICD_VENDORS=/nonexistent", "devices --json");
    expect_status(3);
    json_t *document = expect_json();
    assert_true(json_is_array(json_object_get(document, "devices")));
    assert_int_equal(json_array_size(json_object_get(document, "devices")), 0);
    json_decref(document);
}

static void devices_json_has_what_scripts_read(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "number",        "name",          "platform",       "vendor",       "type", "version",  "driver",
        "compute_units", "global_memory", "max_allocation", "local_memory", "fp16", "compiler", "tuned"};
    run("devices --json");
    expect_status(0);
    json_t *document = expect_json(), *devices = json_object_get(document, "devices"), *device;
    assert_true(json_array_size(devices) > 0);
    size_t index;
    json_array_foreach(devices, index, device)
    {
        assert_int_equal(json_object_size(device), sizeof keys / sizeof *keys);
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            assert_non_null(json_object_get(device, keys[i]));
        assert_int_equal(json_integer_value(json_object_get(device, "number")), (json_int_t)index + 1);
        assert_true(json_is_boolean(json_object_get(device, "compiler")));
    }
    json_decref(document);
}

static void every_command_explains_its_options(void **state)
{
    (void)state;
    static const char *const commands[] = {"devices", "info", "check", "train", "eval", "predict", "bench"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char example[64];
        snprintf(example, sizeof example, "example:\n  rncl %s", commands[i]);
        run("%s --help", commands[i]);
        expect_status(0);
        assert_non_null(strstr(result.output, "--json"));
        assert_non_null(strstr(result.output, example));
        run("%s -h", commands[i]);
        expect_status(0);
    }
    run("--help");
    expect_status(0);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        assert_non_null(strstr(result.output, commands[i]));
}

static void help_shows_defaults_and_choices(void **state)
{
    (void)state;
    run("train --help");
    assert_non_null(strstr(result.output, "--batch-size auto|N"));
    assert_non_null(strstr(result.output, "(default auto)"));
    assert_non_null(strstr(result.output, "plateau|step|cosine|constant"));
    run("bench --help");
    assert_non_null(strstr(result.output, "(default 256)"));
}

/* Number of options that the last help explains. *wide: whether a line is longer than 80 columns. */
static int count_explained(bool *wide)
{
    int count = 0;
    *wide = false;
    for (char *line = result.output, *end; (end = strchr(line, '\n')); line = end + 1) {
        count += strncmp(line, "  --", 4) == 0;
        *wide |= end - line > 80;
    }
    return count;
}

static void short_help_explains_fifteen_options_and_names_the_others(void **state)
{
    (void)state;
    bool wide;
    run("train --help");
    /* 15 options and --help-all. */
    assert_int_equal(count_explained(&wide), 15 + 1);
    assert_false(wide);
    assert_non_null(strstr(result.output, " --label-smoothing=0"));
    assert_non_null(strstr(result.output, " --momentum=0.9"));
    run("train --help-all");
    assert_true(count_explained(&wide) > 45);
    assert_false(wide);
    static const char *const titles[] = {
        "data",         "network",     "optimisation",        "regularisation",
        "augmentation", "fine-tuning", "run and checkpoints", "device and speed",
        "output"};
    const char *at = result.output;
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
        char title[64];
        snprintf(title, sizeof title, "\n\n%s:\n", titles[i]);
        at = strstr(at, title);
        assert_non_null(at);
    }
    assert_non_null(strstr(result.output, "--zero-init-residual on|off"));
    assert_non_null(strstr(result.output, "--shuffle on|off"));
}

static void version_is_one_line(void **state)
{
    (void)state;
    static const char *const ways[] = {"version", "--version", "-V"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        run("%s", ways[i]);
        expect_status(0);
        assert_int_equal(strncmp(result.output, "rncl ", 5), 0);
        assert_ptr_equal(strchr(result.output, '\n'), result.output + strlen(result.output) - 1);
    }
}

/* The published counts of torchvision's models, and of He et al. 2015, table 6 (ResNet-20 without
 * projections). */
static void info_counts_the_published_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *network;
        json_int_t parameters;
    } cases[] = {
        {"--depth 18", 11689512},  {"--depth 34", 21797672},
        {"--depth 50", 25557032},  {"--depth 101", 44549160},
        {"--depth 152", 60192808}, {"--arch cifar-resnet --depth 20 --shortcut A", 269722},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run("info %s --json", cases[i].network);
        expect_status(0);
        json_t *document = expect_json(), *layer;
        assert_int_equal(json_integer_value(json_object_get(document, "parameters")), cases[i].parameters);
        json_int_t sum = 0;
        size_t index;
        json_array_foreach(json_object_get(document, "layers"), index, layer) sum +=
            json_integer_value(json_object_get(layer, "parameters"));
        assert_int_equal(sum, cases[i].parameters);
        json_decref(document);
    }
}

static void info_needs_no_device(void **state)
{
    (void)state;
    run_in("OCL_ICD_VENDORS=/nonexistent", "info --depth 50");
    expect_status(0);
    assert_non_null(strstr(result.output, "layer4.2.conv3"));
}

static void the_last_of_a_repeated_option_counts(void **state)
{
    (void)state;
    run("info --depth 18 --depth=34 --json");
    expect_status(0);
    json_t *document = expect_json();
    assert_int_equal(json_integer_value(json_object_get(document, "parameters")), 21797672);
    json_decref(document);
}

static void the_command_line_is_stronger_than_the_config(void **state)
{
    (void)state;
    shell("printf 'arch = resnet\\ndepth = 18\\nclasses = 10\\n' > config.ini");
    run("info --depth 34 --config config.ini --json");
    expect_status(0);
    json_t *document = expect_json();
    /* 990 classes fewer, each of 512 weights and a bias. */
    assert_int_equal(json_integer_value(json_object_get(document, "parameters")), 21797672 - 990 * 513);
    json_decref(document);
}

static void an_unknown_name_in_a_config_is_wrong_usage(void **state)
{
    (void)state;
    shell("printf 'dpeth = 18\\n' > wrong.ini");
    run("info --config wrong.ini");
    expect_failure(2, "depth");
}

/* The status says which kind of file it is, whatever the command. */
static void the_status_of_a_missing_file_is_that_of_its_kind(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *command;
    } cases[] = {
        {2, "train --config missing"},
        {2, "info --config missing"},
        {2, "eval --model model.safetensors --config missing"},
        {4, "train --data missing"},
        {4, "check-data missing"},
        {4, "plot missing"},
        {4, "plot --tuning missing"},
        {4, "report missing"},
        {4, "watch missing"},
        {8, "train --init missing"},
        {8, "train --resume missing"},
        {8, "eval --model missing"},
        {8, "predict --model missing cat.png"},
        {8, "export --model missing --onnx missing.onnx"},
        {8, "plot --filters missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run("%s", cases[i].command);
        expect_failure(cases[i].status, "missing");
    }
}

static void eval_without_a_model_is_wrong_usage(void **state)
{
    (void)state;
    run("eval");
    expect_failure(2, "--model");
}

static void a_damaged_model_cannot_be_read(void **state)
{
    (void)state;
    shell("echo this is no model > broken.safetensors");
    run("eval --model broken.safetensors");
    expect_failure(8, "broken.safetensors");
}

static void a_missing_data_folder_is_bad_data(void **state)
{
    (void)state;
    run("train --data /nonexistent/pictures --out missing --steps 1");
    expect_failure(4, "/nonexistent/pictures");
}

/* 16 black pictures of 28x28 and their labels under the names of MNIST's files. */
static void make_idx_files(const char *folder)
{
    shell("mkdir -p %s", folder);
    for (int i = 0; i < 2; i++) {
        const char *split = i ? "t10k" : "train";
        shell("{ printf '\\000\\000\\010\\003\\000\\000\\000\\020\\000\\000\\000\\034\\000\\000\\000\\034'; "
              "head -c 12544 /dev/zero; } > %s/%s-images-idx3-ubyte",
              folder, split);
        shell("{ printf '\\000\\000\\010\\001\\000\\000\\000\\020'; head -c 16 /dev/zero; } "
              "> %s/%s-labels-idx1-ubyte",
              folder, split);
    }
}

static void a_truncated_gz_is_bad_data(void **state)
{
    (void)state;
    make_idx_files("truncated");
    shell("cd truncated && gzip -k train-images-idx3-ubyte && rm train-images-idx3-ubyte && "
          "truncate -s -9 train-images-idx3-ubyte.gz");
    run("train --data truncated --out truncated-run --steps 1");
    expect_failure(4, "train-images-idx3-ubyte.gz");
}

static void a_wrong_magic_number_is_bad_data(void **state)
{
    (void)state;
    make_idx_files("magic");
    shell("printf 'xx' | dd of=magic/train-images-idx3-ubyte conv=notrunc status=none");
    run("train --data magic --out magic-run --steps 1");
    expect_failure(4, "train-images-idx3-ubyte");
}

static void output_that_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    run("info --depth 18 >/dev/full");
    expect_failure(1, "standard output");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rncl_alone_and_help_list_the_commands),
        cmocka_unit_test(help_explains_a_command),
        cmocka_unit_test(an_option_before_the_command_is_wrong_usage),
        cmocka_unit_test(an_unknown_command_names_the_nearest),
        cmocka_unit_test(an_unknown_option_points_to_the_help),
        cmocka_unit_test(a_misspelt_option_names_the_nearest),
        cmocka_unit_test(an_option_of_another_program_names_the_one_that_is_meant),
        cmocka_unit_test(an_empty_value_is_wrong_usage),
        cmocka_unit_test(an_option_of_another_command_is_unknown),
        cmocka_unit_test(an_option_without_its_value_is_wrong_usage),
        cmocka_unit_test(a_value_that_is_no_number_is_wrong_usage),
        cmocka_unit_test(a_negative_number_reaches_its_option),
        cmocka_unit_test(a_misspelt_choice_names_the_nearest),
        cmocka_unit_test(a_bare_argument_is_wrong_usage),
        cmocka_unit_test(a_depth_that_no_resnet_has_is_wrong_usage),
        cmocka_unit_test(a_device_number_that_is_not_there_is_no_device),
        cmocka_unit_test(without_any_platform_there_is_no_device),
        cmocka_unit_test(devices_json_without_any_platform_is_an_empty_list),
        cmocka_unit_test(devices_json_has_what_scripts_read),
        cmocka_unit_test(every_command_explains_its_options),
        cmocka_unit_test(help_shows_defaults_and_choices),
        cmocka_unit_test(short_help_explains_fifteen_options_and_names_the_others),
        cmocka_unit_test(version_is_one_line),
        cmocka_unit_test(info_counts_the_published_parameters),
        cmocka_unit_test(info_needs_no_device),
        cmocka_unit_test(the_last_of_a_repeated_option_counts),
        cmocka_unit_test(the_command_line_is_stronger_than_the_config),
        cmocka_unit_test(an_unknown_name_in_a_config_is_wrong_usage),
        cmocka_unit_test(the_status_of_a_missing_file_is_that_of_its_kind),
        cmocka_unit_test(eval_without_a_model_is_wrong_usage),
        cmocka_unit_test(a_damaged_model_cannot_be_read),
        cmocka_unit_test(a_missing_data_folder_is_bad_data),
        cmocka_unit_test(a_truncated_gz_is_bad_data),
        cmocka_unit_test(a_wrong_magic_number_is_bad_data),
        cmocka_unit_test(output_that_cannot_be_written_is_a_failure),
    };
    return cmocka_run_group_tests_name("cli", tests, create_folder, remove_folder);
}
