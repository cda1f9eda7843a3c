/* The lines before the first step. */
#include "announce.h"

#include <inttypes.h>
#include <string.h>

#include "automatic.h"
#include "planning.h"

/* Room for names behind the label in a line of 80 columns, beside what else such lines hold. */
enum { NAME_ROOM = 32 };

static void say(const rncl_training *t, const char *label, const char *text)
{
    rncl_log_line(&t->context->log, RNCL_LOG_NOTE, "%-9s %s", label, text);
}

/* ---- before compiling ---- */

static void say_device(const rncl_training *t)
{
    const rncl_device_info *info = &t->context->info;
    char text[256];
    snprintf(text, sizeof text, "%.50s, %u compute units", info->name, info->compute_units);
    say(t, "device", text);
}

static void say_network(const rncl_training *t)
{
    const rncl_graph_cost total = rncl_graph_total(t->graph);
    const rncl_network_options *network = &t->graph->options;
    char text[256];
    snprintf(text, sizeof text, "%s-%d, %dx%dx%d: %.3g M parameters, %.2g G multiply-adds",
             rncl_arch_name(network->arch), network->depth, network->image, network->image, network->channels,
             1e-6 * (double)total.parameters, 1e-9 * (double)total.macs);
    say(t, "network", text);
}

/* The end of a long path is what tells it from others. *dots: what stands for the rest. */
static const char *last_part(const char *path, const char **dots)
{
    const size_t length = strlen(path);
    *dots = "";
    if (length <= NAME_ROOM)
        return path;
    *dots = "...";
    const char *end = path + length - NAME_ROOM, *folder = strchr(end, '/');
    return folder && folder[1] ? folder : end;
}

static void say_data(const rncl_training *t)
{
    const rncl_dataset_info *info = &t->inputs.training->info;
    const char *dots, *path = rncl_inputs_in_memory(t->options) ? "images in memory"
                              : t->options->data[0]             ? t->options->data
                                                                : "no --data, so drawn shapes";
    path = last_part(path, &dots);
    char text[256];
    snprintf(text, sizeof text, "%s%.*s: %u + %u held back, %d classes", dots, NAME_ROOM, path,
             (unsigned)info->count, (unsigned)t->inputs.validation->info.count, info->classes);
    say(t, "data", text);
}

/* What becomes of a training picture. */
static void describe_pictures(const rncl_training *t, char *text, size_t size)
{
    static const char *const mirrored[] = {
        [RNCL_AUGMENT_NONE] = "not augmented", [RNCL_AUGMENT_CIFAR] = "shifted and mirrored at random"};
    const rncl_dataset_info *info = &t->inputs.training->info;
    const int image = t->graph->options.image;
    const rncl_augment augment = t->options->augment;
    if (augment == RNCL_AUGMENT_IMAGENET)
        snprintf(text, size, "random parts, resized to %dx%d and mirrored at random", image, image);
    else if (augment == RNCL_AUGMENT_SCALE)
        snprintf(text, size, "random sizes, random %dx%d of them, mirrored at random", image, image);
    else if (!info->height)
        snprintf(text, size, "shorter side resized, centre %dx%d, %s", image, image, mirrored[augment]);
    else if (info->height == image && info->width == image)
        snprintf(text, size, "%dx%d as they are, %s", image, image, mirrored[augment]);
    else
        snprintf(text, size, "%dx%d resized to %dx%d, %s", info->height, info->width, image, image,
                 mirrored[augment]);
}

static void say_pictures(const rncl_training *t)
{
    char text[256];
    describe_pictures(t, text, sizeof text);
    say(t, "pictures", text);
}

static void say_training(const rncl_training *t)
{
    const rncl_options *options = t->options;
    const rncl_option *schedule = rncl_option_find("schedule", RNCL_FOR_TRAIN);
    char kind[32], text[256];
    rncl_option_format(options, schedule, kind, sizeof kind);
    snprintf(text, sizeof text, "%" PRId64 " step%s of %d pictures%s, learning rate %.4g%s, %s", t->steps,
             t->steps == 1 ? "" : "s", options->batch_size, rncl_automatic_is_batch(options) ? " (auto)" : "",
             (double)options->lr, rncl_automatic_is_lr(options) ? " (auto)" : "", kind);
    say(t, "training", text);
}

void rncl_announce_plan(const rncl_training *training)
{
    say_device(training);
    say_network(training);
    say_data(training);
    say_pictures(training);
    say_training(training);
}

/* ---- with the network in place ---- */

static void say_memory(const rncl_training *t)
{
    const rncl_network_facts *facts = rncl_network_facts_of(t->network);
    char text[256];
    snprintf(text, sizeof text, "%.0f MiB of the device's %.0f, micro-batches of %d",
             (double)facts->device_bytes / (1 << 20), (double)t->context->info.global_memory / (1 << 20),
             facts->micro_batch);
    say(t, "memory", text);
}

/* A variance of one value is 0: the layer's output is its bias, whatever the picture. */
static void warn_of_single_values(const rncl_training *t)
{
    const int micro_batch = rncl_network_facts_of(t->network)->micro_batch;
    for (size_t i = 0; i < t->graph->node_count; i++) {
        const rncl_node *node = &t->graph->nodes[i];
        const rncl_shape *x = &t->graph->tensors[node->input];
        if (node->op.kind != RNCL_OP_batchnorm || node->frozen || micro_batch * x->h * x->w > 1)
            continue;
        rncl_log_line(&t->context->log, RNCL_LOG_WARNING,
                      "%s normalises each channel over a single value, from which nothing can be learnt; "
                      "give a larger --image, --batch-size or --micro-batch",
                      node->name);
        return;
    }
}

static void say_run(const rncl_training *t)
{
    char text[RNCL_TEXT_LENGTH + 64];
    if (t->state.step)
        snprintf(text, sizeof text, "%s, resumed after step %" PRId64, t->options->out, t->state.step);
    else
        snprintf(text, sizeof text, "%s", t->options->out);
    say(t, "run", text);
}

void rncl_announce_network(const rncl_training *training)
{
    say_memory(training);
    rncl_planning_announce(&training->context->log, training->store,
                           rncl_network_facts_of(training->network));
    say_run(training);
    warn_of_single_values(training);
}
