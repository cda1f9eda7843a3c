/* Ranks that are late, each by other times at each call of MPI's, train to the same bytes. */
#include "ranks.h"

static int count_of(const char *text, const char *part)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        count++;
    return count;
}

static void expect_the_same_bytes(int ranks, const char *options)
{
    shell("rm -rf prompt late");
    run_ranks(ranks, SMALL "--lr 0.1 %s --out prompt", options);
    expect_status(0);
    assert_int_equal(count_of(result.errors, "calls were held back"), 0);
    run_ranks_in("LD_PRELOAD=" DELAYS, ranks, SMALL "--lr 0.1 %s --out late", options);
    expect_status(0);
    assert_int_equal(count_of(result.errors, "calls were held back"), ranks);
    shell("cmp prompt/steps.csv late/steps.csv && cmp prompt/model.safetensors late/model.safetensors");
}

static void late_ranks_train_to_the_same_bytes(void **state)
{
    (void)state;
    expect_the_same_bytes(2, "");
    expect_the_same_bytes(3, "");
}

static void late_ranks_with_common_statistics_train_to_the_same_bytes(void **state)
{
    (void)state;
    expect_the_same_bytes(3, "--sync-bn");
}

static void late_ranks_with_compressed_gradients_train_to_the_same_bytes(void **state)
{
    (void)state;
    expect_the_same_bytes(3, "--grad-compression bf16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_ranks_train_to_the_same_bytes),
        cmocka_unit_test(late_ranks_with_common_statistics_train_to_the_same_bytes),
        cmocka_unit_test(late_ranks_with_compressed_gradients_train_to_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, create_folder, remove_folder);
}
