/* Small trainings for tests: the smallest network on a few drawn pictures, on any device ($RNCL_TEST_DEVICE).
 */
#ifndef TESTS_TRAIN_TRAINING_TEST_H
#define TESTS_TRAIN_TRAINING_TEST_H

#include <signal.h>

#include "model.h"
#include "train_test.h"
#include "trainer.h"

static inline void set(rncl_options *options, const char *name, const char *text)
{
    expect_ok(rncl_options_set(options, rncl_option_find(name, ~0u), text, RNCL_FROM_COMMAND_LINE));
}

/* Twelve steps of 8 pictures, evaluated every second step; the learning rate drops as soon as an
 * evaluation is not better. */
static inline rncl_options small_options(const char *out)
{
    static const char *const given[][2] = {
        {"arch", "cifar-resnet"}, {"depth", "8"},         {"image", "8"},    {"batch-size", "8"},
        {"steps", "12"},          {"eval-every", "8e-4"}, {"patience", "1"}, {"augment", "cifar"},
        {"workers", "2"},         {"lr", "0.1"},
    };
    rncl_options options;
    rncl_options_init(&options);
    for (size_t i = 0; i < COUNT(given); i++)
        set(&options, given[i][0], given[i][1]);
    if (out)
        set(&options, "out", out);
    return options;
}

static inline rncl_options resume_options(const char *run)
{
    rncl_options options;
    rncl_options_init(&options);
    set(&options, "resume", run);
    return options;
}

static inline rncl_context *open_device(void)
{
    rncl_device_list *list;
    const rncl_device *device;
    rncl_context *context;
    expect_ok(rncl_device_list_create(NULL, &list));
    expect_ok(rncl_device_choose(list, getenv("RNCL_TEST_DEVICE"), &device));
    expect_ok(rncl_context_create(device, NULL, &context));
    rncl_device_list_destroy(list);
    return context;
}

/* A stop or kill after a step. */
typedef struct accident {
    int64_t step; /* 0: never */
    bool kill;    /* kills the process instead of asking it to stop */
    volatile sig_atomic_t stop;
    int64_t reports, evaluations;
    rncl_progress last;
} accident;

static inline void on_progress(void *user, const rncl_progress *progress)
{
    accident *a = user;
    a->last = *progress;
    a->reports++;
    a->evaluations += progress->evaluated;
    if (a->step && progress->step >= a->step) {
        if (a->kill)
            raise(SIGKILL);
        a->stop = 1;
    }
}

static inline rncl_status train_with(rncl_options *options, accident *a, rncl_train_result *result)
{
    const rncl_train_listener listener = {.progress = on_progress, .user = a, .stop = &a->stop};
    rncl_context *context = open_device();
    const rncl_status st = rncl_train(context, options, &listener, NULL, result);
    rncl_context_destroy(context);
    return st;
}

static inline rncl_status train(rncl_options *options)
{
    accident none = {0};
    rncl_train_result result;
    return train_with(options, &none, &result);
}

static inline void expect_same_file(const char *one, const char *other)
{
    rncl_contents a, b;
    expect_ok(rncl_file_read(one, &a));
    expect_ok(rncl_file_read(other, &b));
    assert_int_equal(a.size_bytes, b.size_bytes);
    assert_memory_equal(a.data, b.data, a.size_bytes);
    rncl_contents_free(&a);
    rncl_contents_free(&b);
}

/* The file without the columns that contain times. The caller frees. */
static inline char *read_metrics(const char *path)
{
    char *text = read_text(path), *to = text;
    for (char *line = text; *line;) {
        char *end = strchr(line, '\n'), *last = end;
        assert_non_null(end);
        for (int commas = 0; commas < 2; commas += *last == ',')
            last--;
        memmove(to, line, (size_t)(last - line));
        to += last - line;
        *to++ = '\n';
        line = end + 1;
    }
    *to = '\0';
    return text;
}

/* Expects two run folders to be equal, except for times. */
static inline void expect_same_run(const char *one, const char *other)
{
    static const char *const names[] = {"model.safetensors", "best.safetensors", "steps.csv"};
    char a[64], b[64];
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(a, sizeof a, "%s/%s", one, names[i]);
        snprintf(b, sizeof b, "%s/%s", other, names[i]);
        expect_same_file(a, b);
    }
    snprintf(a, sizeof a, "%s/metrics.csv", one);
    snprintf(b, sizeof b, "%s/metrics.csv", other);
    char *first = read_metrics(a), *second = read_metrics(b);
    assert_string_equal(first, second);
    free(first);
    free(second);
}

/* A model file as the vectors of its network; the caller frees. */
static inline float *load_params(const char *path, size_t *count, int64_t *batches_tracked)
{
    rncl_network_options network;
    rncl_model_meta meta;
    rncl_graph *graph;
    expect_ok(rncl_model_read_meta(path, &network, &meta));
    assert_true(meta.has_network);
    rncl_model_meta_fini(&meta);
    expect_ok(rncl_graph_build(&network, &graph));
    float *params = calloc(graph->param_floats, sizeof *params);
    float *running = calloc(graph->state_floats, sizeof *running);
    assert_true(params && running);
    expect_ok(rncl_model_load(&(rncl_model_source){.path = path}, graph, params, running, batches_tracked));
    *count = graph->param_floats;
    free(running);
    rncl_graph_destroy(graph);
    return params;
}

/* A copy of a model file with another value in the bias of its last layer. */
static inline void change_last_bias(const char *from, const char *to, float value)
{
    rncl_network_options network;
    rncl_model_meta meta;
    rncl_graph *graph;
    size_t count;
    int64_t batches_tracked;
    expect_ok(rncl_model_read_meta(from, &network, &meta));
    expect_ok(rncl_graph_build(&network, &graph));
    float *params = load_params(from, &count, &batches_tracked);
    float *running = calloc(graph->state_floats, sizeof *running);
    assert_non_null(running);
    expect_ok(rncl_model_load(&(rncl_model_source){.path = from}, graph, params, running, &batches_tracked));
    params[graph->params[graph->param_count - 1].offset] = value;
    expect_ok(rncl_model_save(to, graph, &meta, params, running, batches_tracked));
    free(params);
    free(running);
    rncl_graph_destroy(graph);
    rncl_model_meta_fini(&meta);
}

/* Field `column` of the last row. */
static inline double last_metric(const char *path, int column)
{
    char *text = read_text(path);
    text[strlen(text) - 1] = '\0';
    const char *field = strrchr(text, '\n') + 1;
    for (int i = 0; i < column; i++)
        field = strchr(field, ',') + 1;
    const double value = atof(field);
    free(text);
    return value;
}

static inline int count_lines(const char *path)
{
    char *text = read_text(path);
    int lines = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    free(text);
    return lines;
}

#endif
