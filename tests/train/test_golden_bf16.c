/* Whole networks in --precision bf16: logits and gradients of the first step are no farther from double
 * precision than those of PyTorch's autocast, but for a half. On any device that stores bfloat16
 * ($RNCL_TEST_DEVICE). */
#include "golden_network.h"

/* Relative distances of logits, and of gradients: the root of the mean square of all tensors'. */
typedef struct golden_bf16 {
    const char *name;
    double logits, gradient;
} golden_bf16;

#include "golden/network_bf16_golden.h"

static const double allowed = 1.5;

static outcome outcomes[] = {
    {.golden = &golden_networks[0],
     .steps = 1,
     .options = {.depth = 18, .image = 64, .classes = GOLDEN_CLASSES}},
    {.golden = &golden_networks[1],
     .steps = 1,
     .options = {.depth = 50, .image = 64, .classes = GOLDEN_CLASSES}},
    {.golden = &golden_networks[2],
     .steps = 1,
     .options = {.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 20, .shortcut = RNCL_SHORTCUT_A}},
};

static void expect_at_most(const outcome *o, const char *what, double ours, double pytorchs)
{
    print_message("# %s: %s %.4f away, PyTorch's %.4f\n", o->golden->name, what, ours, pytorchs);
    if (!(ours <= allowed * pytorchs))
        fail_msg("%s: %s are %.4f away from double precision, PyTorch's %.4f", o->golden->name, what, ours,
                 pytorchs);
}

static const golden_bf16 *pytorchs(const outcome *o)
{
    return &golden_bf16_networks[o - outcomes];
}

static void logits_are_as_near_as_pytorchs(void **state)
{
    const outcome *o = *state;
    double difference = 0, norm = 0;
    if (context->precision != RNCL_PRECISION_BF16_TENSORS)
        skip();
    for (size_t i = 0; i < COUNT(o->training); i++) {
        difference += pow((double)o->training[i] - o->golden->training[i], 2);
        norm += pow(o->golden->training[i], 2);
    }
    expect_at_most(o, "logits", sqrt(difference / norm), pytorchs(o)->logits);
}

static void gradients_are_as_near_as_pytorchs(void **state)
{
    const outcome *o = *state;
    double squares = 0;
    if (context->precision != RNCL_PRECISION_BF16_TENSORS)
        skip();
    for (size_t i = 0; i < o->graph->param_count; i++) {
        const rncl_param *param = &o->graph->params[i];
        const golden_tensor *golden = find(o->golden->gradient, o->graph->param_count, param->name);
        const measured m = gradient_of(o, param);
        squares += pow(distance_from(golden, &m) / golden->norm, 2);
    }
    expect_at_most(o, "gradients", sqrt(squares / (double)o->graph->param_count), pytorchs(o)->gradient);
}

static int open_context(void **state)
{
    (void)state;
    context = open_device();
    rncl_precision_request(context, RNCL_PRECISION_BF16_TENSORS);
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

#define TESTS(network)                                                                                       \
    {#network ": logits_are_as_near_as_pytorchs", logits_are_as_near_as_pytorchs, run_once, NULL,            \
     &outcomes[network]},                                                                                    \
    {                                                                                                        \
#network ": gradients_are_as_near_as_pytorchs", gradients_are_as_near_as_pytorchs, run_once, NULL,   \
            &outcomes[network]                                                                               \
    }

int main(void)
{
    enum { resnet18, resnet50, cifar20 };
    const struct CMUnitTest tests[] = {TESTS(resnet18), TESTS(resnet50), TESTS(cifar20)};
    return cmocka_run_group_tests(tests, open_context, close_context);
}
