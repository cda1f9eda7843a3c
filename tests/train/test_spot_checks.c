/* What spot checks look at, in trainings that compute rightly. tests/faults has those that do not. */
#include "training.h"
#include "training_test.h"

/* All kinds of layers and of passes, of which each run has some. */
static const struct {
    const char *name;
    const char *options[5][2];
} runs[] = {
    {"plain", {{"augment", "none"}}},
    {"all", {{"mixup", "0.2"}, {"ema", "0.9"}, {"micro-batch", "2"}, {"label-smoothing", "0.1"}}},
    {"frozen", {{"freeze", "layer2"}, {"class-weights", "balanced"}}},
    {"pooled", {{"arch", "resnet"}, {"depth", "18"}, {"image", "16"}, {"steps", "3"}}},
};

static rncl_options options_of(size_t run, const char *suffix)
{
    char out[64];
    snprintf(out, sizeof out, "%s-%s", runs[run].name, suffix);
    rncl_options options = small_options(out);
    for (size_t i = 0; i < COUNT(runs[run].options) && runs[run].options[i][0]; i++)
        set(&options, runs[run].options[i][0], runs[run].options[i][1]);
    return options;
}

/* The passes that were enqueued, each once. */
typedef struct seen {
    size_t count;
    const rncl_op *ops[1024];
    int passes[1024];
} seen;

static rncl_status see(void *user, const rncl_pass_at *at)
{
    seen *s = user;
    assert_true(at->turn >= 0 && at->turn < at->turns);
    for (size_t i = 0; i < s->count; i++)
        if (s->ops[i] == at->op && s->passes[i] == at->pass)
            return RNCL_OK;
    assert_true(s->count < COUNT(s->ops));
    s->ops[s->count] = at->op;
    s->passes[s->count++] = at->pass;
    return RNCL_OK;
}

static void a_round_looks_at_every_pass_of_a_step(void **state)
{
    (void)state;
    rncl_context *context = open_device();
    for (size_t i = 0; i < COUNT(runs); i++) {
        rncl_options options = options_of(i, "seen");
        rncl_training t = {.context = context, .options = &options};
        rncl_spot_checks *checks;
        seen s = {0};
        expect_ok(rncl_training_open(&t, &options));
        expect_ok(rncl_spot_checks_create(t.network, 1, 1, &checks));
        rncl_network_observe(t.network, (rncl_pass_observer){.look = see, .user = &s});
        expect_ok(rncl_training_step(&t, 1));
        assert_int_equal(rncl_spot_checks_facts_of(checks).passes, s.count);
        rncl_training_close(&t);
        rncl_spot_checks_destroy(checks);
    }
    rncl_context_destroy(context);
}

/* Enough steps to look at each pass, but for the network that is slow. */
static void spot_checks_change_nothing_and_find_nothing(void **state)
{
    (void)state;
    rncl_context *context = open_device();
    for (size_t i = 0; i < COUNT(runs); i++) {
        rncl_options options = options_of(i, "without");
        const bool slow = options.network.arch == RNCL_ARCH_RESNET;
        char command[128];
        if (!slow)
            set(&options, "steps", "150");
        set(&options, "eval-every", "10");
        rncl_options checked = options;
        snprintf(checked.out, sizeof checked.out, "%s-with", runs[i].name);
        set(&checked, "spot-checks", "100");
        expect_ok(train(&options));
        rncl_training t = {.context = context, .options = &checked};
        expect_ok(rncl_training_open(&t, &checked));
        expect_ok(rncl_training_run(&t));
        const rncl_spot_checks_facts facts = rncl_spot_checks_facts_of(t.checks);
        assert_true(facts.checks > (slow ? 0 : (int64_t)facts.passes));
        assert_true(facts.worst < 0.5);
        rncl_training_close(&t);
        snprintf(command, sizeof command, "cd %s-with && cmp steps.csv ../%s-without/steps.csv", runs[i].name,
                 runs[i].name);
        assert_int_equal(system(command), 0);
    }
    rncl_context_destroy(context);
}

/* Weights of 1e20 and more: the variances of the first batch normalisation overflow as floats, and do not in
 * the reference. That is a divergence, and no device that computes wrongly. */
static void a_divergence_is_no_wrong_result(void **state)
{
    (void)state;
    rncl_context *context = open_device();
    rncl_options options = small_options("wild");
    set(&options, "lr", "1e22");
    set(&options, "spot-checks", "100");
    rncl_training t = {.context = context, .options = &options};
    expect_ok(rncl_training_open(&t, &options));
    expect_ok(rncl_training_step(&t, 1));
    const int64_t before = rncl_spot_checks_facts_of(t.checks).checks;
    rncl_spot_checks_repeat(t.checks, (rncl_spot_check){.pass = 2});
    const rncl_status st = rncl_training_step(&t, 1);
    assert_true(st == RNCL_OK || st == RNCL_ERR_DIVERGED);
    assert_true(rncl_spot_checks_facts_of(t.checks).checks == before + 1);
    rncl_training_close(&t);
    rncl_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_looks_at_every_pass_of_a_step),
        cmocka_unit_test(spot_checks_change_nothing_and_find_nothing),
        cmocka_unit_test(a_divergence_is_no_wrong_result),
    };
    return cmocka_run_group_tests_name("spot checks", tests, make_folder, remove_folder);
}
