/* PNG, every colour type and depth, to 8-bit RGB. Transparency is dropped and gamma ignored, as by Pillow's
 * convert("RGB"). Of 16 bits the upper 8 are kept, as Pillow does it for colour; its convert("RGB") takes all
 * grey above 255 for white, which would leave nothing of such a picture. As in Pillow, a wrong checksum of a
 * chunk before the pixels refuses the picture; from there on checksums of chunks do not count, and
 * after the last pixel only a chunk that is cut off does. Of an animation, the default picture is read. The
 * only file that knows libpng. */
#include <png.h>

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "exif.h"
#include "image_formats.h"
#include "util.h"

typedef struct png_source {
    const uint8_t *bytes;
    size_t size, at;
    uint32_t height;     /* in pixels, 0 before the header has been read */
    bool ended;          /* the file did, where libpng asked for more */
    bool complete;       /* all pixels had been read when libpng complained */
    char complaint[128]; /* libpng's */
} png_source;

static void read_bytes(png_structp png, png_bytep to, size_t size)
{
    png_source *source = png_get_io_ptr(png);
    source->ended = size > source->size - source->at;
    if (source->ended)
        png_error(png, "it ends too early");
    memcpy(to, source->bytes + source->at, size);
    source->at += size;
}

/* libpng counts rows on before it looks at what follows the last of them; with interlacing, passes. */
static bool all_pixels_read(png_structp png)
{
    enum { PASSES = 7 };
    const png_source *source = png_get_io_ptr(png);
    return source->height > 0 &&
           (png_get_current_pass_number(png) == PASSES || png_get_current_row_number(png) == source->height);
}

/* Called by libpng, which does not expect it to come back. */
static void complain(png_structp png, png_const_charp message)
{
    png_source *source = png_get_error_ptr(png);
    snprintf(source->complaint, sizeof source->complaint, "%s", message);
    source->complete = all_pixels_read(png);
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
    png_set_strip_16(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
}

/* ---- orientation ---- */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* ImageMagick's way before PNG had a chunk for EXIF: a line with a name, one with the length, then the bytes
 * in hexadecimal. As many of them as can hold the orientation. */
static int raw_profile_orientation(const char *text)
{
    uint8_t exif[4096];
    size_t count = 0;
    for (int lines = 0; lines < 3 && text; lines++) /* the first one is empty */
        text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL;
    for (int high = -1; text && *text && count < sizeof exif; text++) {
        const int digit = hex_digit(*text);
        if (digit < 0)
            continue;
        if (high >= 0)
            exif[count++] = (uint8_t)(high << 4 | digit);
        high = high < 0 ? digit : -1;
    }
    return rncl_exif_orientation(exif, count);
}

static int text_orientation(const png_text *text)
{
    if (!strcmp(text->key, "Raw profile type exif") || !strcmp(text->key, "Raw profile type APP1"))
        return raw_profile_orientation(text->text);
    return 0;
}

static int xmp_orientation(const png_text *text)
{
    return strcmp(text->key, "XML:com.adobe.xmp") != 0
               ? 0
               : rncl_xmp_orientation((const uint8_t *)text->text, strlen(text->text));
}

/* By EXIF or, failing that, by XMP, as far as the file has been read. */
static int orientation_of(png_structp png, png_infop info)
{
    int orientation = 0, count = 0;
    png_textp texts = NULL;
#ifdef PNG_eXIf_SUPPORTED
    png_uint_32 size = 0;
    png_bytep exif = NULL;
    if (png_get_eXIf_1(png, info, &size, &exif))
        orientation = rncl_exif_orientation(exif, size);
#endif
    png_get_text(png, info, &texts, &count);
    for (int i = 0; i < count && !orientation; i++)
        orientation = text_orientation(&texts[i]);
    for (int i = 0; i < count && !orientation; i++)
        orientation = xmp_orientation(&texts[i]);
    return orientation ? orientation : RNCL_UPRIGHT;
}

/* ---- pixels ---- */

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
    png_read_end(png, info);
    return RNCL_OK;
}

/* Whether the file ends within the contents of a chunk: its pixels' data, or what may be the orientation.
 * Further frames of an animation do not matter. */
static bool ends_inside_chunk(const png_source *source)
{
    enum { SIGNATURE = 8, HEAD = 8, CHECKSUM = 4 };
    bool has_pixels = false;
    for (size_t at = SIGNATURE; source->size - at >= HEAD;) {
        const uint32_t size = png_get_uint_32(source->bytes + at);
        const void *name = source->bytes + at + 4;
        if (has_pixels && !memcmp(name, "fcTL", 4))
            return false;
        has_pixels |= !memcmp(name, "IDAT", 4);
        at += HEAD;
        if (size > source->size - at)
            return true;
        at += size;
        at += MIN((size_t)CHECKSUM, source->size - at);
    }
    return false;
}

/* Reads the header and, if `image` is there, the pixels. */
static rncl_status read_png(const void *bytes, size_t size, rncl_image_header *header, rncl_image *image)
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
        if (!source.complete || (source.ended && ends_inside_chunk(&source)))
            st = RNCL_FAIL(RNCL_ERR_DATA, "damaged PNG: %s", source.complaint);
    } else {
        png_set_read_fn(png, &source, read_bytes);
        png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
        png_read_info(png, info);
        png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
        source.height = header->height = png_get_image_height(png, info);
        header->width = png_get_image_width(png, info);
        if (image)
            st = read_rows(png, info, image);
    }
    if (!st)
        header->orientation = orientation_of(png, info);
    png_destroy_read_struct(&png, &info, NULL);
    return st;
}

static rncl_status png_probe(const void *bytes, size_t size, rncl_image_header *header)
{
    return read_png(bytes, size, header, NULL);
}

static rncl_status png_decode(const void *bytes, size_t size, uint32_t at_least, rncl_image_header *header,
                              rncl_image *image)
{
    (void)at_least; /* PNG has no smaller scales */
    return read_png(bytes, size, header, image);
}

static bool png_recognises(const uint8_t *bytes, size_t size)
{
    static const uint8_t magic[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    return size >= sizeof magic && !memcmp(bytes, magic, sizeof magic);
}

const rncl_image_format rncl_image_png = {
    .kind = RNCL_IMAGE_PNG,
    .recognises = png_recognises,
    .probe = png_probe,
    .decode = png_decode,
};
