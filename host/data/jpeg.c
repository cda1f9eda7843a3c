/* JPEG to 8-bit RGB, at the smallest scale that suffices. The only file that knows libjpeg-turbo. What it
 * warns of (a file that ends too early) counts as damage. */
#include "image_formats.h"

#ifdef RNCL_WITH_JPEG

#include <stdlib.h>
#include <turbojpeg.h>

#include "util.h"

static rncl_status complain(tjhandle jpeg)
{
    return RNCL_FAIL(RNCL_ERR_DATA, "damaged JPEG: %s", tjGetErrorStr2(jpeg));
}

/* The smallest scale whose shorter side is at least so long; without one, full size. */
static tjscalingfactor scale_for(uint32_t at_least, int height, int width)
{
    tjscalingfactor best = {1, 1};
    int count, shorter = MIN(height, width), best_side = shorter;
    const tjscalingfactor *factors = tjGetScalingFactors(&count);
    for (int i = 0; at_least && i < count; i++) {
        int side = TJSCALED(shorter, factors[i]);
        if (side >= (int)at_least && side < best_side) {
            best_side = side;
            best = factors[i];
        }
    }
    return best;
}

/* Adobe's programs, and everybody since, store the four inks inverted. */
static void convert_inks(const uint8_t *inks, size_t pixels, uint8_t *rgb)
{
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] = (uint8_t)((inks[4 * i + c] * inks[4 * i + 3] + 127) / 255);
}

static rncl_status decode_inks(tjhandle jpeg, const void *bytes, size_t size, int flags, rncl_image *image)
{
    size_t pixels = (size_t)image->height * image->width;
    uint8_t *inks = malloc(pixels * 4);
    if (!inks)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a picture of %u x %u pixels", image->width, image->height);
    rncl_status st = RNCL_OK;
    if (tjDecompress2(jpeg, bytes, size, inks, (int)image->width, 0, (int)image->height, TJPF_CMYK, flags))
        st = complain(jpeg);
    else
        convert_inks(inks, pixels, image->pixels);
    free(inks);
    return st;
}

static rncl_status decode_with(tjhandle jpeg, const void *bytes, size_t size, uint32_t at_least,
                               rncl_image *image)
{
    static const int flags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS;
    int width, height, subsampling, colours;
    if (tjDecompressHeader3(jpeg, bytes, size, &width, &height, &subsampling, &colours))
        return complain(jpeg);
    RNCL_TRY(rncl_image_check_size((uint32_t)height, (uint32_t)width)); /* at whatever scale */
    tjscalingfactor scale = scale_for(at_least, height, width);
    RNCL_TRY(rncl_image_allocate(image, (uint32_t)TJSCALED(height, scale), (uint32_t)TJSCALED(width, scale)));
    if (colours == TJCS_CMYK || colours == TJCS_YCCK)
        return decode_inks(jpeg, bytes, size, flags, image);
    if (tjDecompress2(jpeg, bytes, size, image->pixels, (int)image->width, 0, (int)image->height, TJPF_RGB,
                      flags))
        return complain(jpeg);
    return RNCL_OK;
}

static rncl_status jpeg_decode(const void *bytes, size_t size, uint32_t at_least, rncl_image *image)
{
    tjhandle jpeg = tjInitDecompress();
    if (!jpeg)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a JPEG decoder");
    rncl_status st = decode_with(jpeg, bytes, size, at_least, image);
    tjDestroy(jpeg);
    return st;
}

static rncl_status jpeg_probe(const void *bytes, size_t size, uint32_t *height, uint32_t *width)
{
    tjhandle jpeg = tjInitDecompress();
    if (!jpeg)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a JPEG decoder");
    int w, h, subsampling, colours;
    rncl_status st =
        tjDecompressHeader3(jpeg, bytes, size, &w, &h, &subsampling, &colours) ? complain(jpeg) : RNCL_OK;
    if (!st) {
        *width = (uint32_t)w;
        *height = (uint32_t)h;
    }
    tjDestroy(jpeg);
    return st;
}

#else

static rncl_status refuse(void)
{
    return RNCL_FAIL(RNCL_ERR_DATA, "a JPEG, which this rncl was built without; on Debian: apt install "
                                    "libturbojpeg0-dev, and build again");
}

static rncl_status jpeg_decode(const void *bytes, size_t size, uint32_t at_least, rncl_image *image)
{
    (void)bytes, (void)size, (void)at_least, (void)image;
    return refuse();
}

static rncl_status jpeg_probe(const void *bytes, size_t size, uint32_t *height, uint32_t *width)
{
    (void)bytes, (void)size, (void)height, (void)width;
    return refuse();
}

#endif

const rncl_image_format rncl_image_jpeg = {
    .kind = RNCL_IMAGE_JPEG,
    .magic = "\xff\xd8\xff",
    .magic_size = 3,
    .probe = jpeg_probe,
    .decode = jpeg_decode,
};
