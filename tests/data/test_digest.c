/* What the digest of a data set tells apart, and what it does not. */
#include "digest.h"

#include "folder_test.h"
#include "memory.h"

static void write_set(const char *folder)
{
    write_picture(folder, "set/train/ant/1.png", 4, 4, 1);
    write_picture(folder, "set/train/ant/2.png", 4, 4, 2);
    write_picture(folder, "set/train/bee/1.png", 4, 4, 3);
    write_picture(folder, "set/val/ant/1.png", 4, 4, 4);
    write_picture(folder, "set/val/bee/1.png", 4, 4, 5);
}

typedef struct digests {
    uint64_t classes, training, validation;
} digests;

static digests digests_of(const char *folder, const char *set)
{
    char *path = place(folder, set);
    rncl_dataset *training = open_part(path, RNCL_SPLIT_TRAIN),
                 *validation = open_part(path, RNCL_SPLIT_VALIDATION);
    const digests found = {rncl_dataset_digest_classes(training), rncl_dataset_digest(training),
                           rncl_dataset_digest(validation)};
    rncl_dataset_close(training);
    rncl_dataset_close(validation);
    free(path);
    return found;
}

static void move(const char *folder, const char *from, const char *to)
{
    char *old = place(folder, from), *new = place(folder, to);
    assert_int_equal(rename(old, new), 0);
    free(old);
    free(new);
}

static void a_folder_that_has_moved_is_the_same(void **state)
{
    write_set(*state);
    const digests before = digests_of(*state, "set");
    move(*state, "set", "elsewhere");
    const digests after = digests_of(*state, "elsewhere");
    assert_memory_equal(&before, &after, sizeof before);
}

static void a_renamed_class_is_another(void **state)
{
    write_set(*state);
    const digests before = digests_of(*state, "set");
    move(*state, "set/train/ant", "set/train/zebra");
    move(*state, "set/val/ant", "set/val/zebra");
    const digests after = digests_of(*state, "set");
    assert_true(before.classes != after.classes);
    assert_true(before.training != after.training);
}

static void renamed_and_changed_files_are_others(void **state)
{
    write_set(*state);
    const digests before = digests_of(*state, "set");
    move(*state, "set/train/ant/2.png", "set/train/ant/3.png");
    const digests renamed = digests_of(*state, "set");
    assert_true(before.classes == renamed.classes);
    assert_true(before.training != renamed.training);
    assert_true(before.validation == renamed.validation);
    move(*state, "set/train/ant/3.png", "set/train/ant/2.png");
    write_picture(*state, "set/val/bee/1.png", 40, 30, 5);
    const digests larger = digests_of(*state, "set");
    assert_true(before.training == larger.training);
    assert_true(before.validation != larger.validation);
}

static uint64_t digest_of(const rncl_image_set *images)
{
    rncl_dataset *dataset;
    assert_int_equal(rncl_memory_open(images, &dataset), RNCL_OK);
    const uint64_t digest = rncl_dataset_digest(dataset);
    rncl_dataset_close(dataset);
    return digest;
}

static void images_in_memory_are_told_by_sizes_and_labels(void **state)
{
    (void)state;
    static const uint8_t pixels[24];
    int32_t labels[] = {0, 1};
    rncl_image_set images = {
        .count = 2, .height = 2, .width = 2, .channels = 3, .pixels = pixels, .labels = labels, .classes = 2};
    const uint64_t before = digest_of(&images);
    assert_true(digest_of(&images) == before);
    labels[1] = 0;
    assert_true(digest_of(&images) != before);
    labels[1] = 1;
    images.height = 1;
    assert_true(digest_of(&images) != before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_that_has_moved_is_the_same, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_renamed_class_is_another, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(renamed_and_changed_files_are_others, make_folder, remove_folder),
        cmocka_unit_test(images_in_memory_are_told_by_sizes_and_labels),
    };
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
