/* rncl eval, on a folder of drawn pictures and a small network that has hardly learnt anything, on any device
 * ($RNCL_TEST_DEVICE). */
#include <math.h>

#include <png.h>

#include "program.h"

enum { SIZE = 16, CLASSES = 2, PICTURES = 6 };

/* A picture of waves, different for each `number`. */
static void write_picture(const char *name, int number)
{
    unsigned char pixels[SIZE * SIZE * 3];
    png_image png = {.version = PNG_IMAGE_VERSION, .height = SIZE, .width = SIZE, .format = PNG_FORMAT_RGB};
    for (int i = 0; i < (int)sizeof pixels; i++)
        pixels[i] = (unsigned char)(i % (3 * SIZE) * (3 + number) + i / (3 * SIZE) * (5 + 7 * number));
    char path[256];
    snprintf(path, sizeof path, "%s/%s", program_folder, name);
    assert_true(png_image_write_to_file(&png, path, 0, pixels, 0, NULL));
}

/* Trains run/ on two classes, `calm` and `wild`, each of three pictures in training and in validation. */
static int prepare(void **state)
{
    static const char *const folders[] = {"train/calm", "train/wild", "val/calm", "val/wild"};
    const char *device = getenv("RNCL_TEST_DEVICE");
    if (device)
        setenv("RNCL_DEVICE", device, 1);
    if (create_folder(state))
        return -1;
    setenv("RNCL_TUNING_DIR", program_folder, 1); /* so that no tuning results add messages */
    for (int i = 0; i < 4; i++) {
        shell("mkdir -p pictures/%s", folders[i]);
        for (int j = 0; j < PICTURES / CLASSES; j++) {
            char name[128];
            snprintf(name, sizeof name, "pictures/%s/%d.png", folders[i], j);
            write_picture(name, 3 * i + j);
        }
    }
    run("train --arch cifar-resnet --depth 8 --image 16 --batch-size 2 --workers 1 --steps 2 --data pictures "
        "--out run");
    expect_status(0);
    return 0;
}

/* A number of the last run's JSON. */
static double number(const char *field)
{
    expect_status(0);
    json_t *document = expect_json();
    const double value = json_number_value(json_object_get(document, field));
    json_decref(document);
    return value;
}

static void ten_crops_count_every_picture_once(void **state)
{
    (void)state;
    run("eval --model run/model.safetensors --data pictures --json");
    const double one = number("loss");
    run("eval --model run/model.safetensors --data pictures --crops 10 --json");
    assert_true(number("images") == PICTURES);
    assert_true(fabs(number("loss") - one) > 1e-6); /* evaluated other windows */
}

static void a_run_means_its_best_weights(void **state)
{
    (void)state;
    run("eval --model run/best.safetensors --data pictures --json");
    const double loss = number("loss");
    run("eval --model run --data pictures --json");
    assert_true(fabs(number("loss") - loss) < 1e-12);
    run("eval --model pictures --data pictures");
    expect_failure(8, "pictures/best.safetensors");
}

static void another_precision_is_said(void **state)
{
    (void)state;
    run("eval --model run --data pictures --precision bf16");
    expect_status(0);
    assert_non_null(strstr(result.errors, "precision bf16: "));
    run("predict --model run pictures/val/calm/0.png --precision bf16");
    expect_status(0);
    assert_non_null(strstr(result.errors, "precision bf16: "));
}

static void the_result_says_what_was_measured_and_where_the_report_is(void **state)
{
    (void)state;
    run("eval --model run --data pictures --report told");
    expect_status(0);
    assert_non_null(strstr(result.output, "run/best.safetensors"));
    assert_non_null(strstr(result.output, "validation part of pictures: 6 images"));
    assert_non_null(strstr(result.output, "told/per_class.csv"));
    shell("test -s told/per_class.csv");
}

/* NaN compares as false with everything, and so ranked first: this was 100 %. */
static void a_model_whose_outputs_are_not_finite_is_refused(void **state)
{
    (void)state;
    spoil_model("run/model.safetensors", "spoilt.safetensors");
    run("eval --model spoilt.safetensors --data pictures");
    expect_status(6);
    assert_non_null(
        strstr(result.errors, "rncl: spoilt.safetensors: outputs for 6 of 6 pictures are not finite"));
    assert_string_equal(result.output, "");
    static const char *const more[] = {"", "--crops 10", "--report spoilt"};
    for (int i = 0; i < 3; i++) {
        run("eval --model spoilt.safetensors --data pictures --json %s", more[i]);
        expect_status(6);
        json_t *document = expect_json();
        assert_true(json_is_false(json_object_get(document, "finite")));
        assert_true(json_is_null(json_object_get(document, "loss")));
        assert_true(json_number_value(json_object_get(document, "top1")) == 0);
        assert_true(json_number_value(json_object_get(document, "top5")) == 0);
        json_decref(document);
    }
    run("eval --model run/model.safetensors --data pictures --json");
    expect_status(0);
    json_t *document = expect_json();
    assert_true(json_is_true(json_object_get(document, "finite")));
    json_decref(document);
}

static void crops_are_one_or_ten(void **state)
{
    (void)state;
    run("eval --model run/model.safetensors --data pictures --crops 5");
    expect_failure(2, "crops");
}

static void a_report_adds_up_to_the_evaluation(void **state)
{
    (void)state;
    run("eval --model run/model.safetensors --data pictures --report report --json");
    const double top1 = number("top1");
    char text[1024];
    int counts[CLASSES][CLASSES], images[CLASSES];
    read_text("report/confusion.csv", text, sizeof text);
    assert_int_equal(sscanf(text, "%*[^\n]\ncalm,%d,%d\nwild,%d,%d", &counts[0][0], &counts[0][1],
                            &counts[1][0], &counts[1][1]),
                     4);
    assert_int_equal(counts[0][0] + counts[0][1], PICTURES / CLASSES);
    assert_int_equal(counts[1][0] + counts[1][1], PICTURES / CLASSES);
    assert_true(fabs(100.0 * (counts[0][0] + counts[1][1]) / PICTURES - top1) < 1e-6);
    read_text("report/per_class.csv", text, sizeof text);
    assert_int_equal(sscanf(text, "class,label,images,top1,precision,recall\n0,calm,%d,%*[^\n]\n1,wild,%d,",
                            &images[0], &images[1]),
                     2);
    assert_int_equal(images[0], PICTURES / CLASSES);
    assert_int_equal(images[1], PICTURES / CLASSES);
}

static void a_report_that_cannot_be_written_is_one_clear_line(void **state)
{
    (void)state;
    shell("touch taken");
    run("eval --model run/model.safetensors --data pictures --report taken/report");
    expect_failure(1, "taken");
}

/* Expects a field of the last run's JSON to be the list of these names, NULL at the end. */
static void expect_names(const char *field, const char *const *names)
{
    json_t *document = expect_json(), *list = json_object_get(document, field);
    assert_true(json_is_array(list));
    size_t count = 0;
    for (; names[count]; count++)
        assert_string_equal(json_string_value(json_array_get(list, count)), names[count]);
    assert_int_equal(json_array_size(list), count);
    json_decref(document);
}

static void expect_match(const char *by, const char *const *missing, const char *const *added)
{
    expect_status(0);
    json_t *document = expect_json();
    assert_string_equal(json_string_value(json_object_get(document, "matched_by")), by);
    json_decref(document);
    expect_names("missing_classes", missing);
    expect_names("new_classes", added);
}

#define NAMES(...)                                                                                           \
    (const char *const[])                                                                                    \
    {                                                                                                        \
        __VA_ARGS__ NULL                                                                                     \
    }

static void classes_belong_together_by_their_names(void **state)
{
    (void)state;
    run("eval --model run/model.safetensors --data pictures --json");
    const double all = number("loss");
    expect_match("name", NAMES(), NAMES());
    /* A class that comes first shifts the numbers of the folders, which must change nothing. */
    shell("mkdir -p more/train more/val && cp -r pictures/train/* more/train && cp -r pictures/val/* "
          "more/val && "
          "cp -r pictures/val/calm more/val/another && cp -r pictures/val/calm more/train/another");
    run("eval --model run/model.safetensors --data more --json");
    assert_non_null(strstr(result.errors, "new to the model, and their pictures do not count: another"));
    expect_match("name", NAMES(), NAMES("another", ));
    assert_true(number("images") == PICTURES);
    assert_true(fabs(number("loss") - all) < 1e-9);
    shell("rm -r more/val/calm more/train/calm");
    run("eval --model run/model.safetensors --data more --report matched --json");
    expect_match("name", NAMES("calm", ), NAMES("another", ));
    assert_true(number("images") == (double)PICTURES / CLASSES);
    char text[1024];
    read_text("matched/per_class.csv", text, sizeof text);
    assert_non_null(strstr(text, "\n0,calm,0,"));
    assert_non_null(strstr(text, "\n1,wild,3,"));
}

static void classes_without_common_names_are_matched_by_position_and_that_is_said(void **state)
{
    (void)state;
    shell("cp -r pictures others && cd others && mv train/calm train/a && mv val/calm val/a && mv train/wild "
          "train/b && mv val/wild val/b");
    run("eval --model run/model.safetensors --data pictures --json");
    const double named = number("loss");
    run("eval --model run/model.safetensors --data others --json");
    expect_match("position", NAMES(), NAMES());
    assert_non_null(strstr(result.errors, "matched by their position"));
    assert_true(fabs(number("loss") - named) < 1e-9);
}

static void labels_of_a_file_replace_those_of_the_model(void **state)
{
    (void)state;
    run("eval --model run/model.safetensors --data pictures --json");
    const double right = number("loss");
    shell("printf 'wild\\ncalm\\n' > turned && printf 'calm\\n' > short");
    run("eval --model run/model.safetensors --data pictures --labels turned --json");
    assert_true(fabs(number("loss") - right) > 1e-6);
    run("eval --model run/model.safetensors --data pictures --labels short --json");
    expect_failure(2, "it has 1 names, one a line, and the network 2 classes");
    run("predict --model run/model.safetensors pictures/val/wild/0.png --labels turned");
    expect_status(0);
    assert_non_null(strstr(result.output, "0  wild"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_crops_count_every_picture_once),
        cmocka_unit_test(a_run_means_its_best_weights),
        cmocka_unit_test(another_precision_is_said),
        cmocka_unit_test(the_result_says_what_was_measured_and_where_the_report_is),
        cmocka_unit_test(a_model_whose_outputs_are_not_finite_is_refused),
        cmocka_unit_test(crops_are_one_or_ten),
        cmocka_unit_test(a_report_adds_up_to_the_evaluation),
        cmocka_unit_test(a_report_that_cannot_be_written_is_one_clear_line),
        cmocka_unit_test(classes_belong_together_by_their_names),
        cmocka_unit_test(classes_without_common_names_are_matched_by_position_and_that_is_said),
        cmocka_unit_test(labels_of_a_file_replace_those_of_the_model),
    };
    return cmocka_run_group_tests_name("cli eval", tests, prepare, remove_folder);
}
