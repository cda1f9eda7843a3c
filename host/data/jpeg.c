/* JPEG to 8-bit RGB, at the smallest scale that suffices. The only file that knows libjpeg. As in Pillow,
 * what libjpeg merely warns of (stray bytes, an odd version, a wrong code in the data) is read as libjpeg
 * reads it; a file that ends before its picture does is damaged. */
#include "image_formats.h"

#ifdef RNCL_WITH_JPEG

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* after stdio.h, which they need */
#include <jpeglib.h>

#include <jerror.h>

#include "exif.h"
#include "util.h"

enum {
    RGB = 3,
    INKS = 4,
    MOST_SCANS = 500, /* of a progressive file: each costs as much as the whole picture */
    MOST_MARKER = 0xffff,
    APP1 = JPEG_APP0 + 1,
    EIGHTHS = 8,           /* scales are multiples of 1/8 */
    MOST_MEBIBYTES = 1536, /* libjpeg's own: of a progressive file it keeps all coefficients, 2 bytes each */
};

/* One file on its way. libjpeg leaves by longjmp where it fails: whatever is needed afterwards is in here. */
typedef struct decoder {
    struct jpeg_decompress_struct jpeg; /* first: libjpeg hands this address back */
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    rncl_status status;
    uint8_t *inks; /* one row; NULL: the file is grey or coloured */
} decoder;

/* ---- what libjpeg calls ---- */

static rncl_status status_of(const decoder *d)
{
    const unsigned width = d->jpeg.image_width, height = d->jpeg.image_height;
    if (d->errors.msg_code == JERR_OUT_OF_MEMORY)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to decode a JPEG of %u x %u pixels", width, height);
    if (d->errors.msg_code == JERR_NO_BACKING_STORE)
        return RNCL_FAIL(
            RNCL_ERR_DATA,
            "a progressive JPEG of %u x %u pixels, for which decoding needs more than %d MiB; save "
            "it as a baseline JPEG, or smaller",
            width, height, MOST_MEBIBYTES);
    char message[JMSG_LENGTH_MAX];
    d->errors.format_message((j_common_ptr)&d->jpeg, message);
    return RNCL_FAIL(RNCL_ERR_DATA, "damaged JPEG: %s", message);
}

static void on_error(j_common_ptr common)
{
    decoder *d = (decoder *)common;
    d->status = status_of(d);
    longjmp(d->failed, 1);
}

static void on_message(j_common_ptr common, int level)
{
    (void)common;
    (void)level; /* below 0: a warning */
}

static void on_progress(j_common_ptr common)
{
    decoder *d = (decoder *)common;
    if (d->jpeg.input_scan_number <= MOST_SCANS)
        return;
    d->status = RNCL_FAIL(RNCL_ERR_DATA, "damaged JPEG: more than %d scans", MOST_SCANS);
    longjmp(d->failed, 1);
}

static void ignore_source(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

/* The file is all there is: libjpeg then returns to whoever asked it to read, who reports the end. */
static boolean at_end(j_decompress_ptr jpeg)
{
    (void)jpeg;
    return FALSE;
}

static void skip_bytes(j_decompress_ptr jpeg, long count)
{
    struct jpeg_source_mgr *source = jpeg->src;
    const size_t skipped = count > 0 ? MIN((size_t)count, source->bytes_in_buffer) : 0;
    source->next_input_byte += skipped;
    source->bytes_in_buffer -= skipped;
}

static rncl_status truncated(void)
{
    return RNCL_FAIL(RNCL_ERR_DATA, "damaged JPEG: it ends too early");
}

/* ---- steps, in the reach of setjmp ---- */

static rncl_status create(decoder *d, const void *bytes, size_t size)
{
    d->jpeg.err = jpeg_std_error(&d->errors);
    d->errors.error_exit = on_error;
    d->errors.emit_message = on_message;
    jpeg_create_decompress(&d->jpeg);
    d->jpeg.mem->max_memory_to_use = (long)MOST_MEBIBYTES << 20;
    d->source = (struct jpeg_source_mgr){
        .next_input_byte = bytes,
        .bytes_in_buffer = size,
        .init_source = ignore_source,
        .fill_input_buffer = at_end,
        .skip_input_data = skip_bytes,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = ignore_source,
    };
    d->progress.progress_monitor = on_progress;
    d->jpeg.src = &d->source;
    d->jpeg.progress = &d->progress;
    return RNCL_OK;
}

/* By EXIF or, failing that, by XMP. */
static int orientation_of(const decoder *d)
{
    static const char exif[6] = "Exif\0", xmp[29] = "http://ns.adobe.com/xap/1.0/";
    int by_exif = 0, by_xmp = 0;
    for (jpeg_saved_marker_ptr m = d->jpeg.marker_list; m; m = m->next) {
        if (!by_exif && m->data_length > sizeof exif && !memcmp(m->data, exif, sizeof exif))
            by_exif = rncl_exif_orientation(m->data, m->data_length);
        else if (!by_xmp && m->data_length > sizeof xmp && !memcmp(m->data, xmp, sizeof xmp))
            by_xmp = rncl_xmp_orientation(m->data, m->data_length);
    }
    return by_exif ? by_exif : by_xmp ? by_xmp : RNCL_UPRIGHT;
}

static rncl_status read_header(decoder *d, rncl_image_header *header)
{
    jpeg_save_markers(&d->jpeg, APP1, MOST_MARKER);
    if (jpeg_read_header(&d->jpeg, TRUE) != JPEG_HEADER_OK)
        return truncated();
    const int components = d->jpeg.num_components;
    if (components != 1 && components != RGB && components != INKS)
        return RNCL_FAIL(RNCL_ERR_DATA, "a JPEG of %d components, and those of 1, 3 and 4 can be read",
                         components);
    header->height = d->jpeg.image_height;
    header->width = d->jpeg.image_width;
    header->orientation = orientation_of(d);
    return rncl_image_check_size(header->height, header->width); /* at whatever scale */
}

/* Chooses the smallest scale whose shorter side is at least so long; without one, full size. */
static void choose_scale(decoder *d, uint32_t at_least)
{
    d->jpeg.scale_denom = EIGHTHS;
    for (d->jpeg.scale_num = at_least ? 1 : EIGHTHS; d->jpeg.scale_num < EIGHTHS; d->jpeg.scale_num++) {
        jpeg_calc_output_dimensions(&d->jpeg);
        if (MIN(d->jpeg.output_height, d->jpeg.output_width) >= at_least)
            break;
    }
}

/* Adobe's programs, and everybody since, store the four inks inverted. */
static void convert_inks(const uint8_t *inks, size_t pixels, uint8_t *rgb)
{
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < RGB; c++)
            rgb[RGB * i + c] = (uint8_t)((inks[INKS * i + c] * inks[INKS * i + 3] + 127) / 255);
}

static rncl_status read_rows(decoder *d, rncl_image *image)
{
    while (d->jpeg.output_scanline < d->jpeg.output_height) {
        uint8_t *row = image->pixels + (size_t)d->jpeg.output_scanline * image->width * RGB;
        JSAMPROW target = d->inks ? d->inks : row;
        if (jpeg_read_scanlines(&d->jpeg, &target, 1) != 1)
            return truncated();
        if (d->inks)
            convert_inks(d->inks, image->width, row);
    }
    (void)jpeg_finish_decompress(&d->jpeg); /* the end marker may be missing: all pixels are there */
    return RNCL_OK;
}

static rncl_status read_picture(decoder *d, uint32_t at_least, rncl_image_header *header, rncl_image *image)
{
    const bool inks = d->jpeg.num_components == INKS;
    choose_scale(d, at_least);
    header->scale = (float)d->jpeg.scale_num / EIGHTHS;
    d->jpeg.out_color_space = inks ? JCS_CMYK : JCS_RGB;
    jpeg_calc_output_dimensions(&d->jpeg);
    RNCL_TRY(rncl_image_allocate(image, d->jpeg.output_height, d->jpeg.output_width));
    if (inks && !(d->inks = malloc((size_t)image->width * INKS)))
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a picture of %u x %u pixels", image->width, image->height);
    return jpeg_start_decompress(&d->jpeg) ? read_rows(d, image) : truncated();
}

/* ---- all of it ---- */

/* The pixels only if `image` is there. */
static rncl_status read_jpeg(const void *bytes, size_t size, uint32_t at_least, rncl_image_header *header,
                             rncl_image *image)
{
    decoder *d = calloc(1, sizeof *d);
    if (!d)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a JPEG decoder");
    if (!setjmp(d->failed)) {
        d->status = create(d, bytes, size);
        if (!d->status)
            d->status = read_header(d, header);
        if (!d->status && image)
            d->status = read_picture(d, at_least, header, image);
    }
    const rncl_status st = d->status;
    jpeg_destroy_decompress(&d->jpeg);
    free(d->inks);
    free(d);
    return st;
}

static rncl_status jpeg_probe(const void *bytes, size_t size, rncl_image_header *header)
{
    return read_jpeg(bytes, size, 0, header, NULL);
}

static rncl_status jpeg_decode(const void *bytes, size_t size, uint32_t at_least, rncl_image_header *header,
                               rncl_image *image)
{
    return read_jpeg(bytes, size, at_least, header, image);
}

#else

static rncl_status refuse(void)
{
    return RNCL_FAIL(RNCL_ERR_DATA, "a JPEG, which this rncl was built without; on Debian: apt install "
                                    "libjpeg-dev, and build again");
}

static rncl_status jpeg_probe(const void *bytes, size_t size, rncl_image_header *header)
{
    (void)bytes, (void)size, (void)header;
    return refuse();
}

static rncl_status jpeg_decode(const void *bytes, size_t size, uint32_t at_least, rncl_image_header *header,
                               rncl_image *image)
{
    (void)bytes, (void)size, (void)at_least, (void)header, (void)image;
    return refuse();
}

#endif

static bool jpeg_recognises(const uint8_t *bytes, size_t size)
{
    return size >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

const rncl_image_format rncl_image_jpeg = {
    .kind = RNCL_IMAGE_JPEG,
    .recognises = jpeg_recognises,
    .probe = jpeg_probe,
    .decode = jpeg_decode,
};
