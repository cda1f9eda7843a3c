/* PNG, every colour type and depth, to 8-bit RGB. Transparency is dropped and gamma ignored, as by Pillow's
 * convert("RGB"); 16 bits are rounded to 8, where Pillow cuts them off (colour) or takes all above 255 for
 * white (grey). A wrong checksum in any chunk refuses the picture. Of an animation, the default picture is
 * read. The only file that knows libpng. */
#include <png.h>

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "image_formats.h"

typedef struct png_source {
    const uint8_t *bytes;
    size_t size, at;
    char complaint[128]; /* libpng's */
} png_source;

static void read_bytes(png_structp png, png_bytep to, size_t size)
{
    png_source *source = png_get_io_ptr(png);
    if (size > source->size - source->at)
        png_error(png, "it ends too early");
    memcpy(to, source->bytes + source->at, size);
    source->at += size;
}

/* Called by libpng, which does not expect it to come back. */
static void complain(png_structp png, png_const_charp message)
{
    png_source *source = png_get_error_ptr(png);
    snprintf(source->complaint, sizeof source->complaint, "%s", message);
    longjmp(png_jmpbuf(png), 1);
}

static void ignore_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

/* Asks libpng for rows of 8-bit RGB. */
static void set_transforms(png_structp png)
{
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
}

/* Inside setjmp's reach: nothing here is read after a jump but what the pointers lead to. */
static rncl_status read_rows(png_structp png, png_infop info, rncl_image *image)
{
    set_transforms(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    RNCL_TRY(rncl_image_allocate(image, png_get_image_height(png, info), png_get_image_width(png, info)));
    size_t row_bytes = (size_t)image->width * 3;
    if (png_get_rowbytes(png, info) != row_bytes)
        return RNCL_FAIL(RNCL_ERR_DATA, "PNG rows of %zu bytes", png_get_rowbytes(png, info));
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < image->height; y++)
            png_read_row(png, image->pixels + y * row_bytes, NULL);
    png_read_end(png, NULL);
    return RNCL_OK;
}

/* Reads the header and, if `image` is there, the pixels. */
static rncl_status read_png(const void *bytes, size_t size, uint32_t *height, uint32_t *width,
                            rncl_image *image)
{
    png_source source = {.bytes = bytes, .size = size};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, complain, ignore_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a PNG decoder");
    }
    rncl_status st = RNCL_OK;
    if (setjmp(png_jmpbuf(png))) {
        st = RNCL_FAIL(RNCL_ERR_DATA, "damaged PNG: %s", source.complaint);
    } else {
        png_set_read_fn(png, &source, read_bytes);
        png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
        png_read_info(png, info);
        *height = png_get_image_height(png, info);
        *width = png_get_image_width(png, info);
        if (image)
            st = read_rows(png, info, image);
    }
    png_destroy_read_struct(&png, &info, NULL);
    return st;
}

static rncl_status png_probe(const void *bytes, size_t size, uint32_t *height, uint32_t *width)
{
    return read_png(bytes, size, height, width, NULL);
}

static rncl_status png_decode(const void *bytes, size_t size, uint32_t at_least, rncl_image *image)
{
    (void)at_least; /* PNG has no smaller scales */
    uint32_t height, width;
    return read_png(bytes, size, &height, &width, image);
}

const rncl_image_format rncl_image_png = {
    .kind = RNCL_IMAGE_PNG,
    .magic = "\x89PNG\r\n\x1a\n",
    .magic_size = 8,
    .probe = png_probe,
    .decode = png_decode,
};
