/* The built-in generated set: every picture is drawn when it is read, as a function of its split and index.
 */
#include <assert.h>

#include "figures.h"
#include "readers.h"
#include "scene.h"

enum { DEFAULT_SIZE = 32, LARGEST_SIZE = 8192, SEED = 0 };

static const uint32_t split_counts[] = {[RNCL_SPLIT_TRAIN] = 20000, [RNCL_SPLIT_VALIDATION] = 2000};

static rncl_status open_shapes(rncl_dataset *dataset, const rncl_dataset_options *options)
{
    const int image = options->image;
    if (image < 0 || image > LARGEST_SIZE)
        return RNCL_FAIL(RNCL_ERR_USAGE, "shapes: cannot draw pictures of %d pixels; the largest are of %d",
                         image, LARGEST_SIZE);
    int size = image ? image : DEFAULT_SIZE;
    dataset->info = (rncl_dataset_info){
        .format = dataset->info.format,
        .count = split_counts[options->split],
        .classes = RNCL_FIGURES,
        .height = size,
        .width = size,
        .channels = RNCL_SCENE_CHANNELS,
        .labels = rncl_figure_names,
        /* measured over the training split at 32 x 32 */
        .mean = {0.500f, 0.500f, 0.500f},
        .std = {0.257f, 0.257f, 0.257f},
    };
    /* The only state is which split this is. */
    dataset->state = (void *)&split_counts[options->split];
    return RNCL_OK;
}

static int label_of(const rncl_dataset *dataset, uint32_t index)
{
    (void)dataset;
    return (int)(index % RNCL_FIGURES);
}

static rncl_status read_picture(const rncl_dataset *dataset, uint32_t index, uint8_t *pixels, int *label)
{
    assert(index < dataset->info.count);
    const uint32_t *count = dataset->state;
    uint32_t split = (uint32_t)(count - split_counts);
    rncl_random random = rncl_random_stream(SEED, RNCL_RANDOM_SHAPES, split, index);
    *label = label_of(dataset, index);
    rncl_scene scene;
    rncl_scene_init(&scene, *label, &random);
    rncl_scene_paint(&scene, dataset->info.height, pixels);
    return RNCL_OK;
}

static void close_shapes(rncl_dataset *dataset)
{
    (void)dataset; /* holds nothing */
}

const rncl_reader rncl_reader_shapes = {
    .name = "shapes", .open = open_shapes, .read = read_picture, .label = label_of, .close = close_shapes};
