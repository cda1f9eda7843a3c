/* The trainer that the caller steps. */
#include <math.h>

#include "api_test.h"

static rncl_trainer *trainer_of(rncl_session *session)
{
    rncl_trainer *trainer;
    expect_ok(rncl_trainer_create(session, &trainer));
    rncl_session_destroy(session); /* the trainer must not need it any more */
    return trainer;
}

/* Trains up to step `last` one step at a time, which must make no difference; evaluates and saves where
 * the options say so. */
static void train_to(rncl_trainer *trainer, int64_t last)
{
    rncl_progress progress = {.step = 0};
    rncl_evaluation evaluation;
    while (!rncl_trainer_finished(trainer) && progress.step < last) {
        expect_ok(rncl_trainer_step(trainer, 1, &progress));
        if (!rncl_trainer_evaluation_due(trainer))
            continue;
        assert_int_equal(rncl_trainer_steps_ahead(trainer), 0);
        expect_ok(rncl_trainer_evaluate(trainer, &evaluation));
        expect_ok(rncl_trainer_save(trainer));
    }
}

static void a_stepped_and_resumed_training_gives_the_bits_of_one_call(void **unused)
{
    (void)unused;
    rncl_session *session = small_session("called");
    expect_ok(rncl_session_train(session, NULL, NULL));
    rncl_session_destroy(session);
    rncl_trainer *trainer = trainer_of(small_session("stepped"));
    train_to(trainer, 5);
    expect_ok(rncl_trainer_save(trainer));
    rncl_trainer_destroy(trainer);

    rncl_session *rest;
    expect_ok(rncl_session_create(&rest));
    set(rest, "resume", "stepped");
    trainer = trainer_of(rest);
    train_to(trainer, 12);
    assert_true(rncl_trainer_finished(trainer));
    rncl_train_result result;
    rncl_trainer_result(trainer, &result);
    assert_int_equal(result.steps, 12);
    assert_string_equal(result.run, "stepped");
    rncl_trainer_destroy(trainer);
    expect_same_run("called", "stepped");
}

static void what_is_not_saved_is_not_resumed(void **unused)
{
    (void)unused;
    rncl_trainer *trainer = trainer_of(small_session("lost"));
    rncl_progress progress;
    expect_ok(rncl_trainer_step(trainer, 1, NULL));
    expect_ok(rncl_trainer_save(trainer));
    expect_ok(rncl_trainer_step(trainer, 1, NULL));
    rncl_trainer_destroy(trainer);
    rncl_session *rest;
    expect_ok(rncl_session_create(&rest));
    set(rest, "resume", "lost");
    trainer = trainer_of(rest);
    expect_ok(rncl_trainer_step(trainer, 0, &progress));
    assert_int_equal(progress.step, 1);
    rncl_trainer_destroy(trainer);
}

static void steps_end_with_the_run(void **unused)
{
    (void)unused;
    rncl_trainer *trainer = trainer_of(small_session("ends"));
    rncl_progress progress;
    assert_int_equal(rncl_trainer_steps_ahead(trainer), 2);
    expect_ok(rncl_trainer_step(trainer, 1000, &progress));
    assert_int_equal(progress.step, 12);
    assert_int_equal(progress.steps, 12);
    assert_true(isfinite(progress.loss));
    assert_false(rncl_trainer_finished(trainer)); /* it has not been evaluated */
    assert_true(rncl_trainer_evaluation_due(trainer));
    rncl_evaluation evaluation;
    expect_ok(rncl_trainer_evaluate(trainer, &evaluation));
    assert_true(rncl_trainer_finished(trainer));
    expect_ok(rncl_trainer_step(trainer, 1, &progress));
    assert_int_equal(progress.step, 12);
    expect_failure(rncl_trainer_step(trainer, -1, NULL), RNCL_ERR_USAGE, "-1 steps");
    rncl_trainer_destroy(trainer);
}

static void an_evaluation_comes_also_before_the_first_step(void **unused)
{
    (void)unused;
    rncl_trainer *trainer = trainer_of(small_session("before"));
    rncl_evaluation first, second;
    expect_ok(rncl_trainer_evaluate(trainer, &first));
    expect_ok(rncl_trainer_evaluate(trainer, &second));
    assert_int_equal(first.images, 2000);
    assert_true(isfinite(first.loss));
    assert_true(first.loss == second.loss);
    rncl_trainer_destroy(trainer);
    size_t size;
    char *text = read_file("before/metrics.csv", &size);
    assert_null(strstr(text, "nan"));
    free(text);
}

/* ---- parameters ---- */

static rncl_parameter find(const rncl_trainer *trainer, const char *name)
{
    rncl_parameter parameter;
    for (size_t i = 0; i < rncl_trainer_parameter_count(trainer); i++) {
        expect_ok(rncl_trainer_parameter(trainer, i, &parameter));
        if (!strcmp(parameter.name, name))
            return parameter;
    }
    fail_msg("no %s", name);
    return parameter;
}

static void parameters_are_listed_with_the_shapes_of_model_files(void **unused)
{
    (void)unused;
    rncl_trainer *trainer = trainer_of(small_session("listed"));
    rncl_parameter parameter = find(trainer, "layer2.0.conv1.weight");
    const size_t wanted[] = {32, 16, 3, 3};
    assert_int_equal(parameter.rank, 4);
    assert_memory_equal(parameter.dims, wanted, sizeof wanted);
    assert_int_equal(parameter.count, 32 * 16 * 9);
    parameter = find(trainer, "bn1.running_var");
    assert_int_equal(parameter.rank, 1);
    assert_int_equal(parameter.count, 16);
    const size_t count = rncl_trainer_parameter_count(trainer);
    expect_failure(rncl_trainer_parameter(trainer, count, &parameter), RNCL_ERR_USAGE, "there are");
    rncl_trainer_destroy(trainer);
}

/* The values of a tensor of a model file, by its header: {"name":{"dtype":"F32",...,"data_offsets":[a,b]}}.
 */
static void expect_in_file(const char *path, const char *name, const float *values, size_t count)
{
    size_t size;
    uint64_t header;
    char *bytes = read_file(path, &size), key[128];
    memcpy(&header, bytes, sizeof header);
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *found = strstr(bytes + sizeof header, key);
    assert_non_null(found);
    const char *offsets = strstr(found, "\"data_offsets\":[");
    assert_non_null(offsets);
    const size_t first = strtoull(offsets + strlen("\"data_offsets\":["), NULL, 10);
    assert_memory_equal(bytes + sizeof header + header + first, values, count * sizeof *values);
    free(bytes);
}

static void written_parameters_come_back_and_reach_the_file(void **unused)
{
    (void)unused;
    static const char *const names[] = {"layer2.0.conv1.weight", "fc.weight", "bn1.bias", "bn1.running_mean"};
    rncl_trainer *trainer = trainer_of(small_session("written"));
    for (size_t n = 0; n < COUNT(names); n++) {
        const size_t count = find(trainer, names[n]).count;
        float *values = malloc(count * sizeof *values), *back = malloc(count * sizeof *back);
        for (size_t i = 0; i < count; i++)
            values[i] = (float)i / 1024 - 1;
        expect_ok(rncl_trainer_write(trainer, names[n], values, count));
        expect_ok(rncl_trainer_read(trainer, names[n], back, count));
        assert_memory_equal(values, back, count * sizeof *values);
        expect_ok(rncl_trainer_save(trainer));
        expect_in_file("written/model.safetensors", names[n], values, count);
        memset(back, 0, count * sizeof *back);
        expect_ok(rncl_trainer_read(trainer, names[n], back, count));
        assert_memory_equal(values, back, count * sizeof *values);
        free(values);
        free(back);
    }
    rncl_trainer_destroy(trainer);
}

static void written_parameters_are_computed_with(void **unused)
{
    (void)unused;
    rncl_trainer *trainer = trainer_of(small_session("computed"));
    const size_t weights = find(trainer, "fc.weight").count, classes = find(trainer, "fc.bias").count;
    float *zeros = calloc(weights, sizeof *zeros);
    rncl_evaluation evaluation;
    expect_ok(rncl_trainer_write(trainer, "fc.weight", zeros, weights));
    expect_ok(rncl_trainer_write(trainer, "fc.bias", zeros, classes));
    expect_ok(rncl_trainer_evaluate(trainer, &evaluation));
    assert_true(fabs(evaluation.loss - log((double)classes)) < 1e-5); /* all classes are as probable */
    expect_ok(rncl_trainer_step(trainer, 1, NULL));
    float after;
    float *read = calloc(classes, sizeof *read);
    expect_ok(rncl_trainer_read(trainer, "fc.bias", read, classes));
    after = read[0];
    assert_true(after != 0); /* the step has changed the value that was written */
    assert_true(fabsf(after) < 0.2f);
    free(read);
    free(zeros);
    rncl_trainer_destroy(trainer);
}

static void wrong_names_and_sizes_are_refused(void **unused)
{
    (void)unused;
    float value = 0;
    rncl_trainer *trainer = trainer_of(small_session("refused"));
    expect_failure(rncl_trainer_read(trainer, "fc.weigth", &value, 1), RNCL_ERR_USAGE,
                   "did you mean fc.weight?");
    expect_failure(rncl_trainer_write(trainer, "bn1.bias", &value, 1), RNCL_ERR_USAGE,
                   "has 16 values, not 1");
    expect_failure(rncl_trainer_read(trainer, NULL, &value, 1), RNCL_ERR_USAGE, "name is NULL");
    expect_failure(rncl_trainer_step(NULL, 1, NULL), RNCL_ERR_USAGE, "trainer is NULL");
    rncl_trainer_destroy(trainer);
}

/* ---- images in memory ---- */

static int reads;

static int read_one(void *user, uint32_t index, uint8_t *pixels)
{
    const pictures *p = user;
    __atomic_add_fetch(&reads, 1, __ATOMIC_RELAXED);
    memcpy(pixels, p->pixels[index], sizeof p->pixels[index]);
    return 0;
}

static int fail_to_read(void *user, uint32_t index, uint8_t *pixels)
{
    return index == 7 ? 42 : read_one(user, index, pixels);
}

static rncl_session *memory_session(const char *out, const rncl_image_set *images)
{
    rncl_session *session = small_session(out);
    set(session, "image", "12");
    set(session, "augment", "none");
    set(session, "steps", "30");
    set(session, "eval-every", "2");
    expect_ok(rncl_session_set_images(session, images, images));
    return session;
}

static void images_in_memory_are_learnt_from_arrays_and_from_a_callback(void **unused)
{
    (void)unused;
    pictures *p = malloc(sizeof *p);
    draw(p);
    rncl_image_set images = set_of(p);
    rncl_train_result result;
    rncl_session *session = memory_session("arrays", &images);
    expect_ok(rncl_session_train(session, NULL, &result));
    assert_true(result.best_top1 > 90);
    rncl_network_info *info;
    expect_ok(rncl_session_network(session, &info));
    assert_int_equal(info->classes, CLASSES);
    assert_int_equal(info->channels, CHANNELS);
    assert_string_equal(info->labels[2], "bright");
    free(info);
    rncl_session_destroy(session);

    images.pixels = NULL;
    images.read = read_one;
    images.user = p;
    session = memory_session("callback", &images);
    expect_ok(rncl_session_train(session, NULL, &result));
    assert_true(reads > IMAGES);
    expect_same_run("arrays", "callback");

    set(session, "model", "callback/model.safetensors");
    rncl_evaluation evaluation;
    expect_ok(rncl_session_evaluate(session, &evaluation));
    assert_int_equal(evaluation.images, IMAGES);
    assert_true(evaluation.loss == result.val_loss);
    rncl_session_destroy(session);
    free(p);
}

static void a_read_that_fails_ends_training(void **unused)
{
    (void)unused;
    pictures *p = malloc(sizeof *p);
    draw(p);
    rncl_image_set images = set_of(p);
    images.pixels = NULL;
    images.read = fail_to_read;
    images.user = p;
    rncl_session *session = memory_session("failing", &images);
    expect_failure(rncl_session_train(session, NULL, NULL), RNCL_ERR_DATA, "returned 42");
    rncl_session_destroy(session);
    free(p);
}

static void sets_that_make_no_sense_are_refused(void **unused)
{
    (void)unused;
    pictures *p = malloc(sizeof *p);
    draw(p);
    const rncl_image_set good = set_of(p);
    rncl_session *session = small_session("senseless");
    rncl_image_set bad = good;
    bad.width = 0;
    expect_failure(rncl_session_set_images(session, &bad, &good), RNCL_ERR_SHAPE, "0 x 12");
    bad = good;
    bad.channels = 2;
    expect_failure(rncl_session_set_images(session, &good, &bad), RNCL_ERR_SHAPE, "1 or 3 channels");
    bad = good;
    bad.pixels = NULL;
    expect_failure(rncl_session_set_images(session, &bad, &good), RNCL_ERR_USAGE, "pixels, or read");
    bad = good;
    bad.labels = NULL;
    expect_failure(rncl_session_set_images(session, &bad, &good), RNCL_ERR_USAGE, "labels");
    bad = good;
    bad.classes = 2;
    expect_failure(rncl_session_set_images(session, &bad, &good), RNCL_ERR_DATA,
                   "label 2 is not one of 0 to 1");
    bad = good;
    bad.classes = 4;
    expect_failure(rncl_session_set_images(session, &bad, &good), RNCL_ERR_USAGE, "4 classes");
    expect_failure(rncl_session_set_images(session, &good, NULL), RNCL_ERR_USAGE, "none for validation");
    expect_ok(rncl_session_set_images(session, NULL, &good));
    expect_failure(rncl_session_train(session, NULL, NULL), RNCL_ERR_USAGE, "none for training");
    expect_ok(rncl_session_set_images(session, &good, &good));
    set(session, "data", "shapes");
    expect_failure(rncl_session_train(session, NULL, NULL), RNCL_ERR_USAGE, "leave out one of them");
    expect_ok(rncl_session_set_images(session, NULL, NULL));
    set(session, "steps", "1");
    expect_ok(rncl_session_train(session, NULL, NULL)); /* trains on the data set again */
    rncl_session_destroy(session);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stepped_and_resumed_training_gives_the_bits_of_one_call),
        cmocka_unit_test(what_is_not_saved_is_not_resumed),
        cmocka_unit_test(steps_end_with_the_run),
        cmocka_unit_test(an_evaluation_comes_also_before_the_first_step),
        cmocka_unit_test(parameters_are_listed_with_the_shapes_of_model_files),
        cmocka_unit_test(written_parameters_come_back_and_reach_the_file),
        cmocka_unit_test(written_parameters_are_computed_with),
        cmocka_unit_test(wrong_names_and_sizes_are_refused),
        cmocka_unit_test(images_in_memory_are_learnt_from_arrays_and_from_a_callback),
        cmocka_unit_test(a_read_that_fails_ends_training),
        cmocka_unit_test(sets_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
