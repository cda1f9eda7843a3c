/* A set of labelled pictures, whatever it came from. */
#ifndef RNCL_DATA_DATASET_H
#define RNCL_DATA_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "log.h"
#include "status.h"

typedef enum rncl_split {
    RNCL_SPLIT_TRAIN,
    RNCL_SPLIT_VALIDATION,
} rncl_split;

typedef struct rncl_dataset rncl_dataset;

/* What a reader knows about one split once it is open. */
typedef struct rncl_dataset_info {
    const char *format; /* "idx", "shapes" */
    uint32_t count;     /* pictures */
    int classes;
    int height, width, channels; /* of every picture, as the reader gives them */
    const char *const *labels;   /* `classes` names, or NULL; owned by the dataset */
    float mean[4], std[4];       /* per channel over the training split, pixel values scaled to 0..1 */
} rncl_dataset_info;

/* A row of the table of readers: one static table per file, ending that file. */
typedef struct rncl_reader {
    const char *name;
    /* Whether `path` (a folder) holds what this reader reads. NULL for readers that are asked for by name. */
    int (*recognises)(const char *path);
    rncl_status (*open)(rncl_dataset *dataset, const char *path, rncl_split split, int image);
    /* Writes picture `index` (height x width x channels bytes, HWC) and its label. Thread-safe. */
    rncl_status (*read)(const rncl_dataset *dataset, uint32_t index, uint8_t *pixels, int *label);
    void (*close)(rncl_dataset *dataset); /* takes half-open ones */
} rncl_reader;

struct rncl_dataset {
    const rncl_reader *reader;
    rncl_dataset_info info;
    void *state; /* the reader's own */
};

/* Opens one split of `path`, or of the built-in generated set if `path` is NULL or "shapes".
 * `image`: picture size wanted from readers that can draw at any size (shapes; 0: its default of 32).
 * RNCL_ERR_DATA if nothing there is recognised (naming what would have been), or a file is missing or
 * damaged. */
rncl_status rncl_dataset_open(const char *path, rncl_split split, int image, rncl_dataset **out);
void rncl_dataset_close(rncl_dataset *dataset);

static inline rncl_status rncl_dataset_read(const rncl_dataset *dataset, uint32_t index, uint8_t *pixels,
                                            int *label)
{
    return dataset->reader->read(dataset, index, pixels, label);
}

#endif
