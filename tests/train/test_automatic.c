/* Batch size and learning rate where they are not given. */
#include "automatic.h"
#include "batch_search.h"
#include "train_test.h"
#include "util.h"

static void the_batch_follows_the_data(void **state)
{
    (void)state;
    static const struct {
        uint32_t pictures;
        int batch;
    } cases[] = {{1, 2},      {16, 2},     {31, 2},      {32, 4},        {53, 4},
                 {2047, 128}, {2048, 256}, {60000, 256}, {1281167, 256}, {UINT32_MAX, 256}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(rncl_automatic_batch(cases[i].pictures), cases[i].batch);
}

static rncl_options with(const char *name, const char *value)
{
    rncl_options options;
    rncl_options_init(&options);
    if (name)
        expect_ok(rncl_options_set(&options, rncl_option_find(name, RNCL_FOR_TRAIN), value,
                                   RNCL_FROM_COMMAND_LINE));
    return options;
}

static void the_rate_follows_the_batch(void **state)
{
    (void)state;
    rncl_options options = with(NULL, NULL);
    rncl_automatic_complete(&options, 53);
    assert_int_equal(options.batch_size, 4);
    assert_float_equal(options.lr, 0.1f / 64, 1e-9f);

    options = with("batch-size", "512");
    rncl_automatic_complete(&options, 53);
    assert_int_equal(options.batch_size, 512);
    assert_float_equal(options.lr, 0.2f, 1e-7f);
}

static void what_is_given_stays(void **state)
{
    (void)state;
    rncl_options options = with("lr", "0.05");
    rncl_automatic_complete(&options, 53);
    assert_int_equal(options.batch_size, 4);
    assert_float_equal(options.lr, 0.05f, 0);
}

static void auto_may_be_said(void **state)
{
    (void)state;
    rncl_options options = with("batch-size", "auto");
    rncl_automatic_complete(&options, 800);
    assert_int_equal(options.batch_size, 64);
    assert_float_equal(options.lr, 0.025f, 1e-8f);
}

/* No larger one is a twentieth faster. */
static void the_largest_batch_that_pays_is_chosen(void **state)
{
    (void)state;
    static const struct {
        double speeds[4];
        size_t count;
        int batch;
    } cases[] = {{{100}, 1, 8},           {{100, 190, 300, 400}, 4, 64}, {{100, 190, 198, 400}, 4, 64},
                 {{100, 104}, 2, 8},      {{100, 106}, 2, 16},           {{100, 50, 200}, 3, 32},
                 {{200, 150, 100}, 3, 8}, {{100, 300, 310, 290}, 4, 16}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        rncl_batch_speed speeds[4];
        for (size_t j = 0; j < cases[i].count; j++)
            speeds[j] = (rncl_batch_speed){8 << j, cases[i].speeds[j]};
        assert_int_equal(rncl_batch_that_pays(speeds, cases[i].count), cases[i].batch);
    }
}

static void only_a_spoken_auto_is_measured(void **state)
{
    (void)state;
    const rncl_options said = with("batch-size", "auto"), number = with("batch-size", "64"),
                       nothing = with(NULL, NULL);
    assert_true(rncl_automatic_is_measured(&said));
    assert_false(rncl_automatic_is_measured(&number));
    assert_false(rncl_automatic_is_measured(&nothing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_batch_follows_the_data),
        cmocka_unit_test(the_rate_follows_the_batch),
        cmocka_unit_test(what_is_given_stays),
        cmocka_unit_test(auto_may_be_said),
        cmocka_unit_test(the_largest_batch_that_pays_is_chosen),
        cmocka_unit_test(only_a_spoken_auto_is_measured),
    };
    return cmocka_run_group_tests_name("automatic", tests, NULL, NULL);
}
