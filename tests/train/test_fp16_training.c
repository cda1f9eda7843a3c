/* Trainings whose tensors are stored as half, on a scaled loss. The CPU's kernels for them need no
 * cl_khr_fp16: it is said to have that, and no pairs of bfloat16. */
#include <math.h>

#include "training.h"
#include "training_test.h"

/* So large that the gradients of the first steps are infinite. */
static const double too_large = 0x1p24;

static void keep_line(void *user, rncl_log_level level, const char *line)
{
    char *text = user;
    (void)level;
    if (strstr(line, "precision ") || strstr(line, "is not taken"))
        snprintf(text, 256, "%s", line);
}

static rncl_context *open_in_fp16(char said[256])
{
    rncl_context *context = open_device();
    context->info.fp16 = true;
    said[0] = '\0';
    context->log = (rncl_log){.write = keep_line, .user = said};
    rncl_precision_request(context, RNCL_PRECISION_FP16_TENSORS);
    if (context->precision == RNCL_PRECISION_FP16_TENSORS)
        return context;
    rncl_context_destroy(context);
    skip();
    return NULL;
}

/* A training and what belongs to it. */
typedef struct session {
    rncl_context *context;
    rncl_options options;
    rncl_training training;
    char said[256];
} session;

static void begin(session *s, rncl_options options)
{
    *s = (session){.context = open_in_fp16(s->said), .options = options};
    s->options.precision = RNCL_PRECISION_FP16_TENSORS;
    s->training = (rncl_training){.context = s->context, .options = &s->options};
    s->context->log.user = s->said;
    expect_ok(rncl_training_open(&s->training, &s->options));
}

static void end(session *s)
{
    rncl_training_close(&s->training);
    rncl_context_destroy(s->context);
}

static void set_scale(rncl_training *t, double scale)
{
    t->state.loss_scale = (rncl_loss_scale){.scale = scale};
    expect_ok(rncl_network_write(t->network, &t->vectors));
}

static float *copy_of_params(rncl_training *t)
{
    const size_t bytes = t->graph->param_floats * sizeof(float);
    float *copy = malloc(bytes);
    assert_non_null(copy);
    expect_ok(rncl_network_read(t->network, &t->vectors));
    memcpy(copy, t->vectors.params, bytes);
    return copy;
}

static bool params_are(rncl_training *t, const float *params)
{
    expect_ok(rncl_network_read(t->network, &t->vectors));
    return !memcmp(params, t->vectors.params, t->graph->param_floats * sizeof *params);
}

static void steps_whose_gradients_overflow_are_not_taken(void **state)
{
    (void)state;
    session s;
    int skipped = 0;
    begin(&s, small_options("overflow"));
    rncl_training *t = &s.training;
    set_scale(t, too_large);
    float *first = copy_of_params(t);
    for (int step = 0; step < 12; step++) {
        const double before = t->state.loss_scale.scale;
        expect_ok(rncl_training_step(t, 1));
        assert_true(isfinite(t->last.loss) && t->last.loss_scale == before);
        skipped += t->last.skipped;
        assert_int_equal(params_are(t, first), skipped == step + 1);
        assert_true(t->state.loss_scale.scale == (t->last.skipped ? before / 2 : before));
    }
    assert_true(skipped > 0 && skipped < 12);
    assert_true(rncl_all_finite(t->vectors.velocity, t->graph->param_floats));
    assert_true(rncl_all_finite(t->vectors.state, t->graph->state_floats));
    assert_non_null(strstr(s.said, "is not taken: its gradients are not finite at a loss scale of "));
    free(first);
    end(&s);
}

/* A power of two changes no bits: only what underflows, which is little here, tells two scales apart. */
static void the_scale_does_not_change_what_is_learnt(void **state)
{
    (void)state;
    double losses[2];
    for (int i = 0; i < 2; i++) {
        session s;
        begin(&s, small_options(i ? "scaled" : "less"));
        set_scale(&s.training, i ? 0x1p12 : 0x1p10);
        expect_ok(rncl_training_step(&s.training, 3));
        assert_false(s.training.last.skipped);
        losses[i] = s.training.last.loss;
        end(&s);
    }
    assert_true(fabs(losses[0] - losses[1]) < 1e-3 * losses[0]);
}

static void the_first_loss_is_that_of_float32(void **state)
{
    (void)state;
    session s;
    begin(&s, small_options("half"));
    expect_ok(rncl_training_step(&s.training, 1));
    const double half = s.training.last.loss / s.training.last.weight;
    end(&s);
    rncl_options options = small_options("float");
    set(&options, "steps", "1");
    expect_ok(train(&options));
    const double exact = last_metric("float/steps.csv", 1);
    assert_true(half != exact);
    assert_true(fabs(half - exact) < 0.005 * exact);
}

/* The scale, too, goes on where it was: it has changed when the run is interrupted, and changes again. */
static void a_resumed_run_has_the_same_bits(void **state)
{
    (void)state;
    session s;
    begin(&s, small_options("whole"));
    set_scale(&s.training, too_large);
    expect_ok(rncl_training_run(&s.training));
    const double last = s.training.state.loss_scale.scale;
    end(&s);
    assert_true(last < too_large);

    begin(&s, small_options("parts"));
    set_scale(&s.training, too_large);
    expect_ok(rncl_training_step(&s.training, 1));
    assert_true(s.training.last.skipped);
    expect_ok(rncl_training_save(&s.training));
    end(&s);
    begin(&s, resume_options("parts"));
    assert_true(s.training.state.loss_scale.scale == too_large / 2);
    expect_ok(rncl_training_run(&s.training));
    assert_true(s.training.state.loss_scale.scale == last);
    end(&s);
    expect_same_run("whole", "parts");
}

/* Weights of the last layer that make gradients larger than halves are, and no loss infinite. */
static void a_run_whose_gradients_no_scale_makes_finite_ends(void **state)
{
    (void)state;
    session s;
    begin(&s, small_options("wild"));
    rncl_training *t = &s.training;
    const rncl_param *weight = &t->graph->params[t->graph->param_count - 2];
    for (size_t i = 0; i < weight->count; i++)
        t->vectors.params[weight->offset + i] *= 1e9f;
    set_scale(t, 2);
    expect_ok(rncl_training_step(t, 1));
    assert_true(t->last.skipped);
    expect_failure(rncl_training_step(t, 1), RNCL_ERR_DIVERGED, "even without a scaled loss");
    end(&s);
}

static void spot_checks_find_nothing(void **state)
{
    (void)state;
    session s;
    rncl_options options = small_options("checked");
    set(&options, "steps", "60");
    set(&options, "eval-every", "10");
    set(&options, "spot-checks", "100");
    begin(&s, options);
    set_scale(&s.training, too_large);
    expect_ok(rncl_training_run(&s.training));
    const rncl_spot_checks_facts facts = rncl_spot_checks_facts_of(s.training.checks);
    assert_true(facts.checks > (int64_t)facts.passes / 2);
    assert_true(facts.worst < 0.9);
    end(&s);
}

static void it_is_refused_where_it_would_be_of_no_use(void **state)
{
    (void)state;
    char said[256];
    rncl_context *context = open_in_fp16(said);
    assert_non_null(strstr(said, "stored as half, and the loss is scaled"));
    context->info.fp16 = false;
    rncl_precision_request(context, RNCL_PRECISION_FP16_TENSORS);
    assert_int_equal(context->precision, RNCL_PRECISION_FP32);
    assert_non_null(strstr(said, "does not have half (cl_khr_fp16), fp32 is used"));
    context->info.fp16 = true;
    setenv("RNCL_MATRIX_UNIT", "nvidia-bf16", 1);
    rncl_precision_request(context, RNCL_PRECISION_FP16_TENSORS);
    assert_int_equal(context->precision, RNCL_PRECISION_FP32);
    assert_non_null(strstr(said, "multiplies bfloat16 (--precision bf16), fp32 is used"));
    setenv("RNCL_MATRIX_UNIT", "off", 1);
    rncl_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_refused_where_it_would_be_of_no_use),
        cmocka_unit_test(steps_whose_gradients_overflow_are_not_taken),
        cmocka_unit_test(the_scale_does_not_change_what_is_learnt),
        cmocka_unit_test(the_first_loss_is_that_of_float32),
        cmocka_unit_test(a_resumed_run_has_the_same_bits),
        cmocka_unit_test(a_run_whose_gradients_no_scale_makes_finite_ends),
        cmocka_unit_test(spot_checks_find_nothing),
    };
    setenv("RNCL_MATRIX_UNIT", "off", 1);
    return cmocka_run_group_tests_name("training in half", tests, make_folder, remove_folder);
}
