/* Checkpoints by time, older checkpoints that are kept, and runs that diverge and go back. A divergence is
 * made by writing NaN over the weights, a checkpoint due by turning the clock of saves back. */
#include <math.h>
#include <stdlib.h>

#include "training.h"
#include "training_test.h"

/* What happens to a run after its steps. */
typedef struct course {
    rncl_training training;
    int64_t diverge_at; /* the step behind which weights become NaN; 0: never */
    int64_t times;      /* as often as the run comes there; later ones pass */
    int64_t stop_at;    /* 0: never */
    bool always_due;    /* a checkpoint by time is due after every step */
    volatile sig_atomic_t stop;
    int warnings;
    char heard[4096];
} course;

static void spoil_weights(rncl_training *t)
{
    const size_t count = t->graph->param_floats;
    float *params = malloc(count * sizeof *params);
    assert_non_null(params);
    for (size_t i = 0; i < count; i++)
        params[i] = NAN;
    expect_ok(rncl_network_write(t->network, &(rncl_network_vectors){.params = params}));
    free(params);
}

static void on_step(void *user, const rncl_progress *progress)
{
    course *c = user;
    if (progress->evaluated)
        return;
    if (progress->step == c->diverge_at && c->training.state.rollbacks < c->times)
        spoil_weights(&c->training);
    if (c->stop_at && progress->step >= c->stop_at)
        c->stop = 1;
    if (c->always_due)
        c->training.save_clock.saved_ns = 0;
}

static void on_line(void *user, rncl_log_level level, const char *line)
{
    course *c = user;
    const size_t length = strlen(c->heard);
    if (level != RNCL_LOG_WARNING)
        return;
    c->warnings++;
    snprintf(c->heard + length, sizeof c->heard - length, "%s\n", line);
}

static rncl_status follow(course *c, rncl_options *options)
{
    rncl_context *context = open_device();
    context->log = (rncl_log){.write = on_line, .user = c};
    rncl_training *t = &c->training;
    *t = (rncl_training){.context = context,
                         .options = options,
                         .listener = {.progress = on_step, .user = c, .stop = &c->stop}};
    rncl_status st = rncl_training_open(t, options);
    if (!st)
        st = rncl_training_run(t);
    rncl_training_close(t);
    rncl_context_destroy(context);
    return st;
}

/* Twelve steps, evaluated behind each fifth. */
static rncl_options fifth_options(const char *out)
{
    rncl_options options = small_options(out);
    set(&options, "eval-every", "2e-3");
    return options;
}

static rncl_options rolling_options(const char *out)
{
    rncl_options options = fifth_options(out);
    set(&options, "on-divergence", "rollback");
    return options;
}

/* The runs that others are compared with: nothing happens; one divergence behind step 8. Tuning results of
 * another driver would be a warning of their own. */
static int make_runs(void **state)
{
    if (make_folder(state) || setenv("RNCL_TUNING_DIR", "/nonexistent", 1))
        return -1;
    rncl_options options = fifth_options("whole");
    if (train(&options))
        return -1;
    course c = {.diverge_at = 8, .times = 1};
    options = rolling_options("rolled");
    const rncl_status st = follow(&c, &options);
    if (st || c.warnings != 1)
        print_error("%s %s\n", rncl_status_message(), c.heard);
    return st || c.warnings != 1;
}

static int64_t step_of_checkpoint(const char *path)
{
    rncl_contents file;
    int64_t step;
    expect_ok(rncl_file_read(path, &file));
    memcpy(&step, file.data + 6 * 8 + sizeof(rncl_run_data), sizeof step);
    rncl_contents_free(&file);
    return step;
}

static void checkpoints_by_time_come_between_and_change_nothing(void **state)
{
    (void)state;
    rncl_options options = fifth_options("timely");
    set(&options, "keep", "100");
    course c = {.always_due = true};
    expect_ok(follow(&c, &options));
    expect_same_run("whole", "timely");
    assert_true(rncl_file_exists("timely/step-2.ckpt")); /* two steps are outstanding when it is noticed */
    assert_true(rncl_file_exists("timely/step-7.ckpt"));
}

static void asked_for_checkpoints_there_are_none_by_time(void **state)
{
    (void)state;
    rncl_options options = fifth_options("asked");
    set(&options, "keep", "100");
    set(&options, "checkpoint-every", "3");
    course c = {.always_due = true};
    expect_ok(follow(&c, &options));
    expect_same_run("whole", "asked");
    assert_true(rncl_file_exists("asked/step-3.ckpt"));
    assert_false(rncl_file_exists("asked/step-2.ckpt"));
    assert_false(rncl_file_exists("asked/step-7.ckpt"));
}

static void the_newest_checkpoints_are_kept_and_can_be_resumed(void **state)
{
    (void)state;
    rncl_options options = fifth_options("kept");
    set(&options, "keep", "3");
    set(&options, "checkpoint-every", "4");
    expect_ok(train(&options));
    static const char *const names[] = {"kept/step-8.ckpt", "kept/step-10.ckpt", "kept/step-12.ckpt"};
    for (int i = 0; i < 3; i++)
        assert_int_equal(step_of_checkpoint(names[i]), 8 + 2 * i);
    assert_false(rncl_file_exists("kept/step-5.ckpt"));
    expect_same_file("kept/step-12.ckpt", "kept/last.ckpt");
    assert_int_equal(system("cp kept/step-8.ckpt kept/last.ckpt"), 0);
    options = resume_options("kept");
    expect_ok(train(&options));
    expect_same_run("whole", "kept");
}

static void one_checkpoint_is_kept_where_nobody_asks(void **state)
{
    (void)state;
    assert_int_equal(system("! ls whole/step-* whole/rollback.ckpt 2>/dev/null"), 0);
}

static void a_divergence_goes_back_and_halves_the_rate(void **state)
{
    (void)state;
    assert_int_equal(count_lines("rolled/steps.csv"), 1 + 12);
    assert_int_equal(count_lines("rolled/metrics.csv"), 1 + 3);
    char *rolled = read_text("rolled/steps.csv"), *whole = read_text("whole/steps.csv");
    /* Step 5 ends with an evaluation, which the run goes back to. */
    const char *sixth = strstr(whole, "\n6,");
    assert_non_null(sixth);
    assert_memory_equal(rolled, whole, (size_t)(sixth - whole));
    double rate, halved;
    assert_int_equal(sscanf(sixth, "\n6,%*[^,],%lf", &rate), 1);
    assert_int_equal(sscanf(strstr(rolled, "\n6,"), "\n6,%*[^,],%lf", &halved), 1);
    assert_true(halved == rate / 2);
    free(rolled);
    free(whole);
}

static void the_same_divergence_gives_the_same_bytes(void **state)
{
    (void)state;
    rncl_options options = rolling_options("again");
    course c = {.diverge_at = 8, .times = 1};
    expect_ok(follow(&c, &options));
    expect_same_run("rolled", "again");
}

/* Where they lie is chance, so that the run must not go back to them. */
static void checkpoints_by_time_do_not_change_where_a_run_goes_back_to(void **state)
{
    (void)state;
    rncl_options options = rolling_options("timed");
    course c = {.diverge_at = 8, .times = 1, .always_due = true};
    expect_ok(follow(&c, &options));
    expect_same_run("rolled", "timed");
}

static void a_run_stopped_after_going_back_resumes_with_the_halved_rate(void **state)
{
    (void)state;
    rncl_options options = rolling_options("stopped");
    course c = {.diverge_at = 8, .times = 1, .stop_at = 11};
    expect_failure(follow(&c, &options), RNCL_ERR_INTERRUPTED, "--resume");
    options = resume_options("stopped");
    expect_ok(train(&options));
    expect_same_run("rolled", "stopped");
}

/* Between the evaluation that it goes back to and the divergence. */
static void a_run_stopped_before_it_diverges_goes_back_as_far(void **state)
{
    (void)state;
    rncl_options options = rolling_options("before");
    course c = {.stop_at = 6};
    expect_failure(follow(&c, &options), RNCL_ERR_INTERRUPTED, "--resume");
    c = (course){.diverge_at = 8, .times = 1};
    options = resume_options("before");
    expect_ok(follow(&c, &options));
    expect_same_run("rolled", "before");
}

/* rollback.ckpt is then of a step that is yet to come. */
static void a_run_resumed_from_an_older_checkpoint_does_not_go_back_forwards(void **state)
{
    (void)state;
    rncl_options options = rolling_options("older");
    set(&options, "keep", "100");
    expect_ok(train(&options));
    assert_int_equal(system("cp older/step-5.ckpt older/last.ckpt"), 0);
    course c = {.diverge_at = 8, .times = 1};
    options = resume_options("older");
    expect_ok(follow(&c, &options));
    expect_same_file("rolled/steps.csv", "older/steps.csv");
    expect_same_file("rolled/model.safetensors", "older/model.safetensors");
}

static void a_run_goes_back_three_times_at_most(void **state)
{
    (void)state;
    rncl_options options = rolling_options("hopeless");
    course c = {.diverge_at = 8, .times = 100};
    expect_failure(follow(&c, &options), RNCL_ERR_DIVERGED, "3 times already");
    assert_int_equal(c.warnings, 3);
    assert_non_null(strstr(c.heard, "from step 5 with the learning rate times 0.5 (1 of at most 3 times)"));
    assert_non_null(strstr(c.heard, "from step 5 with the learning rate times 0.125 (3 of at most 3 times)"));
    assert_int_equal(step_of_checkpoint("hopeless/last.ckpt"), 5);
    size_t count;
    int64_t batches;
    float *params = load_params("hopeless/best.safetensors", &count, &batches);
    assert_true(rncl_all_finite(params, count));
    free(params);
}

static void without_being_asked_a_run_stops(void **state)
{
    (void)state;
    rncl_options options = fifth_options("stops");
    course c = {.diverge_at = 8, .times = 1};
    expect_failure(follow(&c, &options), RNCL_ERR_DIVERGED, "not finite");
    assert_int_equal(c.warnings, 0);
    assert_int_equal(step_of_checkpoint("stops/last.ckpt"), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints_by_time_come_between_and_change_nothing),
        cmocka_unit_test(asked_for_checkpoints_there_are_none_by_time),
        cmocka_unit_test(the_newest_checkpoints_are_kept_and_can_be_resumed),
        cmocka_unit_test(one_checkpoint_is_kept_where_nobody_asks),
        cmocka_unit_test(a_divergence_goes_back_and_halves_the_rate),
        cmocka_unit_test(the_same_divergence_gives_the_same_bytes),
        cmocka_unit_test(checkpoints_by_time_do_not_change_where_a_run_goes_back_to),
        cmocka_unit_test(a_run_stopped_after_going_back_resumes_with_the_halved_rate),
        cmocka_unit_test(a_run_stopped_before_it_diverges_goes_back_as_far),
        cmocka_unit_test(a_run_resumed_from_an_older_checkpoint_does_not_go_back_forwards),
        cmocka_unit_test(a_run_goes_back_three_times_at_most),
        cmocka_unit_test(without_being_asked_a_run_stops),
    };
    return cmocka_run_group_tests_name("rollback", tests, make_runs, remove_folder);
}
