/* Training that starts from a model (--init) and freezes parts of it (--freeze). */
#include <math.h>

#include "training_test.h"

static const char base[] = "base";

static int train_base(void **state)
{
    if (make_folder(state))
        return -1;
    rncl_options options = small_options(base);
    set(&options, "steps", "2");
    return train(&options) != RNCL_OK;
}

static rncl_options tune_options(const char *out, const char *freeze)
{
    rncl_options options = small_options(out);
    set(&options, "init", "base/model.safetensors");
    set(&options, "schedule", "constant");
    set(&options, "steps", "4");
    set(&options, "weight-decay", "0.1");
    set(&options, "freeze", freeze);
    return options;
}

/* A model file in memory. */
typedef struct model {
    rncl_graph *graph;
    float *params, *state;
} model;

static model load_model(const char *run)
{
    char path[64];
    rncl_network_options network;
    rncl_model_meta meta;
    model m;
    int64_t batches;
    snprintf(path, sizeof path, "%s/model.safetensors", run);
    expect_ok(rncl_model_read_meta(path, &network, &meta));
    rncl_model_meta_fini(&meta);
    expect_ok(rncl_graph_build(&network, &m.graph));
    m.params = calloc(m.graph->param_floats, sizeof *m.params);
    m.state = calloc(m.graph->state_floats, sizeof *m.state);
    assert_true(m.params && m.state);
    expect_ok(rncl_model_load(&(rncl_model_source){.path = path}, m.graph, m.params, m.state, &batches));
    return m;
}

static void free_model(model *m)
{
    free(m->params);
    free(m->state);
    rncl_graph_destroy(m->graph);
}

/* Whether parameters and running statistics of the layers (as --freeze names them), and no others, are the
 * same to the bit in both. */
static void expect_only_these_kept(const char *layers, const model *one, const model *other)
{
    expect_ok(rncl_graph_freeze(one->graph, layers));
    for (size_t i = 0; i < one->graph->node_count; i++) {
        const rncl_node *node = &one->graph->nodes[i];
        if (node->weight < 0)
            continue;
        const rncl_param *weight = &one->graph->params[node->weight];
        const bool same = memcmp(one->params + weight->offset, other->params + weight->offset,
                                 weight->count * sizeof *one->params) == 0;
        if (same != node->frozen)
            fail_msg("%s has %s", node->name, same ? "not changed" : "changed");
        if (node->running < 0)
            continue;
        const rncl_running *running = &one->graph->running[node->running];
        const size_t bytes = (size_t)running->channels * sizeof *one->state;
        assert_int_equal(memcmp(one->state + running->variance_offset,
                                other->state + running->variance_offset, bytes) == 0,
                         node->frozen);
    }
}

static void frozen_layers_stay_and_all_others_learn(void **state)
{
    (void)state;
    static const char *const cases[] = {"conv1,bn1,layer1", "layer2", "conv1,layer2.0.bn1,fc",
                                        "conv1,bn1,layer1,layer2,layer3"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char run[32];
        snprintf(run, sizeof run, "frozen-%zu", i);
        rncl_options options = tune_options(run, cases[i]);
        expect_ok(train(&options));
        model before = load_model(base), after = load_model(run);
        expect_only_these_kept(cases[i], &before, &after);
        free_model(&before);
        free_model(&after);
    }
}

/* Without batch statistics pictures do not depend on each other, so that only rounding may differ. The
 * gradient must also pass through the frozen layers. */
static void with_frozen_norms_micro_batches_train_as_the_whole_batch_does(void **state)
{
    (void)state;
    static const char norms[] =
        "bn1,layer1.0.bn1,layer1.0.bn2,layer2.0.bn1,layer2.0.bn2,layer3.0.bn1,layer3.0.bn2";
    static const char *const runs[] = {"8", "2"};
    double losses[COUNT(runs)];
    for (size_t i = 0; i < COUNT(runs); i++) {
        rncl_options options = tune_options(runs[i], norms);
        set(&options, "micro-batch", runs[i]);
        set(&options, "lr", "0.01");
        expect_ok(train(&options));
        char path[32];
        snprintf(path, sizeof path, "%s/steps.csv", runs[i]);
        losses[i] = last_metric(path, 1);
    }
    assert_true(fabs(losses[0] - losses[1]) < 1e-4 * losses[0]);
}

static void a_frozen_run_stopped_and_resumed_is_bit_identical(void **state)
{
    (void)state;
    rncl_options options = tune_options("whole", "layer1");
    expect_ok(train(&options));
    options = tune_options("stopped", "layer1");
    rncl_train_result result;
    accident stop = {.step = 1};
    assert_int_equal(train_with(&options, &stop, &result), RNCL_ERR_INTERRUPTED);
    options = resume_options("stopped");
    expect_ok(train(&options));
    expect_same_run("whole", "stopped");
}

static void other_classes_keep_everything_but_the_last_layer(void **state)
{
    (void)state;
    rncl_options options = tune_options("classes", "conv1,bn1,layer1,layer2,layer3");
    set(&options, "classes", "12");
    set(&options, "lr", "0");
    expect_ok(train(&options));
    model before = load_model(base), after = load_model("classes");
    const size_t shared = before.graph->params[before.graph->param_count - 2].offset;
    assert_memory_equal(before.params, after.params, shared * sizeof *before.params);
    assert_memory_equal(before.state, after.state, before.graph->state_floats * sizeof *before.state);
    float *fresh = calloc(after.graph->param_floats, sizeof *fresh);
    float *running = calloc(after.graph->state_floats, sizeof *running);
    assert_true(fresh && running);
    rncl_graph_initialise(after.graph, options.seed, fresh, running);
    assert_memory_equal(fresh + shared, after.params + shared,
                        (after.graph->param_floats - shared) * sizeof *fresh);
    free(fresh);
    free(running);
    free_model(&before);
    free_model(&after);
}

static void a_layer_that_there_is_not_is_refused_before_anything_is_written(void **state)
{
    (void)state;
    rncl_options options = tune_options("none", "layer9");
    expect_failure(train(&options), RNCL_ERR_USAGE, "no layer layer9");
    assert_false(rncl_directory_exists("none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frozen_layers_stay_and_all_others_learn),
        cmocka_unit_test(with_frozen_norms_micro_batches_train_as_the_whole_batch_does),
        cmocka_unit_test(a_frozen_run_stopped_and_resumed_is_bit_identical),
        cmocka_unit_test(other_classes_keep_everything_but_the_last_layer),
        cmocka_unit_test(a_layer_that_there_is_not_is_refused_before_anything_is_written),
    };
    return cmocka_run_group_tests_name("fine-tuning", tests, train_base, remove_folder);
}
