/* Class folders: the class and split of each picture, and messages about files that cannot be used. */
#include "data/folder_test.h"
#include "folder_walk.h"

enum { A_CLASS = 20 };

/* A_CLASS pictures of different sizes in each of these folders, numbered from 0 on. */
static void write_class(const char *folder, const char *class, uint8_t first, bool backwards)
{
    for (int i = 0; i < A_CLASS; i++) {
        char name[64];
        const int number = backwards ? A_CLASS - 1 - i : i;
        snprintf(name, sizeof name, "%s/%02d.png", class, number);
        write_picture(folder, name, 8 + (uint32_t)number % 3, 9, (uint8_t)(first + number));
    }
}

static void write_two_classes(const char *folder)
{
    write_class(folder, "dog", 100, false);
    write_class(folder, "cat", 0, false);
}

static void classes_are_the_names_of_the_folders_in_order(void **state)
{
    write_picture(*state, "train/zebra/1.png", 8, 9, 3);
    write_picture(*state, "train/Ant/1.png", 9, 8, 1);
    write_picture(*state, "train/bee/1.png", 8, 8, 2);
    write_picture(*state, "val/bee/1.png", 8, 8, 5);
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_TRAIN);
    assert_string_equal(dataset->info.format, "folder");
    assert_int_equal(dataset->info.classes, 3);
    assert_string_equal(dataset->info.labels[0], "Ant");
    assert_string_equal(dataset->info.labels[1], "bee");
    assert_string_equal(dataset->info.labels[2], "zebra");
    for (uint32_t i = 0; i < 3; i++) {
        int label;
        assert_int_equal(number_of(dataset, i, &label), i + 1);
        assert_int_equal(label, i);
    }
    rncl_dataset_close(dataset);
}

static void the_validation_part_has_its_own_pictures_under_the_training_labels(void **state)
{
    static const char *const names[] = {"test", "validation", "valid", "val"}; /* the weakest first */
    write_picture(*state, "train/a/1.png", 8, 9, 1);
    write_picture(*state, "train/b/1.png", 8, 8, 2);
    for (size_t i = 0; i < COUNT(names); i++) {
        char name[64];
        int label;
        snprintf(name, sizeof name, "%s/b/x.png", names[i]);
        write_picture(*state, name, 9, 8, (uint8_t)(10 + i));
        rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_VALIDATION);
        assert_int_equal(dataset->info.count, 1);
        assert_int_equal(dataset->info.classes, 2);
        assert_int_equal(number_of(dataset, 0, &label), 10 + i);
        assert_int_equal(label, 1);
        rncl_dataset_close(dataset);
    }
}

/* Marks the pictures of a split in `seen`, and counts them by label. */
static void look_through(const rncl_dataset *dataset, bool *seen, int *labels)
{
    for (uint32_t i = 0; i < dataset->info.count; i++) {
        int label;
        const uint8_t number = number_of(dataset, i, &label);
        assert_false(seen[number]);
        seen[number] = true;
        labels[label]++;
    }
}

static void without_a_validation_part_a_share_of_each_class_is_held_back(void **state)
{
    write_two_classes(*state);
    rncl_dataset *training = open_part(*state, RNCL_SPLIT_TRAIN);
    rncl_dataset *validation = open_part(*state, RNCL_SPLIT_VALIDATION);
    bool seen[256] = {false};
    int kept[2] = {0}, held_back[2] = {0};
    look_through(training, seen, kept);
    look_through(validation, seen, held_back); /* no picture is in both splits */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(held_back[i], A_CLASS / 4);
        assert_int_equal(kept[i], A_CLASS - A_CLASS / 4);
    }
    rncl_dataset_close(training);
    rncl_dataset_close(validation);
}

static void the_share_is_chosen_by_names_alone(void **state)
{
    write_class(*state, "one/cat", 0, false);
    write_class(*state, "other/place/cat", 0, true); /* another place, and another order in it */
    char *one = rncl_path_join(*state, "one"), *other = rncl_path_join(*state, "other/place/");
    rncl_dataset *first = open_part(one, RNCL_SPLIT_VALIDATION);
    rncl_dataset *second = open_part(other, RNCL_SPLIT_VALIDATION);
    assert_int_equal(first->info.count, second->info.count);
    for (uint32_t i = 0; i < first->info.count; i++) {
        int label;
        assert_int_equal(number_of(first, i, &label), number_of(second, i, &label));
    }
    rncl_dataset_close(first);
    rncl_dataset_close(second);
    free(one);
    free(other);
}

static void another_picture_moves_at_most_one_of_a_class_to_the_other_split(void **state)
{
    bool before[256] = {false}, after[256] = {false};
    int labels[2] = {0};
    write_class(*state, "cat", 0, false);
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_VALIDATION);
    look_through(dataset, before, labels);
    rncl_dataset_close(dataset);
    write_picture(*state, "cat/another.png", 9, 9, A_CLASS);
    dataset = open_part(*state, RNCL_SPLIT_VALIDATION);
    look_through(dataset, after, labels);
    rncl_dataset_close(dataset);
    int moved = 0;
    for (int i = 0; i < A_CLASS; i++)
        moved += before[i] != after[i];
    assert_in_range(moved, 0, 1);
}

static void pictures_in_deeper_folders_belong_to_their_class(void **state)
{
    write_picture(*state, "train/a/images/deep/1.png", 8, 9, 1);
    write_picture(*state, "train/b/2.JPEG", 8, 8, 2); /* a suffix says little: PNG is recognised by content */
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_TRAIN);
    assert_int_equal(dataset->info.count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        int label;
        assert_int_equal(number_of(dataset, i, &label), i + 1);
        assert_int_equal(label, i);
    }
    rncl_dataset_close(dataset);
}

static void hidden_files_and_files_beside_the_classes_do_not_count(void **state)
{
    write_two_classes(*state);
    write_bytes(*state, "README.txt", "cats and dogs", 13);
    write_bytes(*state, "cat/.DS_Store", "x", 1);
    write_bytes(*state, ".cache/x.png", "x", 1);
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_TRAIN);
    assert_int_equal(dataset->info.classes, 2);
    rncl_dataset_close(dataset);
}

static void small_squares_of_one_size_give_the_network_its_size(void **state)
{
    enum { SIZE = 16 };
    for (int i = 0; i < 8; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%d.png", i % 2 ? "cat" : "dog", i);
        write_picture(*state, name, SIZE, SIZE, (uint8_t)i);
    }
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_VALIDATION);
    assert_int_equal(dataset->info.usual_size, SIZE);
    rncl_dataset_close(dataset);
    write_picture(*state, "cat/9.png", SIZE, SIZE + 1, 9);
    dataset = open_part(*state, RNCL_SPLIT_VALIDATION);
    assert_int_equal(dataset->info.usual_size, 0);
    rncl_dataset_close(dataset);
}

static void pictures_of_different_sizes_come_as_they_are(void **state)
{
    static const uint32_t heights[] = {20, 31}, widths[] = {30, 17};
    write_picture(*state, "train/a/1.png", heights[0], widths[0], 1);
    write_picture(*state, "train/a/2.png", heights[1], widths[1], 2);
    write_picture(*state, "val/a/1.png", 8, 8, 3);
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_TRAIN);
    assert_int_equal(dataset->info.height, 0);
    for (uint32_t i = 0; i < 2; i++) {
        rncl_image image = {0};
        int label;
        assert_int_equal(rncl_dataset_decode(dataset, i, &(rncl_detail){.shorter = 15}, &image, &label),
                         RNCL_OK);
        assert_int_equal(image.height, heights[i]);
        assert_int_equal(image.width, widths[i]);
        rncl_image_fini(&image);
    }
    rncl_dataset_close(dataset);
}

static void a_picture_much_larger_than_needed_is_made_smaller(void **state)
{
    write_picture(*state, "train/a/1.png", 400, 200, 1);
    write_picture(*state, "val/a/1.png", 400, 200, 2);
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_TRAIN);
    rncl_image image = {0};
    int label;
    assert_int_equal(rncl_dataset_decode(dataset, 0, &(rncl_detail){.shorter = 50}, &image, &label), RNCL_OK);
    assert_int_equal(image.height, 100);
    assert_int_equal(image.width, 50);
    assert_int_equal(image.pixels[0], 1);
    rncl_image_fini(&image);
    rncl_dataset_close(dataset);
}

static void a_file_that_is_no_picture_is_named_and_refused_or_left_out(void **state)
{
    write_two_classes(*state);
    write_bytes(*state, "dog/notes.txt", "good boy", 8);
    struct heard heard = {0};
    const rncl_log log = {.write = hear, .user = &heard};
    rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_TRAIN);
    options.log = &log;
    expect_refused(&options, "dog/notes.txt", "--bad-images skip");
    options.skip_bad = true;
    rncl_dataset *dataset = open_with(&options);
    assert_int_equal(dataset->info.count, 2 * (A_CLASS - A_CLASS / 4));
    assert_int_equal(heard.warnings, 1);
    assert_non_null(strstr(heard.text, "dog/notes.txt"));
    rncl_dataset_close(dataset);
}

static void what_systems_and_archives_leave_behind_is_no_class_and_no_error(void **state)
{
    static const char *const left[] = {
        "Thumbs.db",
        "desktop.ini",
        ".DS_Store",
        "._cat",
        "cat/Thumbs.db",
        "cat/THUMBS.DB",
        "cat/desktop.ini",
        "cat/._00.png",
        "lost+found/file",
        "__MACOSX/cat/._00.png",
        "cow/.nothing",
        "__MACOSX/dog/x.png",
        "dog/__MACOSX/x.txt",
        "cat/.ipynb_checkpoints/00.png",
        "$RECYCLE.BIN/desktop.ini",
        ".ipynb_checkpoints/x.png",
        "dog/@eaDir/x.txt",
    };
    write_two_classes(*state);
    for (size_t i = 0; i < COUNT(left); i++)
        write_bytes(*state, left[i], "x", 1);
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_TRAIN);
    assert_int_equal(dataset->info.classes, 2);
    assert_int_equal(dataset->info.count, 2 * (A_CLASS - A_CLASS / 4));
    rncl_dataset_close(dataset);
}

/* `cd pictures; rncl train --data .` leaves runs/… with a plot among the classes. */
static void runs_and_reports_are_no_classes(void **state)
{
    write_two_classes(*state);
    write_bytes(*state, "runs/one/last.ckpt", "x", 1);
    write_picture(*state, "runs/one/curves.png", 8, 8, 1);
    write_bytes(*state, "cat/run/last.ckpt", "x", 1);
    write_picture(*state, "cat/run/curves.png", 8, 8, 1);
    write_bytes(*state, "report/confusion.csv", "x", 1);
    write_picture(*state, "report/confusion.png", 8, 8, 1);
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_TRAIN);
    assert_int_equal(dataset->info.classes, 2);
    assert_int_equal(dataset->info.count, 2 * (A_CLASS - A_CLASS / 4));
    rncl_dataset_close(dataset);
}

static void a_class_of_bad_pictures_alone_is_left_out_with_them(void **state)
{
    write_two_classes(*state);
    write_picture(*state, "cow/1.png", 30, 20, 1);
    cut_file(*state, "cow/1.png");
    write_bytes(*state, "bee/notes.txt", "x", 1);
    struct heard heard = {0};
    const rncl_log log = {.write = hear, .user = &heard};
    rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_TRAIN);
    options.log = &log;
    options.skip_bad = true;
    rncl_dataset *dataset = open_with(&options);
    assert_int_equal(dataset->info.classes, 2);
    assert_string_equal(dataset->info.labels[1], "dog");
    assert_non_null(strstr(heard.text, "class cow"));
    assert_non_null(strstr(heard.text, "bee/notes.txt"));
    int label;
    number_of(dataset, dataset->info.count - 1, &label);
    assert_int_equal(label, 1);
    rncl_dataset_close(dataset);
}

static void one_class_is_refused_unless_that_is_what_is_wanted(void **state)
{
    write_class(*state, "cat", 0, false);
    rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_TRAIN);
    options.classes = 0;
    expect_refused(&options, "cat", "--classes 1");
    options.classes = 1;
    rncl_dataset *dataset = open_with(&options);
    assert_int_equal(dataset->info.classes, 1);
    rncl_dataset_close(dataset);
}

static void make_link(const char *folder, const char *target, const char *name)
{
    char *path = place(folder, name);
    assert_int_equal(symlink(target, path), 0);
    free(path);
}

static void links_that_lead_in_a_circle_end(void **state)
{
    write_two_classes(*state);
    make_link(*state, "..", "cat/up");       /* all classes again */
    make_link(*state, ".", "cat/here");      /* the class again */
    make_link(*state, "../dog", "cat/dogs"); /* and back from there */
    make_link(*state, "../cat", "dog/cats");
    make_link(*state, ".", "all");
    make_link(*state, "nowhere", "cow");
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_TRAIN);
    assert_int_equal(dataset->info.classes, 2);
    /* Each class holds the other one's pictures too, once. */
    assert_int_equal(dataset->info.count, 2 * (2 * A_CLASS - 2 * A_CLASS / 4));
    rncl_dataset_close(dataset);
}

static void a_folder_that_cannot_be_seen_is_no_circle(void **state)
{
    rncl_trail trail;
    rncl_trail_start(&trail, *state);
    char *path = rncl_path_join(*state, "gone");
    assert_true(rncl_trail_enter(&trail, path));
    assert_true(rncl_trail_enter(&trail, path));
    rncl_trail_leave(&trail);
    rncl_trail_leave(&trail);
    assert_false(rncl_trail_enter(&trail, *state));
    free(path);
}

static void links_to_pictures_and_classes_are_what_they_lead_to(void **state)
{
    write_class(*state, "elsewhere/deep/pictures", 0, false);
    write_class(*state, "set/dog", 100, false);
    make_link(*state, "../elsewhere/deep/pictures", "set/cat");
    char *path = rncl_path_join(*state, "set");
    rncl_dataset *dataset = open_part(path, RNCL_SPLIT_TRAIN);
    assert_int_equal(dataset->info.classes, 2);
    assert_int_equal(dataset->info.count, 2 * (A_CLASS - A_CLASS / 4));
    rncl_dataset_close(dataset);
    free(path);
}

static void a_class_that_training_does_not_have_is_refused_or_left_out(void **state)
{
    write_picture(*state, "train/a/1.png", 8, 9, 1);
    write_picture(*state, "val/a/1.png", 8, 9, 2);
    write_picture(*state, "val/b/1.png", 8, 9, 3);
    rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_VALIDATION);
    expect_refused(&options, "val/b/1.png", "class b");
    options.skip_bad = true;
    rncl_dataset *dataset = open_with(&options);
    assert_int_equal(dataset->info.count, 1);
    rncl_dataset_close(dataset);
}

static void one_picture_of_a_class_is_enough_to_train_but_not_to_validate(void **state)
{
    write_picture(*state, "cat/1.png", 8, 9, 1);
    write_picture(*state, "dog/1.png", 8, 9, 2);
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_TRAIN);
    assert_int_equal(dataset->info.count, 2);
    rncl_dataset_close(dataset);
    const rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_VALIDATION);
    expect_refused(&options, *state, "validation");
}

static void folders_without_any_picture_are_refused(void **state)
{
    write_bytes(*state, "docs/readme", "", 0);
    const rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_TRAIN);
    expect_refused(&options, *state, "no PNG, JPEG or WebP");
}

static void a_kept_picture_needs_its_file_no_more(void **state)
{
    write_picture(*state, "train/a/1.png", 20, 30, 5);
    for (int i = 0; i < 2; i++) {
        rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_TRAIN);
        options.cache_bytes = i ? 20 * 30 * 3 : 20 * 30 * 3 - 1; /* just enough, and not quite */
        write_picture(*state, "train/a/1.png", 20, 30, 5);
        rncl_dataset *dataset = open_with(&options);
        int label;
        assert_int_equal(number_of(dataset, 0, &label), 5);
        char *path = place(*state, "train/a/1.png");
        assert_int_equal(unlink(path), 0);
        free(path);
        rncl_image image = {0};
        const rncl_status st = rncl_dataset_decode(dataset, 0, &(rncl_detail){0}, &image, &label);
        assert_int_equal(st, i ? RNCL_OK : RNCL_ERR_IO);
        assert_int_equal(i ? image.pixels[0] : 5, 5);
        rncl_image_fini(&image);
        rncl_dataset_close(dataset);
    }
}

#define FOLDER_TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(classes_are_the_names_of_the_folders_in_order),
        FOLDER_TEST(the_validation_part_has_its_own_pictures_under_the_training_labels),
        FOLDER_TEST(without_a_validation_part_a_share_of_each_class_is_held_back),
        FOLDER_TEST(the_share_is_chosen_by_names_alone),
        FOLDER_TEST(another_picture_moves_at_most_one_of_a_class_to_the_other_split),
        FOLDER_TEST(pictures_in_deeper_folders_belong_to_their_class),
        FOLDER_TEST(hidden_files_and_files_beside_the_classes_do_not_count),
        FOLDER_TEST(small_squares_of_one_size_give_the_network_its_size),
        FOLDER_TEST(pictures_of_different_sizes_come_as_they_are),
        FOLDER_TEST(a_picture_much_larger_than_needed_is_made_smaller),
        FOLDER_TEST(a_file_that_is_no_picture_is_named_and_refused_or_left_out),
        FOLDER_TEST(what_systems_and_archives_leave_behind_is_no_class_and_no_error),
        FOLDER_TEST(runs_and_reports_are_no_classes),
        FOLDER_TEST(a_class_of_bad_pictures_alone_is_left_out_with_them),
        FOLDER_TEST(one_class_is_refused_unless_that_is_what_is_wanted),
        FOLDER_TEST(links_that_lead_in_a_circle_end),
        FOLDER_TEST(a_folder_that_cannot_be_seen_is_no_circle),
        FOLDER_TEST(links_to_pictures_and_classes_are_what_they_lead_to),
        FOLDER_TEST(a_class_that_training_does_not_have_is_refused_or_left_out),
        FOLDER_TEST(one_picture_of_a_class_is_enough_to_train_but_not_to_validate),
        FOLDER_TEST(folders_without_any_picture_are_refused),
        FOLDER_TEST(a_kept_picture_needs_its_file_no_more),
    };
    return cmocka_run_group_tests_name("folder", tests, NULL, NULL);
}
