/* Everything is left to the data set inside, but for the labels. */
#include "relabel.h"

#include <stdlib.h>
#include <string.h>

typedef struct relabelled {
    rncl_reader reader; /* has what the inside's has */
    rncl_dataset *inside;
    int new_of[];
} relabelled;

static const relabelled *of(const rncl_dataset *dataset)
{
    return dataset->state;
}

/* Damaged sets have labels that are no class of theirs. */
static rncl_status relabel(const relabelled *r, uint32_t index, int *label)
{
    const rncl_dataset_info *info = &r->inside->info;
    if (*label < 0 || *label >= info->classes)
        return RNCL_FAIL(RNCL_ERR_DATA, "picture %u of the %s set: label %d is not one of its %d classes",
                         (unsigned)index, info->format, *label, info->classes);
    *label = r->new_of[*label];
    return RNCL_OK;
}

static rncl_status read_picture(const rncl_dataset *dataset, uint32_t index, uint8_t *pixels, int *label)
{
    RNCL_TRY(rncl_dataset_read(of(dataset)->inside, index, pixels, label));
    return relabel(of(dataset), index, label);
}

static rncl_status decode_picture(const rncl_dataset *dataset, uint32_t index, const rncl_detail *detail,
                                  rncl_image *image, int *label)
{
    RNCL_TRY(rncl_dataset_decode(of(dataset)->inside, index, detail, image, label));
    return relabel(of(dataset), index, label);
}

static int label_of(const rncl_dataset *dataset, uint32_t index)
{
    const int label = rncl_dataset_label(of(dataset)->inside, index);
    return label < 0 || label >= of(dataset)->inside->info.classes ? label : of(dataset)->new_of[label];
}

static void close_inside(rncl_dataset *dataset)
{
    relabelled *r = dataset->state;
    r->inside->skips = NULL; /* one list for both, gone by now */
    rncl_dataset_close(r->inside);
    free(r);
}

rncl_status rncl_dataset_relabel(rncl_dataset **dataset, const int *new_of, int classes,
                                 const char *const *labels)
{
    rncl_dataset *inside = *dataset;
    const size_t old_classes = (size_t)inside->info.classes;
    rncl_dataset *outside = malloc(sizeof *outside);
    relabelled *r = malloc(sizeof *r + old_classes * sizeof *r->new_of);
    if (!outside || !r) {
        free(outside);
        free(r);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for the labels of %zu classes", old_classes);
    }
    r->reader = *inside->reader;
    r->reader.read = r->reader.read ? read_picture : NULL;
    r->reader.decode = r->reader.decode ? decode_picture : NULL;
    r->reader.label = r->reader.label ? label_of : NULL;
    r->reader.close = close_inside;
    r->inside = inside;
    memcpy(r->new_of, new_of, old_classes * sizeof *new_of);
    *outside = *inside;
    outside->reader = &r->reader;
    outside->state = r;
    outside->info.classes = classes;
    outside->info.labels = labels;
    *dataset = outside;
    return RNCL_OK;
}
