/* From options and data sets to loaders. */
#include "inputs.h"

#include <string.h>

#include "free_memory.h"
#include "memory.h"
#include "util.h"

/* Size of drawn pictures where no option gives it: larger for networks that halve their input five times. */
static int drawn_size(const rncl_network_options *network)
{
    if (network->image)
        return network->image;
    return rncl_arch_drawn_image(network->arch);
}

static size_t cache_bytes(const rncl_options *options)
{
    return options->cache_memory ? (size_t)options->cache_memory << 20 : rncl_free_memory() / 4;
}

static bool has_pixels(const rncl_image_set *images)
{
    return images->pixels || images->read;
}

bool rncl_inputs_in_memory(const rncl_options *options)
{
    return has_pixels(&options->training_images) || has_pixels(&options->validation_images);
}

static rncl_status open_memory(const rncl_options *options, bool training, rncl_inputs *out)
{
    if (options->data[0])
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "there are images in memory and --data %.200s: leave out one of them",
                         options->data);
    if (training && !has_pixels(&options->training_images))
        return RNCL_FAIL(RNCL_ERR_USAGE, "there are images for validation in memory, and none for training");
    rncl_status st = rncl_memory_open(&options->validation_images, &out->validation);
    if (!st && training)
        st = rncl_memory_open(&options->training_images, &out->training);
    if (st)
        rncl_inputs_close(out);
    return st;
}

/* A share that was asked for and that the data does not leave open. */
static void tell_of_split(const rncl_options *options, const rncl_log *log, const rncl_inputs *inputs)
{
    if (inputs->training && !inputs->training->info.is_share &&
        rncl_option_source_of(options, "val-split") == RNCL_FROM_COMMAND_LINE)
        rncl_log_line(log, RNCL_LOG_WARNING,
                      "--val-split is not used: %s has pictures for validation of its own",
                      options->data[0] ? options->data : RNCL_DATA_BUILT_IN);
}

rncl_status rncl_inputs_open(const rncl_options *options, bool training, const rncl_log *log,
                             rncl_inputs *out)
{
    *out = (rncl_inputs){0};
    if (rncl_inputs_in_memory(options))
        return open_memory(options, training, out);
    rncl_dataset_options train = {
        .path = options->data[0] ? options->data : NULL,
        .split = RNCL_SPLIT_TRAIN,
        .image = drawn_size(&options->network),
        .val_split = options->val_split,
        .classes = options->network.classes,
        .ignore_exif = !options->exif,
        .skip_bad = options->skip_bad,
        .log = log,
    };
    rncl_dataset_options validation = train;
    validation.split = RNCL_SPLIT_VALIDATION;
    if (training) { /* an evaluation alone reads each picture once */
        const size_t cache = cache_bytes(options);
        validation.cache_bytes = cache / 4;
        train.cache_bytes = cache - validation.cache_bytes;
    }
    rncl_status st = RNCL_OK;
    if (training)
        st = rncl_dataset_open(&train, &out->training);
    if (!st)
        st = rncl_dataset_open(&validation, &out->validation);
    if (st)
        rncl_inputs_close(out);
    else
        tell_of_split(options, log, out);
    return st;
}

void rncl_inputs_close(rncl_inputs *inputs)
{
    rncl_dataset_close(inputs->training);
    rncl_dataset_close(inputs->validation);
    *inputs = (rncl_inputs){0};
}

static rncl_status complete_network(const rncl_dataset_info *info, rncl_network_options *network)
{
    if (!network->image)
        network->image = info->height       ? MAX(info->height, info->width)
                         : info->usual_size ? info->usual_size
                                            : rncl_arch_image(network->arch);
    if (!network->channels)
        network->channels = info->channels;
    if (!network->classes)
        network->classes = info->classes;
    if (network->classes < info->classes)
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "the network has %d classes, the %s data %d: give it as many or more",
                         network->classes, info->format, info->classes);
    return RNCL_OK;
}

/* One grey value stands for all channels, as one number does in the options. */
static void copy_channels(const rncl_dataset_info *info, const float *from, float *to)
{
    for (int c = 0; c < 4; c++)
        to[c] = from[info->channels == 1 ? 0 : c];
}

rncl_status rncl_inputs_complete(const rncl_inputs *inputs, rncl_options *options)
{
    const rncl_dataset_info *info = &inputs->validation->info;
    /* Mean and deviation of both parts are the training part's, except for images in memory. */
    const rncl_dataset_info *measured = inputs->training ? &inputs->training->info : info;
    RNCL_TRY(complete_network(info, &options->network));
    if (rncl_option_source_of(options, "mean") == RNCL_FROM_DEFAULT)
        copy_channels(measured, measured->mean, options->mean);
    if (rncl_option_source_of(options, "std") == RNCL_FROM_DEFAULT)
        copy_channels(measured, measured->std, options->std);
    const float *jitter = options->color_jitter;
    if (jitter[3] != 0 && jitter[3] != jitter[0])
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "--color-jitter takes brightness, contrast and saturation, and no fourth");
    for (int c = 0; c < options->network.channels; c++)
        if (!(options->std[c] > 0))
            return RNCL_FAIL(RNCL_ERR_USAGE,
                             "--std has no value for channel %d of the pictures; give %d, or one for all",
                             c + 1, options->network.channels);
    return RNCL_OK;
}

static rncl_loader_options common(const rncl_dataset *dataset, const rncl_options *options)
{
    rncl_loader_options loader = {
        .dataset = dataset,
        .batch_size = options->batch_size,
        .image = options->network.image,
        .channels = options->network.channels,
        .workers = options->workers,
    };
    memcpy(loader.mean, options->mean, sizeof loader.mean);
    memcpy(loader.std, options->std, sizeof loader.std);
    return loader;
}

rncl_loader_options rncl_inputs_training(const rncl_inputs *inputs, const rncl_options *options,
                                         uint64_t start)
{
    rncl_loader_options loader = common(inputs->training, options);
    loader.shuffle = options->shuffle;
    loader.augment = options->augment;
    loader.jitter =
        (rncl_colour_jitter){options->color_jitter[0], options->color_jitter[1], options->color_jitter[2]};
    loader.lighting = options->lighting;
    loader.seed = options->seed;
    loader.endless = true;
    loader.start = start;
    return loader;
}

rncl_loader_options rncl_inputs_validation(const rncl_inputs *inputs, const rncl_options *options)
{
    rncl_loader_options loader = common(inputs->validation, options);
    loader.crops = options->crops;
    return loader;
}
