/* The reader of single pictures. */
#include "files.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crop.h"
#include "image_file.h"
#include "image_formats.h"
#include "memory.h"
#include "picture.h"

enum { CHANNELS = 3 };

typedef struct files {
    const char *const *paths;     /* NULL: they are in memory */
    const rncl_image_set *images; /* NULL: they have paths */
    char **problems;              /* of each; written by whoever reads it */
} files;

static bool taken_whole(uint32_t height, uint32_t width)
{
    return height == width && height <= RNCL_LARGEST_WHOLE;
}

/* The picture as it is, or, to save time, smaller where it will be cropped anyway. *whole: it will not be. */
static rncl_status load_file(const char *path, int size, rncl_image *image, bool *whole)
{
    uint32_t height, width;
    RNCL_TRY(rncl_image_file_probe(path, &height, &width));
    *whole = taken_whole(height, width);
    return rncl_image_file_decode(path, *whole ? 0 : rncl_crop_detail(RNCL_AUGMENT_NONE, size), image);
}

static rncl_status load_memory(const rncl_image_set *images, uint32_t index, rncl_image *image, bool *whole)
{
    const size_t pixels = (size_t)images->height * (size_t)images->width;
    *whole = taken_whole((uint32_t)images->height, (uint32_t)images->width);
    RNCL_TRY(rncl_image_allocate(image, (uint32_t)images->height, (uint32_t)images->width));
    if (images->channels == CHANNELS)
        return rncl_memory_read(images, index, image->pixels);
    uint8_t *grey = malloc(pixels);
    if (!grey)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "an image of %d x %d", images->width, images->height);
    rncl_status st = rncl_memory_read(images, index, grey);
    if (!st)
        rncl_picture_convert(grey, images->channels, image->pixels, CHANNELS, pixels);
    free(grey);
    return st;
}

static rncl_status fit(const files *f, uint32_t index, int size, uint8_t *pixels)
{
    rncl_image image = {0};
    bool whole;
    rncl_status st = f->paths ? load_file(f->paths[index], size, &image, &whole)
                              : load_memory(f->images, index, &image, &whole);
    if (!st) {
        const rncl_window window =
            whole ? (rncl_window){.height = (float)image.height, .width = (float)image.width}
                  : rncl_crop_centre(image.height, image.width, size).window;
        st = rncl_image_resize(&image, &window, (uint32_t)size, (uint32_t)size, pixels);
    }
    rncl_image_fini(&image);
    return st;
}

static rncl_status read_picture(const rncl_dataset *dataset, uint32_t index, uint8_t *pixels, int *label)
{
    assert(index < dataset->info.count);
    files *f = dataset->state;
    *label = 0;
    rncl_status st = fit(f, index, dataset->info.height, pixels);
    if (st && !f->problems[index])
        f->problems[index] = strdup(rncl_status_message());
    return st;
}

static void close_files(rncl_dataset *dataset)
{
    files *f = dataset->state;
    for (uint32_t i = 0; i < dataset->info.count; i++)
        free(f->problems[i]);
    free(f->problems);
    free(f);
}

static const rncl_reader reader = {.name = "files", .read = read_picture, .close = close_files};

/* `what`: paths or images; its problems are allocated here. */
static rncl_status open_files(files what, uint32_t count, int image, rncl_dataset **out)
{
    *out = NULL;
    rncl_dataset *dataset = calloc(1, sizeof *dataset);
    files *f = calloc(1, sizeof *f);
    what.problems = calloc((size_t)count + 1, sizeof *what.problems);
    if (!dataset || !f || !what.problems) {
        free(dataset);
        free(f);
        free(what.problems);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to open %u pictures", (unsigned)count);
    }
    *f = what;
    *dataset = (rncl_dataset){
        .reader = &reader,
        .info = {.format = reader.name,
                 .count = count,
                 .classes = 1,
                 .height = image,
                 .width = image,
                 .channels = CHANNELS,
                 .std = {1, 1, 1, 1}},
        .state = f,
    };
    rncl_status st = rncl_skips_create(count, NULL, &dataset->skips);
    if (st) {
        rncl_dataset_close(dataset);
        return st;
    }
    *out = dataset;
    return RNCL_OK;
}

rncl_status rncl_files_open(const char *const *paths, uint32_t count, int image, rncl_dataset **out)
{
    return open_files((files){.paths = paths}, count, image, out);
}

rncl_status rncl_files_open_memory(const rncl_image_set *images, int image, rncl_dataset **out)
{
    return open_files((files){.images = images}, images->count, image, out);
}

const char *rncl_files_problem(const rncl_dataset *dataset, uint32_t index)
{
    const files *f = dataset->state;
    return f->problems[index];
}
