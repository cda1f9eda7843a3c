/* Batches of pictures of different sizes: the same for any number of threads, with and without a cache,
 * and with damaged files. */
#include "data/folder_test.h"
#include "loader.h"
#include "rncl/kernel_abi.h"

enum { IMAGE = 16, FLOATS = IMAGE * IMAGE * 3, PICTURES = 24, BATCH = 8, COUNTED = 80, BAD = 5 };

/* PICTURES of two classes in train and in val, of different sizes, numbered from 0 on. */
static int make_pictures(void **state)
{
    if (make_folder(state))
        return -1;
    static const char *const parts[] = {"train", "val"};
    for (int i = 0; i < 2 * PICTURES; i++) {
        char name[64];
        const int number = i % PICTURES;
        snprintf(name, sizeof name, "%s/%s/%02d.png", parts[i / PICTURES],
                 number < PICTURES / 2 ? "cat" : "dog", number);
        write_picture(*state, name, 20 + (uint32_t)number, 50 - (uint32_t)number, (uint8_t)(number * 10));
    }
    return 0;
}

static rncl_dataset_options part_options(const char *folder, rncl_split split)
{
    return (rncl_dataset_options){.path = folder, .split = split, .classes = 9};
}

/* Options with which values stay bytes. */
static rncl_loader_options plain_options(const rncl_dataset *dataset)
{
    const float unit = 1.0f / 255;
    return (rncl_loader_options){.dataset = dataset,
                                 .batch_size = BATCH,
                                 .image = IMAGE,
                                 .channels = 3,
                                 .std = {unit, unit, unit, unit},
                                 .workers = 3};
}

static rncl_loader_options training_options(const rncl_dataset *dataset)
{
    rncl_loader_options options = plain_options(dataset);
    options.endless = options.shuffle = true;
    options.augment = RNCL_AUGMENT_IMAGENET;
    options.jitter = (rncl_colour_jitter){0.4f, 0.4f, 0.4f};
    options.lighting = 0.1f;
    options.seed = 3;
    return options;
}

static rncl_loader *create(const rncl_loader_options *options)
{
    rncl_loader *loader;
    assert_int_equal(rncl_loader_create(options, &loader), RNCL_OK);
    return loader;
}

struct loaded {
    int32_t labels[COUNTED];
    float images[COUNTED * FLOATS];
};

/* The first COUNTED entries. */
static void load(const rncl_loader_options *options, struct loaded *out)
{
    rncl_loader *loader = create(options);
    for (int done = 0; done < COUNTED; done += BATCH) {
        const rncl_batch *batch;
        assert_int_equal(rncl_loader_next(loader, &batch), RNCL_OK);
        memcpy(out->labels + done, batch->labels, BATCH * sizeof *out->labels);
        memcpy(out->images + done * FLOATS, batch->images, (size_t)BATCH * FLOATS * sizeof *out->images);
        rncl_loader_release(loader);
    }
    rncl_loader_destroy(loader);
}

static struct loaded first, second;

static void expect_same_batches(void)
{
    assert_memory_equal(first.labels, second.labels, sizeof first.labels);
    assert_memory_equal(first.images, second.images, sizeof first.images);
}

static void one_and_three_workers_make_the_same_batches(void **state)
{
    static const rncl_augment kinds[] = {RNCL_AUGMENT_NONE, RNCL_AUGMENT_CIFAR, RNCL_AUGMENT_IMAGENET,
                                         RNCL_AUGMENT_SCALE};
    const rncl_dataset_options part = part_options(*state, RNCL_SPLIT_TRAIN);
    rncl_dataset *dataset = open_with(&part);
    rncl_loader_options options = training_options(dataset);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        options.augment = kinds[i];
        options.workers = 1;
        load(&options, &first);
        options.workers = 3;
        load(&options, &second);
        expect_same_batches();
    }
    rncl_dataset_close(dataset);
}

static void starting_later_continues_the_same_stream(void **state)
{
    enum { LATER = 29 };
    const rncl_dataset_options part = part_options(*state, RNCL_SPLIT_TRAIN);
    rncl_dataset *dataset = open_with(&part);
    rncl_loader_options options = training_options(dataset);
    load(&options, &first);
    options.start = LATER;
    load(&options, &second);
    assert_memory_equal(first.labels + LATER, second.labels, (COUNTED - LATER) * sizeof *first.labels);
    assert_memory_equal(first.images + LATER * FLOATS, second.images,
                        (size_t)(COUNTED - LATER) * FLOATS * sizeof *first.images);
    rncl_dataset_close(dataset);
}

static void memory_for_pictures_changes_no_bit(void **state)
{
    rncl_dataset_options part = part_options(*state, RNCL_SPLIT_TRAIN);
    rncl_dataset *dataset = open_with(&part);
    rncl_loader_options options = training_options(dataset);
    load(&options, &first);
    rncl_dataset_close(dataset);
    static const size_t budgets[] = {20000, 1 << 20}; /* for some, for all */
    for (size_t i = 0; i < COUNT(budgets); i++) {
        part.cache_bytes = budgets[i];
        options.dataset = dataset = open_with(&part);
        load(&options, &second);
        expect_same_batches();
        rncl_dataset_close(dataset);
    }
}

static void evaluation_shows_each_picture_as_it_is(void **state)
{
    const rncl_dataset_options part = part_options(*state, RNCL_SPLIT_VALIDATION);
    rncl_dataset *dataset = open_with(&part);
    const rncl_loader_options options = plain_options(dataset);
    rncl_loader *loader = create(&options);
    for (int done = 0; done < PICTURES; done += BATCH) {
        const rncl_batch *batch;
        assert_int_equal(rncl_loader_next(loader, &batch), RNCL_OK);
        for (int i = 0; i < BATCH; i++) {
            assert_int_equal(batch->labels[i], done + i >= PICTURES / 2);
            for (int j = 0; j < FLOATS; j += 3)
                assert_float_equal(batch->images[i * FLOATS + j], (done + i) * 10, 1e-3f);
        }
        rncl_loader_release(loader);
    }
    rncl_loader_destroy(loader);
    rncl_dataset_close(dataset);
}

static void ten_crops_of_a_picture_follow_each_other(void **state)
{
    const rncl_dataset_options part = part_options(*state, RNCL_SPLIT_VALIDATION);
    rncl_dataset *dataset = open_with(&part);
    rncl_loader_options options = plain_options(dataset);
    options.crops = 10;
    load(&options, &first);
    for (int i = 0; i < COUNTED; i++) {
        assert_int_equal(first.labels[i], 0);
        assert_float_equal(first.images[i * FLOATS], (i / 10 * 10), 1e-3f);
    }
    options.workers = 1;
    load(&options, &second);
    expect_same_batches();
    rncl_dataset_close(dataset);
}

static void ten_crops_are_for_evaluation(void **state)
{
    const rncl_dataset_options part = part_options(*state, RNCL_SPLIT_TRAIN);
    rncl_dataset *dataset = open_with(&part);
    rncl_loader_options options = training_options(dataset);
    options.crops = 10;
    rncl_loader *loader;
    assert_int_equal(rncl_loader_create(&options, &loader), RNCL_ERR_USAGE);
    options = plain_options(dataset);
    options.crops = 5;
    assert_int_equal(rncl_loader_create(&options, &loader), RNCL_ERR_USAGE);
    rncl_dataset_close(dataset);
}

static void colours_are_for_colour_networks(void **state)
{
    const rncl_dataset_options part = part_options(*state, RNCL_SPLIT_TRAIN);
    rncl_dataset *dataset = open_with(&part);
    rncl_loader_options options = training_options(dataset);
    options.channels = 1;
    rncl_loader *loader;
    assert_int_equal(rncl_loader_create(&options, &loader), RNCL_ERR_USAGE);
    options.jitter = (rncl_colour_jitter){0};
    options.lighting = 0;
    assert_int_equal(rncl_loader_create(&options, &loader), RNCL_OK);
    const rncl_batch *batch;
    assert_int_equal(rncl_loader_next(loader, &batch), RNCL_OK);
    for (int i = 0; i < BATCH; i++) /* the mean of number, 255 - number and 7 */
        assert_float_equal(batch->images[i * IMAGE * IMAGE], (255 + 7) / 3, 1.1f);
    rncl_loader_destroy(loader);
    rncl_dataset_close(dataset);
}

static void a_damaged_picture_ends_loading_with_its_name(void **state)
{
    cut_file(*state, "train/cat/05.png");
    const rncl_dataset_options part = part_options(*state, RNCL_SPLIT_TRAIN);
    rncl_dataset *dataset = open_with(&part);
    const rncl_loader_options options = plain_options(dataset);
    rncl_loader *loader = create(&options);
    const rncl_batch *batch;
    assert_int_equal(rncl_loader_next(loader, &batch), RNCL_ERR_DATA);
    assert_non_null(strstr(rncl_status_message(), "cat/05.png"));
    assert_non_null(strstr(rncl_status_message(), "--bad-images skip"));
    rncl_loader_destroy(loader);
    rncl_dataset_close(dataset);
}

static void training_takes_the_next_picture_for_a_damaged_one(void **state)
{
    cut_file(*state, "train/cat/05.png");
    struct heard heard = {0};
    const rncl_log log = {.write = hear, .user = &heard};
    rncl_dataset_options part = part_options(*state, RNCL_SPLIT_TRAIN);
    part.skip_bad = true;
    part.log = &log;
    rncl_dataset *dataset = open_with(&part);
    rncl_loader_options options = plain_options(dataset);
    options.endless = true;
    load(&options, &first);
    for (int i = 0; i < COUNTED; i++) {
        const int number = i % PICTURES == BAD ? BAD + 1 : i % PICTURES;
        assert_float_equal(first.images[i * FLOATS], number * 10, 1e-3f);
        assert_int_equal(first.labels[i], number >= PICTURES / 2);
    }
    assert_int_equal(heard.warnings, 1);
    assert_non_null(strstr(heard.text, "cat/05.png"));

    options = training_options(dataset);
    options.workers = 1;
    load(&options, &first);
    options.workers = 3;
    load(&options, &second);
    expect_same_batches();
    rncl_dataset_close(dataset);
    assert_int_equal(heard.warnings, 2); /* and how many there were */
}

static void evaluation_leaves_a_damaged_picture_blank(void **state)
{
    cut_file(*state, "val/cat/05.png");
    rncl_dataset_options part = part_options(*state, RNCL_SPLIT_VALIDATION);
    part.skip_bad = true;
    rncl_dataset *dataset = open_with(&part);
    const rncl_loader_options options = plain_options(dataset);
    rncl_loader *loader = create(&options);
    const rncl_batch *batch;
    assert_int_equal(rncl_loader_next(loader, &batch), RNCL_OK);
    for (int i = 0; i < BATCH; i++)
        assert_int_equal(batch->labels[i], i == BAD ? RNCL_NO_LABEL : 0);
    for (int j = 0; j < FLOATS; j++)
        assert_true(batch->images[BAD * FLOATS + j] == 0);
    rncl_loader_destroy(loader);
    rncl_dataset_close(dataset);
}

static void a_set_of_nothing_but_damaged_pictures_is_refused(void **state)
{
    write_bytes(*state, "other/train/a/1.png", "no", 2);
    write_bytes(*state, "other/train/a/2.png", "no", 2);
    write_bytes(*state, "other/val/a/2.png", "no", 2);
    char *folder = rncl_path_join(*state, "other");
    rncl_dataset_options part = part_options(folder, RNCL_SPLIT_TRAIN);
    part.skip_bad = true;
    expect_refused(&part, "other/train", "check-data");
    free(folder);
}

#define LOADER_TEST(test) cmocka_unit_test_setup_teardown(test, make_pictures, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOADER_TEST(one_and_three_workers_make_the_same_batches),
        LOADER_TEST(starting_later_continues_the_same_stream),
        LOADER_TEST(memory_for_pictures_changes_no_bit),
        LOADER_TEST(evaluation_shows_each_picture_as_it_is),
        LOADER_TEST(ten_crops_of_a_picture_follow_each_other),
        LOADER_TEST(ten_crops_are_for_evaluation),
        LOADER_TEST(colours_are_for_colour_networks),
        LOADER_TEST(a_damaged_picture_ends_loading_with_its_name),
        LOADER_TEST(training_takes_the_next_picture_for_a_damaged_one),
        LOADER_TEST(evaluation_leaves_a_damaged_picture_blank),
        LOADER_TEST(a_set_of_nothing_but_damaged_pictures_is_refused),
    };
    return cmocka_run_group_tests_name("folder loader", tests, NULL, NULL);
}
