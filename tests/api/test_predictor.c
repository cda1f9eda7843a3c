/* Predictions for files and for images in memory. */
#include <math.h>
#include <png.h>

#include "api_test.h"

static pictures drawn;

/* A model that can tell the drawn pictures apart, trained once for all tests. */
static int train_model(void **unused)
{
    if (make_folder(unused))
        return -1;
    draw(&drawn);
    const rncl_image_set images = set_of(&drawn);
    rncl_session *session = small_session("run");
    set(session, "image", "12");
    set(session, "augment", "none");
    set(session, "steps", "30");
    set(session, "eval-every", "5");
    expect_ok(rncl_session_set_images(session, &images, &images));
    expect_ok(rncl_session_train(session, NULL, NULL));
    rncl_session_destroy(session);
    return 0;
}

static rncl_predictor *predictor_for(const char *top)
{
    rncl_session *session;
    rncl_predictor *predictor;
    expect_ok(rncl_session_create(&session));
    if (getenv("RNCL_TEST_DEVICE"))
        set(session, "device", getenv("RNCL_TEST_DEVICE"));
    set(session, "model", "run/best.safetensors");
    set(session, "top", top);
    expect_ok(rncl_predictor_create(session, &predictor));
    rncl_session_destroy(session); /* the predictor must not need it any more */
    return predictor;
}

typedef struct answers {
    uint32_t count;
    int classes[IMAGES], top_count;
    char label[IMAGES][16];
    double probability[IMAGES], sum[IMAGES];
    float logits[IMAGES][CLASSES];
    const char *path;
} answers;

static rncl_status note(void *user, const rncl_prediction *prediction)
{
    answers *a = user;
    assert_int_equal(prediction->index, a->count);
    assert_int_equal(prediction->classes, CLASSES);
    const uint32_t i = a->count++;
    a->classes[i] = prediction->top[0].class_index;
    a->top_count = prediction->top_count;
    a->probability[i] = prediction->top[0].probability;
    snprintf(a->label[i], sizeof a->label[i], "%s", prediction->top[0].label);
    a->sum[i] = 0;
    for (int k = 0; k < CLASSES; k++)
        a->sum[i] += prediction->probabilities[k];
    memcpy(a->logits[i], prediction->logits, sizeof a->logits[i]);
    assert_true(prediction->probabilities[a->classes[i]] == a->probability[i]);
    assert_true(prediction->logits[a->classes[i]] == prediction->top[0].logit);
    a->path = prediction->path;
    return RNCL_OK;
}

static void images_in_memory_get_labels_probabilities_and_logits(void **unused)
{
    (void)unused;
    rncl_predictor *predictor = predictor_for("2");
    const rncl_image_set images = set_of(&drawn);
    answers a = {.count = 0};
    int right = 0;
    expect_ok(rncl_predictor_images(predictor, &images, &(rncl_prediction_sink){note, &a}));
    assert_int_equal(a.count, IMAGES);
    assert_int_equal(a.top_count, 2);
    for (int i = 0; i < IMAGES; i++) {
        right += a.classes[i] == drawn.labels[i];
        assert_true(fabs(a.sum[i] - 1) < 1e-12);
        assert_string_equal(a.label[i], class_names()[a.classes[i]]);
    }
    assert_true(right > 9 * IMAGES / 10);
    rncl_predictor_destroy(predictor);
}

static void write_png(const char *path, const void *pixels)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .width = SIDE, .height = SIDE, .format = PNG_FORMAT_RGB};
    assert_true(png_image_write_to_file(&image, path, 0, pixels, 0, NULL));
}

static void a_file_and_its_pixels_get_the_same_logits(void **unused)
{
    (void)unused;
    static const char *const paths[] = {"0.png", "1.png", "2.png"};
    rncl_predictor *predictor = predictor_for("1");
    answers of_files = {.count = 0}, of_pixels = {.count = 0};
    rncl_image_set images = set_of(&drawn);
    images.count = COUNT(paths);
    images.labels = NULL; /* not needed for predictions */
    images.classes = 0;
    for (size_t i = 0; i < COUNT(paths); i++)
        write_png(paths[i], drawn.pixels[i]);
    expect_ok(rncl_predictor_files(predictor, paths, COUNT(paths), &(rncl_prediction_sink){note, &of_files}));
    assert_string_equal(of_files.path, "2.png");
    expect_ok(rncl_predictor_images(predictor, &images, &(rncl_prediction_sink){note, &of_pixels}));
    assert_null(of_pixels.path);
    assert_memory_equal(of_files.logits, of_pixels.logits, sizeof *of_files.logits * COUNT(paths));
    rncl_predictor_destroy(predictor);
}

static void images_of_another_size_and_in_grey_are_fitted(void **unused)
{
    (void)unused;
    enum { WIDTH = 40, HEIGHT = 30 };
    static uint8_t grey[HEIGHT][WIDTH], colour[HEIGHT][WIDTH][3];
    rncl_predictor *predictor = predictor_for("1");
    answers of_grey = {.count = 0}, of_colour = {.count = 0};
    memset(grey, 240, sizeof grey);
    memset(colour, 240, sizeof colour);
    rncl_image_set images = {
        .count = 1, .height = HEIGHT, .width = WIDTH, .channels = 1, .pixels = &grey[0][0]};
    expect_ok(rncl_predictor_images(predictor, &images, &(rncl_prediction_sink){note, &of_grey}));
    assert_string_equal(of_grey.label[0], "bright");
    images.channels = 3;
    images.pixels = &colour[0][0][0];
    expect_ok(rncl_predictor_images(predictor, &images, &(rncl_prediction_sink){note, &of_colour}));
    assert_memory_equal(of_grey.logits, of_colour.logits, sizeof *of_grey.logits);
    rncl_predictor_destroy(predictor);
}

static rncl_status refuse(void *user, const rncl_prediction *prediction)
{
    (void)user;
    return prediction->index == 1 ? RNCL_ERR_INTERRUPTED : RNCL_OK;
}

static void what_goes_wrong_is_said(void **unused)
{
    (void)unused;
    static const char *const paths[] = {"0.png", "missing.png"};
    rncl_predictor *predictor = predictor_for("1"), *none;
    answers a = {.count = 0};
    const rncl_prediction_sink sink = {note, &a};
    rncl_image_set images = set_of(&drawn);
    images.height = -3;
    expect_failure(rncl_predictor_images(predictor, &images, &sink), RNCL_ERR_SHAPE, "12 x -3");
    images = set_of(&drawn);
    images.pixels = NULL;
    expect_failure(rncl_predictor_images(predictor, &images, &sink), RNCL_ERR_USAGE, "pixels, or read");
    expect_failure(rncl_predictor_images(predictor, NULL, &sink), RNCL_ERR_USAGE, "images is NULL");
    expect_failure(rncl_predictor_files(predictor, NULL, 1, &sink), RNCL_ERR_USAGE, "paths is NULL");
    write_png("0.png", drawn.pixels[0]);
    expect_failure(rncl_predictor_files(predictor, paths, 2, &sink), RNCL_ERR_DATA, "1 of the 2");
    assert_int_equal(a.count, 1);
    images = set_of(&drawn);
    assert_int_equal(rncl_predictor_images(predictor, &images, &(rncl_prediction_sink){.take = refuse}),
                     RNCL_ERR_INTERRUPTED);
    a.count = 0;
    expect_ok(rncl_predictor_images(predictor, &images, &sink)); /* the predictor must still be usable */
    rncl_predictor_destroy(predictor);

    rncl_session *session;
    expect_ok(rncl_session_create(&session));
    expect_failure(rncl_predictor_create(session, &none), RNCL_ERR_USAGE, "option model");
    assert_null(none);
    set(session, "model", "nothing.safetensors");
    expect_failure(rncl_predictor_create(session, &none), RNCL_ERR_MODEL, "nothing.safetensors");
    assert_null(none);
    rncl_session_destroy(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_in_memory_get_labels_probabilities_and_logits),
        cmocka_unit_test(a_file_and_its_pixels_get_the_same_logits),
        cmocka_unit_test(images_of_another_size_and_in_grey_are_fitted),
        cmocka_unit_test(what_goes_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, train_model, remove_folder);
}
