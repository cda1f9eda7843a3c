/* metrics.csv and steps.csv: the format of rows, and which rows are kept when a run resumes. */
#include "metrics.h"

#include <math.h>

#include "train_test.h"

#define HEADER                                                                                               \
    "epoch,step,images,lr,train_loss,train_top1,val_loss,val_top1,val_top5,images_per_second,seconds\n"

static void reopen(int64_t step)
{
    rncl_metrics metrics;
    expect_ok(rncl_metrics_open(".", step, NULL, &metrics));
    rncl_metrics_close(&metrics);
}

static int start_afresh(void **state)
{
    (void)state;
    unlink("metrics.csv");
    unlink("steps.csv");
    return 0;
}

static void new_files_are_their_headers(void **state)
{
    (void)state;
    reopen(0);
    expect_text("metrics.csv", HEADER);
    expect_text("steps.csv", "step,loss,lr\n");
}

static void rows_have_nine_digits_and_are_there_at_once(void **state)
{
    (void)state;
    rncl_metrics metrics;
    expect_ok(rncl_metrics_open(".", 0, NULL, &metrics));
    const rncl_metrics_row row = {.epoch = 1.5,
                                  .step = 30,
                                  .images = 7680,
                                  .lr = 0.1f,
                                  .train_loss = 1.23456789012,
                                  .train_top1 = 50,
                                  .val_loss = 2.0 / 3,
                                  .val_top1 = 12.5,
                                  .val_top5 = 100,
                                  .images_per_second = 1000,
                                  .seconds = 8};
    expect_ok(rncl_metrics_add(&metrics, &row));
    expect_ok(rncl_metrics_add_step(&metrics, 30, 0.1 + 0.2, 0.01f));
    expect_text("metrics.csv", HEADER "1.5,30,7680,0.1,1.23456789,50,0.666666667,12.5,100,1000,8\n");
    expect_text("steps.csv", "step,loss,lr\n30,0.3,0.01\n");
    rncl_metrics_close(&metrics);
}

static void a_loss_that_is_not_finite_is_written_as_such(void **state)
{
    (void)state;
    rncl_metrics metrics;
    expect_ok(rncl_metrics_open(".", 0, NULL, &metrics));
    expect_ok(rncl_metrics_add_step(&metrics, 1, (double)INFINITY, 1e9f));
    expect_text("steps.csv", "step,loss,lr\n1,inf,1e+09\n");
    rncl_metrics_close(&metrics);
}

static void rows_behind_the_checkpoint_are_cut_off(void **state)
{
    (void)state;
    write_text("metrics.csv",
               HEADER "1,10,1,1,1,1,1,1,1,1,1\n2,20,1,1,1,1,1,1,1,1,1\n3,30,1,1,1,1,1,1,1,1,1\n");
    write_text("steps.csv", "step,loss,lr\n9,1,1\n20,1,1\n21,1,1\n22,1,1\n");
    reopen(20);
    expect_text("metrics.csv", HEADER "1,10,1,1,1,1,1,1,1,1,1\n2,20,1,1,1,1,1,1,1,1,1\n");
    expect_text("steps.csv", "step,loss,lr\n9,1,1\n20,1,1\n");
}

static void a_row_that_a_killed_run_left_half_is_cut_off(void **state)
{
    (void)state;
    write_text("metrics.csv", HEADER "1,10,1,1");
    write_text("steps.csv", "step,loss,lr\n1,1,1\n2");
    reopen(20);
    expect_text("metrics.csv", HEADER);
    expect_text("steps.csv", "step,loss,lr\n1,1,1\n");
}

typedef struct remarks {
    int count;
    char last[128];
} remarks;

static void note(void *user, rncl_log_level level, const char *line)
{
    remarks *r = user;
    assert_int_equal(level, RNCL_LOG_WARNING);
    r->count++;
    snprintf(r->last, sizeof r->last, "%s", line);
}

/* A damaged row, and those after it, must not be deleted. */
static void a_damaged_row_is_kept_and_named(void **state)
{
    (void)state;
    static const char *const damaged[] = {"garbage", "",       "x,1,1",  "2",     "2,1",
                                          "2,1,1,1", "99,1,1", "-7,1,1", "2x,1,1"};
    for (size_t i = 0; i < COUNT(damaged); i++) {
        remarks r = {0};
        const rncl_log log = {.write = note, .user = &r};
        char *text = rncl_text_format("step,loss,lr\n1,1,1\n%s\n3,1,1\n", damaged[i]);
        char *longer = rncl_text_format("%s4,1,1\n", text);
        write_text("steps.csv", longer);
        rncl_metrics metrics;
        expect_ok(rncl_metrics_open(".", 3, &log, &metrics));
        rncl_metrics_close(&metrics);
        expect_text("steps.csv", text);
        assert_int_equal(r.count, 1);
        assert_string_equal(r.last, "./steps.csv:3: this row is damaged; it is left as it is");
        free(text);
        free(longer);
    }
}

static void what_comes_next_is_appended(void **state)
{
    (void)state;
    write_text("steps.csv", "step,loss,lr\n1,1,1\n2,1,1\n3,1,1\n");
    rncl_metrics metrics;
    expect_ok(rncl_metrics_open(".", 2, NULL, &metrics));
    expect_ok(rncl_metrics_add_step(&metrics, 3, 5, 1));
    rncl_metrics_close(&metrics);
    expect_text("steps.csv", "step,loss,lr\n1,1,1\n2,1,1\n3,5,1\n");
}

static void the_file_of_somebody_else_is_left_alone(void **state)
{
    (void)state;
    write_text("steps.csv", "shopping list\n");
    rncl_metrics metrics;
    expect_failure(rncl_metrics_open(".", 0, NULL, &metrics), RNCL_ERR_DATA, "steps.csv");
    expect_text("steps.csv", "shopping list\n");
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    (void)state;
    rncl_metrics metrics;
    expect_failure(rncl_metrics_open("nowhere", 0, NULL, &metrics), RNCL_ERR_IO, "nowhere/metrics.csv");
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    rncl_metrics metrics;
    expect_ok(rncl_metrics_open(".", 0, NULL, &metrics));
    FILE *full = freopen("/dev/full", "a", metrics.steps);
    assert_non_null(full);
    expect_failure(rncl_metrics_add_step(&metrics, 1, 1, 1), RNCL_ERR_IO, "steps.csv");
    rncl_metrics_close(&metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(new_files_are_their_headers, start_afresh),
        cmocka_unit_test_setup(rows_have_nine_digits_and_are_there_at_once, start_afresh),
        cmocka_unit_test_setup(a_loss_that_is_not_finite_is_written_as_such, start_afresh),
        cmocka_unit_test_setup(rows_behind_the_checkpoint_are_cut_off, start_afresh),
        cmocka_unit_test_setup(a_row_that_a_killed_run_left_half_is_cut_off, start_afresh),
        cmocka_unit_test_setup(a_damaged_row_is_kept_and_named, start_afresh),
        cmocka_unit_test_setup(what_comes_next_is_appended, start_afresh),
        cmocka_unit_test_setup(the_file_of_somebody_else_is_left_alone, start_afresh),
        cmocka_unit_test_setup(a_folder_that_is_not_there_is_told, start_afresh),
        cmocka_unit_test_setup(a_full_disk_is_told, start_afresh),
    };
    return cmocka_run_group_tests_name("metrics", tests, make_folder, remove_folder);
}
