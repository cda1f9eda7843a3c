/* The table of readers, and the choice among them. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "readers.h"
#include "util.h"

/* Class folders are the least that is asked of a folder, and come last of those that are recognised. */
static const rncl_reader *const readers[] = {&rncl_reader_idx, &rncl_reader_cifar, &rncl_reader_folder,
                                             &rncl_reader_shapes};

rncl_status rncl_dataset_recognise(const char *path, const rncl_reader **out)
{
    *out = &rncl_reader_shapes;
    if (!path || !strcmp(path, rncl_reader_shapes.name))
        return RNCL_OK;
    *out = NULL;
    if (!rncl_directory_exists(path))
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: no such folder; give a folder of pictures or \"shapes\"", path);
    for (size_t i = 0; i < COUNT(readers); i++) {
        if (readers[i]->recognises && readers[i]->recognises(path)) {
            *out = readers[i];
            return RNCL_OK;
        }
    }
    return RNCL_FAIL(
        RNCL_ERR_DATA,
        "%s: no data set recognised; looked for IDX files (train-images-idx3-ubyte, plain or .gz), CIFAR "
        "binaries (data_batch_1.bin, train.bin) and class folders of PNG or JPEG (train/CLASS/*, CLASS/*)",
        path);
}

rncl_status rncl_dataset_open(const rncl_dataset_options *options, rncl_dataset **out)
{
    *out = NULL;
    const char *path = options->path;
    const rncl_reader *reader;
    RNCL_TRY(rncl_dataset_recognise(path, &reader));
    rncl_dataset *dataset = calloc(1, sizeof *dataset);
    if (!dataset)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to open it", path ? path : reader->name);
    dataset->reader = reader;
    dataset->info.format = reader->name;
    rncl_status st = reader->open(dataset, options);
    if (!st && options->skip_bad)
        st = rncl_skips_create(dataset->info.count, options->log, &dataset->skips);
    if (st) {
        rncl_dataset_close(dataset);
        return st;
    }
    *out = dataset;
    return RNCL_OK;
}

void rncl_dataset_close(rncl_dataset *dataset)
{
    if (!dataset)
        return;
    rncl_skips_destroy(dataset->skips);
    dataset->reader->close(dataset);
    free(dataset);
}
