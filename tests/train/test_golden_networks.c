/* Whole networks against PyTorch, on any device ($RNCL_TEST_DEVICE): the same weights and pictures, one
 * pass in inference and ten steps of training. Golden values, as signed sums:
 * tests/golden/make_network_golden.py. */
#include "golden_network.h"

/* Fails if the estimated distance from the golden tensor is above half of `bound`: the estimate may be too
 * low. */
static void expect_within(const golden_tensor *golden, const measured *m, double bound)
{
    const double distance = distance_from(golden, m);
    if (!(distance <= bound / 2))
        fail_msg(
            "%s is %.2e away from PyTorch's, with half of %.2e allowed; its norm is %.4g, PyTorch's %.4g",
            golden->name, distance, bound, sqrt(m->square), golden->norm);
}

static void expect_logits(const float *got, const double *golden)
{
    for (size_t i = 0; i < GOLDEN_BATCH * GOLDEN_CLASSES; i++)
        if (!(fabs((double)got[i] - golden[i]) <= 1e-4))
            fail_msg("logit %zu is %.9g, PyTorch's %.9g", i, (double)got[i], golden[i]);
}

static void logits_of_inference_are_pytorchs(void **state)
{
    const outcome *o = *state;
    expect_logits(o->inference, o->golden->inference);
}

static void logits_of_training_are_pytorchs(void **state)
{
    const outcome *o = *state;
    expect_logits(o->training, o->golden->training);
}

static void the_loss_is_pytorchs(void **state)
{
    const outcome *o = *state;
    assert_true(fabs(o->loss - o->golden->loss) <= 1e-5 * o->golden->loss);
}

static void every_gradient_is_pytorchs(void **state)
{
    const outcome *o = *state;
    for (size_t i = 0; i < o->graph->param_count; i++) {
        const rncl_param *param = &o->graph->params[i];
        const golden_tensor *golden = find(o->golden->gradient, o->graph->param_count, param->name);
        const measured m = gradient_of(o, param);
        expect_within(golden, &m, 1e-3 * golden->norm);
    }
}

/* The distance of a vector bounds that of each element. */
static void running_statistics_are_pytorchs(void **state)
{
    const outcome *o = *state;
    const size_t count = 2 * o->graph->running_count;
    for (size_t i = 0; i < count; i++) {
        const rncl_running *running = &o->graph->running[i / 2];
        const bool mean = i % 2 == 0;
        const float *values = o->state + (mean ? running->mean_offset : running->variance_offset);
        char name[80];
        snprintf(name, sizeof name, "%s.running_%s", running->name, mean ? "mean" : "var");
        measured m = {0};
        for (size_t k = 0; k < (size_t)running->channels; k++)
            measure(&m, k, (double)values[k]);
        expect_within(find(o->golden->running, count, name), &m, 1e-5);
    }
}

/* Ten steps change most weights little, so that the changes are compared too. Where rounding decides whether
 * a value passes a ReLU, these are up to 2.7 % apart in ResNet-50: with transforms whose constants differ in
 * the last bit, 0.2 to 2.7 %. */
static void weights_after_ten_steps_are_pytorchs(void **state)
{
    const outcome *o = *state;
    for (size_t i = 0; i < o->graph->param_count; i++) {
        const rncl_param *param = &o->graph->params[i];
        const golden_tensor *golden = find(o->golden->update, o->graph->param_count, param->name);
        const layout l = layout_of(param);
        measured m = {0};
        double square = 0;
        for (size_t k = 0; k < param->count; k++) {
            const size_t at = param->offset + place(&l, k);
            measure(&m, k, (double)o->last[at] - (double)o->first[at]);
            square += (double)o->last[at] * (double)o->last[at];
        }
        expect_within(golden, &m, 1e-3 * sqrt(square));
        expect_within(golden, &m, 0.1 * golden->norm);
    }
}

/* ---- the program ---- */

static outcome outcomes[] = {
    {.golden = &golden_networks[0],
     .options = {.depth = 18, .image = 64, .classes = GOLDEN_CLASSES},
     .steps = GOLDEN_STEPS},
    {.golden = &golden_networks[1],
     .options = {.depth = 50, .image = 64, .classes = GOLDEN_CLASSES},
     .steps = GOLDEN_STEPS},
    {.golden = &golden_networks[2],
     .steps = GOLDEN_STEPS,
     .options = {.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 20, .shortcut = RNCL_SHORTCUT_A}},
};

static int open_context(void **state)
{
    (void)state;
    context = open_device();
    return 0;
}

static int close_context(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(outcomes); i++)
        forget_network(&outcomes[i]);
    rncl_context_destroy(context);
    return 0;
}

#define TEST(network, behaviour)                                                                             \
    {                                                                                                        \
#network ": " #behaviour, behaviour, run_once, NULL, &outcomes[network]                              \
    }
#define TESTS(network)                                                                                       \
    TEST(network, logits_of_inference_are_pytorchs), TEST(network, logits_of_training_are_pytorchs),         \
        TEST(network, the_loss_is_pytorchs), TEST(network, every_gradient_is_pytorchs),                      \
        TEST(network, running_statistics_are_pytorchs), TEST(network, weights_after_ten_steps_are_pytorchs)

int main(void)
{
    enum { resnet18, resnet50, cifar20 };
    const struct CMUnitTest tests[] = {TESTS(resnet18), TESTS(resnet50), TESTS(cifar20)};
    return cmocka_run_group_tests(tests, open_context, close_context);
}
