/* Mapped, decoded, resized, turned. The resizing comes first, so that little has to be turned. */
#include "image_file.h"

#include <stdlib.h>

#include "file.h"
#include "util.h"

/* docs/data.md has the measurements: JPEGs that are decoded at this times the wanted size and then resized
 * differ from those decoded at full size by less than 1/255 on average. */
enum { RGB = 3, EXACT_OVERSIZE = 2 };

rncl_status rncl_image_file_probe(const char *path, rncl_image_header *header)
{
    rncl_mapping file;
    RNCL_TRY(rncl_file_map(path, &file));
    rncl_status st = rncl_image_probe(file.data, file.size_bytes, header);
    rncl_file_unmap(&file);
    return st ? RNCL_FAIL(st, "%s: %s", path, rncl_status_message()) : RNCL_OK;
}

rncl_status rncl_image_file_check(const char *path, rncl_image_header *header)
{
    rncl_mapping file;
    rncl_image image;
    RNCL_TRY(rncl_file_map(path, &file));
    rncl_status st = rncl_image_decode(file.data, file.size_bytes, 1, header, &image);
    rncl_file_unmap(&file);
    rncl_image_fini(&image);
    return st ? RNCL_FAIL(st, "%s: %s", path, rncl_status_message()) : RNCL_OK;
}

/* To a shorter side of `shorter` pixels; the longer one is cut to whole pixels, as torchvision does. */
static rncl_status resize_to(uint32_t shorter, const rncl_image_header *header, rncl_image *image)
{
    const uint64_t stored = MIN(header->height, header->width);
    rncl_image small = {.height = (uint32_t)(shorter * (uint64_t)header->height / stored),
                        .width = (uint32_t)(shorter * (uint64_t)header->width / stored)};
    small.pixels = malloc((size_t)small.height * small.width * RGB);
    if (!small.pixels)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for a picture of %u x %u", (unsigned)small.height,
                         (unsigned)small.width);
    const rncl_window all = {.height = (float)header->height * header->scale,
                             .width = (float)header->width * header->scale};
    rncl_status st = rncl_image_resize(image, &all, small.height, small.width, small.pixels);
    rncl_image_fini(image);
    *image = small;
    return st;
}

/* Whether the decoded picture is larger than wanted. */
static bool too_large(const rncl_detail *detail, const rncl_image_header *header, const rncl_image *image)
{
    if (detail->shorter == 0)
        return false;
    return detail->exact ? MIN(header->height, header->width) > detail->shorter
                         : MIN(image->height, image->width) / 2 >= detail->shorter;
}

rncl_status rncl_image_file_decode(const char *path, const rncl_detail *detail, bool turn, rncl_image *image)
{
    *image = (rncl_image){0};
    rncl_mapping file;
    rncl_image_header header;
    const uint32_t at_least = detail->exact ? EXACT_OVERSIZE * detail->shorter : detail->shorter;
    RNCL_TRY(rncl_file_map(path, &file));
    rncl_status st = rncl_image_decode(file.data, file.size_bytes, at_least, &header, image);
    rncl_file_unmap(&file);
    if (!st && too_large(detail, &header, image))
        st = resize_to(detail->shorter, &header, image);
    if (!st && turn)
        st = rncl_image_orient(image, header.orientation);
    if (st)
        rncl_image_fini(image);
    return st ? RNCL_FAIL(st, "%s: %s", path, rncl_status_message()) : RNCL_OK;
}
