/* The same picture gets the same answer from every command, upright, whichever folder it is in; on any
 * device ($RNCL_TEST_DEVICE). */
#include <math.h>

#include <png.h>

#include "program.h"

/* A picture of waves, different for each `number`. If `turned`, it is stored turned by 90 degrees, with
 * that orientation in its EXIF data. */
static void write_picture(const char *name, unsigned height, unsigned width, unsigned number, int turned)
{
    enum { LARGEST = 128 };
    char path[256];
    unsigned char exif[] = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0";
    const unsigned rows = turned ? width : height, columns = turned ? height : width;
    shell("mkdir -p \"$(dirname '%s')\"", name);
    snprintf(path, sizeof path, "%s/%s", program_folder, name);
    FILE *file = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_true(file && info && rows <= LARGEST && columns <= LARGEST);
    png_init_io(png, file);
    png_set_IHDR(png, info, columns, rows, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (turned)
        png_set_eXIf_1(png, info, sizeof exif - 1, exif);
    png_write_info(png, info);
    for (unsigned v = 0; v < rows; v++) {
        unsigned char row[LARGEST];
        for (unsigned u = 0; u < columns; u++) {
            /* Orientation 6: the stored rows are the upright columns, from the right. */
            const unsigned y = turned ? u : v, x = turned ? rows - 1 - v : u;
            row[u] = (unsigned char)(x * (3 + number) + y * (5 + 7 * number));
        }
        png_write_row(png, row);
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    assert_int_equal(fclose(file), 0);
}

/* Two classes of pictures of several sizes, some of them squares. */
static void write_set(const char *name)
{
    static const unsigned sizes[][2] = {{60, 60}, {60, 97}, {16, 16}, {97, 60}, {18, 18}};
    for (unsigned i = 0; i < 20; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s/%s/%u.png", name, i < 10 ? "train" : "val", i % 2 ? "dog" : "cat",
                 i);
        write_picture(path, sizes[i / 2 % 5][0], sizes[i / 2 % 5][1], i, 0);
    }
}

static int prepare(void **state)
{
    const char *device = getenv("RNCL_TEST_DEVICE");
    if (device)
        setenv("RNCL_DEVICE", device, 1);
    if (create_folder(state))
        return -1;
    write_set("set");
    run("train --data ./set --arch cifar-resnet --depth 8 --image 16 --batch-size 8 --workers 1 --steps 2 "
        "--out r");
    expect_status(0);
    return 0;
}

static double loss_of_eval(const char *options)
{
    run("eval --model r/model.safetensors --json %s", options);
    expect_status(0);
    json_t *document = expect_json();
    const double loss = json_real_value(json_object_get(document, "loss"));
    json_decref(document);
    return loss;
}

/* Mean cross-entropy of the predictions, where the class is the folder. */
static double loss_of_predict(const char *files)
{
    run("predict --model r/model.safetensors --logits --json %s", files);
    expect_status(0);
    json_t *document = expect_json(), *prediction;
    double loss = 0;
    size_t index, count = json_array_size(json_object_get(document, "predictions"));
    json_array_foreach(json_object_get(document, "predictions"), index, prediction)
    {
        const json_t *logits = json_object_get(prediction, "logits");
        const int class = strstr(json_string_value(json_object_get(prediction, "image")), "/dog/") != NULL;
        double sum = 0;
        for (size_t i = 0; i < json_array_size(logits); i++)
            sum += exp(json_number_value(json_array_get(logits, i)));
        loss += log(sum) - json_number_value(json_array_get(logits, (size_t) class));
    }
    json_decref(document);
    return loss / (double)count;
}

static void predict_and_eval_give_the_same_loss_for_the_same_files(void **state)
{
    (void)state;
    assert_true(fabs(loss_of_eval("--data set") - loss_of_predict("set/val/*/*.png")) < 1e-5);
    /* A folder of squares only: they must be resized and cropped like all other pictures. */
    shell("mkdir -p squares/val/cat squares/val/dog && cp -r set/train squares && rm -f "
          "squares/train/*/[2367]*.png "
          "squares/train/*/1?.png; cp set/val/cat/10.png squares/val/cat && cp set/val/dog/11.png "
          "squares/val/dog");
    assert_true(fabs(loss_of_eval("--data squares") - loss_of_predict("squares/val/*/*.png")) < 1e-5);
}

static void pictures_are_turned_as_their_exif_data_says(void **state)
{
    (void)state;
    shell("mkdir -p plain turned");
    for (unsigned i = 0; i < 8; i++) {
        char name[64];
        for (int turned = 0; turned < 2; turned++) {
            snprintf(name, sizeof name, "%s/%s/%s/%u.png", turned ? "turned" : "plain",
                     i < 4 ? "train" : "val", i % 2 ? "dog" : "cat", i);
            write_picture(name, 40, 70, i, turned);
        }
    }
    const double upright = loss_of_eval("--data plain"), by_predict = loss_of_predict("turned/val/*/*.png");
    assert_true(fabs(loss_of_eval("--data turned") - upright) < 1e-6);
    assert_true(fabs(by_predict - upright) < 1e-5);
    assert_true(fabs(loss_of_eval("--data turned --exif off") - upright) > 1e-4);
    assert_true(fabs(loss_of_predict("--exif off turned/val/*/*.png") - upright) > 1e-4);
    run("check-data turned --json");
    expect_status(0);
    json_t *document = expect_json();
    assert_int_equal(json_integer_value(json_object_get(document, "turned")), 8);
    json_decref(document);
}

static void the_run_folder_knows_where_the_data_is_from_anywhere(void **state)
{
    (void)state;
    shell("grep -qx \"data = $PWD/./set\" r/config.ini || grep -qx \"data = $PWD/set\" r/config.ini");
    shell("mkdir -p elsewhere && cp -r r elsewhere/r");
    run("eval --config elsewhere/r/config.ini --model r/model.safetensors --json");
    expect_status(0);
    run("train --data builtin:shapes --arch cifar-resnet --depth 8 --image 16 --batch-size 8 --workers 1 "
        "--steps 1 "
        "--out s");
    expect_status(0);
    shell("grep -qx 'data = builtin:shapes' s/config.ini");
}

static void names_that_are_no_utf8_stay_different(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        char name[64];
        snprintf(name, sizeof name, "latin/%s/%u.png", i % 2 ? "\xe8" : "\xe9", i);
        write_picture(name, 16, 16, i, 0);
    }
    run("train --data latin --arch cifar-resnet --depth 8 --batch-size 8 --workers 1 --steps 1 --out "
        "$(printf 'r\\351') --json");
    expect_status(0);
    json_t *document = expect_json();
    assert_string_equal(json_string_value(json_object_get(document, "run")), "r\\xe9");
    json_decref(document);
    run("predict --model $(printf 'r\\351')/model.safetensors --top 2 --json set/val/cat/10.png");
    expect_status(0);
    assert_non_null(strstr(result.output, "\"\\\\xe8\""));
    assert_non_null(strstr(result.output, "\"\\\\xe9\""));
}

static void one_class_is_refused_unless_classes_says_so(void **state)
{
    (void)state;
    write_picture("single/cat/1.png", 16, 16, 1, 0);
    write_picture("single/cat/2.png", 16, 16, 2, 0);
    run("check-data single");
    expect_failure(4, "--classes 1");
    run("check-data single --classes 1");
    expect_status(0);
}

static void a_share_that_the_data_does_not_leave_open_is_said(void **state)
{
    (void)state;
    for (int validation = 0; validation < 2; validation++) {
        run("train --data set%s --val-split 0.3 --arch cifar-resnet --depth 8 --image 16 --batch-size 4 "
            "--workers 1 --steps 1 --out share%d",
            validation ? "" : "/train", validation);
        expect_status(0);
        assert_int_equal(validation, strstr(result.errors, "warning: --val-split is not used") != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predict_and_eval_give_the_same_loss_for_the_same_files),
        cmocka_unit_test(pictures_are_turned_as_their_exif_data_says),
        cmocka_unit_test(the_run_folder_knows_where_the_data_is_from_anywhere),
        cmocka_unit_test(names_that_are_no_utf8_stay_different),
        cmocka_unit_test(one_class_is_refused_unless_classes_says_so),
        cmocka_unit_test(a_share_that_the_data_does_not_leave_open_is_said),
    };
    return cmocka_run_group_tests_name("pictures", tests, prepare, remove_folder);
}
