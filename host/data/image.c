/* Which decoder a picture is for. */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#include "image_formats.h"
#include "util.h"

static const rncl_image_format *const formats[] = {&rncl_image_png, &rncl_image_jpeg};

static const rncl_image_format *format_of(const void *bytes, size_t size)
{
    for (size_t i = 0; i < COUNT(formats); i++)
        if (size >= formats[i]->magic_size && !memcmp(bytes, formats[i]->magic, formats[i]->magic_size))
            return formats[i];
    return NULL;
}

rncl_image_kind rncl_image_recognise(const void *bytes, size_t size)
{
    const rncl_image_format *format = format_of(bytes, size);
    return format ? format->kind : RNCL_IMAGE_UNKNOWN;
}

rncl_status rncl_image_probe(const void *bytes, size_t size, uint32_t *height, uint32_t *width)
{
    const rncl_image_format *format = format_of(bytes, size);
    *height = *width = 0;
    if (!format)
        return RNCL_FAIL(RNCL_ERR_DATA, "neither PNG nor JPEG");
    RNCL_TRY(format->probe(bytes, size, height, width));
    return rncl_image_check_size(*height, *width);
}

rncl_status rncl_image_decode(const void *bytes, size_t size, uint32_t at_least, rncl_image *image)
{
    const rncl_image_format *format = format_of(bytes, size);
    *image = (rncl_image){0};
    if (!format)
        return RNCL_FAIL(RNCL_ERR_DATA, "neither PNG nor JPEG");
    rncl_status st = format->decode(bytes, size, at_least, image);
    if (st)
        rncl_image_fini(image);
    return st;
}

rncl_status rncl_image_check_size(uint32_t height, uint32_t width)
{
    if (height == 0 || width == 0 || (uint64_t)height * width > RNCL_IMAGE_MOST_PIXELS)
        return RNCL_FAIL(RNCL_ERR_DATA, "pictures of 1 to %u pixels can be read, and this one has %u x %u",
                         RNCL_IMAGE_MOST_PIXELS, width, height);
    return RNCL_OK;
}

rncl_status rncl_image_allocate(rncl_image *image, uint32_t height, uint32_t width)
{
    RNCL_TRY(rncl_image_check_size(height, width));
    image->height = height;
    image->width = width;
    image->pixels = malloc((size_t)height * width * 3);
    return image->pixels ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "a picture of %u x %u pixels", width, height);
}

void rncl_image_fini(rncl_image *image)
{
    free(image->pixels);
    *image = (rncl_image){0};
}
