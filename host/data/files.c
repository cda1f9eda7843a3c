/* The reader of single pictures. */
#include "files.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crop.h"
#include "image_file.h"

enum { CHANNELS = 3 };

typedef struct files {
    const char *const *paths;
    char **problems; /* of each; written by whoever reads it */
} files;

static rncl_status fit(const char *path, int size, uint8_t *pixels)
{
    uint32_t height, width;
    RNCL_TRY(rncl_image_file_probe(path, &height, &width));
    const bool whole = height == width && height <= RNCL_LARGEST_WHOLE;
    rncl_image image;
    RNCL_TRY(rncl_image_file_decode(path, whole ? 0 : rncl_crop_detail(RNCL_AUGMENT_NONE, size), &image));
    const rncl_window window = whole ? (rncl_window){.height = (float)height, .width = (float)width}
                                     : rncl_crop_centre(image.height, image.width, size).window;
    rncl_status st = rncl_image_resize(&image, &window, (uint32_t)size, (uint32_t)size, pixels);
    rncl_image_fini(&image);
    return st;
}

static rncl_status read_picture(const rncl_dataset *dataset, uint32_t index, uint8_t *pixels, int *label)
{
    assert(index < dataset->info.count);
    files *f = dataset->state;
    *label = 0;
    rncl_status st = fit(f->paths[index], dataset->info.height, pixels);
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

rncl_status rncl_files_open(const char *const *paths, uint32_t count, int image, rncl_dataset **out)
{
    *out = NULL;
    rncl_dataset *dataset = calloc(1, sizeof *dataset);
    files *f = calloc(1, sizeof *f);
    char **problems = calloc((size_t)count + 1, sizeof *problems);
    if (!dataset || !f || !problems) {
        free(dataset);
        free(f);
        free(problems);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to open %u pictures", (unsigned)count);
    }
    *f = (files){paths, problems};
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

const char *rncl_files_problem(const rncl_dataset *dataset, uint32_t index)
{
    const files *f = dataset->state;
    return f->problems[index];
}
