/* From options and data sets to loaders. */
#include "inputs.h"

#include <string.h>

#include "util.h"

/* Size of drawn pictures where nobody says one: nets that halve their input five times need something to
 * halve. */
static int drawn_size(const rncl_network_options *network)
{
    if (network->image)
        return network->image;
    return network->arch == RNCL_ARCH_RESNET || network->arch == RNCL_ARCH_PLAIN ? 64 : 32;
}

rncl_status rncl_inputs_open(const rncl_options *options, bool training, rncl_inputs *out)
{
    *out = (rncl_inputs){0};
    const char *path = options->data[0] ? options->data : NULL;
    const int size = drawn_size(&options->network);
    rncl_status st = RNCL_OK;
    if (training)
        st = rncl_dataset_open(path, RNCL_SPLIT_TRAIN, size, &out->training);
    if (!st)
        st = rncl_dataset_open(path, RNCL_SPLIT_VALIDATION, size, &out->validation);
    if (st)
        rncl_inputs_close(out);
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
        network->image = MAX(info->height, info->width);
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
    RNCL_TRY(complete_network(info, &options->network));
    if (rncl_option_source_of(options, "mean") == RNCL_FROM_DEFAULT)
        copy_channels(info, info->mean, options->mean);
    if (rncl_option_source_of(options, "std") == RNCL_FROM_DEFAULT)
        copy_channels(info, info->std, options->std);
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
    loader.seed = options->seed;
    loader.endless = true;
    loader.start = start;
    return loader;
}

rncl_loader_options rncl_inputs_validation(const rncl_inputs *inputs, const rncl_options *options)
{
    return common(inputs->validation, options);
}
