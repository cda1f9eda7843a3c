/* rncl predict, on drawn pictures and a small network that has hardly learnt anything, on any device
 * ($RNCL_TEST_DEVICE). */
#include <math.h>

#include <png.h>

#include "program.h"

enum { SIZE = 16, CLASSES = 10 };

/* A picture of waves, different for each `number`, of 1 or 3 channels. */
static void write_picture(const char *name, unsigned height, unsigned width, unsigned channels,
                          unsigned number)
{
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .height = height,
                     .width = width,
                     .format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB};
    unsigned char *pixels = malloc((size_t)height * width * channels);
    assert_non_null(pixels);
    for (unsigned i = 0; i < height * width; i++)
        for (unsigned k = 0; k < channels; k++)
            pixels[i * channels + k] =
                (unsigned char)(i % width * (3 + number) + i / width * (5 + 7 * number));
    char path[256];
    snprintf(path, sizeof path, "%s/%s", program_folder, name);
    assert_true(png_image_write_to_file(&png, path, 0, pixels, 0, NULL));
    free(pixels);
}

/* Trains rgb/ on drawn pictures and grey/ on IDX files; draws the pictures to predict. */
static int prepare(void **state)
{
    const char *device = getenv("RNCL_TEST_DEVICE");
    if (device)
        setenv("RNCL_DEVICE", device, 1);
    if (create_folder(state))
        return -1;
    run("train --arch cifar-resnet --depth 8 --image 16 --batch-size 8 --workers 1 --steps 2 --out rgb");
    expect_status(0);
    write_picture("a.png", SIZE, SIZE, 3, 0);
    write_picture("b.png", 40, 60, 3, 1);
    write_picture("c.png", SIZE, SIZE, 3, 2);
    shell("echo no picture > bad.png");
    return 0;
}

/* The prediction of the last run's only picture. New reference. */
static json_t *only_prediction(void)
{
    expect_status(0);
    json_t *document = expect_json(), *predictions = json_object_get(document, "predictions");
    assert_int_equal(json_array_size(predictions), 1);
    json_t *prediction = json_incref(json_array_get(predictions, 0));
    json_decref(document);
    return prediction;
}

static void json_has_what_scripts_read(void **state)
{
    (void)state;
    run("predict --model rgb/model.safetensors a.png --top 3 --logits --json");
    json_t *prediction = only_prediction(), *top = json_object_get(prediction, "top"), *answer;
    assert_string_equal(json_string_value(json_object_get(prediction, "image")), "a.png");
    assert_int_equal(json_array_size(json_object_get(prediction, "logits")), CLASSES);
    assert_int_equal(json_array_size(top), 3);
    double last = 1;
    size_t index;
    json_array_foreach(top, index, answer)
    {
        const double probability = json_real_value(json_object_get(answer, "probability"));
        assert_true(probability > 0 && probability <= last);
        assert_true(json_is_integer(json_object_get(answer, "class")));
        assert_true(json_is_string(json_object_get(answer, "label")));
        last = probability;
    }
    json_decref(prediction);
}

/* Expects these "image" fields in the last run's predictions. */
static void expect_images(const char *const *images, size_t count)
{
    expect_status(0);
    json_t *document = expect_json(), *predictions = json_object_get(document, "predictions");
    assert_int_equal(json_array_size(predictions), count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(predictions, i), "image")),
                            images[i]);
    json_decref(document);
}

static void a_folder_means_the_pictures_in_it(void **state)
{
    (void)state;
    shell("mkdir -p album/sub album/.hidden && cp a.png album/2.png && cp b.png album/1.PNG && "
          "cp c.png album/sub/3.png && cp c.png album/.hidden && touch album/notes.txt album/Thumbs.db && "
          "ln -s ../album album/sub/loop");
    static const char *const images[] = {"album/1.PNG", "album/2.png", "album/sub/3.png", "a.png"};
    run("predict --model rgb album a.png --json");
    expect_images(images, sizeof images / sizeof *images);
    shell("mkdir -p empty");
    run("predict --model rgb empty");
    expect_failure(4, "empty: no pictures");
}

static void pictures_of_other_formats_are_left_out_by_name(void **state)
{
    (void)state;
    shell("mkdir -p mixed/sub bitmaps && cp a.png mixed/ && echo BM >mixed/sub/b.bmp && cp mixed/sub/b.bmp "
          "bitmaps");
    run("predict --model rgb mixed --json");
    static const char *const images[] = {"mixed/a.png"};
    expect_images(images, sizeof images / sizeof *images);
    assert_non_null(strstr(result.errors, "left out: 1 of other formats, as mixed/sub/b.bmp: a BMP picture"));
    run("predict --model rgb bitmaps");
    expect_failure(4, "bitmaps: no PNG, JPEG or WebP in this folder, but bitmaps/b.bmp: a BMP picture");
}

static void probabilities_are_the_softmax_of_the_logits(void **state)
{
    (void)state;
    run("predict --model rgb/model.safetensors b.png --top 1000 --logits --json");
    json_t *prediction = only_prediction(), *top = json_object_get(prediction, "top"), *answer, *logit;
    json_t *logits = json_object_get(prediction, "logits");
    double sum = 0;
    size_t index;
    json_array_foreach(logits, index, logit) sum += exp(json_number_value(logit));
    assert_int_equal(json_array_size(top), CLASSES);
    json_array_foreach(top, index, answer)
    {
        const json_int_t number = json_integer_value(json_object_get(answer, "class"));
        const double expected = exp(json_number_value(json_array_get(logits, (size_t)number))) / sum;
        const double probability = json_real_value(json_object_get(answer, "probability"));
        assert_true(fabs(probability - expected) < 1e-9);
    }
    json_decref(prediction);
}

static void a_picture_is_seen_the_same_alone_and_among_others(void **state)
{
    (void)state;
    run("predict --model rgb/model.safetensors c.png --logits --json");
    json_t *alone = only_prediction();
    run("predict --model rgb/model.safetensors a.png b.png c.png --batch-size 2 --logits --json");
    expect_status(0);
    json_t *document = expect_json(), *predictions = json_object_get(document, "predictions");
    assert_int_equal(json_array_size(predictions), 3);
    json_t *third = json_array_get(predictions, 2);
    assert_string_equal(json_string_value(json_object_get(third, "image")), "c.png");
    for (size_t i = 0; i < CLASSES; i++) {
        const double one = json_number_value(json_array_get(json_object_get(alone, "logits"), i));
        const double other = json_number_value(json_array_get(json_object_get(third, "logits"), i));
        assert_true(fabs(one - other) < 1e-4);
    }
    json_decref(document);
    json_decref(alone);
}

static void csv_has_a_row_for_each_class_told(void **state)
{
    (void)state;
    write_picture("odd, name.png", SIZE, SIZE, 3, 3);
    run("predict --model rgb/model.safetensors a.png 'odd, name.png' --top 2 --csv");
    expect_status(0);
    char image[2][64], rest[2][64];
    int classes[2], offset = 0;
    assert_int_equal(strncmp(result.output, "image,rank,class,label,probability\n", 35), 0);
    const char *row = result.output + 35;
    assert_int_equal(sscanf(row, "%63[^,],1,%d,%63[^\n]\n%n", image[0], &classes[0], rest[0], &offset), 3);
    row += offset;
    assert_int_equal(sscanf(row, "%63[^,],2,%d,%63[^\n]\n%n", image[1], &classes[1], rest[1], &offset), 3);
    row += offset;
    assert_string_equal(image[0], "a.png");
    assert_string_equal(image[1], "a.png");
    assert_int_not_equal(classes[0], classes[1]);
    assert_int_equal(strncmp(row, "\"odd, name.png\",1,", 18), 0);
}

static void text_names_picture_and_classes(void **state)
{
    (void)state;
    run("predict --model rgb/model.safetensors a.png --top 1");
    expect_status(0);
    assert_int_equal(strncmp(result.output, "a.png\n", 6), 0);
    assert_non_null(strstr(result.output, " %  "));
}

static void a_bad_picture_is_named_and_the_others_are_predicted(void **state)
{
    (void)state;
    run("predict --model rgb/model.safetensors a.png bad.png missing.png c.png --json");
    expect_status(4);
    assert_non_null(strstr(result.errors, "warning: bad.png"));
    assert_non_null(strstr(result.errors, "warning: missing.png"));
    assert_non_null(strstr(result.errors, "rncl: 2 of the 4 pictures"));
    json_t *document = expect_json(), *predictions = json_object_get(document, "predictions");
    assert_int_equal(json_array_size(predictions), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(predictions, 1), "image")), "c.png");
    json_decref(document);
}

/* Sixteen pictures of 16x16 and their labels under the names of MNIST's files. */
static void train_on_grey_pictures(void)
{
    static const char *const splits[] = {"train", "t10k"};
    shell("mkdir idx");
    for (int i = 0; i < 2; i++) {
        shell("{ printf '\\000\\000\\010\\003\\000\\000\\000\\020\\000\\000\\000\\020\\000\\000\\000\\020'; "
              "seq 100000 | head -c 4096; } > idx/%s-images-idx3-ubyte",
              splits[i]);
        shell("{ printf '\\000\\000\\010\\001\\000\\000\\000\\020\\000\\001'; head -c 14 /dev/zero; } "
              "> idx/%s-labels-idx1-ubyte",
              splits[i]);
    }
    run("train --arch cifar-resnet --depth 8 --data idx --batch-size 8 --workers 1 --steps 2 --out grey");
    expect_status(0);
}

static void networks_of_one_channel_see_colours_as_grey(void **state)
{
    (void)state;
    train_on_grey_pictures();
    write_picture("grey.png", SIZE, SIZE, 1, 4);
    write_picture("colour.png", SIZE, SIZE, 3, 4); /* with three equal channels */
    run("predict --model grey/model.safetensors grey.png --logits --json");
    json_t *grey = only_prediction();
    run("predict --model grey/model.safetensors colour.png --logits --json");
    json_t *colour = only_prediction();
    assert_true(json_equal(json_object_get(grey, "logits"), json_object_get(colour, "logits")));
    json_decref(grey);
    json_decref(colour);
}

static void wrong_usage_says_what_is_missing(void **state)
{
    (void)state;
    run("predict a.png");
    expect_failure(2, "--model");
    run("predict --model rgb/model.safetensors");
    expect_failure(2, "pictures");
    run("predict --model rgb/model.safetensors a.png --json --csv");
    expect_failure(2, "--csv");
    run("predict --model bad.png a.png");
    expect_failure(8, "bad.png");
    run("predict --model rgb/model.safetensors -");
    expect_failure(2, "not standard input");
    run("predict --model rgb/model.safetensors ''");
    expect_failure(2, "files and folders");
}

static void a_network_other_than_the_files_is_refused(void **state)
{
    (void)state;
    run("predict --model rgb/model.safetensors --depth 14 a.png");
    expect_failure(8, "rgb/model.safetensors");
}

static void a_model_whose_outputs_are_not_finite_answers_nothing(void **state)
{
    (void)state;
    spoil_model("rgb/model.safetensors", "spoilt.safetensors");
    run("predict --model spoilt.safetensors a.png c.png --json --logits");
    expect_status(6);
    assert_non_null(strstr(result.errors, "spoilt.safetensors"));
    json_t *document = expect_json(), *predictions = json_object_get(document, "predictions");
    assert_true(json_is_false(json_object_get(document, "finite")));
    assert_int_equal(json_array_size(predictions), 2);
    json_t *prediction = json_array_get(predictions, 1);
    assert_true(json_is_false(json_object_get(prediction, "finite")));
    assert_int_equal(json_array_size(json_object_get(prediction, "top")), 0);
    assert_true(json_is_null(json_array_get(json_object_get(prediction, "logits"), 0)));
    json_decref(document);
    run("predict --model spoilt.safetensors a.png");
    expect_status(6);
    assert_non_null(strstr(result.output, "no answer"));
    assert_null(strchr(result.output, '%'));
    run("predict --model spoilt.safetensors a.png --csv");
    expect_status(6);
    assert_string_equal(result.output, "image,rank,class,label,probability\na.png,,,,\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_what_scripts_read),
        cmocka_unit_test(a_folder_means_the_pictures_in_it),
        cmocka_unit_test(pictures_of_other_formats_are_left_out_by_name),
        cmocka_unit_test(probabilities_are_the_softmax_of_the_logits),
        cmocka_unit_test(a_picture_is_seen_the_same_alone_and_among_others),
        cmocka_unit_test(csv_has_a_row_for_each_class_told),
        cmocka_unit_test(text_names_picture_and_classes),
        cmocka_unit_test(a_bad_picture_is_named_and_the_others_are_predicted),
        cmocka_unit_test(networks_of_one_channel_see_colours_as_grey),
        cmocka_unit_test(wrong_usage_says_what_is_missing),
        cmocka_unit_test(a_network_other_than_the_files_is_refused),
        cmocka_unit_test(a_model_whose_outputs_are_not_finite_answers_nothing),
    };
    return cmocka_run_group_tests_name("cli predict", tests, prepare, remove_folder);
}
