/* The steps of one picture. Sets whose pictures are of one size give them whole, and so does a folder those
 * that have just the network's size; everything else goes through a crop, as RGB. */
#include "prepare.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "augment.h"
#include "crop.h"
#include "picture.h"
#include "rncl/kernel_abi.h"
#include "util.h"

enum { RGB = 3 };

struct rncl_preparer {
    const rncl_loader_options *options;
    rncl_normalisation normalisation;
    bool crops;        /* of a set of one size: its pictures are cropped */
    size_t image_size; /* pixels of the result */

    /* The last picture that was read, since ten crops of one follow each other. */
    bool holds;
    uint32_t held_index;
    int32_t label;
    rncl_image decoded;        /* of sets that decode */
    uint8_t *read, *converted; /* of sets of one size; converted to RGB for crops, else as wanted */

    uint8_t *rgb;    /* a crop on its way to other channels */
    uint8_t *fitted; /* image x image x channels */
};

/* Crops are asked for, whatever the picture. */
static bool wants_crops(const rncl_loader_options *options)
{
    return options->crops > 1 || options->augment == RNCL_AUGMENT_IMAGENET ||
           options->augment == RNCL_AUGMENT_SCALE;
}

/* ---- checks ---- */

static bool jitters(const rncl_loader_options *options)
{
    const rncl_colour_jitter *jitter = &options->jitter;
    return jitter->brightness > 0 || jitter->contrast > 0 || jitter->saturation > 0;
}

static rncl_status check_channels(const rncl_loader_options *options)
{
    const rncl_dataset_info *info = &options->dataset->info;
    const int between = wants_crops(options) || info->height == 0 ? RGB : info->channels;
    if (options->channels < 1 || options->channels > RNCL_MOST_CHANNELS ||
        !rncl_picture_convertible(info->channels, between) ||
        !rncl_picture_convertible(between, options->channels))
        return RNCL_FAIL(RNCL_ERR_SHAPE,
                         "cannot make pictures of %d channels from the %s set's, which have %d",
                         options->channels, info->format, info->channels);
    if ((jitters(options) || options->lighting > 0) && options->channels != RGB)
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "--color-jitter and --lighting need colour pictures, and these have %d channel(s)",
                         options->channels);
    return RNCL_OK;
}

rncl_status rncl_prepare_check(const rncl_loader_options *options)
{
    RNCL_TRY(check_channels(options));
    if (options->crops > 1 && (options->crops != RNCL_TEN_CROPS || options->endless))
        return RNCL_FAIL(RNCL_ERR_USAGE, "%d crops of each picture: evaluation takes 1 or %d, training 1",
                         options->crops, RNCL_TEN_CROPS);
    for (int k = 0; k < options->channels; k++)
        if (!(options->std[k] > 0))
            return RNCL_FAIL(RNCL_ERR_USAGE, "a standard deviation of %g cannot normalise; give one above 0",
                             (double)options->std[k]);
    return RNCL_OK;
}

/* ---- memory ---- */

static rncl_status allocate(rncl_preparer *p)
{
    const rncl_dataset_info *info = &p->options->dataset->info;
    const size_t channels = (size_t)p->options->channels;
    const size_t read_size = (size_t)info->height * (size_t)info->width; /* 0 where pictures differ */
    p->read = malloc(read_size * (size_t)info->channels + 1);
    p->converted = malloc(read_size * MAX(channels, RGB) + 1);
    p->rgb = malloc(p->image_size * RGB);
    p->fitted = malloc(p->image_size * channels);
    if (!p->read || !p->converted || !p->rgb || !p->fitted)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for preparing pictures");
    return RNCL_OK;
}

rncl_status rncl_preparer_create(const rncl_loader_options *options, rncl_preparer **out)
{
    *out = NULL;
    rncl_preparer *p = calloc(1, sizeof *p);
    if (!p)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for preparing pictures");
    p->options = options;
    p->crops = wants_crops(options);
    p->image_size = (size_t)options->image * (size_t)options->image;
    rncl_normalisation_init(&p->normalisation, options->channels, options->mean, options->std);
    rncl_status st = allocate(p);
    if (st) {
        rncl_preparer_destroy(p);
        return st;
    }
    *out = p;
    return RNCL_OK;
}

void rncl_preparer_destroy(rncl_preparer *p)
{
    if (!p)
        return;
    rncl_image_fini(&p->decoded);
    free(p->read);
    free(p->converted);
    free(p->rgb);
    free(p->fitted);
    free(p);
}

/* ---- reading ---- */

static rncl_status read_whole(rncl_preparer *p, uint32_t index, int *label)
{
    const rncl_dataset_info *info = &p->options->dataset->info;
    RNCL_TRY(rncl_dataset_read(p->options->dataset, index, p->read, label));
    rncl_picture_convert(p->read, info->channels, p->converted, p->crops ? RGB : p->options->channels,
                         (size_t)info->height * (size_t)info->width);
    return RNCL_OK;
}

static rncl_status decode(rncl_preparer *p, uint32_t index, int *label)
{
    const rncl_loader_options *options = p->options;
    const rncl_detail detail = rncl_crop_detail(options->augment, options->image);
    rncl_image_fini(&p->decoded);
    return rncl_dataset_decode(options->dataset, index, &detail, &p->decoded, label);
}

/* Makes picture `index` the one that is held. */
static rncl_status read_picture(rncl_preparer *p, uint32_t index)
{
    const rncl_dataset *dataset = p->options->dataset;
    int label = INT_MIN;
    if (p->holds && p->held_index == index)
        return RNCL_OK;
    p->holds = false;
    RNCL_TRY((dataset->info.height ? read_whole : decode)(p, index, &label));
    if (label != RNCL_NO_LABEL && (label < 0 || label >= dataset->info.classes))
        return RNCL_FAIL(RNCL_ERR_DATA, "picture %u of the %s set: label %d is not one of its %d classes",
                         (unsigned)index, dataset->info.format, label, dataset->info.classes);
    p->holds = true;
    p->held_index = index;
    p->label = label;
    return RNCL_OK;
}

/* Whether reading picture `index` fails in a way that the set passes over; notes it. *st: how it went. */
static bool passed_over(rncl_preparer *p, uint32_t index, rncl_status *st)
{
    rncl_skips *skips = p->options->dataset->skips;
    *st = RNCL_OK;
    if (skips && rncl_skips_has(skips, index))
        return true;
    *st = read_picture(p, index);
    if (!skips || (*st != RNCL_ERR_DATA && *st != RNCL_ERR_IO))
        return false;
    rncl_skips_add(skips, index, rncl_status_message());
    return true;
}

/* Reads the sample's picture, or in its place the next good one. *blank: there is none in its place. */
static rncl_status read_sample(rncl_preparer *p, const rncl_sample *sample, bool *blank)
{
    const uint32_t count = p->options->dataset->info.count;
    rncl_status st;
    *blank = false;
    for (uint32_t i = 0; i < count; i++) {
        if (!passed_over(p, (uint32_t)(((uint64_t)sample->index + i) % count), &st))
            return st;
        if (!p->options->endless) {
            *blank = true;
            return RNCL_OK;
        }
    }
    return RNCL_FAIL(RNCL_ERR_DATA,
                     "none of the %u pictures for training can be read; `rncl check-data` says why",
                     (unsigned)count);
}

/* ---- cropping ---- */

static rncl_image held_image(const rncl_preparer *p)
{
    const rncl_dataset_info *info = &p->options->dataset->info;
    if (info->height == 0)
        return p->decoded;
    return (rncl_image){
        .height = (uint32_t)info->height, .width = (uint32_t)info->width, .pixels = p->converted};
}

/* Fits the crop of the held picture; *flip: it is to be mirrored. */
static rncl_status fit_crop(rncl_preparer *p, const rncl_sample *sample, rncl_random *random, bool *flip)
{
    const rncl_loader_options *options = p->options;
    const rncl_image image = held_image(p);
    const rncl_crop crop =
        options->crops > 1
            ? rncl_crop_ten(image.height, image.width, options->image, sample->crop)
            : rncl_crop_draw(options->augment, image.height, image.width, options->image, random);
    const uint32_t size = (uint32_t)options->image;
    *flip = crop.flip;
    if (options->channels == RGB)
        return rncl_image_resize(&image, &crop.window, size, size, p->fitted);
    RNCL_TRY(rncl_image_resize(&image, &crop.window, size, size, p->rgb));
    rncl_picture_convert(p->rgb, RGB, p->fitted, options->channels, p->image_size);
    return RNCL_OK;
}

static rncl_status fit_whole(rncl_preparer *p)
{
    const rncl_loader_options *options = p->options;
    const rncl_dataset_info *info = &options->dataset->info;
    if (info->height == 0) {
        rncl_picture_convert(p->decoded.pixels, RGB, p->fitted, options->channels, p->image_size);
        return RNCL_OK;
    }
    if (info->height != options->image || info->width != options->image)
        return rncl_picture_resize(p->converted, info->height, info->width, options->channels, p->fitted,
                                   options->image, options->image);
    memcpy(p->fitted, p->converted, p->image_size * (size_t)options->channels);
    return RNCL_OK;
}

static bool crops_held(const rncl_preparer *p)
{
    const uint32_t size = (uint32_t)p->options->image;
    const bool just_fits = p->decoded.height == size && p->decoded.width == size;
    return p->crops || (p->options->dataset->info.height == 0 && !just_fits);
}

/* ---- all of it ---- */

/* The held picture into the batch. */
static rncl_status finish(rncl_preparer *p, const rncl_sample *sample, float *image)
{
    const rncl_loader_options *options = p->options;
    rncl_random random = rncl_random_stream(options->seed, RNCL_RANDOM_AUGMENT, sample->epoch, sample->index);
    rncl_random colours = rncl_random_stream(options->seed, RNCL_RANDOM_COLOUR, sample->epoch, sample->index);
    rncl_view view = rncl_augment_draw(options->augment, &random);
    if (crops_held(p)) {
        bool flip;
        RNCL_TRY(fit_crop(p, sample, &random, &flip));
        view.flip |= flip;
    } else {
        RNCL_TRY(fit_whole(p));
    }
    if (jitters(options))
        rncl_colour_jitter_apply(&options->jitter, &colours, p->fitted, p->image_size);
    rncl_augment_apply(&view, &p->normalisation, p->fitted, options->image, options->channels, image);
    if (options->lighting > 0)
        rncl_lighting_apply(options->lighting, options->std, &colours, image, p->image_size);
    return RNCL_OK;
}

rncl_status rncl_prepare(rncl_preparer *p, const rncl_sample *sample, float *image, int32_t *label)
{
    bool blank;
    RNCL_TRY(read_sample(p, sample, &blank));
    *label = blank ? RNCL_NO_LABEL : p->label;
    if (!blank)
        return finish(p, sample, image);
    memset(image, 0, p->image_size * (size_t)p->options->channels * sizeof *image);
    return RNCL_OK;
}
