/* rncl check-data, on folders of pictures of one pixel. */
#include <stdbool.h>

#include "program.h"

/* One red pixel. */
static const unsigned char png[] = {0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d,
                                    0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01,
                                    0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53, 0xde, 0x00, 0x00, 0x00,
                                    0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xf8, 0xcf, 0xc0, 0x00,
                                    0x00, 0x03, 0x01, 0x01, 0x00, 0xf7, 0x03, 0x41, 0x43, 0x00, 0x00, 0x00,
                                    0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[256];
    shell("mkdir -p \"$(dirname '%s')\"", name);
    snprintf(path, sizeof path, "%s/%s", program_folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Two pictures of each class for training, and one for validation. */
static void write_good_set(const char *name)
{
    static const char *const files[] = {"train/cat/1.png", "train/cat/2.png", "train/dog/1.png",
                                        "train/dog/2.png", "val/cat/3.png",   "val/dog/3.png"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", name, files[i]);
        write_file(path, png, sizeof png);
    }
}

/* The last run has reported one problem, of this file and with this text. */
static void expect_one_problem(const char *path, const char *text)
{
    expect_status(4);
    json_t *document = expect_json(), *problems = json_object_get(document, "problems");
    assert_int_equal(json_array_size(problems), 1);
    const json_t *problem = json_array_get(problems, 0);
    assert_string_equal(json_string_value(json_object_get(problem, "path")), path);
    if (!strstr(json_string_value(json_object_get(problem, "problem")), text))
        fail_msg("expected \"%s\" in: %s", text, json_string_value(json_object_get(problem, "problem")));
    json_decref(document);
}

static void a_good_set_has_no_problems(void **state)
{
    (void)state;
    write_good_set("good");
    run("check-data good --json");
    expect_status(0);
    json_t *document = expect_json();
    assert_string_equal(json_string_value(json_object_get(document, "format")), "folder");
    assert_int_equal(json_integer_value(json_object_get(document, "classes")), 2);
    assert_int_equal(json_integer_value(json_object_get(document, "training")), 4);
    assert_int_equal(json_integer_value(json_object_get(document, "validation")), 2);
    assert_int_equal(json_array_size(json_object_get(document, "problems")), 0);
    json_decref(document);
}

static void a_share_for_validation_is_counted_as_training_does_it(void **state)
{
    (void)state;
    write_good_set("shared");
    run("check-data shared/train --val-split 0.5 --json");
    expect_status(0);
    json_t *document = expect_json();
    assert_int_equal(json_integer_value(json_object_get(document, "training")), 2);
    assert_int_equal(json_integer_value(json_object_get(document, "validation")), 2);
    json_decref(document);
}

static void a_truncated_picture_is_a_problem(void **state)
{
    (void)state;
    write_good_set("cut");
    write_file("cut/train/cat/9.png", png, sizeof png - 20);
    run("check-data cut --json");
    expect_one_problem("cut/train/cat/9.png", "");
}

static void a_file_that_is_no_picture_is_a_problem(void **state)
{
    (void)state;
    write_good_set("text");
    write_file("text/val/dog/notes.txt", "good boy", 8);
    run("check-data text --json");
    expect_one_problem("text/val/dog/notes.txt", "not a PNG, JPEG or WebP");
    write_good_set("named");
    write_file("named/val/dog/9.jpg", "good boy", 8);
    run("check-data named --json");
    expect_one_problem("named/val/dog/9.jpg", "");
}

static void a_class_of_one_split_only_is_a_problem(void **state)
{
    (void)state;
    write_good_set("more");
    write_file("more/train/cow/1.png", png, sizeof png);
    run("check-data more --json");
    expect_one_problem("more/val", "class cow");
    write_good_set("less");
    write_file("less/val/cow/1.png", png, sizeof png);
    run("check-data less --json");
    expect_one_problem("less/val/cow/1.png", "class cow");
}

static void an_empty_folder_is_noted_and_no_problem(void **state)
{
    (void)state;
    write_good_set("empty");
    shell("mkdir empty/val/cow empty/train/cow");
    run("check-data empty");
    expect_status(0);
    assert_non_null(strstr(result.output, "empty/train/cow: no pictures"));
    assert_non_null(strstr(result.output, "empty/val/cow: no pictures"));
    assert_non_null(strstr(result.output, "2 classes"));
}

static bool is_noted(const json_t *notes, const char *path, const char *text)
{
    const json_t *note;
    size_t index;
    json_array_foreach(notes, index, note)
    {
        if (!strcmp(json_string_value(json_object_get(note, "path")), path))
            return !strcmp(json_string_value(json_object_get(note, "problem")), text);
    }
    return false;
}

static void files_that_are_there_twice_are_noted(void **state)
{
    (void)state;
    unsigned char other[sizeof png + 1] = {0};
    memcpy(other, png, sizeof png); /* more behind the end harms nobody */
    write_file("twice/train/cat/1.png", png, sizeof png);
    write_file("twice/train/cat/2.png", png, sizeof png);
    write_file("twice/train/dog/1.png", png, sizeof png);
    write_file("twice/train/dog/2.png", other, sizeof other);
    write_file("twice/val/cat/1.png", png, sizeof png);
    write_file("twice/val/dog/3.png", png, sizeof png);
    run("check-data twice --json");
    expect_status(0);
    json_t *document = expect_json(), *notes = json_object_get(document, "notes");
    assert_int_equal(json_array_size(notes), 4);
    assert_true(is_noted(notes, "twice/train/cat/2.png", "the same file as twice/train/cat/1.png"));
    assert_true(
        is_noted(notes, "twice/train/dog/1.png", "the same file as twice/train/cat/1.png, of class cat"));
    assert_true(is_noted(notes, "twice/val/cat/1.png",
                         "the same file as twice/train/cat/1.png, which is for training"));
    assert_true(is_noted(notes, "twice/val/dog/3.png",
                         "the same file as twice/train/cat/1.png, of class cat, which is for training"));
    json_decref(document);
}

static void a_class_that_is_a_link_to_nothing_is_a_problem(void **state)
{
    (void)state;
    write_good_set("linked");
    shell("ln -s /nowhere/cow linked/train/cow");
    run("check-data linked --json");
    expect_one_problem("linked/train/cow", "a link that leads nowhere");
}

static void the_splits_are_named(void **state)
{
    (void)state;
    write_good_set("split");
    shell("mv split/train split/Training; mv split/val split/Test_set; mkdir outer; mv split outer");
    run("check-data outer");
    expect_status(0);
    assert_non_null(strstr(result.output, " pictures in outer/split/Training\n"));
    assert_non_null(strstr(result.output, " pictures in outer/split/Test_set\n"));
}

static void names_that_are_no_utf8_are_told_apart_in_json(void **state)
{
    (void)state;
    write_good_set("latin");
    write_file("latin/train/cat/\xe9.jpg", "x", 1);
    write_file("latin/train/cat/\xe8.jpg", "x", 1);
    run("check-data latin --json");
    expect_status(4);
    json_t *document = expect_json(), *problems = json_object_get(document, "problems");
    assert_int_equal(json_array_size(problems), 2);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(problems, i), "path")),
                            i ? "latin/train/cat/\\xe9.jpg" : "latin/train/cat/\\xe8.jpg");
    json_decref(document);
}

static void a_folder_called_shapes_is_the_users(void **state)
{
    (void)state;
    write_good_set("shapes");
    run("check-data shapes");
    expect_status(0);
    assert_non_null(strstr(result.output, "2 classes"));
    run("check-data builtin:shapes");
    expect_status(0);
    assert_non_null(strstr(result.output, "10 classes"));
    shell("rm -r shapes");
}

static void names_that_differ_in_their_suffix_only_are_a_problem(void **state)
{
    (void)state;
    write_good_set("double");
    write_file("double/train/cat/2.jpg", png, sizeof png);
    run("check-data double --json");
    expect_one_problem("double/train/cat/2.png", "double/train/cat/2.jpg");
}

static void the_report_does_not_depend_on_the_threads(void **state)
{
    (void)state;
    write_good_set("many");
    for (int i = 10; i < 40; i++) {
        char name[64];
        snprintf(name, sizeof name, "many/train/cat/%d.png", i);
        write_file(name, png, sizeof png - (i % 3 == 0 ? 20 : 0));
    }
    run("check-data many --json --workers 1");
    expect_status(4);
    char *alone = strdup(result.output);
    run("check-data many --json --workers 5");
    assert_string_equal(result.output, alone);
    free(alone);
}

static void a_folder_is_needed(void **state)
{
    (void)state;
    run("check-data");
    expect_failure(2, "needs a folder");
    run("check-data one two");
    expect_failure(2, "two");
    run("check-data /nonexistent");
    expect_failure(4, "/nonexistent");
}

static void the_built_in_set_is_fine(void **state)
{
    (void)state;
    run("check-data shapes");
    expect_status(0);
    assert_non_null(strstr(result.output, "10 classes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_set_has_no_problems),
        cmocka_unit_test(a_share_for_validation_is_counted_as_training_does_it),
        cmocka_unit_test(a_truncated_picture_is_a_problem),
        cmocka_unit_test(a_file_that_is_no_picture_is_a_problem),
        cmocka_unit_test(a_class_of_one_split_only_is_a_problem),
        cmocka_unit_test(an_empty_folder_is_noted_and_no_problem),
        cmocka_unit_test(files_that_are_there_twice_are_noted),
        cmocka_unit_test(a_class_that_is_a_link_to_nothing_is_a_problem),
        cmocka_unit_test(the_splits_are_named),
        cmocka_unit_test(names_that_are_no_utf8_are_told_apart_in_json),
        cmocka_unit_test(a_folder_called_shapes_is_the_users),
        cmocka_unit_test(names_that_differ_in_their_suffix_only_are_a_problem),
        cmocka_unit_test(the_report_does_not_depend_on_the_threads),
        cmocka_unit_test(a_folder_is_needed),
        cmocka_unit_test(the_built_in_set_is_fine),
    };
    return cmocka_run_group_tests_name("cli check-data", tests, create_folder, remove_folder);
}
