/* Read, decoded, turned, resized: in the order of other programs, since rows and columns do not round
 * alike. */
#include "image_file.h"

#include <stdlib.h>

#include "file.h"
#include "util.h"

enum { RGB = 3 };

rncl_status rncl_image_file_probe(const char *path, rncl_image_header *header)
{
    rncl_contents file;
    RNCL_TRY(rncl_file_read(path, &file));
    rncl_status st = rncl_image_probe(file.data, file.size_bytes, header);
    rncl_contents_free(&file);
    return st ? RNCL_FAIL(st, "%s: %s", path, rncl_status_message()) : RNCL_OK;
}

rncl_status rncl_image_file_check(const char *path, rncl_image_header *header)
{
    rncl_contents file;
    rncl_image image;
    RNCL_TRY(rncl_file_read(path, &file));
    rncl_status st = rncl_image_decode(file.data, file.size_bytes, 1, header, &image);
    rncl_contents_free(&file);
    rncl_image_fini(&image);
    return st ? RNCL_FAIL(st, "%s: %s", path, rncl_status_message()) : RNCL_OK;
}

/* A decoded picture, and where in its pixels the file's picture lies: a scale rounds up to whole pixels. */
typedef struct decoded {
    rncl_image image;
    rncl_image_header header;
    rncl_window content;
} decoded;

static rncl_window content_of(const decoded *d)
{
    return (rncl_window){.height = (float)d->header.height * d->header.scale,
                         .width = (float)d->header.width * d->header.scale};
}

/* The header then is that of an upright picture. */
static rncl_status turn_upright(decoded *d)
{
    enum { FIRST_SIDEWAYS = 5 };
    /* By orientation: what has been rounded up at the bottom or right comes to lie at the top, or the left.
     */
    static const bool to_top[] = {[3] = true, [4] = true, [7] = true, [8] = true};
    static const bool to_left[] = {[2] = true, [3] = true, [6] = true, [7] = true, [8] = false};
    const int orientation = d->header.orientation;
    RNCL_TRY(rncl_image_orient(&d->image, orientation));
    d->header.orientation = RNCL_UPRIGHT;
    if (orientation >= FIRST_SIDEWAYS)
        d->header = (rncl_image_header){d->header.width, d->header.height, RNCL_UPRIGHT, d->header.scale};
    d->content = content_of(d);
    if (to_top[orientation])
        d->content.top = (float)d->image.height - d->content.height;
    if (to_left[orientation])
        d->content.left = (float)d->image.width - d->content.width;
    return RNCL_OK;
}

/* To a shorter side of `shorter` pixels; the longer one is cut to whole pixels, as torchvision does. */
static rncl_status resize_to(uint32_t shorter, decoded *d)
{
    const uint64_t stored = MIN(d->header.height, d->header.width);
    rncl_image small = {.height = (uint32_t)(shorter * (uint64_t)d->header.height / stored),
                        .width = (uint32_t)(shorter * (uint64_t)d->header.width / stored)};
    small.pixels = malloc((size_t)small.height * small.width * RGB);
    if (!small.pixels)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for a picture of %u x %u", (unsigned)small.height,
                         (unsigned)small.width);
    rncl_status st = rncl_image_resize(&d->image, &d->content, small.height, small.width, small.pixels);
    rncl_image_fini(&d->image);
    d->image = small;
    return st;
}

/* Whether the decoded picture is larger than wanted. */
static bool too_large(const rncl_detail *detail, const decoded *d)
{
    if (detail->shorter == 0)
        return false;
    return detail->exact ? MIN(d->header.height, d->header.width) > detail->shorter
                         : MIN(d->image.height, d->image.width) / 2 >= detail->shorter;
}

/* How large a JPEG has to be decoded; 0: in full. For exact pictures at four times the wanted size or more,
 * and at half, quarter or eighth scale only: other scales, and smaller ones, differ from resizing the whole
 * by more than 1/255 on average where a picture is full of edges (docs/data.md). */
static uint32_t sufficient_size(const rncl_contents *file, const rncl_detail *detail)
{
    enum { OVERSIZE = 4, MOST_HALVINGS = 3 };
    rncl_image_header header;
    if (!detail->exact || rncl_image_probe(file->data, file->size_bytes, &header))
        return detail->shorter; /* what is wrong with a file is found out when it is decoded */
    const uint32_t full = MIN(header.height, header.width);
    uint32_t side = full;
    for (int i = 0; i < MOST_HALVINGS && side / 2 >= OVERSIZE * detail->shorter; i++)
        side = (side + 1) / 2;
    /* A side of less than 8 pixels is as long at some smaller scale. */
    return side == full ? 0 : side;
}

rncl_status rncl_image_file_decode(const char *path, const rncl_detail *detail, bool turn, rncl_image *image)
{
    *image = (rncl_image){0};
    decoded d;
    rncl_contents file;
    RNCL_TRY(rncl_file_read(path, &file));
    rncl_status st =
        rncl_image_decode(file.data, file.size_bytes, sufficient_size(&file, detail), &d.header, &d.image);
    rncl_contents_free(&file);
    d.content = content_of(&d);
    if (!st && turn)
        st = turn_upright(&d);
    if (!st && too_large(detail, &d))
        st = resize_to(detail->shorter, &d);
    if (st) {
        rncl_image_fini(&d.image);
        return RNCL_FAIL(st, "%s: %s", path, rncl_status_message());
    }
    *image = d.image;
    return RNCL_OK;
}
