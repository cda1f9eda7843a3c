/* A network is made for each batch, and gone before the next. */
#include "batch_search.h"

#include <stdlib.h>
#include <string.h>

#include "automatic.h"
#include "number.h"
#include "planning.h"
#include "random.h"
#include "util.h"

enum { FIRST_BATCH = 8, MOST_BATCHES = 16, FEWEST_STEPS = 3, MOST_STEPS = 20 };

static const double worth = 1.05;                      /* times as fast is what a larger batch is for */
static const uint64_t enough_ns = UINT64_C(500000000); /* of steps, for each batch */

static const double longest_seconds = 30; /* that a batch may take to be measured */

/* So small that the weights stay as good as random. */
static const rncl_update_rule update = {.lr = 1e-6f, .momentum = 0.9f};

int rncl_batch_that_pays(const rncl_batch_speed *speeds, size_t count)
{
    double best = 0;
    for (size_t i = 0; i < count; i++)
        best = MAX(best, speeds[i].images_per_second);
    size_t chosen = 0;
    while (chosen + 1 < count && worth * speeds[chosen].images_per_second < best)
        chosen++;
    return speeds[chosen].batch;
}

/* ---- measuring ---- */

typedef struct material {
    float *images, *params, *state, *velocity;
    int32_t *labels;
} material;

static void free_material(material *m)
{
    free(m->images);
    free(m->params);
    free(m->state);
    free(m->velocity);
    free(m->labels);
}

/* Pictures for the largest batch, and weights. */
static rncl_status make_material(const rncl_training *t, int most, material *m)
{
    const rncl_graph *graph = t->graph;
    size_t floats;
    if (!rncl_size_multiply((size_t)most, rncl_shape_count(graph->tensors[0]), &floats))
        return RNCL_FAIL(RNCL_ERR_USAGE, "a batch of %d is too large", most);
    m->images = calloc(floats, sizeof *m->images);
    m->labels = calloc((size_t)most, sizeof *m->labels);
    m->params = calloc(graph->param_floats, sizeof *m->params);
    m->velocity = calloc(graph->param_floats, sizeof *m->velocity);
    m->state = calloc(graph->state_floats + 1, sizeof *m->state);
    if (!m->images || !m->labels || !m->params || !m->velocity || !m->state)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a batch of %d pictures to measure with", most);
    rncl_random random = rncl_random_stream(t->options->seed, RNCL_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < floats; i++)
        m->images[i] = rncl_random_normal(&random);
    for (int i = 0; i < most; i++)
        m->labels[i] = (int32_t)rncl_random_below(&random, (uint32_t)graph->options.classes);
    rncl_graph_initialise(graph, t->options->seed, m->params, m->state);
    return RNCL_OK;
}

static rncl_status take_step(rncl_network *network, const material *m)
{
    rncl_batch_result ignored;
    RNCL_TRY(rncl_network_train(network, m->images, m->labels, &update));
    return rncl_network_collect(network, &ignored);
}

/* The first step is the one in which drivers compile. */
static rncl_status time_steps(rncl_network *network, const material *m, rncl_batch_speed *speed)
{
    const rncl_network_vectors vectors = {.params = m->params, .state = m->state, .velocity = m->velocity};
    RNCL_TRY(rncl_network_write(network, &vectors));
    RNCL_TRY(take_step(network, m));
    const uint64_t start = rncl_time_ns();
    uint64_t spent = 0;
    int steps = 0;
    while (steps < FEWEST_STEPS || (steps < MOST_STEPS && spent < enough_ns)) {
        RNCL_TRY(take_step(network, m));
        steps++;
        spent = rncl_time_ns() - start;
    }
    speed->images_per_second = 1e9 * speed->batch * steps / (double)MAX(spent, 1);
    return RNCL_OK;
}

static rncl_status measure(rncl_training *t, const material *m, rncl_batch_speed *speed)
{
    rncl_network_setup setup = {.graph = t->graph, .batch_size = speed->batch, .training = true};
    rncl_network *network;
    rncl_planning_apply(t->options, t->store, &setup);
    RNCL_TRY(rncl_network_create(t->context, &setup, &network));
    const rncl_status st = time_steps(network, m, speed);
    rncl_network_destroy(network);
    return st;
}

static void say(const rncl_training *t, const rncl_batch_speed *speeds, size_t count, int batch)
{
    char text[256];
    size_t length = 0;
    for (size_t i = 0; i < count && length < sizeof text; i++)
        length += (size_t)rncl_number_format(text + length, sizeof text - length, "%s%d: %.0f", i ? ", " : "",
                                             speeds[i].batch, speeds[i].images_per_second);
    rncl_log_line(&t->context->log, RNCL_LOG_NOTE, "batch     %d is the largest that pays (images/s: %s)",
                  batch, text);
}

/* Larger batches of a slow network are not looked at. */
static bool takes_too_long(const rncl_batch_speed *before, int batch)
{
    return (1 + FEWEST_STEPS) * batch > longest_seconds * before->images_per_second;
}

static rncl_status search(rncl_training *t, int most, const material *m, int *batch)
{
    rncl_batch_speed speeds[MOST_BATCHES];
    size_t count = 0;
    for (int next = MIN(FIRST_BATCH, most); next <= most && count < MOST_BATCHES; next *= 2) {
        if (rncl_training_stopped(t))
            return RNCL_FAIL(RNCL_ERR_INTERRUPTED, "interrupted before the first step");
        if (count && takes_too_long(&speeds[count - 1], next))
            break;
        speeds[count] = (rncl_batch_speed){.batch = next};
        RNCL_TRY(measure(t, m, &speeds[count]));
        count++;
    }
    *batch = rncl_batch_that_pays(speeds, count);
    say(t, speeds, count, *batch);
    return RNCL_OK;
}

static void clear_away(rncl_training *t, material *m)
{
    free_material(m);
    rncl_store_close(t->store);
    t->store = NULL;
}

rncl_status rncl_batch_search(rncl_training *t, rncl_options *options)
{
    const int most = options->batch_size;
    material m = {0};
    rncl_status st = rncl_training_open_store(t);
    if (!st)
        st = make_material(t, most, &m);
    if (!st)
        st = search(t, most, &m, &options->batch_size);
    clear_away(t, &m);
    rncl_automatic_complete(options, t->inputs.training->info.count);
    return st;
}

rncl_status rncl_batch_measure(rncl_training *t, rncl_batch_speed *speed)
{
    material m = {0};
    rncl_status st = rncl_training_open_store(t);
    if (!st)
        st = make_material(t, speed->batch, &m);
    if (!st)
        st = measure(t, &m, speed);
    clear_away(t, &m);
    return st;
}
