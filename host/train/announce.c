/* The lines before the first step. */
#include "announce.h"

#include <inttypes.h>
#include <string.h>

#include "automatic.h"
#include "crop.h"
#include "planning.h"
#include "util.h"

/* A terminal of 80 columns keeps the last one free. */
enum { LABEL_WIDTH = 10, LINE_WIDTH = 79, TEXT_WIDTH = LINE_WIDTH - LABEL_WIDTH };

static void say(const rncl_training *t, const char *label, const char *text)
{
    rncl_log_line(&t->context->log, RNCL_LOG_NOTE, "%-*s%s", LABEL_WIDTH, label, text);
}

/* ---- before compiling ---- */

static const char *automatic(bool is)
{
    return is ? " (auto)" : "";
}

/* Columns that are left for a name in front of `rest`. */
static int name_room(const char *rest)
{
    const int room = TEXT_WIDTH - (int)strlen(rest);
    return MAX(room, 0);
}

static void say_device(const rncl_training *t, int micro_batch)
{
    char rest[128], text[256];
    snprintf(rest, sizeof rest, ": batch %d%s, micro-batch %d", t->options->batch_size,
             automatic(rncl_automatic_is_batch(t->options)), micro_batch);
    snprintf(text, sizeof text, "%.*s%s", name_room(rest), t->context->info.name, rest);
    say(t, "device", text);
}

static void say_network(const rncl_training *t)
{
    const rncl_graph_cost total = rncl_graph_total(t->graph);
    const rncl_network_options *network = &t->graph->options;
    char text[256];
    snprintf(text, sizeof text, "%s-%d, %.3g M parameters, %d classes, lr %.3g%s",
             rncl_arch_name(network->arch), network->depth, 1e-6 * (double)total.parameters, network->classes,
             (double)t->options->lr, automatic(rncl_automatic_is_lr(t->options)));
    say(t, "network", text);
}

/* The end of a long path is what tells it from others. *dots: what stands for the rest. */
static const char *last_part(const char *path, size_t room, const char **dots)
{
    const size_t length = strlen(path);
    *dots = "";
    if (length <= room)
        return path;
    *dots = "...";
    const size_t shown = room > strlen(*dots) ? room - strlen(*dots) : 0;
    const char *end = path + length - shown, *folder = strchr(end, '/');
    return folder && folder[1] ? folder : end;
}

/* What becomes of a training picture. */
static void describe_pictures(const rncl_training *t, char *text, size_t size)
{
    static const char *const mirrored[] = {
        [RNCL_AUGMENT_NONE] = "", [RNCL_AUGMENT_CIFAR] = ", shifted, mirrored"};
    const rncl_dataset_info *info = &t->inputs.training->info;
    const int image = t->graph->options.image;
    const rncl_augment augment = t->options->augment;
    if (augment == RNCL_AUGMENT_IMAGENET)
        snprintf(text, size, "random parts to %dx%d, mirrored", image, image);
    else if (augment == RNCL_AUGMENT_SCALE)
        snprintf(text, size, "%dx%d of random sizes, mirrored", image, image);
    else if (!info->height)
        snprintf(text, size, "side to %d, centre %dx%d%s", (int)rncl_crop_detail(augment, image).shorter,
                 image, image, mirrored[augment]);
    else if (info->height == image && info->width == image)
        snprintf(text, size, "%dx%d as they are%s", image, image, mirrored[augment]);
    else
        snprintf(text, size, "%dx%d resized to %dx%d%s", info->height, info->width, image, image,
                 mirrored[augment]);
}

static void say_data(const rncl_training *t)
{
    const char *dots, *path = rncl_inputs_in_memory(t->options) ? "images in memory"
                              : t->options->data[0]             ? t->options->data
                                                                : "drawn shapes (no --data)";
    char pictures[128], rest[256], text[512];
    describe_pictures(t, pictures, sizeof pictures);
    snprintf(rest, sizeof rest, ": %u + %u; %s", (unsigned)t->inputs.training->info.count,
             (unsigned)t->inputs.validation->info.count, pictures);
    const int room = name_room(rest);
    path = last_part(path, (size_t)room, &dots);
    snprintf(text, sizeof text, "%s%.*s%s", dots, room, path, rest);
    say(t, "data", text);
}

void rncl_announce_plan(rncl_training *training, const rncl_network_facts *facts)
{
    if (training->announced)
        return;
    training->announced = true;
    say_device(training, facts->micro_batch);
    say_network(training);
    say_data(training);
}

/* ---- with the network in place ---- */

static void say_memory(const rncl_training *t)
{
    const rncl_network_facts *facts = rncl_network_facts_of(t->network);
    rncl_log_line(&t->context->log, RNCL_LOG_DETAIL, "%-*s%.0f MiB of the device's %.0f", LABEL_WIDTH,
                  "memory", (double)facts->device_bytes / (1 << 20),
                  (double)t->context->info.global_memory / (1 << 20));
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

/* Epochs are stretches of one stream, so that ten epochs of few pictures may be a single step. */
static void warn_of_large_batch(const rncl_training *t)
{
    const uint32_t pictures = t->inputs.training->info.count;
    if ((uint32_t)t->options->batch_size > pictures)
        rncl_log_line(&t->context->log, RNCL_LOG_WARNING,
                      "a batch of %d is more than the %u training pictures: %" PRId64 " %s in all; "
                      "--batch-size auto follows the data",
                      t->options->batch_size, (unsigned)pictures, t->steps, t->steps == 1 ? "step" : "steps");
}

static void say_run(const rncl_training *t)
{
    char text[RNCL_TEXT_LENGTH + 64];
    if (t->options->resume[0])
        snprintf(text, sizeof text, "%s, resumed after step %" PRId64, t->options->out, t->state.step);
    else
        snprintf(text, sizeof text, "%s", t->options->out);
    say(t, "run", text);
}

/* Kernels for tensors of 2 bytes are not tuned. */
static void say_settings(const rncl_training *t)
{
    if (!rncl_precision_is_narrow(t->context->precision))
        rncl_planning_announce(&t->context->log, t->store, rncl_network_facts_of(t->network));
}

void rncl_announce_network(const rncl_training *training)
{
    say_memory(training);
    say_settings(training);
    if (!training->trial)
        say_run(training);
    warn_of_single_values(training);
    warn_of_large_batch(training);
}
