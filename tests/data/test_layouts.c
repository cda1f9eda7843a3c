/* Layouts of folders as people and archives make them. They are read where their meaning is certain;
 * otherwise the message says what was found and what to do. */
#include "data/folder_test.h"

/* One picture for each of two classes below `part`. */
static void write_part(const char *folder, const char *part, uint8_t number)
{
    static const char *const classes[] = {"cat", "dog"};
    for (size_t i = 0; i < COUNT(classes); i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s%s/1.png", part, *part ? "/" : "", classes[i]);
        write_picture(folder, name, 8, 9, (uint8_t)(number + i));
    }
}

enum { TRAINING = 10, VALIDATION = 20 };

/* Opens both splits of folder/set, whose pictures write_part has numbered so. */
static void expect_splits(const char *folder, const char *set)
{
    char *path = rncl_path_join(folder, set);
    for (int split = 0; split < 2; split++) {
        rncl_dataset_options options = folder_options(path, (rncl_split)split);
        options.classes = 0;
        rncl_dataset *dataset = open_with(&options);
        assert_int_equal(dataset->info.classes, 2);
        assert_int_equal(dataset->info.count, 2);
        int label;
        assert_int_equal(number_of(dataset, 1, &label), (split ? VALIDATION : TRAINING) + 1);
        assert_int_equal(label, 1);
        rncl_dataset_close(dataset);
    }
    free(path);
}

static void splits_have_many_spellings(void **state)
{
    static const char *const spellings[][2] = {
        {"train", "val"},         {"Training", "Testing"},
        {"TRAIN", "TEST"},        {"training_set", "test_set"},
        {"Train", "Validation"},  {"train-set", "valid"},
        {"trn", "tst"},           {"seg_train", "seg_test"},
        {"train_images", "test"}, {"TrainSet", "ValidSet"},
        {"train_data", "dev"},
    };
    for (size_t i = 0; i < COUNT(spellings); i++) {
        char set[16], part[64];
        snprintf(set, sizeof set, "set%zu", i);
        for (int split = 0; split < 2; split++) {
            snprintf(part, sizeof part, "%s/%s", set, spellings[i][split]);
            write_part(*state, part, split ? VALIDATION : TRAINING);
        }
        expect_splits(*state, set);
    }
}

static void validation_is_preferred_to_test(void **state)
{
    write_part(*state, "Train", TRAINING);
    write_part(*state, "Test", 40);
    write_part(*state, "Valid", VALIDATION);
    expect_splits(*state, ".");
}

static void folders_that_hold_one_folder_are_gone_through(void **state)
{
    write_part(*state, "outer/outer/train", TRAINING);
    write_part(*state, "outer/outer/val", VALIDATION);
    write_bytes(*state, "outer/readme.txt", "x", 1);
    write_bytes(*state, "outer/__MACOSX/outer/train/cat/._1.png", "x", 1);
    expect_splits(*state, "outer");
    write_part(*state, "intel/seg_train/seg_train", TRAINING);
    write_part(*state, "intel/seg_test/seg_test", VALIDATION);
    expect_splits(*state, "intel");
    write_part(*state, "pets/PetImages", TRAINING);
    char *path = rncl_path_join(*state, "pets");
    rncl_dataset *dataset = open_part(path, RNCL_SPLIT_TRAIN);
    assert_int_equal(dataset->info.classes, 2);
    assert_string_equal(dataset->info.labels[1], "dog");
    rncl_dataset_close(dataset);
    free(path);
}

static void a_class_may_be_called_like_a_split(void **state)
{
    write_picture(*state, "valid/1.png", 8, 9, 1);
    write_picture(*state, "invalid/1.png", 8, 9, 2);
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_TRAIN);
    assert_int_equal(dataset->info.classes, 2);
    rncl_dataset_close(dataset);
}

/* Vehicles: bus/, car/ and train/. */
static void a_class_of_trains_is_no_split(void **state)
{
    write_picture(*state, "bus/1.png", 8, 9, 1);
    write_picture(*state, "car/1.png", 8, 9, 2);
    write_picture(*state, "train/1.png", 8, 9, 3);
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_TRAIN);
    assert_int_equal(dataset->info.classes, 3);
    assert_string_equal(dataset->info.labels[2], "train");
    rncl_dataset_close(dataset);
}

static void expect_refused_as(const char *folder, const char *set, const char *found, const char *advice)
{
    char *path = rncl_path_join(folder, set);
    rncl_dataset_options options = folder_options(path, RNCL_SPLIT_TRAIN);
    options.classes = 0;
    expect_refused(&options, found, advice);
    free(path);
}

static void what_could_mean_two_things_is_refused(void **state)
{
    write_part(*state, "twice/Train", TRAINING);
    write_part(*state, "twice/training", TRAINING);
    expect_refused_as(*state, "twice", "Train and training", "rename");
    write_part(*state, "part/val", VALIDATION);
    write_part(*state, "part/test", VALIDATION);
    expect_refused_as(*state, "part", "found test", "part/train");
}

static void splits_without_class_folders_are_refused(void **state)
{
    write_picture(*state, "set/train/1.png", 8, 9, 1);
    write_picture(*state, "set/val/1.png", 8, 9, 2);
    expect_refused_as(*state, "set", "set/train", "each class is a folder");
    write_picture(*state, "set/sample/1.png", 8, 9, 3);
    expect_refused_as(*state, "set", "set/train", "each class is a folder");
}

static void a_file_is_no_folder(void **state)
{
    write_bytes(*state, "set.zip", "PK", 2);
    expect_refused_as(*state, "set.zip", "a file", "unpack");
}

static void one_level_too_low_is_refused(void **state)
{
    write_part(*state, "set/train", TRAINING);
    expect_refused_as(*state, "set/train/cat", "1 pictures", "the folder above");
}

static void splits_inside_of_classes_are_refused(void **state)
{
    write_picture(*state, "cat/train/1.png", 8, 9, 1);
    write_picture(*state, "cat/test/2.png", 8, 9, 2);
    write_picture(*state, "dog/train/1.png", 8, 9, 3);
    expect_refused_as(*state, ".", "cat", "train/cat");
}

/* An IDX set of two grey pictures. */
static void write_idx(const char *folder, const char *below, const char *dash)
{
    static const char images[] = "\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02"
                                 "abcd",
                      labels[] = "\0\0\x08\x01\0\0\0\x02\0\x01";
    static const char *const splits[] = {"train", "t10k"};
    for (size_t i = 0; i < COUNT(splits); i++) {
        char name[128];
        snprintf(name, sizeof name, "%s/%s-images%sidx3-ubyte", below, splits[i], dash);
        write_bytes(folder, name, images, sizeof images - 1);
        snprintf(name, sizeof name, "%s/%s-labels%sidx1-ubyte", below, splits[i], dash);
        write_bytes(folder, name, labels, sizeof labels - 1);
    }
}

static void idx_files_are_found_where_others_keep_them(void **state)
{
    static const struct {
        const char *given, *files, *dash;
    } places[] = {{"a", "a", "-"},
                  {"b", "b/raw", "-"},
                  {"c", "c/MNIST/raw", "-"},
                  {"d", "d", "."},
                  {"e", "e/mnist", "."}};
    for (size_t i = 0; i < COUNT(places); i++) {
        write_idx(*state, places[i].files, places[i].dash);
        char *path = rncl_path_join(*state, places[i].given);
        rncl_dataset *dataset = open_part(path, RNCL_SPLIT_VALIDATION);
        assert_string_equal(dataset->info.format, "idx");
        assert_int_equal(dataset->info.count, 2);
        rncl_dataset_close(dataset);
        free(path);
    }
}

static void of_two_sets_in_a_folder_neither_is_chosen(void **state)
{
    write_idx(*state, "both/MNIST/raw", "-");
    write_idx(*state, "both/FashionMNIST/raw", "-");
    expect_refused_as(*state, "both", "FashionMNIST", "give one of them");
}

#define LAYOUT_TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAYOUT_TEST(splits_have_many_spellings),
        LAYOUT_TEST(validation_is_preferred_to_test),
        LAYOUT_TEST(folders_that_hold_one_folder_are_gone_through),
        LAYOUT_TEST(a_class_may_be_called_like_a_split),
        LAYOUT_TEST(what_could_mean_two_things_is_refused),
        LAYOUT_TEST(a_class_of_trains_is_no_split),
        LAYOUT_TEST(splits_without_class_folders_are_refused),
        LAYOUT_TEST(a_file_is_no_folder),
        LAYOUT_TEST(one_level_too_low_is_refused),
        LAYOUT_TEST(splits_inside_of_classes_are_refused),
        LAYOUT_TEST(idx_files_are_found_where_others_keep_them),
        LAYOUT_TEST(of_two_sets_in_a_folder_neither_is_chosen),
    };
    return cmocka_run_group_tests_name("layouts", tests, NULL, NULL);
}
