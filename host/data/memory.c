/* The reader of images in memory. */
#include "memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image_formats.h"
#include "rncl/kernel_abi.h"
#include "util.h"

enum { MEASURED = 4096 }; /* images for mean and deviation */

static size_t image_bytes(const rncl_image_set *images)
{
    return (size_t)images->height * (size_t)images->width * (size_t)images->channels;
}

static rncl_status check_labels(const rncl_image_set *images, const char *name)
{
    if (!images->labels || images->classes < 1)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%s images: give labels and the number of classes", name);
    for (uint32_t i = 0; i < images->count; i++)
        if (images->labels[i] < 0 || images->labels[i] >= images->classes)
            return RNCL_FAIL(RNCL_ERR_DATA, "%s image %u: label %d is not one of 0 to %d", name, (unsigned)i,
                             (int)images->labels[i], images->classes - 1);
    return RNCL_OK;
}

rncl_status rncl_memory_check(const rncl_image_set *images, bool labelled, const char *name)
{
    if (images->height < 1 || images->width < 1 || images->count < 1 ||
        (images->channels != 1 && images->channels != 3))
        return RNCL_FAIL(
            RNCL_ERR_SHAPE,
            "%s images: %u of %d x %d with %d channels; give at least one, of at least one pixel, "
            "with 1 or 3 channels",
            name, (unsigned)images->count, images->width, images->height, images->channels);
    RNCL_TRY(rncl_image_check_size((uint32_t)images->height, (uint32_t)images->width));
    if (!images->pixels && !images->read)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%s images: give pixels, or read", name);
    return labelled ? check_labels(images, name) : RNCL_OK;
}

rncl_status rncl_memory_read(const rncl_image_set *images, uint32_t index, uint8_t *pixels)
{
    if (images->pixels) {
        memcpy(pixels, images->pixels + index * image_bytes(images), image_bytes(images));
        return RNCL_OK;
    }
    const int answer = images->read(images->user, index, pixels);
    if (answer)
        return RNCL_FAIL(RNCL_ERR_DATA, "image %u: the program's read function returned %d", (unsigned)index,
                         answer);
    return RNCL_OK;
}

static const rncl_image_set *images_of(const rncl_dataset *dataset)
{
    return dataset->state;
}

static int label_of(const rncl_dataset *dataset, uint32_t index)
{
    const int32_t *labels = images_of(dataset)->labels;
    return labels ? labels[index] : RNCL_NO_LABEL;
}

static rncl_status read_picture(const rncl_dataset *dataset, uint32_t index, uint8_t *pixels, int *label)
{
    *label = label_of(dataset, index);
    return rncl_memory_read(images_of(dataset), index, pixels);
}

static void close_memory(rncl_dataset *dataset)
{
    free(dataset->state);
}

static const rncl_reader reader = {
    .name = "memory", .read = read_picture, .label = label_of, .close = close_memory};

/* Sums of values 0 to 255 and of their squares; exact in 64 bits. */
typedef struct moments {
    uint64_t sum[4], squares[4];
} moments;

static void add_image(moments *m, const uint8_t *pixels, const rncl_image_set *images)
{
    const size_t bytes = image_bytes(images), channels = (size_t)images->channels;
    for (size_t i = 0; i < bytes; i++) {
        m->sum[i % channels] += pixels[i];
        m->squares[i % channels] += (uint64_t)pixels[i] * pixels[i];
    }
}

/* A channel of one value has deviation 1, so that it is left as it is. */
static void finish(const moments *m, double pixels, rncl_dataset_info *info)
{
    for (int c = 0; c < info->channels; c++) {
        const double mean = (double)m->sum[c] / pixels;
        const double variance = (double)m->squares[c] / pixels - mean * mean;
        info->mean[c] = (float)(mean / 255);
        info->std[c] = variance > 0 ? (float)(sqrt(variance) / 255) : 1.0f;
    }
}

static rncl_status measure(const rncl_image_set *images, rncl_dataset_info *info)
{
    const uint32_t count = MIN(images->count, MEASURED);
    uint8_t *pixels = malloc(image_bytes(images));
    if (!pixels)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "an image of %d x %d", images->width, images->height);
    moments sums = {0};
    rncl_status st = RNCL_OK;
    for (uint32_t i = 0; i < count && !st; i++) {
        st = rncl_memory_read(images, (uint32_t)((uint64_t)i * images->count / count), pixels);
        if (!st)
            add_image(&sums, pixels, images);
    }
    free(pixels);
    finish(&sums, (double)count * images->height * images->width, info);
    return st;
}

rncl_status rncl_memory_open(const rncl_image_set *images, rncl_dataset **out)
{
    *out = NULL;
    rncl_dataset_info info = {
        .format = reader.name,
        .count = images->count,
        .classes = images->classes,
        .height = images->height,
        .width = images->width,
        .channels = images->channels,
        .labels = images->names,
    };
    if (images->labels)
        RNCL_TRY(measure(images, &info));
    rncl_dataset *dataset = calloc(1, sizeof *dataset);
    rncl_image_set *copy = malloc(sizeof *copy);
    if (!dataset || !copy) {
        free(dataset);
        free(copy);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "data set of %u images", (unsigned)images->count);
    }
    *copy = *images;
    *dataset = (rncl_dataset){.reader = &reader, .info = info, .state = copy};
    *out = dataset;
    return RNCL_OK;
}
