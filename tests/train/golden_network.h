/* A network with the weights and pictures of a golden one (golden/golden_values.h), run on the tests' device:
 * one pass in inference, steps of training. */
#ifndef RNCL_TESTS_TRAIN_GOLDEN_NETWORK_H
#define RNCL_TESTS_TRAIN_GOLDEN_NETWORK_H

#include <math.h>

#include "golden/golden_values.h"
#include "golden/network_golden.h"
#include "network.h"
#include "training_test.h"

static const rncl_update_rule rule = {.momentum = 0.9f, .weight_decay = 1e-4f};

/* rncl's results for one of the golden networks. */
typedef struct outcome {
    const golden_network *golden;
    rncl_network_options options;
    int steps;
    bool begun, ran;
    rncl_graph *graph;
    rncl_network *network;
    float *images;
    int32_t labels[GOLDEN_BATCH];
    float *first, *last;     /* parameters before and after all steps */
    float *velocity, *state; /* after the first step */
    float inference[GOLDEN_BATCH * GOLDEN_CLASSES], training[GOLDEN_BATCH * GOLDEN_CLASSES];
    double loss;
} outcome;

static rncl_context *context;

/* ---- from PyTorch's order of elements to the device's ---- */

/* A parameter's extents; a vector is 1 x 1 x count. */
typedef struct layout {
    size_t in, taps, out;
} layout;

static layout layout_of(const rncl_param *param)
{
    layout l = {.in = 1, .taps = 1, .out = (size_t)param->dims[0]};
    if (param->rank > 1)
        l.in = (size_t)param->dims[1];
    for (int i = 2; i < param->rank; i++)
        l.taps *= (size_t)param->dims[i];
    return l;
}

/* Index in the device's [taps][in][out] of element `index` of PyTorch's [out][in][taps]. */
static size_t place(const layout *l, size_t index)
{
    const size_t tap = index % l->taps, in = index / l->taps % l->in, out = index / l->taps / l->in;
    return (tap * l->in + in) * l->out + out;
}

/* ---- the same start ---- */

static float *new_vector(size_t floats)
{
    float *vector = calloc(floats, sizeof *vector);
    assert_non_null(vector);
    return vector;
}

static void draw_params(const rncl_graph *graph, float *params)
{
    for (size_t i = 0; i < graph->param_count; i++) {
        const rncl_param *param = &graph->params[i];
        const layout l = layout_of(param);
        const golden_source source = golden_source_of(param->name, l.in * l.taps);
        for (size_t k = 0; k < param->count; k++)
            params[param->offset + place(&l, k)] = golden_value(&source, k);
    }
}

static void draw_running(const rncl_graph *graph, float *state)
{
    for (size_t i = 0; i < 2 * graph->running_count; i++) {
        const rncl_running *running = &graph->running[i / 2];
        const bool mean = i % 2 == 0;
        char name[80];
        snprintf(name, sizeof name, "%s.running_%s", running->name, mean ? "mean" : "var");
        const golden_source source = golden_source_of(name, 1);
        float *values = state + (mean ? running->mean_offset : running->variance_offset);
        for (size_t k = 0; k < (size_t)running->channels; k++)
            values[k] = golden_value(&source, k);
    }
}

/* PyTorch's pictures are [batch][channel][row][column]. */
static void draw_batch(const rncl_graph *graph, int step, float *images, int32_t *labels)
{
    char name[32];
    snprintf(name, sizeof name, "pictures %d", step);
    const golden_source source = {golden_stream(name), {0, 0}, 2};
    const size_t channels = (size_t)graph->options.channels;
    const size_t pixels = (size_t)graph->options.image * (size_t)graph->options.image;
    for (size_t i = 0; i < GOLDEN_BATCH * channels * pixels; i++) {
        const size_t picture = i / pixels / channels, channel = i / pixels % channels, pixel = i % pixels;
        images[(picture * pixels + pixel) * channels + channel] = golden_value(&source, i);
    }
    snprintf(name, sizeof name, "labels %d", step);
    for (size_t i = 0; i < GOLDEN_BATCH; i++)
        labels[i] = (int32_t)(golden_hash(golden_stream(name), i) % GOLDEN_CLASSES);
}

/* ---- the run ---- */

static rncl_batch_result collect(rncl_network *network)
{
    rncl_batch_result result;
    expect_ok(rncl_network_collect(network, &result));
    return result;
}

static void infer(outcome *o)
{
    draw_batch(o->graph, 0, o->images, o->labels);
    expect_ok(rncl_network_evaluate(o->network, o->images, o->labels));
    memcpy(o->inference, collect(o->network).logits, sizeof o->inference);
}

static void train_steps(outcome *o)
{
    rncl_update_rule step_rule = rule;
    step_rule.lr = o->golden->lr;
    for (int step = 0; step < o->steps; step++) {
        draw_batch(o->graph, step, o->images, o->labels);
        expect_ok(rncl_network_train(o->network, o->images, o->labels, &step_rule));
        const rncl_batch_result result = collect(o->network);
        if (step > 0)
            continue;
        memcpy(o->training, result.logits, sizeof o->training);
        o->loss = result.loss / result.count;
        expect_ok(rncl_network_read(o->network,
                                    &(rncl_network_vectors){.state = o->state, .velocity = o->velocity}));
    }
    expect_ok(rncl_network_read(o->network, &(rncl_network_vectors){.params = o->last}));
}

/* The setup of every test: the first of each network runs it. */
static int run_once(void **state)
{
    outcome *o = *state;
    if (o->begun)
        return o->ran ? 0 : -1;
    o->begun = true;
    expect_ok(rncl_graph_build(&o->options, &o->graph));
    const rncl_network_setup setup = {.graph = o->graph,
                                      .batch_size = GOLDEN_BATCH,
                                      .micro_batch = GOLDEN_BATCH,
                                      .training = true,
                                      .logits = true};
    expect_ok(rncl_network_create(context, &setup, &o->network));
    o->images = new_vector((size_t)GOLDEN_BATCH * rncl_shape_count(o->graph->tensors[0]));
    o->first = new_vector(o->graph->param_floats);
    o->last = new_vector(o->graph->param_floats);
    o->velocity = new_vector(o->graph->param_floats);
    o->state = new_vector(o->graph->state_floats);
    draw_params(o->graph, o->first);
    draw_running(o->graph, o->state);
    expect_ok(rncl_network_write(
        o->network, &(rncl_network_vectors){.params = o->first, .state = o->state, .velocity = o->velocity}));
    infer(o);
    train_steps(o);
    o->ran = true;
    return 0;
}

/* ---- comparing ---- */

static const golden_tensor *find(const golden_tensor *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(rows[i].name, name))
            return &rows[i];
    fail_msg("PyTorch has no %s", name);
    return NULL;
}

/* Signed sums of one of rncl's tensors, as in golden_tensor. */
typedef struct measured {
    double sums[GOLDEN_SUMS], square; /* of the norm */
} measured;

static void measure(measured *m, size_t index, double value)
{
    golden_add(m->sums, golden_stream("signs"), index, value);
    m->square += value * value;
}

/* Of the golden tensor, estimated: at most twice as long, but once in a thousand times. */
static double distance_from(const golden_tensor *golden, const measured *m)
{
    double squares = 0;
    for (int i = 0; i < GOLDEN_SUMS; i++)
        squares += (m->sums[i] - golden->sums[i]) * (m->sums[i] - golden->sums[i]);
    return sqrt(squares / GOLDEN_SUMS);
}

/* The gradient of a parameter: after the first step the velocity is that plus weight decay. */
static measured gradient_of(const outcome *o, const rncl_param *param)
{
    const layout l = layout_of(param);
    measured m = {0};
    for (size_t k = 0; k < param->count; k++) {
        const size_t at = param->offset + place(&l, k);
        const double decay = (double)rule.weight_decay * (double)o->first[at];
        measure(&m, k, (double)o->velocity[at] - decay);
    }
    return m;
}

static void forget_network(outcome *o)
{
    float *const vectors[] = {o->images, o->first, o->last, o->velocity, o->state};
    for (size_t k = 0; k < COUNT(vectors); k++)
        free(vectors[k]);
    rncl_network_destroy(o->network);
    rncl_graph_destroy(o->graph);
}

#endif
