/* WebP, lossy and lossless, to 8-bit RGB. Transparency is dropped; of an animation the first picture is read,
 * on black where it leaves the canvas free, as Pillow has it. The only file that knows libwebp. */
#include "image_formats.h"

#include <string.h>

#ifdef RNCL_WITH_WEBP

#include <webp/decode.h>
#include <webp/demux.h>

#include "exif.h"
#include "util.h"

enum { RGB = 3 };

/* The first chunk of that name as an orientation, or 0. */
static int chunk_orientation(const WebPDemuxer *file, const char *name,
                             int (*read)(const uint8_t *bytes, size_t size))
{
    WebPChunkIterator chunk;
    if (!WebPDemuxGetChunk(file, name, 1, &chunk))
        return 0;
    const int orientation = read(chunk.chunk.bytes, chunk.chunk.size);
    WebPDemuxReleaseChunkIterator(&chunk);
    return orientation;
}

static rncl_status read_header(const WebPDemuxer *file, rncl_image_header *header)
{
    header->height = WebPDemuxGetI(file, WEBP_FF_CANVAS_HEIGHT);
    header->width = WebPDemuxGetI(file, WEBP_FF_CANVAS_WIDTH);
    int orientation = chunk_orientation(file, "EXIF", rncl_exif_orientation);
    if (!orientation)
        orientation = chunk_orientation(file, "XMP ", rncl_xmp_orientation);
    header->orientation = orientation ? orientation : RNCL_UPRIGHT;
    return rncl_image_check_size(header->height, header->width);
}

/* The first picture into its place on the canvas. */
static rncl_status read_frame(const WebPIterator *frame, rncl_image *image)
{
    if (frame->x_offset < 0 || frame->y_offset < 0 || frame->width < 1 || frame->height < 1 ||
        (uint32_t)frame->x_offset + (uint32_t)frame->width > image->width ||
        (uint32_t)frame->y_offset + (uint32_t)frame->height > image->height)
        return RNCL_FAIL(RNCL_ERR_DATA, "damaged WebP: its first picture is larger than its canvas");
    const size_t stride = (size_t)image->width * RGB, size = stride * image->height;
    const size_t first = (size_t)frame->y_offset * stride + (size_t)frame->x_offset * RGB;
    if ((uint32_t)frame->width < image->width || (uint32_t)frame->height < image->height)
        memset(image->pixels, 0, size);
    if (!WebPDecodeRGBInto(frame->fragment.bytes, frame->fragment.size, image->pixels + first, size - first,
                           (int)stride))
        return RNCL_FAIL(RNCL_ERR_DATA, "damaged WebP: its pixels cannot be decoded");
    return RNCL_OK;
}

static rncl_status read_picture(const WebPDemuxer *file, rncl_image_header *header, rncl_image *image)
{
    RNCL_TRY(read_header(file, header));
    if (!image)
        return RNCL_OK;
    WebPIterator frame;
    if (!WebPDemuxGetFrame(file, 1, &frame))
        return RNCL_FAIL(RNCL_ERR_DATA, "damaged WebP: there is no picture in it");
    rncl_status st = rncl_image_allocate(image, header->height, header->width);
    if (!st)
        st = read_frame(&frame, image);
    WebPDemuxReleaseIterator(&frame);
    return st;
}

static rncl_status read_webp(const void *bytes, size_t size, rncl_image_header *header, rncl_image *image)
{
    const WebPData data = {.bytes = bytes, .size = size};
    WebPDemuxer *file = WebPDemux(&data);
    if (!file)
        return RNCL_FAIL(RNCL_ERR_DATA, "damaged WebP: it is truncated, or not made of WebP's parts");
    const rncl_status st = read_picture(file, header, image);
    WebPDemuxDelete(file);
    return st;
}

#else

static rncl_status read_webp(const void *bytes, size_t size, rncl_image_header *header, rncl_image *image)
{
    (void)bytes, (void)size, (void)header, (void)image;
    return RNCL_FAIL(RNCL_ERR_DATA, "a WebP, which this rncl was built without; on Debian: apt install "
                                    "libwebp-dev, and build again");
}

#endif

static rncl_status webp_probe(const void *bytes, size_t size, rncl_image_header *header)
{
    return read_webp(bytes, size, header, NULL);
}

static rncl_status webp_decode(const void *bytes, size_t size, uint32_t at_least, rncl_image_header *header,
                               rncl_image *image)
{
    (void)at_least; /* WebP has no smaller scales */
    return read_webp(bytes, size, header, image);
}

static bool webp_recognises(const uint8_t *bytes, size_t size)
{
    return size >= 12 && !memcmp(bytes, "RIFF", 4) && !memcmp(bytes + 8, "WEBP", 4);
}

const rncl_image_format rncl_image_webp = {
    .kind = RNCL_IMAGE_WEBP,
    .recognises = webp_recognises,
    .probe = webp_probe,
    .decode = webp_decode,
};
