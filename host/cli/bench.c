/* rncl bench: full training steps on random images, or forward passes, timed as a user meets them; then a few
 * more for the time of each layer. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_layers.h"
#include "bench_peak.h"
#include "bench_roofline.h"
#include "command.h"
#include "console.h"
#include "file.h"
#include "host_memory.h"
#include "network.h"
#include "planning.h"
#include "plot.h"
#include "profile.h"
#include "program.h"
#include "random.h"
#include "table.h"
#include "util.h"

/* A rate so small that the weights stay as good as random, however many steps are timed. */
static const rncl_update_rule update = {.lr = 1e-6f, .momentum = 0.9f, .weight_decay = 1e-4f};

typedef struct bench {
    const rncl_options *options;
    rncl_context *context;
    rncl_graph *graph;
    rncl_network *network;
    rncl_store *store;
    float *images;
    int32_t *labels;
    double *step_ms; /* of each timed step; sorted when all are there */
    int steps;
    rncl_layer_time *layers;
    size_t layer_count;
    rncl_peak peak;
} bench;

static rncl_status fill_batch(bench *b)
{
    const size_t batch = (size_t)b->options->batch_size;
    size_t floats, size_bytes;
    if (!rncl_size_multiply(batch, rncl_shape_count(b->graph->tensors[0]), &floats) ||
        !rncl_size_multiply(floats, sizeof *b->images, &size_bytes))
        return RNCL_FAIL(RNCL_ERR_USAGE, "--batch-size %d is too large", b->options->batch_size);
    b->images = rncl_host_memory_create(b->context, size_bytes);
    b->labels = calloc(batch, sizeof *b->labels);
    if (!b->images || !b->labels)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "batch of %zu images; give a smaller --batch-size", batch);
    rncl_random random = rncl_random_stream(b->options->seed, RNCL_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < floats; i++)
        b->images[i] = rncl_random_normal(&random);
    for (size_t i = 0; i < batch; i++)
        b->labels[i] = (int32_t)rncl_random_below(&random, (uint32_t)b->graph->options.classes);
    return RNCL_OK;
}

static rncl_status write_weights(bench *b)
{
    const size_t floats = b->graph->param_floats;
    float *params = calloc(floats, sizeof *params);
    float *velocity = b->options->inference ? NULL : calloc(floats, sizeof *velocity);
    float *state = calloc(b->graph->state_floats + 1, sizeof *state);
    rncl_status st;
    if (params && state && (velocity || b->options->inference)) {
        rncl_graph_initialise(b->graph, b->options->seed, params, state);
        const rncl_network_vectors vectors = {.params = params, .state = state, .velocity = velocity};
        st = rncl_network_write(b->network, &vectors);
    } else {
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "%zu parameters", floats);
    }
    free(params);
    free(state);
    free(velocity);
    return st;
}

static rncl_status submit(bench *b)
{
    return b->options->inference ? rncl_network_evaluate(b->network, b->images, b->labels)
                                 : rncl_network_train(b->network, b->images, b->labels, &update);
}

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Steps follow each other as in training: the next is enqueued before the last is waited for. The first is
 * the warm-up, in which drivers compile what they have put off. */
static rncl_status time_steps(bench *b)
{
    rncl_batch_result ignored;
    b->step_ms = calloc((size_t)b->steps, sizeof *b->step_ms);
    if (!b->step_ms)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "times of %d steps", b->steps);
    RNCL_TRY(submit(b));
    RNCL_TRY(rncl_network_collect(b->network, &ignored));
    uint64_t before = rncl_time_ns();
    RNCL_TRY(submit(b));
    for (int i = 0; i < b->steps; i++) {
        if (i + 1 < b->steps)
            RNCL_TRY(submit(b));
        RNCL_TRY(rncl_network_collect(b->network, &ignored));
        const uint64_t now = rncl_time_ns();
        b->step_ms[i] = (double)(now - before) / 1e6;
        before = now;
    }
    qsort(b->step_ms, (size_t)b->steps, sizeof *b->step_ms, compare_doubles);
    return RNCL_OK;
}

/* Steps with every launch timed; apart from the others, since events cost time. */
static rncl_status time_layers(bench *b)
{
    rncl_batch_result ignored;
    RNCL_TRY(rncl_profile_start(b->context));
    for (int i = 0; i < RNCL_PROFILED_STEPS; i++) {
        RNCL_TRY(submit(b));
        RNCL_TRY(rncl_network_collect(b->network, &ignored));
    }
    RNCL_TRY(rncl_profile_collect(b->context));
    return rncl_layer_times(b->context, b->graph, b->network, &b->layers, &b->layer_count);
}

static double total_ms(const bench *b)
{
    double total = 0;
    for (int i = 0; i < b->steps; i++)
        total += b->step_ms[i];
    return total;
}

static double images_per_second(const bench *b)
{
    return 1e3 * b->options->batch_size * b->steps / total_ms(b);
}

/* The direct method's multiply-adds, two operations each, in training three times: forward and the two
 * gradients. */
static double effective_gflops(const bench *b)
{
    const int passes = b->options->inference ? 1 : 3;
    return passes * 2 * (double)rncl_graph_total(b->graph).macs * images_per_second(b) / 1e9;
}

static double compile_ms(const bench *b)
{
    return (double)rncl_program_cache_statistics(b->context).time_ns / 1e6;
}

static json_t *describe_layers(const bench *b)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < b->layer_count; i++) {
        const rncl_layer_time *layer = &b->layers[i];
        json_t *row =
            json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "name", layer->name, "op", layer->op,
                      "pass", layer->pass, "algorithm", layer->algorithm, "ms", rncl_json_number(layer->ms),
                      "gflops", layer->gflops > 0 ? rncl_json_number(layer->gflops) : json_null(), "least_mb",
                      rncl_json_number(layer->least_mb), "moved_mb",
                      layer->moved_mb > 0 ? rncl_json_number(layer->moved_mb) : json_null());
        if (json_array_append_new(layers, row) != 0) {
            json_decref(layers);
            return NULL;
        }
    }
    return layers;
}

static rncl_status print_json(const bench *b)
{
    const rncl_network_facts *facts = rncl_network_facts_of(b->network);
    return rncl_json_print(json_pack(
        "{s:s, s:i, s:i, s:i, s:I, s:{s:o, s:o, s:o}, s:o, s:I, s:o, s:s, s:o, s:o, s:o, s:o}", "device",
        b->context->info.name, "batch_size", facts->batch_size, "micro_batch", facts->micro_batch, "image",
        b->graph->options.image, "parameters", (json_int_t)rncl_graph_total(b->graph).parameters, "step_ms",
        "min", rncl_json_number(b->step_ms[0]), "median", rncl_json_number(b->step_ms[b->steps / 2]), "max",
        rncl_json_number(b->step_ms[b->steps - 1]), "images_per_second",
        rncl_json_number(images_per_second(b)), "device_memory", (json_int_t)facts->device_bytes,
        "compile_ms", rncl_json_number(compile_ms(b)), "tuning", rncl_planning_verdict(facts), "peak_gflops",
        rncl_json_number(b->peak.gflops), "peak_bandwidth_gbs", rncl_json_number(b->peak.bandwidth_gbs),
        "effective_gflops", rncl_json_number(effective_gflops(b)), "layers", describe_layers(b)));
}

static rncl_status print_layer_table(const bench *b)
{
    rncl_table *table;
    RNCL_TRY(rncl_table_create("layer\tpass\tkernel\tms\tfloor\tGFLOP/s\tof peak", "lllrrrr", &table));
    rncl_status st = RNCL_OK;
    for (size_t i = 0; i < b->layer_count && !st; i++) {
        const rncl_layer_time *layer = &b->layers[i];
        char gflops[48] = "\t", floor[24] = "";
        if (layer->least_mb > 0)
            snprintf(floor, sizeof floor, "%.2f", rncl_roofline_floor_ms(layer, &b->peak));
        if (layer->gflops > 0)
            snprintf(gflops, sizeof gflops, "%.1f\t%.0f %%", layer->gflops,
                     100 * layer->gflops / b->peak.gflops);
        st = rncl_table_add(table, "%.22s\t%s\t%s\t%.2f\t%s\t%s", layer->name, layer->pass,
                            layer->algorithm[0] ? layer->algorithm : layer->op, layer->ms, floor, gflops);
    }
    if (!st)
        rncl_table_print(table, stdout);
    rncl_table_destroy(table);
    return st;
}

/* Batch normalisation with the additions in it, and pooling: what takes the memory's time. */
static void print_moved(const bench *b)
{
    double moved = 0, least = 0;
    for (size_t i = 0; i < b->layer_count; i++) {
        moved += b->layers[i].moved_mb;
        least += b->layers[i].moved_mb > 0 ? b->layers[i].least_mb : 0;
    }
    if (moved > 0)
        printf("normalisation    %.1f MB a step with additions, pooling; least %.1f MB\n", moved, least);
}

static rncl_status explain(const bench *b)
{
    RNCL_TRY(rncl_roofline_print(b->layers, b->layer_count, &b->peak));
    RNCL_TRY(
        rncl_roofline_draw(b->options->explain, b->context->info.name, b->layers, b->layer_count, &b->peak));
    printf("\nroofline         %s\n", b->options->explain);
    return RNCL_OK;
}

static rncl_status print_text(const bench *b)
{
    const rncl_network_facts *facts = rncl_network_facts_of(b->network);
    RNCL_TRY(b->options->explain[0] ? explain(b) : print_layer_table(b));
    printf("\ndevice           %s\n", b->context->info.name);
    printf("batch            %d in micro-batches of %d, images of %d pixels\n", facts->batch_size,
           facts->micro_batch, b->graph->options.image);
    printf("step             %.2f ms (median of %d; %.2f to %.2f)\n", b->step_ms[b->steps / 2], b->steps,
           b->step_ms[0], b->step_ms[b->steps - 1]);
    printf("throughput       %.1f images/s, %.1f GFLOP/s (a multiply-add is 2)\n", images_per_second(b),
           effective_gflops(b));
    if (b->context->binaries)
        printf("device peak      not measured: its kernel is not among kernel binaries\n");
    else
        printf("device peak      %.0f GFLOP/s, reads %.1f GB/s\n", b->peak.gflops, b->peak.bandwidth_gbs);
    print_moved(b);
    printf("device memory    %.1f MiB\n", (double)facts->device_bytes / (1 << 20));
    printf("compiling        %.0f ms\n", compile_ms(b));
    printf("tuning           %s\n", rncl_planning_verdict(facts));
    return RNCL_OK;
}

/* A board would have to be reprogrammed for it. */
static rncl_status measure_peak(bench *b)
{
    if (!b->context->binaries)
        return rncl_peak_measure(b->context, &b->peak);
    b->peak = (rncl_peak){INFINITY, INFINITY};
    if (b->options->explain[0])
        return RNCL_FAIL(RNCL_ERR_USAGE, "--explain measures the device by a kernel that is not among "
                                         "--kernel-binaries; leave one of them out");
    return RNCL_OK;
}

static rncl_status measure(bench *b)
{
    const rncl_options *options = b->options;
    RNCL_TRY(rncl_graph_build(&options->network, &b->graph));
    rncl_graph_align(b->graph, b->context->info.address_alignment);
    RNCL_TRY(fill_batch(b));
    /* Before the network, so that its memory is free again when that wants it. */
    RNCL_TRY(measure_peak(b));
    rncl_network_setup setup = {
        .graph = b->graph,
        .batch_size = options->batch_size,
        .micro_batch = options->micro_batch,
        .training = !options->inference,
    };
    rncl_planning_apply(options, b->store, &setup);
    RNCL_TRY(rncl_network_create(b->context, &setup, &b->network));
    RNCL_TRY(write_weights(b));
    RNCL_TRY(time_steps(b));
    return time_layers(b);
}

static void bench_fini(bench *b)
{
    rncl_network_destroy(b->network);
    rncl_graph_destroy(b->graph);
    rncl_host_memory_destroy(b->context, b->images);
    free(b->labels);
    free(b->step_ms);
    free(b->layers);
    rncl_store_close(b->store);
    rncl_context_destroy(b->context);
}

rncl_status rncl_bench_run(rncl_options *options)
{
    if (options->steps < 1)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--steps %d: rncl bench times at least one step", options->steps);
    if (options->explain[0]) {
        RNCL_TRY(rncl_plot_check(options->explain));
        RNCL_TRY(rncl_file_try(options->explain));
    }
    rncl_console console;
    rncl_console_init(&console, options);
    bench b = {.options = options, .steps = options->steps};
    rncl_status st = rncl_console_open_device(&console, options, &b.context);
    if (!st)
        st = rncl_store_open(&b.context->info, b.context->precision, &console.log, &b.store);
    if (!st)
        st = measure(&b);
    rncl_meter_clear(&console.meter);
    if (!st)
        st = options->json ? print_json(&b) : print_text(&b);
    bench_fini(&b);
    return st;
}
