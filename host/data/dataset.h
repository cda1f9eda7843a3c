/* A set of labelled pictures, whatever it came from. */
#ifndef RNCL_DATA_DATASET_H
#define RNCL_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image_file.h"
#include "log.h"
#include "skips.h"
#include "status.h"

/* The built-in set among paths. A folder of that name could be given as ./builtin:shapes. The bare word
 * `shapes` stands for it too, where there is no such folder. */
#define RNCL_DATA_BUILT_IN "builtin:shapes"

typedef enum rncl_split {
    RNCL_SPLIT_TRAIN,
    RNCL_SPLIT_VALIDATION,
} rncl_split;

typedef struct rncl_dataset rncl_dataset;

/* What is to be opened. */
typedef struct rncl_dataset_options {
    const char *path; /* a folder; NULL or RNCL_DATA_BUILT_IN: the built-in generated set */
    rncl_split split;
    int image;           /* picture size wanted from readers that can draw at any size; 0: their default */
    float val_split;     /* of class folders without a validation part: the share of each class that is it */
    int classes;         /* that the network is to have; 0: as many as there are, but more than one */
    bool ignore_exif;    /* pictures stay as they are stored, whatever EXIF says of their orientation */
    bool skip_bad;       /* pass over files that are no pictures, or damaged; otherwise they are an error */
    size_t cache_bytes;  /* decoded pictures may take so much memory */
    const rncl_log *log; /* for what is passed over; may be NULL, else outlives the data set */
} rncl_dataset_options;

/* What a reader knows about one split once it is open. */
typedef struct rncl_dataset_info {
    const char *format; /* "idx", "cifar", "folder", "shapes" */
    bool is_share;      /* of one folder, as large as `val_split` says; otherwise that has no say */
    uint32_t count;     /* pictures */
    int classes;
    int height, width; /* of every picture, as the reader gives them; 0: they come with their own sizes */
    int usual_size;    /* height and width of the pictures that were looked at, if that is one size; or 0 */
    int channels;
    const char *const *labels; /* `classes` names in UTF-8, or NULL; owned by the dataset */
    float mean[4], std[4];     /* per channel over the training split, pixel values scaled to 0..1 */
} rncl_dataset_info;

/* A row of the table of readers: one static table per file, ending that file. */
typedef struct rncl_reader {
    const char *name;
    /* Whether `path` (a folder) holds what this reader reads. NULL: it is asked for by name. */
    int (*recognises)(const char *path);
    rncl_status (*open)(rncl_dataset *dataset, const rncl_dataset_options *options);
    /* Writes picture `index` (height x width x channels bytes, HWC) and its label. Thread-safe. RNCL_ERR_DATA
     * and RNCL_ERR_IO name a file that is damaged. */
    rncl_status (*read)(const rncl_dataset *dataset, uint32_t index, uint8_t *pixels, int *label);
    /* Instead of `read` where pictures differ in size. The caller's, for rncl_image_fini, before the set is
     * closed. Thread-safe; fails as `read` does. NULL where all are of one size. */
    rncl_status (*decode)(const rncl_dataset *dataset, uint32_t index, const rncl_detail *detail,
                          rncl_image *image, int *label);
    /* The label of picture `index`, which is not read for it. Thread-safe. NULL where pictures have none. */
    int (*label)(const rncl_dataset *dataset, uint32_t index);
    /* Adds the names and sizes of the files that the pictures are to a digest. NULL: they are no files. */
    uint64_t (*identify)(const rncl_dataset *dataset, uint64_t hash);
    void (*close)(rncl_dataset *dataset); /* takes half-open ones */
} rncl_reader;

struct rncl_dataset {
    const rncl_reader *reader;
    rncl_dataset_info info;
    void *state;       /* the reader's own */
    rncl_skips *skips; /* NULL: bad pictures are an error */
};

/* The reader for what is at `path`. RNCL_ERR_DATA, naming what was looked for, if there is none. */
rncl_status rncl_dataset_recognise(const char *path, const rncl_reader **out);

/* Opens one split. RNCL_ERR_DATA if nothing there is recognised (naming what would have been), or a file is
 * missing or damaged. */
rncl_status rncl_dataset_open(const rncl_dataset_options *options, rncl_dataset **out);
void rncl_dataset_close(rncl_dataset *dataset);

static inline rncl_status rncl_dataset_read(const rncl_dataset *dataset, uint32_t index, uint8_t *pixels,
                                            int *label)
{
    return dataset->reader->read(dataset, index, pixels, label);
}

static inline int rncl_dataset_label(const rncl_dataset *dataset, uint32_t index)
{
    return dataset->reader->label(dataset, index);
}

static inline rncl_status rncl_dataset_decode(const rncl_dataset *dataset, uint32_t index,
                                              const rncl_detail *detail, rncl_image *image, int *label)
{
    return dataset->reader->decode(dataset, index, detail, image, label);
}

#endif
