/* The reader of single pictures. */
#include "files.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "image_file.h"

enum { CHANNELS = 3 };

typedef struct files {
    const char *const *paths;
    bool turn;       /* upright */
    char **problems; /* of each; written by whoever reads it */
} files;

static rncl_status decode(const rncl_dataset *dataset, uint32_t index, const rncl_detail *detail,
                          rncl_image *image, int *label)
{
    assert(index < dataset->info.count);
    files *f = dataset->state;
    *label = 0;
    rncl_status st = rncl_image_file_decode(f->paths[index], detail, f->turn, image);
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

static const rncl_reader reader = {.name = "files", .decode = decode, .close = close_files};

rncl_status rncl_files_open(const char *const *paths, uint32_t count, bool turn, rncl_dataset **out)
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
    *f = (files){.paths = paths, .turn = turn, .problems = problems};
    *dataset = (rncl_dataset){
        .reader = &reader,
        .info =
            {.format = reader.name, .count = count, .classes = 1, .channels = CHANNELS, .std = {1, 1, 1, 1}},
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
