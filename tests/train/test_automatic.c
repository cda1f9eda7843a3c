/* Batch size and learning rate where they are not given. */
#include "automatic.h"
#include "train_test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_batch_follows_the_data),
        cmocka_unit_test(the_rate_follows_the_batch),
        cmocka_unit_test(what_is_given_stays),
        cmocka_unit_test(auto_may_be_said),
    };
    return cmocka_run_group_tests_name("automatic", tests, NULL, NULL);
}
