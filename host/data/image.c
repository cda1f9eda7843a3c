/* Which decoder a picture is for. */
#include "image.h"

#include <stdlib.h>

#include "image_foreign.h"
#include "image_formats.h"
#include "util.h"

static const rncl_image_format *const formats[] = {&rncl_image_png, &rncl_image_jpeg, &rncl_image_webp};

static rncl_status find_format(const void *bytes, size_t size, const rncl_image_format **out)
{
    *out = NULL;
    for (size_t i = 0; i < COUNT(formats) && !*out; i++)
        if (formats[i]->recognises(bytes, size))
            *out = formats[i];
    if (*out)
        return RNCL_OK;
    const char *foreign = rncl_image_foreign_bytes(bytes, size);
    return RNCL_FAIL(RNCL_ERR_DATA, "%s", foreign ? foreign : "not PNG, JPEG or WebP");
}

rncl_image_kind rncl_image_recognise(const void *bytes, size_t size)
{
    const rncl_image_format *format;
    return find_format(bytes, size, &format) ? RNCL_IMAGE_UNKNOWN : format->kind;
}

rncl_status rncl_image_probe(const void *bytes, size_t size, rncl_image_header *header)
{
    *header = (rncl_image_header){.orientation = RNCL_UPRIGHT, .scale = 1};
    const rncl_image_format *format;
    RNCL_TRY(find_format(bytes, size, &format));
    RNCL_TRY(format->probe(bytes, size, header));
    return rncl_image_check_size(header->height, header->width);
}

rncl_status rncl_image_decode(const void *bytes, size_t size, uint32_t at_least, rncl_image_header *header,
                              rncl_image *image)
{
    *image = (rncl_image){0};
    *header = (rncl_image_header){.orientation = RNCL_UPRIGHT, .scale = 1};
    const rncl_image_format *format;
    RNCL_TRY(find_format(bytes, size, &format));
    rncl_status st = format->decode(bytes, size, at_least, header, image);
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
    if (!image->borrowed)
        free(image->pixels);
    *image = (rncl_image){0};
}
