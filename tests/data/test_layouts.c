/* Layouts of folders as people and archives make them. They are read where their meaning is certain;
 * otherwise the message says what was found and what to do. */
#include <sys/stat.h>
#include <unistd.h>

#include "data/folder_test.h"
#include "image_file.h"
#include "image_foreign.h"

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

static void folds_are_no_classes(void **state)
{
    write_part(*state, "set/fold1", TRAINING);
    write_part(*state, "set/fold2", TRAINING);
    write_part(*state, "set/Fold_03", TRAINING);
    expect_refused_as(*state, "set", "folds for cross-validation", "set/train");
    write_part(*state, "set/test", TRAINING);
    expect_refused_as(*state, "set", "folds for cross-validation", "set/train");
    /* Classes may be called so. */
    write_picture(*state, "paper/fold1/1.png", 8, 9, 1);
    write_picture(*state, "paper/fold2/1.png", 8, 9, 2);
    write_picture(*state, "paper/flat/1.png", 8, 9, 3);
    char *path = rncl_path_join(*state, "paper");
    rncl_dataset *dataset = open_part(path, RNCL_SPLIT_TRAIN);
    assert_int_equal(dataset->info.classes, 3);
    rncl_dataset_close(dataset);
    free(path);
}

static void a_split_and_a_class_in_one_name_are_refused(void **state)
{
    static const char *const sets[][4] = {{"trainA", "trainB", "testA", "testB"},
                                          {"cat_train", "dog_train", "cat_test", "dog_test"},
                                          {"val-x", "val-y", "train-x", "train-y"}};
    for (size_t i = 0; i < COUNT(sets); i++) {
        char set[16], name[64];
        snprintf(set, sizeof set, "set%zu", i);
        for (size_t j = 0; j < COUNT(sets[i]); j++) {
            snprintf(name, sizeof name, "%s/%s/1.png", set, sets[i][j]);
            write_picture(*state, name, 8, 9, 1);
        }
        expect_refused_as(*state, set, "a split and a class at once", i == 0 ? "train/a" : "train/");
    }
}

static void masks_beside_pictures_are_no_class(void **state)
{
    write_part(*state, "set/images", TRAINING);
    write_part(*state, "set/masks", TRAINING);
    expect_refused_as(*state, "set", "not classes", "set/images");
    write_picture(*state, "pets/train/images/1.png", 8, 9, 1);
    write_picture(*state, "pets/train/annotations/trimaps/1.png", 8, 9, 2);
    expect_refused_as(*state, "pets", "not classes", "train/images");
}

/* Tests have no labels, often: a share of training is held back then. */
static void a_test_without_class_folders_is_not_used(void **state)
{
    write_picture(*state, "train/cat/1.png", 8, 9, 1);
    write_picture(*state, "train/cat/2.png", 8, 9, 2);
    write_picture(*state, "train/dog/1.png", 8, 9, 3);
    write_picture(*state, "train/dog/2.png", 8, 9, 4);
    write_picture(*state, "test/1.png", 8, 9, 5);
    for (int split = 0; split < 2; split++) {
        rncl_dataset *dataset = open_part(*state, (rncl_split)split);
        assert_int_equal(dataset->info.count, 2);
        rncl_dataset_close(dataset);
    }
}

static void validation_that_cannot_be_told_from_classes_is_refused(void **state)
{
    write_part(*state, "flat/train", TRAINING);
    write_picture(*state, "flat/val/1.png", 8, 9, 5);
    expect_refused_as(*state, "flat", "no class folders as in", "held back");
    write_part(*state, "other/train", TRAINING);
    write_picture(*state, "other/val/images/1.png", 8, 9, 5);
    char *path = rncl_path_join(*state, "other");
    rncl_dataset_options options = folder_options(path, RNCL_SPLIT_VALIDATION);
    expect_refused(&options, "of class images", "sort them");
    options.skip_bad = true;
    expect_refused(&options, "of class images", "sort them");
    free(path);
}

static void note(void *user, rncl_log_level level, const char *line)
{
    char *said = user;
    (void)level;
    strncat(said, line, 1000 - strlen(said));
}

/* What the log is told of a set. */
static void expect_told(const char *folder, const char *set, const char *first, const char *second)
{
    char said[1024] = "", *path = rncl_path_join(folder, set);
    const rncl_log log = {.write = note, .user = said};
    rncl_dataset_options options = folder_options(path, RNCL_SPLIT_TRAIN);
    options.log = &log;
    rncl_dataset_close(open_with(&options));
    if (!strstr(said, first) || !strstr(said, second))
        fail_msg("neither `%s` nor `%s` alone: %s", first, second, said);
    free(path);
}

static void pictures_that_may_count_for_another_class_are_told(void **state)
{
    write_part(*state, "deep/animals", TRAINING);
    write_picture(*state, "deep/vehicles/images/bus/1.png", 8, 9, 5);
    write_picture(*state, "deep/vehicles/images/car/1.png", 8, 9, 6);
    expect_told(*state, "deep", "the classes are the folders animals, ", "(cat, …)");
    write_part(*state, "beside", TRAINING);
    write_picture(*state, "beside/1.png", 8, 9, 5);
    expect_told(*state, "beside", "1 pictures lie beside", "not used");
}

static void a_class_of_other_formats_is_missed(void **state)
{
    write_picture(*state, "set/cat/1.png", 8, 9, 1);
    write_bytes(*state, "set/dog/1.bmp", "BM", 2);
    expect_refused_as(*state, "set", "cat is the only class", "a BMP picture");
}

/* As some competitions are packed: labels are in the names of the files. */
static void a_numbered_test_is_no_class(void **state)
{
    write_picture(*state, "set/train/cat.1.png", 8, 9, 1);
    write_picture(*state, "set/test1/1.png", 8, 9, 2);
    expect_refused_as(*state, "set", "set/train", "no class folders");
}

static void splits_of_a_year_are_splits(void **state)
{
    write_part(*state, "imagenet/ILSVRC2012_img_train", TRAINING);
    write_part(*state, "imagenet/ILSVRC2012_img_val", VALIDATION);
    expect_splits(*state, "imagenet");
    write_part(*state, "set/train2017", TRAINING);
    write_part(*state, "set/val2017", VALIDATION);
    expect_splits(*state, "set");
}

/* What stands for a picture is named, by its suffix or by its first bytes. */
static void pictures_of_other_formats_are_named(void **state)
{
    static const struct {
        const char *name, *bytes, *what;
        size_t size;
    } files[] = {
        {"a.bmp", "BM", "a BMP picture", 2},
        {"a.TIFF", "II", "a TIFF picture", 2},
        {"a.gif", "GIF89a", "a GIF picture", 6},
        {"a.heic", "x", "a HEIC picture", 1},
        {"a.mp4", "x", "a video", 1},
        {"v.png", "\0\0\0 ftypisom", "a video", 12},
        {"p.png", "%PDF-1.7", "a PDF document", 8},
        {"a.jpg", "GIF89a", "a GIF picture", 6},
        {"b.png", "<!DOCTYPE html>", "a web page", 15},
        {"c.jpg", "", "an empty file", 0},
        {"d.jpg", "BM", "a BMP picture", 2},
        {"e.jpg", "version https://git-lfs.github.com/spec/v1", "git lfs pull", 42},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        char set[16], name[64];
        snprintf(set, sizeof set, "set%zu", i);
        for (int class = 0; class < 2; class ++) {
            snprintf(name, sizeof name, "%s/class%d/%s", set, class, files[i].name);
            write_bytes(*state, name, files[i].bytes, files[i].size);
        }
        if (rncl_image_foreign_suffix(strrchr(files[i].name, '.')))
            expect_refused_as(*state, set, files[i].what, "2 other files");
        char *path = rncl_path_join(*state, name);
        rncl_image_header header;
        if (!rncl_image_foreign_suffix(strrchr(files[i].name, '.'))) {
            assert_int_equal(rncl_image_file_probe(path, &header), RNCL_ERR_DATA);
            assert_non_null(strstr(rncl_status_message(), files[i].what));
        }
        free(path);
    }
}

/* As at the root of a disk; root may read everything. */
static void a_folder_that_must_not_be_read_is_no_set(void **state)
{
    const uid_t user = geteuid(), nobody = 65534;
    write_part(*state, "disk/train", TRAINING);
    write_part(*state, "disk/val", VALIDATION);
    char *closed = rncl_path_join(*state, "disk/private");
    assert_int_equal(chmod(*state, 0755), 0);
    assert_int_equal(mkdir(closed, 0), 0);
    free(closed);
    if (user == 0)
        assert_int_equal(seteuid(nobody), 0);
    expect_splits(*state, "disk");
    assert_int_equal(seteuid(user), 0);
}

static void a_file_is_no_folder(void **state)
{
    write_bytes(*state, "set.zip", "PK", 2);
    expect_refused_as(*state, "set.zip", "a file", "unpack");
}

static void a_folder_without_anything_to_read_says_what_is_there(void **state)
{
    write_bytes(*state, "flat/1.bmp", "BM", 2);
    expect_refused_as(*state, "flat", "flat/1.bmp", "a BMP picture");
    write_bytes(*state, "packed/cats.tar.gz", "x", 1);
    expect_refused_as(*state, "packed", "packed/cats.tar.gz", "unpack");
    write_bytes(*state, "notes/readme.txt", "x", 1);
    expect_refused_as(*state, "notes", "no data set recognised", "looked for");
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
        LAYOUT_TEST(folds_are_no_classes),
        LAYOUT_TEST(a_split_and_a_class_in_one_name_are_refused),
        LAYOUT_TEST(masks_beside_pictures_are_no_class),
        LAYOUT_TEST(a_test_without_class_folders_is_not_used),
        LAYOUT_TEST(validation_that_cannot_be_told_from_classes_is_refused),
        LAYOUT_TEST(pictures_that_may_count_for_another_class_are_told),
        LAYOUT_TEST(a_class_of_other_formats_is_missed),
        LAYOUT_TEST(a_numbered_test_is_no_class),
        LAYOUT_TEST(splits_of_a_year_are_splits),
        LAYOUT_TEST(pictures_of_other_formats_are_named),
        LAYOUT_TEST(a_folder_that_must_not_be_read_is_no_set),
        LAYOUT_TEST(a_file_is_no_folder),
        LAYOUT_TEST(a_folder_without_anything_to_read_says_what_is_there),
        LAYOUT_TEST(one_level_too_low_is_refused),
        LAYOUT_TEST(splits_inside_of_classes_are_refused),
        LAYOUT_TEST(idx_files_are_found_where_others_keep_them),
        LAYOUT_TEST(of_two_sets_in_a_folder_neither_is_chosen),
    };
    return cmocka_run_group_tests_name("layouts", tests, NULL, NULL);
}
