/* The loader: batches do not depend on the number of threads; failures and the end of the data are
 * reported. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader.h"
#include "rncl/kernel_abi.h"
#include "util.h"

enum { SIZE = 8, PIXELS = SIZE * SIZE, NOWHERE = 1000000 };

/* A set of grey pictures, each in a class of its own, so that a label tells which picture it is. */
struct fake {
    rncl_dataset dataset;
    uint32_t fails_from, wrong_label_at;
};

static uint8_t fake_byte(uint32_t index, uint32_t pixel)
{
    return (uint8_t)(index * 7 + pixel * 31);
}

static rncl_status fake_read(const rncl_dataset *dataset, uint32_t index, uint8_t *pixels, int *label)
{
    const struct fake *fake = dataset->state;
    if (index >= fake->fails_from)
        return RNCL_FAIL(RNCL_ERR_IO, "picture %u is burnt", (unsigned)index);
    for (uint32_t i = 0; i < PIXELS; i++)
        pixels[i] = fake_byte(index, i);
    *label = index == fake->wrong_label_at ? dataset->info.classes : (int)index;
    return RNCL_OK;
}

static const rncl_reader fake_reader = {.name = "fake", .read = fake_read};

static void fake_init(struct fake *fake, uint32_t count)
{
    fake->fails_from = fake->wrong_label_at = NOWHERE;
    fake->dataset = (rncl_dataset){
        .reader = &fake_reader,
        .info = {.format = "fake",
                 .count = count,
                 .classes = (int)count,
                 .height = SIZE,
                 .width = SIZE,
                 .channels = 1},
        .state = fake,
    };
}

/* Options with which values stay bytes. */
static rncl_loader_options plain_options(const struct fake *fake, int batch_size)
{
    const float unit = 1.0f / 255;
    return (rncl_loader_options){
        .dataset = &fake->dataset,
        .batch_size = batch_size,
        .image = SIZE,
        .channels = 1,
        .std = {unit, unit, unit, unit},
        .workers = 3,
    };
}

static rncl_loader_options training_options(const struct fake *fake, int batch_size)
{
    rncl_loader_options options = plain_options(fake, batch_size);
    options.endless = options.shuffle = true;
    options.augment = RNCL_AUGMENT_CIFAR;
    options.seed = 5;
    return options;
}

static rncl_loader *create(const rncl_loader_options *options)
{
    rncl_loader *loader;
    assert_int_equal(rncl_loader_create(options, &loader), RNCL_OK);
    return loader;
}

static const rncl_batch *next(rncl_loader *loader)
{
    const rncl_batch *batch;
    assert_int_equal(rncl_loader_next(loader, &batch), RNCL_OK);
    return batch;
}

/* The first `count` pictures of the stream: labels, and images (or NULL). `count` is a multiple of the batch
 * size. */
static void load(const rncl_loader_options *options, int count, int32_t *labels, float *images)
{
    rncl_loader *loader = create(options);
    for (int done = 0; done < count; done += options->batch_size) {
        const rncl_batch *batch = next(loader);
        assert_int_equal(batch->count, options->batch_size);
        memcpy(labels + done, batch->labels, (size_t)options->batch_size * sizeof *labels);
        if (images)
            memcpy(images + done * PIXELS, batch->images,
                   (size_t)options->batch_size * PIXELS * sizeof *images);
        rncl_loader_release(loader);
    }
    rncl_loader_destroy(loader);
}

static void one_and_three_workers_make_the_same_batches(void **state)
{
    (void)state;
    enum { COUNTED = 400 };
    static float one_images[COUNTED * PIXELS], three_images[COUNTED * PIXELS];
    int32_t one_labels[COUNTED], three_labels[COUNTED];
    struct fake fake;
    fake_init(&fake, 53);
    rncl_loader_options options = training_options(&fake, 20);
    options.workers = 1;
    load(&options, COUNTED, one_labels, one_images);
    options.workers = 3;
    load(&options, COUNTED, three_labels, three_images);
    assert_memory_equal(one_labels, three_labels, sizeof one_labels);
    assert_memory_equal(one_images, three_images, sizeof one_images);
}

static void starting_later_continues_the_same_stream(void **state)
{
    (void)state;
    enum { COUNTED = 120 };
    static float images[COUNTED * PIXELS], later_images[COUNTED * PIXELS];
    int32_t labels[COUNTED], later_labels[COUNTED];
    struct fake fake;
    fake_init(&fake, 17);
    rncl_loader_options options = training_options(&fake, 10);
    load(&options, COUNTED, labels, images);
    const int starts[] = {1, 10, 17, 45, 110};
    for (size_t i = 0; i < COUNT(starts); i++) {
        options.start = (uint64_t)starts[i];
        int left = (COUNTED - starts[i]) / 10 * 10;
        load(&options, left, later_labels, later_images);
        assert_memory_equal(later_labels, labels + starts[i], (size_t)left * sizeof *labels);
        assert_memory_equal(later_images, images + starts[i] * PIXELS,
                            (size_t)left * PIXELS * sizeof *images);
    }
}

static void an_epoch_shows_every_picture_once_in_an_order_of_its_own(void **state)
{
    (void)state;
    enum { PICTURES = 23, EPOCHS = 10 };
    int32_t labels[PICTURES * EPOCHS];
    struct fake fake;
    fake_init(&fake, PICTURES);
    rncl_loader_options options = training_options(&fake, 5); /* batches span epochs */
    load(&options, PICTURES * EPOCHS, labels, NULL);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        const int32_t *order = labels + epoch * PICTURES;
        bool seen[PICTURES] = {false};
        for (int i = 0; i < PICTURES; i++) {
            assert_false(seen[order[i]]);
            seen[order[i]] = true;
        }
        if (epoch > 0)
            assert_memory_not_equal(order, order - PICTURES, PICTURES * sizeof *order);
    }
}

static void a_batch_may_hold_many_epochs_of_a_small_set(void **state)
{
    (void)state;
    int32_t labels[30];
    struct fake fake;
    fake_init(&fake, 3);
    rncl_loader_options options = training_options(&fake, 30);
    load(&options, 30, labels, NULL);
    for (int i = 0; i < 30; i += 3) {
        assert_int_equal(1 << labels[i] | 1 << labels[i + 1] | 1 << labels[i + 2], 7);
    }
}

static void without_shuffling_pictures_come_in_order_again_and_again(void **state)
{
    (void)state;
    int32_t labels[40];
    struct fake fake;
    fake_init(&fake, 7);
    rncl_loader_options options = training_options(&fake, 10);
    options.shuffle = false;
    load(&options, 40, labels, NULL);
    for (int i = 0; i < 40; i++)
        assert_int_equal(labels[i], i % 7);
}

static void another_seed_gives_another_order(void **state)
{
    (void)state;
    int32_t labels[50], other_labels[50];
    struct fake fake;
    fake_init(&fake, 50);
    rncl_loader_options options = training_options(&fake, 50);
    load(&options, 50, labels, NULL);
    options.seed++;
    load(&options, 50, other_labels, NULL);
    assert_memory_not_equal(labels, other_labels, sizeof labels);
}

static void augmentation_differs_between_pictures_and_epochs(void **state)
{
    (void)state;
    float images[4][20 * PIXELS];
    int32_t labels[80];
    struct fake fake;
    fake_init(&fake, 20);
    rncl_loader_options options = training_options(&fake, 20);
    options.shuffle = false;
    load(&options, 80, labels, &images[0][0]);
    int same = 0;
    for (int i = 0; i < 20; i++)
        same += memcmp(images[0] + i * PIXELS, images[1] + i * PIXELS, PIXELS * sizeof(float)) == 0;
    assert_in_range(same, 0, 3); /* one in 162 by chance */
    int blank_corners = 0;
    for (int i = 0; i < 20; i++)
        blank_corners += images[0][i * PIXELS] == 0;
    assert_in_range(blank_corners, 4, 18); /* windows up or left, some of them flipped: two in three */
}

static void images_hold_the_pictures_that_their_labels_name(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake, 30);
    rncl_loader_options options = plain_options(&fake, 6);
    options.endless = options.shuffle = true;
    rncl_loader *loader = create(&options);
    for (int step = 0; step < 10; step++) {
        const rncl_batch *batch = next(loader);
        for (int i = 0; i < 6; i++)
            for (int j = 0; j < PIXELS; j++)
                assert_float_equal(batch->images[i * PIXELS + j],
                                   fake_byte((uint32_t)batch->labels[i], (uint32_t)j), 1e-3f);
        rncl_loader_release(loader);
    }
    rncl_loader_destroy(loader);
}

/* Weight of pixel j when a whole row or column becomes one pixel. */
static float triangle_weight(int j)
{
    return 1 - fabsf((float)j + 0.5f - SIZE / 2.0f) / SIZE;
}

static float triangle_mean(uint32_t index)
{
    float sum = 0, weights = 0;
    for (int j = 0; j < PIXELS; j++) {
        const float weight = triangle_weight(j / SIZE) * triangle_weight(j % SIZE);
        sum += weight * (float)fake_byte(index, (uint32_t)j);
        weights += weight;
    }
    return sum / weights;
}

static void pictures_are_fitted_to_the_wanted_size_and_channels(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake, 4);
    rncl_loader_options options = plain_options(&fake, 4);
    options.image = 1;
    options.channels = 3;
    rncl_loader *loader = create(&options);
    const rncl_batch *batch = next(loader);
    for (uint32_t i = 0; i < 4; i++) {
        const float expected = triangle_mean(i);
        for (uint32_t k = 0; k < 3; k++) /* rounded twice */
            assert_float_equal(batch->images[i * 3 + k], expected, 1.01f);
    }
    rncl_loader_release(loader);
    rncl_loader_destroy(loader);
}

static void a_pass_ends_with_a_batch_filled_up_with_blanks(void **state)
{
    (void)state;
    enum { PICTURES = 22, BATCH = 10 };
    struct fake fake;
    fake_init(&fake, PICTURES);
    rncl_loader_options options = plain_options(&fake, BATCH);
    rncl_loader *loader = create(&options);
    for (int first = 0; first < PICTURES; first += BATCH) {
        const rncl_batch *batch = next(loader);
        assert_int_equal(batch->count, MIN(BATCH, PICTURES - first));
        for (int i = 0; i < BATCH; i++) {
            bool real = first + i < PICTURES;
            assert_int_equal(batch->labels[i], real ? first + i : RNCL_NO_LABEL);
            for (int j = 0; !real && j < PIXELS; j++)
                assert_true(batch->images[i * PIXELS + j] == 0);
        }
        rncl_loader_release(loader);
    }
    assert_null(next(loader));
    assert_null(next(loader));
    rncl_loader_destroy(loader);
}

static void a_pass_of_whole_batches_has_no_filling(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake, 16);
    rncl_loader_options options = plain_options(&fake, 8);
    rncl_loader *loader = create(&options);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(next(loader)->count, 8);
        rncl_loader_release(loader);
    }
    assert_null(next(loader));
    rncl_loader_destroy(loader);
}

/* Where the share of `rank` of `ranks` begins in a batch. */
static int share_begin(int batch, int rank, int ranks)
{
    return batch * rank / ranks;
}

/* Also where batches span epochs, and from the middle of a stream on. */
static void shares_of_a_stream_put_together_are_its_batches(void **state)
{
    (void)state;
    enum { BATCH = 10, STEPS = 9, COUNTED = BATCH * STEPS };
    static float images[COUNTED * PIXELS], share_images[COUNTED * PIXELS];
    int32_t labels[COUNTED], share_labels[COUNTED];
    struct fake fake;
    fake_init(&fake, 17);
    rncl_loader_options options = training_options(&fake, BATCH);
    options.start = 30;
    load(&options, COUNTED, labels, images);
    for (int ranks = 1; ranks <= 4; ranks++)
        for (int rank = 0; rank < ranks; rank++) {
            const int begin = share_begin(BATCH, rank, ranks), end = share_begin(BATCH, rank + 1, ranks);
            const size_t share = (size_t)(end - begin);
            rncl_loader_options mine = options;
            mine.batch_size = end - begin;
            mine.start = options.start + (uint64_t)begin;
            mine.stride = BATCH;
            load(&mine, STEPS * mine.batch_size, share_labels, share_images);
            for (size_t step = 0; step < STEPS; step++) {
                const size_t at = step * BATCH + (size_t)begin;
                assert_memory_equal(share_labels + step * share, labels + at, share * sizeof *labels);
                assert_memory_equal(share_images + step * share * PIXELS, images + at * PIXELS,
                                    share * PIXELS * sizeof *images);
            }
        }
}

/* Whatever the last batch leaves for each share. */
static void shares_of_a_pass_count_every_picture_once(void **state)
{
    (void)state;
    enum { BATCH = 6, MOST = 20 };
    struct fake fake;
    for (uint32_t count = 1; count < MOST; count++)
        for (int ranks = 1; ranks <= 4; ranks++) {
            int seen[MOST] = {0};
            fake_init(&fake, count);
            for (int rank = 0; rank < ranks; rank++) {
                const int begin = share_begin(BATCH, rank, ranks), end = share_begin(BATCH, rank + 1, ranks);
                rncl_loader_options mine = plain_options(&fake, end - begin);
                mine.start = (uint64_t)begin;
                mine.stride = BATCH;
                rncl_loader *loader = create(&mine);
                for (const rncl_batch *batch; (batch = next(loader)); rncl_loader_release(loader))
                    for (int i = 0; i < mine.batch_size; i++) {
                        assert_int_equal(batch->labels[i] != RNCL_NO_LABEL, i < batch->count);
                        if (i < batch->count)
                            seen[batch->labels[i]]++;
                    }
                rncl_loader_destroy(loader);
            }
            for (uint32_t i = 0; i < MOST; i++)
                assert_int_equal(seen[i], i < count);
        }
}

static void held_batches_stay_as_they_are(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake, 100);
    rncl_loader_options options = plain_options(&fake, 10);
    rncl_loader *loader = create(&options);
    const rncl_batch *held = next(loader);
    for (int first = 10; first < 100; first += 10) {
        const rncl_batch *newer = next(loader);
        assert_int_equal(newer->labels[0], first);
        assert_int_equal(held->labels[0], first - 10);
        assert_int_equal(held->labels[9], first - 1);
        rncl_loader_release(loader); /* the older one */
        held = newer;
    }
    rncl_loader_destroy(loader);
}

static void a_picture_that_cannot_be_read_is_reported_in_its_turn(void **state)
{
    (void)state;
    for (int repeat = 0; repeat < 20; repeat++) {
        struct fake fake;
        fake_init(&fake, 100);
        fake.fails_from = 23; /* and all later ones; the message names the first */
        rncl_loader_options options = plain_options(&fake, 20);
        rncl_loader *loader = create(&options);
        assert_int_equal(next(loader)->count, 20);
        rncl_loader_release(loader);
        for (int i = 0; i < 2; i++) {
            const rncl_batch *batch;
            assert_int_equal(rncl_loader_next(loader, &batch), RNCL_ERR_IO);
            assert_null(batch);
            assert_string_equal(rncl_status_message(), "picture 23 is burnt");
        }
        rncl_loader_destroy(loader);
    }
}

static void a_label_outside_the_classes_is_bad_data(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake, 20);
    fake.wrong_label_at = 4;
    rncl_loader_options options = plain_options(&fake, 20);
    rncl_loader *loader = create(&options);
    const rncl_batch *batch;
    assert_int_equal(rncl_loader_next(loader, &batch), RNCL_ERR_DATA);
    assert_non_null(strstr(rncl_status_message(), "picture 4"));
    rncl_loader_destroy(loader);
}

static void destroying_ends_the_workers_wherever_they_are(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake, 1000);
    for (int taken = 0; taken < 30; taken++) {
        rncl_loader_options options = training_options(&fake, 50);
        rncl_loader *loader = create(&options);
        for (int i = 0; i < taken % 10; i++) {
            assert_non_null(next(loader));
            if (i > 0)
                rncl_loader_release(loader); /* one stays taken */
        }
        rncl_loader_destroy(loader);
    }
    rncl_loader_destroy(NULL);
}

static void the_default_number_of_workers_loads(void **state)
{
    (void)state;
    int32_t labels[20];
    struct fake fake;
    fake_init(&fake, 20);
    rncl_loader_options options = plain_options(&fake, 10);
    options.workers = 0;
    load(&options, 20, labels, NULL);
    for (int i = 0; i < 20; i++)
        assert_int_equal(labels[i], i);
}

static void impossible_options_are_refused(void **state)
{
    (void)state;
    struct fake fake, empty, colour;
    fake_init(&fake, 10);
    fake_init(&empty, 0);
    fake_init(&colour, 10);
    colour.dataset.info.channels = 3;
    rncl_loader_options no_batch = plain_options(&fake, 0), no_deviation = plain_options(&fake, 1);
    rncl_loader_options no_pictures = plain_options(&empty, 1), channels = plain_options(&colour, 1);
    rncl_loader_options too_large = plain_options(&fake, INT32_MAX);
    no_deviation.std[0] = 0;
    channels.channels = 4;
    too_large.image = INT32_MAX;
    const struct {
        const rncl_loader_options *options;
        rncl_status status;
    } cases[] = {
        {&no_batch, RNCL_ERR_USAGE}, {&no_deviation, RNCL_ERR_USAGE}, {&no_pictures, RNCL_ERR_DATA},
        {&channels, RNCL_ERR_SHAPE}, {&too_large, RNCL_ERR_MEMORY},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rncl_loader *loader;
        assert_int_equal(rncl_loader_create(cases[i].options, &loader), cases[i].status);
        assert_null(loader);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_and_three_workers_make_the_same_batches),
        cmocka_unit_test(starting_later_continues_the_same_stream),
        cmocka_unit_test(an_epoch_shows_every_picture_once_in_an_order_of_its_own),
        cmocka_unit_test(a_batch_may_hold_many_epochs_of_a_small_set),
        cmocka_unit_test(without_shuffling_pictures_come_in_order_again_and_again),
        cmocka_unit_test(another_seed_gives_another_order),
        cmocka_unit_test(augmentation_differs_between_pictures_and_epochs),
        cmocka_unit_test(images_hold_the_pictures_that_their_labels_name),
        cmocka_unit_test(pictures_are_fitted_to_the_wanted_size_and_channels),
        cmocka_unit_test(a_pass_ends_with_a_batch_filled_up_with_blanks),
        cmocka_unit_test(a_pass_of_whole_batches_has_no_filling),
        cmocka_unit_test(shares_of_a_stream_put_together_are_its_batches),
        cmocka_unit_test(shares_of_a_pass_count_every_picture_once),
        cmocka_unit_test(held_batches_stay_as_they_are),
        cmocka_unit_test(a_picture_that_cannot_be_read_is_reported_in_its_turn),
        cmocka_unit_test(a_label_outside_the_classes_is_bad_data),
        cmocka_unit_test(destroying_ends_the_workers_wherever_they_are),
        cmocka_unit_test(the_default_number_of_workers_loads),
        cmocka_unit_test(impossible_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
