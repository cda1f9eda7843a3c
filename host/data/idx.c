/* The reader of MNIST's layout: four IDX files in a folder, grey pictures, labels of one byte. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "idx_file.h"
#include "picture.h"
#include "readers.h"
#include "util.h"

/* The names of a split's files. */
static const struct {
    const char *images, *labels;
} split_files[] = {
    [RNCL_SPLIT_TRAIN] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
    [RNCL_SPLIT_VALIDATION] = {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
};

/* The files hold no names of classes, but whoever has the same training labels byte for byte has the same
 * set. */
static const struct {
    uint64_t labels_hash;
    uint32_t count;
    const char *const *labels;
} known_sets[] = {
    /* Fashion-MNIST */
    {UINT64_C(0xb9f71c71bae5f277), 60000,
     (const char *const[]){"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                           "Sneaker", "Bag", "Ankle boot"}},
};

typedef struct idx_split {
    rncl_idx_array images, labels;
} idx_split;

static int recognises(const char *path)
{
    for (size_t i = 0; i < COUNT(split_files); i++)
        if (rncl_idx_exists(path, split_files[i].images) || rncl_idx_exists(path, split_files[i].labels))
            return 1;
    return 0;
}

static void free_split(idx_split *split)
{
    rncl_idx_free(&split->images);
    rncl_idx_free(&split->labels);
}

/* On failure the caller still calls free_split. */
static rncl_status read_split(const char *folder, rncl_split which, idx_split *split)
{
    RNCL_TRY(rncl_idx_read(folder, split_files[which].labels, 1, &split->labels));
    RNCL_TRY(rncl_idx_read(folder, split_files[which].images, 3, &split->images));
    if (split->images.size[0] != split->labels.size[0])
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: %u pictures, but %u labels in %s", split->images.path,
                         (unsigned)split->images.size[0], (unsigned)split->labels.size[0],
                         split->labels.path);
    return RNCL_OK;
}

/* What the training split says about both: size, classes, mean and standard deviation. */
static void describe(const idx_split *training, rncl_dataset_info *info)
{
    const rncl_idx_array *images = &training->images, *labels = &training->labels;
    info->height = (int)images->size[1];
    info->width = (int)images->size[2];
    info->channels = 1;
    for (uint32_t i = 0; i < labels->size[0]; i++)
        info->classes = MAX(info->classes, labels->bytes[i] + 1);

    rncl_picture_statistics(images->bytes, (size_t)images->size[0] * images->size[1] * images->size[2], 1,
                            info->mean, info->std);

    uint64_t hash = rncl_hash(RNCL_HASH_START, labels->bytes, labels->size[0]);
    for (size_t i = 0; i < COUNT(known_sets); i++)
        if (known_sets[i].labels_hash == hash && known_sets[i].count == labels->size[0])
            info->labels = known_sets[i].labels;
}

/* Whether a validation split fits the training split that `info` describes. */
static rncl_status check_validation(const idx_split *split, const rncl_dataset_info *info)
{
    const rncl_idx_array *images = &split->images, *labels = &split->labels;
    if ((int)images->size[1] != info->height || (int)images->size[2] != info->width)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: pictures of %u x %u, but those for training are %d x %d",
                         images->path, (unsigned)images->size[1], (unsigned)images->size[2], info->height,
                         info->width);
    for (uint32_t i = 0; i < labels->size[0]; i++)
        if (labels->bytes[i] >= info->classes)
            return RNCL_FAIL(RNCL_ERR_DATA, "%s: label %d at %u, but the training labels end at %d",
                             labels->path, labels->bytes[i], (unsigned)i, info->classes - 1);
    return RNCL_OK;
}

static rncl_status open_idx(rncl_dataset *dataset, const rncl_dataset_options *options)
{
    const char *path = options->path;
    idx_split *split = calloc(1, sizeof *split);
    dataset->state = split;
    if (!split)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to open it", path);
    RNCL_TRY(read_split(path, RNCL_SPLIT_TRAIN, split));
    describe(split, &dataset->info);
    if (options->split == RNCL_SPLIT_VALIDATION) {
        free_split(split);
        RNCL_TRY(read_split(path, options->split, split));
        RNCL_TRY(check_validation(split, &dataset->info));
    }
    dataset->info.count = split->labels.size[0];
    return RNCL_OK;
}

static int label_of(const rncl_dataset *dataset, uint32_t index)
{
    const idx_split *split = dataset->state;
    return split->labels.bytes[index];
}

static rncl_status read_picture(const rncl_dataset *dataset, uint32_t index, uint8_t *pixels, int *label)
{
    assert(index < dataset->info.count);
    const idx_split *split = dataset->state;
    size_t size_bytes = (size_t)dataset->info.height * (size_t)dataset->info.width;
    memcpy(pixels, split->images.bytes + index * size_bytes, size_bytes);
    *label = label_of(dataset, index);
    return RNCL_OK;
}

static void close_idx(rncl_dataset *dataset)
{
    idx_split *split = dataset->state;
    if (split)
        free_split(split);
    free(split);
}

const rncl_reader rncl_reader_idx = {.name = "idx",
                                     .recognises = recognises,
                                     .open = open_idx,
                                     .read = read_picture,
                                     .label = label_of,
                                     .close = close_idx};
