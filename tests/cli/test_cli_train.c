/* The commands that train, on any device ($RNCL_TEST_DEVICE), with the smallest network on a few pictures. */
#include "program.h"

#define SMALL "--arch cifar-resnet --depth 8 --image 16 --batch-size 8 --workers 1 "

static void write_run(const char *arguments)
{
    run("train " SMALL "%s", arguments);
    expect_status(0);
}

static void train_json_is_one_document(void **state)
{
    (void)state;
    write_run("--steps 2 --out json --json");
    json_t *document = expect_json();
    assert_string_equal(json_string_value(json_object_get(document, "run")), "json");
    assert_int_equal(json_integer_value(json_object_get(document, "steps")), 2);
    assert_true(json_real_value(json_object_get(document, "seconds")) > 0);
    json_decref(document);
}

static void training_leaves_a_run_folder_that_eval_reads(void **state)
{
    (void)state;
    write_run("--steps 2 --out whole");
    assert_non_null(strstr(result.output, "whole"));
    shell("test -s whole/config.ini && test -s whole/metrics.csv && test -s whole/steps.csv && "
          "test -s whole/model.safetensors && test -s whole/best.safetensors && test -s whole/last.ckpt");
    run("eval --model whole/model.safetensors --json");
    expect_status(0);
    json_t *document = expect_json();
    assert_true(json_integer_value(json_object_get(document, "images")) > 0);
    assert_true(json_is_number(json_object_get(document, "loss")));
    assert_true(json_number_value(json_object_get(document, "top1")) <=
                json_number_value(json_object_get(document, "top5")));
    json_decref(document);
}

/* 20 pictures of two classes, black and white, written without a library. */
static void make_two_classes(const char *folder)
{
    shell("mkdir -p %s && "
          "{ printf '\\000\\000\\010\\003\\000\\000\\000\\024\\000\\000\\000\\034\\000\\000\\000\\034'; "
          "head -c 7840 /dev/zero; head -c 7840 /dev/zero | tr '\\000' '\\377'; } > "
          "%s/train-images-idx3-ubyte && "
          "{ printf '\\000\\000\\010\\001\\000\\000\\000\\024'; head -c 10 /dev/zero; "
          "head -c 10 /dev/zero | tr '\\000' '\\001'; } > %s/train-labels-idx1-ubyte && cd %s && "
          "cp train-images-idx3-ubyte t10k-images-idx3-ubyte && cp train-labels-idx1-ubyte "
          "t10k-labels-idx1-ubyte",
          folder, folder, folder, folder);
}

static void the_batch_and_rate_suit_the_data_and_are_said_and_kept(void **state)
{
    (void)state;
    make_two_classes("twenty");
    run("train --arch cifar-resnet --depth 8 --data twenty --epochs 1 --out suited");
    expect_status(0);
    assert_non_null(strstr(result.errors, ": batch 2 (auto), micro-batch 2\n"));
    assert_non_null(strstr(result.errors, ", lr 0.000781 (auto)\n"));
    shell("grep -qx 'batch-size = 2' suited/config.ini && grep -qx 'lr = 0.00078125' suited/config.ini");
    run("train --arch cifar-resnet --depth 8 --data twenty --epochs 1 --batch-size 4 --lr 0.01 --out given");
    expect_status(0);
    assert_non_null(strstr(result.errors, ": batch 4, micro-batch 4\n"));
    assert_non_null(strstr(result.errors, ", lr 0.01\n"));
}

static void a_batch_of_more_than_all_pictures_is_said(void **state)
{
    (void)state;
    make_two_classes("few");
    run("train --arch cifar-resnet --depth 8 --data few --epochs 2 --batch-size 40 --out large");
    expect_status(0);
    assert_non_null(
        strstr(result.errors, "a batch of 40 is more than the 20 training pictures: 1 step in all"));
}

/* Lines in this order, all of them short. */
static void expect_lines(void)
{
    static const char *const beginnings[] = {"device    ", "network   ", "data      ", "run       ",
                                             "epoch 1/1"};
    const char *line = result.errors;
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        const char *found = strstr(line, beginnings[i]);
        if (!found || (found != result.errors && found[-1] != '\n'))
            fail_msg("no line `%s` where it should be: %s", beginnings[i], result.errors);
        line = found;
    }
    assert_non_null(strstr(result.errors, "; `rncl tune` (5 min) may be faster\n"));
    for (const char *at = result.errors, *end; (end = strchr(at, '\n')); at = end + 1)
        assert_true(end - at <= 80);
}

static void the_first_lines_are_short_whatever_they_name(void **state)
{
    (void)state;
    static const char name[] =
        "a-folder-whose-name-is-so-long-that-it-would-fill-a-line-of-a-terminal-by-itself";
    make_two_classes(name);
    run("train --arch cifar-resnet --depth 14 --image 18 --data %s --augment cifar --steps 1 --out short",
        name);
    expect_status(0);
    expect_lines();
    assert_non_null(
        strstr(result.errors, "-by-itself: 20 + 20; 28x28 resized to 18x18, shifted, mirrored\n"));
    /* The only step includes compiling, so that nothing is known about the speed of others. */
    assert_null(strstr(result.output, "images/s"));
}

static void a_run_begins_by_saying_what_it_will_do_in_80_columns(void **state)
{
    (void)state;
    write_run("--steps 2 --out told");
    expect_lines();
    /* The first step includes compiling, so that its speed is not shown. */
    const char *first = strstr(result.errors, "step 1/2"), *end = strchr(first, '\n');
    assert_null(memmem(first, (size_t)(end - first), "img/s", 5));
    assert_null(memmem(first, (size_t)(end - first), "left", 4));
    assert_null(strchr(result.errors, '\033'));
}

static void batch_normalisation_over_a_single_value_is_warned_of(void **state)
{
    (void)state;
    run("train --arch cifar-resnet --depth 8 --image 4 --batch-size 2 --micro-batch 1 --steps 1 --out "
        "single");
    expect_status(0);
    assert_non_null(strstr(result.errors, "warning: layer3.0."));
    run("train --arch cifar-resnet --depth 8 --image 4 --batch-size 2 --steps 1 --out pair");
    expect_status(0);
    assert_null(strstr(result.errors, "single value"));
}

static void plot_chooses_its_file(void **state)
{
    (void)state;
    write_run("--steps 2 --out drawn");
    run("plot drawn");
    if (strstr(result.errors, "cairo"))
        skip();
    expect_status(0);
    assert_string_equal(result.output, "drawn/error.png\n");
    run("plot drawn drawn --y loss");
    expect_status(0);
    shell("test -s drawn/error.png && test -s loss.png");
}

static void events_change_no_bit_and_a_resumed_run_has_two_files(void **state)
{
    (void)state;
    if (!RNCL_PROTOBUF) {
        run("train " SMALL "--steps 1 --tensorboard --out none");
        expect_failure(2, "protobuf-c");
        skip();
    }
    run("train " SMALL "--steps 4 --ema 0.9 --eval-every 0.001 --out silent");
    expect_status(0);
    run("train " SMALL "--steps 2 --ema 0.9 --eval-every 0.001 --tensorboard --out events");
    expect_status(0);
    run("train --resume events --steps 4");
    expect_status(0);
    shell("test $(ls events/events.out.tfevents.* | wc -l) = 2 && cmp silent/steps.csv events/steps.csv && "
          "cmp silent/model.safetensors events/model.safetensors");
    shell("test $(ls silent | grep -c events) = 0");
}

static void a_run_is_repeated_by_its_config(void **state)
{
    (void)state;
    write_run("--steps 2 --seed 7 --out first");
    run("train --config first/config.ini --out second");
    expect_status(0);
    shell("cmp first/model.safetensors second/model.safetensors");
}

static void a_damaged_checkpoint_cannot_be_read(void **state)
{
    (void)state;
    write_run("--steps 2 --out hurt");
    shell("truncate -s -100 hurt/last.ckpt");
    run("train --resume hurt");
    expect_failure(8, "last.ckpt");
}

static void bench_json_has_what_scripts_read(void **state)
{
    (void)state;
    static const char *const keys[] = {"device",     "batch_size", "micro_batch",       "image",
                                       "parameters", "step_ms",    "images_per_second", "device_memory",
                                       "compile_ms", "tuning",     "effective_gflops",  "layers"};
    run("bench --arch cifar-resnet --depth 8 --batch-size 4 --steps 3 --json");
    expect_status(0);
    json_t *document = expect_json(), *step_ms = json_object_get(document, "step_ms");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_non_null(json_object_get(document, keys[i]));
    const double least = json_number_value(json_object_get(step_ms, "min"));
    const double median = json_number_value(json_object_get(step_ms, "median"));
    const double most = json_number_value(json_object_get(step_ms, "max"));
    assert_true(0 < least && least <= median && median <= most);
    assert_true(
        json_number_value(json_object_get(json_array_get(json_object_get(document, "layers"), 0), "ms")) > 0);
    json_decref(document);
}

/* Lines of the last command's table that are about a layer of a block. All lines fit into 80 columns. */
static int count_layers(void)
{
    int layers = 0;
    for (char *line = result.output, *end; (end = strchr(line, '\n')); line = end + 1) {
        assert_true(end - line <= 80);
        layers += strncmp(line, "layer", 5) == 0 && line[5] != ' ';
    }
    return layers;
}

/* Three blocks of two convolutions and two normalisations, forward and backward. */
static const int block_layers = 24;

static void bench_prints_each_layer_in_80_columns(void **state)
{
    (void)state;
    run("bench --arch cifar-resnet --depth 8 --batch-size 4 --steps 1");
    expect_status(0);
    assert_int_equal(count_layers(), block_layers);
}

static void bench_of_inference_goes_forward_only(void **state)
{
    (void)state;
    run("bench --inference --arch cifar-resnet --depth 8 --batch-size 4 --steps 1 --json");
    expect_status(0);
    json_t *document = expect_json(), *layer;
    size_t index;
    int convolutions = 0;
    json_array_foreach(json_object_get(document, "layers"), index, layer)
    {
        assert_string_not_equal(json_string_value(json_object_get(layer, "pass")), "backward");
        convolutions += strcmp(json_string_value(json_object_get(layer, "op")), "conv") == 0;
    }
    assert_true(convolutions >= 7);
    assert_true(json_number_value(json_object_get(document, "images_per_second")) > 0);
    json_decref(document);
}

static void bench_explains_each_layer_in_80_columns(void **state)
{
    (void)state;
    run("bench --arch cifar-resnet --depth 8 --batch-size 4 --steps 1 --explain roof.svg");
    if (strstr(result.errors, "built without cairo"))
        skip();
    expect_status(0);
    assert_int_equal(count_layers(), block_layers);
    shell("test -s roof.svg");
    run("bench --arch cifar-resnet --depth 8 --explain roof.jpg");
    expect_failure(2, "roof.jpg: pictures are written as .png, .svg or .pdf");
}

/* More ranks wait longer, and faster links less. */
static void bench_predicts_steps_of_ranks(void **state)
{
    (void)state;
    run("bench --arch cifar-resnet --depth 8 --batch-size 4 --steps 1 --ranks-model --link-latency 10 "
        "--json");
    expect_status(0);
    json_t *document = expect_json(), *rows = json_object_get(document, "ranks");
    assert_int_equal(json_array_size(rows), 11 * 4);
    double exposed[44];
    for (size_t i = 0; i < 44; i++)
        exposed[i] = json_number_value(json_object_get(json_array_get(rows, i), "exposed_ms"));
    assert_true(exposed[0] == 0 && exposed[3] == 0);
    for (size_t i = 4; i < 40; i++) {
        assert_true(exposed[i + 4] > exposed[i]);
        assert_true(i % 4 == 3 || exposed[i + 1] <= exposed[i]);
    }
    json_decref(document);
    run("bench --arch cifar-resnet --depth 8 --inference --ranks-model");
    expect_failure(2, "--ranks-model is of training");
}

static void check_json_counts_its_checks(void **state)
{
    (void)state;
    run("check --operation avgpool --shapes 3 --json");
    expect_status(0);
    json_t *document = expect_json();
    assert_int_equal(json_integer_value(json_object_get(document, "failed")), 0);
    assert_true(json_integer_value(json_object_get(document, "passed")) > 0);
    assert_int_equal(json_array_size(json_object_get(document, "checks")),
                     json_integer_value(json_object_get(document, "passed")));
    json_decref(document);
}

static int choose_device(void **state)
{
    const char *device = getenv("RNCL_TEST_DEVICE");
    if (device)
        setenv("RNCL_DEVICE", device, 1);
    return create_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(train_json_is_one_document),
        cmocka_unit_test(training_leaves_a_run_folder_that_eval_reads),
        cmocka_unit_test(the_batch_and_rate_suit_the_data_and_are_said_and_kept),
        cmocka_unit_test(a_batch_of_more_than_all_pictures_is_said),
        cmocka_unit_test(a_run_begins_by_saying_what_it_will_do_in_80_columns),
        cmocka_unit_test(the_first_lines_are_short_whatever_they_name),
        cmocka_unit_test(batch_normalisation_over_a_single_value_is_warned_of),
        cmocka_unit_test(plot_chooses_its_file),
        cmocka_unit_test(events_change_no_bit_and_a_resumed_run_has_two_files),
        cmocka_unit_test(a_run_is_repeated_by_its_config),
        cmocka_unit_test(a_damaged_checkpoint_cannot_be_read),
        cmocka_unit_test(bench_json_has_what_scripts_read),
        cmocka_unit_test(bench_prints_each_layer_in_80_columns),
        cmocka_unit_test(bench_of_inference_goes_forward_only),
        cmocka_unit_test(bench_explains_each_layer_in_80_columns),
        cmocka_unit_test(bench_predicts_steps_of_ranks),
        cmocka_unit_test(check_json_counts_its_checks),
    };
    return cmocka_run_group_tests_name("cli train", tests, choose_device, remove_folder);
}
