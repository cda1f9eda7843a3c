/* Read, decoded, made smaller. */
#include "image_file.h"

#include <stdlib.h>

#include "file.h"
#include "util.h"

enum { RGB = 3 };

rncl_status rncl_image_file_probe(const char *path, uint32_t *height, uint32_t *width)
{
    rncl_contents file;
    RNCL_TRY(rncl_file_read(path, &file));
    rncl_status st = rncl_image_probe(file.data, file.size_bytes, height, width);
    rncl_contents_free(&file);
    return st ? RNCL_FAIL(st, "%s: %s", path, rncl_status_message()) : RNCL_OK;
}

/* Pictures more than twice as large as needed are made as large as needed: less to keep, and less to crop. */
static rncl_status shrink(uint32_t at_least, rncl_image *image)
{
    const uint32_t shorter = MIN(image->height, image->width);
    if (at_least == 0 || shorter / 2 < at_least)
        return RNCL_OK;
    rncl_image small = {.height = (uint32_t)((uint64_t)at_least * image->height / shorter),
                        .width = (uint32_t)((uint64_t)at_least * image->width / shorter)};
    small.pixels = malloc((size_t)small.height * small.width * RGB);
    if (!small.pixels)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for a picture of %u x %u", (unsigned)small.height,
                         (unsigned)small.width);
    const rncl_window all = {.height = (float)image->height, .width = (float)image->width};
    rncl_status st = rncl_image_resize(image, &all, small.height, small.width, small.pixels);
    rncl_image_fini(image);
    *image = small;
    return st;
}

rncl_status rncl_image_file_decode(const char *path, uint32_t at_least, rncl_image *image)
{
    *image = (rncl_image){0};
    rncl_contents file;
    RNCL_TRY(rncl_file_read(path, &file));
    rncl_status st = rncl_image_decode(file.data, file.size_bytes, at_least, image);
    rncl_contents_free(&file);
    if (!st)
        st = shrink(at_least, image);
    if (st)
        rncl_image_fini(image);
    return st ? RNCL_FAIL(st, "%s: %s", path, rncl_status_message()) : RNCL_OK;
}
