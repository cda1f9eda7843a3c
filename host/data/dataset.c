/* The table of readers, and the choice among them. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "readers.h"
#include "util.h"

static const rncl_reader *const readers[] = {&rncl_reader_idx, &rncl_reader_shapes};

static rncl_status find_reader(const char *path, const rncl_reader **out)
{
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
        "%s: no data set recognised; looked for IDX files (train-images-idx3-ubyte, plain or .gz)", path);
}

rncl_status rncl_dataset_open(const char *path, rncl_split split, int image, rncl_dataset **out)
{
    *out = NULL;
    const rncl_reader *reader = &rncl_reader_shapes;
    if (path && strcmp(path, rncl_reader_shapes.name) != 0)
        RNCL_TRY(find_reader(path, &reader));
    rncl_dataset *dataset = calloc(1, sizeof *dataset);
    if (!dataset)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to open it", path ? path : reader->name);
    dataset->reader = reader;
    dataset->info.format = reader->name;
    rncl_status st = reader->open(dataset, path, split, image);
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
    dataset->reader->close(dataset);
    free(dataset);
}
