/* Formats by magic numbers and suffixes. */
#include "image_foreign.h"

#include <string.h>
#include <strings.h>

#include "util.h"

#define CONVERT ", which rncl does not read: convert it to PNG or JPEG"

typedef struct foreign {
    const char *text;
    const char *suffixes; /* each behind a blank, and a blank at the end */
    size_t at;            /* where the magic number is */
    const char *magic;
    size_t magic_size;
} foreign;

#define MAGIC(bytes) (bytes), sizeof(bytes) - 1

static const foreign kinds[] = {
    {"a GIF picture" CONVERT, " .gif ", 0, MAGIC("GIF8")},
    {"a TIFF picture" CONVERT, " .tif .tiff ", 0, MAGIC("II*\0")},
    {"a TIFF picture" CONVERT, "", 0, MAGIC("MM\0*")},
    {"an AVIF picture" CONVERT, " .avif ", 4, MAGIC("ftypavi")},
    {"a video, no picture", " .mp4 .m4v .mov .avi .mkv .webm ", 4, MAGIC("ftypisom")},
    {"a video, no picture", "", 4, MAGIC("ftypmp4")},
    {"a video, no picture", "", 4, MAGIC("ftypM4V")},
    {"a video, no picture", "", 4, MAGIC("ftypqt")},
    {"a HEIC picture" CONVERT, " .heic .heif ", 4, MAGIC("ftyp")},
    {"a JPEG 2000 picture" CONVERT, " .jp2 .j2k .jpx ", 4, MAGIC("jP  ")},
    {"a JPEG XL picture" CONVERT, " .jxl ", 4, MAGIC("JXL ")},
    {"a Photoshop picture" CONVERT, " .psd ", 0, MAGIC("8BPS")},
    {"an icon" CONVERT, " .ico ", 0, MAGIC("\0\0\1\0")},
    {"a drawing (SVG)" CONVERT, " .svg ", 0, MAGIC("<svg")},
    {"a PNM picture" CONVERT, " .ppm .pgm .pbm .pnm ", 0, MAGIC("P6\n")},
    {"a PNM picture" CONVERT, "", 0, MAGIC("P5\n")},
    {"a BMP picture" CONVERT, " .bmp .dib ", 0, MAGIC("BM")},
    {"a raw picture of a camera" CONVERT, " .cr2 .cr3 .nef .arw .dng .orf .rw2 ", 0, MAGIC("FUJIFILM")},
    {"a PDF document, no picture", " .pdf ", 0, MAGIC("%PDF-")},
    {"a web page, no picture", " .html .htm ", 0, MAGIC("<!DOCTYPE")},
    {"a web page, no picture", "", 0, MAGIC("<!doctype")},
    {"a web page, no picture", "", 0, MAGIC("<html")},
    {"a pointer of Git LFS, no picture: `git lfs pull` fetches it", "", 0, MAGIC("version https://git-lfs")},
};

const char *rncl_image_foreign_bytes(const void *bytes, size_t size)
{
    if (size == 0)
        return "an empty file";
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (size >= kinds[i].at + kinds[i].magic_size &&
            !memcmp((const char *)bytes + kinds[i].at, kinds[i].magic, kinds[i].magic_size))
            return kinds[i].text;
    return NULL;
}

const char *rncl_image_foreign_suffix(const char *suffix)
{
    const size_t length = strlen(suffix);
    for (size_t i = 0; i < COUNT(kinds) && length; i++)
        for (const char *at = kinds[i].suffixes; (at = strchr(at, '.')); at++)
            if (!strncasecmp(at, suffix, length) && at[length] == ' ')
                return kinds[i].text;
    return NULL;
}
