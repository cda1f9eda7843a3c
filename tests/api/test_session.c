/* Sessions: options, logs, locales, and calls that do everything at once. */
#include <locale.h>
#include <signal.h>

#include "api_test.h"

static char logged[1 << 16];

static void keep(void *user, rncl_log_level level, const char *line)
{
    const size_t length = strlen(logged);
    (void)user;
    (void)level;
    snprintf(logged + length, sizeof logged - length, "%s\n", line);
}

static const rncl_log keeper = {.write = keep};

/* ---- options ---- */

static void an_option_is_read_back_as_it_was_set(void **unused)
{
    static const char *const pairs[][2] = {{"lr", "0.035"},
                                           {"seed", "18446744073709551615"},
                                           {"arch", "plain"},
                                           {"shuffle", "off"},
                                           {"mean", "0.5,0.25,0.125"},
                                           {"data", "somewhere"},
                                           {"micro-batch", "auto"},
                                           {"budget", "12"},
                                           {"model", "a.safetensors"},
                                           {"stem-pool", "2x2"}};
    (void)unused;
    rncl_session *session;
    char value[RNCL_TEXT_LENGTH];
    expect_ok(rncl_session_create(&session));
    for (size_t i = 0; i < COUNT(pairs); i++) {
        set(session, pairs[i][0], pairs[i][1]);
        expect_ok(rncl_session_get(session, pairs[i][0], value));
        assert_string_equal(value, pairs[i][1]);
    }
    expect_ok(rncl_session_get(session, "batch-size", value));
    assert_string_equal(value, "256");
    rncl_session_destroy(session);
}

static void what_is_wrong_with_an_option_is_said(void **unused)
{
    (void)unused;
    rncl_session *session;
    char value[RNCL_TEXT_LENGTH];
    expect_ok(rncl_session_create(&session));
    expect_failure(rncl_session_set(session, "btach-size", "8"), RNCL_ERR_USAGE, "did you mean batch-size?");
    expect_failure(rncl_session_get(session, "btach-size", value), RNCL_ERR_USAGE, "batch-size");
    expect_failure(rncl_session_set(session, "batch-size", "0"), RNCL_ERR_USAGE, "not in 1 to 1000000");
    expect_failure(rncl_session_set(session, "arch", "resent"), RNCL_ERR_USAGE, "did you mean resnet?");
    expect_failure(rncl_session_set(session, "json", "on"), RNCL_ERR_USAGE, "command line");
    expect_failure(rncl_session_set(session, "config", "none.ini"), RNCL_ERR_USAGE, "none.ini");
    rncl_session_destroy(session);
}

static void null_is_refused(void **unused)
{
    (void)unused;
    rncl_session *session;
    rncl_trainer *trainer;
    rncl_predictor *predictor;
    char value[RNCL_TEXT_LENGTH];
    expect_ok(rncl_session_create(&session));
    expect_failure(rncl_session_create(NULL), RNCL_ERR_USAGE, "out is NULL");
    expect_failure(rncl_session_set(NULL, "lr", "1"), RNCL_ERR_USAGE, "session is NULL");
    expect_failure(rncl_session_set(session, NULL, "1"), RNCL_ERR_USAGE, "name is NULL");
    expect_failure(rncl_session_set(session, "lr", NULL), RNCL_ERR_USAGE, "value is NULL");
    expect_failure(rncl_session_get(NULL, "lr", value), RNCL_ERR_USAGE, "session is NULL");
    expect_failure(rncl_session_train(NULL, NULL, NULL), RNCL_ERR_USAGE, "session is NULL");
    expect_failure(rncl_session_evaluate(session, NULL), RNCL_ERR_USAGE, "result is NULL");
    expect_failure(rncl_trainer_create(NULL, &trainer), RNCL_ERR_USAGE, "session is NULL");
    assert_null(trainer);
    expect_failure(rncl_predictor_create(NULL, &predictor), RNCL_ERR_USAGE, "session is NULL");
    assert_null(predictor);
    rncl_session_destroy(session);
    rncl_session_destroy(NULL);
    rncl_trainer_destroy(NULL);
    rncl_predictor_destroy(NULL);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void config_is_read_and_set_options_win(void **unused)
{
    (void)unused;
    rncl_session *session;
    char value[RNCL_TEXT_LENGTH];
    expect_ok(rncl_session_create(&session));
    write_text("some.ini", "lr = 0.25\nbatch-size = 64\ndepth = 34\n");
    set(session, "batch-size", "32");
    set(session, "config", "some.ini");
    set(session, "depth", "50");
    expect_ok(rncl_session_get(session, "lr", value));
    assert_string_equal(value, "0.25");
    expect_ok(rncl_session_get(session, "batch-size", value));
    assert_string_equal(value, "32");
    expect_ok(rncl_session_get(session, "depth", value));
    assert_string_equal(value, "50");
    rncl_session_destroy(session);
}

static void a_bad_config_changes_nothing(void **unused)
{
    (void)unused;
    rncl_session *session;
    char value[RNCL_TEXT_LENGTH];
    expect_ok(rncl_session_create(&session));
    write_text("bad.ini", "lr = 0.25\nbatch-size = many\n");
    expect_failure(rncl_session_set(session, "config", "bad.ini"), RNCL_ERR_USAGE, "bad.ini:2");
    expect_ok(rncl_session_get(session, "lr", value));
    assert_string_equal(value, "0.1");
    rncl_session_destroy(session);
}

/* ---- training and evaluating ---- */

static void a_session_trains_twice_without_a_new_folder(void **unused)
{
    (void)unused;
    rncl_session *session = small_session(NULL);
    rncl_train_result first, second;
    set(session, "steps", "2");
    expect_ok(rncl_session_train(session, NULL, &first));
    expect_ok(rncl_session_train(session, NULL, &second));
    assert_string_not_equal(first.run, second.run);
    assert_int_equal(second.steps, 2);
    expect_same_run(first.run, second.run);
    rncl_session_destroy(session);
}

static void a_model_measures_as_in_training(void **unused)
{
    (void)unused;
    rncl_session *session = small_session("measured");
    rncl_train_result trained;
    rncl_evaluation evaluation;
    expect_failure(rncl_session_evaluate(session, &evaluation), RNCL_ERR_USAGE, "model");
    expect_ok(rncl_session_train(session, NULL, &trained));
    set(session, "model", "measured/model.safetensors");
    expect_ok(rncl_session_evaluate(session, &evaluation));
    assert_int_equal(evaluation.images, 2000);
    assert_true(evaluation.loss == trained.val_loss);
    assert_true(evaluation.top1 == trained.val_top1);
    rncl_session_destroy(session);
}

static volatile sig_atomic_t stop;

static void stop_after_four(void *user, const rncl_progress *progress)
{
    (void)user;
    stop = progress->step >= 4;
}

static void a_listener_stops_training_and_it_resumes(void **unused)
{
    (void)unused;
    const rncl_train_listener listener = {.progress = stop_after_four, .stop = &stop};
    rncl_session *session = small_session("stopped"), *whole = small_session("whole"), *rest;
    rncl_train_result result;
    expect_failure(rncl_session_train(session, &listener, &result), RNCL_ERR_INTERRUPTED, "stopped");
    assert_in_range(result.steps, 4, 6);
    assert_string_equal(result.run, "stopped");
    expect_ok(rncl_session_create(&rest));
    set(rest, "resume", "stopped");
    expect_ok(rncl_session_train(rest, NULL, &result));
    assert_int_equal(result.steps, 12);
    expect_ok(rncl_session_train(whole, NULL, NULL));
    expect_same_run("stopped", "whole");
    rncl_session_destroy(session);
    rncl_session_destroy(rest);
    rncl_session_destroy(whole);
}

/* ---- facts ---- */

static void facts_of_networks_are_known(void **unused)
{
    (void)unused;
    rncl_session *session;
    rncl_network_info *info;
    expect_ok(rncl_session_create(&session));
    set(session, "depth", "50");
    expect_ok(rncl_session_network(session, &info));
    assert_string_equal(info->arch, "resnet");
    assert_int_equal(info->parameters, 25557032); /* torchvision's resnet50 */
    assert_int_equal(info->image, 224);
    assert_int_equal(info->classes, 1000);
    assert_in_range(info->macs, 4080000000, 4100000000);
    assert_null(info->labels);
    free(info);
    set(session, "depth", "51");
    expect_failure(rncl_session_network(session, &info), RNCL_ERR_USAGE, "51");
    assert_null(info);
    rncl_session_destroy(session);
}

static void facts_come_from_data_and_from_models(void **unused)
{
    (void)unused;
    rncl_session *session = small_session("labelled");
    rncl_network_info *info;
    set(session, "steps", "1");
    set(session, "data", "shapes");
    expect_ok(rncl_session_network(session, &info));
    assert_int_equal(info->label_count, info->classes);
    const int classes = info->classes;
    char *first = strdup(info->labels[0]);
    free(info);
    expect_ok(rncl_session_train(session, NULL, NULL));
    rncl_session *other;
    expect_ok(rncl_session_create(&other));
    set(other, "model", "labelled/model.safetensors");
    expect_ok(rncl_session_network(other, &info));
    assert_string_equal(info->arch, "cifar-resnet");
    assert_int_equal(info->depth, 8);
    assert_int_equal(info->image, 8);
    assert_int_equal(info->classes, classes);
    assert_string_equal(info->labels[0], first);
    free(info);
    free(first);
    rncl_session_destroy(other);
    rncl_session_destroy(session);
}

/* ---- logs, locales, signals ---- */

static void remarks_go_to_the_log_of_the_session(void **unused)
{
    (void)unused;
    rncl_session *session = small_session("logged"), *silent = small_session("silent");
    set(session, "steps", "1");
    set(silent, "steps", "1");
    logged[0] = '\0';
    rncl_session_set_log(session, &keeper);
    expect_ok(rncl_session_train(silent, NULL, NULL));
    assert_string_equal(logged, "");
    expect_ok(rncl_session_train(session, NULL, NULL));
    assert_non_null(strstr(logged, "run       logged"));
    rncl_session_destroy(session);
    rncl_session_destroy(silent);
}

/* Makes a locale with decimal commas from the files of Debian's package locales. */
static void use_decimal_commas(void)
{
    char command[128];
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>/dev/null", folder);
    setenv("LOCPATH", folder, 1);
    if (system(command) || !setlocale(LC_ALL, "de_DE.UTF-8"))
        skip();
}

static void decimal_commas_of_the_program_change_nothing(void **unused)
{
    (void)unused;
    rncl_session *session = small_session("point"), *other;
    char value[RNCL_TEXT_LENGTH];
    set(session, "lr", "0.1");
    expect_ok(rncl_session_train(session, NULL, NULL));
    use_decimal_commas();
    snprintf(value, sizeof value, "%.1f", 0.5);
    assert_string_equal(value, "0,5");
    other = small_session("comma");
    set(other, "lr", "0.1");
    set(other, "lr-steps", "0.5,0.75");
    expect_ok(rncl_session_get(other, "lr", value));
    assert_string_equal(value, "0.1");
    expect_failure(rncl_session_set(other, "lr", "0,1"), RNCL_ERR_USAGE, "0,1");
    expect_failure(rncl_session_set(other, "weight-decay", "1e31"), RNCL_ERR_USAGE, "not in 0 to 1e+30");
    expect_ok(rncl_session_train(other, NULL, NULL));
    snprintf(value, sizeof value, "%.1f", 0.5);
    assert_string_equal(value, "0,5"); /* and the program's locale is unchanged */
    setlocale(LC_ALL, "C");
    expect_same_run("point", "comma");
    rncl_session_destroy(session);
    rncl_session_destroy(other);
}

static void weights_of_classes_have_points_in_every_locale(void **unused)
{
    (void)unused;
    use_decimal_commas();
    rncl_session *session = small_session("weighed");
    set(session, "steps", "1");
    set(session, "schedule", "step");
    set(session, "lr-steps", "0.25,0.5");
    set(session, "classes", "10");
    set(session, "class-weights", "1.5,1.25,1,1,1,1,1,1,1,1");
    expect_ok(rncl_session_train(session, NULL, NULL));
    setlocale(LC_ALL, "C");
    rncl_session_destroy(session);
}

static void signals_stay_as_the_program_has_them(void **unused)
{
    (void)unused;
    static const int signals[] = {SIGINT, SIGTERM, SIGPIPE, SIGCHLD, SIGSEGV, SIGFPE};
    struct sigaction before[COUNT(signals)], after;
    rncl_session *session = small_session("signals");
    set(session, "steps", "1");
    for (size_t i = 0; i < COUNT(signals); i++)
        sigaction(signals[i], NULL, &before[i]);
    expect_ok(rncl_session_train(session, NULL, NULL));
    for (size_t i = 0; i < COUNT(signals); i++) {
        sigaction(signals[i], NULL, &after);
        assert_true(before[i].sa_handler == after.sa_handler);
    }
    rncl_session_destroy(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_is_read_back_as_it_was_set),
        cmocka_unit_test(what_is_wrong_with_an_option_is_said),
        cmocka_unit_test(null_is_refused),
        cmocka_unit_test(config_is_read_and_set_options_win),
        cmocka_unit_test(a_bad_config_changes_nothing),
        cmocka_unit_test(a_session_trains_twice_without_a_new_folder),
        cmocka_unit_test(a_model_measures_as_in_training),
        cmocka_unit_test(a_listener_stops_training_and_it_resumes),
        cmocka_unit_test(facts_of_networks_are_known),
        cmocka_unit_test(facts_come_from_data_and_from_models),
        cmocka_unit_test(remarks_go_to_the_log_of_the_session),
        cmocka_unit_test(decimal_commas_of_the_program_change_nothing),
        cmocka_unit_test(weights_of_classes_have_points_in_every_locale),
        cmocka_unit_test(signals_stay_as_the_program_has_them),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
