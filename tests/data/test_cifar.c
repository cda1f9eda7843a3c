/* CIFAR's binary files and pickles, made here with a few records each. */
#include <math.h>

#include "data/folder_test.h"

enum { PLANE = 1024, RECORD = 3 * PLANE };

#define TEN "cifar-10-batches-bin/"
#define HUNDRED "cifar-100-binary/"

/* `count` records: red is the running number from `first` on, green the row, blue the column; labels as
 * given by `label_of`, after `extra` bytes of 99. */
static void write_records(const char *folder, const char *name, int extra, int first, int count,
                          int (*label_of)(int number))
{
    const size_t size = (size_t)(extra + 1 + RECORD);
    uint8_t *bytes = calloc((size_t)count, size);
    assert_non_null(bytes);
    for (int i = 0; i < count; i++) {
        uint8_t *record = bytes + (size_t)i * size, *planes = record + extra + 1;
        memset(record, 99, (size_t)extra);
        record[extra] = (uint8_t)label_of(first + i);
        memset(planes, first + i, PLANE);
        for (int pixel = 0; pixel < PLANE; pixel++) {
            planes[PLANE + pixel] = (uint8_t)(pixel / 32);
            planes[2 * PLANE + pixel] = (uint8_t)(pixel % 32);
        }
    }
    write_bytes(folder, name, bytes, size * (size_t)count);
    free(bytes);
}

static int modulo_ten(int number)
{
    return number % 10;
}

static int modulo_hundred(int number)
{
    return number % 100;
}

/* Five training batches of three, and a test batch of four. */
static void write_cifar10(const char *folder)
{
    for (int i = 0; i < 5; i++) {
        char name[64];
        snprintf(name, sizeof name, TEN "data_batch_%d.bin", i + 1);
        write_records(folder, name, 0, i * 3, 3, modulo_ten);
    }
    write_records(folder, TEN "test_batch.bin", 0, 100, 4, modulo_ten);
}

static void write_cifar100(const char *folder)
{
    write_records(folder, HUNDRED "train.bin", 1, 0, 6, modulo_hundred);
    write_records(folder, HUNDRED "test.bin", 1, 95, 3, modulo_hundred);
}

static void expect_picture(const rncl_dataset *dataset, uint32_t index, int number, int wanted_label)
{
    static uint8_t pixels[RECORD];
    int label;
    assert_int_equal(rncl_dataset_read(dataset, index, pixels, &label), RNCL_OK);
    assert_int_equal(label, wanted_label);
    for (int i = 0; i < PLANE; i++) {
        assert_int_equal(pixels[i * 3], number);
        assert_int_equal(pixels[i * 3 + 1], i / 32);
        assert_int_equal(pixels[i * 3 + 2], i % 32);
    }
}

static void cifar10_is_read_batch_after_batch(void **state)
{
    write_cifar10(*state);
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_TRAIN);
    assert_string_equal(dataset->info.format, "cifar");
    assert_int_equal(dataset->info.count, 15);
    assert_int_equal(dataset->info.classes, 10);
    assert_int_equal(dataset->info.height, 32);
    assert_int_equal(dataset->info.channels, 3);
    assert_null(dataset->info.labels);
    for (uint32_t i = 0; i < 15; i++)
        expect_picture(dataset, i, (int)i, (int)i % 10);
    rncl_dataset_close(dataset);
}

static void the_folder_itself_may_be_given(void **state)
{
    write_cifar10(*state);
    char *folder = rncl_path_join(*state, TEN);
    rncl_dataset *dataset = open_part(folder, RNCL_SPLIT_VALIDATION);
    assert_int_equal(dataset->info.count, 4);
    expect_picture(dataset, 3, 103, 3);
    rncl_dataset_close(dataset);
    free(folder);
}

static void cifar100_has_fine_labels(void **state)
{
    write_cifar100(*state);
    rncl_dataset *training = open_part(*state, RNCL_SPLIT_TRAIN);
    assert_int_equal(training->info.classes, 100);
    assert_int_equal(training->info.count, 6);
    expect_picture(training, 5, 5, 5);
    rncl_dataset_close(training);
    rncl_dataset *validation = open_part(*state, RNCL_SPLIT_VALIDATION);
    assert_int_equal(validation->info.count, 3);
    expect_picture(validation, 2, 97, 97);
    rncl_dataset_close(validation);
}

static void names_of_classes_come_from_their_file(void **state)
{
    static const char names[] = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
    write_cifar10(*state);
    write_bytes(*state, TEN "batches.meta.txt", names, sizeof names - 1);
    rncl_dataset *dataset = open_part(*state, RNCL_SPLIT_VALIDATION);
    assert_string_equal(dataset->info.labels[0], "airplane");
    assert_string_equal(dataset->info.labels[9], "truck");
    rncl_dataset_close(dataset);
}

static void too_few_names_are_refused(void **state)
{
    write_cifar10(*state);
    write_bytes(*state, TEN "batches.meta.txt", "cat\ndog\n", 8);
    const rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_TRAIN);
    expect_refused(&options, "batches.meta.txt", "10 classes");
}

static void mean_and_deviation_are_the_training_splits(void **state)
{
    write_cifar10(*state);
    const double rows = 15.5 / 255, deviation = sqrt((32.0 * 32 - 1) / 12) / 255;
    for (int split = 0; split < 2; split++) {
        rncl_dataset *dataset = open_part(*state, (rncl_split)split);
        assert_float_equal(dataset->info.mean[0], 7.0 / 255, 1e-5);
        assert_float_equal(dataset->info.mean[1], rows, 1e-5);
        assert_float_equal(dataset->info.std[2], deviation, 1e-5);
        rncl_dataset_close(dataset);
    }
}

static void a_missing_batch_is_named(void **state)
{
    write_cifar10(*state);
    char *path = place(*state, TEN "data_batch_4.bin");
    unlink(path);
    free(path);
    const rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_TRAIN);
    expect_refused(&options, "data_batch_4.bin", "missing");
}

static void half_a_record_is_refused(void **state)
{
    write_cifar100(*state);
    cut_file(*state, HUNDRED "test.bin");
    const rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_VALIDATION);
    expect_refused(&options, "test.bin", "records");
}

static void an_empty_file_is_refused(void **state)
{
    write_cifar100(*state);
    write_bytes(*state, HUNDRED "train.bin", "", 0);
    const rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_TRAIN);
    expect_refused(&options, "train.bin", "records");
}

static void a_label_that_there_is_not_is_refused(void **state)
{
    write_cifar10(*state);
    write_records(*state, TEN "data_batch_2.bin", 0, 30, 30, modulo_hundred);
    const rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_TRAIN);
    expect_refused(&options, "data_batch_2.bin", "label 30");
}

/* ---- pickles ---- */

#define PYTHON "cifar-10-batches-py/"

typedef struct bytes {
    uint8_t *at;
    size_t size;
} bytes;

static void put(bytes *b, const void *data, size_t size)
{
    b->at = realloc(b->at, b->size + size);
    assert_non_null(b->at);
    memcpy(b->at + b->size, data, size);
    b->size += size;
}

static void put_u32(bytes *b, uint32_t value)
{
    const uint8_t little[] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                              (uint8_t)(value >> 24)};
    put(b, little, sizeof little);
}

#define PUT(b, text) put(b, text, sizeof(text) - 1)

/* What Python 2 has written: {'data': array of `count` x 3072 bytes, key: [labels]}; pictures as
 * write_records'. */
static void write_pickle(const char *folder, const char *name, const char *key, int first, int count,
                         int (*label_of)(int number))
{
    bytes b = {0};
    PUT(&b, "\x80\x02}(U\x04"
            "data"
            "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01"
            "b\x87R(K\x01J");
    put_u32(&b, (uint32_t)count);
    PUT(&b, "M\x00\x0c\x86"
            "cnumpy\ndtype\nU\x02u1K\0K\1\x87R(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89T");
    put_u32(&b, (uint32_t)count * RECORD);
    for (int i = 0; i < count; i++) {
        uint8_t planes[RECORD];
        memset(planes, first + i, PLANE);
        for (int pixel = 0; pixel < PLANE; pixel++) {
            planes[PLANE + pixel] = (uint8_t)(pixel / 32);
            planes[2 * PLANE + pixel] = (uint8_t)(pixel % 32);
        }
        put(&b, planes, RECORD);
    }
    PUT(&b, "tbU");
    const uint8_t length = (uint8_t)strlen(key);
    put(&b, &length, 1);
    put(&b, key, length);
    PUT(&b, "](");
    for (int i = 0; i < count; i++) {
        const uint8_t label[] = {'K', (uint8_t)label_of(first + i)};
        put(&b, label, sizeof label);
    }
    PUT(&b, "eu.");
    write_bytes(folder, name, b.at, b.size);
    free(b.at);
}

static void write_python(const char *folder)
{
    static const char meta[] = "\x80\x02}U\x0blabel_names](U\x08"
                               "airplane"
                               "U\x03"
                               "carU\1cU\1dU\1eU\1fU\1gU\1hU\1iU\5trucke"
                               "s.";
    for (int i = 0; i < 5; i++) {
        char name[64];
        snprintf(name, sizeof name, PYTHON "data_batch_%d", i + 1);
        write_pickle(folder, name, "labels", i * 3, 3, modulo_ten);
    }
    write_pickle(folder, PYTHON "test_batch", "labels", 100, 4, modulo_ten);
    write_bytes(folder, PYTHON "batches.meta", meta, sizeof meta - 1);
}

static void pickles_are_read_like_binary_files(void **state)
{
    write_python(*state);
    rncl_dataset *training = open_part(*state, RNCL_SPLIT_TRAIN);
    assert_string_equal(training->info.format, "cifar");
    assert_int_equal(training->info.count, 15);
    assert_string_equal(training->info.labels[0], "airplane");
    assert_string_equal(training->info.labels[9], "truck");
    for (uint32_t i = 0; i < 15; i++)
        expect_picture(training, i, (int)i, (int)i % 10);
    rncl_dataset_close(training);
    rncl_dataset *validation = open_part(*state, RNCL_SPLIT_VALIDATION);
    expect_picture(validation, 3, 103, 3);
    rncl_dataset_close(validation);
}

static void pickles_of_cifar100_are_told_by_their_meta_file(void **state)
{
    write_pickle(*state, "set/train", "fine_labels", 0, 6, modulo_hundred);
    write_pickle(*state, "set/test", "fine_labels", 95, 3, modulo_hundred);
    write_bytes(*state, "set/meta", "\x80\x02}.", 4);
    char *path = rncl_path_join(*state, "set");
    const rncl_dataset_options options = folder_options(path, RNCL_SPLIT_TRAIN);
    expect_refused(&options, "meta", "100 classes");
    free(path);
}

static void damaged_pickles_are_named(void **state)
{
    const rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_TRAIN);
    write_python(*state);
    cut_file(*state, PYTHON "data_batch_3");
    expect_refused(&options, "data_batch_3", "truncated");
    write_pickle(*state, PYTHON "data_batch_3", "labels", 30, 3, modulo_hundred);
    expect_refused(&options, "data_batch_3", "label 30");
    write_pickle(*state, PYTHON "data_batch_3", "coarse", 1, 3, modulo_ten);
    expect_refused(&options, "data_batch_3", "labels");
}

/* A text of 40 bytes is the name of all ten classes. */
static void pickled_names_that_are_larger_than_their_file_are_refused(void **state)
{
    static const char meta[] = "\x80\x02}U\x0blabel_names](U\x28"
                               "0123456789012345678901234567890123456789q\0"
                               "h\0h\0h\0h\0h\0h\0h\0h\0h\0es.";
    const rncl_dataset_options options = folder_options(*state, RNCL_SPLIT_TRAIN);
    write_python(*state);
    write_bytes(*state, PYTHON "batches.meta", meta, sizeof meta - 1);
    expect_refused(&options, "batches.meta", "10 classes");
}

#define CIFAR_TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CIFAR_TEST(cifar10_is_read_batch_after_batch),
        CIFAR_TEST(the_folder_itself_may_be_given),
        CIFAR_TEST(cifar100_has_fine_labels),
        CIFAR_TEST(names_of_classes_come_from_their_file),
        CIFAR_TEST(too_few_names_are_refused),
        CIFAR_TEST(mean_and_deviation_are_the_training_splits),
        CIFAR_TEST(a_missing_batch_is_named),
        CIFAR_TEST(half_a_record_is_refused),
        CIFAR_TEST(an_empty_file_is_refused),
        CIFAR_TEST(a_label_that_there_is_not_is_refused),
        CIFAR_TEST(pickles_are_read_like_binary_files),
        CIFAR_TEST(pickles_of_cifar100_are_told_by_their_meta_file),
        CIFAR_TEST(pickled_names_that_are_larger_than_their_file_are_refused),
        CIFAR_TEST(damaged_pickles_are_named),
    };
    return cmocka_run_group_tests_name("cifar", tests, NULL, NULL);
}
