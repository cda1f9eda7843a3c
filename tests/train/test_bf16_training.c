/* Trainings whose tensors are stored as bfloat16; on devices that do not store them so, there is nothing to
 * test. */
#include <math.h>
#include <sys/stat.h>

#include "network_plan.h"
#include "training.h"
#include "training_test.h"

static void keep_line(void *user, rncl_log_level level, const char *line)
{
    char *text = user;
    (void)level;
    if (strstr(line, "precision "))
        snprintf(text, 256, "%s", line);
}

/* Tests are skipped where that precision is not to be had. */
static rncl_context *open_in(rncl_precision precision)
{
    rncl_context *context = open_device();
    rncl_precision_request(context, precision);
    if (context->precision == precision)
        return context;
    rncl_context_destroy(context);
    skip();
    return NULL;
}

static void train_in(rncl_precision precision, rncl_options *options, char said[256])
{
    accident none = {0};
    rncl_train_result result;
    rncl_context *context = open_in(precision);
    context->log = (rncl_log){.write = keep_line, .user = said};
    options->precision = precision;
    const rncl_train_listener listener = {.progress = on_progress, .user = &none, .stop = &none.stop};
    expect_ok(rncl_train(context, options, &listener, NULL, &result));
    rncl_context_destroy(context);
}

static void one_seed_gives_the_same_bytes_twice(void **state)
{
    (void)state;
    static const char *const runs[] = {"one", "two"};
    char said[256] = "";
    for (size_t i = 0; i < COUNT(runs); i++) {
        rncl_options options = small_options(runs[i]);
        set(&options, "mixup", "0.2");
        set(&options, "micro-batch", "4");
        train_in(RNCL_PRECISION_BF16_TENSORS, &options, said);
    }
    expect_same_run("one", "two");
}

/* The first losses: rounding has not had time to grow. */
static void it_begins_as_float32_does_and_not_with_its_bits(void **state)
{
    (void)state;
    static const rncl_precision precisions[] = {RNCL_PRECISION_FP32, RNCL_PRECISION_BF16_TENSORS};
    double losses[COUNT(precisions)];
    char said[256] = "";
    for (size_t i = 0; i < COUNT(precisions); i++) {
        const char *const run = i ? "short" : "exact";
        rncl_options options = small_options(run);
        set(&options, "steps", "2");
        train_in(precisions[i], &options, said);
        losses[i] = last_metric(i ? "short/steps.csv" : "exact/steps.csv", 1);
    }
    assert_true(losses[0] != losses[1]);
    assert_true(fabs(losses[0] - losses[1]) < 0.05 * losses[0]);
}

static void a_run_goes_on_in_another_precision_and_says_so(void **state)
{
    (void)state;
    char said[256] = "";
    rncl_options options = small_options("changed");
    set(&options, "steps", "2");
    train_in(RNCL_PRECISION_BF16_TENSORS, &options, said);
    options = resume_options("changed");
    set(&options, "steps", "3");
    set(&options, "precision", "fp32");
    train_in(RNCL_PRECISION_FP32, &options, said);
    assert_non_null(strstr(said, "precision fp32 from here on; the run so far had bf16"));
    assert_int_equal(count_lines("changed/steps.csv"), 1 + 3);
}

/* The device is opened, at the precision of the command line, before the run's config.ini is read. */
static void a_resumed_run_keeps_its_precision(void **state)
{
    (void)state;
    char said[256] = "";
    rncl_options options = small_options("whole");
    train_in(RNCL_PRECISION_BF16_TENSORS, &options, said);
    options = small_options("parts");
    set(&options, "steps", "5");
    train_in(RNCL_PRECISION_BF16_TENSORS, &options, said);
    options = resume_options("parts");
    set(&options, "steps", "12");
    expect_ok(train(&options));
    expect_same_file("whole/steps.csv", "parts/steps.csv");
    expect_same_file("whole/model.safetensors", "parts/model.safetensors");
}

/* Layers of all kinds: of residual networks, and with a pooling at the beginning. */
static void spot_checks_find_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *name, *arch, *depth, *image, *steps;
    } runs[] = {{"cifar", "cifar-resnet", "8", "8", "150"}, {"pooled", "resnet", "18", "16", "3"}};
    for (size_t i = 0; i < COUNT(runs); i++) {
        rncl_context *context = open_in(RNCL_PRECISION_BF16_TENSORS);
        rncl_options options = small_options(runs[i].name);
        set(&options, "arch", runs[i].arch);
        set(&options, "depth", runs[i].depth);
        set(&options, "image", runs[i].image);
        set(&options, "steps", runs[i].steps);
        set(&options, "eval-every", "10");
        set(&options, "spot-checks", "100");
        rncl_training t = {.context = context, .options = &options};
        expect_ok(rncl_training_open(&t, &options));
        expect_ok(rncl_training_run(&t));
        const rncl_spot_checks_facts facts = rncl_spot_checks_facts_of(t.checks);
        assert_true(facts.checks > (i ? 0 : (int64_t)facts.passes));
        assert_true(facts.worst < 0.9);
        rncl_training_close(&t);
        rncl_context_destroy(context);
    }
}

/* An IDX file of pictures that are background but for a bar, and one of their labels, which are the bar's
 * place. */
static void write_bars(const char *images_name, const char *labels_name, unsigned char count)
{
    enum { SIDE = 28, CLASSES = 10 };
    const unsigned char of_images[] = {0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    const unsigned char of_labels[] = {0, 0, 8, 1, 0, 0, 0, count};
    FILE *images = fopen(images_name, "wb"), *labels = fopen(labels_name, "wb");
    assert_true(images && labels);
    fwrite(of_images, 1, sizeof of_images, images);
    fwrite(of_labels, 1, sizeof of_labels, labels);
    for (int i = 0; i < count; i++) {
        const int label = i * 7 % CLASSES;
        fputc(label, labels);
        for (int at = 0; at < SIDE * SIDE; at++)
            fputc(at / SIDE / 2 == label + 1 && at % SIDE / 4 == 3 ? 200 : 0, images);
    }
    assert_int_equal(fclose(images), 0);
    assert_int_equal(fclose(labels), 0);
}

/* All pixels of a background are rounded alike, which moves the means of the first normalisation. */
static void spot_checks_of_plain_pictures_find_nothing(void **state)
{
    (void)state;
    assert_int_equal(mkdir("bars", 0777), 0);
    write_bars("bars/train-images-idx3-ubyte", "bars/train-labels-idx1-ubyte", 200);
    write_bars("bars/t10k-images-idx3-ubyte", "bars/t10k-labels-idx1-ubyte", 50);
    rncl_context *context = open_in(RNCL_PRECISION_BF16_TENSORS);
    rncl_options options = small_options("plain");
    set(&options, "data", "bars");
    set(&options, "image", "28");
    set(&options, "batch-size", "32");
    set(&options, "steps", "60");
    set(&options, "spot-checks", "100");
    rncl_training t = {.context = context, .options = &options};
    expect_ok(rncl_training_open(&t, &options));
    expect_ok(rncl_training_run(&t));
    assert_true(rncl_spot_checks_facts_of(t.checks).worst < 0.9);
    rncl_training_close(&t);
    rncl_context_destroy(context);
}

/* The running statistics of three channels, from one picture of 64 values each: what changed inputs do to so
 * few is small by chance in one step of a hundred. */
static void spot_checks_of_few_values_find_nothing(void **state)
{
    (void)state;
    enum { FIRST_BATCHNORM = 2, STEPS = 120 };
    rncl_context *context = open_in(RNCL_PRECISION_BF16_TENSORS);
    rncl_options options = small_options("single");
    rncl_spot_checks *checks;
    set(&options, "micro-batch", "1");
    set(&options, "steps", "200");
    set(&options, "lr", "1e-4");
    rncl_training t = {.context = context, .options = &options};
    expect_ok(rncl_training_open(&t, &options));
    expect_ok(rncl_spot_checks_create(t.network, 1e9, 1, &checks));
    for (int64_t step = 1; step <= STEPS; step++) {
        rncl_spot_checks_repeat(checks, (rncl_spot_check){.pass = FIRST_BATCHNORM, .step = step});
        expect_ok(rncl_spot_checks_begin(checks, step));
        expect_ok(rncl_training_step(&t, 1));
        expect_ok(rncl_context_finish(context));
        expect_ok(rncl_spot_checks_end(checks, step));
    }
    const rncl_spot_checks_facts facts = rncl_spot_checks_facts_of(checks);
    assert_int_equal(facts.checks, STEPS);
    assert_true(facts.worst < 0.5);
    rncl_training_close(&t);
    rncl_spot_checks_destroy(checks);
    rncl_context_destroy(context);
}

static size_t activation_bytes(rncl_precision precision)
{
    const rncl_network_options options = {.depth = 18, .image = 64};
    rncl_context *context = open_in(precision);
    rncl_network_plan plan;
    rncl_graph *graph;
    size_t bytes = 0;
    expect_ok(rncl_graph_build(&options, &graph));
    const rncl_network_setup setup = {.graph = graph, .batch_size = 4, .micro_batch = 4, .training = true};
    expect_ok(rncl_network_plan_create(context, &setup, &plan));
    for (size_t i = 1; i < graph->tensor_count; i++)
        bytes += plan.requests[plan.activation[i]].size_bytes;
    rncl_network_plan_fini(&plan);
    rncl_graph_destroy(graph);
    rncl_context_destroy(context);
    return bytes;
}

static void activations_take_half_the_memory(void **state)
{
    (void)state;
    const double share =
        (double)activation_bytes(RNCL_PRECISION_BF16_TENSORS) / (double)activation_bytes(RNCL_PRECISION_FP32);
    assert_true(share >= 0.5 && share < 0.52);
}

static void a_divergence_names_its_first_pass(void **state)
{
    (void)state;
    accident none = {0};
    rncl_train_result result;
    rncl_options options = small_options("wild");
    rncl_context *context = open_in(RNCL_PRECISION_BF16_TENSORS);
    options.precision = RNCL_PRECISION_BF16_TENSORS;
    set(&options, "lr", "1e9");
    set(&options, "steps", "100");
    const rncl_train_listener listener = {.progress = on_progress, .user = &none, .stop = &none.stop};
    expect_failure(rncl_train(context, &options, &listener, NULL, &result), RNCL_ERR_DIVERGED, "--lr");
    assert_non_null(strstr(rncl_status_message(), "the first values that were not finite: "));
    rncl_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_take_half_the_memory),
        cmocka_unit_test(one_seed_gives_the_same_bytes_twice),
        cmocka_unit_test(it_begins_as_float32_does_and_not_with_its_bits),
        cmocka_unit_test(a_run_goes_on_in_another_precision_and_says_so),
        cmocka_unit_test(a_resumed_run_keeps_its_precision),
        cmocka_unit_test(spot_checks_find_nothing),
        cmocka_unit_test(spot_checks_of_plain_pictures_find_nothing),
        cmocka_unit_test(spot_checks_of_few_values_find_nothing),
        cmocka_unit_test(a_divergence_names_its_first_pass),
    };
    return cmocka_run_group_tests_name("training in bfloat16", tests, make_folder, remove_folder);
}
